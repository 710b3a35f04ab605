"""answer_prompts.py and benchmark_model.py with the echo backend: what they read, ask and write."""

from __future__ import annotations

import json
import signal
import time

import pytest

from support.script import Script

MODEL = ["--backend", "echo", "--model-name", "chatglm2-6b", "--model-family", "chatglm2"]


@pytest.fixture
def answers(python, container, tmp_path):
    return Script(python, container, "answer_prompts", tmp_path)


@pytest.fixture
def benchmark(python, container, tmp_path):
    return Script(python, container, "benchmark_model", tmp_path)


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.json"

    def write(value):
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    return write


def lines(output):
    return [json.loads(line) for line in (output / "answers.jsonl").read_text(encoding="utf-8").splitlines()]


def user(content):
    return {"role": "user", "content": content}


class TestAnswers:
    def run(self, script, prompts, output, *flags):
        return script.run(*MODEL, "--prompts", prompts, "--output", output, *flags)

    def test_questions_and_conversations(self, answers, prompts, tmp_path):
        told = {"messages": [{"role": "system", "content": "你是导游"}, user("a b"), user("c d")]}
        code, said = self.run(answers, prompts(["你好", told]), tmp_path / "out")
        assert code == 0
        first, second, third = lines(tmp_path / "out")
        assert {**first, "seconds": 0} == {
            "conversation": 0,
            "round": 0,
            "messages": [user("你好")],
            "answer": "你好",
            "finish_reason": "stop",
            "prompt_tokens": 12,
            "completion_tokens": 2,
            "seconds": 0,
        }
        assert second["messages"] == told["messages"][:2]
        assert third["messages"] == [
            *second["messages"],
            {"role": "assistant", "content": "a b"},
            user("c d"),
        ]
        assert [(each["conversation"], each["round"], each["answer"]) for each in (second, third)] == [
            (1, 0, "a b"),
            (1, 1, "c d"),
        ]
        assert "INFO answer_prompts: question: 你好\n" in said
        assert f"3 answers to 2 conversations are in {tmp_path / 'out/answers.jsonl'}\n" in said

    def test_answers_that_are_given_are_history(self, answers, prompts, tmp_path):
        messages = [user("x"), {"role": "assistant", "content": "given"}, user("y")]
        assert self.run(answers, prompts([{"messages": messages}]), tmp_path / "out")[0] == 0
        (only,) = lines(tmp_path / "out")
        assert (only["messages"], only["answer"]) == (messages, "y")

    def test_the_longest_answer(self, answers, prompts, tmp_path):
        assert self.run(answers, prompts(["one two three"]), tmp_path / "out", "--max-tokens", "2")[0] == 0
        (only,) = lines(tmp_path / "out")
        assert (only["answer"], only["finish_reason"], only["completion_tokens"]) == ("one two", "length", 2)

    def test_a_second_run_writes_the_same(self, answers, prompts, tmp_path):
        path = prompts(["a", "b"])
        found = []
        for _ in range(2):
            assert self.run(answers, path, tmp_path / "out")[0] == 0
            found.append([{**each, "seconds": 0} for each in lines(tmp_path / "out")])
        assert found[0] == found[1]
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["answers.jsonl"]

    def test_a_prompt_that_is_too_long_is_told(self, answers, prompts, tmp_path):
        code, _ = self.run(answers, prompts(["好" * 30]), tmp_path / "out", "--context-length", "20")
        assert (code, answers.cause) == (
            31,
            "the prompt has 40 tokens, but with its answer it may have 20: shorten it",
        )
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("option", ["tokens-per-second=1", "load-seconds=60"])
    def test_a_signal_ends_it_whatever_it_is_at(self, answers, prompts, tmp_path, option):
        flags = ["--prompts", prompts(["好" * 60]), "--output", tmp_path / "out", "--backend-option", option]
        process = answers.start(*MODEL, *flags)
        awaited = "loading model" if "load" in option else "question: "
        assert any(awaited in line for line in iter(process.stdout.readline, ""))
        time.sleep(0.5)  # the line is written before what it tells of begins
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 42
        assert answers.cause == (
            "told to stop while the model was loading"
            if "load" in option
            else "told to stop while an answer was under way"
        )


