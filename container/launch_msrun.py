"""Start MindSpore's msrun, show its workers' output, and end with the code of the first that fails."""

import sys

from ranks.msrun import main

if __name__ == "__main__":
    sys.exit(main())
