"""What the answers of an object store mean.

Facts: Amazon S3 API reference, "Error responses", and the operations named in each function.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from typing import Dict, List, Mapping, Optional, Tuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from fetch.http import retry_after
from fetch.retry import Retryable
from pod.exit_codes import BAD_SETTING, NO_SPACE, NOT_FOUND, UNAUTHORISED, Fault

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

    A status of 200 may come with an error (CompleteMultipartUpload). `secrets` are masked in what the store says.
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
    root = _parse(body)
    if root is None or _name(root) != "Error":
        return "", ""
    values = {_name(item): (item.text or "").strip() for item in root}
    return values.get("Code", "") or "Error", values.get("Message", "")[:300]


def upload_id(answer: Answer) -> str:
    """Return the id that CreateMultipartUpload gave; `Retryable` if there is none."""
    found = _texts(_whole(answer), "UploadId")
    if not found:
        raise Retryable("the store began a multipart upload without saying its id")
    return found[0]


def uploads(answer: Answer, key: str) -> List[str]:
    """Return the ids of the uploads of exactly `key`, latest first (ListMultipartUploads)."""
    found = [_values(item) for item in _items(answer, "Upload")]
    mine = [values for values in found if values.get("Key") == key and values.get("UploadId")]
    return [values["UploadId"] for values in sorted(mine, key=_initiated, reverse=True)]


def _initiated(values: Dict[str, str]) -> str:
    return values.get("Initiated", "")


def parts(answer: Answer) -> Tuple[Dict[int, Tuple[int, str]], Optional[str]]:
    """Return size and ETag of each part, and the marker of the next page if there is one (ListParts)."""
    found = {}
    for item in _items(answer, "Part"):
        values = _values(item)
        number, size = values.get("PartNumber", ""), values.get("Size", "")
        if number.isdigit() and size.isdigit():
            found[int(number)] = (int(size), values.get("ETag", ""))
    root = _values(_whole(answer))
    return found, root.get("NextPartNumberMarker") if root.get("IsTruncated") == "true" else None


def completion(etags: Mapping[int, str]) -> bytes:
    """Return the body of CompleteMultipartUpload for the parts' ETags by number."""
    items = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etags[number])}</ETag></Part>"
        for number in sorted(etags)
    )
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<CompleteMultipartUpload xmlns="{space}">{items}</CompleteMultipartUpload>'.encode()


def _whole(answer: Answer) -> ElementTree.Element:
    root = _parse(answer.body)
    if root is None:
        raise Retryable("the store's answer is no XML")
    return root


def _parse(body: bytes) -> Optional[ElementTree.Element]:
    """Return the document; stores send blanks before it to keep a connection alive."""
    try:
        return ElementTree.fromstring(body.strip())  # noqa: S314 (the store holds the keys' account anyway)
    except ElementTree.ParseError:
        return None


def _items(answer: Answer, name: str) -> List[ElementTree.Element]:
    return [item for item in _whole(answer) if _name(item) == name]


def _texts(root: ElementTree.Element, name: str) -> List[str]:
    return [item.text for item in root if _name(item) == name and item.text]


def _values(root: ElementTree.Element) -> Dict[str, str]:
    return {_name(item): (item.text or "").strip() for item in root}


def _name(item: ElementTree.Element) -> str:
    return item.tag.rpartition("}")[2]
