"""The server under test, and OpenAI's client of it. Run: `npm run test:clients`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import openai
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "container"))

from support.serve_server import Server


@pytest.fixture(scope="session")
def python() -> str:
    """The oldest Python to be had, as the pods' images are old."""
    found = sorted(Path.home().glob(".pyenv/versions/3.7.*/bin/python"))
    return os.environ.get("PYTHON_UNDER_TEST") or str(found[0] if found else sys.executable)


@pytest.fixture(scope="module")
def server(python):
    flags = [
        "--api-keys-env",
        "KEYS",
        "--context-length",
        "2000",
        "--backend-option",
        "tokens-per-second=200",
    ]
    with Server(python, *flags, env={"KEYS": "the-key"}) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def client(server):
    with openai.OpenAI(
        base_url=f"http://127.0.0.1:{server.port}/v1", api_key="the-key", max_retries=0
    ) as made:
        yield made
