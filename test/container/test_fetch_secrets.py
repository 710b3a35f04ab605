"""Tokens, certificates and proxies: what goes where, and what never goes anywhere."""

from __future__ import annotations

import base64
import json
from itertools import count

import pytest

from support import certificates
from support.faulty_server import FaultyServer, Reply
from support.hub import REPOSITORY, HuggingFaceHub, ModelScopeHub, model
from support.proxy_server import ProxyServer

TOKEN = "hf_aVerySecretToken"
SHARD = "pytorch_model-00001-of-00002.bin"
AUTHORISATION = f"Bearer {TOKEN}"


@pytest.fixture
def hub(server):
    return HuggingFaceHub(server, model(), token=TOKEN)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("certificates"))


def test_a_gated_repository(hub, fetching):
    assert fetching.run(hub.source(tokenEnv="HF_TOKEN"))[0] == 21
    code, _ = fetching.run(hub.source(tokenEnv="HF_TOKEN"), HF_TOKEN=f"{TOKEN}\n")
    assert code == 0
    fetching.expect(hub.files)


def test_the_token_is_in_no_log_no_marker_and_no_message(hub, fetching, server):
    server.route(hub.path(SHARD), lambda _request: Reply(b"", 500))
    options = ("--tries", 2, "--progress-interval", 0.05)
    code, output = fetching.run(hub.source(tokenEnv="HF_TOKEN"), options=options, HF_TOKEN=TOKEN)
    assert code == 40
    assert TOKEN not in output + fetching.cause
    server.route(hub.path(SHARD), hub.healthy(SHARD))
    code, output = fetching.run(hub.source(tokenEnv="HF_TOKEN"), options=options, HF_TOKEN=TOKEN)
    assert code == 0
    written = output + "".join(path.read_text("utf-8", "replace") for path in fetching.target.glob(".*"))
    assert TOKEN not in written


def test_another_host_never_sees_the_token(hub, fetching, server):
    """The same machine by another name and port: the way a hub sends big files to a content network."""
    with FaultyServer().running() as network:
        network.route("/cdn/.+", lambda _request: Reply(hub.files[SHARD]))
        place = f"http://localhost:{network.port}/cdn/{SHARD}?Signature=s3cret"
        hub.serve(SHARD, lambda _request: Reply(b"", 302, {"Location": place}))
        code, output = fetching.run(hub.source(tokenEnv="HF_TOKEN"), HF_TOKEN=TOKEN)
        assert code == 0
        fetching.expect(hub.files)
        assert len(network.requests) > 1
        assert [r for r in network.requests if "Authorization" in r.headers or TOKEN in str(r.headers)] == []
        resolved = [request for request in server.requests if request.path == hub.path(SHARD)]
        assert all(request.headers["Authorization"] == AUTHORISATION for request in resolved)
        assert "s3cret" not in output + (fetching.target / ".cdk8s-chatglm.json").read_text()


def test_the_same_host_keeps_the_token(hub, fetching, server):
    server.route(f"/moved/{SHARD}", hub.healthy(SHARD))
    hub.serve(SHARD, lambda _request: Reply(b"", 307, {"Location": f"/moved/{SHARD}"}))
    assert fetching.run(hub.source(tokenEnv="HF_TOKEN"), HF_TOKEN=TOKEN)[0] == 0
    moved = [request for request in server.requests if request.path.startswith("/moved/")]
    assert moved[0].headers["Authorization"] == AUTHORISATION


def test_a_token_does_not_come_back_after_another_host(hub, fetching, server):
    with FaultyServer().running() as network:
        network.route("/there", lambda _request: Reply(b"", 302, {"Location": f"{server.url}/back"}))
        server.route("/back", hub.healthy(SHARD))
        hub.serve(SHARD, lambda _request: Reply(b"", 302, {"Location": f"http://localhost:{network.port}/there"}))
        assert fetching.run(hub.source(tokenEnv="HF_TOKEN"), HF_TOKEN=TOKEN)[0] == 0
        back = [request for request in server.requests if request.path == "/back"]
        assert back
        assert [request for request in back if "Authorization" in request.headers] == []


def test_a_signed_url_that_expires_is_resolved_again(hub, fetching, server):
    with FaultyServer().running() as network:
        served, signature = count(), count()
        valid = {}

        def content(request):
            valid.setdefault(request.query, 3)
            valid[request.query] -= 1
            return Reply(hub.files[SHARD]) if valid[request.query] >= 0 else Reply(b"expired", 403)

        network.route("/cdn", lambda request: next(served) >= 0 and content(request))
        hub.serve(SHARD, lambda _r: Reply(b"", 302, {"Location": f"{network.url}/cdn?signature={next(signature)}"}))
        code, output = fetching.run(hub.source(tokenEnv="HF_TOKEN"), options=("--chunk-size", 16384), HF_TOKEN=TOKEN)
        assert code == 0, output
        fetching.expect(hub.files)
        assert next(signature) > 1, "the file was resolved once only"
        refused = sum(1 for request in network.requests) - 3 * len(valid)
        assert refused < next(served)


