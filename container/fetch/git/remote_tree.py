"""One commit's files from a git server, by protocol version 2 over HTTP (git's gitprotocol-v2)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

from fetch.address import shown
from fetch.git.pack import BadPackError, Object, parse
from fetch.http import Client, Request
from pod.exit_codes import BAD_MANIFEST, NOT_FOUND, UNSAFE_NAME, Fault

_DELIMITER = b"0001"
_FLUSH = b"0000"
_REGULAR = (b"100644", b"100755", b"100664")
_FOLDER, _SUBMODULE = b"40000", b"160000"


class RemoteTree:
    """The repository at the URL of `request`, which has the credentials."""

    def __init__(self, client: Client, request: Request) -> None:
        self._client = client
        self._request = request
        self._url = request.url

    def files(self, revision: str) -> Dict[str, Tuple[str, bytes]]:
        """Return blob id and content of every file of `revision`, by path; submodules are left out."""
        commit = revision if re.fullmatch(r"[0-9a-f]{40}", revision) else self._resolve(revision)
        fetch = [b"no-progress\n", b"ofs-delta\n", b"deepen 1\n", f"want {commit}\n".encode(), b"done\n"]
        try:
            objects = parse(_pack(self._command(b"fetch", fetch)))
            kind, content = objects[commit]
            while kind == b"tag":
                kind, content = objects[content[7:47].decode()]
            return dict(_walk(objects, content[5:45].decode(), ""))
        except (BadPackError, KeyError, IndexError, ValueError) as error:
            cause = f"{type(error).__name__}: {error}"
            raise Fault(BAD_MANIFEST, f"{shown(self._url)} sends no usable pack ({cause})") from error

    def _resolve(self, revision: str) -> str:
        names = (revision, f"refs/tags/{revision}", f"refs/heads/{revision}")
        prefixes = [f"ref-prefix {name}\n".encode() for name in names]
        answer = self._command(b"ls-refs", prefixes)
        refs: Dict[str, str] = {}
        for line in _lines(answer):
            if line:
                identity, name = line.decode("utf-8").split()[:2]
                refs[name] = identity
        for name in names:
            if name in refs:
                return refs[name]
        raise Fault(NOT_FOUND, f"{shown(self._url)} has no tag or branch {revision}")

    def _command(self, name: bytes, arguments: List[bytes]) -> bytes:
        # No object-format line: SHA-1 is the default, and servers that do not know the capability die of it.
        body = _line(b"command=" + name + b"\n") + _DELIMITER
        body += b"".join(map(_line, arguments)) + _FLUSH
        headers = {
            "Git-Protocol": "version=2",
            "Content-Type": "application/x-git-upload-pack-request",
            "Accept": "application/x-git-upload-pack-result",
        }
        request = replace(self._request, headers=headers, method="POST", body=body)
        try:
            return self._post(request)
        except Fault as fault:
            if fault.code != NOT_FOUND or self._url.endswith(".git"):
                raise
            return self._by_full_name(request, fault)

    def _by_full_name(self, request: Request, fault: Fault) -> bytes:
        """Ask for `<url>.git`: servers such as GitLab tell a clone that name in its first request."""
        given, self._url = self._url, f"{self._url}.git"
        try:
            return self._post(request)
        except Fault as other:
            self._url = given
            raise fault if other.code == NOT_FOUND else other from fault

    def _post(self, request: Request) -> bytes:
        return self._client.open(replace(request, url=f"{self._url}/git-upload-pack")).whole()


def _line(content: bytes) -> bytes:
    return b"%04x" % (len(content) + 4) + content


def _lines(answer: bytes) -> Iterator[Optional[bytes]]:
    """Yield the lines of a pkt-line stream; None for delimiters and flushes."""
    position = 0
    while position + 4 <= len(answer):
        length = int(answer[position : position + 4], 16)
        yield answer[position + 4 : position + length] if length >= 4 else None
        position += max(length, 4)


def _pack(answer: bytes) -> bytes:
    """Return the pack of a fetch answer: band 1 of the section `packfile`."""
    pack: List[bytes] = []
    inside = False
    for line in _lines(answer):
        if line is None:
            continue
        if line.startswith(b"ERR ") or (inside and line[:1] == b"\3"):
            raise BadPackError(line.decode("utf-8", "replace").strip("\3 \n"))
        if inside and line[:1] == b"\1":
            pack.append(line[1:])
        inside = inside or line == b"packfile\n"
    return b"".join(pack)


def _walk(objects: Mapping[str, Object], tree: str, prefix: str) -> Iterator[Tuple[str, Tuple[str, bytes]]]:
    for mode, name, identity in _entries(objects[tree][1]):
        path = prefix + name
        if mode == _FOLDER:
            yield from _walk(objects, identity, f"{path}/")
        elif mode in _REGULAR:
            yield path, (identity, objects[identity][1])
        elif mode != _SUBMODULE:
            raise Fault(UNSAFE_NAME, f"file {path[:200]!r} of the commit is a link: refused")


def _entries(tree: bytes) -> Iterator[Tuple[bytes, str, str]]:
    position = 0
    while position < len(tree):
        end = tree.index(b"\0", position)
        mode, _, name = tree[position:end].partition(b" ")
        yield mode, name.decode("utf-8"), tree[end + 1 : end + 21].hex()
        position = end + 21
