"""Run an evaluation, keep what it measures, and fail below a minimum: see results/evaluation.py."""

import sys

from results.evaluation import main

if __name__ == "__main__":
    sys.exit(main())
