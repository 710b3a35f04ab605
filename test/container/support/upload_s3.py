"""A small S3-compatible store in memory that refuses what real ones refuse, and fails when told to."""

from __future__ import annotations

import hashlib
import itertools
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from support.upload_signature import refusal
from support.upload_wire import Cut, Reply, Request, handler

BUCKET = "artifacts"
SMALLEST_PART = 5 * 1024 * 1024
PAGE = 2

Fault = Callable[[Request], "Reply | Cut | None"]


@dataclass
class Upload:
    """An unfinished multipart upload."""

    key: str
    sha256: str
    initiated: str
    parts: dict[int, bytes] = field(default_factory=dict)


class S3Server:
    """`objects` has (content, sha256 in the metadata) by key; `stored` every key, or (key, part), as often as it came.

    `faults` are asked first, each may answer for the store. `exact` lists uploads as MinIO does: by whole keys only.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.uploads: dict[str, Upload] = {}
        self.requests: list[Request] = []
        self.stored: list[object] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.exact = False
        self._numbers = itertools.count(1)
        self._server = _Server(("127.0.0.1", 0), handler(self))
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(str(certificate))
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[S3Server]:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield self
        finally:
            self.close()

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()

    def fault(self, request: Request) -> Reply | Cut | None:
        """Return what goes wrong with a request, before its body is read."""
        with self.lock:
            self.requests.append(request)
            return next((found for found in (fault(request) for fault in self.faults) if found), None)

    def answer(self, request: Request) -> Reply:
        """Return the store's answer."""
        code = refusal(request.method, request.path, request.query, request.headers, request.body)
        if code:
            return error(400 if code in ("XAmzContentSHA256Mismatch", "AuthorizationHeaderMalformed") else 403, code)
        if request.bucket != BUCKET:
            return error(404, "NoSuchBucket")
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        with self.lock:
            if not request.key:
                return self._list_uploads(query) if "uploads" in query else self._list(query)
            if "uploadId" in query:
                return self._multipart(request, query)
            return getattr(self, f"_{request.method.lower()}")(request)

    def begin(self, key: str, sha256: str, initiated: str = "") -> str:
        """Begin a multipart upload; its id."""
        number = next(self._numbers)
        identity = f"upload {number}/+"
        self.uploads[identity] = Upload(key, sha256, initiated or f"2026-01-01T00:{number:02d}:00Z")
        return identity

    def _get(self, request: Request) -> Reply:
        if request.key not in self.objects:
            return error(404, "NoSuchKey")
        data, sha256 = self.objects[request.key]
        headers = {"ETag": _etag(data), "x-amz-meta-sha256": sha256}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if match is None:
            return Reply(200, data, headers)
        start, end = int(match[1]), min(int(match[2] or len(data) - 1), len(data) - 1) + 1
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return Reply(206, data[start:end], headers)

    _head = _get

    def _put(self, request: Request) -> Reply:
        self.objects[request.key] = (request.body, request.headers.get("x-amz-meta-sha256", ""))
        self.stored.append(request.key)
        return Reply(200, b"", {"ETag": _etag(request.body)})

    def _delete(self, request: Request) -> Reply:
        del self.objects[request.key]
        return Reply(204)

    def _post(self, request: Request) -> Reply:
        identity = self.begin(request.key, request.headers.get("x-amz-meta-sha256", ""))
        return document("InitiateMultipartUploadResult", f"<UploadId>{identity}</UploadId>")

    def _multipart(self, request: Request, query: dict[str, str]) -> Reply:
        upload = self.uploads.get(query["uploadId"])
        if upload is None or upload.key != request.key:
            return error(404, "NoSuchUpload")
        if request.method == "PUT":
            number = int(query["partNumber"])
            upload.parts[number] = request.body
            self.stored.append((request.key, number))
            return Reply(200, b"", {"ETag": _etag(request.body)})
        if request.method == "GET":
            return _list_parts(upload, int(query.get("part-number-marker", 0)))
        if request.method == "DELETE":
            del self.uploads[query["uploadId"]]
            return Reply(204)
        return self._complete(query["uploadId"], request.body)

    def _complete(self, identity: str, body: bytes) -> Reply:
        upload = self.uploads[identity]
        given = [(int(item[0].text or 0), item[1].text) for item in ElementTree.fromstring(body)]
        if given != sorted(given):
            return error(400, "InvalidPartOrder")
        if any(number not in upload.parts or _etag(upload.parts[number]) != etag for number, etag in given):
            return error(400, "InvalidPart")
        content = [upload.parts[number] for number, _ in given]
        if any(len(part) < SMALLEST_PART for part in content[:-1]):
            return error(400, "EntityTooSmall")
        del self.uploads[identity]
        self.objects[upload.key] = (b"".join(content), upload.sha256)
        # Stores send blanks while they work, so the document may not be at the start.
        return Reply(200, b"  \n" + document("CompleteMultipartUploadResult", "<ETag>x-2</ETag>").body)

    def _list_uploads(self, query: dict[str, str]) -> Reply:
        prefix = query["prefix"]
        wanted = [
            (identity, upload)
            for identity, upload in self.uploads.items()
            if (upload.key == prefix if self.exact else upload.key.startswith(prefix))
        ]
        items = "".join(
            f"<Upload><Key>{escape(upload.key)}</Key><UploadId>{identity}</UploadId>"
            f"<Initiated>{upload.initiated}</Initiated></Upload>"
            for identity, upload in wanted
        )
        return document("ListMultipartUploadsResult", f"<IsTruncated>false</IsTruncated>{items}")

    def _list(self, query: dict[str, str]) -> Reply:
        keys = sorted(key for key in self.objects if key.startswith(query["prefix"]))
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key][0])}</Size></Contents>" for key in keys
        )
        return document("ListBucketResult", f"<IsTruncated>false</IsTruncated>{items}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed are the point."""


def _list_parts(upload: Upload, marker: int) -> Reply:
    numbers = sorted(number for number in upload.parts if number > marker)
    items = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(_etag(upload.parts[number]))}</ETag>"
        f"<Size>{len(upload.parts[number])}</Size></Part>"
        for number in numbers[:PAGE]
    )
    more = len(numbers) > PAGE
    following = f"<NextPartNumberMarker>{numbers[PAGE - 1]}</NextPartNumberMarker>" if more else ""
    return document("ListPartsResult", f"{following}<IsTruncated>{str(more).lower()}</IsTruncated>{items}")


def document(name: str, content: str) -> Reply:
    """Return an XML answer as stores send it."""
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return Reply(200, f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{space}">{content}</{name}>'.encode())


def error(status: int, code: str, message: str = "as told", **headers: str) -> Reply:
    """Return an error document."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body.encode(), named)


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'
