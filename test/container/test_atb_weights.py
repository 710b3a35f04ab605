"""Quantizing, sharding and compressing as processes, around stand-ins for the vendor's scripts."""

from __future__ import annotations

import json
import signal
import uuid

import pytest

from support.atb_kill import check_killed
from support.atb_steps import QUANTIZED, Steps, contents


@pytest.fixture(scope="module")
def steps(python, container, tmp_path_factory) -> Steps:
    """Shared: nothing here may change what the steps read."""
    return Steps(python, container, tmp_path_factory.mktemp("atb"))


@pytest.fixture
def own_steps(python, container, tmp_path) -> Steps:
    """With files of its own to spoil."""
    return Steps(python, container, tmp_path)


@pytest.fixture
def output(steps):
    return steps.store / f"output-{uuid.uuid4().hex[:8]}"


class TestShard:
    @pytest.mark.parametrize("tp_size", [2, 4])
    def test_float_shards_are_a_model_to_run_from(self, steps, output, tp_size):
        before = contents(steps.weights)
        flags = ("--source", steps.weights, "--precision", "float", "--tp-size", tp_size)
        code, said = steps.run("shard_weights", "--output", output, *flags)
        assert code == 0, said
        assert "[info]: Processing weights with mode 'float'." in said
        assert contents(steps.weights) == before
        parts = output / f"tensor_parallel_tp{tp_size}" / "part_model"
        assert sorted(path.name for path in parts.iterdir()) == [str(rank) for rank in range(tp_size)]
        assert (parts / "1" / "pytorch_model.bin").read_text().startswith(f"1 of {tp_size}: weights ")
        assert json.loads((parts / "0" / "config.json").read_text())["world_size"] == tp_size
        small = {name for name in before if not name.endswith(".bin") and not name.startswith(".")}
        assert {name: before[name] for name in small} == {
            name: digest for name, digest in contents(output).items() if "/" not in name
        }

    def test_quantized_shards_for_one_device_have_the_whole_weights(self, steps):
        output = steps.sharded("w8a8", 1)
        found = contents(output)
        expected = {f"quant/{name}.npy" for name in QUANTIZED.split()}
        expected |= {f"quant/tp1/{name}0.npy" for name in ("quant_weight", "new_bias", "new_deq_scale")}
        assert {name for name in found if "/" in name} == expected
        assert len([name for name in found if name.endswith(".bin")]) == 7
        assert not any(path.is_symlink() for path in output.rglob("*"))
        assert (output / "modeling_chatglm.py").read_text() == '"""The standard modeling file."""\n'

    def test_the_archive_of_ready_weights_may_have_a_folder_of_its_own(self, own_steps, output):
        inner = own_steps.store / "archive" / "chatglm2_6B_910b"
        inner.parent.mkdir()
        own_steps.quantized("w8a8").rename(inner)
        flags = ("--source", own_steps.weights, "--precision", "w8a8", "--tp-size", 2, "--quantized", inner.parent)
        code, said = own_steps.run("shard_weights", "--output", output, *flags)
        assert code == 0, said
        assert (output / "quant" / "tp2" / "quant_weight1.npy").is_file()
        assert (output / "tensor_parallel_tp2" / "part_model" / "1").is_dir()

    def test_published_weights_need_no_file_that_nothing_reads(self, own_steps, output):
        published = own_steps.quantized("w8a8")
        for name in ("quant_bias", "weight_offset", "weight_scale"):
            (published / f"{name}.npy").unlink()
        flags = ("--source", own_steps.weights, "--precision", "w8a8", "--tp-size", 2, "--quantized", published)
        code, said = own_steps.run("shard_weights", "--output", output, *flags)
        assert code == 0, said
        read = ["deq_scale.npy", "fp_bias.npy", "input_offset.npy", "input_scale.npy", "quant_weight.npy"]
        assert sorted(path.name for path in (output / "quant").glob("*.npy")) == read
        assert not any(path.is_symlink() for path in output.rglob("*"))
        (published / "input_scale.npy").unlink()
        assert own_steps.run("shard_weights", "--output", output, *flags)[0] == 28
        assert own_steps.cause("shard_weights") == (
            f"quantized weights in {published} are without input_scale.npy; export them again"
        )

    def test_the_pods_switches_do_not_reach_the_script(self, steps, output):
        flags = ("--source", steps.weights, "--precision", "float", "--tp-size", 2)
        code, said = steps.run("shard_weights", "--output", output, *flags, ENABLE_SPARSE="1", ENABLE_QUANT="1")
        assert code == 0, said
        assert "with mode 'float'" in said

    @pytest.mark.parametrize(
        ("flags", "code", "cause"),
        [
            (["--precision", "float", "--tp-size", "1"], 31,
             "--tp-size is 1: float weights for one device are used as they are, not sharded"),
            (["--precision", "w8a8", "--tp-size", "2"], 31, "--precision w8a8 needs --quantized"),
            (["--precision", "float", "--tp-size", "2", "--quantized", "{ceval}"], 31,
             "--precision float does not take --quantized"),
            (["--precision", "sparse", "--tp-size", "4", "--quantized", "{ceval}"], 31,
             "sparse weights can only be compressed for 2 devices, not 4"),
            (["--precision", "w8a8", "--tp-size", "2", "--quantized", "{ceval}"], 28,
             "quantized weights in {ceval} are without deq_scale.npy, fp_bias.npy, input_offset.npy, input_scale.npy, "
             "quant_weight.npy; export them again"),
        ],
    )  # fmt: skip
    def test_settings_that_cannot_work(self, steps, output, flags, code, cause):
        given = [flag.format(ceval=steps.ceval) for flag in flags]
        assert steps.run("shard_weights", "--output", output, "--source", steps.weights, *given)[0] == code
        assert steps.cause("shard_weights") == cause.format(ceval=steps.ceval)

    def test_a_model_that_is_not_whole_or_not_patched(self, own_steps, output):
        flags = ("--output", output, "--source", own_steps.weights, "--precision", "float", "--tp-size", 2)
        (own_steps.weights / "config.json").write_text("{}")
        assert own_steps.run("shard_weights", *flags)[0] == 28
        assert own_steps.cause("shard_weights") == (
            f"{own_steps.weights}/config.json has no world_size of 1 and float_layers_id; make a copy that has, by "
            "patch_config.py --set world_size=1 --set float_layers_id=[0]"
        )
        (own_steps.weights / "pytorch_model-00003-of-00007.bin").unlink()
        assert own_steps.run("shard_weights", *flags)[0] == 28
        assert own_steps.cause("shard_weights") == (
            f"{own_steps.weights} has no pytorch_model-00003-of-00007.bin; take all files of THUDM/chatglm2-6b at "
            "4e38bef4"
        )

    def test_a_model_whose_positions_are_stretched(self, own_steps, output):
        flags = ("--output", output, "--source", own_steps.weights, "--precision", "float", "--tp-size", 2)
        config = own_steps.weights / "config.json"
        config.write_text(json.dumps({"world_size": 1, "float_layers_id": [0], "rope_ratio": 50}))
        assert own_steps.run("shard_weights", *flags)[0] == 28
        assert own_steps.cause("shard_weights") == (
            f"{config} has rope_ratio 50, but the model's code for ATB places all tokens as with 1, and would answer "
            "wrongly; take weights without it, such as THUDM/chatglm2-6b"
        )
        config.write_text(json.dumps({"world_size": 1, "float_layers_id": [0], "rope_ratio": 1}))
        code, said = own_steps.run("shard_weights", *flags)
        assert code == 0, said

    def test_another_source_tree(self, steps, output):
        flags = ("--output", output, "--source", steps.weights, "--precision", "float", "--tp-size", 2)
        code, _ = steps.script("shard_weights").run("--tree", steps.ceval, *flags)
        assert code == 28
        assert steps.cause("shard_weights") == (
            f"--tree {steps.ceval} has no mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b with main.py "
            "and process_weights.py; take the source tree of ModelLink at 839b2483"
        )


