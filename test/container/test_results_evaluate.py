"""evaluate.py: what it reads in an evaluation's output, what it writes, and how it ends."""

from __future__ import annotations

import json
import signal
import sys
import time

import pytest

from support.script import Script

SCORES = "metric: ADGENMetric\nrouge-1: {}\nrouge-2: 7.2\nrouge-l: 24.5\nbleu-4:  {}\n"


@pytest.fixture
def script(python, container, tmp_path):
    return Script(python, container, "evaluate", tmp_path)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


def saying(text, code=0):
    return [sys.executable, "-c", f"print({text!r}, end='')\nraise SystemExit({code})"]


def flags(output, *more, metrics="mindformers"):
    return ["--metrics", metrics, "--model", "chatglm3-6b", "--output", output, *more, "--"]


def result(output):
    return json.loads((output / "result.json").read_text(encoding="utf-8"))


class TestMindFormers:
    def test_the_result_and_the_table(self, script, output):
        code, said = script.run(
            *flags(output, "--minimum", "bleu-4=7"), *saying(SCORES.format("31.25", "7.5"))
        )
        assert code == 0
        assert result(output) == {
            "version": 1,
            "kind": "evaluation",
            "model": "chatglm3-6b",
            "metrics": {"bleu-4": 7.5, "rouge-1": 31.25, "rouge-2": 7.2, "rouge-l": 24.5},
            "settings": {"metrics": "mindformers", "minimums": {"bleu-4": 7.0}},
            "rows": [],
        }
        assert SCORES.format("31.25", "7.5") in said
        table = [line.partition("INFO evaluate: ")[2] for line in said.splitlines()[-5:]]
        assert table == [
            "model 'chatglm3-6b':",
            "bleu-4       7.5000",
            "rouge-1       31.25",
            "rouge-2      7.2000",
            "rouge-l        24.5",
        ]

    def test_lines_of_a_log_and_of_a_launcher_are_read(self, script, output):
        log = (
            "[rank 0] 2024-01-01 10:00:00,1 - mindformers[x.py:1] - INFO - metric: Text Generation Metric \n"
            + "".join(
                f"[rank 0] {name}: {value} \n"
                for name, value in [("rouge-1", 1.5), ("rouge-2", 2.5), ("rouge-l", 3.5), ("bleu-4", " 4.5")]
            )
        )
        assert script.run(*flags(output), *saying(log))[0] == 0
        assert result(output)["metrics"] == {"bleu-4": 4.5, "rouge-1": 1.5, "rouge-2": 2.5, "rouge-l": 3.5}

    def test_an_answer_cannot_pass_for_a_score(self, script, output):
        answers = "pred is:\n rouge-1: 99\n bleu-4: 99\n label is:\n bleu-4: 98\n"
        code, _ = script.run(*flags(output), *saying(answers + SCORES.format("1", "2") + answers))
        assert code == 0
        assert result(output)["metrics"]["bleu-4"] == 2.0

    def test_the_last_of_several_blocks_counts(self, script, output):
        assert script.run(*flags(output), *saying(SCORES.format(1, 2) + SCORES.format(3, 4)))[0] == 0
        assert result(output)["metrics"]["bleu-4"] == 4.0

    @pytest.mark.parametrize(
        ("text", "cause"),
        [
            ("nothing\n", "the evaluation ended well but did not say bleu-4, rouge-1, rouge-2, rouge-l"),
            (
                "metric: ADGENMetric\nbleu-4: 1\n",
                "the evaluation ended well but did not say rouge-1, rouge-2, rouge-l",
            ),
            (
                SCORES.format("nan", "nan"),
                "the evaluation gave no number for rouge-1, bleu-4: every answer was empty",
            ),
        ],
    )
    def test_no_scores_are_a_fault(self, script, output, text, cause):
        assert script.run(*flags(output), *saying(text))[0] == 28
        assert script.cause == cause
        assert not (output / "result.json").exists()


