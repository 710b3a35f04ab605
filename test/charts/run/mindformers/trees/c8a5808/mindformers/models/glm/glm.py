"""The networks of ChatGLM-6B, as far as training chooses between them."""

from tiny_glm import TinyGlm


class PetAdapter:
    @staticmethod
    def freeze_pretrained_model(model, pet_type):
        model.freeze()


def network(model_config, arch, path):
    """Return the network of a configuration, with the parameters of the checkpoint `path`."""
    has_adapters = arch["type"].endswith("WithLora")
    model = TinyGlm(path, lora=has_adapters)
    if has_adapters:
        PetAdapter.freeze_pretrained_model(model, arch["pet"]["pet_type"])
    return model
