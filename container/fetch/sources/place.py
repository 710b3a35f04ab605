"""A bucket of an S3-compatible store, and signed requests to it.

Facts: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header (AWS Signature
Version 4)"; Amazon S3 user guide, "Virtual hosting of buckets". Most stores understand path-style requests
({endpoint}/{bucket}/{key}); Huawei OBS (API reference, error code VirtualHostDomainRequired) and Alibaba OSS
refuse them and want the bucket in the host.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional
from urllib.parse import SplitResult, quote, urlsplit

from fetch.address import PORTS
from fetch.http import Request

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
VIRTUAL, PATH = "virtual", "path"
ADDRESSINGS = (VIRTUAL, PATH)
_VIRTUAL_HOSTS = (".myhuaweicloud.com", ".myhuaweicloud.eu", ".aliyuncs.com")


@dataclass(frozen=True)
class Place:
    """A bucket, and the keys to it; requests without keys are anonymous.

    `addressing` says where the bucket stands in a URL, None: where the endpoint's host is known to want it.
    """

    endpoint: str
    bucket: str
    region: str
    access_key: Optional[str] = field(default=None, repr=False)
    secret_key: Optional[str] = field(default=None, repr=False)
    addressing: Optional[str] = None

    def request(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Optional[Mapping[str, str]] = None,
        payload: str = EMPTY_SHA256,
    ) -> Request:
        """Return the request for the object `key`, "" for the bucket, whose body has the sha256 `payload`."""
        base = self._base()
        path = quote(f"{base.path}/{key}" if key or not base.path else base.path, safe="/~")
        pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
        text = "&".join(f"{name}={value}" for name, value in pairs)
        url = f"{base.scheme}://{base.netloc}{path}" + (f"?{text}" if text else "")
        access, secret = self.access_key, self.secret_key
        if access is None or secret is None:
            return Request(url, headers or {}, method=method)
        now = datetime.datetime.now(datetime.timezone.utc)
        signed = sign(
            method, path, text, base.netloc, now, self.region, access, secret, payload, headers or {}
        )
        return Request(url, credentials=signed, method=method, secrets=(secret, access))

    def _base(self) -> SplitResult:
        """Return the bucket's own URL, whose host is the Host header as it is sent."""
        base = urlsplit(self.endpoint)
        base = base._replace(netloc=_host(base))
        wanted = VIRTUAL if (base.hostname or "").endswith(_VIRTUAL_HOSTS) else PATH
        if (self.addressing or wanted) == VIRTUAL:
            return base._replace(netloc=f"{self.bucket}.{base.netloc}")
        return base._replace(path=f"{base.path}/{self.bucket}")


def _host(base: SplitResult) -> str:
    """Return host and port, without the scheme's own port."""
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
