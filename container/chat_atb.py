"""Talk to ChatGLM2 on ATB over a terminal: chat_session.py with the backend `atb` alone, on one device."""

import sys

from prompting.chat import main
from serve.backends.atb import atb
from serve.backends.registry import BACKENDS

if __name__ == "__main__":
    BACKENDS["atb"] = atb
    sys.exit(main())