FORM = "a list of questions, or of objects with 'messages' that each have 'role' and 'content'"


class TestPromptsFile:
    @pytest.mark.parametrize(
        ("value", "cause"),
        [
            ("[", "{} is no JSON in UTF-8: Expecting value: line 1 column 2 (char 1)"),
            ([], "{} must hold " + FORM),
            ({"messages": []}, "{} must hold " + FORM),
            (["ok", 5], "{}: entry 1 is not understood: a file of prompts holds " + FORM),
            ([{"messages": []}], "{}: entry 0 is not understood: a file of prompts holds " + FORM),
            ([""], "{}: entry 0, message 0: 'content' is '': it must be a text that is not empty"),
            (
                [{"messages": [{"role": "tool", "content": "x"}]}],
                "{}: entry 0, message 0: 'role' is 'tool': it must be one of system, user, assistant",
            ),
            (
                [{"messages": [user("x"), {"role": "assistant", "content": "y"}]}],
                "{}: entry 0: the last message is of 'assistant': it must be of the user",
            ),
        ],
    )
    def test_what_is_not_understood_is_told_with_its_place(self, answers, prompts, tmp_path, value, cause):
        path = prompts(value)
        assert answers.run(*MODEL, "--prompts", path, "--output", tmp_path / "out")[0] == 31
        assert answers.cause == cause.replace("{}", str(path))

    def test_a_file_that_is_not_there(self, answers, tmp_path):
        path = tmp_path / "none.json"
        assert answers.run(*MODEL, "--prompts", path, "--output", tmp_path / "out")[0] == 22
        assert answers.cause == f"there is no file of prompts at {path}"


class TestFlags:
    @pytest.mark.parametrize(
        ("flags", "cause"),
        [
            (["--temperature", "3"], "--temperature is 3: it must be from 0 to 2"),
            (["--top-p", "0"], "--top-p is 0: it must be above 0 and at most 1"),
            (
                ["--backend-option", "tokens-per-second"],
                "--backend-option 'tokens-per-second' must be key=value, each key once",
            ),
        ],
    )
    def test_mistakes_end_with_their_cause(self, benchmark, tmp_path, flags, cause):
        assert benchmark.run(*MODEL, "--output", tmp_path / "out", *flags)[0] == 31
        assert benchmark.cause == cause


class TestBenchmark:
    def test_the_rates_are_the_backends(self, benchmark, prompts, tmp_path):
        out = tmp_path / "out"
        more = ["--prompts", prompts(["a b c d e f"]), "--backend-option", "tokens-per-second=100"]
        code, said = benchmark.run(*MODEL, *more, "--output", out, "--repeat", "2", "--max-tokens", "5")
        assert code == 0
        result = json.loads((out / "result.json").read_text(encoding="utf-8"))
        assert {key: result[key] for key in ("version", "kind", "model", "settings")} == {
            "version": 1,
            "kind": "benchmark",
            "model": "chatglm2-6b",
            "settings": {
                "backend": "echo",
                "family": "chatglm2",
                "backend_options": ["tokens-per-second=100"],
                "max_tokens": 5,
                "temperature": 0.0,
                "warm_up": 1,
                "repeat": 2,
            },
        }
        assert sorted(result["metrics"]) == [
            "characters_per_second",
            "load_seconds",
            "time_to_first_token_ms",
            "tokens_per_second",
        ]
        assert 30 < result["metrics"]["tokens_per_second"] <= 101
        assert result["metrics"]["time_to_first_token_ms"] >= 9
        assert [row["question"] for row in result["rows"]] == [0, 1, 2, 3, 4] * 2
        last = result["rows"][-1]
        assert (last["tokens"], last["characters"]) == (5, len("a b c d e"))
        table = [line.partition("INFO benchmark_model: ")[2].split() for line in said.splitlines()]
        assert [
            "question",
            "prompt_tokens",
            "tokens",
            "characters",
            "first_token_ms",
            "seconds",
            "tokens_per_second",
        ] in table
        assert ["tokens_per_second", f"{result['metrics']['tokens_per_second']:.6g}"] in table