class TestQuantize:
    @pytest.mark.parametrize(("precision", "lines"), [("w8a8", 4), ("sparse", 2)])
    def test_the_eight_files_are_there_and_nothing_else(self, steps, precision, lines):
        output = steps.quantized(precision)
        assert sorted(contents(output)) == sorted(f"{name}.npy" for name in QUANTIZED.split())
        assert (output / "fp_bias.npy").read_text().startswith(f"{precision} fp_bias {lines} weights ")

    def test_a_file_that_the_tool_did_not_write(self, steps, output):
        flags = ("--source", steps.weights, "--dataset", steps.ceval, "--precision", "w8a8")
        assert steps.run("quantize_weights", "--output", output, *flags, STUB_LOSES="quant_bias")[0] == 28
        work = output / ".work" / "quant"
        assert steps.cause("quantize_weights") == (
            f"quantized weights in {work} are without quant_bias.npy; export them again"
        )
        assert steps.run("quantize_weights", "--output", output, *flags)[0] == 0
        assert len(contents(output)) == 8

    def test_the_tools_own_words_are_the_cause_when_it_fails(self, own_steps, output):
        (own_steps.weights / "modeling_chatglm.py").write_text("# sliced")
        flags = ("--source", own_steps.weights, "--dataset", own_steps.ceval, "--precision", "w8a8")
        assert own_steps.run("quantize_weights", "--output", output, *flags)[0] == 1
        assert own_steps.cause("quantize_weights") == (
            "rank 0 ended with code 1; its last line:\nthis is not the standard modeling file"
        )

    def test_a_calibration_file_that_is_not_there(self, steps, output):
        flags = ("--source", steps.weights, "--dataset", steps.ceval, "--precision", "w8a8", "--calibration", "val/x")
        assert steps.run("quantize_weights", "--output", output, *flags)[0] == 28
        assert steps.cause("quantize_weights") == (
            f"{steps.ceval}/CEval/val/x is missing; name a file of the dataset by --calibration"
        )


