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
        ("http://oss-cn-hangzhou.aliyuncs.com:80", {}, "models.oss-cn-hangzhou.aliyuncs.com"),
        ("http://s3.corp.example", {"addressing": "virtual"}, "models.s3.corp.example"),
        ("http://s3.corp.example", {}, None),
        ("http://obs.example.myhuaweicloud.com", {"addressing": "path"}, None),
    ],
)
def test_the_bucket_is_in_the_host_where_the_store_wants_it(server, fetching, endpoint, more, host):
    """The server is the client's proxy, so it sees the whole URL and no name has to be resolved."""
    Bucket(server, "models", OBJECTS, host=host or endpoint.replace("http://", ""))
    if host is None:
        at_root, server.answer = server.answer, lambda request: at_root(without_bucket(request, endpoint))
    code, output = fetching.run(source(endpoint, **more), HTTP_PROXY=server.url, **KEYS)
    if host is None:
        assert code == 21, "the bucket's name belongs to the signed path"
        assert [request.path for request in server.requests] == [f"{endpoint}/models"]
        return
    assert code == 0, output
    fetching.expect(WANTED)


def without_bucket(request, endpoint):
    request.path = request.path.replace(f"{endpoint}/models", f"{endpoint}/", 1)
    return request
