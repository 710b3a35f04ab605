"""Faults of networks and servers that the download has to survive: the bytes are identical afterwards."""

from __future__ import annotations

import json
import random
import time
from email.utils import formatdate
from itertools import count

import pytest

from support.faulty_server import Reply, once
from support.hub import HuggingFaceHub, model

SHARD = "pytorch_model-00001-of-00002.bin"
SMALL = "config.json"


@pytest.fixture
def hub(server):
    return HuggingFaceHub(server, model())


def replying(**fault):
    """Return a handler factory: the shard's bytes with `fault`."""
    return lambda data: lambda _request: Reply(data, **fault)


def status(code, **headers):
    return lambda _data: lambda _request: Reply(b"not now", code, headers)


def resets(seed):
    """Return a handler factory that resets three requests of four at random byte counts."""

    def factory(data):
        numbers = random.Random(seed)
        return lambda _request: Reply(data, reset_after=numbers.choice([None, 1, 4096, numbers.randrange(200_000)]))

    return factory


FAULTS = {
    "reset at random bytes, seed 1": (resets(1), 1000),
    "reset at random bytes, seed 2": (resets(2), 1000),
    "reset at random bytes, seed 3": (resets(3), 1000),
    "reset before the first byte": (replying(reset_after=0), 3),
    "closed early": (replying(close_after=100_000), 3),
    "closed before the first byte": (replying(close_after=0), 3),
    "stall": (replying(stall_after=50_000, stall=3), 2),
    "stall before the first byte": (replying(stall_after=0, stall=3), 2),
    "429": (status(429, **{"Retry-After": "0"}), 3),
    "408": (status(408), 2),
    "500 burst": (status(500), 5),
    "502 burst": (status(502), 5),
    "503 burst": (status(503), 5),
    "Content-Length too long": (replying(length=5_000_000), 3),
    "Content-Length too short": (replying(length=1000), 3),
    "corrupted byte": (replying(corrupt=70_000), 1),
    "Range ignored": (replying(ignore_range=True), 1000),
    "Range ignored and reset": (replying(ignore_range=True, reset_after=300_000), 2),
    "Range ignored at first": (replying(ignore_range=True), 1),
    "total of Content-Range wrong": (replying(total=5), 2),
    "Content-Range missing": (replying(headers={"Content-Range": "bytes */*"}), 2),
    "Content-Range of another place": (replying(headers={"Content-Range": "bytes 7-9/900017"}), 2),
    "chunked and cut": (replying(chunked=True, close_after=90_000), 3),
    "chunked": (replying(chunked=True), 1000),
    "redirect without Location": (status(302), 2),
    "range not satisfiable": (status(416), 2),
    "ETag changes": (lambda data: lambda _r, n=count(): Reply(data, headers={"ETag": f'"{next(n)}"'}), 1000),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bytes_are_identical_after(hub, fetching, fault):
    factory, times = FAULTS[fault]
    hub.serve(SHARD, once(factory(hub.files[SHARD]), hub.healthy(SHARD), times))
    code, output = fetching.run(hub.source(), options=("--stall-timeout", 0.3, "--tries", 30))
    assert code == 0, output
    fetching.expect(hub.files)


@pytest.mark.parametrize("code", [500, 503])
def test_the_listing_is_asked_for_again(hub, fetching, server, code):
    listing = server.answer
    flaky = once(lambda _request: Reply(b"", code), listing, 2)
    server.answer = lambda request: flaky(request) if request.path.startswith("/api/") else listing(request)
    assert fetching.run(hub.source())[0] == 0
    fetching.expect(hub.files)


def test_a_corrupt_small_file_is_found_by_its_git_blob_id(hub, fetching, server):
    hub.serve(SMALL, once(lambda _request: Reply(hub.files[SMALL], corrupt=3), hub.healthy(SMALL)))
    assert fetching.run(hub.source())[0] == 0
    fetching.expect(hub.files)
    assert server.sent[hub.path(SMALL)] == 2 * len(hub.files[SMALL])


def test_a_broken_connection_goes_on_where_it_broke(hub, fetching, server):
    shard = hub.files[SHARD]
    hub.serve(SHARD, once(lambda _request: Reply(shard, close_after=40_000), hub.healthy(SHARD), 10))
    assert fetching.run(hub.source())[0] == 0
    fetching.expect(hub.files)
    assert server.sent[hub.path(SHARD)] == len(shard), "bytes that had arrived were fetched again"


def in_two_seconds():
    return formatdate(time.time() + 2, usegmt=True)


@pytest.mark.parametrize("value", [lambda: "1", in_two_seconds], ids=["seconds", "date"])
def test_retry_after_is_honoured(hub, fetching, server, value):
    hub.serve(SMALL, once(lambda _request: Reply(b"", 429, {"Retry-After": value()}), hub.healthy(SMALL)))
    times = []
    answer = server.answer
    server.answer = lambda request: times.append((request.path, time.monotonic())) or answer(request)
    assert fetching.run(hub.source())[0] == 0
    asked = [moment for path, moment in times if path == hub.path(SMALL)]
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 0.9


def test_a_drip_is_dropped(hub, fetching, server):
    hub.serve(SHARD, once(lambda _request: Reply(hub.files[SHARD], drip=0.05), hub.healthy(SHARD), 2))
    started = time.monotonic()
    assert fetching.run(hub.source(), options=("--stall-timeout", 0.5))[0] == 0
    assert time.monotonic() - started < 10
    fetching.expect(hub.files)


def link(server, path, data, **more):
    return json.dumps({"kind": "http", "files": [{"url": server.url + path, "path": "weights.ckpt", **more}]} | data)


def test_a_file_that_changes_midway_begins_again(server, fetching):
    old, new = bytes(400_000), bytes([1]) * 400_000
    served = count()

    def changing(_request):
        first = next(served) < 2
        return Reply(old if first else new, headers={"ETag": '"old"' if first else '"new"'}, delay=0.05)

    server.route("/w", changing)
    assert fetching.run(link(server, "/w", {"trustOnFirstUse": True}), options=("--connections", 2))[0] == 0
    fetching.expect({"weights.ckpt": new})


@pytest.mark.parametrize("faults", [0, 2])
def test_a_server_that_tells_no_size(server, fetching, faults):
    data = random.Random(5).randbytes(300_000)
    whole = Reply(data, chunked=True, ignore_range=True)
    cut = Reply(data, chunked=True, ignore_range=True, close_after=100_000)
    server.route("/w", once(lambda _request: whole, once(lambda _request: cut, lambda _request: whole, faults)))
    assert fetching.run(link(server, "/w", {"trustOnFirstUse": True}))[0] == 0
    fetching.expect({"weights.ckpt": data})


def test_a_server_that_tells_the_size_only_with_the_file(server, fetching):
    """An archive that a host packs on demand has no length at first, and one once it is in its cache."""
    data = random.Random(6).randbytes(300_000)
    unknown = Reply(data, chunked=True, ignore_range=True)
    cut = Reply(data, ignore_range=True, close_after=100_000)
    server.route("/w", once(lambda _request: unknown, once(lambda _request: cut, lambda _request: Reply(data), 2)))
    assert fetching.run(link(server, "/w", {"trustOnFirstUse": True}))[0] == 0
    fetching.expect({"weights.ckpt": data})


def test_a_file_of_unknown_size_that_stays_short(server, fetching):
    data = random.Random(6).randbytes(300_000)
    unknown = Reply(data, chunked=True, ignore_range=True)
    cut = Reply(data, ignore_range=True, close_after=100_000)
    server.route("/w", once(lambda _request: unknown, lambda _request: cut))
    assert fetching.run(link(server, "/w", {"trustOnFirstUse": True}), options=("--tries", 2))[0] == 40
    assert fetching.cause == (
        f"http {server.url}/w: weights.ckpt: the connection closed at byte 100000 of 300000 (2 tries without progress)"
    )
    fetching.expect_nothing()


def test_connections_are_used_again(hub, fetching, server):
    assert fetching.run(hub.source(), options=("--connections", 2))[0] == 0
    assert len(server.requests) > 8
    assert server.opened <= 3


def test_a_server_that_closes_idle_connections(hub, fetching):
    for name in hub.files:
        hub.serve(name, lambda _request, name=name: Reply(hub.files[name], headers={"Connection": "close"}))
    assert fetching.run(hub.source())[0] == 0
    fetching.expect(hub.files)
