"""An archive behind a link: tar, tar.gz or zip."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional

from fetch import unpack
from fetch.address import shown
from fetch.http import Client
from fetch.remote import Body, RemoteFile, Source
from fetch.sources import web
from fetch.sources.fields import Fields
from pod.exit_codes import USAGE, Fault

FILE = "archive"


class Archive(Source):
    """One archive whose content becomes the artifact, without its first `stripComponents` folders."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        self._url = web.link(fields.url("url"))
        self._sha256 = fields.sha256("sha256")
        self._strip = fields.number("stripComponents") or 0
        self.label = f"archive {shown(self._url)}"
        self.trusted = self._sha256 is None
        if not fields.flag("trustOnFirstUse") and self.trusted:
            raise Fault(
                USAGE,
                f"{self.label} was given without sha256: give it, or trustOnFirstUse to record what comes",
            )

    def files(self) -> List[RemoteFile]:
        """Return the archive itself as the only file."""
        size = web.probe(self._client, self._url, FILE)
        return [RemoteFile(FILE, size, sha256=self._sha256)]

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open the archive."""
        ranged = end is not None and (start > 0 or end != file.size)
        return web.get(self._client, self._url, file.path, start, end, ranged)

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        return {"kind": "archive", "url": shown(self._url)}

    def extract(self, archive: Path, tree: Path) -> None:
        """Unpack `archive` into the empty directory `tree`."""
        unpack.extract(archive, tree, self._strip, self.label)
