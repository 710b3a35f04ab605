"""The files of the model between the steps: what must be there, and a view that scripts may write to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Dict, Iterable, List

from artifacts.marker import MARKER_NAME
from patching.copy_of import LINKED_FROM
from pod.exit_codes import BAD_ARTIFACT, Fault

CODE_FILES = ("configuration_chatglm.py", "quantization.py")
"""What process_weights.py copies beside each shard."""

_NAMED = (
    "config.json",
    *CODE_FILES,
    "modeling_chatglm.py",
    "pytorch_model.bin.index.json",
    "tokenization_chatglm.py",
    "tokenizer_config.json",
    "tokenizer.model",
)
"""The guide's list, without the seven weight files, which the index names."""

QUANTIZED_FILES = (
    *("deq_scale.npy", "fp_bias.npy", "input_offset.npy", "input_scale.npy"),
    *("quant_bias.npy", "quant_weight.npy", "weight_offset.npy", "weight_scale.npy"),
)
"""What the quantization tool exports."""

READ_QUANTIZED_FILES = (
    *("deq_scale.npy", "fp_bias.npy", "input_offset.npy"),
    *("input_scale.npy", "quant_weight.npy"),
)
"""What is read of them (`Quant.load_primal_weights` of manager.py)."""

SLICED_FILES = ("quant_weight", "new_bias", "new_deq_scale")
COMPRESSED_FOLDERS = ("index", "weight", "info")


def check_model(folder: Path) -> None:
    """Raise a `Fault` unless `folder` has the guide's files and a config made ready for the scripts."""
    missing = _missing(folder, _NAMED)
    missing = missing or _missing(folder, _indexed(folder))
    if missing:
        raise Fault(
            BAD_ARTIFACT,
            f"{folder} has no {', '.join(missing)}; take all files of THUDM/chatglm2-6b at 4e38bef4",
        )
    config = read_json(folder / "config.json")
    if config.get("world_size") != 1 or not config.get("float_layers_id"):
        raise Fault(
            BAD_ARTIFACT,
            f"{folder}/config.json has no world_size of 1 and float_layers_id; make a copy that has, by "
            "patch_config.py --set world_size=1 --set float_layers_id=[0]",
        )
    _check_positions(folder, config)


def quantized_folder(given: Path) -> Path:
    """Return where the files that are read are: `given`, or a folder below it, as archives are packed."""
    folders = [given, *sorted(path.parent for path in given.glob(f"*/{READ_QUANTIZED_FILES[0]}"))]
    for folder in folders:
        if not _missing(folder, READ_QUANTIZED_FILES):
            return folder
    _require(given, READ_QUANTIZED_FILES, "quantized weights", "export them again")
    return given


def quantized_files(folder: Path) -> List[Path]:
    """Return the files of the quantization tool that are in `folder`."""
    return [folder / name for name in QUANTIZED_FILES if (folder / name).is_file()]


def check_quantized(folder: Path) -> None:
    """Raise a `Fault` unless all eight files of the quantization tool are in `folder`."""
    _require(folder, QUANTIZED_FILES, "quantized weights", "export them again")


def check_shards(folder: Path, tp_size: int) -> None:
    """Raise a `Fault` unless `folder` (`part_model`) has a whole model for each of `tp_size` ranks."""
    for rank in range(tp_size):
        part = folder / str(rank)
        _require(part, ("config.json", *CODE_FILES), "shards", "shard the weights again")
        config = read_json(part / "config.json")
        world = config.get("world_size")
        if world != tp_size:
            raise Fault(
                BAD_ARTIFACT, f"{part}/config.json is for {world} devices, not {tp_size}; shard again"
            )
        _check_positions(part, config)
        indexed = (part / "pytorch_model.bin.index.json").is_file()
        weights = _indexed(part) if indexed else ["pytorch_model.bin"]
        _require(part, weights, "shards", "shard the weights again")


def check_sliced(folder: Path, tp_size: int) -> None:
    """Raise a `Fault` unless `folder` (`tpN`) has the quantized weights of each rank."""
    names = [f"{name}{rank}.npy" for rank in range(tp_size) for name in SLICED_FILES]
    _require(folder, names, "quantized shards", "shard the weights again")


def check_compressed(folder: Path) -> None:
    """Raise a `Fault` unless each of the two ranks has index, weight and info of the same layers."""
    for rank in range(2):
        layers = [_layers(folder / f"compress{rank}" / name) for name in COMPRESSED_FOLDERS]
        if not layers[0] or any(each != layers[0] for each in layers):
            counts = ", ".join(f"{name} {len(each)}" for name, each in zip(COMPRESSED_FOLDERS, layers))
            raise Fault(
                BAD_ARTIFACT,
                f"{folder}/compress{rank} has files for different layers ({counts}); "
                "compress the weights again",
            )


def writable_view(source: Path, view: Path) -> None:
    """Show the files of `source` in `view`, where the scripts overwrite modeling_chatglm.py and add folders.

    Weights are symbolic links; all smaller files are copies, so that nothing reaches the source.
    """
    for path in sorted(source.rglob("*")):
        if path.is_dir() or path.name == MARKER_NAME:
            continue
        target = view / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        real = path.resolve()
        if real.stat().st_size >= LINKED_FROM or path.suffix in (".bin", ".npy"):
            target.symlink_to(real)
        else:
            shutil.copyfile(str(real), str(target))


def read_json(path: Path) -> Dict[str, Any]:
    """Return the JSON object in `path`; `Fault` (BAD_ARTIFACT) if it has none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Fault(BAD_ARTIFACT, f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Fault(BAD_ARTIFACT, f"{path} is not a JSON object")
    return value


def _check_positions(folder: Path, config: Dict[str, Any]) -> None:
    """Refuse what modeling_chatglm_ascend.py does not know: its RotaryEmbedding has the base 10000 alone."""
    ratio = config.get("rope_ratio", 1)
    if ratio != 1:
        raise Fault(
            BAD_ARTIFACT,
            f"{folder}/config.json has rope_ratio {ratio}, but the model's code for ATB places all tokens as "
            "with 1, and would answer wrongly; take weights without it, such as THUDM/chatglm2-6b",
        )


def _indexed(folder: Path) -> List[str]:
    named = read_json(folder / "pytorch_model.bin.index.json").get("weight_map", {})
    return sorted(set(named.values()))


def _missing(folder: Path, names: Iterable[str]) -> List[str]:
    paths = [folder / name for name in names]
    return [path.name for path in paths if not path.is_file() or not path.stat().st_size]


def _require(folder: Path, names: Iterable[str], what: str, remedy: str) -> None:
    missing = _missing(folder, names)
    if missing:
        raise Fault(BAD_ARTIFACT, f"{what} in {folder} are without {', '.join(missing)}; {remedy}")


def _layers(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []
