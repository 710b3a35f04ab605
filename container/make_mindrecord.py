"""Make MindRecord files of a data set."""

import sys

from training_data.mindrecord import main

if __name__ == "__main__":
    sys.exit(main())
