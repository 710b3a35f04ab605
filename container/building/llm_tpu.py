"""LLM-TPU's programs for ChatGLM3, built with cmake against the image's runtime."""

from __future__ import annotations

import logging
import platform
import shutil
import sys
from pathlib import Path
from typing import List, Mapping, NamedTuple, Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, DONE, IMAGE_MISMATCH, NOT_FOUND, Fault
from pod.main import run
from pod.tool import run_tool
from pod.work_folder import work_folder
from tpu.tree import CHOOSING_HEAD, chooses_apart, script_text

NAME = "build_program"
PROJECT = Path("models/ChatGLM3")
COMPILE_SCRIPT = Path("compile/compile.sh")
TOKENIZER = "token_config"
"""Folder below `support` of the tokenizer and its code, which a ready bmodel comes without."""
RUNTIME_LIBRARIES = ("libbmrt.so", "libbmlib.so")

log = logging.getLogger(NAME)


class Program(NamedTuple):
    """A program: its folder in the project, what is built there, and the bmodels that it can run.

    `heads` says whether they are of a tree whose compile.sh makes networks that choose a token.
    """

    folder: str
    pattern: str
    sentencepiece: bool
    heads: bool


PROGRAMS: Mapping[str, Program] = {
    # The extension's name tells architecture and Python version: chat.cpython-310-x86_64-linux-gnu.so.
    "python-demo": Program("python_demo", "chat*.so", sentencepiece=False, heads=True),
    "demo": Program("demo", "chatglm", sentencepiece=True, heads=False),
}


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else list(arguments)))


def _main(arguments: List[str]) -> int:
    parser = Parser(prog=NAME, description="Build one of LLM-TPU's programs for ChatGLM3.")
    parser.add_argument("--program", required=True, choices=sorted(PROGRAMS))
    parser.add_argument("--tree", required=True, type=Path, metavar="DIR", help="LLM-TPU's source tree")
    parser.add_argument("--runtime", type=Path, default=Path("/opt/sophon/libsophon-current"), metavar="DIR")
    parser.add_argument("--sentencepiece", type=Path, metavar="DIR", help="sentencepiece's source tree")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    program = PROGRAMS[options.program]
    _check_image(options.runtime)
    _check_tree(options.tree, program)
    with work_folder(options.output) as folder:
        project = _copied(options.tree, folder)
        libraries = _linked_libraries(options.runtime, project)
        if program.sentencepiece:
            _build_sentencepiece(options.sentencepiece, libraries, options.jobs, folder)
        built = _built(project / program.folder, program, options.jobs)
        if options.program == "python-demo":
            _bring_tokenizer(project, options.output)
        built.replace(options.output / built.name)
    log.info("%s for %s", built.name, platform.machine())
    return DONE


def _check_image(runtime: Path) -> None:
    missing = [tool for tool in ("cmake", "make", "c++") if shutil.which(tool) is None]
    if missing:
        raise Fault(
            IMAGE_MISMATCH, f"{', '.join(missing)} are not on PATH; use container/images/sophon/Dockerfile"
        )
    absent = [name for name in RUNTIME_LIBRARIES if not (runtime / "lib" / name).exists()]
    if absent:
        raise Fault(
            IMAGE_MISMATCH,
            f"{runtime}/lib has no {', '.join(absent)}; install sophon-libsophon (on a SoC"
            " sophon-soc-libsophon), or give --runtime",
        )


def _check_tree(tree: Path, program: Program) -> None:
    """Refuse a program that aborts on what is compiled with the same tree, before hours of compilation."""
    source = tree / PROJECT
    if not source.is_dir():
        raise Fault(NOT_FOUND, f"there is no {PROJECT} in {tree}; is it LLM-TPU's source tree?")
    heads = chooses_apart(script_text(source / COMPILE_SCRIPT))
    if heads and not program.heads:
        raise Fault(
            BAD_ARTIFACT,
            f"demo.cpp of {tree} cannot run what its compile.sh makes: it knows no {CHOOSING_HEAD}; take"
            " sophgo/LLM-TPU@909f9dab, for export and compilation too",
        )
    if program.heads and not heads:
        raise Fault(
            BAD_ARTIFACT,
            f"chat.cpp of {tree} is not the extension that the server loads: its compile.sh makes no"
            f" {CHOOSING_HEAD}; take sophgo/LLM-TPU@edb7f13e, for export and compilation too",
        )


def _copied(tree: Path, folder: Path) -> Path:
    project = folder / "project"
    shutil.copytree(str(tree / PROJECT), str(project))
    return project


def _linked_libraries(runtime: Path, project: Path) -> Path:
    """Put the image's runtime where the CMake files look: the tree's own copies are incomplete."""
    soc = platform.machine() == "aarch64"
    libraries = project / "support" / ("lib_soc" if soc else "lib_pcie")
    shutil.rmtree(str(libraries), ignore_errors=True)
    libraries.mkdir(parents=True)
    for library in (runtime / "lib").glob("lib*.so*"):
        (libraries / library.name).symlink_to(library)
    return libraries


def _bring_tokenizer(project: Path, output: Path) -> None:
    source, target = project / "support" / TOKENIZER, output / TOKENIZER
    shutil.rmtree(str(target), ignore_errors=True)
    if source.is_dir():
        source.replace(target)


def _build_sentencepiece(tree: Optional[Path], libraries: Path, jobs: int, folder: Path) -> None:
    if tree is None:
        raise Fault(
            NOT_FOUND,
            "--sentencepiece is missing: the program is linked with a libsentencepiece.a of its own",
        )
    build = folder / "sentencepiece"
    build.mkdir()
    run_tool(["cmake", "-DCMAKE_POSITION_INDEPENDENT_CODE=ON", str(tree)], build)
    run_tool(["make", f"-j{jobs}", "sentencepiece-static"], build)
    archive = build / "src" / "libsentencepiece.a"
    if not archive.is_file():
        raise Fault(BAD_ARTIFACT, "sentencepiece was built, but left no src/libsentencepiece.a")
    archive.replace(libraries / archive.name)
    header = tree / "src" / "sentencepiece_processor.h"
    # Where demo.cpp includes it from; what the tree may have there is of another version.
    include = libraries.parent / "include" / "sentencepiece"
    include.mkdir(exist_ok=True)
    shutil.copyfile(str(header), str(include / header.name))


def _built(source: Path, program: Program, jobs: int) -> Path:
    build = source / "build"
    build.mkdir(exist_ok=True)
    run_tool(["cmake", ".."], build)
    run_tool(["make", f"-j{jobs}"], build)
    found = sorted(path for path in build.rglob(program.pattern) if path.is_file())
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise Fault(BAD_ARTIFACT, f"the build should leave one {program.pattern}; it left {names}")
    return found[0]
