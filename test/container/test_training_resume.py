"""Ranks that are killed at any moment go on from the newest step that all of them have finished, and no other."""

from __future__ import annotations

import json

import pytest

from support.patience import until
from support.training_ranks import Ranks

RESUME = ("--resume", "resume-training")


@pytest.fixture
def training(python, container, tmp_path):
    return lambda ranks=1: Ranks(python, container, tmp_path, ranks)


def codes(ended):
    return [code for code, _ in ended]


def test_a_training_that_is_not_disturbed_notes_every_checkpoint(training):
    ranks = training()
    assert codes(ranks.run(*RESUME)) == [0]
    assert ranks.noted() == [f"glm_rank_0-1_{step}.ckpt" for step in (1, 2, 3, 4)]
    notes = [json.loads((ranks.checkpoint() / ".complete" / name).read_text()) for name in ranks.noted()]
    size = (ranks.checkpoint() / "glm_rank_0-1_4.ckpt").stat().st_size
    assert notes[3] == {
        **{"version": 1, "file": "glm_rank_0-1_4.ckpt", "size": size, "epoch": 1, "step": 4},
        **{"run": 1, "order": 4, "ranks": 1},
    }


def test_a_step_is_noted_while_the_training_goes_on(training):
    ranks = training()
    started = ranks.start(*RESUME, STEPS="3", HANG="0:3")
    until((ranks.meet / "hangs").exists)
    until(lambda: ranks.noted() == ["glm_rank_0-1_1.ckpt", "glm_rank_0-1_2.ckpt"])
    ranks.kill(started)


def test_a_rank_that_is_killed_in_the_middle_of_a_file_goes_on_from_the_one_before(training):
    ranks = training()
    started = ranks.start(*RESUME, HANG="0:3")
    until(lambda: ranks.noted() == ["glm_rank_0-1_1.ckpt", "glm_rank_0-1_2.ckpt"])
    ranks.kill(started)
    torn = ranks.checkpoint() / "glm_rank_0-1_3.ckpt"
    assert torn.read_text() == "["
    ended = ranks.run(*RESUME)
    assert codes(ended) == [0]
    assert "going on from epoch 1 step 2, finished by all 1 ranks" in ended[0][1]
    assert ranks.told()["from"] == ["from 0", 2]
    assert torn.read_text() == "[", "what is not complete is left as it is"
    assert ranks.noted() == [
        *("glm_rank_0-1_1.ckpt", "glm_rank_0-1_2.ckpt", "glm_rank_0_1-1_3.ckpt", "glm_rank_0_1-1_4.ckpt")
    ]


def test_of_earlier_runs_two_steps_are_kept_and_what_is_not_complete(training):
    ranks = training(2)
    started = ranks.start(*RESUME, STEPS="5", HANG="1:5")
    until(lambda: len(ranks.noted(0)) == 5 and len(ranks.noted(1)) == 4)
    ranks.kill(started)
    assert codes(ranks.run(*RESUME, STEPS="6")) == [0, 0]
    for rank in (0, 1):
        left = sorted(path.name for path in ranks.checkpoint(rank).glob("*.ckpt"))
        assert left == [
            *(f"glm_rank_{rank}-1_{step}.ckpt" for step in (3, 4, 5)),
            *(f"glm_rank_{rank}_1-1_{step}.ckpt" for step in (5, 6)),
        ]
    assert (ranks.noted(0)[2], ranks.noted(1)[2]) == ("glm_rank_0-1_5.ckpt", "glm_rank_1_1-1_5.ckpt")


def test_a_step_that_one_of_eight_ranks_has_not_finished_is_not_taken(training):
    ranks = training(8)
    started = ranks.start(*RESUME, HANG="5:3", STEPS="3")
    for rank in range(8):
        finished = [1, 2] if rank == 5 else [1, 2, 3]
        until(lambda: ranks.noted(rank) == [f"glm_rank_{rank}-1_{step}.ckpt" for step in finished])  # noqa: B023
    ranks.kill(started)
    assert codes(ranks.run(*RESUME, STEPS="4")) == [0] * 8
    assert [ranks.told(rank)["from"][-1] for rank in range(8)] == [2] * 8
    assert codes(ranks.run(*RESUME, STEPS="5")) == [0] * 8
    assert [ranks.told(rank)["from"][-1] for rank in range(8)] == [4] * 8


def test_files_of_one_step_may_have_different_names(training):
    ranks = training(2)
    started = begun(ranks, HANG="1:1")
    until((ranks.checkpoint(0) / "glm_rank_0-1_1.ckpt").exists)
    ranks.kill(started)
    (ranks.checkpoint(1) / "glm_rank_1-1_1.ckpt").unlink()
    assert codes(ranks.run(*RESUME, STEPS="2")) == [0, 0]
    assert (ranks.noted(0)[-1], ranks.noted(1)[-1]) == ("glm_rank_0_1-1_2.ckpt", "glm_rank_1-1_2.ckpt")
    assert codes(ranks.run(*RESUME, STEPS="3")) == [0, 0]
    assert [ranks.told(rank)["from"][-1] for rank in (0, 1)] == [2, 2]


def begun(ranks, **env):
    started = ranks.start(*RESUME, **env)
    until((ranks.meet / "hangs").exists)
    return started


def test_a_later_run_counts_more_than_a_higher_number(training):
    ranks = training()
    assert codes(ranks.run(STEPS="3")) == [0]
    # Without --resume the second run begins at the beginning, and its numbers, too.
    assert codes(ranks.run(STEPS="2")) == [0]
    assert ranks.told()["from"] == []
    assert codes(ranks.run(*RESUME, STEPS="3")) == [0]
    assert ranks.told()["from"] == ["from 0", 2]


