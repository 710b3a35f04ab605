"""upload_artifact.py against networks and stores that fail, and stores that refuse."""

from __future__ import annotations

import time

import pytest

from support import certificates
from support.proxy_server import ProxyServer
from support.script import Script
from support.upload_s3 import BUCKET, S3Server, error
from support.upload_script import MANIFEST, MEBIBYTE, PREFIX, Uploading, content
from support.upload_signature import ACCESS, SECRET
from support.upload_wire import Cut, Reply

FILES = {"a.json": b"{}", "w.bin": content(5 * MEBIBYTE + 10, 1), "b.bin": content(800_000, 2)}
LARGE = f"{PREFIX}/w.bin"
PERMANENT = {"usage": 20, "unauthorised": 21, "not found": 22, "no space": 24, "bad setting": 31}
TRANSIENT = 40


@pytest.fixture
def uploading(python, container, tmp_path):
    with S3Server().running() as store:
        made = Uploading(Script(python, container, "upload_artifact", tmp_path), store, tmp_path)
        made.make(FILES)
        yield made


def is_part(request):
    return request.method == "PUT" and "partNumber=1" in request.query


def is_small(request):
    return request.method == "PUT" and request.key == f"{PREFIX}/b.bin"


def is_begin(request):
    return request.method == "POST" and request.query == "uploads="


def is_complete(request):
    return request.method == "POST" and "uploadId" in request.query


def is_list(request):
    return request.method == "GET" and "uploads=" in request.query


def is_head(request):
    return request.method == "HEAD"


def is_manifest(request):
    return request.key == MANIFEST


STEPS = [is_part, is_small, is_begin, is_complete, is_list, is_head, is_manifest]


def failing(store, where, what, times=2):
    """Answer the first `times` requests that are `where` by `what`; the list of how many are left."""
    left = [times]

    def fault(request):
        if not where(request) or left[0] == 0:
            return None
        left[0] -= 1
        return what

    store.faults.append(fault)
    return left


@pytest.mark.parametrize("what", [Cut(after=700_000), error(503, "SlowDown"), Reply(500)], ids=["cut", "503", "500"])
def test_every_step_is_tried_again(uploading, what):
    left = [failing(uploading.store, where, what) for where in STEPS]
    code, output = uploading.run()
    assert code == 0, output
    uploading.expect()
    assert left == [[0]] * len(STEPS)


def test_an_answer_that_is_lost(uploading):
    """The store did the work, but nobody heard of it."""
    left = [failing(uploading.store, where, Cut(after=None), times=1) for where in STEPS]
    code, output = uploading.run()
    assert code == 0, output
    uploading.expect()
    assert left == [[0]] * len(STEPS)


@pytest.mark.parametrize(
    "what", [error(400, "RequestTimeout"), error(400, "BadDigest"), error(409, "OperationAborted"), Reply(429)]
)
def test_refusals_that_pass(uploading, what):
    failing(uploading.store, is_part, what)
    assert uploading.run()[0] == 0
    uploading.expect()


def test_a_success_that_is_an_error(uploading):
    """CompleteMultipartUpload says 200 before it knows."""
    failing(uploading.store, is_complete, error(200, "InternalError"))
    assert uploading.run()[0] == 0
    uploading.expect()


def test_retry_after_is_honoured(uploading):
    failing(uploading.store, is_small, error(503, "SlowDown", Retry_After="1"), times=1)
    started = time.monotonic()
    assert uploading.run()[0] == 0
    assert time.monotonic() - started > 1
    uploading.expect()


def test_a_store_that_stalls(uploading):
    failing(uploading.store, is_part, Cut(after=300_000, stall=3), times=1)
    assert uploading.run("--stall-timeout", 0.5)[0] == 0
    uploading.expect()


def test_faults_that_stay_are_worth_another_start(uploading):
    failing(uploading.store, is_part, error(503, "SlowDown", "reduce your rate"), times=99)
    assert uploading.run()[0] == TRANSIENT
    assert uploading.cause == (
        f"PUT {uploading.store.url}/{BUCKET}/models/chatglm3%206b-0a1b2c/w.bin answers 503 SlowDown "
        "(reduce your rate) (4 tries without progress)"
    )
    uploading.expect_nothing_finished()


def test_nobody_listens(uploading):
    uploading.store.close()
    assert uploading.run()[0] == TRANSIENT
    assert "Connection refused" in uploading.cause


