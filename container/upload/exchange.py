"""One request with its body, however large, and the answer to it."""

from __future__ import annotations

import http.client
import socket
import ssl
from http.client import HTTPException, HTTPResponse
from typing import Dict, Iterable
from urllib.parse import urlsplit

from fetch.address import origin, shown
from fetch.connections import Connections, Held
from fetch.http import Request, Response
from fetch.retry import Retryable
from pod.exit_codes import BAD_SETTING, Fault

_STALE = (http.client.BadStatusLine, ConnectionError)


def send(connections: Connections, request: Request, body: Iterable[bytes], size: int) -> Response:
    """Send `request` with the `size` bytes of `body`, which is iterated anew if a kept connection was closed.

    Failures are `Retryable`, but for a certificate that is not trusted: `Fault` BAD_SETTING.
    """
    while True:
        held = connections.get(origin(request.url))
        try:
            return Response(held, _exchange(held, request, body, size), request.url)
        except ssl.SSLCertVerificationError as error:
            held.done(reusable=False)
            cause = f"the certificate of {shown(request.url)} is not trusted: {error.verify_message}"
            raise Fault(BAD_SETTING, f"{cause}; give the CA that signed it with --ca-bundle") from error
        except (OSError, HTTPException) as error:
            held.done(reusable=False)
            if not (held.reused and isinstance(error, _STALE)):
                raise Retryable(f"{shown(request.url)}: {_cause(error)}") from error
        except Fault:
            held.done(reusable=False)
            raise


def _exchange(held: Held, request: Request, body: Iterable[bytes], size: int) -> HTTPResponse:
    parts = urlsplit(request.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    target = request.url if held.absolute else path
    connection = held.connection
    try:
        connection.request(request.method, target, body if size else None, _headers(held, request, size))
    except ConnectionError:
        if connection.sock is None:
            raise
        return _early(connection)
    return connection.getresponse()


def _headers(held: Held, request: Request, size: int) -> Dict[str, str]:
    length = {"Content-Length": str(size)} if request.method in ("PUT", "POST") else {}
    ours = {"Accept-Encoding": "identity", "User-Agent": "cdk8s-chatglm", **length}
    return {**ours, **held.headers, **request.headers, **request.credentials}


def _early(connection: http.client.HTTPConnection) -> HTTPResponse:
    """Return the refusal of a server that did not wait for the body; `OSError` if it sent none."""
    response = connection.getresponse()
    response.will_close = True
    return response


def _cause(error: Exception) -> str:
    if isinstance(error, socket.timeout) or "timed out" in str(error):
        return "nothing moved for the stall timeout"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
