"""What a rank's script is given, and how the rank ends."""

from __future__ import annotations

import json
import signal
import time

import pytest

from support.patience import until
from support.training_ranks import CONFIG, PACKAGES, Ranks

RESUME = ("--resume", "resume-training")


@pytest.fixture
def ranks(python, container, tmp_path):
    return Ranks(python, container, tmp_path)


def own(ranks, rank=0):
    return ranks.folder / "work" / f"rank_{rank}" / "train_rank" / f"rank_{rank}"


def test_the_script_gets_the_rank_s_own_configuration(ranks):
    settings = ("runner_config.epochs=3", "callbacks[CheckpointMointor].save_checkpoint_steps=5")
    more = ("callbacks[0].per_print_times=1", "runner_config.added=None", "load_checkpoint=a=b")
    flags = [flag for setting in (*settings, *more) for flag in ("--set", setting)]
    assert ranks.run(*flags, arguments=("--run_mode", "finetune"), STEPS="1")[0][0] == 0
    told = ranks.told()
    assert told["argv"][1:] == ["--config", str(own(ranks) / "run_glm.yaml"), "--run_mode", "finetune"]
    assert told["path"].endswith("test/container/support")
    assert json.loads(told["config"]) == {
        **CONFIG,
        "load_checkpoint": "a=b",
        "runner_config": {"epochs": 3, "batch_size": 4, "added": "None"},
        "callbacks": [
            {"type": "MFLossMonitor", "per_print_times": 1},
            {"type": "CheckpointMointor", "save_checkpoint_steps": 5},
        ],
    }
    assert json.loads(ranks.config.read_text()) == CONFIG


def test_numbers_that_yaml_1_1_takes_for_text_are_numbers(ranks):
    values = {"a": "1e-5", "b": "5.e-5", "c": '"1e-5"', "d": "-2E+3", "e": "True", "f": "12"}
    flags = [flag for key, value in values.items() for flag in ("--set", f"runner_config.{key}={value}")]
    ranks.run(*flags, STEPS="1")
    given = json.loads(ranks.told()["config"])["runner_config"]
    assert [given[key] for key in values] == [1e-5, 5e-5, "1e-5", -2000.0, True, 12]


def links(ranks, rank):
    folder = own(ranks, rank) / "resume"
    return {str(path.relative_to(folder)): path.resolve() for path in sorted(folder.glob("*/*"))}


def test_many_ranks_go_on_from_a_folder_of_links_to_one_step(python, container, tmp_path):
    ranks = Ranks(python, container, tmp_path, 2)
    begin = ("--load_checkpoint", "base.ckpt", "--auto_trans_ckpt=True", "--seed", "1")
    assert [code for code, _ in ranks.run(*RESUME, arguments=begin, STEPS="2")] == [0, 0]
    assert ranks.told(1)["argv"][3:] == list(begin)
    assert json.loads(ranks.told()["config"])["auto_trans_ckpt"] is True
    assert [code for code, _ in ranks.run(*RESUME, arguments=begin, STEPS="3")] == [0, 0]
    for rank in (0, 1):
        folder = own(ranks, rank) / "resume"
        assert ranks.told(rank)["argv"][3:] == [
            *("--seed", "1", "--load_checkpoint", str(folder), "--resume_training", "True")
        ]
        assert links(ranks, rank) == {
            f"rank_{other}/checkpoint_rank_{other}-1_2.ckpt": ranks.checkpoint(other) / f"glm_rank_{other}-1_2.ckpt"
            for other in (0, 1)
        }
    config = json.loads(ranks.told()["config"])
    assert (config["auto_trans_ckpt"], config["src_strategy_path_or_dir"]) == (False, "")
    assert config["resume_by_last_timestamp_ckpt"] is True


def test_ranks_that_all_have_the_whole_model_take_their_own_file(python, container, tmp_path):
    ranks = Ranks(python, container, tmp_path, 2)
    assert [code for code, _ in ranks.run(STEPS="1")] == [0, 0]
    ranks.run(*RESUME, "--set", "parallel.parallel_mode=0", STEPS="2")
    file = ranks.checkpoint(1) / "glm_rank_1-1_1.ckpt"
    assert ranks.told(1)["argv"][3:] == ["--load_checkpoint", str(file), "--resume_training", "True"]


