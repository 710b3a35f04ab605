"""Compile exported ONNX files to a bmodel for Sophgo chips."""

import sys

from tpu.bmodel import main

if __name__ == "__main__":
    sys.exit(main())
