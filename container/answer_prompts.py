"""Answer the conversations of a file with a model in this process: see prompting/answers.py."""

import sys

from prompting.answers import main

if __name__ == "__main__":
    sys.exit(main())
