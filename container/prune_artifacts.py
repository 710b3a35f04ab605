"""Remove the artifacts of a store that nothing refers to any more."""

import sys

from artifacts.prune import main

if __name__ == "__main__":
    sys.exit(main())
