"""Accuracy and speed as processes, around a stand-in for main.py."""

from __future__ import annotations

import csv
import json
import uuid

import pytest

from support.atb_steps import Steps, contents


@pytest.fixture(scope="module")
def steps(python, container, tmp_path_factory) -> Steps:
    """Shared: nothing here may change what the steps read."""
    return Steps(python, container, tmp_path_factory.mktemp("atb"))


@pytest.fixture
def output(steps):
    return steps.store / f"output-{uuid.uuid4().hex[:8]}"


def model(steps: Steps, precision: str, tp_size: int) -> list[object]:
    """The flags that name a model in its form."""
    if (precision, tp_size) == ("float", 1):
        path = steps.weights
    elif precision == "sparse":
        compressed = steps.compressed()
        path = steps.store / "sharded-sparse-2"
        return ["--model-path", path, "--precision", precision, "--tp-size", 2, "--compressed", compressed]
    else:
        path = steps.sharded(precision, tp_size)
    return ["--model-path", path, "--precision", precision, "--tp-size", tp_size]


class TestEvaluate:
    @pytest.mark.parametrize(
        ("precision", "tp_size", "mode"),
        [
            ("float", 1, "float"),
            ("float", 2, "float"),
            ("w8a8", 1, "quant"),
            ("w8a8", 4, "quant"),
            ("sparse", 2, "sparse"),
        ],
    )
    def test_the_accuracy_of_every_form(self, steps, output, precision, tp_size, mode):
        flags = model(steps, precision, tp_size)
        before = contents(steps.store)
        code, said = steps.run("atb_evaluate", *flags, "--dataset", steps.ceval, "--batch", 8, "--output", output)
        assert code == 0, said
        for rank in range(tp_size):
            assert f"rank {rank} on device {rank}, {mode}, MAX_SEQ_LEN 2560" in said
        assert json.loads((output / "ceval.json").read_text()) == {
            "accuracy": 0.625,
            "accuracy/Other/civil_servant": 0.5,
            "accuracy/Social_Science/teacher_qualification": 0.75,
        }
        assert "C-Eval val: accuracy 0.6250 over 2 subjects" in said
        after = contents(steps.store)
        assert {name: after[name] for name in before} == before

    def test_each_rank_has_a_module_cache_of_its_own(self, steps, output):
        flags = model(steps, "float", 2)
        _, said = steps.run("atb_evaluate", *flags, "--dataset", steps.ceval, "--batch", 8, "--output", output)
        caches = {line.rpartition(" ")[2] for line in said.splitlines() if "modules in " in line}
        assert len(caches) == 2

    @pytest.mark.parametrize(("minimum", "ended"), [("0.6", 0), ("0.7", 32)])
    def test_the_shared_evaluation_reads_its_metrics(self, steps, output, minimum, ended, python, container):
        flags = [*model(steps, "float", 2), "--tree", steps.tree, "--dataset", steps.ceval, "--batch", 8]
        step = [python, container / "atb_evaluate.py", *flags, "--output", output]
        given = ["--metrics", f"json:{output}/ceval.json", "--model", "chatglm2-6b", "--output", output]
        code, said = steps.script("evaluate").run(*given, "--minimum", f"accuracy={minimum}", "--", *step)
        assert code == ended, said
        assert json.loads((output / "result.json").read_text())["metrics"]["accuracy"] == 0.625

    def test_one_question(self, steps, output):
        flags = model(steps, "float", 1)
        code, said = steps.run("atb_evaluate", *flags, "--mode", "single", "--batch", 1, "--output", output)
        assert code == 0
        assert "Answer: B" in said

    def test_a_rank_that_fails(self, steps, output):
        flags = [*model(steps, "float", 2), "--dataset", steps.ceval, "--batch", 8, "--output", output]
        assert steps.run("atb_evaluate", *flags, STUB_FAILS="1", STUB_SECONDS="30")[0] == 1
        assert steps.cause("atb_evaluate").startswith("rank 1 ended with code 1; its last ")
        assert steps.cause("atb_evaluate").endswith("\nRuntimeError: HCCL error")
        assert not output.exists()

    @pytest.mark.parametrize(
        ("flags", "code", "cause"),
        [
            (["--precision", "float", "--tp-size", "2"], 28,
             "shards in {weights}/tensor_parallel_tp2/part_model/0 are without config.json, configuration_chatglm.py, "
             "quantization.py; shard the weights again"),
            (["--precision", "w8a8", "--tp-size", "1"], 28,
             "quantized shards in {weights}/quant/tp1 are without quant_weight0.npy, new_bias0.npy, "
             "new_deq_scale0.npy; shard the weights again"),
            (["--precision", "sparse", "--tp-size", "1"], 31,
             "sparse weights can only be compressed for 2 devices, not 1"),
            (["--precision", "sparse", "--tp-size", "2"], 31,
             "precision sparse needs 'compressed', the output of compress_weights.py"),
            (["--precision", "float", "--tp-size", "1", "--compressed", "/x"], 31,
             "'compressed' goes with precision sparse, not float"),
            (["--precision", "float", "--tp-size", "1", "--mode", "single"], 31,
             "--mode single does not take --dataset"),
        ],
    )  # fmt: skip
    def test_what_cannot_run(self, steps, output, flags, code, cause):
        given = ["--model-path", steps.weights, "--dataset", steps.ceval, "--batch", 8, "--output", output, *flags]
        assert steps.run("atb_evaluate", *given)[0] == code
        assert steps.cause("atb_evaluate") == cause.format(weights=steps.weights)

    def test_a_dataset_without_its_subset(self, steps, output):
        flags = [*model(steps, "float", 1), "--dataset", steps.weights, "--batch", 8, "--output", output]
        assert steps.run("atb_evaluate", *flags)[0] == 28
        assert steps.cause("atb_evaluate") == (
            f"--dataset {steps.weights} has no val/**/*.jsonl; unpack the guide's C-Eval there"
        )


