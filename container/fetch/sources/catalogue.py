"""The kinds of sources, by the name that --source gives them."""

from __future__ import annotations

import json
from typing import Callable, Dict

from fetch.http import Client
from fetch.remote import Source
from fetch.sources.archive import Archive
from fetch.sources.directory import Directory
from fetch.sources.fields import Fields
from fetch.sources.git_lfs import GitLfs
from fetch.sources.http_files import HttpFiles
from fetch.sources.huggingface import HuggingFace
from fetch.sources.modelscope import ModelScope
from fetch.sources.s3 import S3
from pod.exit_codes import USAGE, Fault

KINDS: Dict[str, Callable[[Fields, Client], Source]] = {
    "archive": Archive,
    "directory": Directory,
    "git-lfs": GitLfs,
    "http": HttpFiles,
    "huggingface": HuggingFace,
    "modelscope": ModelScope,
    "s3": S3,
}


def parse(text: str, client: Client) -> Source:
    """Return the source that the JSON object `text` describes; `Fault` USAGE names what is wrong with it."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise Fault(USAGE, f"--source is not JSON: {error}") from error
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in KINDS:
        raise Fault(USAGE, f"--source has kind {kind!r}; known are {', '.join(sorted(KINDS))}")
    fields = Fields(kind, data)
    source = KINDS[kind](fields, client)
    fields.end()
    return source
