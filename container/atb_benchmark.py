"""Measure the speed of ChatGLM2 on ATB."""

import sys

from atb.benchmark import main

if __name__ == "__main__":
    sys.exit(main())
