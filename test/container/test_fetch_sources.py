"""Every kind of source, as its server speaks."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import shutil
import tarfile
import zipfile

import pytest
from artifacts import marker
from fetch.sources.place import sign

from support.buckets import ACCESS, REGION, SECRET, Bucket
from support.faulty_server import Reply
from support.git_server import GitServer
from support.hub import HuggingFaceHub, ModelScopeHub, content, model
from support.patience import until

LARGE = content(300_000, 9)
KEYS = {"ACCESS_KEY": ACCESS, "SECRET_KEY": SECRET}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def digests(target):
    return {file.path: file.sha256 for file in marker.read(target).files}


def test_links_with_digests(server, fetching):
    server.route("/obs/glm3/glm3_6b.ckpt", lambda _request: Reply(LARGE))
    server.route("/obs/glm3/tokenizer.model", lambda _request: Reply(b"tokens"))
    files = [
        {"url": f"{server.url}/obs/glm3/glm3_6b.ckpt", "path": "glm3_6b.ckpt", "sha256": sha256(LARGE).upper()},
        {"url": f"{server.url}/obs/glm3/tokenizer.model", "path": "vocab/tokenizer.model", "sha256": sha256(b"tokens")},
    ]
    assert fetching.run(json.dumps({"kind": "http", "files": files}))[0] == 0
    fetching.expect({"glm3_6b.ckpt": LARGE, "vocab/tokenizer.model": b"tokens"})


def test_trust_on_first_use_records_what_came(server, fetching):
    server.route("/w", lambda _request: Reply(LARGE))
    source = {"kind": "http", "files": [{"url": f"{server.url}/w", "path": "w"}], "trustOnFirstUse": True}
    assert fetching.run(json.dumps(source))[0] == 0
    assert digests(fetching.target) == {"w": sha256(LARGE)}
    shutil.rmtree(fetching.target)
    assert fetching.run(json.dumps(source))[0] == 0, "the same content was refused later"
    shutil.rmtree(fetching.target)
    other = LARGE[:-1] + b"!"
    server.route("/w", lambda _request: Reply(other))
    assert fetching.run(json.dumps(source))[0] == 23
    record = f"{fetching.target}.first-use.json"
    assert fetching.cause == (
        f"http {server.url}/w: w from http {server.url}/w has sha256 {sha256(other)}, "
        f"the first download had {sha256(LARGE)}; if that is meant, remove {record}"
    )
    fetching.expect_nothing()
    os.unlink(record)
    assert fetching.run(json.dumps(source))[0] == 0
    fetching.expect({"w": other})


def test_an_archive_that_is_packed_anew_is_the_same(server, fetching):
    """Hosts pack a commit's archive anew at times: the files count, not the archive's own digest."""
    source = json.dumps({"kind": "archive", "url": f"{server.url}/a", "trustOnFirstUse": True})
    for packer in ("tar.gz", "tar.xz"):
        server.route("/a", lambda _request, packer=packer: Reply(PACKERS[packer](TREE)))
        assert fetching.run(source)[0] == 0
        shutil.rmtree(fetching.target)
    server.route("/a", lambda _request: Reply(tar([*TREE, ("transformers-4.27.4/new", b"")])))
    assert fetching.run(source)[0] == 23
    assert "transformers-4.27.4/new from archive" in fetching.cause


@pytest.mark.parametrize("kind", ["huggingface", "modelscope", "s3", "directory"])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_revision_that_moves(server, fetching, tmp_path, kind, trusted):
    files = {"config.json": b"{}", "w.bin": LARGE}
    trust = {"trustOnFirstUse": True} if trusted and kind != "directory" else {}
    source = {
        "huggingface": lambda: HuggingFaceHub(server, files).source(**trust),
        "modelscope": lambda: ModelScopeHub(server, files).source(**trust),
        "s3": lambda: bucket_source(server, **trust),
        "directory": lambda: json.dumps({"kind": "directory", "path": str(tmp_path / "origin")}),
    }[kind]()
    (tmp_path / "origin").mkdir()
    for content in (LARGE, LARGE, LARGE[:-1] + b"!"):
        files["w.bin"] = content
        for name, data in files.items():
            (tmp_path / "origin" / name).write_bytes(data)
        if kind == "s3":
            Bucket(server, "models", {f"chatglm3/6b/{name}": data for name, data in files.items()}, signed=False)
        shutil.rmtree(fetching.target, ignore_errors=True)
        code, output = fetching.run(source)
        if content == LARGE:
            assert code == 0, output
    if not trusted and kind != "directory":
        assert code == 0, output
        return
    assert code == 23
    assert f"the first download had {sha256(LARGE)}; if that is meant, remove {fetching.target}.first-use.json" in output
    fetching.expect_nothing()


def test_a_directory_with_a_marker_is_not_recorded(fetching, tmp_path):
    """A task that makes an artifact again need not make the same bytes."""
    origin = tmp_path / "origin"
    origin.mkdir()
    for content in (LARGE, LARGE[:-1] + b"!"):
        (origin / "w.bin").write_bytes(content)
        marker.write(origin, marker.Marker("n", "l", "f", files=(marker.ArtifactFile("w.bin", len(content), None),)))
        shutil.rmtree(fetching.target, ignore_errors=True)
        assert fetching.run(json.dumps({"kind": "directory", "path": str(origin)}))[0] == 0


def bucket_source(server, **more):
    place = {"endpoint": server.url, "bucket": "models", "prefix": "chatglm3/6b", "region": REGION}
    return json.dumps({"kind": "s3", **place, **more})


OBJECTS = {
    "chatglm3/6b/config.json": b"{}",
    "chatglm3/6b/sub dir/权重 1+2.bin": LARGE,
    "chatglm3/6b/sub dir/": b"",
    "chatglm3/6b/a=b&c.bin": b"odd",
    "chatglm3/6b-other/x": b"not ours",
}
WANTED = {"config.json": b"{}", "sub dir/权重 1+2.bin": LARGE, "a=b&c.bin": b"odd"}


@pytest.mark.parametrize("signed", [True, False])
def test_a_bucket(server, fetching, signed):
    Bucket(server, "models", OBJECTS, signed)
    keys = {"accessKeyEnv": "ACCESS_KEY", "secretKeyEnv": "SECRET_KEY"} if signed else {}
    code, output = fetching.run(bucket_source(server, **keys), **KEYS)
    assert code == 0, output
    fetching.expect(WANTED)
    assert SECRET not in output


def test_a_bucket_with_the_wrong_key(server, fetching):
    Bucket(server, "models", OBJECTS)
    keys = {"accessKeyEnv": "ACCESS_KEY", "secretKeyEnv": "SECRET_KEY"}
    assert fetching.run(bucket_source(server, **keys), ACCESS_KEY=ACCESS, SECRET_KEY="wrong")[0] == 21
    assert fetching.run(bucket_source(server, **keys), ACCESS_KEY=ACCESS)[0] == 31
    assert fetching.cause.endswith("one of the access key and the secret key is empty; give both")


def test_the_signature_of_the_published_example():
    """Amazon's documentation, "Signature Calculations for the Authorization Header", example GET Bucket Lifecycle."""
    moment = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
    key, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    headers = sign("GET", "/", "lifecycle=", "examplebucket.s3.amazonaws.com", moment, "us-east-1", key, secret)
    published = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"  # source: that example
    assert headers["Authorization"].endswith(f"Signature={published}")


