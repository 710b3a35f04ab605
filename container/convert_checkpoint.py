"""Convert a GLM checkpoint from Hugging Face's format to MindSpore's, or back, or to safetensors."""

import sys

from checkpoints.convert import main

if __name__ == "__main__":
    sys.exit(main())
