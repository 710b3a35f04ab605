"""Models of MindFormers on Ascend NPUs, one device.

Sources: mindformers@3354237 and v1.1.0 mindformers/generation/text_generator.py (`generate`, which hands each
token to a streamer: the prompt first), mindformers/auto_class.py (`AutoModel.from_config`),
docs/model_cards/glm3.md (`infer.py`); mindformers@c8a5808 mindformers/models/text_generator.py, whose
`generate` knows neither temperature nor seed and takes the exponential of what are probabilities already,
which makes a hundred tokens all but equally likely: with it the best token is taken, as its guide does.
"""

from __future__ import annotations

import inspect
import logging
import random
from pathlib import Path
from typing import Dict, List, Optional, Set

from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, IMAGE_MISMATCH, Fault
from serve.backend import Progress, Settings
from serve.backends.backend_options import check_names, model_folder
from serve.backends.family_check import check_family
from serve.backends.generating_backend import GeneratingBackend, Loaded
from serve.backends.load_progress import watching
from serve.backends.model_thread import Put
from serve.backends.vendor_package import Vendor, vendor_package
from serve.backends.vocabulary import Vocabulary
from serve.sampling import Sampling

_log = logging.getLogger(__name__)
_IMAGE = "MindSpore and MindFormers, or set PYTHONPATH to a source tree of MindFormers"
_NAMES = ("config", "checkpoint-file", "tokenizer-file")
_TOKENIZER_FILES = ("tokenizer.model", "ice_text.model")
_GREEDY_BELOW = 0.001


class _Loaded(Loaded):
    def __init__(self, vocabulary: Vocabulary, ends: Set[int], model: Vendor) -> None:
        super().__init__(vocabulary, ends)
        self.model = model
        self.knows = _known_settings(model)  # beside those that every version has


