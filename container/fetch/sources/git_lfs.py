"""Git servers whose big files are kept by git-lfs, without a clone, which would store every object twice.

Facts: git-lfs docs/spec.md (pointer files), docs/api/batch.md and docs/api/basic-transfers.md (the batch
API).
"""

from __future__ import annotations

import base64
import json
import re
import threading
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from fetch.address import origin, shown
from fetch.git.remote_tree import RemoteTree
from fetch.http import Client, Request
from fetch.refusal import masked
from fetch.remote import Body, RemoteFile, Source
from fetch.retry import Retryable
from fetch.sources.fields import Fields
from pod.exit_codes import BAD_MANIFEST, NOT_FOUND, UNAUTHORISED, Fault

MEDIA = "application/vnd.git-lfs+json"
POINTER = re.compile(
    rb"version (?:https://(?:git-lfs\.github|hawser\.github)\.com/spec/v1|http://git-media\.io/v/2)[\r\n]+"
    rb"(?:ext-[^\r\n]+[\r\n]+)*oid sha256:([0-9a-f]{64})[\r\n]+size (\d+)"
)
"""A pointer, stripped. Not only the canonical form counts (git-lfs@af13aa8f lfs/pointer.go, `decodeKV`)."""

LARGEST_POINTER = 1023
"""Bytes; git-lfs takes nothing larger for one (lfs/pointer.go, `blobSizeCutoff`)."""

_LIKE_POINTER = re.compile(rb"^oid sha256:", re.MULTILINE)
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
        self._repository = Request(
            self._url,
            credentials={"Authorization": f"Basic {basic}"} if token else {},
            secrets=(token, basic, token.rpartition(":")[2]) if token else (),
        )
        self._small: Dict[str, bytes] = {}
        self._sizes: Dict[str, int] = {}
        self._actions: Dict[str, Request] = {}
        self._refused: Dict[str, Fault] = {}
        self._lock = threading.Lock()
        self.label = f"git-lfs {shown(self._url)}"

    def files(self) -> List[RemoteFile]:
        """List the commit's files; the small ones come with the listing."""
        tree = RemoteTree(self._client, self._repository).files(self._revision)
        return [self._file(path, identity, content) for path, (identity, content) in sorted(tree.items())]

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open a small file from memory, a big one where the batch API says that it is."""
        if file.path in self._small:
            return _Inline(self._read(file.path), start)
        oid = str(file.sha256)
        request = self._action(oid)
        ranged = start > 0 or end != file.size
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
        pointer = POINTER.fullmatch(content.strip()) if len(content) <= LARGEST_POINTER else None
        if pointer is None:
            self._small[path] = content
            return RemoteFile(path, len(content), git_blob=identity)
        oid, size = pointer.group(1).decode("ascii"), int(pointer.group(2))
        self._sizes[oid] = size
        return RemoteFile(path, size, sha256=oid)

    def _read(self, path: str) -> bytes:
        """Return a small file; `Fault` BAD_MANIFEST if it seems to be a pointer that cannot be read."""
        content = self._small[path]
        if len(content) <= LARGEST_POINTER and _LIKE_POINTER.search(content):
            raise Fault(
                BAD_MANIFEST,
                f"{path} of {self.label} looks like a git-lfs pointer and is none that can be read: "
                "repair it in the repository, or leave it out by a pattern",
            )
        return content

    def _action(self, oid: str) -> Request:
        with self._lock:
            if oid not in self._actions:
                wanted = [
                    oid,
                    *(other for other in self._sizes if other != oid and other not in self._actions),
                ]
                self._batch(wanted[:MOST_OBJECTS])
            if oid not in self._actions:
                raise self._refused.get(oid) or self._absent(oid, {})
            return self._actions[oid]

    def _batch(self, oids: List[str]) -> None:
        objects = [{"oid": oid, "size": self._sizes.get(oid, 0)} for oid in oids]
        body = {"operation": "download", "transfers": ["basic"], "hash_algo": "sha256", "objects": objects}
        suffix = "" if self._url.endswith(".git") else ".git"
        request = replace(
            self._repository,
            url=f"{self._url}{suffix}/info/lfs/objects/batch",
            headers={"Accept": MEDIA, "Content-Type": MEDIA},
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
        oid = str(item["oid"])
        error = item.get("error")
        if error is not None:
            self._refused[oid] = self._absent(oid, error if isinstance(error, dict) else {})
            return
        action = item["actions"]["download"]
        url, header = str(action["href"]), dict(action.get("header") or {})
        secrets = (*self._repository.secrets, *map(str, header.values()))
        authorised = item.get("authenticated") or "authorization" in map(str.lower, header)
        # As git-lfs does (tq/adapterbase.go): the server may want what the repository wants.
        ours = {} if authorised or origin(url) != origin(self._url) else self._repository.credentials
        self._actions[oid] = Request(url, credentials={**ours, **header}, secrets=secrets)

    def _absent(self, oid: str, error: Mapping[str, Any]) -> Fault:
        code = UNAUTHORISED if error.get("code") in (401, 403) else NOT_FOUND
        said = masked(str(error.get("message") or ""), self._repository.secrets)
        return Fault(code, f"{self.label} has no content for object {oid}" + (f": {said}" if said else ""))


class _Inline(Body):
    def __init__(self, content: bytes, start: int) -> None:
        self._left = content[start:]
        self.start, self.total = start, len(content)

    def read(self, count: int) -> bytes:
        data, self._left = self._left[:count], self._left[count:]
        return data

    def close(self) -> None:
        self._left = b""