def test_an_upload_that_a_rule_removed(uploading):
    def remove(request):
        if is_part(request):
            uploading.store.uploads.clear()

    uploading.store.faults.append(remove)
    assert uploading.run()[0] == TRANSIENT
    assert "the unfinished upload of w.bin was removed at the store, another start sends it again" in uploading.cause
    uploading.store.faults.clear()
    assert uploading.run()[0] == 0
    uploading.expect()


@pytest.mark.parametrize(
    ("where", "what", "kind"),
    [
        (is_small, error(403, "AccessDenied"), "unauthorised"),
        (is_part, error(403, "AccessDenied"), "unauthorised"),
        (is_manifest, error(403, "RequestTimeTooSkewed"), "unauthorised"),
        (is_head, Reply(403), "unauthorised"),
        (is_manifest, error(404, "NoSuchBucket"), "not found"),
        (is_part, error(507, "XMinioStorageFull"), "no space"),
        (is_small, error(403, "QuotaExceeded"), "no space"),
        (is_begin, error(501, "NotImplemented"), "bad setting"),
        (is_part, error(400, "InvalidArgument"), "bad setting"),
        (is_manifest, Reply(301, b"", {"Location": "https://elsewhere.example/"}), "bad setting"),
    ],
)
def test_refusals_for_good_are_not_tried_again(uploading, where, what, kind):
    failing(uploading.store, where, what, times=99)
    code, output = uploading.run()
    assert code == PERMANENT[kind], output
    assert sum(where(request) for request in uploading.store.requests) <= 2
    uploading.expect_nothing_finished()


def test_what_a_refusal_says(uploading):
    failing(uploading.store, is_manifest, error(403, "AccessDenied", f"{ACCESS} or {SECRET} is wrong"))
    code, output = uploading.run()
    assert code == PERMANENT["unauthorised"]
    assert uploading.cause == (
        f"GET {uploading.store.url}/{BUCKET}/models/chatglm3%206b-0a1b2c/.cdk8s-chatglm.json answers 403 AccessDenied "
        "(*** or *** is wrong); check the keys in the Secret, what they may do in the bucket, and this node's clock"
    )
    assert ACCESS not in output
    assert SECRET not in output


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"SECRET_KEY": "wrong"}, "unauthorised"),
        ({"ACCESS_KEY": "wrong"}, "unauthorised"),
        ({"ACCESS_KEY": " "}, "bad setting"),
    ],
)
def test_keys_that_are_wrong(uploading, environment, kind):
    assert uploading.run(**environment)[0] == PERMANENT[kind]
    assert uploading.store.stored == []


@pytest.mark.parametrize(
    ("options", "kind", "cause"),
    [
        (("--bucket", "none"), "not found", "answers 404 NoSuchBucket"),
        (("--region", "eu-west-9"), "bad setting", "answers 400 AuthorizationHeaderMalformed"),
        (("--part-size", 1000), "usage", "'1000' is not a whole number from 5242880 to 5368709120"),
        (("--bucket", "a/b"), "usage", "'a/b' is not a bucket's name; expected one without /"),
        (("--wait", "-1"), "usage", "'-1' is not a number of seconds from 0"),
        (("--endpoint", "ftp://store"), "bad setting", "cannot open ftp://store: only http"),
        (("--endpoint", "http://me:pass@store"), "usage", "http://store was given with credentials in it"),
        (("--secret-key-env", "NONE"), "bad setting", "variable NONE, which is empty or not set: set it from the key"),
    ],
)
def test_settings_that_are_wrong(uploading, options, kind, cause):
    assert uploading.run(*options)[0] == PERMANENT[kind]
    assert cause in uploading.cause
    assert uploading.store.stored == []


def test_a_private_authority_behind_a_proxy(python, container, tmp_path):
    authority, certificate = certificates.make(tmp_path)
    script = Script(python, container, "upload_artifact", tmp_path)
    with S3Server(certificate).running() as store, ProxyServer().running() as proxy:
        uploading = Uploading(script, store, tmp_path)
        uploading.make(FILES)
        assert uploading.run()[0] == PERMANENT["bad setting"]
        assert uploading.cause.endswith("give the CA that signed it with --ca-bundle")
        through = f"http://me:pass@127.0.0.1:{proxy.port}"
        code, output = uploading.run("--ca-bundle", authority, HTTPS_PROXY=through)
        assert code == 0, output
        uploading.expect()
        assert {method for method, _, _ in proxy.seen} == {"CONNECT"}
        assert {header for _, _, header in proxy.seen} == {"Basic bWU6cGFzcw=="}
