"""LLM-TPU's programs, built with stand-ins for cmake and make."""

from __future__ import annotations

import os
import platform
import stat

import pytest

from support.llm_tpu import llm_tpu_tree
from support.script import Script

# cmake remembers its source folder; make writes what the project would, if the libraries are where it looks.
CMAKE = '#!/bin/sh\nfor last; do :; done\n(cd "$last" && pwd) >source\n'
MAKE = r"""#!/bin/sh
[ -z "$STUB_FAILS" ] || { echo 'fatal error: bmruntime_interface.h: No such file'; exit 2; }
source=$(cat source); support=$source/../support; so=${STUB_BUILT:-chat.cpython-37m-x86_64-linux-gnu.so}
case $source in
*/sentencepiece-source) mkdir -p src && echo archive >src/libsentencepiece.a ;;
*/python_demo) ls "$support"/lib_*/libbmrt.so >/dev/null && echo so >"$so" ;;
*/demo)
  header=$(sed -n 's/#include "\(sentencepiece.*\)"/\1/p' "$source/demo.cpp")
  ls "$support"/lib_*/libsentencepiece.a >/dev/null && echo "elf of $(cat "$support/include/$header")" >chatglm ;;
esac
"""


@pytest.fixture
def image(tmp_path, monkeypatch):
    for name, text in (("cmake", CMAKE), ("make", MAKE), ("c++", "#!/bin/sh\n")):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for library in ("libbmrt.so", "libbmlib.so"):
        path = tmp_path / "libsophon" / "lib" / library
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("library")
    return tmp_path / "libsophon"


@pytest.fixture
def build(python, container, tmp_path, image):
    sentencepiece = tmp_path / "sentencepiece-source"
    (sentencepiece / "src").mkdir(parents=True)
    (sentencepiece / "src" / "sentencepiece_processor.h").write_text("header")
    output = tmp_path / "program"
    arguments = ["--runtime", image, "--output", output]
    return Script(python, container, "build_program", tmp_path), arguments, output


@pytest.fixture
def one_chip(tmp_path):
    """The tree that a bmodel for one chip is compiled with: its compile.sh makes heads that chat.cpp knows."""
    return llm_tpu_tree(tmp_path / "edb7f13e", heads=True)


@pytest.fixture
def several_chips(tmp_path):
    """The tree that a bmodel for several chips is compiled with: no heads, which demo.cpp does not know."""
    return llm_tpu_tree(tmp_path / "909f9dab", heads=False)


def test_the_python_extension_is_built_against_the_images_runtime(build, one_chip):
    script, arguments, output = build
    (output / "token_config").mkdir(parents=True)  # what a killed run left
    code, log = script.run("--program", "python-demo", "--tree", one_chip, *arguments)
    assert code == 0, log
    built = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    assert built == ["chat.cpython-37m-x86_64-linux-gnu.so", "token_config/tokenizer_config.json"]
    assert f"chat.cpython-37m-x86_64-linux-gnu.so for {platform.machine()}" in log
    library = one_chip / "models" / "ChatGLM3" / "support" / "lib_pcie" / "libbmrt.so"
    assert library.read_text() == "a pointer of git-lfs", "the tree was touched"


@pytest.mark.parametrize("header_of_its_own", [False, True])
def test_the_program_gets_a_sentencepiece_of_its_own(build, several_chips, tmp_path, header_of_its_own):
    script, arguments, output = build
    if header_of_its_own:
        include = several_chips / "models" / "ChatGLM3" / "support" / "include" / "sentencepiece"
        include.mkdir()
        (include / "sentencepiece_processor.h").write_text("of another version")
    arguments = ["--tree", several_chips, *arguments, "--sentencepiece", tmp_path / "sentencepiece-source"]
    code, log = script.run("--program", "demo", *arguments)
    assert code == 0, log
    assert {path.name: path.read_text() for path in output.iterdir()} == {"chatglm": "elf of header\n"}


def test_the_program_without_sentencepiece_is_refused(build, several_chips):
    script, arguments, _ = build
    assert script.run("--program", "demo", "--tree", several_chips, *arguments)[0] == 22
    assert script.cause == "--sentencepiece is missing: the program is linked with a libsentencepiece.a of its own"


def test_a_program_that_could_not_run_what_its_tree_compiles_is_refused(build, one_chip, tmp_path):
    script, arguments, output = build
    arguments = ["--tree", one_chip, *arguments, "--sentencepiece", tmp_path / "sentencepiece-source"]
    assert script.run("--program", "demo", *arguments)[0] == 28
    assert script.cause == (
        f"demo.cpp of {one_chip} cannot run what its compile.sh makes: it knows no greedy_head; take"
        " sophgo/LLM-TPU@909f9dab, for export and compilation too"
    )
    assert not output.exists()


def test_an_extension_that_the_server_could_not_use_is_refused(build, several_chips):
    script, arguments, output = build
    assert script.run("--program", "python-demo", "--tree", several_chips, *arguments)[0] == 28
    assert script.cause == (
        f"chat.cpp of {several_chips} is not the extension that the server loads: its compile.sh makes no greedy_head;"
        " take sophgo/LLM-TPU@edb7f13e, for export and compilation too"
    )
    assert not output.exists()


def test_the_last_lines_of_make_are_the_cause(build, one_chip):
    script, arguments, _ = build
    assert script.run("--program", "python-demo", "--tree", one_chip, *arguments, STUB_FAILS="1")[0] == 28
    assert script.cause == (
        "make ended with exit code 2; its last lines:\nfatal error: bmruntime_interface.h: No such file"
    )


def test_a_build_that_leaves_nothing_is_no_artifact(build, one_chip):
    script, arguments, _ = build
    assert script.run("--program", "python-demo", "--tree", one_chip, *arguments, STUB_BUILT="other.so")[0] == 28
    assert script.cause == "the build should leave one chat*.so; it left none"


def test_an_image_without_the_runtime_is_named(build, one_chip, image):
    script, arguments, _ = build
    os.remove(image / "lib" / "libbmlib.so")
    assert script.run("--program", "python-demo", "--tree", one_chip, *arguments)[0] == 30
    assert script.cause == (
        f"{image}/lib has no libbmlib.so; install sophon-libsophon (on a SoC sophon-soc-libsophon), or give --runtime"
    )


def test_another_tree_is_refused(build, tmp_path):
    script, arguments, _ = build
    assert script.run("--program", "python-demo", "--tree", tmp_path, *arguments)[0] == 22
    assert script.cause == f"there is no models/ChatGLM3 in {tmp_path}; is it LLM-TPU's source tree?"


def test_a_tree_without_the_script_is_refused(build, one_chip):
    script, arguments, _ = build
    compile_sh = one_chip / "models" / "ChatGLM3" / "compile" / "compile.sh"
    compile_sh.unlink()
    assert script.run("--program", "python-demo", "--tree", one_chip, *arguments)[0] == 22
    assert script.cause == f"{compile_sh} cannot be read: No such file or directory; is it of LLM-TPU's source tree?"
