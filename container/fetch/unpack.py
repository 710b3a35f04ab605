"""Archives unpacked so that nothing in them can leave the tree or fill the volume."""

from __future__ import annotations

import logging
import posixpath
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Iterator, Mapping, Optional, Tuple

from artifacts.storage import storing
from fetch import space
from fetch.names import safe
from pod.exit_codes import BAD_ARTIFACT, UNSAFE_NAME, Fault

MOST_ENTRIES = 200_000
MOST_GROWTH = 100
"""Unpacked bytes for each byte of the archive; source trees grow by about 5, weights hardly at all."""

SMALL_BYTES = 64 * 1024 * 1024
"""Growth is not limited below this: a small archive of text may well pack that tightly."""

COPY_BYTES = 1 << 20
LONGEST_LINK = 4096

log = logging.getLogger("fetch_weights")


@dataclass(frozen=True)
class Entry:
    """A name with its content, or with the archive's name that it links to, or with neither: a folder."""

    name: str
    content: Optional[IO[bytes]] = None
    link: Optional[str] = None


def extract(archive: Path, tree: Path, strip: int, label: str) -> None:
    """Unpack `archive` into `tree` without the first `strip` folders of each name.

    `Fault` UNSAFE_NAME for names that leave the tree, links and devices; BAD_ARTIFACT for what is no
    archive, is damaged, or is a bomb.
    """
    space.check(tree, archive.stat().st_size)
    most = max(SMALL_BYTES, MOST_GROWTH * archive.stat().st_size)
    budget = _Budget(most, label)
    try:
        links = [link for link in (_place(e, tree, strip, budget) for e in _entries(archive, label)) if link]
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise Fault(BAD_ARTIFACT, f"{label} cannot be unpacked: {type(error).__name__}: {error}") from error
    for path, target in links:
        _copy_link(path, target, dict(links), tree, budget)
    if budget.files == 0:
        raise Fault(
            BAD_ARTIFACT, f"{label} has no files below its first {strip} folders; lower stripComponents"
        )


class _Budget:
    """What may still be unpacked."""

    def __init__(self, most: int, label: str) -> None:
        self._most = most
        self._left = most
        self._label = label
        self._entries = 0
        self.files = 0

    def entry(self) -> None:
        self._entries += 1
        if self._entries > MOST_ENTRIES:
            raise Fault(
                BAD_ARTIFACT, f"{self._label} has more than {MOST_ENTRIES} entries: refused as a bomb"
            )

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise Fault(
                BAD_ARTIFACT, f"{self._label} unpacks to more than {self._most} bytes: refused as a bomb"
            )


def _entries(archive: Path, label: str) -> Iterator[Entry]:
    if zipfile.is_zipfile(str(archive)):
        return _zip_entries(archive, label)
    if tarfile.is_tarfile(str(archive)):
        return _tar_entries(archive, label)
    raise Fault(BAD_ARTIFACT, f"{label} is neither a tar (plain, gz, bz2, xz) nor a zip archive")


def _zip_entries(archive: Path, label: str) -> Iterator[Entry]:
    with zipfile.ZipFile(str(archive)) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind == stat.S_IFLNK:
                link = opened.read(info)[:LONGEST_LINK].decode("utf-8", "replace")
                yield Entry(info.filename, link=_inside(info.filename, link, label))
            elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Fault(UNSAFE_NAME, f"{label} has {info.filename[:200]!r}, a device: refused")
            elif info.is_dir():
                yield Entry(info.filename)
            else:
                with opened.open(info) as content:
                    yield Entry(info.filename, content)


def _tar_entries(archive: Path, label: str) -> Iterator[Entry]:
    with tarfile.open(str(archive)) as opened:
        for member in opened:
            if member.issym():
                yield Entry(member.name, link=_inside(member.name, member.linkname, label))
            elif member.islnk():
                yield Entry(member.name, link=_inside("", member.linkname, label))
            elif member.isdir():
                yield Entry(member.name)
            elif member.isfile():
                yield Entry(member.name, opened.extractfile(member))
            else:
                raise Fault(UNSAFE_NAME, f"{label} has {member.name[:200]!r}, a device: refused")


def _inside(name: str, link: str, label: str) -> str:
    """Return the name in the archive that the link `name` leads to; `Fault` UNSAFE_NAME if it leads out."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    if link.startswith("/") or target == ".." or target.startswith("../"):
        raise Fault(UNSAFE_NAME, f"{label} has a link to {link[:200]!r}, outside the archive: refused")
    return target


def _place(entry: Entry, tree: Path, strip: int, budget: _Budget) -> Optional[Tuple[str, str]]:
    """Write the entry into the tree; a link is returned instead, with the path that it leads to."""
    budget.entry()
    path = _stripped(entry.name, strip)
    if path and entry.link is not None:
        return path, _stripped(entry.link, strip)
    if path and entry.content is not None:
        with storing(tree / path):
            _copy(entry.content, tree / path, budget)
        budget.files += 1
    return None


def _stripped(name: str, strip: int) -> str:
    """Return `name` without its first folders, "" if nothing is left; `Fault` UNSAFE_NAME if hostile."""
    plain = (name[2:] if name.startswith("./") else name).rstrip("/")
    if plain in ("", "."):
        return "" if not name.startswith("/") else safe(name)
    path = "/".join(safe(plain).split("/")[strip:])
    return safe(path) if path else ""


def _copy_link(path: str, target: str, links: Mapping[str, str], tree: Path, budget: _Budget) -> None:
    for _ in range(len(links)):
        target = links.get(target, target)
    if not (tree / target).is_file() or not target:
        log.warning("left out %s, a link to %s, which is no file of the archive", path, target or "its root")
        return
    with storing(tree / path), (tree / target).open("rb") as content:
        _copy(content, tree / path, budget)


def _copy(content: IO[bytes], target: Path, budget: _Budget) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise Fault(
            UNSAFE_NAME, f"archive name {target.name!r} is refused: another file is in its place"
        ) from error
    with file:
        data = content.read(COPY_BYTES)
        while data:
            budget.spend(len(data))
            file.write(data)
            data = content.read(COPY_BYTES)
