"""The Hugging Face hub and every mirror that speaks its API.

Facts: huggingface_hub src/huggingface_hub/hf_api.py `list_repo_tree` (GET
/api/models/{repo}/tree/{revision}, pages by a Link header, `lfs.oid` is the sha256 of the content, `oid`
the git blob id) and constants.py `HUGGINGFACE_CO_URL_TEMPLATE`
({endpoint}/{repo}/resolve/{revision}/{file}).
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional
from urllib.parse import quote, urlsplit

from fetch.http import Client, Request, Response
from fetch.remote import Body, RemoteFile, Source
from fetch.sources.fields import Fields
from pod.exit_codes import BAD_MANIFEST, Fault

DATASETS = "datasets/"


class HuggingFace(Source):
    """One repository at one revision; `datasets/<owner>/<name>` is a repository of the data sets."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        self._repository = fields.text("repository")
        self._revision = fields.text("revision")
        self._endpoint = fields.url("endpoint", "https://huggingface.co").rstrip("/")
        self.trusted = fields.flag("trustOnFirstUse")
        token = fields.secret("tokenEnv")
        self._secrets = (token,) if token else ()
        self._credentials = {"Authorization": f"Bearer {token}"} if token else {}
        self.label = f"huggingface {self._repository} at {self._endpoint}"

    def files(self) -> List[RemoteFile]:
        """List the repository's files."""
        name = self._repository
        api = f"datasets/{name[len(DATASETS) :]}" if name.startswith(DATASETS) else f"models/{name}"
        revision = quote(self._revision, safe="")
        url: Optional[str] = f"{self._endpoint}/api/{api}/tree/{revision}?recursive=true"
        found: List[RemoteFile] = []
        while url is not None:
            response = self._client.open(self._request(url))
            found += [_file(entry) for entry in self._entries(response) if entry.get("type") == "file"]
            url = self._next(response)
        return found

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open a file by `resolve`, which redirects big ones to a content network."""
        path = quote(file.path, safe="/")
        url = f"{self._endpoint}/{self._repository}/resolve/{quote(self._revision, safe='')}/{path}"
        ranged = start > 0 or end != file.size
        return self._client.open(self._request(url), start, end, ranged)

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        return {
            "kind": "huggingface",
            "repository": self._repository,
            "revision": self._revision,
            "endpoint": self._endpoint,
        }

    def _request(self, url: str) -> Request:
        return Request(url, credentials=self._credentials, secrets=self._secrets)

    def _entries(self, response: Response) -> List[Dict[str, Any]]:
        try:
            entries = json.loads(response.whole().decode("utf-8"))
        except ValueError as error:
            raise Fault(
                BAD_MANIFEST, f"{self.label} answers with a listing that is no JSON: {error}"
            ) from error
        if not isinstance(entries, list):
            raise Fault(BAD_MANIFEST, f"{self.label} answers with a listing that is no list")
        return entries

    def _next(self, response: Response) -> Optional[str]:
        """Return the next page, at this endpoint: a mirror may pass on links that name the hub itself."""
        match = re.search(r'<([^>]+)>;\s*rel="next"', response.headers.get("Link", ""))
        if match is None:
            return None
        parts = urlsplit(match.group(1))
        base = urlsplit(self._endpoint)
        path = parts.path if parts.path.startswith(base.path) else base.path + parts.path
        return f"{base.scheme}://{base.netloc}{path}?{parts.query}"


def _file(entry: Dict[str, Any]) -> RemoteFile:
    lfs = entry.get("lfs")
    if lfs:
        return RemoteFile(str(entry["path"]), int(lfs["size"]), sha256=str(lfs["oid"]).lower())
    return RemoteFile(str(entry["path"]), int(entry["size"]), git_blob=str(entry["oid"]).lower())
