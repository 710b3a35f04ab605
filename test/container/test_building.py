"""LLM-TPU's programs, built with stand-ins for cmake and make."""

from __future__ import annotations

import os
import platform
import stat

import pytest

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
  ls "$support"/lib_*/libsentencepiece.a "$support"/include/sentencepiece_processor.h >/dev/null && echo elf >chatglm ;;
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
    project = tmp_path / "LLM-TPU" / "models" / "ChatGLM3"
    for folder in ("python_demo", "demo", "support/include", "support/lib_pcie", "support/lib_soc"):
        (project / folder).mkdir(parents=True)
    (project / "support" / "token_config").mkdir()
    (project / "support" / "token_config" / "tokenizer_config.json").write_text("{}")
    (project / "support" / "lib_pcie" / "libbmrt.so").write_text("a pointer of git-lfs")
    sentencepiece = tmp_path / "sentencepiece-source"
    (sentencepiece / "src").mkdir(parents=True)
    (sentencepiece / "src" / "sentencepiece_processor.h").write_text("header")
    output = tmp_path / "program"
    arguments = ["--tree", tmp_path / "LLM-TPU", "--runtime", image, "--output", output]
    return Script(python, container, "build_program", tmp_path), arguments, output


def test_the_python_extension_is_built_against_the_images_runtime(build, tmp_path):
    script, arguments, output = build
    (output / "token_config").mkdir(parents=True)  # what a killed run left
    code, log = script.run("--program", "python-demo", *arguments)
    assert code == 0, log
    built = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    assert built == ["chat.cpython-37m-x86_64-linux-gnu.so", "token_config/tokenizer_config.json"]
    assert f"chat.cpython-37m-x86_64-linux-gnu.so for {platform.machine()}" in log
    tree = tmp_path / "LLM-TPU" / "models" / "ChatGLM3"
    assert (tree / "support" / "lib_pcie" / "libbmrt.so").read_text() == "a pointer of git-lfs", "the tree was touched"


def test_the_program_gets_a_sentencepiece_of_its_own(build, tmp_path):
    script, arguments, output = build
    code, log = script.run("--program", "demo", *arguments, "--sentencepiece", tmp_path / "sentencepiece-source")
    assert code == 0, log
    assert [path.name for path in output.iterdir()] == ["chatglm"]


def test_the_program_without_sentencepiece_is_refused(build):
    script, arguments, _ = build
    assert script.run("--program", "demo", *arguments)[0] == 22
    assert script.cause == "--sentencepiece is missing: LLM-TPU ships no libsentencepiece.a for PCIe hosts"


def test_the_last_lines_of_make_are_the_cause(build):
    script, arguments, _ = build
    assert script.run("--program", "python-demo", *arguments, STUB_FAILS="1")[0] == 28
    assert script.cause == (
        "make ended with exit code 2; its last lines:\nfatal error: bmruntime_interface.h: No such file"
    )


def test_a_build_that_leaves_nothing_is_no_artifact(build):
    script, arguments, _ = build
    assert script.run("--program", "python-demo", *arguments, STUB_BUILT="other.so")[0] == 28
    assert script.cause == "the build should leave one chat*.so; it left none"


def test_an_image_without_the_runtime_is_named(build, image):
    script, arguments, _ = build
    os.remove(image / "lib" / "libbmlib.so")
    assert script.run("--program", "python-demo", *arguments)[0] == 30
    assert script.cause == f"{image}/lib has no libbmlib.so; install sophon-libsophon, or give --runtime"


def test_another_tree_is_refused(build, tmp_path):
    script, arguments, _ = build
    assert script.run("--program", "python-demo", *arguments, "--tree", tmp_path)[0] == 22
    assert script.cause == f"there is no models/ChatGLM3 in {tmp_path}; is it LLM-TPU's source tree?"
