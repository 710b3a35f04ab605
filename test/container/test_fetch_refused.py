"""What no other try can heal: the exit code, the cause in the termination message, and nothing half-done."""

from __future__ import annotations

import json
import signal
import time

import pytest
from artifacts import marker

from support.faulty_server import FaultyServer, Reply
from support.hub import REPOSITORY, REVISION, HuggingFaceHub, git_blob, model
from support.patience import until

SHARD = "pytorch_model-00001-of-00002.bin"
TREE = f"/api/models/{REPOSITORY}/tree/{REVISION}"


@pytest.fixture
def hub(server):
    return HuggingFaceHub(server, model())


def label(server):
    return f"huggingface {REPOSITORY} at {server.url}"


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (
            401,
            21,
            "answers 401 Access is restricted.; check the token in the Secret, "
            "and that its account has access to a gated repository",
        ),
        (
            403,
            21,
            "answers 403 Access is restricted.; check the token in the Secret, "
            "and that its account has access to a gated repository",
        ),
        (404, 22, "answers 404 Access is restricted."),
        (410, 22, "answers 410 Access is restricted."),
        (400, 25, "answers 400 Access is restricted."),
    ],
)
@pytest.mark.parametrize("place", ["listing", "file"])
def test_a_refusal_is_permanent(hub, fetching, server, status, code, cause, place):
    reply = Reply(b"", status, {"X-Error-Message": "Access is restricted."})
    path = TREE if place == "listing" else hub.path(SHARD)
    server.route(path, lambda _request: reply)
    assert fetching.run(hub.source())[0] == code
    assert fetching.cause == f"{label(server)}: {server.url}{path} {cause}"
    assert sum(request.path == path for request in server.requests) <= 8, "a permanent fault was tried again"
    fetching.expect_nothing()


def test_a_server_that_stays_down_is_worth_another_pod(hub, fetching, server):
    server.route(hub.path(SHARD), lambda _request: Reply(b"", 503))
    assert fetching.run(hub.source(), options=("--tries", 3))[0] == 40
    assert fetching.cause == f"{label(server)}: {server.url}{hub.path(SHARD)} answers 503 (3 tries without progress)"
    fetching.expect_nothing()


def test_nobody_listens(fetching):
    source = json.dumps({"kind": "huggingface", "repository": "a/b", "revision": "c", "endpoint": "http://127.0.0.1:9"})
    assert fetching.run(source, options=("--tries", 2))[0] == 40
    assert fetching.cause == (
        "huggingface a/b at http://127.0.0.1:9: http://127.0.0.1:9/api/models/a/b/tree/c: "
        "ConnectionRefusedError: [Errno 111] Connection refused (2 tries without progress)"
    )


def test_a_checksum_that_is_wrong_twice(hub, fetching, server):
    shard = hub.files[SHARD]
    server.route(hub.path(SHARD), lambda _request: Reply(shard, corrupt=70_000))
    code, output = fetching.run(hub.source())
    assert code == 23
    assert fetching.cause.startswith(f"{label(server)}: {SHARD} from {label(server)} was wrong twice: sha256 ")
    assert fetching.cause.endswith("the source is damaged or the pinned digest is not its own")
    assert server.sent[hub.path(SHARD)] <= 2 * len(shard) + 8 * 65536, output
    fetching.expect_nothing()


def test_a_git_blob_that_is_wrong_twice(hub, fetching, server):
    config = hub.files["config.json"]
    wrong = config.replace(b"chatglm", b"chatGLM")
    server.route(hub.path("config.json"), lambda _request: Reply(wrong))
    assert fetching.run(hub.source())[0] == 23
    assert f"git blob {git_blob(wrong)}, expected git blob {git_blob(config)};" in fetching.cause


def test_a_file_of_another_size_than_the_manifest_says(hub, fetching, server):
    server.route(hub.path(SHARD), lambda _request: Reply(hub.files[SHARD][:-1]))
    assert fetching.run(hub.source(), options=("--tries", 2))[0] == 25
    assert fetching.cause == (
        f"{label(server)}: {SHARD} has 900016 bytes at the server, 900017 in the manifest (2 tries without progress)"
    )


