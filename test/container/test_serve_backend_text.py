"""From tokens to text and back, whatever the tokenizer: pure parts of the backends."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pod.exit_codes import BAD_ARTIFACT, Fault
from serve.backends import load_progress
from serve.backends.growing_text import GrowingText
from serve.backends.model_thread import ModelThread
from serve.backends.pieces import pieces
from serve.backends.vocabulary import Vocabulary
from serve.prompt import Prompt, Special


def decode(ids):
    return bytes(ids).decode("utf-8", "replace")


def decode_without_first_space(ids):
    """As sentencepiece does."""
    text = decode(ids)
    return text[1:] if text.startswith(" ") else text


class TestGrowingText:
    @given(st.text(max_size=40))
    def test_pieces_make_the_text_and_never_hold_half_a_character(self, text):
        growing = GrowingText(decode)
        given_out = [growing.add(byte) for byte in text.encode("utf-8", "replace")]
        assert "".join(given_out) == text.encode("utf-8", "replace").decode()
        assert "\ufffd" in text or not any("\ufffd" in piece for piece in given_out)

    @given(st.binary(max_size=60))
    @settings(max_examples=300)
    def test_bytes_that_are_no_text_come_as_the_whole_has_them(self, data):
        growing = GrowingText(decode)
        said = "".join(growing.add(byte) for byte in data)
        whole = decode(data)
        assert whole.startswith(said)
        assert set(whole[len(said) :]) <= {"\ufffd"}
        assert len(whole) - len(said) <= 3

    @given(st.text(st.sampled_from(" ab好"), max_size=30))
    def test_spaces_within_the_text_stay(self, text):
        growing = GrowingText(decode_without_first_space)
        said = "".join(growing.add(byte) for byte in text.encode())
        assert said == decode_without_first_space(text.encode())

    def test_a_long_answer_is_not_decoded_anew_for_each_token(self):
        longest = 0

        def watched(ids):
            nonlocal longest
            longest = max(longest, len(ids))
            return decode(ids)

        growing = GrowingText(watched)
        text = "好" * 500
        assert "".join(growing.add(byte) for byte in text.encode()) == text
        assert longest <= 6


class Bytes:
    """A tokenizer of transformers: finds the names of special tokens in any text that it encodes."""

    all_special_tokens = ("<eop>", "<|user|>")
    all_special_ids = (256, 257)
    eos_token_id = 256

    def __len__(self):
        return 258

    def convert_tokens_to_ids(self, name):
        return 256 + self.all_special_tokens.index(name) if name in self.all_special_tokens else None

    def encode(self, text, add_special_tokens):
        assert not add_special_tokens
        for name in self.all_special_tokens:
            if name in text:
                before, _, after = text.partition(name)
                middle = self.convert_tokens_to_ids(name)
                return [*self.encode(before, False), middle, *self.encode(after, False)]
        return list(text.encode())

    def decode(self, ids):
        return decode(ids)


class Sentencepiece(Bytes):
    """As ChatGLM2's and 3's: an inner tokenizer that takes text as text."""

    def __init__(self):
        self.tokenizer = self

    def convert_token_to_id(self, name):
        return 256 + self.all_special_tokens.index(name) if name in self.all_special_tokens else 0

    def encode(self, text):
        return list(text.encode())


class Tiktoken(Bytes):
    """As GLM-4's: unknown names are an error."""

    def __init__(self):
        self.tokenizer = self

    def convert_tokens_to_ids(self, name):
        return {"<eop>": 256, "<|user|>": 257}[name]

    def encode_ordinary(self, text):
        return list(text.encode())


