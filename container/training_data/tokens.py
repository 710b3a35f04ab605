"""How many tokens a text is, by a model's own tokenizer file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Callable, Dict

from checkpoints.vendor import package
from pod.exit_codes import BAD_ARTIFACT, Fault

Count = Callable[[str], int]

LONGEST_BLANK = 80
"""Blanks that ChatGLM-6B's tokenizer has a token for (mindformers@c8a5808 chatglm_6b_tokenizer.py)."""

GLM4_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How GLM-4 cuts a text before it merges bytes (mindformers@024279c models/glm2/glm4_tokenizer.py)."""


def counter(family: str, file: Path) -> Count:
    """Return the function that counts the tokens of a text for `family` with its tokenizer `file`."""
    if not file.is_file():
        raise Fault(BAD_ARTIFACT, f"the tokenizer {file} is not there")
    if family == "glm4":
        return _merged_bytes(file)
    return _pieces(file, _blanks_as_tokens if family == "chatglm" else str)


def _pieces(file: Path, prepare: Callable[[str], str]) -> Count:
    processor = package("sentencepiece").SentencePieceProcessor()
    try:
        processor.Load(str(file))
    except (OSError, RuntimeError) as error:
        raise Fault(BAD_ARTIFACT, f"{file} is no sentencepiece model ({error})") from error
    return lambda text: len(processor.EncodeAsIds(prepare(text)))


def _blanks_as_tokens(text: str) -> str:
    text = text.replace("\n", "<n>").replace("\t", "<|tab|>")
    for length in range(LONGEST_BLANK, 1, -1):
        text = text.replace(" " * length, f"<|blank_{length}|>")
    return text


def _merged_bytes(file: Path) -> Count:
    ranks: Dict[bytes, int] = {}
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
    except ValueError as error:
        raise Fault(
            BAD_ARTIFACT, f"{file} is no list of byte tokens, as GLM-4's tokenizer.model is"
        ) from error
    encoding = package("tiktoken").Encoding(
        name="glm4", pat_str=GLM4_PATTERN, mergeable_ranks=ranks, special_tokens={}
    )
    return lambda text: len(encoding.encode_ordinary(text))