def test_a_redirect_loop(hub, fetching, server):
    place = hub.path(SHARD)
    server.route(place, lambda _request: Reply(b"", 302, {"Location": place}))
    assert fetching.run(hub.source())[0] == 31
    assert fetching.cause == (
        f"{label(server)}: {server.url}{place} redirects more than 10 times, last to {server.url}{place}"
    )


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://example.org/x"])
def test_a_redirect_to_another_scheme(hub, fetching, server, place):
    server.route(hub.path(SHARD), lambda _request: Reply(b"", 302, {"Location": place}))
    assert fetching.run(hub.source())[0] == 31
    assert fetching.cause == f"{label(server)}: cannot open {place}: only http:// and https:// URLs with a host are"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"<html>", "answers with a listing that is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"{}", "answers with a listing that is no list"),
    ],
)
def test_a_listing_that_is_none(hub, fetching, server, body, cause):
    server.route(TREE, lambda _request: Reply(body))
    assert fetching.run(hub.source())[0] == 25
    assert fetching.cause == f"{label(server)}: {label(server)} {cause}"


UNSAFE = [
    "/etc/passwd",
    "../escape",
    "a/../../escape",
    "a//b",
    "./a",
    "a\\b",
    "a\nb",
    "",
    "a/",
    ".cdk8s-chatglm.json",
    "x" * 300,
]


@pytest.mark.parametrize("name", UNSAFE)
def test_a_name_that_could_leave_the_target(fetching, server, name, tmp_path):
    listing = json.dumps([{"type": "file", "path": name, "size": 1, "oid": "0" * 40}]).encode()
    hub = HuggingFaceHub(server, {})
    server.route(TREE, lambda _request: Reply(listing))
    before = sorted(tmp_path.rglob("*"))
    assert fetching.run(hub.source())[0] == 26
    assert f"file name {name[:200]!r} is refused: " in fetching.cause
    fetching.expect_nothing()
    assert [path for path in tmp_path.rglob("*") if path not in before and "escape" in path.name] == []


def test_two_files_in_one_place(fetching, server):
    listing = json.dumps([{"type": "file", "path": p, "size": 1, "oid": "0" * 40} for p in ("a", "a/b")]).encode()
    hub = HuggingFaceHub(server, {})
    server.route(TREE, lambda _request: Reply(listing))
    assert fetching.run(hub.source())[0] == 26
    assert fetching.cause == f"{label(server)}: file name 'a/b' is refused: another file is in its place"


def test_a_required_file_that_the_source_lacks(hub, fetching, server):
    assert fetching.run(hub.source(), options=("--include", "*.json", "--require", "*.safetensors"))[0] == 25
    assert fetching.cause == (
        f"{label(server)}: {label(server)} has no file that matches *.safetensors; "
        "chosen are config.json, pytorch_model.bin.index.json"
    )


def test_patterns_that_choose_nothing(hub, fetching, server):
    assert fetching.run(hub.source(), options=("--include", "*.onnx"))[0] == 25
    assert fetching.cause == f"{label(server)}: {label(server)} has 7 files, none of which the patterns choose"


def test_the_deadline(hub, fetching, server):
    server.route(hub.path(SHARD), lambda _request: Reply(hub.files[SHARD], rate=50_000))
    started = time.monotonic()
    assert fetching.run(hub.source(), options=("--deadline", 1))[0] == 41
    assert time.monotonic() - started < 4
    assert fetching.cause.startswith("not done within 1 s at ")
    assert fetching.cause.endswith("another start goes on from here")


def test_sigterm_ends_it_within_two_seconds_and_it_goes_on(hub, fetching, server):
    slow = [lambda _request: Reply(hub.files[SHARD], rate=200_000)]
    server.route(hub.path(SHARD), lambda request: slow[0](request))
    process = fetching.start(hub.source(), options=("--progress-interval", 0.1))
    until(lambda: server.sent[hub.path(SHARD)] >= 500_000)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 42
    assert time.monotonic() - started < 2
    assert fetching.cause.startswith("told to stop at ")
    fetching.expect_nothing()
    first = server.sent[hub.path(SHARD)]
    slow[0] = hub.healthy(SHARD)
    assert fetching.run(hub.source())[0] == 0
    fetching.expect(hub.files)
    again = server.sent[hub.path(SHARD)] - (len(hub.files[SHARD]) - first)
    # What is in the sockets' buffers at the end counts as sent; it is bounded by the chunks in flight.
    assert again <= 8 * 65536 + first - 500_000 + 8 * 65536


