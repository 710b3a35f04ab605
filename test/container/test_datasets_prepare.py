"""prepare_dataset.py as a process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.script import Script

STUBS = Path(__file__).parent / "support/checkpoints_packages"


class Prepare:
    """A source folder, and what is made of it."""

    def __init__(self, script: Script, folder: Path) -> None:
        self._script = script
        self.source = folder / "source"
        self.source.mkdir()
        self.output = folder / "output"

    def write(self, name: str, *lines: object) -> Path:
        """Write a file of lines: bytes as they are, the rest as JSON."""
        written = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]
        data = b"".join(line if isinstance(given, bytes) else line + b"\n" for line, given in zip(written, lines))
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def __call__(self, kind: str, *arguments: object) -> tuple[int, str]:
        flags = ("--kind", kind, "--source", self.source, "--output", self.output)
        return self._script.run(*flags, *arguments, PYTHONPATH=str(STUBS))

    def lines(self, name: str) -> list[object]:
        return [json.loads(line) for line in (self.output / name).read_text(encoding="utf-8").splitlines()]

    @property
    def report(self) -> dict:
        return json.loads((self.output / "report.json").read_text(encoding="utf-8"))

    @property
    def cause(self) -> str:
        return self._script.cause


@pytest.fixture
def prepare(python: str, container: Path, tmp_path: Path) -> Prepare:
    return Prepare(Script(python, container, "prepare_dataset", tmp_path), tmp_path)


def pair(content: str, summary: str) -> dict:
    return {"content": content, "summary": summary}


FILES = ("--train", "train.json", "--eval", "dev.json")


def test_adgen_keeps_its_records(prepare: Prepare) -> None:
    records = [pair("类型#裙", "长裙"), pair("类型#上衣", "衬衫")]
    prepare.write("AdvertiseGen/train.json", b"\xef\xbb\xbf", *records, b"\n \n")
    prepare.write("AdvertiseGen/dev.json", pair("a", "b"))

    code, output = prepare("adgen", "--train", "AdvertiseGen/train.json", "--eval", "AdvertiseGen/dev.json")

    assert code == 0, output
    assert prepare.lines("train.json") == records
    assert "类型#裙" in (prepare.output / "train.json").read_text(encoding="utf-8")
    assert prepare.lines("dev.json") == [pair("a", "b")]
    assert prepare.report == {
        "version": 1,
        "kind": "dataset",
        "model": "",
        "metrics": {"train_examples": 2, "dev_examples": 1},
        "settings": {
            "kind": "adgen",
            "train": "AdvertiseGen/train.json",
            "eval": "AdvertiseGen/dev.json",
            "columns": "content,summary",
        },
        "rows": [],
    }


def test_columns_of_ones_own(prepare: Prepare) -> None:
    prepare.write("train.json", {"question": "a", "answer": "b", "id": 1})

    code, output = prepare("json-lines", "--train", "train.json", "--columns", "question, answer")

    assert code == 0, output
    assert prepare.lines("train.json") == [{"question": "a", "answer": "b", "id": 1}]
    assert sorted(path.name for path in prepare.output.iterdir()) == ["report.json", "train.json"]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (b"{1: 2}\n", "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)): {1: 2}"),
        (b'{"content": "a"\n', """not JSON (Expecting ',' delimiter: line 2 column 1 (char 16)): {"content": "a\""""),
        (b'["a", "b"]\n', 'not a JSON object but a list: ["a", "b"]'),
        ({"content": "a", "text": "b"}, "no column 'summary'; it has content, text"),
        ({"content": "a", "summary": 7}, "column 'summary' is a int; expected a text"),
        ({"content": " ", "summary": "b"}, "column 'content' is empty"),
        (b"\n", "the line is empty; expected one JSON object a line"),
        (b'{"content": "\xc8\xb9\xd7"}\n', "not UTF-8 at byte 16: convert the file to UTF-8"),
    ],
)
def test_a_mistake_names_file_and_line(prepare: Prepare, line: object, mistake: str) -> None:
    path = prepare.write("train.json", pair("a", "b"), line, pair("c", "d"))

    code, _ = prepare("adgen", "--train", "train.json")

    assert code == 28
    assert prepare.cause == f"{path}:2: {mistake}"
    assert not prepare.output.exists()


