"""The part of YAML that the stub's configurations use, and overrides by dotted names as the real ones go."""


def scalar(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"True": True, "False": False, "": None}.get(text, text.strip("'\""))


def read(path):
    """Return the nested mappings of a file with one `key: value` a line."""
    top = {}
    stack = [(-1, top)]
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            indent = len(line) - len(line.lstrip())
            key, _, value = line.strip().partition(":")
            while stack[-1][0] >= indent:
                stack.pop()
            parent = stack[-1][1]
            if value.strip():
                parent[key] = scalar(value.strip())
            else:
                parent[key] = {}
                stack.append((indent, parent[key]))
    return top


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
        node[keys[-1]] = scalar(value)
    return config
