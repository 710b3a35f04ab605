"""Run one rank of a training, from its newest complete step on, and note the checkpoints that it finishes."""

import sys

from training.rank import main

if __name__ == "__main__":
    sys.exit(main())
