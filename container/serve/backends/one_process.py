"""The backends that run in the server's own process.

All but ATB's: with what its ranks need, the files of one script would be more than a ConfigMap holds.
"""

from __future__ import annotations

from serve.backends.echo import EchoBackend
from serve.backends.mindformers import MindFormersBackend
from serve.backends.registry import BACKENDS
from serve.backends.sophon import SophonBackend
from serve.backends.transformers import TransformersBackend


def register() -> None:
    """Add them to the registry."""
    BACKENDS["echo"] = EchoBackend
    BACKENDS["mindformers"] = MindFormersBackend
    BACKENDS["sophon"] = SophonBackend
    BACKENDS["transformers"] = TransformersBackend
