"""upload_artifact.py against a store that behaves."""

from __future__ import annotations

import datetime
import json
import re

import pytest
from artifacts import marker
from fetch.sources.place import sign

from support.script import Script
from support.upload_s3 import BUCKET, S3Server
from support.upload_script import KEYS, MANIFEST, MEBIBYTE, PREFIX, Uploading, content, sha256
from support.upload_signature import ACCESS, REGION, SECRET

FILES = {
    "config.json": b"{}",
    "empty.txt": b"",
    "shards/权重 1+2=3&x~.bin": content(10 * MEBIBYTE + 1, 1),
    "exact.bin": content(5 * MEBIBYTE, 2),
    "small.bin": content(700_000, 3),
}


@pytest.fixture
def uploading(python, container, tmp_path):
    with S3Server().running() as store:
        yield Uploading(Script(python, container, "upload_artifact", tmp_path), store, tmp_path)


@pytest.fixture
def source(uploading):
    """What --source of fetch_weights.py says of the place."""
    place = {"endpoint": uploading.store.url, "bucket": BUCKET, "prefix": PREFIX, "region": REGION}
    return json.dumps({"kind": "s3", **place, "accessKeyEnv": "ACCESS_KEY", "secretKeyEnv": "SECRET_KEY"})


@pytest.mark.parametrize("digests", [True, False])
def test_what_was_uploaded_is_what_is_fetched(uploading, fetching, source, digests):
    uploading.make(FILES, digests)
    code, output = uploading.run()
    assert code == 0, output
    uploading.expect()
    assert SECRET not in output
    assert ACCESS not in output
    code, output = fetching.run(source, **KEYS)
    assert code == 0, output
    fetching.expect(FILES)


@pytest.mark.parametrize(
    ("endpoint", "options", "addressing"),
    [
        ("http://obs.cn-north-4.myhuaweicloud.com", (), {}),
        ("http://s3.corp.example:9000", ("--addressing", "virtual"), {"addressing": "virtual"}),
    ],
)
def test_a_bucket_in_the_host(uploading, fetching, source, endpoint, options, addressing):
    """The store is the client's proxy, so it sees the whole URL and no name has to be resolved."""
    uploading.make(FILES)
    proxy = {"HTTP_PROXY": uploading.store.url}
    code, output = uploading.run("--endpoint", endpoint, *options, **proxy)
    assert code == 0, output
    uploading.expect()
    hosts = {request.host for request in uploading.store.requests}
    assert hosts == {f"{BUCKET}.{endpoint.replace('http://', '')}"}
    code, output = fetching.run(json.dumps({**json.loads(source), "endpoint": endpoint, **addressing}), **KEYS, **proxy)
    assert code == 0, output
    fetching.expect(FILES)


def test_a_damaged_object_is_found_by_its_manifest(uploading, fetching, source):
    uploading.make({"w.bin": content(300_000, 5)})
    assert uploading.run()[0] == 0
    key = f"{PREFIX}/w.bin"
    data, digest = uploading.store.objects[key]
    uploading.store.objects[key] = (data[:-1] + bytes([data[-1] ^ 1]), digest)
    assert fetching.run(source, **KEYS)[0] == 23
    fetching.expect_nothing()


def test_a_manifest_that_cannot_be_read_is_not_fetched_past(uploading, fetching, source):
    manifest = b'{"files": [{"path": "w.bin"}]}'
    uploading.store.objects.update({f"{PREFIX}/w.bin": (b"weights", ""), MANIFEST: (manifest, "")})
    assert fetching.run(source, **KEYS)[0] == 25
    assert fetching.cause == (
        f"s3 {BUCKET}/{PREFIX}/ at {uploading.store.url}: its manifest .cdk8s-chatglm.json cannot be read "
        "(KeyError: 'sha256'); remove it to fetch the objects without it, or upload the artifact again"
    )
    fetching.expect_nothing()


def test_an_object_that_was_removed_is_missed(uploading, fetching, source):
    uploading.make({"a.json": b"{}", "w.bin": b"weights"})
    assert uploading.run()[0] == 0
    del uploading.store.objects[f"{PREFIX}/w.bin"]
    assert fetching.run(source, **KEYS)[0] == 25
    assert fetching.cause.endswith(": its manifest names w.bin, which is not there: upload the artifact again")
    fetching.expect_nothing()


