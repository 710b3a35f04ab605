"""ChatGLM3 compiled for Sophgo TPUs, through the `chat` extension of LLM-TPU's python_demo."""

from __future__ import annotations

import re
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Generator, List, Optional

from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, IMAGE_MISMATCH, Fault
from serve.backend import Backend, Piece, Progress, Settings
from serve.backends.backend_options import check_names, context_length, model_folder
from serve.backends.model_thread import ModelThread, Put
from serve.backends.pieces import pieces
from serve.backends.vendor_package import vendor_package
from serve.backends.vocabulary import Vocabulary
from serve.prompt import Prompt
from serve.sampling import Sampling
from tpu.devices import visible_devices

OPTIONS = ("bmodel", "devices", "extension", "device-folder")
_IMAGE = "the model's tokenizer: transformers and sentencepiece"
_DEVICES_OF_NAME = re.compile(r"_(\d+)dev\.bmodel$")


class SophonBackend(Backend):
    """Serves a bmodel on the TPUs that the pod was given.

    Options: `bmodel`, the file in the model's folder (default: the only one); `devices`, numbers separated by
    commas, or `auto`, the default: those in `device-folder` (/dev); `extension`, the folder of `chat*.so`.
    The extension generates one answer at a time and keeps no more than its compiled length.
    """

    def __init__(self, settings: Settings) -> None:
        check_names("sophon", settings, OPTIONS)
        self._settings = settings
        self._folder = model_folder("sophon", settings)
        self._bmodel = _bmodel(self._folder, settings.options.get("bmodel"))
        self._devices = _devices(settings, self._bmodel)
        self._thread = ModelThread()
        self._model: Any = None
        self._vocabulary: Optional[Vocabulary] = None

    def load(self, progress: Progress) -> None:
        """Load the tokenizer, then the bmodel onto its devices."""
        progress(0.0, "loading the tokenizer")
        transformers = vendor_package("transformers", _IMAGE)
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(self._folder), trust_remote_code=True)
        self._vocabulary = Vocabulary(tokenizer)
        progress(0.1, f"loading {self._bmodel.name} onto device {', '.join(map(str, self._devices))}")
        self._model = self._thread.call(self._loaded)
        self.context_length = context_length(self._settings, int(self._model.SEQLEN))

    def count_tokens(self, prompt: Prompt) -> int:
        """Return how many tokens the prompt has."""
        return len(self._known().ids(prompt))

    def generate(
        self, prompt: Prompt, sampling: Sampling, cancelled: Callable[[], bool]
    ) -> Generator[Piece, None, None]:
        """Yield the answer token by token."""
        vocabulary = self._known()
        ids = vocabulary.ids(prompt)
        ends = vocabulary.ends(prompt.end_tokens)

        def produce(put: Put) -> None:
            model = self._model
            # The two heads that a bmodel has (LLM-TPU@edb7f13e models/ChatGLM3/python_demo/chat.cpp).
            model.generation_mode = "penalty_sample" if sampling.temperature > 0 else "greedy"
            model.temperature = sampling.temperature or 1.0
            model.top_p = sampling.top_p
            model.repeat_penalty = 1.0
            token = int(model.forward_first(ids))
            while put(token) and token not in ends and model.token_length < model.SEQLEN:
                token = int(model.forward_next())

        yield from pieces(self._thread.tokens(produce), vocabulary, ends, sampling.max_tokens, cancelled)

    def stop(self) -> None:
        """Give the devices back."""
        if self._model is not None:
            self._model.deinit()

    def _known(self) -> Vocabulary:
        if self._vocabulary is None:
            raise RuntimeError("the model is not loaded yet")
        return self._vocabulary

    def _loaded(self) -> Any:  # noqa: ANN401 (a C++ class without types)
        chat = _extension(self._settings.options.get("extension"))
        model = chat.ChatGLM()
        model.init(self._devices, str(self._bmodel))
        return model


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
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
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
