"""Cut ChatGLM2 weights for the devices that share them."""

import sys

from atb.shard import main

if __name__ == "__main__":
    sys.exit(main())
