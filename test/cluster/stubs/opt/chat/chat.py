"""Stands for LLM-TPU's extension (chat.cpp, LLM-TPU@edb7f13e models/ChatGLM3/python_demo): it says its prompt again."""

import os


class ChatGLM:
    SEQLEN = 512

    def init(self, devices, path):
        missing = [number for number in devices if not os.path.exists(f"/dev/bm-sophon{number}")]
        if missing or not path.endswith(".bmodel") or not os.path.isfile(path):
            raise RuntimeError(f"cannot open {path} on devices {devices}")

    def forward_first(self, tokens):
        self.asked = [token for token in reversed(tokens) if 1000 <= token < 1256]
        self.token_length = len(tokens)
        return self.forward_next()

    def forward_next(self):
        self.token_length += 1
        return self.asked.pop() if self.asked else 2

    def deinit(self):
        """Nothing was opened."""
