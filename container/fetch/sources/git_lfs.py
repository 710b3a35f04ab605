"""Git servers whose big files are kept by git-lfs, without a clone, which would store every object twice.

Facts: git-lfs docs/spec.md (pointer files), docs/api/batch.md and docs/api/basic-transfers.md (the batch
API).
"""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import Any, Dict, List, Optional

from fetch.address import shown
from fetch.git.remote_tree import RemoteTree
from fetch.http import Client, Request
from fetch.remote import Body, RemoteFile, Source
from fetch.retry import Retryable
from fetch.sources.fields import Fields
from pod.exit_codes import BAD_MANIFEST, NOT_FOUND, UNAUTHORISED, Fault

MEDIA = "application/vnd.git-lfs+json"
POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]+\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)
MOST_OBJECTS = 100
"""Objects of one batch; servers may limit it (git-lfs `lfs.transfer.batchSize` is 100)."""


class GitLfs(Source):
    """One commit, tag or branch of a repository; `tokenEnv` holds a token or `user:password`."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        self._url = fields.url("url").rstrip("/")
        self._revision = fields.text("revision")
        token = fields.secret("tokenEnv")
        pair = token if token and ":" in token else f"oauth2:{token}"
        basic = base64.b64encode(pair.encode("utf-8")).decode("ascii")
        self._credentials = {"Authorization": f"Basic {basic}"} if token else {}
        self._small: Dict[str, bytes] = {}
        self._sizes: Dict[str, int] = {}
        self._actions: Dict[str, Dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.label = f"git-lfs {shown(self._url)}"

    def files(self) -> List[RemoteFile]:
        """List the commit's files; the small ones come with the listing."""
        tree = RemoteTree(self._client, self._url, self._credentials).files(self._revision)
        return [self._file(path, identity, content) for path, (identity, content) in sorted(tree.items())]

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open a small file from memory, a big one where the batch API says that it is."""
        if file.path in self._small:
            return _Inline(self._small[file.path], start)
        oid = str(file.sha256)
        action = self._action(oid)
        ranged = start > 0 or end != file.size
        request = Request(str(action["href"]), credentials=dict(action.get("header") or {}))
        try:
            return self._client.open(request, start, end, ranged)
        except (Fault, Retryable) as error:
            if error.code not in (UNAUTHORISED, NOT_FOUND):
                raise
            # Most likely the link expired: the next try asks for another.
            with self._lock:
                self._actions.pop(oid, None)
            raise Retryable(str(error), code=error.code) from error

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        return {"kind": "git-lfs", "url": shown(self._url), "revision": self._revision}

    def _file(self, path: str, identity: str, content: bytes) -> RemoteFile:
        pointer = POINTER.fullmatch(content)
        if pointer is None:
            self._small[path] = content
            return RemoteFile(path, len(content), git_blob=identity)
        oid, size = pointer.group(1).decode("ascii"), int(pointer.group(2))
        self._sizes[oid] = size
        return RemoteFile(path, size, sha256=oid)

    def _action(self, oid: str) -> Dict[str, Any]:
        with self._lock:
            if oid not in self._actions:
                wanted = [
                    oid,
                    *(other for other in self._sizes if other != oid and other not in self._actions),
                ]
                self._batch(wanted[:MOST_OBJECTS])
            if oid not in self._actions:
                raise Fault(NOT_FOUND, f"{self.label} has no content for object {oid}")
            return self._actions[oid]

    def _batch(self, oids: List[str]) -> None:
        objects = [{"oid": oid, "size": self._sizes.get(oid, 0)} for oid in oids]
        body = {"operation": "download", "transfers": ["basic"], "hash_algo": "sha256", "objects": objects}
        suffix = "" if self._url.endswith(".git") else ".git"
        request = Request(
            f"{self._url}{suffix}/info/lfs/objects/batch",
            headers={"Accept": MEDIA, "Content-Type": MEDIA},
            credentials=self._credentials,
            method="POST",
            body=json.dumps(body).encode("utf-8"),
        )
        try:
            answer = json.loads(self._client.open(request).whole().decode("utf-8"))
            for item in answer["objects"]:
                self._take(item)
        except (ValueError, KeyError, TypeError) as error:
            cause = f"{type(error).__name__}: {error}"
            raise Fault(
                BAD_MANIFEST, f"{self.label} answers the batch request with no objects ({cause})"
            ) from error

    def _take(self, item: Dict[str, Any]) -> None:
        if "error" not in item:
            self._actions[str(item["oid"])] = item["actions"]["download"]


class _Inline(Body):
    def __init__(self, content: bytes, start: int) -> None:
        self._left = content[start:]
        self.start, self.total = start, len(content)

    def read(self, count: int) -> bytes:
        data, self._left = self._left[:count], self._left[count:]
        return data

    def close(self) -> None:
        self._left = b""
