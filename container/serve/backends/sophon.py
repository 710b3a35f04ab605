"""ChatGLM3 compiled for Sophgo TPUs, through the `chat` extension of LLM-TPU's python_demo."""

from __future__ import annotations

import logging
import re
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, List, Optional, Set

from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, IMAGE_MISMATCH, Fault
from serve.backend import Progress, Settings
from serve.backends.backend_options import check_names, context_length, model_folder
from serve.backends.generating_backend import GeneratingBackend, Loaded
from serve.backends.model_thread import Put
from serve.backends.vendor_package import Vendor, vendor_package
from serve.backends.vocabulary import Vocabulary
from serve.sampling import Sampling
from tpu.devices import visible_devices

OPTIONS = ("bmodel", "devices", "extension", "device-folder")
_log = logging.getLogger(__name__)
_IMAGE = "the model's tokenizer: transformers and sentencepiece"
_DEVICES_OF_NAME = re.compile(r"_(\d+)dev\.bmodel$")
_GREEDY_BELOW = 0.001  # scores overflow when divided by less
_REPEAT_LAST_N = 32  # pipeline.py's default


class _Loaded(Loaded):
    def __init__(self, vocabulary: Vocabulary, model: Any) -> None:  # noqa: ANN401 (a C++ class without types)
        super().__init__(vocabulary, set())
        self.model = model


class SophonBackend(GeneratingBackend[_Loaded]):
    """Serves a bmodel on the TPUs that the pod was given.

    Options: `bmodel`, the file in the model's folder (default: the only one); `devices`, numbers separated by
    commas, or `auto`, the default: those in `device-folder` (/dev); `extension`, the folder of `chat*.so`.
    The extension generates one answer at a time and keeps no more than its compiled length. It holds Python's
    lock while it loads the bmodel (`init` has no call_guard): until then /health and /ready are not answered,
    and SIGTERM waits. What it cannot load fails an assertion, which is SIGABRT: exit code 134.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        check_names("sophon", settings, OPTIONS)
        self._settings = settings
        self._folder = model_folder("sophon", settings)
        self._bmodel = _bmodel(self._folder, settings.options.get("bmodel"))
        self._devices = _devices(settings, self._bmodel)

    def read(self, progress: Progress) -> _Loaded:
        """Load the tokenizer, then the bmodel onto its devices."""
        progress(0.0, "loading the tokenizer")
        transformers = vendor_package("transformers", _IMAGE)
        vocabulary = Vocabulary(_tokenizer(transformers, self._tokenizer_folder()))
        progress(0.1, f"loading {self._bmodel.name} onto device {', '.join(map(str, self._devices))}")
        model = _extension(self._settings.options.get("extension")).ChatGLM()
        model.init(self._devices, str(self._bmodel))
        self.context_length = context_length(self._settings, int(model.SEQLEN))
        _log.warning("the extension has no seed: sampled answers differ, whatever seed says")
        return _Loaded(vocabulary, model)

    def produce(self, loaded: _Loaded, ids: List[int], sampling: Sampling, ends: Set[int], put: Put) -> None:
        """Put each token as the bmodel makes it."""
        model = loaded.model
        # The two heads that a bmodel has (LLM-TPU@edb7f13e models/ChatGLM3/python_demo/chat.cpp).
        greedy = sampling.temperature < _GREEDY_BELOW or sampling.top_p <= 0
        model.generation_mode = "greedy" if greedy else "penalty_sample"
        model.temperature = 1.0 if greedy else sampling.temperature
        model.top_p = sampling.top_p
        model.repeat_penalty = 1.0
        # The class sets none of its numbers itself, copies so many tokens, and lowers this one at each step.
        model.repeat_last_n = _REPEAT_LAST_N
        token = int(model.forward_first(ids))
        while put(token) and token not in ends and model.token_length < model.SEQLEN:
            token = int(model.forward_next())

    def _tokenizer_folder(self) -> Path:
        """Return the model's folder, or for a ready bmodel, which has no code beside it, the extension's."""
        beside = Path(self._settings.options.get("extension", "")) / "token_config"
        own = (self._folder / "tokenizer_config.json").is_file()
        return beside if not own and (beside / "tokenizer_config.json").is_file() else self._folder

    def stop(self) -> None:
        """Give the devices back."""
        if self._loaded is not None:
            self._loaded.model.deinit()
        super().stop()


def _tokenizer(transformers: Vendor, folder: Path) -> Vendor:
    try:
        return transformers.AutoTokenizer.from_pretrained(str(folder), trust_remote_code=True)
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"the tokenizer of {folder} cannot be imported: {error}; it needs sentencepiece, and the code of"
            " ChatGLM3-6B's first revisions torch, too: take a revision of 2023-11 or later",
        ) from error
    except (OSError, ValueError) as error:
        raise Fault(
            BAD_ARTIFACT,
            f"no tokenizer can be read from {folder}, which should have tokenizer.model,"
            f" tokenizer_config.json and tokenization_chatglm.py: {error}",
        ) from error


def _extension(folder: Optional[str]) -> ModuleType:
    """Import the module `chat`, from `folder` alone where it is given: other things are called so, too."""
    if folder is None:
        return vendor_package(
            "chat", "LLM-TPU's extension 'chat' for its Python, or give the option extension"
        )
    spec = PathFinder.find_spec("chat", [folder])
    if spec is None or spec.loader is None:
        raise Fault(
            BAD_SETTING,
            f"the sophon option extension is '{folder}', which has no chat*.so for this Python; build it in"
            " this image",
        )
    return _loaded(spec, spec.loader, folder)


def _loaded(spec: ModuleSpec, loader: Loader, folder: str) -> ModuleType:
    try:
        module = module_from_spec(spec)
        loader.exec_module(module)
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"the extension 'chat' of {folder} cannot be loaded: {error}; libsophon must be in"
            " /opt/sophon/libsophon-current: in the image, which a folder of the node must not hide, or with"
            " mountLibsophon on the node",
        ) from error
    return module


def _bmodel(folder: Path, name: Optional[str]) -> Path:
    if name:
        if not (folder / name).is_file():
            raise Fault(BAD_SETTING, f"the sophon option bmodel is '{name}', which is not in {folder}")
        return folder / name
    found = sorted(folder.glob("*.bmodel"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise Fault(
            BAD_ARTIFACT,
            f"{folder} must hold one bmodel, or the option bmodel must name it; it holds {names}",
        )
    return found[0]


def _devices(settings: Settings, bmodel: Path) -> List[int]:
    given = settings.options.get("devices", "auto")
    if given != "auto" and not re.fullmatch(r"\d+(,\d+)*", given):
        raise Fault(
            BAD_SETTING, f"the sophon option devices is '{given}': it must be auto or numbers like 0,1"
        )
    devices = (
        visible_devices(Path(settings.options.get("device-folder", "/dev")))
        if given == "auto"
        else [int(number) for number in given.split(",")]
    )
    compiled = _DEVICES_OF_NAME.search(bmodel.name)
    if compiled and len(devices) != int(compiled.group(1)):
        shown = ", ".join(map(str, devices)) or "none"
        raise Fault(
            BAD_SETTING, f"{bmodel.name} is compiled for {compiled.group(1)} devices, but the pod has {shown}"
        )
    if not devices:
        raise Fault(
            IMAGE_MISMATCH, "there is neither /dev/bm-sophon* nor /dev/bm-tpu0: does the pod ask for a TPU?"
        )
    return devices
