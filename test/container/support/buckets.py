"""An S3-compatible store over a faulty server: lists, ranged reads, and signatures checked from the other side."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

from support.faulty_server import FaultyServer, Reply, Request

ACCESS, SECRET, REGION = "AKEXAMPLE", "sEcReT+/key", "cn-east-2"


class Bucket:
    """`objects` by key, in pages of two; `signed` refuses what is not signed by the keys above.

    With `host` the bucket is at http://<host>/, for clients whose proxy is the server. `listing`: "v2", or "v1" for a
    store that knows no continuation tokens, "unmarked" for one that does not say where the next page begins either,
    "stuck" for one whose pages are all the first, "endless" for one that never says where the next begins.
    """

    def __init__(
        self,
        server: FaultyServer,
        name: str,
        objects: dict[str, bytes],
        signed: bool = True,
        host: str | None = None,
        listing: str = "v2",
    ) -> None:
        self._objects = objects
        self._signed = signed
        self._host = host or f"127.0.0.1:{server.port}"
        self._root = f"http://{host}/" if host else f"/{name}/"
        self._listing = listing
        server.route(self._root if host else f"/{name}", self._list)
        server.route(f"{self._root}.+", self._object)

    def _list(self, request: Request) -> Reply:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        keys = sorted(key for key in self._objects if key.startswith(query["prefix"]))
        if self._listing == "v2":
            assert query["list-type"] == "2"
            return self._page(request, keys, int(query.get("continuation-token", "t 0/+")[2:-2]))
        asked = query.get("marker", "") if "list-type" not in query and self._listing != "stuck" else ""
        return self._page(request, keys, sum(key <= asked for key in keys) if asked else 0)

    def _page(self, request: Request, keys: list[str], start: int) -> Reply:
        if self._listing == "endless":
            keys = []
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self._objects[key])}</Size></Contents>"
            for key in keys[start : start + 2]
        )
        more = start + 2 < len(keys) or self._listing in ("stuck", "endless")
        following = {
            "v2": f"<NextContinuationToken>t {start + 2}/+</NextContinuationToken>",
            "v1": f"<NextMarker>{escape(keys[min(start + 1, len(keys) - 1)] if keys else '')}</NextMarker>",
        }
        next_page = following.get(self._listing, "") if more else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{next_page}{items}</ListBucketResult>"
        )
        return self._checked(request) or Reply(body.encode())

    def _object(self, request: Request) -> Reply:
        key = unquote(request.path[len(self._root) :])
        return self._checked(request) or Reply(self._objects[key])

    def _checked(self, request: Request) -> Reply | None:
        given = request.headers.get("Authorization", "")
        if not self._signed:
            return Reply(b"", 400) if given else None
        return None if given == self._expected(request) and request.headers["Host"] == self._host else Reply(b"", 403)

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
                request.path.replace(f"http://{self._host}", "", 1),
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
