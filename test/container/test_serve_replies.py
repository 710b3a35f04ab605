"""What the model writes, read without trust."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.literals import LiteralError, parse_call
from serve.replies import Call, Content, Reply
from serve.stop_texts import StopTexts

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(-1e99, 1e99, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["city", "天气", "_x", "n1"]), VALUES))
def test_every_literal_that_python_writes_is_read(arguments):
    text = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    assert parse_call(f"tool_call({text})", "tool_call") == arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("tool_call()", {}),
        ("tool_call(a=1,)", {"a": 1}),
        (' tool_call(\n  a = "b" ,\n b=[1, 2.5, -3, ]) ', {"a": "b", "b": [1, 2.5, -3]}),
        ("tool_call(a=true, b=null, c=None)", {"a": True, "b": None, "c": None}),
        ("tool_call(a='it\\'s', b=\"\\u5317\\n\\x41\")", {"a": "it's", "b": "北\nA"}),
        ('tool_call(a="""x "y"\nz""", b=\'\')', {"a": 'x "y"\nz', "b": ""}),
        ("tool_call(a='x' \"y\")", {"a": "xy"}),
        ("tool_call(a=(1, 2), b={'k': {'l': []}})", {"a": [1, 2], "b": {"k": {"l": []}}}),
        ("tool_call(a=1e3, b=.5, c=+7)", {"a": 1000.0, "b": 0.5, "c": 7}),
    ],
)
def test_calls(text, arguments):
    assert parse_call(text, "tool_call") == arguments


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tool_call",
        "tool_call(",
        "tool_call(a)",
        "tool_call(a=)",
        "tool_call(a=1",
        "tool_call(a=1))",
        "tool_call(1)",
        "tool_call(*a)",
        "tool_call(**{})",
        "tool_call(a=b)",
        "tool_call(a=b())",
        "tool_call(a=1+1)",
        "tool_call(a=__import__('os'))",
        "tool_call(a=[x for x in y])",
        "tool_call(a=lambda: 0)",
        "tool_call(a=f'{b}')",
        "tool_call(a=b'x')",
        "tool_call(a={1, 2})",
        "tool_call(a={1: 2})",
        "tool_call(a='x)",
        "tool_call(a=1) or 2",
        "tool_call(a=1); tool_call(b=2)",
        "other(a=1)",
        "tool_call(a=1)(b=2)",
        "tool_call(a=1j)",
        "tool_call(a=0x10)",
        "tool_call(a=" + "[" * 10000,
        "tool_call(a=" + "[" * 50 + "]" * 50 + ")",
        "tool_call(a=" + "-" * 10000 + "1)",
        "tool_call(a=" + "9" * 10000 + ")",
        "tool_call(a=1 b=2)",
        "eval(a=1)",
        "\0",
    ],
)
def test_anything_else_is_no_call(text):
    with pytest.raises(LiteralError):
        parse_call(text, "tool_call")


@given(st.text("tool_cal()=,'\"[]{}:1.e-\\nx \n", max_size=60))
def test_nothing_but_a_literal_error_or_what_python_reads(text):
    try:
        arguments = parse_call(f"tool_call({text})", "tool_call")
    except LiteralError:
        return
    assert isinstance(arguments, dict)
    json.dumps(arguments)


def parts(text, tools=("get_weather", "get_time"), forced=None, pieces=None):
    reply = Reply(tools, forced)
    found = [part for piece in (pieces or [text]) for part in reply.feed(piece)]
    found += reply.finish()
    joined = []
    for part in found:
        if isinstance(part, Content) and joined and isinstance(joined[-1], Content):
            joined[-1] = Content(joined[-1].text + part.text)
        else:
            joined.append(part)
    return joined


FENCED = "```python\ntool_call(city='北京')\n```"
CALL = Call("get_weather", '{"city": "北京"}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("hello", [Content("hello")]),
        ("\n hello\nworld", [Content("hello\nworld")]),
        ("get", [Content("get")]),
        ("get_weather is a tool", [Content("get_weather is a tool")]),
        (f"get_weather\n {FENCED}", [CALL]),
        (f"\nget_weather\n{FENCED}", [CALL]),
        ('get_weather\n{"city": "北京"}', [CALL]),
        ("get_weather\ntool_call(city='北京')", [CALL]),
        ("get_weather\n```tool_call(city='北京')```", [CALL]),
        ("get_weather\n```\ntool_call(city='北京')\n```", [CALL]),
        ('get_weather\n```json\n{"city": "北京"}\n```\n', [CALL]),
        (
            "get_weather\n```python\ntool_call(city='北京')",
            [Content("get_weather\n```python\ntool_call(city='北京')")],
        ),
        ("get_weather\n```", [Content("get_weather\n```")]),
        (f"\nfirst<|assistant|>get_weather\n{FENCED}", [Content("first"), CALL]),
        (f"get_weather\n{FENCED}<|assistant|>get_time\n{{}}", [CALL, Call("get_time", "{}")]),
        ("get_weather\nnonsense", [Content("get_weather\nnonsense")]),
        ("get_weather\n[1]", [Content("get_weather\n[1]")]),
        ("get_weather\n" + "x" * 70000, [Content("get_weather\n" + "x" * 70000)]),
        ("interpreter\n```python\n1\n```", [Content("interpreter\n```python\n1\n```")]),
        ("half of <|assis", [Content("half of <|assis")]),
    ],
)
def test_replies(text, expected):
    assert parts(text) == expected
    assert parts(text, pieces=list(text)) == expected


def test_without_tools_there_are_only_contents():
    text = f"get_weather\n{FENCED}<|assistant|>x"
    assert parts(text, tools=()) == [Content(text)]


def test_a_forced_tool_has_its_name_already():
    assert parts(FENCED, forced="get_weather") == [CALL]
    assert parts("no call", forced="get_weather") == [Content("get_weather\nno call")]


ALPHABET = st.text("ab<|>\n ", max_size=30) | st.sampled_from(["<|assistant|>", "get_weather\n", FENCED])


@given(st.lists(ALPHABET, max_size=8))
def test_how_the_text_was_cut_makes_no_difference(pieces):
    text = "".join(pieces)
    assert parts(text, pieces=pieces) == parts(text, pieces=list(text)) == parts(text)


@given(
    st.text("ab", max_size=20), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.integers(1, 5)
)
def test_stop_texts_end_the_text_at_the_first_of_them(text, stops, size):
    matcher, shown, stopped = StopTexts(stops), "", False
    for at in range(0, len(text), size):
        more, stopped = matcher.feed(text[at : at + size])
        shown += more
        if stopped:
            break
    shown += matcher.rest()
    ends = [text.find(stop) for stop in stops if stop in text]
    if size == 1 and ends:
        assert stopped
        assert len(shown) <= min(ends) + max(map(len, stops))
        assert not any(stop in shown for stop in stops)
    if not ends:
        assert (shown, stopped) == (text, False)
    assert text.startswith(shown)


@pytest.mark.parametrize(
    "body",
    [
        "```" + " " * 60000 + "x",
        "```" + "\n" * 60000 + "```x",
        "tool_call(a='" + "\\" * 60000,
        "tool_call(" + " " * 60000 + "!",
        'tool_call(a="""' + '"' * 30000 + "''" * 15000,
        "tool_call(" + "a=1," * 15000,
        '{"a":' * 12000,
    ],
)
def test_hostile_calls_take_no_time(body):
    began = time.monotonic()
    assert parts(f"get_weather\n{body}", pieces=[f"get_weather\n{body}"]) == [Content(f"get_weather\n{body}")]
    assert time.monotonic() - began < 1
