"""S3-compatible stores that differ from Amazon's: where the bucket stands in the URL, and how pages go on."""

from __future__ import annotations

import json

import pytest

from support.buckets import ACCESS, REGION, SECRET, Bucket
from support.faulty_server import Reply
from support.hub import content

LARGE = content(300_000, 9)
KEYS = {"ACCESS_KEY": ACCESS, "SECRET_KEY": SECRET}
PREFIX = "chatglm3/6b"
OBJECTS = {
    f"{PREFIX}/config.json": b"{}",
    f"{PREFIX}/sub dir/权重 1+2.bin": LARGE,
    f"{PREFIX}/sub dir/": b"",
    f"{PREFIX}/a=b&c.bin": b"odd",
    f"{PREFIX}-other/x": b"not ours",
}
WANTED = {"config.json": b"{}", "sub dir/权重 1+2.bin": LARGE, "a=b&c.bin": b"odd"}


def source(endpoint, **more):
    place = {"endpoint": endpoint, "bucket": "models", "prefix": PREFIX, "region": REGION}
    return json.dumps({"kind": "s3", **place, "accessKeyEnv": "ACCESS_KEY", "secretKeyEnv": "SECRET_KEY", **more})


@pytest.mark.parametrize(
    ("endpoint", "more", "host"),
    [
        ("http://obs.cn-north-4.myhuaweicloud.com", {}, "models.obs.cn-north-4.myhuaweicloud.com"),
        ("http://obs.eu-west-101.myhuaweicloud.eu:8080", {}, "models.obs.eu-west-101.myhuaweicloud.eu:8080"),
        ("http://OSS-cn-hangzhou.aliyuncs.com:80", {}, "models.oss-cn-hangzhou.aliyuncs.com"),
        ("http://s3.corp.example", {"addressing": "virtual"}, "models.s3.corp.example"),
    ],
)
def test_the_bucket_is_in_the_host_where_the_store_wants_it(server, fetching, endpoint, more, host):
    """The server is the client's proxy, so it sees the whole URL and no name has to be resolved."""
    Bucket(server, "models", OBJECTS, host=host)
    code, output = fetching.run(source(endpoint, **more), HTTP_PROXY=server.url, **KEYS)
    assert code == 0, output
    fetching.expect(WANTED)
    assert {request.path.partition("?")[0].startswith(f"http://{host}/") for request in server.requests} == {True}


@pytest.mark.parametrize(
    ("endpoint", "more"),
    [
        ("http://s3.corp.example", {}),
        ("http://myhuaweicloud.com.corp.example", {}),
        ("http://obs.cn-north-4.myhuaweicloud.com", {"addressing": "path"}),
    ],
)
def test_the_bucket_is_in_the_path_elsewhere(server, fetching, endpoint, more):
    server.route(".*", lambda _request: Reply(b"", 404))
    assert fetching.run(source(endpoint, **more), HTTP_PROXY=server.url, **KEYS)[0] == 22
    assert [request.path for request in server.requests] == [f"{endpoint}/models"]


def test_an_addressing_that_there_is_not(fetching):
    assert fetching.run(source("http://s3.corp.example", addressing="dns"))[0] == 20
    assert fetching.cause == "source of kind s3 has addressing 'dns'; expected virtual or path"


@pytest.mark.parametrize("listing", ["v2", "v1", "unmarked"])
def test_every_page_of_a_listing(server, fetching, listing):
    Bucket(server, "models", OBJECTS, listing=listing)
    code, output = fetching.run(source(server.url), **KEYS)
    assert code == 0, output
    fetching.expect(WANTED)
    assert sum(request.path == "/models" for request in server.requests) == 2


@pytest.mark.parametrize(
    ("listing", "cause"),
    [
        ("stuck", "lists the same objects again, so none after them"),
        ("endless", "says that there are more objects, and not after which"),
    ],
)
def test_a_listing_that_does_not_go_on(server, fetching, listing, cause):
    Bucket(server, "models", OBJECTS, listing=listing)
    assert fetching.run(source(server.url), **KEYS)[0] == 25
    label = f"s3 models/{PREFIX}/ at {server.url}"
    assert fetching.cause == f"{label}: {label} {cause}"
    fetching.expect_nothing()
