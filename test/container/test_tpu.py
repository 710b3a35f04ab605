"""ChatGLM3 for Sophgo TPUs: export and compilation, with stand-ins for LLM-TPU's scripts and TPU-MLIR."""

from __future__ import annotations

import json
import os
import signal
import stat
import time

import pytest

from support.patience import until
from support.script import Script

LAYERS = 28

EXPORT = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument('-m', '--model_path', type=str)
parser.add_argument('-s', '--seq_length', type=int, default=512)
parser.add_argument('-d', '--device', type=str, choices=['cpu', 'cuda'], default='cpu')
args = parser.parse_args()
config = json.load(open(os.path.join(args.model_path, 'config.json')))
assert config['seq_length'] == args.seq_length
os.makedirs('tmp/onnx')
names = [f'block{kind}_{layer}' for kind in ('', '_cache') for layer in range(config['num_layers'])]
names += ['embedding', 'lm_head', 'greedy_head', 'penalty_sample_head']
for name in names[:int(os.environ.get('STUB_FILES', 100))]:
    with open(f'tmp/onnx/{name}.onnx', 'w') as file:
        file.write(f'{name} {args.seq_length}')
    if os.environ.get('STUB_SLOW') and name == 'block_3':
        import time
        time.sleep(5)
"""

# LLM-TPU@909f9dab: the length is the configuration's, and lm_head chooses the token itself.
EXPORT_CHOOSING = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument('--model_path', type=str)
args = parser.parse_args()
config = json.load(open(os.path.join(args.model_path, 'config.json')))
os.makedirs('tmp/onnx')
names = [f'block{kind}_{layer}' for kind in ('', '_cache') for layer in range(config['num_layers'])]
for name in (names + ['embedding', 'lm_head'])[:int(os.environ.get('STUB_FILES', 100))]:
    with open(f'tmp/onnx/{name}.onnx', 'w') as file:
        file.write(f'{name} {config["seq_length"]}')
"""

COMPILE = """#!/bin/bash
set -ex
mode=f16; num_device=1; name=
while [[ $# -gt 0 ]]; do
  case $1 in
    --mode) mode=$2; shift 2 ;;
    --num_device) num_device=$2; shift 2 ;;
    --name) name=$2; shift 2 ;;
    *) echo "Invalid option: $1" >&2; exit 1 ;;
  esac
done
[ "$name" = chatglm3-6b ] || exit 1
mkdir -p "tmp/${mode}_${num_device}dev"
for i in $(seq 0 27); do model_transform.py --model_def "tmp/onnx/block_$i.onnx"; done
model_deploy.py --quantize "$mode"
model_tool --combine tmp/onnx/*.onnx -o "${STUB_NAME:-${name}_${mode}_${num_device}dev.bmodel}"
"""

TRANSFORM = '#!/bin/sh\n[ -f "$2" ] || { echo "no $2" >&2; exit 3; }\n'
DEPLOY = "#!/bin/sh\n[ -z \"$STUB_FAILS\" ] || { echo 'ASSERT: out of memory'; exit 4; }\n"
TOOL = '#!/bin/sh\nfor last; do :; done\necho compiled >"$last"\n'