@pytest.mark.parametrize("tokenizer", [Bytes, Sentencepiece, Tiktoken])
class TestVocabulary:
    @given(text=st.lists(st.sampled_from(["<eop>", "<|user|>", "<", "|", ">", "好", "user"])).map("".join))
    def test_text_is_never_a_special_token(self, tokenizer, text):
        ids = Vocabulary(tokenizer()).ids(Prompt((Special("<|user|>"), text), text))
        assert ids == [257, *text.encode()]

    def test_special_tokens_are_not_text(self, tokenizer):
        assert Vocabulary(tokenizer()).text([257, *b"hello", 256]) == "hello"

    def test_ids_that_pad_the_embedding_are_not_text(self, tokenizer):
        assert Vocabulary(tokenizer()).text([104, 300, 105, 65023]) == "hi"

    def test_ids_that_the_tokenizer_counts_but_does_not_read_are_not_text(self, tokenizer):
        class Miscounting(tokenizer):
            def __len__(self):
                return super().__len__() + 2

            def decode(self, ids):
                if max(ids) >= super().__len__():
                    raise IndexError(f"the token id {max(ids)} is out of the size of vocabulary")
                return super().decode(ids)

        vocabulary = Vocabulary(Miscounting())
        assert [vocabulary.text([104, 259, 105, 65023]), vocabulary.text([258]), vocabulary.text([105])] == ["hi", "", "i"]

    def test_a_tokenizer_that_fails_for_another_reason_says_so(self, tokenizer):
        class Failing(tokenizer):
            def decode(self, ids):
                if len(ids) > 1:
                    raise KeyError("bad")
                return super().decode(ids)

        with pytest.raises(KeyError, match="bad"):
            Vocabulary(Failing()).text([104, 105])

    def test_an_answer_ends_with_the_named_tokens_or_the_tokenizers_own(self, tokenizer):
        assert Vocabulary(tokenizer()).ends(["<|user|>"]) == {256, 257}

    def test_a_token_that_the_tokenizer_lacks_is_a_fault(self, tokenizer):
        with pytest.raises(Fault) as raised:
            Vocabulary(tokenizer()).ids(Prompt((Special("[gMASK]"),), ""))
        assert (raised.value.code, str(raised.value)) == (
            BAD_ARTIFACT,
            "the model's tokenizer has no token '[gMASK]': check that --model-family is the model's own",
        )


def tokens_of(*values):
    yield from values


class TestPieces:
    def test_the_end_token_ends_with_stop_and_is_counted(self):
        found = list(pieces(tokens_of(104, 105, 256, 106), Vocabulary(Bytes()), {256}, 10, lambda: False))
        assert [(each.text, each.tokens, each.finish_reason) for each in found] == [
            ("h", 1, None),
            ("i", 1, None),
            ("", 1, "stop"),
        ]

    def test_the_last_token_that_was_wanted_ends_with_length(self):
        found = list(pieces(tokens_of(104, 105, 106), Vocabulary(Bytes()), {256}, 2, lambda: False))
        assert [(each.text, each.finish_reason) for each in found] == [("h", None), ("i", "length")]

    def test_a_model_that_runs_out_of_room_ends_with_length(self):
        *_, last = pieces(tokens_of(104), Vocabulary(Bytes()), {256}, 9, lambda: False)
        assert last == ("", 0, "length")

    def test_nothing_comes_once_it_is_cancelled(self):
        cancelled = threading.Event()
        found = pieces(tokens_of(104, 105, 106), Vocabulary(Bytes()), {256}, 9, cancelled.is_set)
        next(found)
        cancelled.set()
        assert list(found) == []


class TestModelThread:
    def test_everything_runs_on_one_thread(self):
        model = ModelThread()
        first = model.call(threading.get_ident)
        seen = []
        assert list(model.tokens(lambda put: seen.append(threading.get_ident()) or put(1))) == [1]
        assert seen == [first] != [threading.get_ident()]

    def test_closing_ends_the_generation_before_the_next_begins(self):
        model = ModelThread()
        ended = []

        def produce(put):
            while put(5):
                time.sleep(0.001)
            ended.append(True)

        tokens = model.tokens(produce)
        assert next(tokens) == 5
        tokens.close()
        assert ended == [True]

    @pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3)])
    def test_what_a_vendor_raises_reaches_the_caller(self, error):
        def fail(put=None):
            if put:
                put(1)
            raise error

        model = ModelThread()
        with pytest.raises(type(error)) as raised:
            model.call(fail)
        assert raised.value is error
        tokens = model.tokens(fail)
        assert next(tokens) == 1
        with pytest.raises(type(error)):
            next(tokens)
        assert model.call(lambda: "still there") == "still there"


class TestLoadProgress:
    def test_the_share_of_the_weights_in_memory_is_told(self, tmp_path, monkeypatch):
        monkeypatch.setattr(load_progress, "_EVERY_SECONDS", 0.02)
        size = 512 * 2**20  # what else this process allocates does not matter beside it
        with (tmp_path / "pytorch_model.bin").open("wb") as file:
            file.truncate(size)
        said = []
        half = threading.Event()

        def progress(fraction, doing):
            said.append((fraction, doing))
            if fraction > 0.4:
                half.set()

        with load_progress.watching(tmp_path, progress):
            weights = bytearray(b"x") * (size // 2)
            assert half.wait(10), said
        assert said[0] == (0.05, "reading the weights")
        assert 0.4 < said[-1][0] < 0.8, len(weights)
        count = len(said)
        time.sleep(0.1)
        assert len(said) == count, "it went on after the load"
