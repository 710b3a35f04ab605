"""The context of a run."""

from tiny_glm import Place


def build_context(config):
    """Find this rank's place among all; with `use_parallel` it needs the launcher's environment."""
    config.place = Place(config.use_parallel)
