"""The context of the device."""


def build_context(config):
    config.built = True