def test_a_directory(fetching, tmp_path):
    origin = tmp_path / "origin"
    (origin / "sub").mkdir(parents=True)
    (origin / "blob").write_bytes(LARGE)
    (origin / "sub" / "link.bin").symlink_to("../blob")
    (origin / "empty").write_bytes(b"")
    assert fetching.run(json.dumps({"kind": "directory", "path": str(origin)}))[0] == 0
    fetching.expect({"blob": LARGE, "sub/link.bin": LARGE, "empty": b""})
    assert not (fetching.target / "sub" / "link.bin").is_symlink()


def test_a_directory_that_is_an_artifact_is_checked_by_its_marker(fetching, tmp_path):
    origin = tmp_path / "origin"
    origin.mkdir()
    (origin / "w.bin").write_bytes(LARGE[:-1] + b"!")
    file = marker.ArtifactFile("w.bin", len(LARGE), sha256(LARGE))
    marker.write(origin, marker.Marker("n", "l", "f", files=(file,)))
    assert fetching.run(json.dumps({"kind": "directory", "path": str(origin)}))[0] == 23


def test_a_directory_that_is_not_there_or_odd(fetching, tmp_path):
    origin = tmp_path / "origin"
    source = json.dumps({"kind": "directory", "path": str(origin)})
    assert fetching.run(source)[0] == 22
    origin.mkdir()
    os.mkfifo(origin / "pipe")
    assert fetching.run(source)[0] == 26
    assert fetching.cause.endswith("has pipe, which is not a regular file")


