"""Builds a network from the section `model` of a configuration, as c8a5808 does."""

import mindformers


def build_model(config=None, default_args=None, module_type="models", class_name=None, **kwargs):
    return mindformers.build(config.model_config)
