"""Many pods on one volume, pods that die, volumes that are full or closed."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import time

import pytest
from artifacts import marker

from support.faulty_server import Reply
from support.hub import HuggingFaceHub, model
from support.patience import until

SHARD = "pytorch_model-00001-of-00002.bin"


@pytest.fixture
def hub(server):
    return HuggingFaceHub(server, model())


def test_eight_processes_fetch_each_byte_once(hub, fetching, server):
    hub.serve(SHARD, lambda _request: Reply(hub.files[SHARD], rate=100_000))
    processes = [fetching.start(hub.source(), options=("--progress-interval", 0.2)) for _ in range(8)]
    outputs = [process.communicate(timeout=40)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    fetching.expect(hub.files)
    assert {name: server.sent[hub.path(name)] for name in hub.files} == {
        name: len(data) for name, data in hub.files.items()
    }
    assert sum("fetching 7 files" in output for output in outputs) == 1
    waited = [output for output in outputs if "fetching 7 files" not in output]
    seen = re.compile(r"waiting: \S+ is being fetched by \S+: \d+\.\d %, .* of 1\.5 MB, ")
    assert any(seen.search(output) for output in waited), waited[0]


def test_another_takes_over_when_the_holder_dies(hub, fetching, server):
    rate = [50_000]
    hub.serve(SHARD, lambda _request: Reply(hub.files[SHARD], rate=rate[0]))
    holder = fetching.start(hub.source())
    until(lambda: server.sent[hub.path(SHARD)] >= 200_000)
    heir = fetching.start(hub.source(), options=("--progress-interval", 0.1, "--lease-takeover", 1))
    until(lambda: "waiting:" in heir.stdout.readline())
    holder.kill()
    killed = time.monotonic()
    rate[0] = None
    assert heir.wait(20) == 0
    # The takeover is after one second without a sign of life, looked for every 0.2 s; the rest is the download.
    assert 0.8 <= time.monotonic() - killed < 4
    fetching.expect(hub.files)
    holder.communicate()


def test_a_holder_that_slept_through_its_lease_stops(hub, fetching, server):
    hub.serve(SHARD, lambda _request: Reply(hub.files[SHARD], rate=150_000))
    sleeper = fetching.start(hub.source(), options=("--connections", 2))
    until(lambda: server.sent[hub.path(SHARD)] >= 100_000)
    sleeper.send_signal(signal.SIGSTOP)
    hub.serve(SHARD, hub.healthy(SHARD))
    heir = fetching.start(hub.source(), options=("--lease-takeover", 1))
    assert heir.wait(20) == 0
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(10) == 43
    assert fetching.cause == f"another pod took over {fetching.target}; it goes on there"
    assert (fetching.target / SHARD).read_bytes() == hub.files[SHARD]
    sleeper.communicate()


def test_a_warm_start_reads_no_weights_and_asks_nobody(hub, fetching, server, tmp_path):
    assert fetching.run(hub.source())[0] == 0
    asked = len(server.requests)
    huge = fetching.target / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(100 * 2**30)
    made = marker.read(fetching.target)
    grown = (*made.files, marker.ArtifactFile("huge.bin", 100 * 2**30, "0" * 64))
    marker.write(fetching.target, marker.Marker(made.name, made.lineage, made.format, files=grown))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, output = fetching.run(hub.source())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert code == 0
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    assert output.endswith(f"{fetching.target} is complete: 8 files, 107.4 GB\n")
    assert len(server.requests) == asked


def test_sigterm_while_everything_is_hashed(hub, fetching):
    assert fetching.run(hub.source())[0] == 0
    with (fetching.target / "huge.bin").open("wb") as file:
        file.truncate(100 * 2**30)
    made = marker.read(fetching.target)
    grown = (*made.files, marker.ArtifactFile("huge.bin", 100 * 2**30, "0" * 64))
    marker.write(fetching.target, marker.Marker(made.name, made.lineage, made.format, files=grown))
    process = fetching.start(hub.source(), options=("--verify",))
    until(lambda: "checking every digest" in process.stdout.readline())
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 42
    assert time.monotonic() - started < 2
    process.communicate()


def test_a_kill_between_marker_and_name(hub, fetching, server):
    assert fetching.run(hub.source())[0] == 0
    asked = len(server.requests)
    partial = fetching.target.with_name(fetching.target.name + ".partial")
    partial.mkdir()
    fetching.target.rename(partial / "tree")
    code, output = fetching.run(hub.source())
    assert code == 0
    assert f"{fetching.target} was complete but for its name: done" in output
    assert len(server.requests) == asked
    fetching.expect(hub.files)


def test_bytes_that_the_node_lost_are_fetched_again(hub, fetching, server):
    """A power cut may lose written pages although the journal has them: the digest of each chunk finds that."""
    hub.serve("tokenizer.model", lambda _request: Reply(b"", 404))
    assert fetching.run(hub.source(), options=("--connections", 1))[0] == 22
    partial = fetching.target.with_name(fetching.target.name + ".partial")
    journal = partial / "journal-tree"
    lines = [line for line in journal.read_text().splitlines(keepends=True) if not line.startswith("v ")]
    journal.write_text("".join(lines) + "c 2 99 torn")
    shard = partial / "tree" / SHARD
    with shard.open("r+b") as file:
        file.seek(3 * 65536 + 5)
        file.write(bytes(2 * 65536))
    hub.serve("tokenizer.model", hub.healthy("tokenizer.model"))
    before = server.sent[hub.path(SHARD)]
    assert fetching.run(hub.source())[0] == 0
    fetching.expect(hub.files)
    assert server.sent[hub.path(SHARD)] - before == 3 * 65536, "more than the three damaged chunks came again"


@pytest.fixture
def small_volume(fetching):
    """Mount 4 MiB of memory where the volume is; the tests that need it need a user who may mount."""
    volume = fetching.target.parent
    volume.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(volume)], capture_output=True)
    yield volume if mounted.returncode == 0 else None
    subprocess.run(["umount", str(volume)], capture_output=True)


def test_a_volume_that_is_too_small_is_refused_before_a_byte(fetching, server, small_volume):
    if small_volume is None:
        small_volume = fetching.target.parent
        free = os.statvfs(small_volume).f_bavail * os.statvfs(small_volume).f_frsize
        size = free + 10**9
    else:
        size = 20_000_000
    server.route("/w", lambda _request: Reply(b""))
    source = f'{{"kind": "http", "files": [{{"url": "{server.url}/w", "path": "a", "size": {size}}}], "trustOnFirstUse": true}}'
    assert fetching.run(source)[0] == 24
    assert re.search(
        r"the volume of \S+ has [\d.]+ [kMGT]?B free but [\d.]+ [MGT]B are still to come: "
        r"[\d.]+ [MG]B \(\d+ bytes\) are missing; make the volume larger or prune artifacts$",
        fetching.cause,
    )
    assert server.requests == []
    fetching.expect_nothing()


def test_a_volume_that_fills_up_midway(hub, fetching, server, small_volume):
    if small_volume is None:
        fill = None
    else:
        fill = small_volume / "neighbour"

    def filling(_request):
        if fill is not None and not fill.exists():
            with fill.open("wb") as file:
                try:
                    while True:
                        file.write(bytes(65536))
                        file.flush()
                except OSError:
                    pass
        return Reply(hub.files[SHARD])

    hub.serve(SHARD, filling)
    code, output = fetching.run(hub.source(), options=("--connections", 1))
    if fill is None:
        assert code == 0
        return
    assert code == 24, output
    partial = fetching.target.with_name(fetching.target.name + ".partial") / "tree"
    assert "No space left on device; make the volume larger or prune artifacts" in fetching.cause
    assert str(partial) in fetching.cause
    fetching.expect_nothing()
    fill.unlink()
    hub.serve(SHARD, hub.healthy(SHARD))
    assert fetching.run(hub.source())[0] == 0
    fetching.expect(hub.files)


def test_a_volume_that_is_mounted_read_only(hub, fetching, small_volume):
    if small_volume is not None:
        subprocess.run(["mount", "-o", "remount,ro", str(small_volume)], check=True)
        assert fetching.run(hub.source())[0] == 27
        assert fetching.cause == (
            f"cannot write {fetching.target}: Read-only file system; mount the volume read-write for this pod, "
            "with an fsGroup or a mode that lets its user write"
        )
        fetching.expect_nothing()
    else:
        fetching.target.parent.chmod(0o555)
        assert fetching.run(hub.source())[0] == 27


def test_progress_as_json(hub, fetching):
    hub.serve(SHARD, lambda _request: Reply(hub.files[SHARD], rate=500_000))
    options = ("--progress", "json", "--progress-interval", 0.1, "--connections", 1)
    code, output = fetching.run(hub.source(), options=options)
    assert code == 0
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert len(lines) > 3
    assert set(lines[0]) == {"percent", "bytes", "totalBytes", "bytesPerSecond", "secondsLeft", "file"}
    assert [line["bytes"] for line in lines] == sorted(line["bytes"] for line in lines)
    assert lines[-1]["totalBytes"] == sum(len(data) for data in hub.files.values())


def test_the_rate_limit_is_for_all_connections(hub, fetching):
    started = time.monotonic()
    assert fetching.run(hub.source(), options=("--rate-limit", 1_000_000))[0] == 0
    assert time.monotonic() - started > 1.2
    fetching.expect(hub.files)
