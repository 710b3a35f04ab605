"""As much of MindFormers as the backend touches. The model says the bytes of its prompt again, then ends.

STUB_VERSION is `old` for mindformers@c8a5808: `generate` without temperature and seed, `from_config` without
overrides, no version; else `new`, which keeps blocks of a cache that its end gives back (v1.1.0).
"""

import json
import os
from pathlib import Path

CONTEXT = []
SPECIALS = ["[gMASK]", "sop", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"]
END = 2
OLD = os.environ.get("STUB_VERSION") == "old"
if not OLD:
    __version__ = "1.0.0"


class Settings(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class MindFormerConfig(Settings):
    def __init__(self, path):
        super().__init__(json.loads(Path(path).read_text(), object_hook=Settings))


class Inner:
    def convert_token_to_id(self, name):
        return 300 + SPECIALS.index(name) if name in SPECIALS else 0

    def encode(self, text):
        return list(text.encode())


class ChatGLM3Tokenizer:
    eos_token_id = END
    all_special_tokens = ()
    all_special_ids = ()

    def __init__(self, vocab_file):
        assert Path(vocab_file).read_text() == "the tokenizer"
        self.tokenizer = Inner()

    def __len__(self):
        return 300 + len(SPECIALS)

    def decode(self, ids):
        return bytes(ids).decode("utf-8", "replace")


class Blocks:
    def __init__(self):
        self.taken = False

    def take(self):
        assert not self.taken, "the blocks of the last generation were not given back"
        self.taken = True

    def clear_cache(self):
        self.taken = False


class Model:
    def __init__(self, values):
        self.config = Settings(values)
        self.block_mgr = Blocks()
        print(f"stub model: {sorted(values.items())}\n", end="", flush=True)

    def _generate(self, input_ids, streamer, max_length, **settings):
        print(f"stub generate: {sorted({**settings, 'max_length': max_length}.items())}\n", end="", flush=True)
        self.block_mgr.take()
        streamer.put(input_ids)
        text = [each for each in input_ids[0] if each < 300 and each != ord("\n")]
        for token in [*text, END, *text][: max_length - len(input_ids[0])]:
            streamer.put([token])
            if token == self.config.eos_token_id:
                break
        streamer.end()
        self.block_mgr.clear_cache()

    if OLD:

        def generate(self, input_ids, do_sample=None, top_k=None, top_p=None, max_length=None, streamer=None):
            self._generate(input_ids, streamer, max_length, do_sample=do_sample, top_k=top_k, top_p=top_p)

    else:

        def generate(self, input_ids, generation_config=None, streamer=None, seed=None, **settings):
            self._generate(input_ids, streamer, seed=seed, **settings)


def build(values):
    assert CONTEXT == [("predict", False)]
    checkpoint = Path(values["checkpoint_name_or_path"])
    assert checkpoint.read_text() == "the weights"
    return Model({**values, "checkpoint_name_or_path": checkpoint.name})


class AutoModel:
    if OLD:

        @classmethod
        def from_config(cls, config):
            raise ValueError("config should be inherited from BaseConfig, or a path to .yaml file for model config.")

    else:

        @classmethod
        def from_config(cls, config, **changes):
            return build({**config.model.model_config, **changes})
