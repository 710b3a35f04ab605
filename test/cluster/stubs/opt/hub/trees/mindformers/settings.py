"""Configurations, and overrides by dotted names as the real ones go."""

import yaml


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def override(config, arguments):
    """Apply `--a.b=value` and `--a.b value`; each token is split at every "=", and they come in pairs."""
    tokens = [part for argument in arguments for part in argument.split("=")]
    if len(tokens) % 2:
        raise ValueError(f"cannot pair the arguments {arguments}: a value holds '=' or is missing")
    for name, value in zip(tokens[::2], tokens[1::2]):
        if not name.startswith("--"):
            raise ValueError(f"{name!r} is no --name")
        keys = name[2:].split(".")
        node = config
        for key in keys[:-1]:
            if not isinstance(node.get(key), dict):
                raise KeyError(f"{name}: {key} is not in the configuration")
            node = node[key]
        node[keys[-1]] = yaml.safe_load(value)
    return config
