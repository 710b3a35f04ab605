"""Artifacts that nothing refers to are removed, and nothing else."""

from __future__ import annotations

import os
import threading

import pytest
from artifacts import marker
from artifacts.lease import Lease
from artifacts.marker import Marker

from support.script import Script

OLD = ("--min-age", 0)


@pytest.fixture
def store(tmp_path):
    store = tmp_path / "store"
    for name in ("kept-0a", "old-1b"):
        (store / name).mkdir(parents=True)
        (store / name / "weights.bin").write_bytes(bytes(100_000))
        marker.write(store / name, Marker(*name.split("-"), "huggingface"))
    for name in ("kept-0a.partial", "old-1b.partial", "half-2c.partial", "gone-3d.removed", "foreign", "kept-0a.lease"):
        (store / name / "tree").mkdir(parents=True)
        (store / name / "tree" / "w").write_bytes(bytes(50_000))
    (store / "lost+found").mkdir()
    (store / "notes.txt").write_text("mine")
    (store / "link-4e").symlink_to(store / "kept-0a")
    return store


@pytest.fixture
def script(python, container, tmp_path):
    return Script(python, container, "prune_artifacts", tmp_path)


def names(store):
    return {path.name for path in store.iterdir()}


DOOMED = {"old-1b", "old-1b.partial", "half-2c.partial", "gone-3d.removed"}


def test_by_default_nothing_is_removed(script, store):
    before = names(store)
    code, output = script.run("--store", store, "--keep", "kept-0a", *OLD)
    assert code == 0
    assert names(store) == before
    assert {
        line.split("would remove ")[1].split(",")[0] for line in output.splitlines() if "would remove" in line
    } == DOOMED
    assert "would be freed; --delete frees them" in output


def test_what_is_not_kept_is_removed(script, store):
    before = names(store)
    code, output = script.run("--store", store, "--keep", "kept-0a", *OLD, "--delete")
    assert code == 0, output
    assert names(store) == before - DOOMED
    assert (store / "kept-0a" / "weights.bin").stat().st_size == 100_000
    assert (store / "kept-0a.partial" / "tree" / "w").exists()
    assert "leaving foreign: it has no marker, so something else made it or a task still does" in output


def test_young_artifacts_stay(script, store):
    before = names(store)
    os.utime(store / "half-2c.partial" / "tree", (0, 0))
    os.utime(store / "half-2c.partial", (0, 0))
    assert script.run("--store", store, "--keep", "kept-0a", "--delete")[0] == 0
    assert names(store) == before - {"half-2c.partial"}


def test_what_a_pod_works_on_stays(script, store):
    lease = Lease(store / "half-2c", "downloader", heartbeat=0.3, takeover=30)
    assert lease.acquire(lambda _state: None, lambda: False)
    code, output = script.run("--store", store, "--keep", "kept-0a", *OLD, "--delete", "--lease-takeover", 20)
    assert code == 0
    assert (store / "half-2c.partial").exists()
    assert "leaving half-2c.partial, " in output
    assert ": downloader is working on it" in output
    assert lease.confirm()
    lease.release()


def test_two_prunes_at_once(script, store):
    results = []
    arguments = ("--store", store, "--keep", "kept-0a", *OLD, "--delete", "--lease-takeover", 2)
    threads = [threading.Thread(target=lambda: results.append(script.run(*arguments)[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 in results
    assert not names(store) & DOOMED


def test_a_store_that_is_not_mounted(script, tmp_path):
    assert script.run("--store", tmp_path / "absent")[0] == 20
    assert script.cause == f"store {tmp_path / 'absent'} is not a directory: mount the volume there"
