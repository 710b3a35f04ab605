"""Measure the accuracy of ChatGLM2 on ATB."""

import sys

from atb.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
