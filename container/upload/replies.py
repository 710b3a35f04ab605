"""What the answers of an object store mean.

Facts: Amazon S3 API reference, "Error responses".
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from typing import Tuple

from fetch.refusal import retry_after
from fetch.retry import Retryable
from pod.exit_codes import BAD_SETTING, NO_SPACE, NOT_FOUND, UNAUTHORISED, Fault
from upload import document

NO_SUCH_BUCKET = "NoSuchBucket"

VANISHED = ("NoSuchUpload", "InvalidPart")
"""The upload, or a part of it, is not there any more, or is another pod's by now."""

_TRY_AGAIN = (408, 425, 429)
_HEALED = (
    "BadDigest",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
)
"""Codes that another try may heal, whatever the status."""

_FULL = ("QuotaExceeded", "InsufficientStorageSpace", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded")
_CODES = {401: UNAUTHORISED, 403: UNAUTHORISED, 404: NOT_FOUND, 407: UNAUTHORISED}
_ADVICE = {
    UNAUTHORISED: "check the keys in the Secret, what they may do in the bucket, and this node's clock",
    NOT_FOUND: "check the endpoint, and make the bucket first",
    NO_SPACE: "free or buy space in the store",
    BAD_SETTING: "check the endpoint, the region and the names",
}


@dataclass(frozen=True)
class Answer:
    """The whole answer to a request."""

    status: int
    headers: Message
    body: bytes


class Refused(Fault):
    """A request that the store refuses for good; `reason` is the code it gave, "" if none."""

    def __init__(self, code: int, message: str, status: int, reason: str) -> None:
        super().__init__(code, message)
        self.status = status
        self.reason = reason


def check(asked: str, answer: Answer, secrets: Tuple[str, ...]) -> None:
    """Raise `Retryable` or `Refused` unless `answer` to the request `asked` is a success.

    Even a 200 may carry an error (CompleteMultipartUpload). `secrets` are masked in what the store says.
    """
    reason, said = _error(answer.body)
    if 200 <= answer.status < 300 and not reason:
        return
    message = f"{asked} answers {answer.status} {reason}".rstrip() + (f" ({said})" if said else "")
    for secret in secrets:
        message = message.replace(secret, "***")
    if reason not in _FULL and _passing(answer.status, reason):
        raise Retryable(message, wait=retry_after(answer.headers.get("Retry-After", "")))
    code = NO_SPACE if reason in _FULL else _CODES.get(answer.status, BAD_SETTING)
    raise Refused(code, f"{message}; {_ADVICE[code]}", answer.status, reason)


def _passing(status: int, reason: str) -> bool:
    return status in _TRY_AGAIN or (status >= 500 and status != 501) or reason in _HEALED


def _error(body: bytes) -> Tuple[str, str]:
    """Return the code and the message of an error document, "" for what is none."""
    root = document.parse(body)
    if root is None or document.name(root) != "Error":
        return "", ""
    values = document.values(root)
    return values.get("Code", "") or "Error", values.get("Message", "")[:300]
