"""Export a patched ChatGLM3 to ONNX files."""

import sys

from tpu.export import main

if __name__ == "__main__":
    sys.exit(main())
