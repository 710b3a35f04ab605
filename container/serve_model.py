"""Serve one model over HTTP in the way that OpenAI's clients expect: see serve/options.py for the flags."""

import sys

from serve.backends.one_process import register
from serve.main import main

if __name__ == "__main__":
    register()
    sys.exit(main())