def test_the_signature_of_the_published_example():
    """Amazon's documentation, "Signature Calculations for the Authorization Header", example PUT Object."""
    moment = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
    key, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    host, body = "examplebucket.s3.amazonaws.com", sha256(b"Welcome to Amazon S3.")
    more = {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
    headers = sign("PUT", "/test%24file.text", "", host, moment, "us-east-1", key, secret, body, more)
    published = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"  # source: that example
    assert headers["Authorization"].endswith(
        f"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, Signature={published}"
    )


def test_large_files_go_in_parts_and_small_ones_at_once(uploading):
    uploading.make(FILES)
    assert uploading.run()[0] == 0
    large, exact = f"{PREFIX}/shards/权重 1+2=3&x~.bin", f"{PREFIX}/exact.bin"
    whole = [exact, *(f"{PREFIX}/{name}" for name in ("config.json", "empty.txt", "small.bin"))]
    parts = [(large, 1), (large, 2), (large, 3)]
    assert sorted(uploading.store.stored, key=str) == sorted([*whole, *parts, MANIFEST], key=str)


@pytest.mark.parametrize("digests", [True, False])
def test_a_complete_upload_ends_at_once(uploading, digests):
    uploading.make(FILES, digests)
    assert uploading.run()[0] == 0
    before = len(uploading.store.requests)
    code, output = uploading.run()
    assert code == 0
    assert [(r.method, r.key) for r in uploading.store.requests[before:]] == [("GET", MANIFEST)]
    place = f"s3 {BUCKET}/{PREFIX}/ at {uploading.store.url}"
    assert f"{uploading.artifact} is complete at {place}: nothing to do" in output


def test_an_artifact_made_again_with_the_same_bytes_is_the_same(uploading):
    uploading.make({"w.bin": b"weights"}, digests=False, created="2026-01-01T00:00:00Z")
    assert uploading.run()[0] == 0
    uploading.make({"w.bin": b"weights"}, digests=False, created="2026-02-02T00:00:00Z")
    stored = list(uploading.store.stored)
    assert uploading.run()[0] == 0
    assert uploading.store.stored == stored


@pytest.mark.parametrize(
    ("files", "lineage"),
    [({"w.bin": b"weights"}, "other"), ({"w.bin": b"WEIGHTS"}, "0a1b2c"), ({"w.bin": b"weights", "x": b""}, "0a1b2c")],
)
def test_another_artifact_there_is_left_alone(uploading, files, lineage):
    uploading.make({"w.bin": b"weights"}, digests=False, created="2026-01-01T00:00:00Z")
    assert uploading.run()[0] == 0
    before = dict(uploading.store.objects)
    uploading.make(files, digests=False, lineage=lineage, created="2026-02-02T00:00:00Z")
    assert uploading.run()[0] == 31
    assert uploading.store.objects == before
    assert uploading.cause == (
        f"s3 {BUCKET}/{PREFIX}/ at {uploading.store.url} has another artifact, chatglm3-6b of lineage 0a1b2c "
        f"made 2026-01-01T00:00:00Z, not chatglm3-6b of lineage {lineage} made 2026-02-02T00:00:00Z; "
        "nothing was changed: give another --prefix, or remove what is there"
    )


def test_a_manifest_that_makes_no_sense(uploading):
    uploading.make({"w.bin": b"weights"})
    uploading.store.objects[MANIFEST] = (b'{"files": [3]}', "")
    assert uploading.run()[0] == 25
    assert uploading.cause == (
        f"the manifest of s3 {BUCKET}/{PREFIX}/ at {uploading.store.url} cannot be read (TypeError: "
        "'int' object is not subscriptable); remove it, or give another --prefix"
    )


@pytest.mark.parametrize("size", [300_000, 12 * MEBIBYTE])
def test_a_file_that_is_not_what_its_marker_says(uploading, size):
    uploading.make({"w.bin": content(size, 1)})
    damaged = content(size, 2)
    (uploading.artifact / "w.bin").write_bytes(damaged)
    assert uploading.run()[0] == 28
    path = uploading.artifact / "w.bin"
    assert uploading.cause == (
        f"{path} has sha256 {sha256(damaged)}, its marker says {sha256(uploading.files['w.bin'])}: it is damaged; "
        "stop what reads the artifact and remove its directory to have it made again"
    )
    assert uploading.store.objects == {}


def test_a_file_that_is_missing_or_hostile(uploading):
    uploading.make({"w.bin": b"weights"})
    (uploading.artifact / "w.bin").unlink()
    assert uploading.run()[0] == 28
    assert uploading.cause == (
        f"{uploading.artifact} is not what its marker says: w.bin cannot be found (No such file or directory); "
        "remove the directory to have it made again"
    )
    (uploading.artifact.parent / "outside").write_bytes(b"weights")
    uploading.make({"../outside": b"weights"})
    assert uploading.run()[0] == 26
    assert uploading.store.requests == []


def test_an_artifact_without_files(uploading):
    uploading.make({})
    assert uploading.run()[0] == 0
    uploading.expect()


def test_progress_looks_as_that_of_a_download(uploading):
    uploading.make({"w.bin": content(2 * MEBIBYTE, 1)}, digests=False)
    code, output = uploading.run("--rate-limit", 4 * MEBIBYTE, "--progress-interval", 0.1)
    assert code == 0
    lines = [line.split("upload_artifact: ")[1] for line in output.splitlines()]
    place = f"s3 {BUCKET}/{PREFIX}/ at {uploading.store.url}"
    assert lines[0] == "1 artifacts are ready"
    assert lines[1] == f"sending 1 files, 2.1 MB, from {uploading.artifact} to {place}"
    form = r"\d+\.\d %, \d+\.\d MB of 2\.1 MB, [1-9]\d*\.\d MB/s, \d+s left, w\.bin"
    assert any(re.fullmatch(form, line) for line in lines[2:-1]), output
    assert lines[-1] == f"{place} is complete: 1 files, 2.1 MB, of which 0 B were there before"


def test_the_key_prefix_may_be_the_bucket_itself(uploading):
    uploading.make({"w.bin": b"weights"})
    assert uploading.run("--prefix", "/")[0] == 0
    assert sorted(uploading.store.objects) == [marker.MARKER_NAME, "w.bin"]
