"""Bring the weights of a model onto a volume."""

import sys

from fetch.command import main

sys.exit(main())
