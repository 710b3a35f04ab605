"""The flags that name a model, as serve_model.py has them."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from pod.arguments import whole
from serve.backend import Backend, Settings
from serve.backends.backend_options import option_pairs
from serve.backends.one_process import register
from serve.backends.registry import BACKENDS
from serve.prompts import FAMILIES, Family


class AskedModel(NamedTuple):
    """A model that is not loaded yet, and the form of its prompts."""

    name: str
    family_name: str
    family: Family
    backend_name: str
    backend: Backend


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags, with serve_model.py's names, meanings and defaults."""
    register()
    parser.add_argument("--backend", required=True, choices=sorted(BACKENDS))
    parser.add_argument("--model-name", required=True, help="name in what is written")
    parser.add_argument("--model-family", default="chatglm3", choices=sorted(FAMILIES), help="prompt format")
    parser.add_argument("--model-path", help="folder of the model")
    parser.add_argument(
        "--context-length", type=whole(1, 10**9), help="tokens; default: what the model allows"
    )
    parser.add_argument("--backend-option", action="append", default=[], metavar="KEY=VALUE")


def asked_model(given: argparse.Namespace) -> AskedModel:
    """Return the model that the flags name; a wrong option is a `Fault`."""
    options = option_pairs(given.backend_option)
    settings = Settings(given.model_path, given.model_family, given.context_length, options)
    backend = BACKENDS[given.backend](settings)
    return AskedModel(
        given.model_name, given.model_family, FAMILIES[given.model_family], given.backend, backend
    )
