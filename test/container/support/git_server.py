"""A git server with git-lfs: `git http-backend` behind a faulty server, and the batch API."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

from support.faulty_server import FaultyServer, Reply, Request

BIG = 10_000
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


class GitServer:
    """A bare repository with `files`, those above 10 kB as LFS objects; `token` guards it.

    `pointer` is how pointers are written. `old`: the server dies of the capability object-format. `tickets`: objects
    are to be had by what the batch API hands out, else by the repository's token; `error` is what it says of an object
    that is not there.
    """

    def __init__(
        self,
        server: FaultyServer,
        folder: Path,
        files: dict[str, bytes],
        token: str | None = None,
        pointer: str = POINTER,
        old: bool = False,
        tickets: bool = True,
        error: dict[str, object] | None = None,
    ) -> None:
        self._pointer = pointer
        self._old = old
        self._tickets = tickets
        self._error = error or {"code": 404}
        self._server = server
        self._root = folder / "git"
        self.objects: dict[str, bytes] = {}
        self._expected = "Basic " + base64.b64encode(f"oauth2:{token}".encode()).decode() if token else None
        self.batches = 0
        self.commit = self._make(files)
        server.route("/glm.git/git-upload-pack", self._backend)
        server.route("/glm.git/info/lfs/objects/batch", self._batch)
        server.route("/objects/.+", self._object)

    @property
    def url(self) -> str:
        return f"{self._server.url}/glm.git"

    def source(self, revision: str, **more: object) -> str:
        return json.dumps({"kind": "git-lfs", "url": self.url, "revision": revision, **more})

    def _git(self, *arguments: str, cwd: Path) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, env={"PATH": os.environ["PATH"]}
        )
        return done.stdout.decode().strip()

    def _make(self, files: dict[str, bytes]) -> str:
        work = self._root / "work"
        work.mkdir(parents=True)
        self._git("init", "-q", "-b", "main", cwd=work)
        for version in (1, 2):  # two versions of every file, so that the pack has deltas
            for name, data in files.items():
                path = work / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self._stored(data) if version == 2 else self._stored(data) + b"old\n")
            self._git("add", ".", cwd=work)
            self._git("commit", "-q", "-m", f"version {version}", cwd=work)
        self._git("tag", "-a", "v1", "-m", "one", cwd=work)
        self._git("gc", "-q", cwd=work)
        self._git("clone", "-q", "--bare", str(work), str(self._root / "glm.git"), cwd=self._root)
        self._git("config", "http.uploadpack", "true", cwd=self._root / "glm.git")
        self._git("config", "uploadpack.allowFilter", "true", cwd=self._root / "glm.git")
        return self._git("rev-parse", "HEAD", cwd=work)

    def _stored(self, data: bytes) -> bytes:
        if len(data) < BIG:
            return data
        oid = hashlib.sha256(data).hexdigest()
        self.objects[oid] = data
        return self._pointer.format(oid=oid, size=len(data)).encode()

    def _backend(self, request: Request) -> Reply:
        if self._expected and request.headers.get("Authorization") != self._expected:
            return Reply(b"", 401)
        if self._old and b"object-format" in request.body:
            return Reply(b"", headers={"Content-Type": "application/x-git-upload-pack-result"})
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=request.body, env=environment, capture_output=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        status = 404 if b"Status: 404" in head else 403 if b"Status: 403" in head else 200
        return Reply(body, status, {"Content-Type": "application/x-git-upload-pack-result"})

    def _batch(self, request: Request) -> Reply:
        self.batches += 1
        asked = json.loads(request.body)
        assert asked["operation"] == "download"
        answer = []
        for wanted in asked["objects"]:
            oid = wanted["oid"]
            action: dict[str, object] = {"href": f"{self._server.url}/objects/{oid}"}
            if self._tickets:
                action["header"] = {"X-Ticket": f"t{self.batches}"}
            known = {"actions": {"download": action}} if oid in self.objects else {"error": self._error}
            answer.append({"oid": oid, "size": wanted["size"], **known})
        body = json.dumps({"transfer": "basic", "objects": answer}).encode()
        return Reply(body, headers={"Content-Type": "application/vnd.git-lfs+json"})

    def _object(self, request: Request) -> Reply:
        wanted = ("X-Ticket", f"t{self.batches}") if self._tickets else ("Authorization", self._expected)
        if request.headers.get(wanted[0]) != wanted[1]:
            return Reply(b"", 401)
        return Reply(self.objects[request.path.rpartition("/")[2]])
