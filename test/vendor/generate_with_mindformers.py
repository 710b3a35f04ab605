"""What MindFormers' own `generate` makes of a question: generate_with_mindformers.py MODEL QUESTION COUNT SETTINGS...

Each of the settings is a JSON object for `generate`; the last line is a JSON list: the prompt, then the tokens made
with each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from mindformers import AutoModel, ChatGLM3Tokenizer, MindFormerConfig
from mindformers.core.context import build_context

folder, question, count, *settings = sys.argv[1:]
config = MindFormerConfig(str(Path(folder, "predict.yaml")))
build_context(config)
tokenizer = ChatGLM3Tokenizer(str(Path(folder, "tokenizer.model")))
ids = np.array(tokenizer.build_chat_input(question, history=[], role="user")["input_ids"])[0].tolist()
network = AutoModel.from_config(config, checkpoint_name_or_path=str(Path(folder, "glm3_6b.ckpt")), batch_size=1)
made = [
    network.generate([ids], max_length=len(ids) + int(count), **json.loads(each))[0][len(ids) :].tolist()
    for each in settings
]
print(json.dumps([ids, *made]))
