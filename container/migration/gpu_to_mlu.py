"""A source tree rewritten from CUDA to MLU, by Cambricon's torch_gpu2mlu.py."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, DONE, IMAGE_MISMATCH, Fault
from pod.main import run
from pod.tool import run_tool
from pod.work_folder import work_folder

NAME = "migrate_sources"
TOOL = Path("/torch/src/catch/tools/torch_gpu2mlu.py")
"""Where the vendor's image has it (CambriconKnight/dev-env-ubuntu@98389ace pytorch1.9/chatglm/README.md)."""
MARKER = ".cdk8s-chatglm.json"
CALLS = re.compile(r"\.cuda\(|['\"]cuda(?::\d+)?['\"]")

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else list(arguments)))


def _main(arguments: List[str]) -> int:
    parser = Parser(prog=NAME, description="Rewrite a source tree from CUDA to MLU.")
    parser.add_argument("--tool", type=Path, default=TOOL, metavar="FILE", help=f"default {TOOL}")
    parser.add_argument("--source", required=True, type=Path, metavar="DIR")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    if not options.tool.is_file():
        raise Fault(
            IMAGE_MISMATCH, f"there is no {options.tool}; use Cambricon's PyTorch image, which has the tool"
        )
    with work_folder(options.output) as folder:
        migrated = _migrated(options.tool, options.source, folder)
        _check(options.source, migrated)
        _replace_all(migrated, options.output)
    return DONE


def _migrated(tool: Path, source: Path, folder: Path) -> Path:
    """Run the tool on a copy, because it writes `<copy>_mlu` beside its input; return that folder."""
    copy = folder / "sources"
    shutil.copytree(str(source), str(copy), symlinks=True, ignore=shutil.ignore_patterns(MARKER))
    run_tool([sys.executable, str(tool), "-i", str(copy)], folder)
    migrated = folder / "sources_mlu"
    if not (migrated / "report.md").is_file():
        raise Fault(BAD_ARTIFACT, f"{tool.name} succeeded but left no {migrated.name}/report.md")
    return migrated


def _check(source: Path, migrated: Path) -> None:
    """Every Python file is still there, and none asks for CUDA any more where it did before."""
    before, after = set(_python_files(source)), set(_python_files(migrated))
    lost = sorted(str(path) for path in before - after)
    if lost:
        raise Fault(BAD_ARTIFACT, f"the migrated tree lacks {len(lost)} Python files; the first is {lost[0]}")
    calls = sum(_count(source / path) for path in before)
    left = sum(_count(migrated / path) for path in after)
    if calls and left >= calls:
        raise Fault(BAD_ARTIFACT, f"the tool changed nothing: all {calls} uses of CUDA are still there")
    log.info("%d Python files; %d of %d uses of CUDA are left", len(after), left, calls)


def _python_files(root: Path) -> Iterator[Path]:
    return (path.relative_to(root) for path in root.rglob("*.py"))


def _count(path: Path) -> int:
    return len(CALLS.findall(path.read_text(encoding="utf-8", errors="replace")))


def _replace_all(migrated: Path, output: Path) -> None:
    for path in sorted(migrated.iterdir()):
        target = output / path.name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(str(target))
        path.replace(target)
