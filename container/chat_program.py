"""Talk to a bmodel on a terminal, by LLM-TPU's own program."""

import sys

from terminal.llm_tpu import main

if __name__ == "__main__":
    sys.exit(main())
