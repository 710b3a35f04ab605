"""Wait until every artifact that this pod reads is complete."""

import sys

from artifacts.wait import main

sys.exit(main())
