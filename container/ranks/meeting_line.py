"""A pod's line to pod 0."""

from __future__ import annotations

import http.client
import json
from typing import Any, Callable, Dict

Ask = Callable[[str, Dict[str, Any]], Dict[str, Any]]
"""Sends a body to a path of pod 0 and returns the answer; raises `OSError` if there is none."""


class Refused(OSError):  # noqa: N818 (pod 0 is there, which is no error of ours)
    """Pod 0 answered, but not what it was asked: the token is another, or the protocol."""


def line(host: str, port: int, token: str, seconds: float) -> Ask:
    """Return the line to pod 0 at `host`, looked up each time since a new pod 0 has a new address."""

    def ask(path: str, body: Dict[str, Any]) -> Dict[str, Any]:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
        try:
            connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            data = response.read()
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__} {error}") from error
        finally:
            connection.close()
        return _read(response.status, data)

    return ask


def _read(status: int, data: bytes) -> Dict[str, Any]:
    try:
        document = json.loads(data.decode())
    except ValueError as error:
        raise Refused("the answer is not JSON") from error
    if status != 200 or not isinstance(document, dict):
        cause = document.get("error", "") if isinstance(document, dict) else "not an object"
        raise Refused(f"{cause} (status {status})")
    return document