def write(path, text, executable=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if executable:
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def weights(tmp_path):
    write(tmp_path / "weights" / "config.json", json.dumps({"num_layers": LAYERS, "seq_length": 512}))
    write(tmp_path / "weights" / "tokenizer.model", "pieces")
    return tmp_path / "weights"


@pytest.fixture
def export(python, container, tmp_path, weights):
    script = Script(python, container, "export_onnx", tmp_path)
    tool = write(tmp_path / "tree" / "export_onnx.py", EXPORT)
    output = tmp_path / "onnx"
    arguments = ["--script", tool, "--weights", weights, "--seq-length", 512, "--output", output]
    return script, arguments, output


def test_exports_two_files_a_layer_and_four_heads(export):
    script, arguments, output = export
    code, log = script.run(*arguments)
    assert code == 0, log
    assert len(list(output.iterdir())) == 2 * LAYERS + 4
    assert (output / "block_cache_27.onnx").read_text() == "block_cache_27 512"
    assert "60 ONNX files of 28 layers with 512 tokens" in log


def test_an_exporter_that_knows_no_length_and_no_heads_is_asked_for_neither(export, tmp_path):
    script, arguments, output = export
    write(tmp_path / "tree" / "export_onnx.py", EXPORT_CHOOSING)
    code, log = script.run(*arguments)
    assert code == 0, log
    assert len(list(output.iterdir())) == 2 * LAYERS + 2
    assert (output / "lm_head.onnx").read_text() == "lm_head 512"
    assert "58 ONNX files of 28 layers with 512 tokens" in log


def test_its_last_file_is_missed_too(export, tmp_path):
    script, arguments, _ = export
    write(tmp_path / "tree" / "export_onnx.py", EXPORT_CHOOSING)
    assert script.run(*arguments, STUB_FILES="57")[0] == 28
    assert script.cause == "the export left 57 of 58 ONNX files; the first that is missing is lm_head.onnx"


def test_an_exporter_that_is_not_there_is_named(export, tmp_path):
    script, arguments, output = export
    (tmp_path / "tree" / "export_onnx.py").unlink()
    assert script.run(*arguments)[0] == 22
    assert script.cause == (
        f"{tmp_path}/tree/export_onnx.py cannot be read: No such file or directory; is it of LLM-TPU's source tree?"
    )
    assert not output.exists()


def test_another_length_than_the_patched_config_is_refused_at_once(export, weights):
    script, arguments, output = export
    code, _ = script.run(*arguments, "--seq-length", 1024)
    assert code == 31
    assert script.cause == f"--seq-length is 1024, but {weights}/config.json says 512; patch its 'seq_length'"
    assert not output.exists()


def test_an_export_that_leaves_files_out_is_no_artifact(export):
    script, arguments, _ = export
    assert script.run(*arguments, STUB_FILES="59")[0] == 28
    assert script.cause == "the export left 59 of 60 ONNX files; the first that is missing is penalty_sample_head.onnx"


def test_killed_and_started_again_it_exports_the_same(export):
    script, arguments, output = export
    process = script.start(*arguments, STUB_SLOW="1")
    until(lambda: (output / ".work" / "tmp" / "onnx" / "block_3.onnx").exists())
    process.kill()
    process.wait()
    assert script.run(*arguments)[0] == 0
    assert sorted(path.suffix for path in output.iterdir()) == [".onnx"] * 60


def test_sigterm_reaches_the_vendors_script(export):
    script, arguments, output = export
    process = script.start(*arguments, STUB_SLOW="1")
    until(lambda: (output / ".work" / "tmp" / "onnx" / "block_3.onnx").exists())
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 42
    assert time.monotonic() - began < 5
    assert script.cause == "told to stop while export_onnx.py was running"


@pytest.fixture
def tools(tmp_path, monkeypatch):
    for name, text in (("model_transform.py", TRANSFORM), ("model_deploy.py", DEPLOY), ("model_tool", TOOL)):
        write(tmp_path / "bin" / name, text, executable=True)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path / "bin"


@pytest.fixture
def compilation(python, container, tmp_path, weights, tools):
    for layer in range(LAYERS):
        write(tmp_path / "onnx" / f"block_{layer}.onnx", "graph")
    tool = write(tmp_path / "tree" / "compile.sh", COMPILE)
    output = tmp_path / "bmodel"
    arguments = ["--script", tool, "--onnx", tmp_path / "onnx", "--tokenizer", weights, "--name", "chatglm3-6b"]
    return Script(python, container, "compile_bmodel", tmp_path), [*arguments, "--output", output], output


@pytest.mark.parametrize("mode", ["f16", "int8", "int4"])
@pytest.mark.parametrize("devices", [1, 2, 4, 8])
def test_the_bmodel_has_the_name_that_the_script_writes(compilation, mode, devices):
    script, arguments, output = compilation
    assert script.run(*arguments, "--mode", mode, "--devices", devices)[0] == 0
    assert sorted(path.name for path in output.iterdir()) == [
        f"chatglm3-6b_{mode}_{devices}dev.bmodel",
        "tokenizer.model",
    ]


def test_the_last_lines_of_a_failed_compilation_are_the_cause(compilation):
    script, arguments, _ = compilation
    assert script.run(*arguments, "--mode", "f16", "--devices", 1, STUB_FAILS="1")[0] == 28
    assert script.cause.startswith("compile.sh ended with exit code 4; its last lines:\n")
    assert script.cause.endswith("ASSERT: out of memory")


def test_a_bmodel_of_another_name_is_refused(compilation):
    script, arguments, _ = compilation
    assert script.run(*arguments, "--mode", "int8", "--devices", 2, STUB_NAME="other.bmodel")[0] == 28
    assert script.cause == "compile.sh succeeded but left no chatglm3-6b_int8_2dev.bmodel; bmodels there: other.bmodel"


def test_an_image_without_tpu_mlir_is_named(compilation, tools):
    script, arguments, _ = compilation
    (tools / "model_tool").unlink()
    assert script.run(*arguments, "--mode", "f16", "--devices", 1)[0] == 30
    assert script.cause == (
        "model_tool of TPU-MLIR are not on PATH; use an image with a TPU-MLIR release"
        " (container/images/tpu-mlir/Dockerfile)"
    )


def test_weights_without_a_tokenizer_are_refused(compilation, weights):
    script, arguments, _ = compilation
    (weights / "tokenizer.model").unlink()
    assert script.run(*arguments, "--mode", "f16", "--devices", 1)[0] == 22
    assert script.cause == f"there is no tokenizer.model in {weights}; give the folder of the weights"


def test_three_devices_are_refused(compilation):
    script, arguments, _ = compilation
    assert script.run(*arguments, "--mode", "f16", "--devices", 3)[0] == 20
