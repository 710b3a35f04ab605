"""The context of the device."""

import mindformers


def build_context(config):
    mindformers.CONTEXT.append((config.run_mode, config.use_parallel))
