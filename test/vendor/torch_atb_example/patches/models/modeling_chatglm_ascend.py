"""Called as the modeling file for ATB is, and computed by all ranks together: each has a slice of one layer."""

import os
from types import SimpleNamespace

import torch
from atb_speed.common.arch.post_process.sample import SampleForModelsBase
from manager import NAME
from transformers import PreTrainedModel

from .configuration_chatglm import ChatGLMConfig

assert NAME == "manager of the example"
SAMPLER = SampleForModelsBase


class ChatGLMForConditionalGeneration(PreTrainedModel):
    config_class = ChatGLMConfig
    _tied_weights_keys = ()

    def __init__(self, config, device=None):
        super().__init__(config)
        assert device == "npu"
        # ATB ends the name of what the ranks meet in with this: the same in all, and another at the next start.
        suffix = os.environ.get("ATB_SHARE_MEMORY_NAME_SUFFIX")
        assert suffix == (f"-{os.environ['MASTER_PORT']}" if config.world_size > 1 else None)
        part = config.hidden_size // config.world_size
        self.embedding = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.up = torch.nn.Linear(config.hidden_size, part, bias=False)
        self.down = torch.nn.Linear(part, config.vocab_size, bias=False)
        self.room = int(os.environ["MAX_SEQ_LEN"])
        self.ready = False
        self.post_init()

    def _init_weights(self, module):
        pass

    def set_weight(self):
        self.ready = True

    def forward(self, input_ids, position_ids, past_key_values, return_dict):
        assert self.ready and return_dict and not torch.is_grad_enabled()
        read = 0 if past_key_values is None else self.read
        assert past_key_values in (None, read)
        assert position_ids.tolist() == [list(range(read, read + input_ids.shape[1]))]
        assert read + input_ids.shape[1] <= self.room
        memory = torch.zeros(self.config.hidden_size) if past_key_values is None else self.memory
        for vector in self.embedding(input_ids)[0].float():
            memory = 0.9 * memory + vector
        self.memory, self.read = memory, read + input_ids.shape[1]
        scores = torch.sin(2 * self.up.weight.float() @ memory) @ self.down.weight.float().T
        if self.config.world_size > 1:
            torch.distributed.all_reduce(scores)
        return SimpleNamespace(logits=scores[None, None].half())
