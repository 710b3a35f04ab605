"""Signature Version 4 checked from the store's side, by the documented steps, on the request as it arrived."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

ACCESS, SECRET, REGION = "AKUPLOADEXAMPLE", "uPl0ad/sEcReT+key", "cn-east-2"

FORM = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")


def refusal(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the S3 error code for a request that is not signed as it has to be, "" if it is."""
    lower = {name.lower(): value for name, value in headers.items()}
    match = FORM.fullmatch(lower.get("authorization", ""))
    if match is None:
        return "AccessDenied"
    access, scope, names, signature = match.groups()
    if access != ACCESS:
        return "InvalidAccessKeyId"
    signed = names.split(";")
    needed = {"host"} | {name for name in lower if name.startswith("x-amz-")}
    if signed != sorted(signed) or needed - set(signed):
        return "AccessDenied"
    date = lower["x-amz-date"]
    moment = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) > 900:
        return "RequestTimeTooSkewed"
    if scope != f"{date[:8]}/{REGION}/s3/aws4_request":
        return "AuthorizationHeaderMalformed"
    if lower["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(query, keep_blank_values=True))
    lines = "".join(f"{name}:{lower[name].strip()}\n" for name in signed)
    canonical = "\n".join(
        [method, path, "&".join(f"{k}={v}" for k, v in pairs), lines, names, lower["x-amz-content-sha256"]]
    )
    key = f"AWS4{SECRET}".encode()
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    for part in (*scope.split("/"), to_sign):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return "" if key.hex() == signature else "SignatureDoesNotMatch"