def test_to_load_a_checkpoint_is_not_to_resume(ranks):
    assert ranks.run(STEPS="1")[0][0] == 0
    begin = ("--resume_training", "True", "--load_checkpoint=base.ckpt")
    assert ranks.run("--resume", "load-checkpoint", arguments=begin, STEPS="1")[0][0] == 0
    assert ranks.told()["argv"][3:] == ["--load_checkpoint", str(ranks.checkpoint() / "glm_rank_0-1_1.ckpt")]


def test_without_resume_the_arguments_stay_as_they_are(ranks):
    begin = ("--load_checkpoint", "base.ckpt")
    for _ in range(2):
        assert ranks.run(arguments=begin, STEPS="1")[0][0] == 0
        assert ranks.told()["argv"][3:] == list(begin)


@pytest.mark.parametrize(("end", "code", "last"), [("7", 7, ""), ("no loss", 1, "no loss\n"), ("0", 0, "")])
def test_the_script_s_end_is_the_rank_s(ranks, end, code, last):
    ended = ranks.run(STEPS="1", END=end)[0]
    assert (ended[0], ended[1].endswith(last)) == (code, True)


def saving(ranks, at, **env):
    """Run with MindSpore's loop, and tell all ranks to stop when rank 0 is at step `at`."""
    started = ranks.start(*RESUME, "--save-on-term", MODEL="1", STEPS="90", EVERY="50", STEP_SECONDS="0.1", **env)
    until(lambda: (ranks.meet / "step_0").exists() and int((ranks.meet / "step_0").read_text() or 0) >= at)
    return ranks.finish(started, signal.SIGTERM)


def test_sigterm_saves_the_step_at_hand_and_no_rank_is_done(ranks):
    ended = saving(ranks, 3)
    assert ended[0][0] == 42, ended
    assert ended[0][1].endswith("saved and stopped before the end, as told by SIGTERM\n")
    (name,) = ranks.noted()
    step = int(name[len("glm_rank_0-1_") : -len(".ckpt")])
    assert 3 <= step <= 5
    assert ranks.run(*RESUME, MODEL="1", STEPS=str(step + 1))[0][0] == 0
    assert ranks.told()["from"][-1] == step


def test_all_ranks_save_the_same_step(python, container, tmp_path):
    ranks = Ranks(python, container, tmp_path, 3)
    assert [code for code, _ in saving(ranks, 2)] == [42, 42, 42]
    assert [len(ranks.noted(rank)) for rank in range(3)] == [1, 1, 1]
    assert len({ranks.noted(rank)[0].partition("-")[2] for rank in range(3)}) == 1
    left = {path.name for path in (ranks.output / "checkpoint").iterdir()}
    assert left == {"rank_0", "rank_1", "rank_2", ".stop_1"}


def test_a_rank_whose_step_does_not_end_ends_by_itself(python, container, tmp_path):
    ranks = Ranks(python, container, tmp_path, 2)
    started = ranks.start(*RESUME, "--save-on-term", MODEL="1", STEPS="90", EVERY="50", STEP_SECONDS="0.1")
    until(lambda: (ranks.meet / "step_0").exists() and int((ranks.meet / "step_0").read_text() or 0) >= 3)
    started[1].kill()
    ended = ranks.finish(started, signal.SIGTERM)
    assert ended[0][0] == 42
    assert ended[0][1].endswith("WARNING train_rank: no step came to its end after SIGTERM, so nothing is saved\n")
    assert ranks.noted() == []


def test_before_the_first_step_there_is_nothing_to_wait_for(ranks):
    started = ranks.start(*RESUME, "--save-on-term", MODEL="1", STEP_SECONDS="30")
    until((ranks.meet / "step_0").exists)
    begin = time.monotonic()
    assert ranks.finish(started, signal.SIGTERM)[0][0] == 42
    assert time.monotonic() - begin < 4


def test_without_mindspore_nothing_can_be_saved_on_sigterm(ranks, tmp_path):
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "yaml.py").symlink_to(PACKAGES / "yaml.py")
    assert ranks.run("--save-on-term", PYTHONPATH=str(tmp_path / "few"))[0][0] == 30
    assert ranks.cause == (
        "--save-on-term needs MindSpore (No module named 'mindspore'); use an image that has it, or leave it out"
    )