class TestMinimum:
    def test_a_low_score_ends_with_its_own_code_and_keeps_the_result(self, script, output):
        minimums = ["--minimum", "bleu-4=8", "--minimum", "rouge-1=31.25", "--minimum", "rouge-l=25"]
        assert script.run(*flags(output, *minimums), *saying(SCORES.format("31.25", "7.25")))[0] == 32
        assert script.cause == "bleu-4 is 7.2500, below its minimum 8; rouge-l is 24.5, below its minimum 25"
        assert result(output)["metrics"]["bleu-4"] == 7.25

    def test_a_metric_that_is_not_measured_is_refused_before_the_evaluation(self, script, output, tmp_path):
        ran = tmp_path / "ran"
        command = [sys.executable, "-c", f"open({str(ran)!r}, 'w')"]
        assert script.run(*flags(output, "--minimum", "bleu=8"), *command)[0] == 31
        assert script.cause == (
            "--minimum names 'bleu', which is not measured: bleu-4, rouge-1, rouge-2, rouge-l are"
        )
        assert not ran.exists()

    @pytest.mark.parametrize("text", ["bleu-4", "=3", "bleu-4=high", "bleu-4=nan"])
    def test_what_is_no_minimum_is_refused(self, script, output, text):
        assert script.run(*flags(output, "--minimum", text), "true")[0] == 20
        assert f"argument --minimum: {text!r} must be METRIC=VALUE, as in bleu-4=7.5" in script.cause


class TestOtherSources:
    def test_ceval(self, script, output):
        text = (
            "/data/val/STEM/computer_network.jsonl 0.5\n 50%|##  | 1/2\r"
            "/data/val/Other/law.jsonl 0.25\nacc_total = 0.375\n"
        )
        assert script.run(*flags(output, "--minimum", "accuracy=0.3", metrics="ceval"), *saying(text))[0] == 0
        assert result(output)["metrics"] == {
            "accuracy": 0.375,
            "accuracy/STEM/computer_network": 0.5,
            "accuracy/Other/law": 0.25,
        }

    def test_ceval_that_was_cut_off(self, script, output):
        assert script.run(*flags(output, metrics="ceval"), *saying("/val/Other/law.jsonl 0.25\n"))[0] == 28
        assert script.cause == "the evaluation ended well but did not say acc_total"

    def test_a_file(self, script, output):
        write = f"open({str(output / 'own.json')!r}, 'w').write('{{\"accuracy\": 0.5, \"questions\": 20}}')"
        code, _ = script.run(*flags(output, metrics="json:own.json"), sys.executable, "-c", write)
        assert code == 0
        assert result(output)["metrics"] == {"accuracy": 0.5, "questions": 20}

    def test_a_file_of_an_earlier_run_does_not_count(self, script, output):
        output.mkdir()
        (output / "own.json").write_text('{"accuracy": 0.9}')
        (output / "result.json").write_text("{}")
        assert script.run(*flags(output, metrics="json:own.json"), "true")[0] == 28
        assert script.cause == f"the evaluation ended well but wrote no {output / 'own.json'}"
        assert not (output / "result.json").exists()

    @pytest.mark.parametrize(
        ("text", "cause"),
        [
            ("[1]", "does not hold an object of names and numbers"),
            ("{}", "does not hold an object of names and numbers"),
            ('{"accuracy": "high"}', "does not hold a number for 'accuracy'"),
            ('{"accuracy": NaN}', "does not hold a number for 'accuracy'"),
            ("{", "is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ],
    )
    def test_a_file_that_is_not_understood(self, script, output, text, cause):
        path = output / "own.json"
        write = f"open({str(path)!r}, 'w').write({text!r})"
        assert script.run(*flags(output, metrics="json:own.json"), sys.executable, "-c", write)[0] == 28
        assert script.cause == f"{path} {cause}"

    def test_an_unknown_source(self, script, output):
        assert script.run(*flags(output, metrics="bleu"), "true")[0] == 31
        assert script.cause == "--metrics is 'bleu': it must be mindformers, ceval or json:FILE"


class TestProgram:
    def test_its_exit_code_is_ours(self, script, output):
        assert script.run(*flags(output), *saying(SCORES.format(1, 2), code=7))[0] == 7
        assert script.cause == f"{sys.executable} ended with exit code 7; nothing was measured"
        assert not (output / "result.json").exists()

    def test_its_own_cause_is_kept(self, script, output):
        write = "open(os.environ['TERMINATION_MESSAGE_PATH'], 'w').write('no device')"
        command = f"import os\n{write}\nraise SystemExit(30)"
        assert script.run(*flags(output), sys.executable, "-c", command)[0] == 30
        assert script.cause == "no device"

    def test_a_program_that_is_not_there(self, script, output):
        assert script.run(*flags(output), "no-such-program")[0] == 20
        assert script.cause == "cannot run no-such-program: No such file or directory; is it in this image?"

    def test_a_signal_is_its_too(self, script, output):
        handler = "signal.signal(15, lambda *_: sys.exit(9))"
        command = f"import signal, sys, time\n{handler}\nprint('ready', flush=True)\ntime.sleep(60)"
        process = script.start(*flags(output), sys.executable, "-c", command)
        assert "ready\n" in iter(process.stdout.readline, "")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 9
        assert time.monotonic() - began < 15