def test_many_mistakes_are_named_together(prepare: Prepare) -> None:
    path = prepare.write("train.json", *[pair("a", "")] * 7)

    prepare("adgen", "--train", "train.json")

    named = "; ".join(f"{path}:{line}: column 'summary' is empty" for line in range(1, 6))
    assert prepare.cause == f"{named}; and 2 more"


def test_nothing_to_read(prepare: Prepare) -> None:
    prepare.write("other.json", pair("a", "b"))
    assert prepare("adgen", "--train", "train.json")[0] == 28
    assert prepare.cause == f"{prepare.source}/train.json is not there; the folder holds other.json"
    prepare.write("train.json")
    assert prepare("adgen", "--train", "train.json")[0] == 28
    assert prepare.cause == f"{prepare.source}/train.json is empty; expected one JSON object a line"


def test_lengths_in_tokens_and_what_to_choose(prepare: Prepare) -> None:
    """The stand-in counts characters: of 100 answers one is far longer than the rest."""
    records = [pair("x" * (10 + index % 10), "y" * 20) for index in range(99)]
    prepare.write("train.json", *records, pair("x" * 500, "y" * 900))
    tokenizer = prepare.write("tokenizer.model", b"spm")

    code, output = prepare("adgen", "--train", "train.json", "--tokenizer", tokenizer, "--family", "chatglm3")

    assert code == 0, output
    assert prepare.report["rows"] == [
        {"part": "source", "p50": 16, "p90": 20, "p95": 21, "p99": 21, "p100": 502},
        {"part": "target", "p50": 21, "p90": 21, "p95": 21, "p99": 21, "p100": 901},
        {"part": "total", "p50": 37, "p90": 41, "p95": 42, "p99": 42, "p100": 1403},
    ]
    assert prepare.report["model"] == "chatglm3"
    assert prepare.report["metrics"] == {
        "train_examples": 100,
        "seq_length": 48,
        "max_source_length": 21,
        "max_target_length": 26,
    }
    printed = [line.split("prepare_dataset: ", 1)[1] for line in output.splitlines()]
    assert printed[-5:] == [
        "tokens       p50     p90     p95     p99    p100",
        "source        16      20      21      21     502",
        "target        21      21      21      21     901",
        "total         37      41      42      42    1403",
        "to choose: seq_length 48, max_source_length 21, max_target_length 26",
    ]


def test_chatglm_counts_blanks_as_its_tokenizer_does(prepare: Prepare) -> None:
    prepare.write("train.json", pair("a\n" + " " * 90 + "b\tc", "y"))
    tokenizer = prepare.write("ice_text.model", b"spm")

    assert prepare("adgen", "--train", "train.json", "--tokenizer", tokenizer, "--family", "chatglm")[0] == 0
    # a <n> <|blank_80|> <|blank_10|> b <|tab|> c, and [gMASK] <sop>
    assert prepare.report["rows"][0]["p50"] == 9


def instance(**changes: object) -> dict:
    step = [["getFact", '{"number": 7}', "I look it up.\nAction: getFact\nAction Input: {}"], "7 is lucky"]
    given = {"input": "tell me", "intermediate_steps": [step], "Final Thought": "I know.", "output": "Lucky."}
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def test_tool_alpaca_becomes_conversations(prepare: Prepare) -> None:
    """The expected lines were made by ChatGLM3@7cd5bc78's own script from the same instances."""
    left_out = [instance(output=None), instance(intermediate_steps=[[["a", "{no json", "b"], "c"]])]
    apis = [{"NLDocumentation": "doc 数", "Instances": [instance(), *left_out, instance(intermediate_steps=[])]}]
    (prepare.source / "train_data.json").write_text(json.dumps(apis))

    code, output = prepare("tool-alpaca", "--train", "train_data.json")

    assert code == 0, output
    assert (prepare.output / "train.jsonl").read_text(encoding="utf-8") == (
        '{"tools": ["doc 数"], "conversations": [{"role": "user", "content": "tell me"}, '
        '{"role": "assistant", "content": "I look it up."}, '
        '{"role": "tool", "name": "getFact", "parameters": {"number": 7}, "observation": "7 is lucky"}, '
        '{"role": "assistant", "content": "I know.\\nLucky."}]}\n'
        '{"tools": ["doc 数"], "conversations": [{"role": "user", "content": "tell me"}, '
        '{"role": "assistant", "content": "I know.\\nLucky."}]}\n'
    )
    assert prepare.report["metrics"] == {"train_examples": 2, "train_left_out": 2, "train_not_taken": 1}
    assert "train_data.json: the trainer takes 1 of 2 conversations" in output


