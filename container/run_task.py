"""Run a vendor's tool and turn its output directory into an artifact."""

import sys

from artifacts.task import main

if __name__ == "__main__":
    sys.exit(main())
