"""A model that is no GLM but meets its callers as ChatGLM-6B's code does: its own inputs, known as AutoModel alone."""

import torch
from transformers import PreTrainedModel
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import CausalLMOutputWithPast

from .configuration_tiny import TinyConfig


class TinyTransformer(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.word_embeddings = torch.nn.Embedding(config.vocab_size, config.hidden_size)


class TinyForConditionalGeneration(PreTrainedModel, GenerationMixin):
    config_class = TinyConfig
    base_model_prefix = "transformer"
    main_input_name = "input_ids"
    _tied_weights_keys = {}  # noqa: RUF012 (as transformers has it)

    def __init__(self, config):
        super().__init__(config)
        self.transformer = TinyTransformer(config)
        self.lm_head = torch.nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module):
        pass

    def prepare_inputs_for_generation(self, input_ids, **kwargs):
        # [gMASK] must come before the answer, as the real code demands
        if not (input_ids == self.config.gmask_token_id).any():
            raise ValueError("no [gMASK] in the prompt")
        return {"input_ids": input_ids}

    def forward(self, input_ids=None, attention_mask=None, past_key_values=None, return_dict=None, **kwargs):
        vectors = self.transformer.word_embeddings(input_ids)
        weights = torch.arange(1, input_ids.shape[1] + 1, dtype=vectors.dtype)
        mixed = (vectors * weights[None, :, None]).cumsum(1) / weights.cumsum(0)[None, :, None]
        return CausalLMOutputWithPast(logits=self.lm_head(torch.sin(3 * mixed)) * 2)
