"""HTTP as weights need it: kept connections, ranges, and redirects that leave no credential behind."""

from __future__ import annotations

import http.client
import re
import ssl
import time
from dataclasses import dataclass, field, replace
from http.client import HTTPException, HTTPResponse
from typing import Dict, Mapping, Optional, Tuple
from urllib.parse import quote, urljoin, urlsplit

from fetch.address import origin, shown, site
from fetch.connections import Connections, Held
from fetch.refusal import LONGEST_BODY, Refusal
from fetch.remote import Body
from fetch.retry import Retryable
from pod.exit_codes import BAD_MANIFEST, BAD_SETTING, Fault

MOST_REDIRECTS = 10
LONGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of a listing; the largest repository listings are a few megabytes."""

_REFUSAL_SECONDS = 2.0
"""How long the body of a refusal may take; what has come by then is shown."""

_SENT_AS_IS = "!#$%&'()*+,/:;=?@[]~"
"""Characters of a URL beside letters, digits and -._ (RFC 3986); others have to be escaped."""

_REDIRECTS = (301, 302, 303, 307, 308)
_STALE = (http.client.BadStatusLine, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


@dataclass(frozen=True)
class Request:
    """One request. `credentials` are headers that only the first URL's origin ever gets.

    `secrets`, and they, are masked in what servers say.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: Optional[bytes] = None
    secrets: Tuple[str, ...] = field(default=(), repr=False)


class Response(Body):
    """The answer to a request, as a body."""

    def __init__(self, held: Held, response: HTTPResponse, url: str) -> None:
        self._held = held
        self._response = response
        self.url = url
        self.status = response.status
        self.headers = response.headers
        self.start, self.total = _extent(response)
        self.validator = _validator(response)
        self.ranged = response.status == 206

    def read(self, count: int) -> bytes:
        """Return at most `count` bytes as soon as some are there; b"" at the end."""
        try:
            return self._response.read1(count)
        except (OSError, HTTPException, ValueError) as error:
            raise Retryable(f"{shown(self.url)}: {_cause(error)}") from error

    def whole(self) -> bytes:
        """Return everything; for listings."""
        parts, size = [], 0
        part = self.read(1 << 16)
        while part:
            parts.append(part)
            size += len(part)
            if size > LONGEST_ANSWER:
                raise Fault(BAD_MANIFEST, f"{shown(self.url)} answers with more than {LONGEST_ANSWER} bytes")
            part = self.read(1 << 16)
        expected = self.headers.get("Content-Length")
        self.close()
        if expected is not None and expected.isdigit() and size < int(expected):
            raise Retryable(f"{shown(self.url)}: closed after {size} of {expected} bytes")
        return b"".join(parts)

    def beginning(self) -> bytes:
        """Return the first bytes, as many as come soon; for what a server says of a failure."""
        until = time.monotonic() + _REFUSAL_SECONDS
        found = b""
        try:
            while len(found) < LONGEST_BODY and time.monotonic() < until:
                part = self.read(LONGEST_BODY - len(found))
                if not part:
                    break
                found += part
        except Retryable:
            return found
        return found

    def close(self) -> None:
        """Keep the connection if everything was read, else drop it."""
        response = self._response
        try:
            if not response.isclosed() and response.length == 0:
                response.read()
            whole = response.isclosed() and not response.will_close
        except (OSError, HTTPException):
            whole = False
        self._held.done(reusable=whole)


