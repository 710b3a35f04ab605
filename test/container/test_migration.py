"""A source tree rewritten for MLU, with a stand-in for torch_gpu2mlu.py."""

from __future__ import annotations

import pytest

from support.patience import until
from support.script import Script

TOOL = """
import argparse, os, shutil, sys, time
parser = argparse.ArgumentParser()
parser.add_argument('-i', '--input', required=True)
source = parser.parse_args().input
target = source + '_mlu'
assert not os.path.exists(target), 'exists'
shutil.copytree(source, target)
mode = os.environ.get('STUB_MODE', '')
for folder, _, files in os.walk(target):
    for name in files:
        path = os.path.join(folder, name)
        if name.endswith('.py') and mode != 'idle':
            text = open(path).read()
            open(path, 'w').write(text.replace('.cuda(', '.mlu(').replace("'cuda'", "'mlu'"))
        if mode == 'loses' and name == 'api.py':
            os.remove(path)
if mode == 'slow':
    time.sleep(5)
if mode != 'silent':
    open(os.path.join(target, 'report.md'), 'w').write('# Migration Report')
"""


@pytest.fixture
def tree(tmp_path):
    source = tmp_path / "ChatGLM-6B"
    (source / "ptuning").mkdir(parents=True)
    (source / "api.py").write_text("model = AutoModel.from_pretrained(path).half().cuda()\n")
    (source / "ptuning" / "main.py").write_text("device = 'cuda'\n")
    (source / "README.md").write_text("read me")
    (source / ".cdk8s-chatglm.json").write_text("{}")
    return source


@pytest.fixture
def migration(python, container, tmp_path, tree):
    tool = tmp_path / "torch_gpu2mlu.py"
    tool.write_text(TOOL)
    output = tmp_path / "output"
    return (
        Script(python, container, "migrate_sources", tmp_path),
        ["--tool", tool, "--source", tree, "--output", output],
        output,
    )


def test_every_file_is_migrated_and_the_report_kept(migration, tree):
    script, arguments, output = migration
    code, log = script.run(*arguments)
    assert code == 0, log
    assert sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()) == [
        "README.md",
        "api.py",
        "ptuning/main.py",
        "report.md",
    ]
    assert ".mlu()" in (output / "api.py").read_text()
    assert ".cuda()" in (tree / "api.py").read_text(), "the source was touched"
    assert "2 Python files; 0 of 2 uses of CUDA are left" in log


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        ("idle", "the tool changed nothing: all 2 uses of CUDA are still there"),
        ("loses", "the migrated tree lacks 1 Python files; the first is api.py"),
        ("silent", "torch_gpu2mlu.py succeeded but left no sources_mlu/report.md"),
    ],
)
def test_a_migration_that_went_wrong_is_no_artifact(migration, mode, cause):
    script, arguments, _ = migration
    assert script.run(*arguments, STUB_MODE=mode)[0] == 28
    assert script.cause == cause


def test_killed_and_started_again_it_migrates_the_same(migration):
    script, arguments, output = migration
    process = script.start(*arguments, STUB_MODE="slow")
    until(lambda: (output / ".work" / "sources_mlu" / "README.md").exists())
    process.kill()
    process.wait()
    assert script.run(*arguments)[0] == 0
    assert script.run(*arguments)[0] == 0, "a second run over a whole output"
    assert not (output / ".work").exists()


def test_an_image_without_the_tool_is_named(migration, tmp_path):
    script, arguments, _ = migration
    assert script.run(*arguments, "--tool", tmp_path / "none.py")[0] == 30
    assert script.cause == f"there is no {tmp_path}/none.py; use Cambricon's PyTorch image, which has the tool"