class MindFormersBackend(GeneratingBackend[_Loaded]):
    """Serves a MindSpore checkpoint. One generation at a time.

    Options: `config`, the YAML file of MindFormers that describes the model (required, a `predict` one);
    `checkpoint-file`, needed where the model's folder holds several `.ckpt` files; `tokenizer-file`
    (`tokenizer.model`, else `ice_text.model`). Both files are in the model's folder.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        check_names("mindformers", settings, _NAMES)
        self._folder = model_folder("mindformers", settings)
        self._config = _config_file(settings)
        self._checkpoint = _checkpoint_file(self._folder, settings.options.get("checkpoint-file"))
        self._tokenizer = _tokenizer_file(self._folder, settings.options.get("tokenizer-file"))
        self._settings = settings

    def read(self, progress: Progress) -> _Loaded:
        """Build the network and load the checkpoint."""
        progress(0.0, "importing MindFormers")
        mindspore = vendor_package("mindspore", _IMAGE)
        mindformers = vendor_package("mindformers", _IMAGE)
        config = mindformers.MindFormerConfig(str(self._config))
        # The file's length is no limit of the model: the guide serves 8192 with a file that says 2048.
        self.context_length = self._settings.context_length or int(config.model.model_config.seq_length)
        config.run_mode, config.use_parallel = "predict", False
        vocabulary = Vocabulary(_tokenizer(mindformers, config, self._tokenizer))
        check_family(self._settings.model_family, vocabulary)
        vendor_package("mindformers.core.context", _IMAGE).build_context(config)
        with watching(self._folder, progress):
            model = _build(mindformers, config, _overrides(config, self.context_length, self._checkpoint))
        version = getattr(mindformers, "__version__", "without a version")  # c8a5808 has none
        _log.info("mindspore %s, mindformers %s", mindspore.__version__, version)
        own = getattr(model.config, "eos_token_id", None)
        ends = vocabulary.ends(()) | set(own if isinstance(own, (list, tuple)) else [own]) - {None}
        loaded = _Loaded(vocabulary, ends, model)
        if "temperature" not in loaded.knows:
            _log.warning("this version always takes the best token, whatever temperature, top_p and seed say")
        return loaded

    def produce(self, loaded: _Loaded, ids: List[int], sampling: Sampling, ends: Set[int], put: Put) -> None:
        """Generate, and put each token as soon as the model has chosen it."""
        settings = _generation_settings(sampling, loaded.knows)
        streamer = _Streamer(ends, put)
        try:
            length = len(ids) + sampling.max_tokens
            loaded.model.generate([ids], streamer=streamer, max_length=length, **settings)
        except _EnoughError:
            # The end of `generate` gives the cache's blocks back, and has not been reached.
            blocks = getattr(loaded.model, "block_mgr", None)
            if blocks:
                blocks.clear_cache()


def _config_file(settings: Settings) -> Path:
    given = settings.options.get("config")
    if given is None:
        raise Fault(
            BAD_SETTING, "the mindformers backend needs its model's file: --backend-option config=FILE.yaml"
        )
    if not Path(given).is_file():
        raise Fault(BAD_SETTING, f"the mindformers option config is '{given}', which is not a file")
    return Path(given)


def _checkpoint_file(folder: Path, name: Optional[str]) -> Path:
    found = sorted(path.name for path in folder.glob("*.ckpt"))
    if name is None and len(found) == 1:
        return folder / found[0]
    if name is None or name not in found:
        problem = f"holds no '{name}'" if name else f"holds {len(found)} checkpoints"
        advice = "" if name else "; name one by --backend-option checkpoint-file=NAME"
        raise Fault(BAD_ARTIFACT, f"{folder} {problem}: it has {', '.join(found) or 'no .ckpt file'}{advice}")
    return folder / name


def _tokenizer_file(folder: Path, name: Optional[str]) -> Path:
    names = _TOKENIZER_FILES if name is None else (name,)
    found = [folder / each for each in names if (folder / each).is_file()]
    if not found:
        raise Fault(BAD_ARTIFACT, f"{folder} has no tokenizer: expected {' or '.join(names)}")
    return found[0]


def _tokenizer(mindformers: Vendor, config: Vendor, file: Path) -> Vendor:
    """Return the tokenizer of the class that the config names."""
    kind = str(config.processor.tokenizer.type)
    if not hasattr(mindformers, kind):
        raise Fault(IMAGE_MISMATCH, f"this image's MindFormers has no {kind}, which the model's config names")
    return getattr(mindformers, kind)(vocab_file=str(file))


def _overrides(config: Vendor, length: int, checkpoint: Path) -> Dict[str, object]:
    """Return what serving changes in the model's config: one request at a time, a cache for its length."""
    model = config.model.model_config
    overrides: Dict[str, object] = {
        "checkpoint_name_or_path": str(checkpoint),
        "batch_size": 1,
        "seq_length": length,
    }
    block_size = model.get("block_size")
    if block_size:
        overrides["num_blocks"] = -(-length // int(block_size))
    return overrides


def _build(mindformers: Vendor, config: Vendor, overrides: Dict[str, object]) -> Vendor:
    """Return the network of `config` with `overrides`.

    `from_config` of c8a5808 takes neither overrides nor a whole configuration.
    """
    from_config = mindformers.AutoModel.from_config
    if _takes_any(from_config):
        return from_config(config, **overrides)
    config.model.model_config.update(overrides)
    return vendor_package("mindformers.models.build_model", _IMAGE).build_model(config.model)


def _known_settings(model: Vendor) -> Set[str]:
    parameters = inspect.signature(model.generate).parameters
    return {name for name in ("temperature", "seed") if _takes_any(model.generate) or name in parameters}


def _takes_any(function: Vendor) -> bool:
    return any(each.kind is each.VAR_KEYWORD for each in inspect.signature(function).parameters.values())


class _EnoughError(Exception):
    """Leaves `generate`, which has no other way to end early."""


class _Streamer:
    """Gets the prompt first, then each token."""

    def __init__(self, ends: Set[int], put: Put) -> None:
        self._ends = ends
        self._put = put
        self._prompt_seen = False

    def put(self, value: Vendor) -> None:
        """Pass a token on."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        token = _only(value)
        if not self._put(token) or token in self._ends:
            raise _EnoughError

    def end(self) -> None:
        """Take note of nothing: the end of `generate` says it."""


def _only(value: Vendor) -> int:
    """Return the one id in a list, an array, or a list with an array, as the version has it."""
    while isinstance(value, list) or (hasattr(value, "ndim") and value.ndim > 0):
        value = value[0]
    return int(value)


def _generation_settings(sampling: Sampling, knows: Set[str]) -> Dict[str, object]:
    """Return what `generate` is told: what is left out here, the model's config decides."""
    if "temperature" not in knows or sampling.temperature < _GREEDY_BELOW or sampling.top_p <= 0:
        return {"do_sample": False, "top_k": 1, "top_p": 1.0}
    # Without a seed every answer would be made with the same one.
    seed = random.getrandbits(31) if sampling.seed is None else sampling.seed % 2**32
    more = {"temperature": sampling.temperature, "seed": seed}
    settings = {"do_sample": True, "top_k": 0, "top_p": sampling.top_p}
    return {**settings, **{name: value for name, value in more.items() if name in knows}}
