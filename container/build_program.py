"""Build a vendor's program from its source tree."""

import sys

from building.llm_tpu import main

if __name__ == "__main__":
    sys.exit(main())
