"""Progress read from MindFormers' log, and the cause of an end for people."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranks.outcome import Outcome, termination_message
from ranks.output import LONGEST_LINE, Lines
from ranks.progress import Progress, read_step, say, with_rate

STEP = (
    "2024-01-25 10:00:00,000 - mindformers[callback.py:316] - INFO - { Epoch:[  1/  2], step:[    5/   10],"
    " loss:[6.006/6.010], per_step_time: 1040ms, lr: 5e-05, overflow cond: False, loss_scale: 65536.0"
)
SINK = "INFO - { Epoch:[  1/  2], step:[    5/   10], loss: 6.006, per_step_time: 1040ms, lr: 5e-05"
RATE = "INFO -   25.0% |████████████                                      | 1.50000 samples/s/p  0:00:15 }"


@pytest.mark.parametrize("line", [STEP, SINK])
def test_a_step_is_read(line):
    step = read_step(line)
    assert (step.done, step.total, step.loss, step.step_seconds) == (5, 20, "6.006", 1.04)
    assert say(step, 8) == ("progress: step 5/20 (25.0 %), epoch 1/2, loss 6.006, 1.040 s a step, 0:00:16 left")
    assert say(with_rate(step, RATE), 8) == (
        "progress: step 5/20 (25.0 %), epoch 1/2, loss 6.006, 1.040 s a step,"
        " 12.00 samples/s on 8 devices, 0:00:15 left"
    )


def oldest(step):
    return (
        f"2023-06-15 10:00:00,000 - mindformers[callback.py:264] - INFO - Epoch:[  1/  1], step:[{step:5d}/   16],"
        " loss:[2.346/2.350], time:4160.500 ms, lr:0.0, overflow cond: False, loss_scale: 4294967296.0"
    )


def test_the_oldest_version_tells_the_time_of_several_steps():
    told = []
    progress = Progress(8, 0, told.append)
    for step in (4, 8, 12, 16):
        progress.line(oldest(step))
    progress.line("Epoch time: 16642.000 ms, per step time: 1040.125 ms, avg loss: 2.350")
    progress.finish()
    assert told == [
        "progress: step 8/16 (50.0 %), epoch 1/1, loss 2.346, 1.040 s a step, 0:00:08 left",
        "progress: step 12/16 (75.0 %), epoch 1/1, loss 2.346, 1.040 s a step, 0:00:04 left",
        "progress: step 16/16 (100.0 %), epoch 1/1, loss 2.346, 1.040 s a step, 0:00:00 left",
    ]


def test_a_long_time_left_and_a_lost_loss():
    step = read_step(STEP.replace("[6.006/6.010]", "[  nan/  nan]"))
    assert step.loss == "nan"
    assert with_rate(step, RATE.replace("0:00:15", "2 days, 3:04:05")).left == "2 days, 3:04:05"


@pytest.mark.parametrize("line", ["", "Epoch:[1/2]", RATE, "loss: 6.006", STEP.replace("ms", "s")])
def test_other_lines_are_no_steps(line):
    assert read_step(line) is None


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_progress_is_told_now_and_then_and_at_the_end():
    told, clock = [], Clock()
    progress = Progress(1, 10, lambda line: told.append(line.split(" ")[2]), clock)
    for number in range(1, 11):
        clock.now += 3
        for epoch in (1, 2):
            line = STEP.replace("[    5/   10]", f"[{number:5d}/   10]").replace("[  1/  2]", f"[  {epoch}/  2]")
            if epoch == 2:
                progress.line(line)
                progress.line(RATE)
    assert told == ["11/20", "15/20", "19/20", "20/20"]


def test_steps_without_their_second_line_are_told_too():
    told = []
    progress = Progress(1, 0, told.append, Clock())
    progress.line(STEP)
    progress.line("something else")
    assert told == []
    progress.line(STEP.replace("    5/", "    6/"))
    progress.finish()
    assert [line.split(" ")[2] for line in told] == ["5/20", "6/20"]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=20))
def test_lines_do_not_depend_on_how_the_stream_was_cut(data, cuts):
    whole, pieces = Lines(), Lines()
    found = []
    for cut in cuts:
        found += pieces.feed(data[:cut])
        data, rest = data[cut:], data[:cut]
        found_by_whole = whole.feed(rest)
        assert found[len(found) - len(found_by_whole) :] == found_by_whole
    assert pieces.feed(data) + pieces.finish() == whole.feed(data) + whole.finish()


def test_an_endless_line_is_passed_on_in_pieces():
    lines = Lines()
    assert lines.feed(b"x" * (LONGEST_LINE - 1)) == []
    assert lines.feed(b"xy") == [b"x" * LONGEST_LINE]
    assert lines.feed(b"z\n") == [b"yz"]


def test_a_redrawn_line_is_its_last_drawing():
    lines = Lines()
    assert lines.feed(b" 10%\r 20%\r\nnext\n\n\r\n") == [b" 20%", b"next", b"", b""]


def test_of_too_many_lines_the_last_are_kept():
    lines = [f"{number:02d} " + "x" * 397 for number in range(20)]
    message = termination_message(Outcome(1, "rank 0 ended with code 1", tuple(lines)))
    assert message == "\n".join(["rank 0 ended with code 1; its last 10 lines:", *lines[10:]])


def test_of_one_long_line_the_end_is_kept():
    message = termination_message(Outcome(1, "rank 0 ended with code 1", ("a", "é" * 3000 + "end")))
    head = "rank 0 ended with code 1; its last line:\n"
    assert (message[: len(head)], message[-5:], len(message.encode())) == (head, "ééend", 4096)


def test_the_message_has_the_cause_and_the_last_lines():
    assert termination_message(Outcome(7, "rank 5 ended with code 7", ("a", "b"))) == (
        "rank 5 ended with code 7; its last 2 lines:\na\nb"
    )
    assert termination_message(Outcome(7, "rank 5 ended with code 7", ("a",))) == (
        "rank 5 ended with code 7; its last line:\na"
    )
    assert termination_message(Outcome(42, "told to stop")) == "told to stop"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=3000), min_size=1, max_size=20))
def test_a_message_keeps_its_end_and_fits(lines):
    lines = [line.replace("\n", "") for line in lines]
    message = termination_message(Outcome(1, "rank 0 ended with code 1", tuple(lines)))
    assert len(message.encode()) <= 4096
    assert message.startswith("rank 0 ended with code 1; its last")
    assert message.endswith(lines[-1][-1000:])
