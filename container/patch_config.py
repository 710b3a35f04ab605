"""Copy a model and set values in the copy's config.json."""

import sys

from patching.command import config_main

if __name__ == "__main__":
    sys.exit(config_main())
