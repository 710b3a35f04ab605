"""Rewrite a source tree from CUDA to MLU."""

import sys

from migration.gpu_to_mlu import main

if __name__ == "__main__":
    sys.exit(main())
