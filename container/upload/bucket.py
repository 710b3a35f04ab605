"""The operations on one bucket that an upload needs, each tried until it succeeds or cannot.

Facts: Amazon S3 API reference, the operation that each method names. Huawei OBS and MinIO speak the same.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Iterable, List, Mapping, Optional

from fetch.address import shown
from fetch.connections import Connections
from fetch.retry import Retries, Retryable, attempt
from fetch.sources.place import EMPTY_SHA256, Place
from upload import multipart, replies
from upload.exchange import send
from upload.multipart import Parts
from upload.payload import Payload
from upload.replies import NO_SUCH_BUCKET, Answer, Refused

DIGEST_HEADER = "x-amz-meta-sha256"


class Bucket:
    """The bucket of `place`; `stop` ends the tries."""

    def __init__(
        self, place: Place, connections: Connections, retries: Retries, stop: threading.Event
    ) -> None:
        self._place = place
        self._connections = connections
        self._retries = retries
        self._stop = stop
        self._secrets = tuple(key for key in (place.secret_key, place.access_key) if key)

    def read(self, key: str) -> Optional[bytes]:
        """Return a small object, None if there is none (GetObject); `Refused` if the bucket is not there."""
        try:
            return self._ask("GET", key).body
        except Refused as refused:
            if refused.status == 404 and refused.reason != NO_SUCH_BUCKET:
                return None
            raise

    def has(self, key: str, size: int, sha256: str) -> bool:
        """Whether the object is there with this size and this digest in its metadata (HeadObject)."""
        try:
            headers = self._ask("HEAD", key).headers
        except Refused as refused:
            if refused.status == 404:
                return False
            raise
        return (headers.get("Content-Length"), headers.get(DIGEST_HEADER)) == (str(size), sha256)

    def put(self, key: str, payload: Payload, sha256: str) -> None:
        """Send an object in one request (PutObject)."""
        self._send(key, {}, {DIGEST_HEADER: sha256}, payload, sha256)

    def write(self, key: str, data: bytes) -> None:
        """Send a small object from memory (PutObject)."""
        headers = {"content-type": "application/json"}
        self._ask("PUT", key, {}, headers, hashlib.sha256(data).hexdigest(), [data], len(data))

    def begin(self, key: str, sha256: str) -> str:
        """Return the id of a new multipart upload of an object with this digest (CreateMultipartUpload)."""

        def once() -> str:
            return multipart.begun(self._once("POST", key, {"uploads": ""}, {DIGEST_HEADER: sha256}).body)

        return attempt(once, self._retries, self._stop)

    def uploads(self, key: str) -> List[str]:
        """Return the ids of the unfinished uploads of `key` (ListMultipartUploads).

        The prefix is the whole key because MinIO knows no other (minio/minio issue 20989).
        """
        return multipart.uploads(self._ask("GET", "", {"uploads": "", "prefix": key}).body, key)

    def parts(self, key: str, upload: str) -> Parts:
        """Return size and ETag of each part that is there, by its number (ListParts); {} if it is gone."""
        found: Parts = {}
        marker: Optional[str] = "0"
        while marker is not None:
            query = {"uploadId": upload, "part-number-marker": marker}
            try:
                page, marker = multipart.parts(self._ask("GET", key, query).body)
            except Refused as refused:
                if refused.status == 404:
                    return {}
                raise
            found.update(page)
        return found

    def put_part(self, key: str, upload: str, number: int, payload: Payload, sha256: str) -> str:
        """Send a part, numbered from 1, and return its ETag (UploadPart)."""
        answer = self._send(key, {"uploadId": upload, "partNumber": str(number)}, {}, payload, sha256)
        return answer.headers.get("ETag", "")

    def complete(self, key: str, upload: str, etags: Mapping[int, str]) -> None:
        """Make the parts an object (CompleteMultipartUpload)."""
        body = multipart.completion(etags)
        digest = hashlib.sha256(body).hexdigest()
        self._ask("POST", key, {"uploadId": upload}, {}, digest, [body], len(body))

    def abort(self, key: str, upload: str) -> None:
        """Remove the parts of an upload (AbortMultipartUpload)."""
        self._ask("DELETE", key, {"uploadId": upload})

    def delete(self, key: str) -> None:
        """Remove an object (DeleteObject)."""
        self._ask("DELETE", key)

    def _send(
        self, key: str, query: Mapping[str, str], headers: Mapping[str, str], payload: Payload, sha256: str
    ) -> Answer:
        def once() -> Answer:
            try:
                return self._once("PUT", key, query, headers, sha256, payload, payload.size)
            except Retryable:
                payload.take_back()
                raise

        return attempt(once, self._retries, self._stop)

    def _ask(
        self,
        method: str,
        key: str,
        query: Optional[Mapping[str, str]] = None,
        headers: Optional[Mapping[str, str]] = None,
        sha256: str = EMPTY_SHA256,
        body: Iterable[bytes] = (),
        size: int = 0,
    ) -> Answer:
        return attempt(
            lambda: self._once(method, key, query, headers, sha256, body, size), self._retries, self._stop
        )

    def _once(
        self,
        method: str,
        key: str,
        query: Optional[Mapping[str, str]] = None,
        headers: Optional[Mapping[str, str]] = None,
        sha256: str = EMPTY_SHA256,
        body: Iterable[bytes] = (),
        size: int = 0,
    ) -> Answer:
        """Try once, signed for this moment."""
        request = self._place.request(method, key, query or {}, headers, sha256)
        response = send(self._connections, request, body, size)
        content = b""
        if method == "HEAD":
            response.close()
        else:
            content = response.whole()
        answer = Answer(response.status, response.headers, content)
        replies.check(f"{method} {shown(request.url)}", answer, self._secrets)
        return answer
