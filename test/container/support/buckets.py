"""An S3-compatible store over a faulty server: lists, ranged reads, and signatures checked from the other side."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

from support.faulty_server import FaultyServer, Reply, Request

ACCESS, SECRET, REGION = "AKEXAMPLE", "sEcReT+/key", "cn-east-2"


class Bucket:
    """`objects` by key, in pages of two; `signed` refuses what is not signed by the keys above."""

    def __init__(self, server: FaultyServer, name: str, objects: dict[str, bytes], signed: bool = True) -> None:
        self._objects = objects
        self._signed = signed
        self._host = f"127.0.0.1:{server.port}"
        self._name = name
        server.route(f"/{name}", self._list)
        server.route(f"/{name}/.+", self._object)

    def _list(self, request: Request) -> Reply:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        assert query["list-type"] == "2"
        keys = sorted(key for key in self._objects if key.startswith(query["prefix"]))
        start = int(query.get("continuation-token", "t 0/+")[2:-2])
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self._objects[key])}</Size></Contents>"
            for key in keys[start : start + 2]
        )
        more = start + 2 < len(keys)
        next_page = f"<NextContinuationToken>t {start + 2}/+</NextContinuationToken>" if more else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{next_page}{items}</ListBucketResult>"
        )
        return self._checked(request) or Reply(body.encode())

    def _object(self, request: Request) -> Reply:
        key = unquote(request.path.split("/", 2)[2])
        return self._checked(request) or Reply(self._objects[key])

    def _checked(self, request: Request) -> Reply | None:
        given = request.headers.get("Authorization", "")
        if not self._signed:
            return Reply(b"", 400) if given else None
        return None if given == self._expected(request) else Reply(b"", 403)

    def _expected(self, request: Request) -> str:
        """Compute the signature by the documented steps, from the request as it arrived."""
        date = request.headers.get("x-amz-date", "")
        names = ["host", "x-amz-content-sha256", "x-amz-date"]
        values = {name.lower(): value for name, value in request.headers.items()} | {"host": self._host}
        pairs = sorted(parse_qsl(request.query, keep_blank_values=True))
        query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)
        canonical = "\n".join(
            [
                request.method,
                request.path,
                query,
                *(f"{name}:{values.get(name, '')}" for name in names),
                "",
                ";".join(names),
                hashlib.sha256(request.body).hexdigest(),
            ]
        )
        scope = f"{date[:8]}/{REGION}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + SECRET).encode()
        for part in (date[:8], REGION, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), "sha256").digest()
        signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
        return f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
