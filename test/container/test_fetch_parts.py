"""Pure parts of the download, for any input."""

from __future__ import annotations

import os
import random
import threading
import time

import pytest
from fetch import journal, unsized
from fetch.address import given, origin, shown
from fetch.file_state import FileState
from fetch.journal import Entry, Journal
from fetch.names import distinct, safe
from fetch.patterns import select
from fetch.plan import Plan
from fetch.progress import Meter, Moment
from fetch.proxy import choose
from fetch.rate import RateLimit
from fetch.remote import Body, RemoteFile, Source, merged
from fetch.retry import Retries, Retryable
from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st
from pod.amounts import duration, size
from pod.exit_codes import TERMINATED, UNSAFE_NAME, Fault



class Endless(Source):
    """A file of unknown size that never ends; `stop` is set on the way."""

    label = "endless"

    def __init__(self, stop):
        self._stop = stop

    def files(self):
        return [RemoteFile("w")]

    def open(self, file, start, end):
        stop = self._stop

        class Zeros(Body):
            def read(self, count):
                stop.set()
                return bytes(count)

            def close(self):
                pass

        return Zeros()

    def record(self):
        return {}


def test_a_stopped_download_of_unknown_size_is_not_taken_for_whole(tmp_path):
    stop = threading.Event()
    with pytest.raises(Fault) as caught:
        unsized.fetch(Endless(stop), RemoteFile("w"), tmp_path / "w", Retries(2, 0.01), RateLimit(None), stop)
    assert (caught.value.code, str(caught.value)) == (TERMINATED, "told to stop while fetching w")


NAME_PARTS = st.lists(
    st.sampled_from(["a", "..", ".", "", "b c", "\\", "~", "\n", "深", "x" * 256, "...", "-"]), max_size=5
)


@for_any(st.one_of(st.text(max_size=40), NAME_PARTS.map("/".join)))
def test_a_safe_name_stays_inside(name):
    try:
        path = safe(name)
    except Fault as fault:
        assert fault.code == UNSAFE_NAME
        return
    inside = os.path.normpath(os.path.join("/target", path))
    assert inside == f"/target/{path}"
    assert inside.startswith("/target/")


@settings(deadline=None)
@for_any(names=st.lists(st.sampled_from(["a", "b", "a/b", "a/b/c", "b/c", "a.b"]), max_size=6))
def test_distinct_names_can_all_be_files(names, tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    try:
        distinct(names)
        possible = True
    except Fault:
        possible = False
    made = True
    for name in names:
        try:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).open("x").close()
        except OSError:
            made = False
    assert possible == made


FILES = [RemoteFile("a.bin", 1000, sha256="ab" * 32), RemoteFile("b.json", 10, git_blob="cd" * 20), RemoteFile("c")]


def test_a_journal_tells_what_was_written(tmp_path):
    log = Journal(tmp_path / "journal", 100, [Entry(file) for file in FILES])
    for chunk in (0, 3, 9):
        log.chunk(0, chunk, chunk + 7)
    log.validator(2, 'W"\n"')
    log.chunk(1, 0, 5)
    log.drop(1)
    log.verified(2, "ef" * 32, 77)
    log.close()
    chunk_size, entries = journal.read(tmp_path / "journal")
    assert chunk_size == 100
    assert entries == [
        Entry(FILES[0], {0: 7, 3: 10, 9: 16}),
        Entry(FILES[1]),
        Entry(FILES[2], verified=("ef" * 32, 77), validator='W"\n"'),
    ]
    Journal(tmp_path / "journal", 100, entries).close()
    assert journal.read(tmp_path / "journal") == (100, entries), "rewriting a journal loses something"


@settings(deadline=None)
@for_any(cut=st.integers(0, 400), tail=st.binary(max_size=5))
def test_a_journal_cut_anywhere_never_claims_more(tmp_path_factory, cut, tail):
    path = tmp_path_factory.mktemp("journal") / "journal"
    log = Journal(path, 100, [Entry(FILES[0])])
    for chunk in range(10):
        log.chunk(0, chunk, chunk)
    log.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)] + tail.replace(b"\n", b""))
    _, entries = journal.read(path)
    chunks = entries[0].chunks if entries else {}
    assert chunks == {chunk: chunk for chunk in range(len(chunks))}


def plan_of(tmp_path, sizes, connections, held=lambda: True):
    entries = [Entry(RemoteFile(f"{number}", size, sha256="ab" * 32)) for number, size in enumerate(sizes)]
    log = Journal(tmp_path / "journal", 100, entries)
    states = [FileState(number, entry, tmp_path / str(number), 100) for number, entry in enumerate(entries)]
    return Plan(states, log, connections, held)


