"""What LLM-TPU's scripts of ChatGLM3 know and make: it changed, and no version is written anywhere in them.

Until 2024-03 (sophgo/LLM-TPU@909f9dab) lm_head ends in the choice of a token, which demo.cpp reads from it.
Since 2024-04 (eaef903, and so edb7f13e) lm_head gives the scores to networks of their own, greedy_head and
penalty_sample_head. chat.cpp of python_demo knows these; demo.cpp, which is the same file in both, takes them
for a layer that is not there, and aborts.
"""

from __future__ import annotations

import os
from pathlib import Path

from pod.exit_codes import NOT_FOUND, Fault

CHOOSING_HEAD = "greedy_head"
CHOOSING_HEADS = (CHOOSING_HEAD, "penalty_sample_head")
"""The networks that choose a token, where lm_head does not."""


def script_text(script: Path) -> str:
    """Return the text of a script of LLM-TPU; a `Fault` (NOT_FOUND) where it cannot be read."""
    try:
        return script.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise Fault(
            NOT_FOUND, f"{script} cannot be read: {reason}; is it of LLM-TPU's source tree?"
        ) from error


def chooses_apart(text: str) -> bool:
    """Return whether the exporter or compile.sh with this text makes networks that choose a token."""
    return CHOOSING_HEAD in text
