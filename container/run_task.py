"""Run a vendor's tool and turn its output directory into an artifact."""

import sys

from artifacts.task import main

sys.exit(main())
