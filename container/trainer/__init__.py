"""ChatGLM-6B by MindFormers' Trainer, and the folder that MindFormers' programs run in."""
