"""Files behind plain links: what they are before they are fetched, and pages that only look like them."""

from __future__ import annotations

from typing import Optional
from urllib.parse import parse_qs, urlsplit

from fetch.address import shown
from fetch.http import Client, Request, Response
from fetch.refusal import UnsatisfiableError
from pod.exit_codes import NOT_FOUND, USAGE, Fault

_SHARES = ("cloud.tsinghua.edu.cn",)
"""Seafile servers that the models' documents link to; a share is /d/<token>/ or /f/<token>/."""


def link(url: str) -> str:
    """Return `url` if it can be a file's link; `Fault` USAGE for the page of a shared folder or file."""
    parts = urlsplit(url)
    shared = parts.hostname in _SHARES and parts.path.startswith(("/d/", "/f/"))
    if shared and parse_qs(parts.query).get("dl") != ["1"]:
        raise Fault(
            USAGE,
            f"{shown(url)} is the page of a share, not a file: give the link of each file with dl=1, "
            "such as https://<host>/d/<share>/files/?p=/<file>&dl=1",
        )
    return url


def get(client: Client, url: str, path: str, start: int, end: Optional[int], ranged: bool) -> Response:
    """Open `url`, whose content is to be the file `path`; `Fault` NOT_FOUND if it is a web page."""
    response = client.open(Request(url), start, end, ranged)
    page = response.headers.get("Content-Type", "").startswith("text/html")
    if page and not path.endswith((".html", ".htm")):
        response.close()
        raise Fault(
            NOT_FOUND,
            f"{shown(url)} is a web page, not {path}: it may need a login, or another link to the file",
        )
    return response


def probe(client: Client, url: str, path: str) -> Optional[int]:
    """Return the size of the file behind `url`, None if the server does not tell it."""
    try:
        response = get(client, url, path, 0, 1, ranged=True)
    except UnsatisfiableError as error:  # an empty file has no first byte (RFC 9110, 15.5.17)
        if error.size is None:
            raise
        return error.size
    response.close()
    return response.total
