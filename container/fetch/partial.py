"""The directory beside the target in which it grows: `<target>.partial`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List, Sequence, Tuple

from artifacts import marker
from artifacts.durable import sync_directory
from artifacts.marker import Marker
from artifacts.storage import storing
from fetch import journal
from fetch.journal import Entry, Journal
from fetch.remote import RemoteFile, merged
from pod.exit_codes import BAD_ARTIFACT, Fault


class Partial:
    """`<target>.partial`: `tree/` becomes the target, `archive/` holds an archive, each with its journal."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.root = target.with_name(f"{target.name}.partial")
        self.tree = self.root / "tree"
        self.archive = self.root / "archive"

    def resume(self, files: Sequence[RemoteFile], chunk_size: int, label: str, folder: Path) -> Journal:
        """Return a journal for `files` in `folder` that keeps what an earlier process, or source, got done.

        `Fault` BAD_MANIFEST if what was begun from another source disagrees with `files`. A journal's own
        chunk size goes before `chunk_size`, because its chunks count in it.
        """
        path = self._journal(folder)
        kept_size, kept = journal.read(path)
        known = {entry.remote.path: entry for entry in kept}
        labels = f"{label} and the source that this download began with"
        with storing(self.root):
            folder.mkdir(parents=True, exist_ok=True)
            entries = [_continued(known.get(file.path), file, folder, labels) for file in files]
            _remove_others(folder, [file.path for file in files])
            return Journal(path, kept_size or chunk_size, entries)

    def forget(self, folder: Path) -> None:
        """Remove `folder` and its journal, so that nothing of them is taken up again."""
        with storing(folder):
            shutil.rmtree(str(folder))
            self._journal(folder).unlink()

    def check_target(self) -> None:
        """Check that nothing is in the target's place; `Fault` BAD_ARTIFACT otherwise."""
        with storing(self.target):
            if self.target.is_dir() and any(self.target.iterdir()):
                raise Fault(
                    BAD_ARTIFACT,
                    f"{self.target} is there and not empty but has no marker, so something else made it: "
                    "move it away, then try again",
                )

    def publish(self, finished: Marker) -> None:
        """Write the marker into the tree and move it to the target, as one step for every reader."""
        self.check_target()
        with storing(self.target):
            for folder in [path for path in self.tree.rglob("*") if path.is_dir()]:
                sync_directory(folder)
            marker.write(self.tree, finished)
            self.finish()

    def finish(self) -> None:
        """Move a tree that has its marker to the target; the step that a kill may have prevented."""
        self.tree.replace(self.target)
        sync_directory(self.target.parent)
        shutil.rmtree(str(self.root), ignore_errors=True)

    def _journal(self, folder: Path) -> Path:
        return self.root / f"journal-{folder.name}"


def _continued(entry: Entry | None, file: RemoteFile, folder: Path, labels: str) -> Entry:
    """Return the entry for `file`, with the chunks of `entry` if the file on the disk can still have them."""
    path = folder / file.path
    if entry is None:
        return Entry(file)
    remote = merged(entry.remote, file, labels)
    expected = entry.verified[1] if entry.verified else remote.size
    if path.is_symlink() or not path.is_file() or path.stat().st_size != expected:
        return Entry(remote)
    digest_changed = entry.verified is not None and remote.sha256 not in (None, entry.verified[0])
    return Entry(remote) if digest_changed else Entry(remote, entry.chunks, entry.verified, entry.validator)


def _remove_others(folder: Path, paths: Sequence[str]) -> None:
    """Remove what an earlier choice of files left in the tree."""
    wanted = set(paths)
    leftovers: List[Tuple[int, Path]] = []
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            continue
        if path.relative_to(folder).as_posix() not in wanted:
            leftovers.append((len(path.parts), path))
    for _, path in leftovers:
        path.unlink()