@pytest.mark.parametrize("revision", ["main", "v1", "commit"])
def test_git_lfs_without_a_clone(server, fetching, tmp_path, revision):
    files = {**model(), "深/层/文件.py": b"code\n" * 300}
    git = GitServer(server, tmp_path, files)
    code, output = fetching.run(git.source(git.commit if revision == "commit" else revision))
    assert code == 0, output
    fetching.expect(files)
    big = sum(len(data) for data in files.values() if len(data) >= 10_000)
    assert sum(n for path, n in server.sent.items() if path.startswith("/objects/")) == big


def test_git_lfs_asks_for_new_links_when_the_old_expire(server, fetching, tmp_path):
    git = GitServer(server, tmp_path, model())
    served = iter(range(10**6))

    def expiring(request):
        if next(served) == 1:
            git.batches += 1  # every ticket given out so far is void
        return git._object(request)

    server.route("/objects/.+", expiring)
    code, output = fetching.run(git.source("main"), options=("--connections", 2, "--tries", 5))
    assert code == 0, output
    fetching.expect(model())


def test_git_lfs_with_a_token(server, fetching, tmp_path):
    git = GitServer(server, tmp_path, model(), token="glpat-1")
    assert fetching.run(git.source("main"))[0] == 21
    code, output = fetching.run(git.source("main", tokenEnv="GIT_TOKEN"), GIT_TOKEN="glpat-1")
    assert code == 0
    assert "glpat" not in output
    fetching.expect(model())


def test_git_lfs_without_that_revision(server, fetching, tmp_path):
    git = GitServer(server, tmp_path, {"a": b"b"})
    assert fetching.run(git.source("v9"))[0] == 22
    assert fetching.cause.endswith(f"{git.url} has no tag or branch v9")
    assert fetching.run(git.source("12" * 20))[0] in (22, 25)


def tar(members, mode="w:gz"):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, body in members:
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return data.getvalue()


