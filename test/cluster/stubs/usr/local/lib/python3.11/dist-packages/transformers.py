"""As much of transformers as the serving backends touch, for each generation. A model says its prompt again."""

import json
from pathlib import Path

import torch

__version__ = "4.30.2"
END = 2
SPECIALS = {
    "[gMASK]": 64790, "gMASK": 64790, "<sop>": 64792, "sop": 64792, "<eop>": END,
    "<|system|>": 64794, "<|user|>": 64795, "<|assistant|>": 64796, "<|observation|>": 64797,
}  # fmt: skip
SHIFT = 1000
"""Added to a byte, so that no byte is a special token."""
StoppingCriteriaList = LogitsProcessorList = list


class Config:
    def __init__(self, values):
        self.__dict__.update(values)


class AutoConfig:
    @staticmethod
    def from_pretrained(folder, trust_remote_code):
        assert trust_remote_code
        return Config(json.loads(Path(folder, "config.json").read_text()))


class Inner:
    def convert_token_to_id(self, token):
        return SPECIALS.get(token, 0)

    def encode(self, text):
        return [byte + SHIFT for byte in text.encode()]


class Tokenizer:
    eos_token_id, unk_token_id = END, 0
    all_special_tokens, all_special_ids = list(SPECIALS), list(SPECIALS.values())

    def __init__(self):
        self.tokenizer = Inner()

    def __len__(self):
        return 65024

    def convert_tokens_to_ids(self, name):
        return SPECIALS.get(name, 0)

    def encode(self, text, add_special_tokens=False):
        assert not add_special_tokens
        return self.tokenizer.encode(text)

    def decode(self, ids):
        return bytes(id - SHIFT for id in ids).decode("utf-8", "replace")


class AutoTokenizer:
    @staticmethod
    def from_pretrained(folder, trust_remote_code):
        assert trust_remote_code
        assert any(Path(folder, name).is_file() for name in ("tokenizer.model", "ice_text.model"))
        return Tokenizer()


def _words(ids):
    return [id for id in ids if SHIFT <= id < SHIFT + 256]


class Model:
    generation_config = Config({"eos_token_id": END})

    def __init__(self, config):
        self.config, self.device = config, torch.Device("cpu")
        self._left = []

    def to(self, device):
        self.device = torch.Device(device)
        return self

    def eval(self):
        return self

    def modules(self):
        return []

    def set_weight(self):
        """There is none to lay out."""

    def __call__(self, input_ids, position_ids, past_key_values, return_dict):
        """Return the scores of the next token, as one step of ATB does."""
        assert return_dict and len(input_ids.rows[0]) == len(position_ids.rows[0])
        if past_key_values is None:
            self._left = [*_words(input_ids.rows[0]), END]
        scores = [0.0] * 2000
        scores[self._left.pop(0)] = 1.0
        return Config({"logits": torch.Tensor([[scores]], self.device)})

    def generate(self, input_ids, attention_mask, max_new_tokens, stopping_criteria, logits_processor, **settings):
        assert input_ids.device is self.device is attention_mask.device
        row = list(input_ids.rows[0])
        for token in [*_words(row)[:max_new_tokens], END]:
            logits_processor[0](None, [0.5])
            row.append(token)
            tensor = torch.Tensor([row], self.device)
            if token == END or any(each(tensor, None) for each in stopping_criteria):
                break
        return torch.Tensor([row], self.device)


class AutoModel:
    @staticmethod
    def from_pretrained(folder, config=None, trust_remote_code=False, torch_dtype=None, device=None):
        assert trust_remote_code
        return Model(config)


AutoModelForCausalLM = AutoModel
