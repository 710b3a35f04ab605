"""One writer at a time, whatever dies or sleeps."""

from __future__ import annotations

import multiprocessing
import threading
import time

import pytest
from artifacts.lease import Lease

FAST = {"heartbeat": 0.05, "takeover": 0.5}


def never():
    return False


def ignore(_state):
    pass


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "artifact"


def test_the_second_waits_until_the_first_releases(directory):
    first, second = Lease(directory, "first", **FAST), Lease(directory, "second", **FAST)
    assert first.acquire(ignore, never)
    states = []
    waiter = threading.Thread(target=second.acquire, args=(states.append, never))
    waiter.start()
    first.note("12 %")
    time.sleep(0.8)
    assert waiter.is_alive(), "a lease that is renewed was taken over"
    assert states[-1].holder == "first"
    assert states[-1].note == "12 %"
    first.release()
    waiter.join(2)
    assert not waiter.is_alive()
    assert second.confirm()
    second.release()


@pytest.mark.parametrize("text", ["模型" * 500, '"' * 500, "\\" * 500, "\n\0\x1b" * 200, "\ud800", "\U0001f600" * 99])
def test_any_note_leaves_the_record_readable(directory, text):
    holder, waiter = Lease(directory, text, **FAST), Lease(directory, "waiter", heartbeat=0.05, takeover=30)
    holder.note(text)
    assert holder.acquire(ignore, never)
    seen = []
    assert not waiter.acquire(seen.append, lambda: bool(seen))
    assert seen[0].note == seen[0].holder != "unknown"
    files = list(directory.with_name("artifact.lease").iterdir())
    assert [file.stat().st_size for file in files] == [1024]
    holder.release()
    started = time.monotonic()
    assert waiter.acquire(ignore, never), "the release could not be read"
    assert time.monotonic() - started < 5
    waiter.release()


def test_a_dead_holder_is_replaced_within_the_promised_time(directory):
    def hold():
        Lease(directory, "dead", **FAST).acquire(ignore, never)

    process = multiprocessing.get_context("fork").Process(target=hold)
    process.start()
    process.join()
    started = time.monotonic()
    heir = Lease(directory, "heir", **FAST)
    assert heir.acquire(ignore, never)
    assert 0.5 <= time.monotonic() - started < 0.5 + 1.0
    heir.release()


def test_a_holder_that_slept_knows_that_it_lost(directory):
    sleeper = Lease(directory, "sleeper", heartbeat=60, takeover=60)
    assert sleeper.acquire(ignore, never)
    assert not sleeper.lost
    heir = Lease(directory, "heir", **FAST)
    assert heir.acquire(ignore, never)
    assert not sleeper.confirm()
    assert sleeper.lost
    sleeper.release()
    assert heir.confirm(), "the old holder's release took the lease from the new one"
    heir.release()


def test_a_holder_that_cannot_renew_gives_up_by_itself(directory, monkeypatch):
    lease = Lease(directory, "holder", heartbeat=0.02, takeover=0.2)
    assert lease.acquire(ignore, never)

    def fail(*_arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.pwrite", fail)
    time.sleep(0.35)
    assert lease.lost


def test_stop_ends_the_wait(directory):
    holder = Lease(directory, "holder", **FAST)
    assert holder.acquire(ignore, never)
    looks = []
    assert not Lease(directory, "waiter", **FAST).acquire(looks.append, lambda: len(looks) >= 2)
    assert holder.confirm()
    holder.release()


def test_finished_leaves_nothing_behind(directory):
    lease = Lease(directory, "holder", **FAST)
    assert lease.acquire(ignore, never)
    lease.release(finished=True)
    assert list(directory.parent.iterdir()) == []


def test_wall_clocks_do_not_matter(directory, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    holder = Lease(directory, "holder", **FAST)
    assert holder.acquire(ignore, never)
    monkeypatch.setattr("time.time", lambda: 4e9)
    until = time.monotonic() + 0.8
    assert not Lease(directory, "waiter", **FAST).acquire(ignore, lambda: time.monotonic() > until)
    holder.release()


def _contend(directory, log):
    """Take the lease ten times; while it is held nobody else may be inside."""
    for _ in range(5):
        lease = Lease(directory, "contender", heartbeat=0.01, takeover=5)
        assert lease.acquire(ignore, never)
        with log.open("a") as file:
            file.write("in\n")
            file.flush()
            time.sleep(0.002)
            file.write("out\n")
        lease.release()


def test_eight_processes_are_never_inside_together(directory, tmp_path):
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    contenders = [context.Process(target=_contend, args=(directory, log)) for _ in range(8)]
    for contender in contenders:
        contender.start()
    for contender in contenders:
        contender.join(30)
    assert [contender.exitcode for contender in contenders] == [0] * 8
    assert log.read_text().split() == ["in", "out"] * 40


def test_a_look_that_is_out_of_date_gives_nothing(directory):
    """A waiter that saw number 1 released, and slept while others used 2 and 3, must not take the number 2."""
    holder = Lease(directory, "holder", **FAST)
    for _ in range(3):
        holder.release()
        assert holder.acquire(ignore, never)
    folder = directory.with_name("artifact.lease")
    assert [path.name for path in folder.iterdir()] == ["3"]
    assert not Lease(directory, "sleeper", **FAST)._create(2)
    assert [path.name for path in folder.iterdir()] == ["3"]
    assert holder.confirm()
    holder.release()


def test_of_many_heirs_one_wins(directory):
    dead = Lease(directory, "dead", heartbeat=60, takeover=60)
    assert dead.acquire(ignore, never)
    heirs = [Lease(directory, f"heir {n}", heartbeat=0.05, takeover=0.3) for n in range(8)]
    until = time.monotonic() + 2
    won = []
    threads = [
        threading.Thread(target=lambda h=h: h.acquire(ignore, lambda: time.monotonic() > until) and won.append(h))
        for h in heirs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert won[0].confirm()
    won[0].release()