@settings(deadline=None)
@for_any(
    sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=5), connections=st.integers(1, 9), seed=st.integers()
)
def test_every_byte_is_claimed_once(tmp_path_factory, sizes, connections, seed):
    chance = random.Random(seed)
    plan = plan_of(tmp_path_factory.mktemp("plan"), sizes, connections)
    claimed = {number: [] for number in range(len(sizes))}
    while any(len(file.crcs) < file.count for file in plan.files):
        span = plan.claim(chance.choice([0.0, 50.0, 1e9]))
        chunks = range(span.first, span.last + 1)
        done = chance.randint(0, len(chunks))
        for chunk in chunks[:done]:
            assert plan.record(span, chunk, 1)
            claimed[span.file.index].append(chunk)
        plan.release(span)
    assert {number: sorted(chunks) for number, chunks in claimed.items()} == {
        number: list(range(-(-size // 100))) for number, size in enumerate(sizes)
    }
    plan._journal.close()


def test_work_of_before_a_restart_counts_no_more(tmp_path):
    plan = plan_of(tmp_path, [1000], 2)
    old = plan.claim(0.0)
    plan.wrong(plan.files[0], "sha256 00", "here")
    new = plan.claim(0.0)
    assert not plan.record(old, old.first, 1)
    assert plan.record(new, new.first, 2)
    plan.release(old)
    assert plan.files[0].crcs == {new.first: 2}
    assert plan.files[0].taken, "a late release gave away what another connection writes"


def test_a_lost_lease_ends_all_work(tmp_path):
    held = [True]
    plan = plan_of(tmp_path, [1000], 2, lambda: held[0])
    span = plan.claim(0.0)
    held[0] = False
    assert not plan.record(span, span.first, 1)
    assert plan.claim(0.0) is None
    assert plan.fault.code == 43


def test_sources_may_know_different_things_of_one_file():
    both = merged(RemoteFile("a", 5, git_blob="cd" * 20), RemoteFile("a", None, sha256="ab" * 32), "x and y")
    assert both == RemoteFile("a", 5, sha256="ab" * 32, git_blob="cd" * 20)


def test_patterns_match_whole_paths_and_cross_folders():
    files = [RemoteFile(path) for path in ("a.bin", "sub/b.bin", "c.json", ".gitattributes")]
    assert [f.path for f in select(files, ["*.bin"], [], [], "x")] == ["a.bin", "sub/b.bin"]
    assert [f.path for f in select(files, [], ["sub/*"], ["c.*"], "x")] == ["a.bin", "c.json"]


@pytest.mark.parametrize("failed", range(1, 12))
def test_pauses_grow_with_jitter_and_end_at_a_minute(failed):
    pauses = [Retries(8, 1.0).pause(failed, Retryable("x")) for _ in range(200)]
    longest = min(60, 2 ** (failed - 1))
    assert longest / 2 <= min(pauses) < max(pauses) <= longest
    assert Retries().pause(failed, Retryable("x", wait=90)) == 90


def test_the_rate_limit_holds_over_threads():
    limit, stop = RateLimit(1_000_000), threading.Event()
    started = time.monotonic()
    threads = [threading.Thread(target=lambda: [limit.take(10_000, stop) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started >= 0.39
    assert limit.piece(131072, 8) == 31250
    assert limit.slowest(8) == 1024
    assert RateLimit(8192).slowest(8) == 256


def test_urls_are_shown_without_secrets():
    assert shown("https://user:pw@host:8443/a/b?token=x#y") == "https://host:8443/a/b"
    assert origin("https://Host/a") == ("https", "host", 443)
    assert given("https://host/") == "https://host"


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("hub.corp.example", ".corp.example", True),
        ("hub.corp.example", "other.example,bad/entry", False),
    ],
)
def test_who_goes_through_the_proxy(monkeypatch, host, no_proxy, direct):
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (choose("https", host) is None) == direct


def test_progress_reads_like_this():
    assert Moment(1_234_567_890, 12_500_000_000, 105_200_000.0, 107.0, "w.bin").line() == (
        "9.9 %, 1.2 GB of 12.5 GB, 105.2 MB/s, 1m47s left, w.bin"
    )
    assert Moment(0, 0, 0.0, -1.0, "").line() == "100.0 %, 0 B of 0 B, 0 B/s, time left unknown, checking"
    assert [duration(s) for s in (0, 59.9, 60, 3600, 7325)] == ["0s", "59s", "1m00s", "1h00m", "2h02m"]
    assert [size(n) for n in (999, 1000, 10**12)] == ["999 B", "1.0 kB", "1.00 TB"]


def test_the_rate_is_that_of_the_last_half_minute():
    now = iter([0.0, 10.0, 40.0, 50.0])
    meter = Meter(lambda: next(now))
    meter.moment(0, 1000, "")
    assert meter.moment(100, 1000, "").rate == 10
    meter.moment(100, 1000, "")
    assert meter.moment(400, 1000, "").rate == pytest.approx(300 / 40)
