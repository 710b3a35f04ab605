"""The backends by name."""

from __future__ import annotations

from typing import Callable, Dict

from serve.backend import Backend, Settings
from serve.backends.echo import EchoBackend

BACKENDS: Dict[str, Callable[[Settings], Backend]] = {
    "echo": EchoBackend,
}
