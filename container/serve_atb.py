"""Serve ChatGLM2 on ATB, started once a device by launch.py: serve_model.py with the backend `atb` alone."""

import sys

from serve.backends.atb import atb
from serve.backends.registry import BACKENDS
from serve.main import main

if __name__ == "__main__":
    BACKENDS["atb"] = atb
    sys.exit(main())
