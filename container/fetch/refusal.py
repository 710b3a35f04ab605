"""What it means that a server refuses a request: what it says, whether another try may help, and when."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Callable, Optional, Sequence, Tuple

from fetch.address import shown
from fetch.retry import Retryable
from pod.exit_codes import BAD_MANIFEST, NOT_FOUND, UNAUTHORISED, Fault

LONGEST_BODY = 4096
LONGEST_TEXT = 300

_TRY_AGAIN = (408, 425, 429)
_CODES = {401: UNAUTHORISED, 403: UNAUTHORISED, 404: NOT_FOUND, 407: UNAUTHORISED, 410: NOT_FOUND}
_ADVICE = "check the token in the Secret, and that its account has access to a gated repository"


class UnsatisfiableError(Retryable):
    """The range that was asked for is not in the file, which has `size` bytes if the server says so."""

    def __init__(self, message: str, size: Optional[int]) -> None:
        super().__init__(message, code=BAD_MANIFEST)
        self.size = size


@dataclass(frozen=True)
class Refusal:
    """An answer that is no success, with the beginning of its body; `secrets` are masked in what it says.

    `redirected`: it is from another host than the one that was asked first. `withheld` is the site that got
    the credentials if this one did not, else "".
    """

    url: str
    status: int
    headers: Message
    body: bytes
    secrets: Tuple[str, ...] = ()
    redirected: bool = False
    withheld: str = ""

    def cause(self) -> Exception:
        """Return the `Retryable` or `Fault` that it is; after a redirect, a signature may have expired."""
        said = f"{shown(self.url)} answers {self.status} {self._said()}".rstrip()
        if self.status in _TRY_AGAIN or self.status >= 500:
            return Retryable(said, wait=pause(self.status, self.headers))
        if self.status == 416:
            return UnsatisfiableError(said, _size(self.headers))
        code = _CODES.get(self.status, BAD_MANIFEST)
        if self.withheld and self.status == 401:
            where = f"{self.withheld} redirects there, and credentials go to no other host"
            return Fault(code, f"{said}; {where}: name the host that it redirects to instead")
        if self.redirected:
            return Retryable(said, code=code)
        return Fault(code, said + (f"; {_ADVICE}" if code == UNAUTHORISED else ""))

    def _said(self) -> str:
        return masked(str(self.headers.get("X-Error-Message", "")) or _document(self.body), self.secrets)


def masked(text: str, secrets: Sequence[str]) -> str:
    """Return what a server says as one line, not too long, without `secrets`."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    plain = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(plain.split())[:LONGEST_TEXT]


def _document(body: bytes) -> str:
    """Return what an error document says, of S3 (Code and Message) or in JSON; "" for anything else."""
    text = body.decode("utf-8", "replace")
    found = (re.search(rf"<{name}>([^<]*)</{name}>", text) for name in ("Code", "Message"))
    said = ": ".join(unescape(match.group(1)) for match in found if match)
    if said:
        return said
    try:
        values = json.loads(text)
    except ValueError:
        return ""
    names = ("message", "Message", "error") if isinstance(values, dict) else ()
    return next((values[name] for name in names if isinstance(values.get(name), str)), "")


def pause(status: int, headers: Message) -> float:
    """Return the seconds that the server asks to wait, 0 if it does not.

    Hugging Face has no Retry-After in its 429, but `RateLimit: "api";r=[remaining];t=[seconds]`
    (hub-docs docs/hub/rate-limits.md).
    """
    asked = headers.get("Retry-After")
    spent = re.search(r"\br=0\s*;\s*t=(\d+)", headers.get("RateLimit", ""))
    if status == 429 and asked is None and spent:
        return float(spent.group(1)) + 1
    return retry_after(asked or "")


def retry_after(value: str, now: Callable[[], float] = time.time) -> float:
    """Return the seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3), else 0."""
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now())
    except (TypeError, ValueError, IndexError):
        return 0.0


def _size(headers: Message) -> Optional[int]:
    match = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
    return int(match.group(1)) if match else None
