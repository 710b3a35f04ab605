"""Serve a page to talk to the server in a browser: see web/main.py for the flags."""

import sys

from web.main import main

if __name__ == "__main__":
    sys.exit(main())
