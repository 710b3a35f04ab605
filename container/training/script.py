"""A Python script run in this process as `python SCRIPT ARGS` would run it."""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path
from typing import Sequence

from pod.exit_codes import NOT_FOUND, Fault

FAILED = 1


class Failed(Exception):  # noqa: N818 (the script's end, not an error of ours)
    """The script ended with another code than 0."""

    def __init__(self, code: int, cause: str) -> None:
        super().__init__(cause)
        self.code = code


def run_script(script: str, arguments: Sequence[str]) -> None:
    """Run `script`; raises `Failed` with its exit code, after its traceback has been printed."""
    if not Path(script).is_file():
        raise Fault(NOT_FOUND, f"script {script} is not there; is it in the source tree of this version?")
    sys.argv = [script, *arguments]
    # Not our own folder: its packages have names that the script's own may have, too.
    sys.path[0] = str(Path(script).resolve().parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            sys.stderr.write(f"{end.code}\n")
        code = end.code if isinstance(end.code, int) else FAILED
        if end.code is not None and code:
            raise Failed(code, f"{script} ended with {end.code}") from end
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()  # before 3.9 Python would keep it until after our own lines
        raise Failed(FAILED, f"{type(error).__name__}: {error}") from error
