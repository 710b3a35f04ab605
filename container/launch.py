"""Start a command once a device, watch all of them, and end with the code of the first that fails."""

import sys

from ranks.launch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
