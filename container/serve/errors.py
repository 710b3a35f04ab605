"""What a client is told when its request fails."""

from __future__ import annotations

from typing import Dict, Optional

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Payload Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


class ApiError(Exception):
    """A failed request: the HTTP status, and OpenAI's `error` object that explains it.

    `kind` is the object's `type`. `close` says that the rest of the connection can no longer
    be trusted, because where the next request starts is unknown.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: Optional[str] = None,
        param: Optional[str] = None,
        headers: Optional[Dict[str, str]] = None,
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = dict(headers or {})
        self.close = close

    def body(self) -> Dict[str, object]:
        """Return the JSON object of the response."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def unavailable(message: str, code: str, retry_after: int) -> ApiError:
    """Return the 503 of a server that cannot take this request now but may in `retry_after` seconds."""
    return ApiError(
        503, message, kind="server_error", code=code, headers={"Retry-After": str(max(1, retry_after))}
    )