def test_a_resolved_place_is_kept_for_all_ranges(fetching, server):
    hub = HuggingFaceHub(server, {SHARD: model()[SHARD]}, token=TOKEN)
    with FaultyServer().running() as network:
        network.route("/cdn", hub.healthy(SHARD))
        hub.serve(SHARD, lambda _request: Reply(b"", 302, {"Location": f"{network.url}/cdn"}))
        options = ("--connections", 2, "--chunk-size", 16384)
        assert fetching.run(hub.source(tokenEnv="HF_TOKEN"), options=options, HF_TOKEN=TOKEN)[0] == 0
        resolved = sum(request.path == hub.path(SHARD) for request in server.requests)
        assert resolved <= 2 < len(network.requests)


def test_modelscope_gets_its_token_as_a_cookie(fetching, server):
    hub = ModelScopeHub(server, {**model(), "参数/说明.json": b"{}"}, token=TOKEN)
    assert fetching.run(hub.source(tokenEnv="MS_TOKEN"))[0] == 21
    assert fetching.run(hub.source(tokenEnv="MS_TOKEN"), MS_TOKEN=TOKEN)[0] == 0
    fetching.expect(hub.files)


def test_a_private_authority(fetching, certificate):
    authority, key = certificate
    with FaultyServer(key).running() as secure:
        hub = HuggingFaceHub(secure, model())
        assert fetching.run(hub.source())[0] == 31
        assert fetching.cause.endswith("give the CA that signed it with --ca-bundle")
        assert f"the certificate of {secure.url}/api/models/{REPOSITORY}" in fetching.cause
        assert fetching.run(hub.source(), options=("--ca-bundle", authority))[0] == 0
        fetching.expect(hub.files)


def test_a_ca_bundle_that_is_none(hub, fetching, tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    assert fetching.run(hub.source(), options=("--ca-bundle", tmp_path / "ca.pem"))[0] == 31
    assert fetching.cause.startswith(f"CA bundle {tmp_path / 'ca.pem'} cannot be read: ")


def test_https_is_never_left(fetching, certificate, server):
    authority, key = certificate
    server.route("/plain", lambda _request: Reply(b"plain"))
    with FaultyServer(key).running() as secure:
        hub = HuggingFaceHub(secure, model())
        hub.serve(SHARD, lambda _request: Reply(b"", 302, {"Location": f"{server.url}/plain"}))
        assert fetching.run(hub.source(), options=("--ca-bundle", authority))[0] == 31
        assert fetching.cause.endswith(
            f"{secure.url}{hub.path(SHARD)} redirects from https to {server.url}/plain: refused"
        )
    assert server.requests == []


def test_plain_requests_go_through_the_proxy(fetching, server):
    hub = HuggingFaceHub(server, model())
    with ProxyServer().running() as proxy:
        password = "p%40ss"
        code, output = fetching.run(hub.source(), HTTP_PROXY=f"http://user:{password}@127.0.0.1:{proxy.port}")
        assert code == 0, output
        fetching.expect(hub.files)
        expected = "Basic " + base64.b64encode(b"user:p@ss").decode()
        assert len(proxy.seen) == len(server.requests)
        assert {authorisation for _, _, authorisation in proxy.seen} == {expected}
        assert password not in output


def test_tls_goes_through_a_tunnel(fetching, certificate):
    authority, key = certificate
    with FaultyServer(key).running() as secure, ProxyServer().running() as proxy:
        hub = HuggingFaceHub(secure, model())
        proxies = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        assert fetching.run(hub.source(), options=("--ca-bundle", authority), **proxies)[0] == 0
        fetching.expect(hub.files)
        assert {(method, target) for method, target, _ in proxy.seen} == {("CONNECT", f"127.0.0.1:{secure.port}")}


@pytest.mark.parametrize("exception", ["127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "*"])
def test_no_proxy(fetching, server, exception):
    hub = HuggingFaceHub(server, model())
    code, _ = fetching.run(hub.source(), http_proxy="http://127.0.0.1:9", NO_PROXY=exception, no_proxy=exception)
    assert code == 0
    fetching.expect(hub.files)


def test_a_proxy_that_cannot_be_used(hub, fetching):
    assert fetching.run(hub.source(), HTTP_PROXY="socks5://u:pw@127.0.0.1:1080")[0] == 31
    assert fetching.cause.endswith("proxy socks5://127.0.0.1:1080 cannot be used: only http:// proxies with a host are")


def test_a_link_with_a_secret_in_its_query(fetching, server):
    server.route("/w", lambda _request: Reply(b"weights"))
    source = {
        "kind": "http",
        "files": [{"url": f"{server.url}/w?key=s3cret", "path": "a.bin"}],
        "trustOnFirstUse": True,
    }
    code, output = fetching.run(json.dumps(source))
    assert code == 0
    assert server.requests[0].query == "key=s3cret"
    assert "s3cret" not in output + (fetching.target / ".cdk8s-chatglm.json").read_text()
