"""Serve one model over HTTP in the way that OpenAI's clients expect: see serve/options.py for the flags."""

import sys

from serve.main import main

if __name__ == "__main__":
    sys.exit(main())
