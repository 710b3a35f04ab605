"""What servers answer besides the bytes: names, redirects, waits, refusals and why, empty files."""

from __future__ import annotations

import json
import time
from email.message import Message

import pytest
from fetch.refusal import pause

from support.buckets import ACCESS, REGION, SECRET
from support.faulty_server import FaultyServer, Reply, once
from support.hub import REPOSITORY, REVISION, HuggingFaceHub, ModelScopeHub, model

TOKEN = "hf_aVerySecretToken"
SMALL = "config.json"
TREE = f"/api/models/{REPOSITORY}/tree/{REVISION}"
ADVICE = "check the token in the Secret, and that its account has access to a gated repository"
NAME = "/模型 é+1.bin"
ESCAPED = "/%E6%A8%A1%E5%9E%8B%20%C3%A9+1.bin"


@pytest.fixture
def hub(server):
    return HuggingFaceHub(server, model(), token=TOKEN)


def label(server):
    return f"huggingface {REPOSITORY} at {server.url}"


def link(server, path):
    files = [{"url": server.url + path, "path": "w.bin"}]
    return json.dumps({"kind": "http", "files": files, "trustOnFirstUse": True})




def test_a_link_that_is_not_escaped(server, fetching):
    server.route("/.+", lambda _request: Reply(b"weights"))
    code, output = fetching.run(link(server, f"{NAME}?a=%20 {{b}}"))
    assert code == 0, output
    assert {(request.path, request.query) for request in server.requests} == {(ESCAPED, "a=%20%20%7Bb%7D")}
    fetching.expect({"w.bin": b"weights"})


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_redirect_that_is_not_escaped(server, fetching, encoding):
    place = NAME.replace("é", "e")
    there = place.encode(encoding)
    server.route("/w", lambda _request: Reply(b"", 302, {"Location": there.decode("latin-1")}))
    server.route("/%.+", lambda _request: Reply(b"weights"))
    code, output = fetching.run(link(server, "/w"))
    assert code == 0, output
    paths = {request.path for request in server.requests}
    escaped = "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in there)
    assert paths == {"/w", escaped}


@pytest.mark.parametrize(("status", "code", "advice"), [(401, 21, f"; {ADVICE}"), (403, 21, f"; {ADVICE}"), (404, 22, "")])
def test_a_refusal_after_a_redirect_on_the_same_host_is_permanent(hub, fetching, server, status, code, advice):
    """The hub redirects renamed repositories so."""
    there = TREE.replace("THUDM", "zai-org")
    server.route(TREE, lambda request: Reply(b"", 307, {"Location": f"{there}?{request.query}"}))
    server.route(there, lambda _request: Reply(b"", status))
    assert fetching.run(hub.source(tokenEnv="HF_TOKEN"), HF_TOKEN=TOKEN)[0] == code
    assert fetching.cause == f"{label(server)}: {server.url}{there} answers {status}{advice}"
    assert [request.path for request in server.requests] == [TREE, there]


def test_a_mirror_that_redirects_to_a_host_which_wants_the_token(hub, fetching, server):
    with FaultyServer().running() as mirror:
        other = HuggingFaceHub(mirror, model())
        mirror.route(TREE, lambda request: Reply(b"", 308, {"Location": f"{server.url}{TREE}?{request.query}"}))
        assert fetching.run(other.source(tokenEnv="HF_TOKEN"), HF_TOKEN=TOKEN)[0] == 21
        assert fetching.cause == (
            f"{label(mirror)}: {server.url}{TREE} answers 401 Access to this repository is restricted.; "
            f"{mirror.url} redirects there, and credentials go to no other host: "
            "name the host that it redirects to instead"
        )
        assert len(server.requests) == 1, "what cannot succeed was tried again"
        assert "Authorization" not in server.requests[0].headers


def test_the_wait_that_the_hub_asks_for(hub, fetching, server):
    limited = {"RateLimit": '"resolvers";r=0;t=1', "RateLimit-Policy": '"fixed window";"resolvers";q=5000;w=300'}
    hub.serve(SMALL, once(lambda _request: Reply(b"", 429, limited), hub.healthy(SMALL)))
    times = []
    answer = server.answer
    server.answer = lambda request: times.append((request.path, time.monotonic())) or answer(request)
    assert fetching.run(hub.source(tokenEnv="HF_TOKEN"), HF_TOKEN=TOKEN)[0] == 0
    first, second = [moment for path, moment in times if path == hub.path(SMALL)]
    assert second - first >= 1.9


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"RateLimit": '"api";r=0;t=287'}, 288),
        (429, {"ratelimit": '"api";r=0; t=5'}, 6),
        (429, {"RateLimit": '"api";r=12;t=287'}, 0),
        (429, {"RateLimit": '"api";r=10;t=287'}, 0),
        (429, {"RateLimit": '"api";r=0;t=287', "Retry-After": "3"}, 3),
        (503, {"RateLimit": '"api";r=0;t=287'}, 0),
        (503, {"Retry-After": "7"}, 7),
        (429, {}, 0),
    ],
)
def test_how_long_to_wait(status, headers, seconds):
    message = Message()
    for name, value in headers.items():
        message[name] = value
    assert pause(status, message) == seconds


