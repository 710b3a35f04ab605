"""The config of a model that brings its own code."""

from transformers import PretrainedConfig


class TinyConfig(PretrainedConfig):
    model_type = "chatglm-tiny"

    def __init__(self, vocab_size=300, hidden_size=32, max_sequence_length=256, gmask_token_id=257, **kwargs):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = 1
        self.max_sequence_length = max_sequence_length
        self.gmask_token_id = gmask_token_id
        super().__init__(**kwargs)
