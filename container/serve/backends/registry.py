"""The backends by name. An entry file of the server registers those that it ships."""

from __future__ import annotations

from typing import Callable, Dict

from serve.backend import Backend, Settings

BACKENDS: Dict[str, Callable[[Settings], Backend]] = {}
