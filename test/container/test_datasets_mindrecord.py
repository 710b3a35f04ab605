"""make_mindrecord.py as a process, with a stand-in for the trainer's script that checks its flags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.script import Script

STUBS = Path(__file__).parent / "support/checkpoints_packages"

SCRIPT = '''
import argparse, json, os, sys
import mindformers
parser = argparse.ArgumentParser()
for flag in ("input_file", "vocab_file", "output_file", "mode"):
    parser.add_argument(f"--{flag}", required=True)
for flag in ("max_source_length", "max_target_length"):
    parser.add_argument(f"--{flag}", type=int, required=True)
options = parser.parse_args()
os.makedirs("output/log", exist_ok=True)  # as MindFormers' logger does wherever it runs
if os.path.exists(options.output_file):
    sys.exit("it is there already")
records = [json.loads(line) for line in open(options.input_file)]
if "broken" in records[0]:
    sys.exit(3)
if "half" in records[0]:
    open(options.output_file, "w").write("[")
    sys.exit(0)
lengths = [options.max_source_length, options.max_target_length]
record = [mindformers.TREE, options.mode, *lengths, open(options.vocab_file).read()]
open(options.output_file, "w").write(json.dumps([record] * len(records) if "none" not in records[0] else []))
open(options.output_file + ".db", "w").write("index")
'''


class Make:
    """A source tree with the script, a data set, and what is made of them."""

    def __init__(self, script: Script, folder: Path) -> None:
        self._script = script
        self.tree = folder / "tree"
        package = self.tree / "mindformers"
        self.script = package / "tools/dataset_preprocess/glm/adgen_dataset.py"
        self.script.parent.mkdir(parents=True)
        (package / "__init__.py").write_text("TREE = 'pinned'")
        self.script.write_text(SCRIPT)
        self.source = folder / "source"
        self.source.mkdir()
        self.train({"content": "a"})
        (self.source / "dev.json").write_text("{}\n{}\n")
        (self.source / "ice_text.model").write_text("vocabulary")
        self.output = folder / "output"

    def train(self, record: dict) -> None:
        (self.source / "train.json").write_text(json.dumps(record))

    def __call__(self, *arguments: object) -> tuple[int, str]:
        return self._script.run(
            "--script", self.script, "--source", self.source, "--vocab", self.source / "ice_text.model",
            "--output", self.output, "--train", "train.json", "--eval", "dev.json", *arguments, PYTHONPATH=str(STUBS),
        )  # fmt: skip

    @property
    def cause(self) -> str:
        return self._script.cause


@pytest.fixture
def make(python: str, container: Path, tmp_path: Path) -> Make:
    return Make(Script(python, container, "make_mindrecord", tmp_path), tmp_path)


def test_makes_both_files_with_the_pinned_tree(make: Make) -> None:
    code, output = make("--train-lengths", "64,60")

    assert code == 0, output
    names = ["eval.mindrecord", "eval.mindrecord.db", "train.mindrecord", "train.mindrecord.db"]
    assert sorted(path.name for path in make.output.iterdir()) == names
    train, dev = (json.loads((make.output / f"{name}.mindrecord").read_text()) for name in ("train", "eval"))
    assert train == [["pinned", "train", 64, 60, "vocabulary"]]
    assert dev == [["pinned", "eval", 256, 256, "vocabulary"]] * 2
    assert f"{make.output}/eval.mindrecord: 2 records, " in output


def test_starts_again_over_what_a_killed_attempt_left(make: Make) -> None:
    (make.output / ".work/output").mkdir(parents=True)
    (make.output / "train.mindrecord").write_text("half")
    (make.output / "train.mindrecord.db-journal").write_text("half")

    code, output = make()

    assert code == 0, output
    assert not (make.output / "train.mindrecord.db-journal").exists()
    assert not (make.output / ".work").exists()
    assert len(json.loads((make.output / "train.mindrecord").read_text())) == 1


@pytest.mark.parametrize(
    ("record", "mistake"),
    [
        ({"broken": 1}, "adgen_dataset.py ended with exit code 3 for {source}/train.json; see above"),
        (
            {"half": 1},
            "{output}/train.mindrecord cannot be opened by MindSpore "
            "(Invalid file, the size of mindrecord file is too small: {output}/train.mindrecord)",
        ),
        ({"none": 1}, "{output}/train.mindrecord holds no record"),
    ],
)
def test_what_the_script_did_not_do(make: Make, record: dict, mistake: str) -> None:
    make.train(record)
    assert make()[0] == 28
    assert make.cause == mistake.format(source=make.source, output=make.output)


def test_missing_inputs_are_named_before_anything_runs(make: Make) -> None:
    (make.source / "train.json").unlink()
    (make.source / "ice_text.model").unlink()
    assert make()[0] == 28
    assert make.cause == f"these inputs are not there: {make.source}/ice_text.model, {make.source}/train.json"
    assert not make.output.exists()


def test_wrong_lengths(make: Make) -> None:
    assert make("--eval-lengths", "256")[0] == 20
    assert make.cause.startswith(
        "argument --eval-lengths: '256' is not two whole numbers above 2, as in 64,64; usage: make_mindrecord "
    )
