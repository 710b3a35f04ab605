"""Copy a model and patch the copy's remote code."""

import sys

from patching.command import modeling_main

if __name__ == "__main__":
    sys.exit(modeling_main())