def test_sigterm_while_the_listing_hangs(hub, fetching, server):
    server.route(TREE, lambda _request: Reply(b"[]", delay=20))
    process = fetching.start(hub.source())
    until(lambda: server.requests)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 42
    assert time.monotonic() - started < 2
    assert fetching.cause == "told to stop"


def test_a_page_instead_of_a_file(server, fetching):
    server.route(
        "/w", lambda _request: Reply(b"<html>sign in</html>", headers={"Content-Type": "text/html; charset=utf-8"})
    )
    source = {
        "kind": "http",
        "files": [{"url": f"{server.url}/w?key=s3cret", "path": "a.bin"}],
        "trustOnFirstUse": True,
    }
    assert fetching.run(json.dumps(source))[0] == 22
    assert fetching.cause == (
        f"http {server.url}/w: {server.url}/w is a web page, not a.bin: it may need a login, or another link to the file"
    )


def test_a_target_that_something_else_made(hub, fetching, server):
    fetching.target.mkdir(parents=True)
    (fetching.target / "notes").write_text("mine")
    assert fetching.run(hub.source())[0] == 28
    assert fetching.cause == (
        f"{fetching.target} is there and not empty but has no marker, so something else made it: "
        "move it away, then try again"
    )
    assert server.requests == [], "the download began although its place is taken"
    assert (fetching.target / "notes").read_text() == "mine"


def test_a_marker_that_lies(hub, fetching):
    assert fetching.run(hub.source())[0] == 0
    (fetching.target / SHARD).write_bytes(b"short")
    assert fetching.run(hub.source())[0] == 28
    assert fetching.cause == (
        f"{fetching.target} is not what its marker says: {SHARD} has 5 bytes, its marker says 900017; "
        "stop what reads it and remove the directory to have it fetched again"
    )


def test_verify_finds_one_flipped_byte(hub, fetching):
    assert fetching.run(hub.source())[0] == 0
    code, output = fetching.run(hub.source(), options=("--verify",))
    assert code == 0
    assert "every digest checked" in output
    with (fetching.target / SHARD).open("r+b") as file:
        file.seek(123_456)
        file.write(bytes([hub.files[SHARD][123_456] ^ 1]))
    assert fetching.run(hub.source())[0] == 0, "without --verify sizes are enough"
    assert fetching.run(hub.source(), options=("--verify",))[0] == 28
    assert f"is not what its marker says: {SHARD} has sha256 " in fetching.cause


def test_a_marker_that_cannot_be_read(hub, fetching):
    fetching.target.mkdir(parents=True)
    (fetching.target / marker.MARKER_NAME).write_text("{")
    assert fetching.run(hub.source())[0] == 25
    assert fetching.cause.startswith(f"marker {fetching.target / marker.MARKER_NAME} cannot be read (JSONDecodeError: ")


USAGE = [
    ("no json", "--source is not JSON: Expecting value: line 1 column 1 (char 0)"),
    (
        '{"kind": "ftp"}',
        "--source has kind 'ftp'; known are archive, directory, git-lfs, http, huggingface, modelscope, s3",
    ),
    (
        '{"kind": "huggingface", "repository": "a", "revision": "b", "tokn": "c", "extra": 1}',
        "source of kind huggingface has unknown keys extra, tokn; known are endpoint, repository, revision, "
        "tokenEnv, trustOnFirstUse",
    ),
    (
        '{"kind": "huggingface", "repository": "a"}',
        "source of kind huggingface has revision None; expected a string that is not empty",
    ),
    (
        '{"kind": "huggingface", "repository": "a", "revision": "b", "endpoint": "https://u:p@host/x"}',
        "https://host/x was given with credentials in it: put them in a Secret and name it by tokenEnv",
    ),
    (
        '{"kind": "http", "files": [{"url": "http://h/a", "path": "a"}]}',
        "http://h/a was given without sha256: give it, or trustOnFirstUse to record what comes",
    ),
    (
        '{"kind": "http", "files": [{"url": "http://h/a", "path": "a", "sha256": "12"}]}',
        "source of kind http files[0] has sha256 '12'; expected 64 hex digits",
    ),
    (
        '{"kind": "http", "files": [{"url": "https://cloud.tsinghua.edu.cn/d/67/", "path": "a"}], "trustOnFirstUse": true}',
        "https://cloud.tsinghua.edu.cn/d/67/ is the page of a share, not a file: give the link of each file with dl=1, "
        "such as https://<host>/d/<share>/files/?p=/<file>&dl=1",
    ),
]


