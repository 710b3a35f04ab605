"""Measure how fast a model in this process answers: see prompting/benchmark.py."""

import sys

from prompting.benchmark import main

if __name__ == "__main__":
    sys.exit(main())
