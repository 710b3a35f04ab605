"""Run a command in a folder, with links to files that it looks for there."""

import sys

from trainer.folder import main

if __name__ == "__main__":
    sys.exit(main())