def zipped(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return data.getvalue()


TREE = [("transformers-4.27.4/setup.py", b"setup()\n"), ("transformers-4.27.4/src/w.bin", LARGE)]


def archive_source(server, data, chunked=False, **more):
    server.route("/a", lambda _request: Reply(data, chunked=chunked, ignore_range=chunked))
    return json.dumps({"kind": "archive", "url": f"{server.url}/a", "sha256": sha256(data), **more})


def test_an_index_whose_shard_was_not_chosen(server, fetching):
    index = json.dumps({"weight_map": {"a": "w-1.bin", "b": "w-2.bin"}}).encode()
    source = archive_source(server, tar([("m/w.bin.index.json", index), ("m/w-1.bin", b"1"), ("m/w-2.bin", b"2")]))
    assert fetching.run(source, options=("--exclude", "*w-2.bin"))[0] == 25
    assert fetching.cause.endswith("m/w.bin.index.json needs m/w-2.bin, which was not fetched; choose both or neither")
    assert fetching.run(source)[0] == 0


def test_the_index_of_the_form_that_is_not_wanted(server, fetching):
    bins = json.dumps({"weight_map": {"a": "w-1.bin", "b": "w-2.bin"}}).encode()
    tensors = json.dumps({"weight_map": {"a": "w-1.safetensors"}}).encode()
    files = [("w.bin.index.json", bins), ("w-1.bin", b"1"), ("w-2.bin", b"2")]
    data = tar([*files, ("w.safetensors.index.json", tensors), ("w-1.safetensors", b"1")])
    source = archive_source(server, data)
    assert fetching.run(source, options=("--exclude", "*.bin"))[0] == 0
    assert not (fetching.target / "w-1.bin").exists()


def test_an_index_without_any_weights(server, fetching):
    index = json.dumps({"weight_map": {"a": "w-1.bin"}}).encode()
    source = archive_source(server, tar([("w.bin.index.json", index), ("w-1.bin", b"1")]))
    assert fetching.run(source, options=("--exclude", "*.bin"))[0] == 25
    assert fetching.cause.endswith("w.bin.index.json needs w-1.bin, which was not fetched; choose both or neither")


PACKERS = {"tar.gz": tar, "tar": lambda m: tar(m, "w"), "tar.xz": lambda m: tar(m, "w:xz"), "zip": zipped}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("chunked", [False, True])
def test_an_archive(server, fetching, packer, chunked):
    data = PACKERS[packer](TREE)
    code, output = fetching.run(archive_source(server, data, chunked, stripComponents=1))
    assert code == 0, output
    fetching.expect({"setup.py": b"setup()\n", "src/w.bin": LARGE})
    assert digests(fetching.target)["src/w.bin"] == sha256(LARGE)


def test_an_archive_that_came_damaged_is_not_kept(server, fetching):
    """Nobody knows its digest or its size, so only unpacking tells."""
    data = tar(TREE)
    server.route("/a", lambda _request: Reply(data, unframed=True, ignore_range=True, close_after=len(data) - 100_000))
    source = json.dumps({"kind": "archive", "url": f"{server.url}/a", "trustOnFirstUse": True})
    assert fetching.run(source)[0] == 28
    assert fetching.cause == (
        f"archive {server.url}/a: archive {server.url}/a cannot be unpacked: EOFError: Compressed file ended before the "
        "end-of-stream marker was reached; it was removed, another start fetches it anew"
    )
    server.route("/a", lambda _request: Reply(data))
    code, output = fetching.run(source)
    assert code == 0, output
    fetching.expect(dict(TREE))


def test_an_archive_that_came_damaged_does_not_spoil_the_next_source(server, fetching):
    data = tar(TREE)
    server.route("/a", lambda _request: Reply(data[:-100_000]))
    server.route("/b", lambda _request: Reply(data))
    sources = [json.dumps({"kind": "archive", "url": server.url + path, "trustOnFirstUse": True}) for path in ("/a", "/b")]
    code, output = fetching.run(*sources)
    assert code == 0, output
    fetching.expect(dict(TREE))


def test_patterns_choose_from_an_archive(server, fetching):
    source = archive_source(server, tar(TREE))
    assert fetching.run(source, options=("--include", "*.py", "--require", "*/setup.py"))[0] == 0
    fetching.expect({"transformers-4.27.4/setup.py": b"setup()\n"})


def linked(target, kind=tarfile.SYMTYPE, name="top/docs/en/link.md"):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def zip_link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target


LINKED = [("top/README.md", b"read me"), ("top/docs/x", b"x")]
LINKS = {
    "symbolic": tar([(linked("../../README.md"), b""), *LINKED]),
    "hard": tar([*LINKED, (linked("top/README.md", tarfile.LNKTYPE), b"")]),
    "chain": tar([(linked("a.md"), b""), (linked("../../README.md", name="top/docs/en/a.md"), b""), *LINKED]),
    "zip": zipped([*LINKED, zip_link("top/docs/en/link.md", "../../README.md")]),
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_within_an_archive_becomes_a_copy(server, fetching, kind):
    code, output = fetching.run(archive_source(server, LINKS[kind], stripComponents=1))
    assert code == 0, output
    assert (fetching.target / "docs/en/link.md").read_bytes() == b"read me"
    assert [path for path in fetching.target.rglob("*") if path.is_symlink()] == []


@pytest.mark.parametrize("target", ["..", "nowhere", "link.md"])
def test_a_link_to_no_file_is_left_out_and_said(server, fetching, target):
    code, output = fetching.run(archive_source(server, tar([(linked(target), b""), *LINKED]), stripComponents=1))
    assert code == 0, output
    fetching.expect({"README.md": b"read me", "docs/x": b"x"})
    assert "WARNING fetch_weights: left out docs/en/link.md, a link to docs" in output


def special(kind, target="/etc/passwd"):
    member = tarfile.TarInfo("evil")
    member.type, member.linkname = kind, target
    return member


HOSTILE = {
    "absolute": (tar([("/etc/cron.d/x", b"x")]), 26),
    "parent": (tar([("a/../../x", b"x")]), 26),
    "symbolic link": (tar([(special(tarfile.SYMTYPE), b"")]), 26),
    "link then file through it": (tar([(special(tarfile.SYMTYPE, "/tmp"), b""), ("evil/x", b"x")]), 26),
    "link out of the archive": (tar([(linked("../../../../etc/passwd"), b""), ("a", b"1")]), 26),
    "zip link out of the archive": (zipped([zip_link("x", "../y"), ("a", b"1")]), 26),
    "hard link": (tar([(special(tarfile.LNKTYPE), b"")]), 26),
    "device": (tar([(special(tarfile.CHRTYPE), b"")]), 26),
    "pipe": (tar([(special(tarfile.FIFOTYPE), b"")]), 26),
    "twice": (tar([("a", b"1"), ("a", b"2")]), 26),
    "file as folder": (tar([("a", b"1"), ("a/b", b"2")]), 26),
    "marker": (tar([(".cdk8s-chatglm.json", b"{}")]), 26),
    "zip parent": (zipped([("../x", b"x")]), 26),
    "zip absolute": (zipped([("/x", b"x")]), 26),
    "zip bomb": (zipped([("zeros", bytes(70 * 2**20))]), 28),
    "tar bomb": (tar([("zeros", bytes(70 * 2**20))]), 28),
    "not an archive": (b"hello" * 1000, 28),
    "cut": (tar(TREE)[:-100_000], 28),
    "nothing below": (tar([("only.txt", b"x")]), 28),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive(server, fetching, tmp_path, name):
    data, code = HOSTILE[name]
    outside = {path for path in tmp_path.rglob("*")}
    strip = {"stripComponents": 1} if name == "nothing below" else {}
    assert fetching.run(archive_source(server, data, **strip))[0] == code, fetching.cause
    assert f"archive {server.url}/a" in fetching.cause
    fetching.expect_nothing()
    partial = fetching.target.with_name(fetching.target.name + ".partial")
    new = {path for path in tmp_path.rglob("*")} - outside
    allowed = (fetching.target.parent, tmp_path / "termination-fetch_weights")
    assert [path for path in new if not str(path).startswith(tuple(map(str, allowed)))] == []
    assert [path for path in partial.rglob("*") if path.is_symlink()] == []


def test_an_archive_goes_on_after_a_kill(server, fetching):
    data = tar([("w.bin", content(2_000_000, 4))])
    source = archive_source(server, data)
    server.route("/a", lambda _request: Reply(data, rate=300_000))
    process = fetching.start(source, options=("--connections", 2))
    until(lambda: server.sent["/a"] > 700_000)
    process.kill()
    process.communicate()
    sent = server.sent["/a"]
    server.route("/a", lambda _request: Reply(data))
    assert fetching.run(source, options=("--lease-takeover", 0.5))[0] == 0
    assert server.sent["/a"] < len(data) + 2 * 65536 + 50_000, f"{sent} bytes had been sent before the kill"
    fetching.expect({"w.bin": content(2_000_000, 4)})