S3_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The signature &amp; the '
    f"key {ACCESS}\n do not match</Message><StringToSign>{SECRET}</StringToSign></Error>"
)


def test_why_a_store_refuses(server, fetching):
    server.route("/models", lambda _request: Reply(S3_ERROR.encode(), 403, {"Content-Type": "application/xml"}))
    place = {"endpoint": server.url, "bucket": "models", "prefix": "p", "region": REGION}
    source = json.dumps({"kind": "s3", **place, "accessKeyEnv": "ACCESS_KEY", "secretKeyEnv": "SECRET_KEY"})
    code, output = fetching.run(source, ACCESS_KEY=ACCESS, SECRET_KEY=SECRET)
    assert code == 21
    assert fetching.cause == (
        f"s3 models/p/ at {server.url}: {server.url}/models answers 403 "
        f"SignatureDoesNotMatch: The signature & the key *** do not match; {ADVICE}"
    )
    assert ACCESS not in output
    assert SECRET not in output


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"Code": 10010205001, "Message": "the repo does not exist", "Data": null}', " the repo does not exist"),
        (b'{"message": "404 Project Not Found"}', " 404 Project Not Found"),
        (b'{"error": "Repository not found"}', " Repository not found"),
        (b'{"message": "no ' + TOKEN.encode() + b' here"}', " no *** here"),
        (b'{"message": ["a"], "error": "b"}', " b"),
        (json.dumps({"message": "x" * 1000}).encode(), " " + "x" * 300),
        (json.dumps({"message": "x" * 5000}).encode(), ""),
        ('{"message": "模型\\u0000\\u001b[31m不存在"}'.encode(), " 模型 [31m不存在"),
        (b'["a"]', ""),
        (b"<html><body>nothing here</body></html>", ""),
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
def test_why_a_hub_refuses(server, fetching, body, said):
    hub = ModelScopeHub(server, model())
    path = f"/api/v1/models/{REPOSITORY}/repo/files"
    server.route(path, lambda _request: Reply(body, 404))
    code, output = fetching.run(hub.source(tokenEnv="MS_TOKEN"), MS_TOKEN=TOKEN)
    assert code == 22
    assert fetching.cause == f"modelscope {REPOSITORY} at {server.url}: {server.url}{path} answers 404{said}"
    assert TOKEN not in output


@pytest.mark.parametrize("fault", [{"drip": 0.1}, {"stall_after": 10, "stall": 20}, {"reset_after": 10}])
def test_a_reason_that_does_not_come(hub, fetching, server, fault):
    server.route(TREE, lambda _request: Reply(b'{"message": "' + b"x" * 9000, 404, **fault))
    started = time.monotonic()
    assert fetching.run(hub.source(), options=("--stall-timeout", 1))[0] == 22
    assert time.monotonic() - started < 6
    assert fetching.cause == f"{label(server)}: {server.url}{TREE} answers 404"


def empty(request):
    """Answer as nginx does for a file without bytes."""
    return Reply(b"", 416, {"Content-Range": "bytes */0"}) if "Range" in request.headers else Reply(b"")


def test_an_empty_file_behind_a_link(server, fetching):
    server.route("/w", empty)
    code, output = fetching.run(link(server, "/w"))
    assert code == 0, output
    fetching.expect({"w.bin": b""})
    assert len(server.requests) <= 2


def test_a_range_that_is_refused_without_a_size(server, fetching):
    server.route("/w", lambda _request: Reply(b"", 416))
    assert fetching.run(link(server, "/w"), options=("--tries", 2))[0] == 25
    assert fetching.cause == f"http {server.url}/w: {server.url}/w answers 416 (2 tries without progress)"


@pytest.mark.parametrize(("entries", "code"), [(2999, 0), (3000, 25)])
def test_modelscope_lists_no_more_than_it_does(server, fetching, entries, code):
    hub = ModelScopeHub(server, {"config.json": b"{}"})
    tree = {"Path": "docs", "Type": "tree", "Size": 0, "Sha256": ""}
    path = f"/api/v1/models/{REPOSITORY}/repo/files"
    file = {**tree, "Path": "config.json", "Type": "blob", "Size": 2}
    listing = json.dumps({"Code": 200, "Data": {"Files": [file, *[tree] * (entries - 1)]}}).encode()
    server.route(path, lambda _request: Reply(listing))
    assert fetching.run(hub.source())[0] == code
    if code:
        name = f"modelscope {REPOSITORY} at {server.url}"
        assert fetching.cause == (
            f"{name}: {name} lists 3000 entries, and ModelScope leaves out what comes after 3000: "
            "fetch it by another kind of source, such as the same repository by git-lfs"
        )
        fetching.expect_nothing()
