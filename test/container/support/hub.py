"""Model hubs as their clients see them, over a faulty server: Hugging Face and ModelScope."""

from __future__ import annotations

import hashlib
import json
import random
from urllib.parse import parse_qs, quote

from support.faulty_server import FaultyServer, Handler, Reply, Request

REPOSITORY = "THUDM/chatglm3-6b"
REVISION = "a1" * 20


def content(size: int, seed: int) -> bytes:
    """Return `size` bytes that are the same for the same seed and do not compress."""
    return random.Random(seed).randbytes(size)


def model(scale: int = 1) -> dict[str, bytes]:
    """Return the files of a small model: two shards, their index, a tokenizer, code, an empty file."""
    return {
        "config.json": b'{"model_type": "chatglm"}',
        "modeling_chatglm.py": b"# code\n" * 50,
        "pytorch_model-00001-of-00002.bin": content(900_000 * scale + 17, 1),
        "pytorch_model-00002-of-00002.bin": content(600_000 * scale + 3, 2),
        "pytorch_model.bin.index.json": b'{"weight_map": {}}',
        "tokenizer.model": content(30_000, 3),
        "empty.txt": b"",
    }


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class HuggingFaceHub:
    """`files` at `REPOSITORY`, LFS for the big ones; `serve` may replace how a path is answered."""

    def __init__(self, server: FaultyServer, files: dict[str, bytes], token: str | None = None, page: int = 4) -> None:
        self.server = server
        self.files = files
        self._token = token
        self._page = page
        server.route(f"/api/models/{REPOSITORY}/tree/{REVISION}", self._tree)
        server.route(f"/{REPOSITORY}/resolve/{REVISION}/.+", self._resolve)
        self._handlers: dict[str, Handler] = {}

    def source(self, **more: object) -> str:
        """Return the --source object."""
        return json.dumps(
            {"kind": "huggingface", "repository": REPOSITORY, "revision": REVISION, "endpoint": self.server.url, **more}
        )

    def path(self, name: str) -> str:
        return f"/{REPOSITORY}/resolve/{REVISION}/{quote(name)}"

    def serve(self, name: str, handler: Handler) -> None:
        """Answer requests for the file `name` by `handler`."""
        self._handlers[name] = handler

    def healthy(self, name: str) -> Handler:
        return lambda _request: Reply(self.files[name])

    def _refused(self, request: Request) -> Reply | None:
        if self._token is None or request.headers.get("Authorization") == f"Bearer {self._token}":
            return None
        return Reply(b"", 401, {"X-Error-Message": "Access to this repository is restricted."})

    def _tree(self, request: Request) -> Reply:
        start = int(parse_qs(request.query).get("cursor", ["0"])[0])
        names = sorted(self.files)
        body = json.dumps([self._entry(name) for name in names[start : start + self._page]]).encode()
        headers = {"Content-Type": "application/json"}
        if start + self._page < len(names):
            link = f"https://huggingface.example{request.path}?recursive=true&cursor={start + self._page}"
            headers["Link"] = f'<{link}>; rel="next"'
        return self._refused(request) or Reply(body, headers=headers)

    def _entry(self, name: str) -> dict[str, object]:
        data = self.files[name]
        entry: dict[str, object] = {"type": "file", "path": name, "size": len(data), "oid": git_blob(data)}
        if name.endswith((".bin", ".model", ".safetensors")):
            entry["oid"] = "0" * 40
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135}
        return entry

    def _resolve(self, request: Request) -> Reply:
        name = request.path.split("/resolve/", 1)[1].partition("/")[2]
        handler = self._handlers.get(name, self.healthy(name))
        return self._refused(request) or handler(request)


class ModelScopeHub:
    """`files` at `REPOSITORY` of ModelScope, every one with a Sha256."""

    def __init__(self, server: FaultyServer, files: dict[str, bytes], token: str | None = None) -> None:
        self.server = server
        self.files = files
        self._token = token
        server.route(f"/api/v1/models/{REPOSITORY}/repo/files", self._list)
        server.route(f"/api/v1/models/{REPOSITORY}/repo", self._file)

    def source(self, **more: object) -> str:
        return json.dumps(
            {"kind": "modelscope", "repository": REPOSITORY, "revision": "v1.0.2", "endpoint": self.server.url, **more}
        )

    def _allowed(self, request: Request) -> bool:
        return self._token is None or request.headers.get("Cookie") == f"m_session_id={self._token}"

    def _list(self, request: Request) -> Reply:
        assert parse_qs(request.query) == {"Revision": ["v1.0.2"], "Recursive": ["true"]}
        files: list[dict[str, object]] = [{"Path": "folder", "Type": "tree", "Size": 0, "Sha256": ""}]
        for name, data in self.files.items():
            files.append({"Path": name, "Type": "blob", "Size": len(data), "Sha256": hashlib.sha256(data).hexdigest()})
        body = json.dumps({"Code": 200, "Data": {"Files": files}}).encode()
        return Reply(body) if self._allowed(request) else Reply(b"", 403)

    def _file(self, request: Request) -> Reply:
        name = parse_qs(request.query)["FilePath"][0]
        return Reply(self.files[name]) if self._allowed(request) else Reply(b"", 403)