class TestCompress:
    def test_it_reads_tp2(self, steps):
        output = steps.compressed()
        assert sorted({name.rpartition("/")[0] for name in contents(output)}) == [
            f"compress{rank}/{kind}" for rank in (0, 1) for kind in ("index", "info", "weight")
        ]
        assert (output / "compress1" / "info" / "layers.1.dat").read_text().startswith("info 1: sparse quant_weight ")

    def test_a_layer_that_one_folder_is_without(self, steps, output):
        sharded = steps.sharded("sparse", 2)
        code, _ = steps.run("compress_weights", "--output", output, "--source", sharded, STUB_LOSES="info2")
        assert code == 28
        assert steps.cause("compress_weights") == (
            f"{output}/.work/compressed/compress0 has files for different layers (index 3, weight 3, info 2); compress "
            "the weights again"
        )

    def test_shards_for_another_number_of_devices(self, steps, output):
        sharded = steps.sharded("w8a8", 4)
        assert steps.run("compress_weights", "--output", output, "--source", sharded)[0] == 28
        names = [f"{name}{rank}.npy" for rank in (0, 1) for name in ("quant_weight", "new_bias", "new_deq_scale")]
        assert steps.cause("compress_weights") == (
            f"quantized shards in {sharded}/quant/tp2 are without {', '.join(names)}; shard the weights again"
        )

    def test_the_compressor_is_built_first_where_asked_for(self, steps, output, tmp_path):
        graph = tmp_path / "toolkit" / "tools/modelslim/pytorch/weight_compression/compress_graph"
        graph.mkdir(parents=True)
        (graph / "build.sh").write_text('echo "built in $PWD for $1"\n')
        sharded = steps.sharded("sparse", 2)
        flags = ("--source", sharded, "--build-graph", tmp_path / "toolkit")
        code, said = steps.run("compress_weights", "--output", output, *flags)
        assert code == 0, said
        assert f"built in {graph} for {tmp_path}/toolkit/latest/" in said
        (graph / "build.sh").unlink()
        assert steps.run("compress_weights", "--output", output, *flags)[0] == 30
        assert steps.cause("compress_weights") == (
            f"{graph}/build.sh is missing; use an image whose CANN has ModelSlim"
        )


def test_sharding_killed_and_started_again_makes_what_one_run_makes(steps, output):
    check_killed(steps, output, "shard", signal.SIGKILL)
