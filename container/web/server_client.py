"""The OpenAI-compatible server, asked for an answer that comes as it is made."""

from __future__ import annotations

import http.client
import json
from typing import Dict, Iterator, List, NamedTuple, Optional
from urllib.parse import urlsplit

from pod.exit_codes import BAD_SETTING, Fault

Message = Dict[str, str]

_SECONDS = 600.0  # of silence; the server says something at least every 10
_DATA = b"data: "
_PORTS = {"http": 80, "https": 443}


class ServerError(Exception):
    """What the server says is wrong, or why it cannot be reached."""


class Choice(NamedTuple):
    """How the answer is made."""

    max_tokens: int
    temperature: float
    top_p: float


class ServerClient:
    """Asks the model `model` at the address `server`, such as http://127.0.0.1:8000."""

    def __init__(self, server: str, model: str, api_key: Optional[str] = None) -> None:
        parts = urlsplit(server)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/"):
            raise Fault(BAD_SETTING, f"--server is '{server}': it must be like http://127.0.0.1:8000")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._model = model
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def answer(self, messages: List[Message], choice: Choice) -> Iterator[str]:
        """Yield the texts of the answer; closing the iterator makes the server stop."""
        body = {"model": self._model, "messages": messages, "stream": True, **choice._asdict()}
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=_SECONDS)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(), self._headers)
            yield from _texts(connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"the server does not answer: {error or type(error).__name__}") from None
        finally:
            connection.close()


def _texts(response: http.client.HTTPResponse) -> Iterator[str]:
    if response.status != 200:
        raise ServerError(_message(response.read(65536)) or f"the server answered {response.status}")
    for line in response:
        data = line[len(_DATA) :].strip() if line.startswith(_DATA) else b""
        if data == b"[DONE]":
            return
        if data:
            yield _text(json.loads(data))
    raise ServerError("the answer was cut off")


def _text(event: Dict[str, object]) -> str:
    error = event.get("error")
    if isinstance(error, dict):
        raise ServerError(str(error.get("message")))
    choices = event.get("choices")
    delta = choices[0].get("delta", {}) if isinstance(choices, list) and choices else {}
    return delta.get("content") or ""


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""
