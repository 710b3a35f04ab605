"""S3-compatible object stores, such as Huawei OBS and MinIO.

Facts: Amazon S3 API reference, ListObjectsV2 (list-type=2, pages by continuation-token) and ListObjects
(pages by marker).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional
from xml.etree import ElementTree

from artifacts.marker import MARKER_NAME
from fetch.http import Client
from fetch.remote import Body, RemoteFile, Source
from fetch.sources.fields import Fields
from fetch.sources.place import ADDRESSINGS, Place
from pod.exit_codes import BAD_MANIFEST, BAD_SETTING, Fault


@dataclass(frozen=True)
class _Page:
    """A page of a listing: sizes by key, and where the next begins, as far as the store says so."""

    objects: Dict[str, int]
    more: bool
    token: str
    marker: str


class S3(Source):
    """The objects of a bucket under a prefix; signed if both keys are there, else anonymous."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        endpoint = fields.url("endpoint").rstrip("/")
        bucket = fields.text("bucket")
        prefix = fields.text("prefix", "/").strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        region = fields.text("region", "us-east-1")
        keys = fields.secret("accessKeyEnv"), fields.secret("secretKeyEnv")
        addressing = fields.choice("addressing", ADDRESSINGS)
        self._place = Place(endpoint, bucket, region, *keys, addressing=addressing)
        self.trusted = fields.flag("trustOnFirstUse")
        self.label = f"s3 {bucket}/{self._prefix} at {endpoint}"
        if (keys[0] is None) != (keys[1] is None):
            raise Fault(
                BAD_SETTING, f"{self.label}: one of the access key and the secret key is empty; give both"
            )

    def files(self) -> List[RemoteFile]:
        """List the objects under the prefix, by their names after it.

        If a manifest is among them, because an artifact was uploaded there, its digests are checked.
        """
        found = [
            RemoteFile(key[len(self._prefix) :], size)
            for key, size in self._objects().items()
            if key != self._prefix and not key.endswith("/")
        ]
        if not any(file.path == MARKER_NAME for file in found):
            return found
        digests = self._digests()
        absent = sorted(set(digests) - {file.path for file in found})
        if absent:
            raise Fault(
                BAD_MANIFEST, f"its manifest names {absent[0]}, which is not there: upload the artifact again"
            )
        return [replace(file, sha256=digests.get(file.path)) for file in found if file.path != MARKER_NAME]

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open an object."""
        ranged = start > 0 or end != file.size
        return self._client.open(
            self._place.request("GET", f"{self._prefix}{file.path}", {}), start, end, ranged
        )

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        place = self._place
        return {"kind": "s3", "endpoint": place.endpoint, "bucket": place.bucket, "prefix": self._prefix}

    def _objects(self) -> Dict[str, int]:
        """Return the sizes of all objects under the prefix by key; `Fault` if the pages do not lead on."""
        found: Dict[str, int] = {}
        query = {"list-type": "2", "prefix": self._prefix}
        while True:
            page = self._page(query)
            following = self._following(page)
            if following == query or found.keys() & page.objects.keys():
                raise Fault(BAD_MANIFEST, f"{self.label} lists the same objects again, so none after them")
            found.update(page.objects)
            if not following:
                return found
            query = following

    def _following(self, page: _Page) -> Dict[str, str]:
        """Return the query for the page after `page`, {} if there is none.

        Stores that know the first version of the listing only leave the token out: Huawei OBS (parallel file
        systems) and Baidu BOS. They are asked on by that version.
        """
        if not page.more:
            return {}
        if page.token:
            return {"list-type": "2", "prefix": self._prefix, "continuation-token": page.token}
        last = page.marker or ([*page.objects] or [""])[-1]
        if not last:
            raise Fault(BAD_MANIFEST, f"{self.label} says that there are more objects, and not after which")
        return {"prefix": self._prefix, "marker": last}

    def _page(self, query: Mapping[str, str]) -> _Page:
        answer = self._client.open(self._place.request("GET", "", query)).whole()
        try:
            root = ElementTree.fromstring(answer)  # noqa: S314 (expat resolves no external entity)
        except ElementTree.ParseError as error:
            raise Fault(
                BAD_MANIFEST, f"{self.label} answers with a listing that is no XML: {error}"
            ) from error
        space = root.tag[: root.tag.find("}") + 1]
        return _Page(
            objects={
                item.findtext(f"{space}Key") or "": int(item.findtext(f"{space}Size") or 0)
                for item in root.iter(f"{space}Contents")
            },
            more=root.findtext(f"{space}IsTruncated") == "true",
            token=root.findtext(f"{space}NextContinuationToken") or "",
            marker=root.findtext(f"{space}NextMarker") or "",
        )

    def _digests(self) -> Dict[str, str]:
        """Return the digests in the manifest of an artifact that was uploaded here."""
        answer = self._client.open(self._place.request("GET", f"{self._prefix}{MARKER_NAME}", {})).whole()
        try:
            files = json.loads(answer)["files"]
            return {str(file["path"]): str(file["sha256"]) for file in files if file["sha256"]}
        except (ValueError, KeyError, TypeError) as error:
            raise Fault(
                BAD_MANIFEST,
                f"its manifest {MARKER_NAME} cannot be read ({type(error).__name__}: {error}); "
                "remove it to fetch the objects without it, or upload the artifact again",
            ) from error