def test_steps_of_another_number_of_ranks_are_not_taken(training):
    ranks = training(2)
    assert codes(ranks.run(STEPS="2")) == [0, 0]
    ranks.ranks = 1
    ended = ranks.run(*RESUME)
    assert codes(ended) == [0]
    assert "no step is finished by all 1 ranks: beginning at the beginning" in ended[0][1]
    assert ranks.told()["from"] == []


@pytest.mark.parametrize("damage", ["shorter", "gone", "note torn", "note of another file"])
def test_a_file_that_is_not_as_noted_is_not_taken(training, damage):
    ranks = training(2)
    assert codes(ranks.run(STEPS="2")) == [0, 0]
    last, note = ranks.checkpoint(1) / "glm_rank_1-1_2.ckpt", ranks.checkpoint(1) / ".complete/glm_rank_1-1_2.ckpt"
    if damage == "shorter":
        last.chmod(0o600)
        last.write_text("[")
    elif damage == "gone":
        last.unlink()
    else:
        note.write_text('{"file":' if damage == "note torn" else note.read_text().replace("1_2.ckpt", "1_9.ckpt"))
    assert codes(ranks.run(*RESUME, STEPS="3")) == [0, 0]
    assert [ranks.told(rank)["from"][-1] for rank in (0, 1)] == [1, 1]


def test_a_file_at_which_the_script_fails_is_not_noted(training):
    ranks = training()
    ended = ranks.run(*RESUME, BREAK="0:2")
    assert codes(ended) == [1]
    assert ended[0][1].endswith("OSError: [Errno 28] No space left on device\n")
    assert "glm_rank_0-1_2.ckpt" not in ranks.noted()


def test_where_mindspore_fails_at_a_file_the_one_before_is_noted(training):
    ranks = training()
    assert codes(ranks.run(*RESUME, MODEL="1", BREAK="0:2")) == [1]
    assert ranks.noted() == ["glm_rank_0-1_1.ckpt"]


def test_a_failed_file_of_mindspore_that_stays_behind_closed_is_not_noted(training):
    ranks = training()
    # MindSpore makes a file read-only when all of it is written; this one stays as a failed save leaves it.
    leftover = ranks.checkpoint() / "glm_rank_0-9_9.ckpt"
    started = ranks.start(*RESUME, MODEL="1", HANG="0:2")
    until((ranks.meet / "hangs").exists)
    leftover.write_text("half")
    done = ranks.checkpoint() / "glm_rank_0-9_8.ckpt"
    done.write_text("whole")
    done.chmod(0o400)
    until(lambda: ranks.noted() == ["glm_rank_0-1_1.ckpt", "glm_rank_0-9_8.ckpt"])
    ranks.kill(started)


def test_a_file_that_is_written_again_or_removed_loses_its_note(training):
    ranks = training()
    started = ranks.start(*RESUME, HANG="0:3")
    until(lambda: len(ranks.noted()) == 2)
    first, second = (ranks.checkpoint() / name for name in ranks.noted())
    first.unlink()
    second.chmod(0o600)
    with second.open("w") as file:
        file.write("again")
        file.flush()
        until(lambda: ranks.noted() == [])
    ranks.kill(started)


def test_a_step_that_was_the_last_one_leaves_nothing_to_train(training):
    ranks = training()
    assert codes(ranks.run(*RESUME, MODEL="1")) == [0]
    ended = ranks.run(*RESUME, MODEL="1")
    assert codes(ended) == [0]
    assert ended[0][1].endswith("the step that it went on from is the last one: nothing is left to train\n")
    ended = ranks.run("--resume", "none", MODEL="1", STEPS="0")
    assert codes(ended) == [1], "the same complaint is an error where nothing was resumed"


def test_what_all_ranks_have_ended_is_not_begun_again(training):
    ranks = training(2)
    ranks.keeps_ends = True
    assert codes(ranks.run(*RESUME)) == [0, 0]
    ended = ranks.run(*RESUME)
    assert codes(ended) == [0, 0]
    for _, output in ended:
        (line,) = output.splitlines()
        assert line.endswith("all 2 ranks have come to their end: nothing is left to train")


@pytest.mark.parametrize("what", ["a rank that did not end", "another run", "another number of ranks", "no text"])
def test_what_some_ranks_have_ended_is_begun_again(training, what):
    ranks = training(2)
    ranks.keeps_ends = True
    assert codes(ranks.run(*RESUME)) == [0, 0]
    note = ranks.checkpoint(1) / ".complete/.ended"
    end = json.loads(note.read_text())
    texts = {
        "another run": json.dumps({**end, "run": 7}),
        "another number of ranks": json.dumps({**end, "ranks": 1}),
        "no text": "{",
    }
    note.unlink() if what not in texts else note.write_text(texts[what])
    for code, output in ranks.run(*RESUME):
        assert code == 0
        assert "going on from epoch" in output


def test_a_pipeline_that_refuses_the_last_step_leaves_nothing_to_train(training):
    ranks = training()
    assert codes(ranks.run(*RESUME)) == [0]
    ended = ranks.run(*RESUME, PIPELINE="1")
    assert codes(ended) == [0]
    assert ended[0][1].endswith("the step that it went on from is the last one: nothing is left to train\n")


def test_killed_again_and_again_it_comes_to_the_same_end(training):
    ranks = training(3)
    for step in ("2", "4", "5"):
        ranks.kill(begun(ranks, STEPS="7", HANG=f"{int(step) % 3}:{step}"))
    assert codes(ranks.run(*RESUME, STEPS="7")) == [0, 0, 0]
    ends = [(ranks.checkpoint(rank) / ranks.noted(rank)[-1]).read_text() for rank in range(3)]
    assert len(set(ends)) == 1
    assert json.loads(ends[0])[-1] == 7
