"""Start MindIE with a configuration that it accepts."""

import sys

from mindie.start import main

if __name__ == "__main__":
    sys.exit(main())
