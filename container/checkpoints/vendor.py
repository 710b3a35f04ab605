"""Packages of the image, imported only when they are needed: flags are checked without them."""

from __future__ import annotations

import importlib
from typing import Any

from pod.exit_codes import IMAGE_MISMATCH, Fault


def package(name: str) -> Any:  # noqa: ANN401 (the vendor's packages have no types here)
    """Return the module `name`; `Fault` IMAGE_MISMATCH if the image does not hold it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"this image has no usable Python package {name} ({error}); "
            f"the task needs it: use the runtime's image, or add {name} to this one",
        ) from error


def member(module: Any, name: str) -> Any:  # noqa: ANN401
    """Return `module.name`; `Fault` IMAGE_MISMATCH if this version of the package does not have it."""
    found = getattr(module, name, None)
    if found is None:
        version = getattr(module, "__version__", "unknown")
        raise Fault(
            IMAGE_MISMATCH,
            f"{module.__name__} {version} of this image has no {name}; "
            f"use an image with a newer {module.__name__}",
        )
    return found
