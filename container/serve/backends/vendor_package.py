"""The vendors' Python packages, which are there only in their images."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from pod.exit_codes import IMAGE_MISMATCH, Fault

Vendor = Any
"""An object of a vendor's package, whose types are not to be had here."""


def vendor_package(name: str, image: str) -> ModuleType:
    """Import the package `name`; a `Fault` (IMAGE_MISMATCH) if this is not an image that has it.

    `image` says in a few words what an image must have for the backend.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH, f"this image cannot import '{name}' ({error}): use an image that has {image}"
        ) from error
