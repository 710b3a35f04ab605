"""The data scripts beside the real readers and tokenizers of MindFormers 1.1.0."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mindformers.dataset.dataloader.adgen_dataloader import ADGenDataset
from mindformers.dataset.dataloader.toolaplaca_dataloader import ToolAlpacaDataset
from mindformers.dataset.multi_turn_dataset import MultiTurnDataset
from mindformers.models.glm3.glm3_tokenizer import ChatGLM3Tokenizer
from mindspore.mindrecord import FileReader
from tiny import chatglm3

from conftest import Programs
from training_data import conversation, lengths
from training_data.mindrecord import main as make_mindrecord
from training_data.prepare import main as prepare_dataset
from training_data.tokens import counter


@pytest.fixture(scope="session")
def raw(session_programs: Programs) -> Path:
    """ADGEN as small as it gets, and a tokenizer trained on it."""
    session_programs.run(chatglm3.TINY, "adgen")
    return session_programs.folder / "adgen"


def tool(**changes: object) -> dict:
    used = {"role": "tool", "name": "getFact", "parameters": {"number": 7, "style": "短"}, "observation": "七"}
    return {**used, **changes}


def said(role: str, content: object = "裙子是红色的") -> dict:
    return {"role": role, "content": content}


WHOLE = [said("user"), said("assistant"), tool(), said("assistant")]
CONVERSATIONS = [
    WHOLE,
    [*WHOLE[:3], said("assistant", "很舒服\n"), tool(parameters={}), said("assistant")],
    WHOLE[:1] + WHOLE[3:],
    [*WHOLE, said("user"), said("assistant")],
    [said("assistant"), *WHOLE[1:]],
    [*WHOLE[:3], said("assistant", "")],
    [*WHOLE[:2], tool(observation=""), WHOLE[3]],
    [*WHOLE[:2], tool(parameters=["a"]), WHOLE[3]],
    [*WHOLE[:2], tool(name=""), WHOLE[3]],
    [*WHOLE, said("user")],
]


def test_the_real_reader_takes_every_adgen_record(programs: Programs, raw: Path) -> None:
    programs.here(prepare_dataset, "--kind", "adgen", "--source", raw, "--train", "train.json", "--output", "data")
    read = ADGenDataset("data/train.json", ["content", "summary"], "train")
    assert len(read) == json.loads(Path("data/report.json").read_text())["metrics"]["train_examples"] == 10


def test_the_real_reader_takes_the_conversations_that_we_say_it_does(programs: Programs) -> None:
    records = [{"tools": ["工具"], "conversations": messages} for messages in CONVERSATIONS]
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    Path("given.jsonl").write_text(text, encoding="utf-8")
    programs.here(
        prepare_dataset, "--kind", "tool-alpaca", "--source", ".", "--train", "given.jsonl", "--output", "data"
    )

    taken = [record for record in records if conversation.is_taken(record)]
    assert ToolAlpacaDataset("data/train.jsonl").data == taken
    assert len(taken) == 2
    metrics = json.loads(Path("data/report.json").read_text())["metrics"]
    assert metrics["train_not_taken"] == len(records) - len(taken)


def test_lengths_are_those_of_the_real_tokenizer(raw: Path) -> None:
    tokenizer = ChatGLM3Tokenizer(str(raw / "tokenizer.model"))
    count = counter("chatglm3", raw / "tokenizer.model")
    for text in ("类型#裙*颜色#红色", "  two blanks\tand\nlines ", "", "[gMASK]"):
        assert count(text) == len(tokenizer.encode(text, add_special_tokens=False)), text
        assert count(text) + lengths.PREFIX == len(tokenizer.encode(text, add_special_tokens=True)), text
    for messages in CONVERSATIONS[:2]:
        record = {"tools": ["工具"], "conversations": messages}
        tokens, learned = MultiTurnDataset._format_conversation(record, tokenizer, "conversations", "tools")
        ours = lengths.of_pieces(conversation.pieces(record), count)
        assert (ours.total, ours.target) == (len(tokens), sum(learned))


SCRIPT = """
import argparse, json
from mindspore.mindrecord import FileWriter
parser = argparse.ArgumentParser()
for flag in ("input_file", "vocab_file", "output_file", "mode", "max_source_length", "max_target_length"):
    parser.add_argument(f"--{flag}", required=True)
options = parser.parse_args()
import numpy
writer = FileWriter(options.output_file, 1, overwrite=True)
writer.add_schema({"input_ids": {"type": "int32", "shape": [-1]}}, "lm-schema")
length = int(options.max_source_length) + int(options.max_target_length)
for line in open(options.input_file):
    writer.write_raw_data([{"input_ids": numpy.full(length, len(line), "int32")}])
writer.commit()
"""


def test_mindrecord_files_open_and_are_made_again_over_an_old_attempt(programs: Programs, raw: Path) -> None:
    script = Path("tree/mindformers/tools/adgen_dataset.py")
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT)
    words = ("--script", script, "--source", raw, "--vocab", raw / "tokenizer.model", "--output", "records")
    files = ("--train", "train.json", "--eval", "dev.json")

    Path("records").mkdir()
    for left in ("train.mindrecord", "train.mindrecord.db", "eval.mindrecord.db-journal"):
        Path("records", left).write_text("half")

    programs.here(make_mindrecord, *words, *files)

    assert {path.suffix for path in Path("records").iterdir()} == {".mindrecord", ".db"}
    for name, length in (("train", 128), ("eval", 512)):
        reader = FileReader(f"records/{name}.mindrecord")
        rows = list(reader.get_next())
        assert (len(rows), {np.asarray(row["input_ids"]).size for row in rows}) == (10, {length})
        reader.close()
