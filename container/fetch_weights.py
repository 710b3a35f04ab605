"""Bring the weights of a model onto a volume."""

import sys

from fetch.command import main

if __name__ == "__main__":
    sys.exit(main())