@pytest.mark.parametrize(("source", "cause"), USAGE)
def test_wrong_usage(fetching, source, cause):
    assert fetching.run(source)[0] == 20
    assert fetching.cause == cause
    assert not fetching.target.parent.exists(), "something was made before the mistake was found"


@pytest.mark.parametrize(
    "options",
    [
        ("--connections", "0"),
        ("--chunk-size", "1"),
        ("--deadline", "-1"),
        ("--progress", "xml"),
        ("--stall-timeout", "nan"),
    ],
)
def test_options_out_of_range(hub, fetching, options):
    assert fetching.run(hub.source(), options=options)[0] == 20
    assert fetching.cause.startswith(f"argument {options[0]}: ")


def test_several_sources_and_none_has_it(hub, fetching, server):
    with FaultyServer().running() as mirror:
        other = HuggingFaceHub(mirror, model())
        mirror.route(TREE, lambda _request: Reply(b"", 404))
        server.route(TREE, lambda _request: Reply(b"", 503))
        assert fetching.run(other.source(), hub.source(), options=("--tries", 2))[0] == 40
        assert fetching.cause == (
            f"no source has it: {label(mirror)}: {mirror.url}{TREE} answers 404; "
            f"{label(server)}: {server.url}{TREE} answers 503 (2 tries without progress)"
        )


def test_sources_that_disagree(hub, fetching, server):
    with FaultyServer().running() as mirror:
        other = HuggingFaceHub(mirror, {**model(), SHARD: b"other" * 50_000})
        mirror.route(other.path("tokenizer.model"), lambda _request: Reply(b"", 404))
        assert fetching.run(other.source(), hub.source())[0] == 25
        assert fetching.cause.endswith(
            f"{label(server)} and the source that this download began with disagree on {SHARD}: "
            "size is 250000 and 900017; pin both to the same revision, or leave one out"
        )


def test_a_file_that_always_changes(server, fetching):
    tags = iter(range(10**6))
    server.route("/w", lambda _request: Reply(bytes(400_000), headers={"ETag": f'"{next(tags)}"'}))
    source = {"kind": "http", "files": [{"url": f"{server.url}/w", "path": "a.bin"}], "trustOnFirstUse": True}
    assert fetching.run(json.dumps(source))[0] == 25
    assert fetching.cause == f"http {server.url}/w: a.bin changes on the server again and again"


def test_the_first_good_source_after_a_corrupt_mirror(hub, fetching):
    with FaultyServer().running() as mirror:
        other = HuggingFaceHub(mirror, model())
        mirror.route(other.path(SHARD), lambda _request: Reply(hub.files[SHARD], corrupt=5))
        code, output = fetching.run(other.source(), hub.source())
        assert code == 0
        assert f"WARNING fetch_weights: {label(mirror)}: {SHARD} from" in output
        fetching.expect(hub.files)
        assert marker.read(fetching.target).source["endpoint"] == hub.server.url


def test_a_mirror_that_lacks_a_file_costs_nothing_that_is_there(hub, fetching, server):
    with FaultyServer().running() as mirror:
        other = HuggingFaceHub(mirror, model())
        mirror.route(other.path("tokenizer.model"), lambda _request: Reply(b"", 404))
        assert fetching.run(other.source(), hub.source(), options=("--connections", 1))[0] == 0
        fetching.expect(hub.files)
        assert server.sent[hub.path(SHARD)] == 0, "a file that the mirror had delivered was fetched again"
        assert server.sent[hub.path("tokenizer.model")] == 30_000
