"""Single files behind links."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Optional

from fetch.address import shown
from fetch.http import Client
from fetch.remote import Body, RemoteFile, Source
from fetch.sources import web
from fetch.sources.fields import Fields
from pod.exit_codes import USAGE, Fault


class HttpFiles(Source):
    """Files that are each given by link, path and sha256; `trustOnFirstUse` allows links without a sha256."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        self._trust = fields.flag("trustOnFirstUse")
        self._files = [self._parse(entry) for entry in fields.objects("files")]
        self.trusted = any(file.sha256 is None for file in self._files)
        self.label = f"http {shown(self._files[0].locator)}"
        if len(self._files) > 1:
            self.label += f" and {len(self._files) - 1} more"

    def files(self) -> List[RemoteFile]:
        """Return the files that were given, with the sizes that their servers tell."""
        return [
            replace(file, size=web.probe(self._client, file.locator, file.path))
            if file.size is None
            else file
            for file in self._files
        ]

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open a file."""
        url = file.locator or next(known.locator for known in self._files if known.path == file.path)
        ranged = end is not None and (start > 0 or end != file.size)
        return web.get(self._client, url, file.path, start, end, ranged)

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        return {"kind": "http", "urls": " ".join(shown(file.locator) for file in self._files)}

    def _parse(self, fields: Fields) -> RemoteFile:
        url, path = web.link(fields.url("url")), fields.text("path")
        sha256, size = fields.sha256("sha256"), fields.number("size")
        fields.end()
        if sha256 is None and not self._trust:
            raise Fault(
                USAGE,
                f"{shown(url)} was given without sha256: give it, or trustOnFirstUse to record what comes",
            )
        return RemoteFile(path, size, sha256=sha256, locator=url)