def test_ready_conversations_are_checked_and_measured(prepare: Prepare) -> None:
    tool = {"role": "tool", "name": "f", "parameters": {"a": "b"}, "observation": "ok"}
    said = [{"role": role, "content": "hi"} for role in ("user", "assistant", "assistant")]
    prepare.write("tools.jsonl", {"tools": ["t"], "conversations": [said[0], said[1], tool, said[2]]})
    tokenizer = prepare.write("tokenizer.model", b"spm")

    code, output = prepare("tool-alpaca", "--train", "tools.jsonl", "--tokenizer", tokenizer, "--family", "chatglm3")

    assert code == 0, output
    system = 2 + len("Answer the following questions as best as you can. You have access to the following tools:\n") + 5
    call = 2 + len("f") + len("```python\ntool_call(a='b')\n```")
    assert prepare.report["rows"] == [
        {"part": part, **{f"p{percent}": size for percent in (50, 90, 95, 99, 100)}}
        for part, size in (("source", 3 + system + 4 + 4), ("target", 4 + call + 4), ("total", 11 + system + 8 + call))
    ]
    assert prepare.report["metrics"]["seq_length"] == -(-(11 + system + 8 + call) // 16) * 16


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ({"tools": []}, "'conversations' is missing or no list; expected {'tools': [...], 'conversations': [...]}"),
        (
            {"tools": [], "conversations": [{"role": "human"}]},
            "conversations[0] has no role; allowed are user, assistant, tool and system",
        ),
    ],
)
def test_a_wrong_conversation(prepare: Prepare, line: object, mistake: str) -> None:
    path = prepare.write("a.jsonl", line)
    assert prepare("tool-alpaca", "--train", "a.jsonl")[0] == 28
    assert prepare.cause == f"{path}:1: {mistake}"


def test_not_tool_alpaca(prepare: Prepare) -> None:
    path = prepare.write("train_data.json", b'[\n{"a": 1,}\n]')
    assert prepare("tool-alpaca", "--train", "train_data.json")[0] == 28
    assert prepare.cause.startswith(f"{path}:2: not JSON (")
    prepare.write("train_data.json", b'[{"Name": "x"}]')
    assert prepare("tool-alpaca", "--train", "train_data.json")[0] == 28
    assert prepare.cause == f"{path}: API 0 has no NLDocumentation and Instances; is it train_data.json?"


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("--columns", "content"), "--columns is 'content'; expected two names, e.g. content,summary"),
        (("--family", "chatglm3"), "--tokenizer and --family belong together: give both, or neither"),
        (("--columns", "a,b"), "--columns belongs to --kind json-lines; those of adgen are content,summary"),
    ],
)
def test_wrong_words(prepare: Prepare, arguments: tuple, mistake: str) -> None:
    assert prepare("adgen", *FILES, *arguments)[0] == 20
    assert prepare.cause == mistake


def test_a_broken_tokenizer(prepare: Prepare) -> None:
    prepare.write("train.json", pair("a", "b"))
    tokenizer = prepare.write("tokenizer.model", b"version https://git-lfs.github.com/spec/v1\n")
    assert prepare("adgen", "--train", "train.json", "--tokenizer", tokenizer, "--family", "chatglm3")[0] == 28
    assert prepare.cause == f"{tokenizer} is no sentencepiece model (Internal: could not parse ModelProto)"
    assert prepare("adgen", "--train", "train.json", "--tokenizer", tokenizer, "--family", "glm4")[0] == 28
    assert prepare.cause == f"{tokenizer} is no list of byte tokens, as GLM-4's tokenizer.model is"
