"""Prompts as token ids, and token ids as text, with the tokenizers of any generation of GLM."""

from __future__ import annotations

import sys
import threading
from typing import Iterable, List, Optional, Sequence, Set

from pod.exit_codes import BAD_ARTIFACT, Fault
from serve.backends.vendor_package import Vendor
from serve.prompt import Prompt, Special

_UNKNOWN_NAME = "<|no such token|>"
_TURN = "<|assistant|>"  # begins a further turn within an answer, which the reader of answers must see


class Vocabulary:
    """A tokenizer of transformers or MindFormers behind the few calls that serving needs.

    ChatGLM2 and 3 keep an inner tokenizer (`SPTokenizer`: `convert_token_to_id`, `encode`) and GLM-4 one of
    tiktoken (`encode_ordinary`), both of which take text as text; ChatGLM-6B and the tokenizers of
    transformers itself are asked through their own `encode`. Sources: the files named in serve/prompts.py;
    mindformers@3354237 mindformers/models/glm3/glm3_tokenizer.py.

    One caller at a time gets in: tokenizers are not made for threads.
    """

    def __init__(self, tokenizer: Vendor) -> None:
        self._tokenizer = tokenizer
        self._inner: Vendor = getattr(tokenizer, "tokenizer", None)
        self._lock = threading.RLock()
        self._names = self._special_names()
        self._hidden = self._hidden_ids()
        # Embeddings are padded to a round number, and a model may choose an id that no token has.
        self._size = len(tokenizer) if hasattr(tokenizer, "__len__") else sys.maxsize

    def ids(self, prompt: Prompt) -> List[int]:
        """Return the ids of a prompt. Text is never read as a special token, whatever it says."""
        with self._lock:
            ids: List[int] = []
            for part in prompt.parts:
                ids += [self.special(part)] if isinstance(part, Special) else self._text_ids(part)
            return ids

    def special(self, name: str) -> int:
        """Return the id of a special token; BAD_ARTIFACT if the tokenizer does not know it."""
        found = self._find(name)
        if found is None:
            raise Fault(
                BAD_ARTIFACT,
                f"the model's tokenizer has no token '{name}': check that --model-family is the model's own",
            )
        return found

    def ends(self, names: Iterable[str]) -> Set[int]:
        """Return the ids of the tokens that end an answer: the named ones and the tokenizer's own."""
        own = getattr(self._tokenizer, "eos_token_id", None)
        return {self.special(name) for name in names} | ({own} if isinstance(own, int) else set())

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of ids, without special tokens."""
        shown = [each for each in ids if each < self._size and each not in self._hidden]
        with self._lock:
            try:
                return str(self._tokenizer.decode(shown)) if shown else ""
            except (IndexError, KeyError):
                # MindFormers counts its added tokens twice, so its length is more than the ids it reads.
                unreadable = {each for each in shown if not self._reads(each)}
                if not unreadable:
                    raise
                self._hidden |= unreadable
                return self.text(shown)

    def _reads(self, token: int) -> bool:
        try:
            self._tokenizer.decode([token])
        except (IndexError, KeyError):
            return False
        return True

    def _text_ids(self, text: str) -> List[int]:
        if not text:
            return []
        if hasattr(self._inner, "encode_ordinary"):
            return list(self._inner.encode_ordinary(text))
        if hasattr(self._inner, "convert_token_to_id"):
            return list(self._inner.encode(text))
        ids: List[int] = []
        for piece in self._without_names(text):
            ids += self._tokenizer.encode(piece, add_special_tokens=False)
        return ids

    def _without_names(self, text: str) -> List[str]:
        """Cut within the name of each special token, so that it is not one any more."""
        for name in self._names:
            first, *rest = text.split(name)
            if rest:
                pieces = [
                    first + name[:1],
                    *(name[1:] + each + name[:1] for each in rest[:-1]),
                    name[1:] + rest[-1],
                ]
                return [cut for piece in pieces for cut in self._without_names(piece)]
        return [text]

    def _special_names(self) -> List[str]:
        names = set(getattr(self._tokenizer, "all_special_tokens", ()))
        if hasattr(self._tokenizer, "get_added_vocab"):
            names |= set(self._tokenizer.get_added_vocab())
        return sorted((name for name in names if len(name) > 1), key=len, reverse=True)

    def _hidden_ids(self) -> Set[int]:
        hidden = {each for each in getattr(self._tokenizer, "all_special_ids", ()) if isinstance(each, int)}
        added = getattr(
            self._tokenizer, "added_tokens_decoder", {}
        )  # all_special_ids of transformers 5 has few
        hidden |= {each for each, token in added.items() if getattr(token, "special", False)}
        return hidden - {self._find(_TURN)}

    def _find(self, name: str) -> Optional[int]:
        found = self._look_up(name)
        return None if found == self._look_up(_UNKNOWN_NAME) else found

    def _look_up(self, name: str) -> Optional[int]:
        """Return what the tokenizer says; for unknown names that is nothing, an error, or any one id."""
        inner = hasattr(self._inner, "convert_token_to_id")
        look_up = self._inner.convert_token_to_id if inner else self._tokenizer.convert_tokens_to_ids
        try:
            found = look_up(name)
        except (KeyError, ValueError, IndexError):
            return None
        return found if isinstance(found, int) else None