class TestBenchmark:
    def test_the_table_is_kept_printed_and_read(self, steps, output):
        flags = [*model(steps, "float", 2), "--batch", 1, "--model-name", "chatglm2-6b", "--output", output]
        code, said = steps.run("atb_benchmark", *flags, "--pairs", "256:256,8192:1024", "--print-response")
        assert code == 0, said
        assert "rank 1 on device 1, float, MAX_SEQ_LEN 9216" in said
        assert "['an answer']" in said
        with (output / "performance.csv").open() as file:
            assert [row[1].strip() for row in csv.reader(file)] == ["InputSeqLen(Encoding)", "256", "8192"]
        result = json.loads((output / "result.json").read_text())
        assert (result["version"], result["kind"], result["model"]) == (1, "benchmark", "chatglm2-6b")
        assert result["settings"] == {"precision": "float", "tp_size": 2, "batch": 1}
        assert result["metrics"] == {"tokens_per_second": 6.1728, "time_to_first_token_ms": 123.5}
        assert result["rows"][1] == {
            "batch": 1, "input_tokens": 8192, "output_tokens": 1024, "time_to_first_token_ms": 123.5,
            "time_per_token_ms": 81.92, "total_seconds": 12.25, "tokens_per_second": 6.1728,
            "tokens_per_second_with_prompt": 5.5,
        }  # fmt: skip
        lines = [
            line.partition("atb_benchmark: ")[2]
            for line in said.splitlines()
            if "  123.5  " in line or "output_tokens" in line
        ]
        assert [line.split()[:3] for line in lines] == [
            ["batch", "input_tokens", "output_tokens"], ["1", "256", "256"], ["1", "8192", "1024"],
        ]  # fmt: skip
        assert len({len(line) for line in lines}) == 1

    def test_a_longer_room_of_the_pod_stays_and_is_whole_blocks(self, steps, output):
        flags = [*model(steps, "float", 1), "--batch", 1, "--model-name", "m", "--output", output, "--pairs", "10:10"]
        assert "MAX_SEQ_LEN 4112" in steps.run("atb_benchmark", *flags, MAX_SEQ_LEN="4100")[1]

    def test_the_room_holds_what_the_warm_up_generates(self, steps, output):
        flags = [*model(steps, "float", 1), "--batch", 1, "--model-name", "m", "--output", output]
        code, said = steps.run("atb_benchmark", *flags, "--pairs", "4094:2,16:16")
        assert code == 0, said
        assert "MAX_SEQ_LEN 4112" in said

    def test_a_table_with_rows_missing(self, steps, output):
        flags = [*model(steps, "float", 1), "--batch", 1, "--model-name", "m", "--output", output]
        assert steps.run("atb_benchmark", *flags, "--pairs", "8:8,16:16", STUB_ROWS="1")[0] == 28
        assert steps.cause("atb_benchmark").startswith(
            "performance.csv has 1 rows, not the 2 that were asked for: Batch,"
        )

    @pytest.mark.parametrize("pairs", ["256", "256:1", "0:8", "a:8", "256:256,"])
    def test_pairs_that_are_none(self, steps, output, pairs):
        flags = ["--model-path", steps.weights, "--precision", "float", "--tp-size", 1, "--batch", 1]
        given = [*flags, "--model-name", "m", "--output", output, "--pairs", pairs]
        assert steps.run("atb_benchmark", *given)[0] == 20
        part = "" if pairs.endswith(",") else pairs
        assert steps.cause("atb_benchmark").startswith(
            f"argument --pairs: '{part}' must be IN:OUT, with IN from 1 and OUT from 2 on; usage: "
        )