REFUSED = {
    "runner.epochs=3": "'runner.epochs': the configuration has no 'runner' there; it has load_checkpoint,"
    " auto_trans_ckpt, src_strategy_path_or_dir, runner_config, parallel, callbacks",
    "parallel.parallel_mode.x=1": "'parallel.parallel_mode.x' must end with a key of a mapping, as in"
    " runner_config.epochs",
    "parallel.parallel_mode.x.y=1": "'parallel.parallel_mode.x.y': the configuration has no 'x' there;"
    " it has no keys, it is 1",
    "callbacks[CheckpointMonitor].prefix=a": "'callbacks[CheckpointMonitor].prefix': the list has no entry of type"
    " 'CheckpointMonitor'; it has MFLossMonitor, CheckpointMointor",
    "parallel[0].x=1": "'parallel[0].x': the list has no entry of type '0'; it has none",
    "callbacks[0]=1": "'callbacks[0]' must end with a key of a mapping, as in runner_config.epochs",
    "a..b=1": "'a..b' is no dotted key; allowed are the likes of a.b and callbacks[CheckpointMonitor].c",
    "a.=1": "'a.' is no dotted key; allowed are the likes of a.b and callbacks[CheckpointMonitor].c",
    "callbacks[.x=1": "'callbacks[.x' is no dotted key; allowed are the likes of a.b and"
    " callbacks[CheckpointMonitor].c",
    "runner_config.epochs={": "'{' is no YAML value: not closed: Expecting property name enclosed in double quotes:"
    " line 1 column 2 (char 1)",
}


@pytest.mark.parametrize("setting", REFUSED)
def test_a_setting_that_the_configuration_cannot_take(ranks, setting):
    assert ranks.run("--set", setting)[0][0] == 31
    assert ranks.cause == REFUSED[setting]


def test_a_setting_without_a_value(ranks):
    assert ranks.run("--set", "epochs")[0][0] == 20
    assert ranks.cause == "--set is 'epochs', but must be PATH=VALUE, as in runner_config.epochs=3"


def test_a_place_that_is_none(ranks):
    assert ranks.run(RANK_ID="8", RANK_SIZE="8")[0][0] == 20
    assert ranks.cause == (
        "rank 8 of 8 is none (RANK_ID or MS_NODE_ID, RANK_SIZE or MS_WORKER_NUM); the launcher sets them"
    )


def test_mindspore_s_own_names_of_the_place(ranks):
    ranks.run(MS_NODE_ID="1", MS_WORKER_NUM="2", RANK_ID="", STEPS="0")
    assert (ranks.checkpoint(1)).is_dir()


def test_a_configuration_that_is_not_there_or_no_yaml(ranks):
    ranks.config.write_text("{")
    assert ranks.run()[0][0] == 31
    assert ranks.cause == (
        f"configuration {ranks.config} is no YAML: not closed: Expecting property name enclosed in double quotes:"
        " line 1 column 2 (char 1)"
    )
    ranks.config.unlink()
    assert ranks.run()[0][0] == 22
    assert ranks.cause == f"configuration {ranks.config} cannot be read: No such file or directory"


def test_ranks_and_scheduler_may_share_a_working_directory(python, container, tmp_path):
    ranks = Ranks(python, container, tmp_path, 2)
    ranks.shared = True
    assert [code for code, _ in ranks.run(*RESUME, STEPS="1")] == [0, 0]
    assert [code for code, _ in ranks.run(*RESUME, STEPS="2")] == [0, 0]
    assert [ranks.told(rank)["from"] for rank in (0, 1)] == [["from 0", 1]] * 2
    assert sorted(path.name for path in (tmp_path / "work" / "train_rank").iterdir()) == ["rank_0", "rank_1"]


def test_the_scheduler_runs_the_same_program_and_notes_nothing(ranks):
    env = {"MS_ROLE": "MS_SCHED", "MS_WORKER_NUM": "1", "EVERY": "9"}
    assert ranks.run(*RESUME, "--save-on-term", STEPS="1", **env)[0][0] == 0
    assert not ranks.output.exists()
    assert (ranks.folder / "work/rank_0/train_rank/scheduler/run_glm.yaml").is_file()


def test_the_scheduler_lives_until_the_ranks_have_saved(ranks):
    env = {"MS_ROLE": "MS_SCHED", "STEPS": "8", "STEP_SECONDS": "0.1", "EVERY": "9"}
    started = ranks.start(*RESUME, "--save-on-term", **env)
    until((ranks.meet / "step_0").exists)
    assert ranks.finish(started, signal.SIGTERM)[0][0] == 0


def test_an_image_without_yaml(ranks):
    assert ranks.run(PYTHONPATH="")[0][0] == 30
    assert ranks.cause == (
        "this image has no PyYAML (No module named 'yaml'); MindFormers needs it, use an image that has both"
    )
