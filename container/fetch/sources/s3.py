"""S3-compatible object stores, such as Huawei OBS and MinIO.

Facts: Amazon S3 API reference, ListObjectsV2 (list-type=2, pages by continuation-token) and "Authenticating
Requests: Using the Authorization Header (AWS Signature Version 4)". Requests are path-style
({endpoint}/{bucket}/{key}), which every compatible store understands.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from typing import Dict, List, Mapping, Optional, Tuple
from urllib.parse import SplitResult, quote, urlsplit
from xml.etree import ElementTree

from fetch.address import PORTS
from fetch.http import Client, Request
from fetch.remote import Body, RemoteFile, Source
from fetch.sources.fields import Fields
from pod.exit_codes import BAD_MANIFEST, BAD_SETTING, Fault

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class S3(Source):
    """The objects of a bucket under a prefix; signed if both keys are there, else anonymous."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        self._endpoint = fields.url("endpoint").rstrip("/")
        self._bucket = fields.text("bucket")
        prefix = fields.text("prefix", "/").strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._region = fields.text("region", "us-east-1")
        self._keys = fields.secret("accessKeyEnv"), fields.secret("secretKeyEnv")
        self.label = f"s3 {self._bucket}/{self._prefix} at {self._endpoint}"
        if (self._keys[0] is None) != (self._keys[1] is None):
            raise Fault(
                BAD_SETTING, f"{self.label}: one of the access key and the secret key is empty; give both"
            )

    def files(self) -> List[RemoteFile]:
        """List the objects under the prefix, by their names after it."""
        found: List[RemoteFile] = []
        token = ""
        while True:
            query = {"list-type": "2", "prefix": self._prefix}
            if token:
                query["continuation-token"] = token
            page, token = self._page(query)
            found += page
            if not token:
                return found

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open an object."""
        ranged = start > 0 or end != file.size
        return self._client.open(
            self._request(f"/{self._bucket}/{self._prefix}{file.path}", {}), start, end, ranged
        )

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        return {"kind": "s3", "endpoint": self._endpoint, "bucket": self._bucket, "prefix": self._prefix}

    def _page(self, query: Mapping[str, str]) -> Tuple[List[RemoteFile], str]:
        answer = self._client.open(self._request(f"/{self._bucket}", query)).whole()
        try:
            root = ElementTree.fromstring(answer)  # noqa: S314 (as above)
        except ElementTree.ParseError as error:
            raise Fault(
                BAD_MANIFEST, f"{self.label} answers with a listing that is no XML: {error}"
            ) from error
        space = root.tag[: root.tag.find("}") + 1]
        objects = [self._file(item, space) for item in root.iter(f"{space}Contents")]
        more = root.findtext(f"{space}IsTruncated") == "true"
        token = root.findtext(f"{space}NextContinuationToken") or ""
        return [file for file in objects if not file.path.endswith("/") and file.path], token if more else ""

    def _file(self, item: ElementTree.Element, space: str) -> RemoteFile:
        key = item.findtext(f"{space}Key") or ""
        return RemoteFile(key[len(self._prefix) :], int(item.findtext(f"{space}Size") or 0))

    def _request(self, path: str, query: Mapping[str, str]) -> Request:
        base = urlsplit(self._endpoint)
        path = quote(base.path + path, safe="/~")
        pairs = sorted((quote(key, safe="~"), quote(value, safe="~")) for key, value in query.items())
        text = "&".join(f"{key}={value}" for key, value in pairs)
        url = f"{base.scheme}://{base.netloc}{path}" + (f"?{text}" if text else "")
        access, secret = self._keys
        if access is None or secret is None:
            return Request(url)
        now = datetime.datetime.now(datetime.timezone.utc)
        signed = sign("GET", path, text, _host(base), now, self._region, access, secret)
        return Request(url, credentials=signed)


def _host(base: SplitResult) -> str:
    """Return the Host header as it is sent: without the scheme's own port."""
    host = base.netloc.rpartition(":")[0] if base.port == PORTS[base.scheme] else base.netloc
    return host.lower()


def sign(
    method: str,
    path: str,
    query: str,
    host: str,
    now: datetime.datetime,
    region: str,
    access_key: str,
    secret_key: str,
) -> Dict[str, str]:
    """Return the headers of Signature Version 4 for a request without a body; `path` and `query` as sent."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join([method, path, query, lines, names, EMPTY_SHA256])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    message = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
    key = f"AWS4{secret_key}".encode()
    for part in (*scope.split("/"), message):
        key = hmac.new(key, part.encode("utf-8"), hashlib.sha256).digest()
    value = f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return {"x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": stamp, "Authorization": value}
