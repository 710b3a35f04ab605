"""Talk to a model in this process, over a terminal: see prompting/chat.py."""

import sys

from prompting.chat import main

if __name__ == "__main__":
    sys.exit(main())
