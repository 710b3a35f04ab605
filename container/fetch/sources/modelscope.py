"""The ModelScope hub.

Facts: modelscope@003d3dc modelscope/hub/api.py `get_model_files` (GET
/api/v1/models/{repository}/repo/files, answer `Data.Files` with Path, Type, Size, Sha256) and `get_cookies`
(the token is the cookie m_session_id); hub/file_download.py `get_file_download_url` (GET
/api/v1/models/{repository}/repo with Revision and FilePath); modelscope_hub 0.5.1 constants.py (a listing
has 3000 entries at most).
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional
from urllib.parse import quote, urlencode

from fetch.http import Client, Request
from fetch.remote import Body, RemoteFile, Source
from fetch.sources.fields import Fields
from pod.exit_codes import BAD_MANIFEST, Fault

MOST_ENTRIES = 3000


class ModelScope(Source):
    """One model repository at one revision."""

    def __init__(self, fields: Fields, client: Client) -> None:
        self._client = client
        self._repository = fields.text("repository")
        self._revision = fields.text("revision")
        self._endpoint = fields.url("endpoint", "https://modelscope.cn").rstrip("/")
        self.trusted = fields.flag("trustOnFirstUse")
        token = fields.secret("tokenEnv")
        self._secrets = (token,) if token else ()
        self._credentials = {"Cookie": f"m_session_id={token}"} if token else {}
        self._base = f"{self._endpoint}/api/v1/models/{quote(self._repository, safe='/')}/repo"
        self.label = f"modelscope {self._repository} at {self._endpoint}"

    def files(self) -> List[RemoteFile]:
        """List the repository's files."""
        query = urlencode({"Revision": self._revision, "Recursive": "true"})
        response = self._client.open(self._request(f"{self._base}/files?{query}"))
        try:
            answer = json.loads(response.whole().decode("utf-8"))
            entries: List[Dict[str, Any]] = answer["Data"]["Files"]
            found = [_file(entry) for entry in entries if entry.get("Type") != "tree"]
        except (ValueError, KeyError, TypeError) as error:
            cause = f"{type(error).__name__}: {error}"
            raise Fault(BAD_MANIFEST, f"{self.label} answers with no list of files ({cause})") from error
        if len(entries) >= MOST_ENTRIES:
            raise Fault(
                BAD_MANIFEST,
                f"{self.label} lists {len(entries)} entries, and ModelScope leaves out what comes after "
                f"{MOST_ENTRIES}: fetch it by another kind of source, such as the same repository by git-lfs",
            )
        return found

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open a file."""
        query = urlencode({"Revision": self._revision, "FilePath": file.path})
        ranged = start > 0 or end != file.size
        return self._client.open(self._request(f"{self._base}?{query}"), start, end, ranged)

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        return {
            "kind": "modelscope",
            "repository": self._repository,
            "revision": self._revision,
            "endpoint": self._endpoint,
        }

    def _request(self, url: str) -> Request:
        return Request(url, credentials=self._credentials, secrets=self._secrets)


def _file(entry: Dict[str, Any]) -> RemoteFile:
    sha256 = str(entry.get("Sha256") or "").lower() or None
    return RemoteFile(str(entry["Path"]), int(entry["Size"]), sha256=sha256)
