"""The config of a model whose hidden layer is cut for `world_size` ranks."""

from transformers import PretrainedConfig


class ChatGLMConfig(PretrainedConfig):
    model_type = "chatglm"

    def __init__(self, vocab_size=260, hidden_size=64, world_size=1, float_layers_id=(0,), **more):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.world_size = world_size
        self.float_layers_id = list(float_layers_id)
        super().__init__(**more)
