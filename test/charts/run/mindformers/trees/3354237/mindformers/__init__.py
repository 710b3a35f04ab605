"""As much of MindFormers at 3354237 as the backend touches."""

from answering import MindFormerConfig, Network, checked_vocabulary

__all__ = ["AutoModel", "ChatGLM3Tokenizer", "MindFormerConfig"]
__version__ = "1.1"


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
        checked_vocabulary(vocab_file)
        self.tokenizer = Inner()

    def __len__(self):
        return 400

    def decode(self, ids):
        return bytes(ids).decode("utf-8", "replace")


class ChatGLM2ForConditionalGeneration(Network):
    def generate(self, input_ids, generation_config=None, logits_processor=None, streamer=None, seed=None, **settings):
        self.say(input_ids, streamer)


class AutoModel:
    @staticmethod
    def from_config(config, **changes):
        return ChatGLM2ForConditionalGeneration({**config.model.model_config, **changes})
