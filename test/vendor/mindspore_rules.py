"""Every setting that the charts generate, checked by the real check_rules and configurations of MindFormers 1.1.0."""

from __future__ import annotations

import sys
from pathlib import Path

import mindspore
import pytest
import yaml
from mindformers.tools import check_rules as rules
from mindformers.tools.register import MindFormerConfig
from tiny import chatglm3, generated
from tiny.generated import COMMANDS, Start

from training.settings import apply

sys.path.append(str(chatglm3.ROOT))
import run_mindformer

CONFIGS = chatglm3.configs()
VARIANTS = [variant for variant in COMMANDS if not variant.startswith("glm-")]
"""Without those of c8a5808, whose files and flags are not those of the package."""

STARTS = [start for variant in VARIANTS for start in generated.starts(variant)]


def configuration(start: Start, folder: Path, *more: str) -> MindFormerConfig:
    """Return the configuration that this start runs with, as train_rank.py and run_mindformer.py make it."""
    document = yaml.safe_load((CONFIGS / start.file).read_text(encoding="utf-8"))
    apply(document, [tuple(setting.split("=", 1)) for setting in start.settings])
    path = folder / Path(start.file).name
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    arguments = list(start.arguments)
    arguments[arguments.index("--config") + 1] = str(path)
    return run_mindformer.configure(*run_mindformer.parse([*arguments, *more]))


def check(config: MindFormerConfig, devices: int, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "get_device_num", lambda: devices)
    config.metric = [config.metric]
    mindspore.set_context(device_target="CPU")
    mindspore.reset_auto_parallel_context()
    parallel = "semi_auto_parallel" if config.use_parallel else "stand_alone"
    mindspore.set_auto_parallel_context(parallel_mode=parallel, device_num=devices)
    try:
        rules.check_rules(config, "eval" if mode == "eval" else "train")
    finally:
        mindspore.reset_auto_parallel_context()


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_a_generated_start_follows_the_rules(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(configuration(start, tmp_path), start.devices, start.mode, monkeypatch)


def test_there_are_trainings_and_evaluations_of_each_variant() -> None:
    found = {(start.variant, start.mode) for start in STARTS}
    assert found == {(variant, mode) for variant in VARIANTS for mode in ("finetune", "eval")}


@pytest.mark.parametrize(
    ("devices", "word", "mistake"),
    [
        (8, "--parallel_config.data_parallel=4", "dp*mp*pp = 4*1*1 = 4 != device_num(8)"),
        (8, "--model.model_config.seq_length=200", "`seq_length = max_source_length + max_target_length + 1`"),
    ],
)
def test_the_rules_find_mistakes(
    devices: int, word: str, mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = generated.start("glm3-adgen", "finetune")
    with pytest.raises(ValueError, match=".*") as refused:
        check(configuration(start, tmp_path, word), devices, start.mode, monkeypatch)
    assert mistake in str(refused.value)
