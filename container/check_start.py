"""Check that image, driver and devices are what a program was made for, then become that program."""

import sys

from start.check import main

if __name__ == "__main__":
    sys.exit(main())
