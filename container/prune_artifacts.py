"""Remove the artifacts of a store that nothing refers to any more."""

import sys

from artifacts.prune import main

sys.exit(main())
