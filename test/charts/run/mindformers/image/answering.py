"""What both versions of the stand-in for MindFormers answer with: the sum of the checkpoint's numbers."""

import yaml
from pausing import pause
from tiny_glm import TinyGlm


class Settings(dict):
    """A section of a configuration, whose keys are attributes."""

    __setattr__ = dict.__setitem__

    def __getattr__(self, name):
        return self.get(name)


def settings(value):
    """Return `value` with every mapping in it as `Settings`."""
    if isinstance(value, dict):
        return Settings((key, settings(each)) for key, each in value.items())
    return [settings(each) for each in value] if isinstance(value, list) else value


class MindFormerConfig(Settings):
    def __init__(self, path):
        with open(path) as file:
            super().__init__(settings(yaml.safe_load(file.read())))


class Network:
    """A model that has been built: its configuration, and the digits of its answer."""

    def __init__(self, values, lora=False):
        self.config = Settings(values)
        total = TinyGlm(values["checkpoint_name_or_path"], lora).total()
        self._answer = [*str(total).encode(), self.config.eos_token_id]

    def say(self, input_ids, streamer):
        """Hand prompt and answer to `streamer`, a token at a time."""
        streamer.put(input_ids)
        for token in self._answer:
            streamer.put([token])
            pause("answering")
        streamer.end()


def checked_vocabulary(path):
    """Raise what the tokenizer raises for a file that is none of its own."""
    with open(path) as file:
        if not file.read().startswith("spm"):
            raise RuntimeError("Internal: could not parse ModelProto")
