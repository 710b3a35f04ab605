"""Wait until every artifact that this pod reads is complete."""

import sys

from artifacts.wait import main

if __name__ == "__main__":
    sys.exit(main())
