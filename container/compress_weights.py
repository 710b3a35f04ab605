"""Compress sparse ChatGLM2 weights for two devices."""

import sys

from atb.compress import main

if __name__ == "__main__":
    sys.exit(main())
