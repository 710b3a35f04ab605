"""Train or measure ChatGLM-6B by MindFormers' Trainer."""

import sys

from trainer.glm import main

if __name__ == "__main__":
    sys.exit(main())
