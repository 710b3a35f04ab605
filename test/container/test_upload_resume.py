"""upload_artifact.py killed, stopped and started again, alone and beside another."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter

import pytest

from support.patience import until
from support.script import Script
from support.upload_s3 import S3Server
from support.upload_script import MANIFEST, MEBIBYTE, PREFIX, Uploading, content, sha256
from support.upload_wire import Cut

LARGE = content(16 * MEBIBYTE, 1)
PART = 5 * MEBIBYTE
KEY = f"{PREFIX}/w.bin"
FILES = {"a.json": b"{}", "w.bin": LARGE}
TERMINATED, DEADLINE, WAITING = 42, 41, 50


@pytest.fixture
def uploading(python, container, tmp_path):
    with S3Server().running() as store:
        yield Uploading(Script(python, container, "upload_artifact", tmp_path), store, tmp_path)


@pytest.mark.parametrize(("digests", "exact"), [(True, False), (False, False), (True, True)])
def test_what_is_there_after_a_kill_is_not_sent_again(uploading, digests, exact):
    uploading.make(FILES, digests)
    uploading.store.exact = exact
    process = uploading.start("--rate-limit", 15 * MEBIBYTE, "--connections", 1)
    until(lambda: (KEY, 2) in uploading.store.stored and f"{PREFIX}/a.json" in uploading.store.stored)
    process.kill()
    process.communicate()
    uploading.expect_nothing_finished()
    before = set(uploading.store.stored)
    code, output = uploading.run()
    assert code == 0, output
    uploading.expect()
    times = Counter(uploading.store.stored)
    assert {item for item in before if times[item] != 1} == set()
    assert re.search(r"complete: 2 files, 16\.8 MB, of which (10\.5|15\.7) MB were there before", output), output
    assert sum(r.method == "POST" and "uploads" in r.query for r in uploading.store.requests) == 1


def test_parts_of_other_content_are_sent_again(uploading):
    """Fine-tuned weights keep names and sizes: what an earlier upload left may be of another artifact."""
    uploading.make(FILES)
    other = content(len(LARGE), 2)
    upload = uploading.store.begin(KEY, sha256(other))
    uploading.store.uploads[upload].parts.update({1: LARGE[:PART], 2: other[PART : 2 * PART]})
    assert uploading.run()[0] == 0
    uploading.expect()
    assert sorted(part[1] for part in uploading.store.stored if part[0] == KEY) == [1, 2, 3, 4]


def test_parts_of_another_size_are_sent_again(uploading):
    uploading.make(FILES)
    upload = uploading.store.begin(KEY, sha256(LARGE))
    uploading.store.uploads[upload].parts.update({1: LARGE[: PART + 1], 2: LARGE[PART + 1 : 2 * PART + 2]})
    assert uploading.run()[0] == 0
    uploading.expect()


def test_the_digest_of_an_earlier_upload_is_not_taken_over(uploading):
    """What was begun for other content may have nothing yet, or only parts that are the same."""
    uploading.make(FILES)
    upload = uploading.store.begin(KEY, sha256(b"other"))
    assert uploading.run()[0] == 0
    uploading.expect()
    uploading.store.objects.clear()
    upload = uploading.store.begin(KEY, sha256(b"other"))
    uploading.store.uploads[upload].parts[1] = LARGE[:PART]
    assert uploading.run()[0] == 40
    assert uploading.cause == (
        "the unfinished upload of w.bin at the store was of other content: it was removed, "
        "another start sends the file again"
    )
    assert KEY not in uploading.store.objects
    assert uploading.run()[0] == 0
    uploading.expect()


def test_of_several_uploads_the_one_with_most_parts_goes_on(uploading):
    uploading.make(FILES)
    for initiated, parts in (("2026-01-01", 1), ("2026-01-02", 2), ("2026-01-03", 0)):
        upload = uploading.store.begin(KEY, sha256(LARGE), f"{initiated}T00:00:00Z")
        for number in range(1, parts + 1):
            uploading.store.uploads[upload].parts[number] = LARGE[(number - 1) * PART : number * PART]
    assert uploading.run()[0] == 0
    uploading.expect()
    assert sorted(part[1] for part in uploading.store.stored if part[0] == KEY) == [3, 4]


def test_earlier_uploads_are_removed_and_those_of_others_left(uploading):
    uploading.make(FILES)
    for number in range(2):
        uploading.store.begin(KEY, sha256(LARGE), f"2025-01-01T00:00:0{number}Z")
    other = uploading.store.begin(f"{KEY}.old", sha256(b"other"))
    assert uploading.run()[0] == 0
    assert list(uploading.store.uploads) == [other]


def test_earlier_uploads_are_removed_though_the_object_is_there(uploading):
    """A kill may come between the two."""
    uploading.make(FILES)
    uploading.store.objects[KEY] = (LARGE, sha256(LARGE))
    uploading.store.begin(KEY, sha256(LARGE))
    assert uploading.run()[0] == 0
    uploading.expect()
    assert [item for item in uploading.store.stored if item not in (MANIFEST, f"{PREFIX}/a.json")] == []


def test_an_object_of_the_same_size_is_not_trusted(uploading):
    uploading.make(FILES)
    uploading.store.objects[KEY] = (content(len(LARGE), 3), "")
    uploading.store.objects[f"{PREFIX}/a.json"] = (b"[]", sha256(b"[]"))
    assert uploading.run()[0] == 0
    uploading.expect()


def test_two_at_once_end_well(uploading):
    uploading.make(FILES)
    processes = [uploading.start("--rate-limit", 20 * MEBIBYTE) for _ in range(2)]
    outputs = [process.communicate(timeout=30)[0] for process in processes]
    assert all(process.returncode in (0, 40) for process in processes), outputs
    assert uploading.run()[0] == 0
    uploading.expect()


def test_sigterm_ends_within_two_seconds(uploading):
    uploading.make(FILES)
    process = uploading.start("--rate-limit", 4 * MEBIBYTE)
    until(lambda: any(request.method == "PUT" and request.key == KEY for request in uploading.store.requests))
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)
    assert time.monotonic() - started < 2
    assert process.returncode == TERMINATED
    form = r"told to stop at \d+\.\d %, .* of 16\.8 MB, .*; another start goes on from here"
    assert re.fullmatch(form, uploading.cause), output


def test_sigterm_while_the_store_does_not_answer(uploading):
    uploading.make(FILES)
    uploading.store.faults.append(lambda request: Cut(stall=20) if request.method == "PUT" else None)
    process = uploading.start()
    until(lambda: any(request.method == "PUT" for request in uploading.store.requests))
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert time.monotonic() - started < 2
    assert process.returncode == TERMINATED


def test_the_deadline(uploading):
    uploading.make(FILES)
    started = time.monotonic()
    assert uploading.run("--rate-limit", MEBIBYTE, "--deadline", 1)[0] == DEADLINE
    assert 1 <= time.monotonic() - started < 4
    assert uploading.cause.startswith("not done within 1 s at ")
    uploading.expect_nothing_finished()


def test_the_rate_limit(uploading):
    uploading.make({"w.bin": LARGE[: 6 * MEBIBYTE]})
    started = time.monotonic()
    assert uploading.run("--rate-limit", 4 * MEBIBYTE)[0] == 0
    assert 1.4 < time.monotonic() - started < 5
    uploading.expect()


def test_an_artifact_that_is_not_there(uploading):
    assert uploading.run()[0] == WAITING
    assert uploading.cause == (
        f"waited 0 s for {uploading.artifact}: no marker .cdk8s-chatglm.json; "
        "look at the Job that makes it, then start this pod again"
    )
    assert uploading.store.requests == []


def test_an_artifact_that_comes_in_time(uploading):
    process = uploading.start("--wait", 20)
    until(lambda: "waiting for" in process.stdout.readline())
    uploading.make({"a.json": b"{}"})
    process.communicate(timeout=10)
    assert process.returncode == 0
    uploading.expect()
    assert MANIFEST in uploading.store.objects
