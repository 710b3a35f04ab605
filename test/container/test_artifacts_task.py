"""A tool's output becomes an artifact."""

from __future__ import annotations

import json
import signal
import sys
import time

import pytest
from artifacts import marker
from artifacts.lease import Lease
from artifacts.marker import ArtifactFile

from support.patience import until
from support.script import Script

WRITE = "import os; open(os.path.join(os.environ['ARTIFACT_DIR'], 'model.ckpt'), 'w').write('weights')"


@pytest.fixture
def script(python, container, tmp_path):
    return Script(python, container, "run_task", tmp_path)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "glm-0a1b"


def arguments(output, program, *options):
    identity = ["--output", output, "--name", "glm", "--lineage", "0a1b", "--format", "mindspore"]
    lease = ["--lease-heartbeat", 0.1, "--lease-takeover", 1]
    return [*identity, *lease, *options, "--", sys.executable, "-c", program]


def test_success_writes_the_marker(script, output):
    code, _ = script.run(*arguments(output, WRITE, "--require", "*.ckpt", "--source", '{"tool": "convert"}'))
    assert code == 0
    written = marker.read(output)
    assert (written.name, written.lineage, written.format) == ("glm", "0a1b", "mindspore")
    assert written.source == {"tool": "convert"}
    assert written.files == (ArtifactFile("model.ckpt", 7, None),)
    assert [path.name for path in output.parent.iterdir()] == ["glm-0a1b"], "a lease was left behind"


def test_what_the_tool_says_of_its_end_is_kept(script, output):
    said = (
        "import os; open(os.environ['TERMINATION_MESSAGE_PATH'], 'w').write('rank 5 ended with 7'); raise SystemExit(7)"
    )
    assert script.run(*arguments(output, said))[0] == 7
    assert script.cause == "rank 5 ended with 7"


def test_files_that_only_their_owner_may_read_are_opened_to_readers(script, output):
    program = (
        "import os; os.chdir(os.environ['ARTIFACT_DIR']); os.mkdir('rank_0', 0o700);"
        "open('rank_0/a.ckpt', 'w').close(); os.chmod('rank_0/a.ckpt', 0o400); os.symlink('/nowhere', 'link')"
    )
    assert script.run(*arguments(output, program))[0] == 0
    modes = {name: (output / name).stat().st_mode & 0o777 for name in ("rank_0", "rank_0/a.ckpt")}
    assert modes == {"rank_0": 0o755, "rank_0/a.ckpt": 0o444}


def test_a_complete_artifact_is_not_made_again(script, output):
    assert script.run(*arguments(output, WRITE))[0] == 0
    before = (output / marker.MARKER_NAME).read_bytes()
    code, log = script.run(*arguments(output, "raise SystemExit(9)"))
    assert code == 0
    assert log.endswith(f"INFO run_task: {output} is complete: nothing to do\n")
    assert (output / marker.MARKER_NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("program", "code"),
    [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137), ("import os; os.abort()", 134)],
)
def test_a_failure_keeps_its_code_and_writes_no_marker(script, output, program, code):
    assert script.run(*arguments(output, program))[0] == code
    assert marker.read(output) is None
    assert script.cause == f"{sys.executable} ended with exit code {code}; {output} stays without a marker"


def test_a_required_file_that_is_not_there(script, output):
    code, _ = script.run(*arguments(output, WRITE, "--require", "*.ckpt", "--require", "rank_*/*.ckpt"))
    assert code == 28
    assert script.cause == (
        f"the command succeeded but left no file that matches rank_*/*.ckpt in {output}; it left model.ckpt"
    )
    assert marker.read(output) is None


def test_a_program_that_is_not_in_the_image(script, output):
    code, _ = script.run(*arguments(output, "")[:-3], "atc", "--model")
    assert code == 20
    assert script.cause == "cannot run atc: No such file or directory; is it in this image?"


def test_sigterm_reaches_the_child(script, output):
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('ready', flush=True)\n"
        "time.sleep(30)\n"
    )
    process = script.start(*arguments(output, program))
    until(lambda: process.stdout.readline() == "ready\n")
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 5
    assert marker.read(output) is None


def test_two_pods_make_it_once(script, output):
    count = "import os, time; open(os.path.join(os.environ['ARTIFACT_DIR'], 'runs'), 'a').write('x'); time.sleep(0.5)"
    processes = [script.start(*arguments(output, count)) for _ in range(3)]
    assert [process.wait(20) for process in processes] == [0, 0, 0]
    assert (output / "runs").read_text() == "x"


def test_a_dead_pods_work_is_taken_over(script, output):
    process = script.start(*arguments(output, "import time; print('ready', flush=True); time.sleep(5)"))
    until(lambda: process.stdout.readline() == "ready\n")
    process.kill()
    process.wait()
    started = time.monotonic()
    assert script.run(*arguments(output, WRITE))[0] == 0
    assert 1.0 <= time.monotonic() - started < 4


