"""S3-compatible object stores, such as Huawei OBS and MinIO.

Facts: Amazon S3 API reference, ListObjectsV2 (list-type=2, pages by continuation-token) and "Authenticating
Requests: Using the Authorization Header (AWS Signature Version 4)". Requests are path-style
({endpoint}/{bucket}/{key}), which every compatible store understands.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from typing import Dict, List, Mapping, Optional, Tuple
from urllib.parse import SplitResult, quote, urlsplit
from xml.etree import ElementTree

from artifacts.marker import MARKER_NAME
from fetch.address import PORTS
from fetch.http import Client, Request
from fetch.remote import Body, RemoteFile, Source
from fetch.sources.fields import Fields
from pod.exit_codes import BAD_MANIFEST, BAD_SETTING, Fault

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Place:
    """A bucket, and the keys to it; requests without keys are anonymous."""

    endpoint: str
    bucket: str
    region: str
    access_key: Optional[str] = field(default=None, repr=False)
    secret_key: Optional[str] = field(default=None, repr=False)

    def request(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Optional[Mapping[str, str]] = None,
        payload: str = EMPTY_SHA256,
    ) -> Request:
        """Return the request for the object `key`, "" for the bucket, whose body has the sha256 `payload`."""
        base = urlsplit(self.endpoint)
        path = quote(f"{base.path}/{self.bucket}" + (f"/{key}" if key else ""), safe="/~")
        pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
        text = "&".join(f"{name}={value}" for name, value in pairs)
        url = f"{base.scheme}://{base.netloc}{path}" + (f"?{text}" if text else "")
        access, secret = self.access_key, self.secret_key
        if access is None or secret is None:
            return Request(url, headers or {}, method=method)
        now = datetime.datetime.now(datetime.timezone.utc)
        signed = sign(
            method, path, text, _host(base), now, self.region, access, secret, payload, headers or {}
        )
        return Request(url, credentials=signed, method=method)


class S3(Source):
    """The objects of a bucket under a prefix; signed if both keys are there, else anonymous."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        endpoint = fields.url("endpoint").rstrip("/")
        bucket = fields.text("bucket")
        prefix = fields.text("prefix", "/").strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        region = fields.text("region", "us-east-1")
        keys = fields.secret("accessKeyEnv"), fields.secret("secretKeyEnv")
        self._place = Place(endpoint, bucket, region, *keys)
        self.label = f"s3 {bucket}/{self._prefix} at {endpoint}"
        if (keys[0] is None) != (keys[1] is None):
            raise Fault(
                BAD_SETTING, f"{self.label}: one of the access key and the secret key is empty; give both"
            )

    def files(self) -> List[RemoteFile]:
        """List the objects under the prefix, by their names after it.

        If a manifest is among them, because an artifact was uploaded there, its digests are checked.
        """
        found: List[RemoteFile] = []
        token = ""
        while True:
            query = {"list-type": "2", "prefix": self._prefix}
            if token:
                query["continuation-token"] = token
            page, token = self._page(query)
            found += page
            if not token:
                break
        if not any(file.path == MARKER_NAME for file in found):
            return found
        digests = self._digests()
        absent = sorted(set(digests) - {file.path for file in found})
        if absent:
            raise Fault(
                BAD_MANIFEST, f"its manifest names {absent[0]}, which is not there: upload the artifact again"
            )
        return [replace(file, sha256=digests.get(file.path)) for file in found if file.path != MARKER_NAME]

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open an object."""
        ranged = start > 0 or end != file.size
        return self._client.open(
            self._place.request("GET", f"{self._prefix}{file.path}", {}), start, end, ranged
        )

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        place = self._place
        return {"kind": "s3", "endpoint": place.endpoint, "bucket": place.bucket, "prefix": self._prefix}

    def _page(self, query: Mapping[str, str]) -> Tuple[List[RemoteFile], str]:
        answer = self._client.open(self._place.request("GET", "", query)).whole()
        try:
            root = ElementTree.fromstring(answer)  # noqa: S314 (expat resolves no external entity)
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

    def _digests(self) -> Dict[str, str]:
        """Return the digests in the manifest of an artifact that was uploaded here."""
        answer = self._client.open(self._place.request("GET", f"{self._prefix}{MARKER_NAME}", {})).whole()
        try:
            files = json.loads(answer)["files"]
            return {str(file["path"]): str(file["sha256"]) for file in files if file["sha256"]}
        except (ValueError, KeyError, TypeError) as error:
            raise Fault(
                BAD_MANIFEST,
                f"its manifest {MARKER_NAME} cannot be read ({type(error).__name__}: {error}); "
                "remove it to fetch the objects without it, or upload the artifact again",
            ) from error


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
    payload: str = EMPTY_SHA256,
    more: Optional[Mapping[str, str]] = None,
) -> Dict[str, str]:
    """Return the headers of Signature Version 4, `more` (names in lower case) among them.

    `path` and `query` are as sent; `payload` is the sha256 of the body.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    sent = {**(more or {}), "x-amz-content-sha256": payload, "x-amz-date": stamp}
    headers = {**sent, "host": host}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join([method, path, query, lines, names, payload])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    message = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
    key = f"AWS4{secret_key}".encode()
    for part in (*scope.split("/"), message):
        key = hmac.new(key, part.encode("utf-8"), hashlib.sha256).digest()
    value = f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return {**sent, "Authorization": value}
