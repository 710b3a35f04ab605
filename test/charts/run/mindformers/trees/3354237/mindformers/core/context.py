"""The context of a run."""


def build_context(config):
    """Build nothing."""