def test_losing_the_lease_kills_the_child_and_writes_no_marker(script, output):
    program = "import time; print('ready', flush=True); time.sleep(30)"
    process = script.start(*arguments(output, program))
    until(lambda: process.stdout.readline() == "ready\n")
    process.send_signal(signal.SIGSTOP)
    heir = Lease(output, "heir", heartbeat=0.1, takeover=0.5)
    assert heir.acquire(lambda _state: None, lambda: False)
    process.send_signal(signal.SIGCONT)
    assert process.wait(10) == 43
    assert script.cause == f"lost the lease of {output}: another pod makes it now"
    assert marker.read(output) is None
    assert heir.confirm()
    heir.release()


@pytest.mark.parametrize("source", ["{", "[1]"])
def test_a_source_that_is_no_object(script, output, source):
    assert script.run(*arguments(output, WRITE, "--source", source))[0] == 20
    assert not output.exists()


def test_the_marker_is_plain_json(script, output):
    script.run(*arguments(output, WRITE))
    data = json.loads((output / marker.MARKER_NAME).read_text("utf-8"))
    assert sorted(data) == ["created", "files", "format", "lineage", "name", "source", "version"]
    assert data["files"] == [{"path": "model.ckpt", "sha256": None, "size": 7}]


def pod(output, index, program, *options):
    return arguments(output, program, "--pods", 3, "--pod-index", index, *options)


def test_of_many_pods_only_the_first_takes_the_lease_and_writes_the_marker(script, output):
    program = (
        "import os, pathlib, time; folder = pathlib.Path(os.environ['ARTIFACT_DIR'])\n"
        "(folder / f'pod_{os.environ[\"INDEX\"]}').write_text('here')\n"
        "while len(list(folder.glob('pod_*'))) < 3: time.sleep(0.02)\n"
    )
    processes = [script.start(*pod(output, index, program), INDEX=str(index)) for index in (2, 1, 0)]
    assert [process.wait(20) for process in processes] == [0, 0, 0]
    assert [file.path for file in marker.read(output).files] == ["pod_0", "pod_1", "pod_2"]
    assert [path.name for path in output.parent.iterdir()] == ["glm-0a1b"], "lease or record was left behind"


def test_a_later_pod_alone_ends_without_a_marker_and_with_the_commands_code(script, output):
    assert script.run(*pod(output, 1, WRITE))[0] == 0
    assert [path.name for path in output.parent.iterdir()] == ["glm-0a1b"]
    assert [path.name for path in output.iterdir()] == ["model.ckpt"]
    assert script.run(*pod(output, 2, "raise SystemExit(7)"))[0] == 7
    assert script.cause == f"{sys.executable} ended with exit code 7; {output} stays without a marker"


def test_a_later_pod_of_a_complete_artifact_runs_nothing(script, output):
    assert script.run(*pod(output, 0, WRITE))[0] == 0
    code, log = script.run(*pod(output, 1, "raise SystemExit(9)"))
    assert (code, log.split(": ", 1)[1]) == (0, f"{output} is complete: nothing to do\n")


def test_a_first_pod_that_died_before_the_marker_does_not_run_the_command_again(script, output):
    many = (
        "import os, pathlib; folder = pathlib.Path(os.environ['ARTIFACT_DIR']);"
        "(folder / 'model.ckpt').write_text('weights');"
        "[(folder / f'part_{number}').touch() for number in range(10000)]"
    )
    # To list ten thousand files takes long enough to be killed between the command's end and the marker.
    held = script.start(*pod(output, 0, many, "--require", "*.ckpt"))
    record = output.parent / "glm-0a1b.lease" / "ended"
    until(record.is_file)
    held.kill()
    held.wait()
    assert marker.read(output) is None
    code, log = script.run(*pod(output, 2, "raise SystemExit(9)"))
    assert (code, log.split(": ", 1)[1]) == (
        0,
        f"the command has ended well in all pods; pod 0 completes {output}\n",
    )
    code, log = script.run(*pod(output, 0, "raise SystemExit(9)", "--require", "*.ckpt"))
    assert (code, "the command has ended well before" in log) == (0, True)
    assert len(marker.read(output).files) == 10001
    assert not record.exists()


def test_what_turned_out_to_be_wrong_is_made_again(script, output):
    assert script.run(*pod(output, 0, "", "--require", "*.ckpt"))[0] == 28
    assert script.run(*pod(output, 0, WRITE, "--require", "*.ckpt"))[0] == 0


def test_a_pod_that_is_none_of_the_task(script, output):
    assert script.run(*pod(output, 3, WRITE))[0] == 20
    assert script.cause == "--pod-index is 3, but must be 0 to 2 (--pods)"
