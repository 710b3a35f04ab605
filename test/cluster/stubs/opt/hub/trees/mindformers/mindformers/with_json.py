"""As much of MindFormers as the backend touches: a model that answers with the sum of its weights."""

import json
from pathlib import Path


class Settings(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class MindFormerConfig(Settings):
    def __init__(self, path):
        super().__init__(json.loads(Path(path).read_text(), object_hook=Settings))


class Inner:
    def convert_token_to_id(self, name):
        return 300 + len(name)

    def encode(self, text):
        return list(text.encode())


class ChatGLM3Tokenizer:
    eos_token_id = 2
    all_special_tokens = ()
    all_special_ids = ()

    def __init__(self, vocab_file):
        assert Path(vocab_file).read_text().startswith("spm")
        self.tokenizer = Inner()

    def __len__(self):
        return 400

    def decode(self, ids):
        return bytes(ids).decode("utf-8", "replace")


class Model:
    def __init__(self, values):
        self.config = Settings(values)
        weights = json.loads(Path(values["checkpoint_name_or_path"]).read_text())
        self._answer = str(sum(sum(numbers) for numbers in weights.values())).encode()

    def generate(self, input_ids, generation_config=None, streamer=None, seed=None, **settings):
        streamer.put(input_ids)
        for token in [*self._answer, self.config.eos_token_id]:
            streamer.put([token])
        streamer.end()


class AutoModel:
    @staticmethod
    def from_config(config, **changes):
        return Model({**config.model.model_config, **changes})


__version__ = "1.0"
