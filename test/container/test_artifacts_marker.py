"""The marker makes a directory an artifact."""

from __future__ import annotations

import json
import re

import pytest
from artifacts import marker
from artifacts.marker import ArtifactFile, Marker
from pod.exit_codes import BAD_MANIFEST, Fault

WRITTEN = Marker(
    name="chatglm3-6b",
    lineage="0a1b2c",
    format="huggingface",
    files=(ArtifactFile("a.bin", 3, "ff" * 32), ArtifactFile("目录/b.bin", 0)),
    source={"kind": "http"},
    created="2024-01-02T03:04:05Z",
)


def test_what_is_written_is_read(tmp_path):
    marker.write(tmp_path, WRITTEN)
    assert marker.read(tmp_path) == WRITTEN
    assert [path.name for path in tmp_path.iterdir()] == [marker.MARKER_NAME]


def test_the_time_is_utc_in_iso_8601(tmp_path):
    marker.write(tmp_path, Marker("n", "l", "f"))
    created = json.loads((tmp_path / marker.MARKER_NAME).read_text("utf-8"))["created"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)


def test_no_marker_is_none(tmp_path):
    assert marker.read(tmp_path) is None
    assert marker.read(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"version": 1', "JSONDecodeError: Expecting ',' delimiter: line 1 column 14 (char 13)"),
        ('{"version": 2}', "ValueError: version is 2"),
        ('{"version": 1, "files": []}', "KeyError: 'name'"),
        ("[]", "TypeError: list indices must be integers or slices, not str"),
    ],
)
def test_a_marker_that_makes_no_sense_is_a_fault(tmp_path, text, cause):
    path = tmp_path / marker.MARKER_NAME
    path.write_text(text)
    with pytest.raises(Fault) as caught:
        marker.read(tmp_path)
    assert caught.value.code == BAD_MANIFEST
    assert str(caught.value) == (
        f"marker {path} cannot be read ({cause}); expected JSON of version 1: "
        f"remove the directory {tmp_path} to have it made again"
    )


def test_a_failed_write_leaves_the_old_marker(tmp_path, monkeypatch):
    marker.write(tmp_path, WRITTEN)

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        marker.write(tmp_path, Marker("other", "l", "f"))
    assert marker.read(tmp_path) == WRITTEN
    assert len(list(tmp_path.iterdir())) == 1


def test_missing_says_what_is_wrong(tmp_path):
    (tmp_path / "目录").mkdir()
    (tmp_path / "目录" / "b.bin").write_bytes(b"")
    assert marker.missing(tmp_path, WRITTEN) == "a.bin cannot be found (No such file or directory)"
    (tmp_path / "a.bin").write_bytes(b"four")
    assert marker.missing(tmp_path, WRITTEN) == "a.bin has 4 bytes, its marker says 3"
    (tmp_path / "a.bin").write_bytes(b"abc")
    assert marker.missing(tmp_path, WRITTEN) is None
