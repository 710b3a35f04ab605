"""As much of MindFormers at c8a5808 as scripts and backend touch. It has no `__version__`."""

from answering import MindFormerConfig

from mindformers.models.glm.chatglm_6b_tokenizer import ChatGLMTokenizer
from mindformers.trainer import Trainer

__all__ = ["AutoModel", "ChatGLMTokenizer", "MindFormerConfig", "Trainer"]


class AutoModel:
    @classmethod
    def from_config(cls, config):
        raise ValueError("config should be inherited from BaseConfig, or a path to .yaml file for model config.")
