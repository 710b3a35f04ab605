"""upload_artifact.py as a process, for an artifact on a volume and a bucket, with what its outcome has to be."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from pathlib import Path

from artifacts import marker
from artifacts.marker import ArtifactFile, Marker

from support.script import Script
from support.upload_s3 import BUCKET, S3Server
from support.upload_signature import ACCESS, REGION, SECRET

MEBIBYTE = 1024 * 1024
PREFIX = "models/chatglm3 6b-0a1b2c"
MANIFEST = f"{PREFIX}/{marker.MARKER_NAME}"
CREATED = "2026-01-02T03:04:05Z"
KEYS = {"ACCESS_KEY": ACCESS, "SECRET_KEY": SECRET}


def content(size: int, seed: int) -> bytes:
    """Return bytes that no compression or accident would give."""
    return random.Random(seed).randbytes(size)


def sha256(data: bytes) -> str:
    """Return the digest of `data`."""
    return hashlib.sha256(data).hexdigest()


class Uploading:
    """Runs the script for one artifact, whose parts are 5 MiB."""

    def __init__(self, script: Script, store: S3Server, folder: Path) -> None:
        self._script = script
        self.store = store
        self.artifact = folder / "chatglm3-6b-0a1b2c"
        self.files: dict[str, bytes] = {}

    def make(
        self, files: dict[str, bytes], digests: bool = True, lineage: str = "0a1b2c", created: str = CREATED
    ) -> None:
        """Put an artifact with `files` on the volume; `digests`: its marker has them."""
        self.files = files
        self.artifact.mkdir(exist_ok=True)
        for name, data in files.items():
            path = self.artifact / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        entries = tuple(
            ArtifactFile(name, len(data), sha256(data) if digests else None) for name, data in files.items()
        )
        made = Marker("chatglm3-6b", lineage, "huggingface", entries, {"kind": "test"}, created)
        marker.write(self.artifact, made)

    def arguments(self, *options: object) -> list[object]:
        place = ["--endpoint", self.store.url, "--bucket", BUCKET, "--prefix", PREFIX, "--region", REGION]
        keys = ["--access-key-env", "ACCESS_KEY", "--secret-key-env", "SECRET_KEY"]
        quick = ["--part-size", 5 * MEBIBYTE, "--retry-delay", 0.02, "--tries", 4]
        return ["--artifact", self.artifact, *place, *keys, *quick, *options]

    def run(self, *options: object, **environment: str) -> tuple[int, str]:
        return self._script.run(*self.arguments(*options), **{**KEYS, **environment})

    def start(self, *options: object) -> subprocess.Popen[str]:
        return self._script.start(*self.arguments(*options), **KEYS)

    @property
    def cause(self) -> str:
        return self._script.cause

    def expect(self) -> None:
        """Check that the store has exactly the artifact, with every digest, and nothing unfinished."""
        stored = {key: data for key, (data, _) in self.store.objects.items()}
        manifest = json.loads(stored.pop(MANIFEST))
        assert sorted(stored) == sorted(f"{PREFIX}/{name}" for name in self.files)
        assert [name for name, data in self.files.items() if stored[f"{PREFIX}/{name}"] != data] == []
        recorded = {key: digest for key, (_, digest) in self.store.objects.items() if key != MANIFEST}
        assert recorded == {f"{PREFIX}/{name}": sha256(data) for name, data in self.files.items()}
        files = [{"path": name, "size": len(data), "sha256": sha256(data)} for name, data in self.files.items()]
        written = json.loads((self.artifact / marker.MARKER_NAME).read_text("utf-8"))
        assert manifest == {**written, "files": files}
        assert self.store.uploads == {}
        assert self.store.stored[-1] == MANIFEST

    def expect_nothing_finished(self) -> None:
        """Check that no reader could take what is there for the artifact."""
        assert MANIFEST not in self.store.objects
