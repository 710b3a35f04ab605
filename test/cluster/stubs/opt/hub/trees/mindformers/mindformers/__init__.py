"""As much of MindFormers as a server touches, for configurations in YAML."""

import yaml

from mindformers.with_json import AutoModel, ChatGLM3Tokenizer, Settings

__all__ = ["AutoModel", "ChatGLM3Tokenizer", "MindFormerConfig"]
__version__ = "1.0"


class MindFormerConfig(Settings):
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            super().__init__(_settings(yaml.safe_load(file)))


def _settings(value):
    if isinstance(value, dict):
        return Settings({key: _settings(child) for key, child in value.items()})
    return [_settings(child) for child in value] if isinstance(value, list) else value