class Client:
    """Requests with retries left to the caller: failures are `Retryable` or `Fault`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._locations: Dict[str, Tuple[str, Mapping[str, str]]] = {}

    def open(
        self, request: Request, start: int = 0, end: Optional[int] = None, ranged: bool = False
    ) -> Response:
        """Send `request`, for the bytes from `start` up to `end` if `ranged`, and follow redirects.

        The place that a redirect leads to is remembered, so that a file of many ranges is resolved once; a
        remembered place that refuses (a signed URL that expired) is resolved again.
        """
        if ranged:
            last = "" if end is None else str(end - 1)
            request = replace(request, headers={**request.headers, "Range": f"bytes={start}-{last}"})
        known = self._locations.get(request.url)
        if known is not None:
            try:
                return self._follow(replace(request, url=known[0], credentials=known[1]), request.url)
            except (Fault, Retryable):
                self._locations.pop(request.url, None)
        return self._follow(request, request.url)

    def _follow(self, request: Request, asked: str) -> Response:
        first, url, given = request.url, request.url, request.credentials
        for _ in range(MOST_REDIRECTS):
            response = self._send(request)
            if response.status not in _REDIRECTS:
                if response.status not in (200, 206):
                    raise _refusal(response, request, asked, given).cause()
                if url != first:
                    self._locations[asked] = (url, request.credentials)
                return response
            url = _next(response)
            same = origin(url) == origin(request.url)
            request = replace(request, url=url, credentials=request.credentials if same else {})
        raise Fault(
            BAD_SETTING, f"{shown(first)} redirects more than {MOST_REDIRECTS} times, last to {shown(url)}"
        )

    def _send(self, request: Request) -> Response:
        while True:
            held = self._connections.get(origin(request.url))
            try:
                response = _exchange(held, request)
                return Response(held, response, request.url)
            except ssl.SSLCertVerificationError as error:
                held.done(reusable=False)
                cause = f"the certificate of {shown(request.url)} is not trusted: {error.verify_message}"
                raise Fault(BAD_SETTING, f"{cause}; give the CA that signed it with --ca-bundle") from error
            except (OSError, HTTPException) as error:
                held.done(reusable=False)
                if not (held.reused and isinstance(error, _STALE)):
                    raise Retryable(f"{shown(request.url)}: {_cause(error)}") from error


def _refusal(response: Response, request: Request, asked: str, given: Mapping[str, str]) -> Refusal:
    """Return the answer to `request`, which began at `asked` with the credentials `given`, and close it."""
    body = response.beginning()
    response.close()
    return Refusal(
        response.url,
        response.status,
        response.headers,
        body,
        secrets=(*request.secrets, *given.values()),
        redirected=origin(request.url) != origin(asked),
        withheld=site(asked) if given and not request.credentials else "",
    )


def _exchange(held: Held, request: Request) -> HTTPResponse:
    parts = urlsplit(request.url)
    target = (
        request.url if held.absolute else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    )
    headers = {"Accept-Encoding": "identity", "User-Agent": "cdk8s-chatglm", **held.headers}
    headers.update(request.headers)
    headers.update(request.credentials)
    target = quote(target.split("#")[0], safe=_SENT_AS_IS)
    held.connection.request(request.method, target, body=request.body, headers=headers)
    return held.connection.getresponse()


def _next(response: Response) -> str:
    """Return where a redirect leads; `Fault` if it leaves https or names no place."""
    location = response.headers.get("Location")
    response.close()
    if not location:
        raise Retryable(f"{shown(response.url)} redirects without saying where")
    # Header values are bytes that http.client takes for Latin-1; many servers send paths as they are.
    url = urljoin(response.url, quote(location.encode("latin-1"), safe=_SENT_AS_IS))
    if origin(response.url)[0] == "https" and origin(url)[0] != "https":
        raise Fault(BAD_SETTING, f"{shown(response.url)} redirects from https to {shown(url)}: refused")
    return url


def _extent(response: HTTPResponse) -> Tuple[int, Optional[int]]:
    """Return the offset of the first byte and the size of the whole, from Content-Range or Content-Length."""
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None:
            return -1, None
        return int(match.group(1)), int(match.group(2)) if match.group(2) != "*" else None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _validator(response: HTTPResponse) -> str:
    tag: str = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else str(response.headers.get("Last-Modified", ""))


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "nothing arrived for the stall timeout"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
