"""Quantize ChatGLM2 weights with ModelSlim."""

import sys

from atb.quantize import main

if __name__ == "__main__":
    sys.exit(main())
