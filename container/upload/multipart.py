"""What stores say of multipart uploads, and what they want to hear.

Facts: Amazon S3 API reference, the operation that each function names.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Tuple
from xml.sax.saxutils import escape

from fetch.retry import Retryable
from upload import document

Parts = Dict[int, Tuple[int, str]]
"""Size and ETag of each part, by its number from 1."""


def begun(body: bytes) -> str:
    """Return the id that CreateMultipartUpload gave; `Retryable` if there is none."""
    found = document.values(document.whole(body)).get("UploadId")
    if not found:
        raise Retryable("the store began a multipart upload without saying its id")
    return found


def uploads(body: bytes, key: str) -> List[str]:
    """Return the ids of the uploads of exactly `key` (ListMultipartUploads)."""
    found = [document.values(item) for item in document.children(document.whole(body), "Upload")]
    return [values["UploadId"] for values in found if values.get("Key") == key and values.get("UploadId")]


def parts(body: bytes) -> Tuple[Parts, Optional[str]]:
    """Return the parts, and the marker of the next page if there is one (ListParts)."""
    root = document.whole(body)
    found: Parts = {}
    for item in document.children(root, "Part"):
        values = document.values(item)
        number, size = values.get("PartNumber", ""), values.get("Size", "")
        if number.isdigit() and size.isdigit():
            found[int(number)] = (int(size), values.get("ETag", ""))
    about = document.values(root)
    return found, about.get("NextPartNumberMarker") if about.get("IsTruncated") == "true" else None


def completion(etags: Mapping[int, str]) -> bytes:
    """Return the body of CompleteMultipartUpload for the parts' ETags by number."""
    items = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etags[number])}</ETag></Part>"
        for number in sorted(etags)
    )
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<CompleteMultipartUpload xmlns="{space}">{items}</CompleteMultipartUpload>'.encode()
