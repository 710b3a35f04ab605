"""Archives unpacked so that nothing in them can leave the tree or fill the volume."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Iterator, Optional, Tuple

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

Entry = Tuple[str, Optional[IO[bytes]]]
"""A name and its content; None for a folder."""


def extract(archive: Path, tree: Path, strip: int, label: str) -> None:
    """Unpack `archive` into `tree` without the first `strip` folders of each name.

    `Fault` UNSAFE_NAME for names that leave the tree, links and devices; BAD_ARTIFACT for what is no
    archive, is damaged, or is a bomb.
    """
    most = max(SMALL_BYTES, MOST_GROWTH * archive.stat().st_size)
    budget = _Budget(most, tree, label)
    try:
        for name, content in _entries(archive, label):
            _place(name, content, tree, strip, budget)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise Fault(BAD_ARTIFACT, f"{label} cannot be unpacked: {type(error).__name__}: {error}") from error
    if budget.files == 0:
        raise Fault(
            BAD_ARTIFACT, f"{label} has no files below its first {strip} folders; lower stripComponents"
        )


class _Budget:
    """What may still be unpacked."""

    def __init__(self, most: int, tree: Path, label: str) -> None:
        self._most = most
        self._left = most
        self._tree = tree
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

    def room(self, count: int) -> None:
        space.check(self._tree, count)


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
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(label, info.filename)
            if info.is_dir():
                yield info.filename, None
                continue
            with opened.open(info) as content:
                yield info.filename, content


def _tar_entries(archive: Path, label: str) -> Iterator[Entry]:
    with tarfile.open(str(archive)) as opened:
        for member in opened:
            if not member.isfile() and not member.isdir():
                raise _refused(label, member.name)
            yield member.name, opened.extractfile(member) if member.isfile() else None


def _refused(label: str, name: str) -> Fault:
    return Fault(UNSAFE_NAME, f"{label} has {name[:200]!r}, a link or a device: refused")


def _place(name: str, content: Optional[IO[bytes]], tree: Path, strip: int, budget: _Budget) -> None:
    budget.entry()
    plain = name[2:] if name.startswith("./") else name
    path = "/".join(safe(plain.rstrip("/")).split("/")[strip:]) if plain.rstrip("/") not in ("", ".") else ""
    if not path or content is None:
        return
    target = tree / safe(path)
    with storing(target):
        _copy(content, target, budget)
    budget.files += 1


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
