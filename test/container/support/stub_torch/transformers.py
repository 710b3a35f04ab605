"""As much of transformers 4.27 as the backend touches. The model says the bytes of its prompt again, then ends."""

import json
import os
from pathlib import Path

import torch

__version__ = "4.27.4"
SPECIALS = ["[gMASK]", "<sop>", "<eop>"]
END = 256 + SPECIALS.index("<eop>")
StoppingCriteriaList = LogitsProcessorList = list
KNOWN = set("do_sample temperature top_p top_k num_beams eos_token_id pad_token_id".split())


class Config:
    def __init__(self, values):
        self.__dict__.update(values)


class AutoConfig:
    @staticmethod
    def from_pretrained(folder, trust_remote_code):
        assert trust_remote_code
        return Config(json.loads(Path(folder, "config.json").read_text()))


class Tokenizer:
    eos_token_id = END
    all_special_tokens = SPECIALS
    all_special_ids = (256, 257, 258)

    def __len__(self):
        return 259

    def convert_tokens_to_ids(self, name):
        return 256 + SPECIALS.index(name) if name in SPECIALS else 0

    def encode(self, text, add_special_tokens):
        assert not add_special_tokens
        return list(text.encode())

    def decode(self, ids):
        return bytes(ids).decode("utf-8", "replace")


class AutoTokenizer:
    @staticmethod
    def from_pretrained(folder, trust_remote_code):
        assert trust_remote_code
        return Tokenizer()


class Model:
    generation_config = Config({"eos_token_id": END})

    def __init__(self, config, dtype):
        self.config, self.dtype, self.device = config, dtype, torch.Device("cpu")

    def to(self, device):
        self.device = torch.Device(device)
        return self

    def eval(self):
        print(f"stub model: {self.dtype} on {self.device.type}\n", end="", flush=True)
        return self

    def generate(
        self, input_ids, attention_mask, max_new_tokens, stopping_criteria, logits_processor, **settings
    ):
        assert set(settings) == KNOWN, settings
        assert input_ids.device is self.device is attention_mask.device
        print(f"stub model: {sorted(settings.items())}\n", end="", flush=True)
        row = list(input_ids.rows[0])
        scores = [float("nan") if os.environ.get("STUB_NAN") else 0.5]
        for token in [each for each in row if each < 256][:max_new_tokens] + [END]:
            logits_processor[0](None, scores)
            row.append(token)
            # 4.27 does not ask the criteria about a token that ends the text
            if token == END or any(
                each(torch.Tensor([row], self.device), None) for each in stopping_criteria
            ):
                break
        return torch.Tensor([row], self.device)


class AutoModel:
    @staticmethod
    def from_pretrained(folder, config, trust_remote_code, torch_dtype):
        assert trust_remote_code
        return Model(config, torch_dtype)


class AutoModelForCausalLM:
    @staticmethod
    def from_pretrained(*_arguments, **_more):
        raise AssertionError("ChatGLM-6B's code registers itself as AutoModel alone")
