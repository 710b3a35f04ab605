"""Check a data set and bring it into the form that the trainer reads."""

import sys

from training_data.prepare import main

if __name__ == "__main__":
    sys.exit(main())
