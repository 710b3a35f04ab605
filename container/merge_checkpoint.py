"""Merge the checkpoints of a training run's ranks into one."""

import sys

from checkpoints.merge import main

if __name__ == "__main__":
    sys.exit(main())
