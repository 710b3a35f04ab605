"""One rank's part of ChatGLM2 on an Ascend device, by ModelLink's modeling file.

What it does and in which order is read in main.py of the example (aeeeeeep/ModelLink@839b2483).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Callable, List, Optional

from atb.example import ATB_MODELING, example, script
from atb.model_files import writable_view
from atb.precision import FLOAT, PRECISIONS, QUANTIZED, check_precision, precision_env
from atb.weights import DEFAULT_LENGTH, check_weights, part_folder, room
from patching.module_cache import use_own
from pod.exit_codes import BAD_SETTING, IMAGE_MISMATCH, Fault
from serve.backend import Progress, Settings
from serve.backends.atb_engine import Engine
from serve.backends.atb_link import Place
from serve.backends.atb_shared_memory import use_own_name
from serve.backends.backend_options import check_names, choice, context_length, model_folder
from serve.backends.vendor_package import Vendor, vendor_package
from serve.backends.vocabulary import Vocabulary
from serve.sampling import Sampling

_IMAGE = "CANN, ATB 7.0.T8xx, torch_npu, transformers 4.30.2 and atb_speed 1.0.8"
_SAMPLING = "atb_speed.common.arch.post_process.sample"  # what the modeling file imports of atb_speed
_NAMES = ("tree", "precision", "compressed", "device", "work-dir")
_NZ_CHIPS = range(200, 204)  # 310P: matrices are laid out in blocks
_ND_CHIPS = range(220, 225)  # 910B
_NZ_FORMAT = 29
_GREEDY_BELOW = 0.001


class AtbModel(Engine):
    """Loads its part into a folder that this rank alone writes to, since the modeling file is put there."""

    def __init__(self, settings: Settings, place: Place) -> None:
        check_names("atb", settings, _NAMES)
        self._place = place
        self._model_path = model_folder("atb", settings)
        self._precision = choice("atb", settings, "precision", FLOAT, PRECISIONS)
        compressed, work = settings.options.get("compressed"), settings.options.get("work-dir")
        self._compressed = Path(compressed) if compressed else None
        self._work = Path(work) if work else None
        self._device = _device(settings.options.get("device", "0")) + place.rank
        self._tree = Path(_tree(settings.options.get("tree")))
        check_precision(self._precision, place.size, self._compressed)
        check_weights(self._model_path, self._precision, place.size, self._compressed)
        self._modeling = script(self._tree, ATB_MODELING)
        self.context_length = context_length(settings, _given_length(settings))
        self._torch: Vendor = None
        self._model: Vendor = None
        self._scores: Vendor = None
        self._read = 0

    def load(self, progress: Progress) -> None:
        """Join the other ranks, and load."""
        work = self._work or Path(tempfile.mkdtemp(prefix="atb-"))
        work = work / f"rank-{self._place.rank}"
        self._prepare(work)
        progress(0.05, "importing torch")
        self._torch = vendor_package("torch", _IMAGE)
        npu = vendor_package("torch_npu", _IMAGE)
        vendor_package("torch_npu.contrib.transfer_to_npu", _IMAGE)
        transformers = vendor_package("transformers", _IMAGE)
        vendor_package(_SAMPLING, _IMAGE)
        if self._place.rank == 0:
            tokens = transformers.AutoTokenizer.from_pretrained(
                str(work / "tokenizer"), trust_remote_code=True
            )
            self.vocabulary = Vocabulary(tokens)
        progress(0.1, "joining the other ranks")
        self._join(self._torch)
        progress(0.15, "reading the weights")
        self._model = transformers.AutoModel.from_pretrained(
            str(work / "part"), trust_remote_code=True, torch_dtype=self._torch.half, device="npu"
        ).eval()
        self._torch.npu.set_compile_mode(jit_compile=False)  # else every new length of text compiles anew
        progress(0.85, "laying out the weights")
        self._lay_out(self._torch, npu)

    def _join(self, torch: Vendor) -> None:
        if self._place.size > 1:
            torch.distributed.init_process_group("hccl")
        torch.npu.set_device(self._device)

    def _lay_out(self, torch: Vendor, npu: Vendor) -> None:
        if _is_nz(npu._C._npu_get_soc_version()):
            for module in self._model.modules():
                if isinstance(module, torch.nn.Linear):
                    module.weight.data = npu.npu_format_cast(module.weight.data, _NZ_FORMAT)
        self._model.set_weight()

    def prefill(self, ids: List[int]) -> None:
        """Read a prompt; the model starts a new cache where no past is given."""
        self._forward(ids, 0, None)

    def step(self, token: int) -> None:
        """Read one token after those that were read."""
        self._forward([token], self._read, self._read)

    def chooser(self, sampling: Sampling) -> Callable[[], int]:
        """Return what chooses from the last scores, on the processor: only rank 0 has random numbers."""
        torch = self._torch
        random = torch.Generator()
        if sampling.seed is None:
            random.seed()
        else:
            random.manual_seed(sampling.seed)
        return lambda: choose(torch, self._scores, sampling, random)

    def _prepare(self, work: Path) -> None:
        if work.exists():
            shutil.rmtree(str(work))
        part = part_folder(self._model_path, self._place.size, self._place.rank)
        writable_view(part, work / "part")
        shutil.copyfile(self._modeling, str(work / "part" / "modeling_chatglm.py"))
        if self._place.rank == 0:
            _copy_small(self._model_path, work / "tokenizer")
        env = precision_env(
            self._precision, os.environ, self._model_path.resolve() / QUANTIZED, self._compressed
        )
        env["MAX_SEQ_LEN"] = str(room(self.context_length))
        if self._place.size > 1:
            use_own_name(env)
        use_own(work / "modules", env)
        os.environ.clear()
        os.environ.update(env)
        sys.path.insert(0, str(example(self._tree)))  # the modeling file imports `manager` from there

    def _forward(self, ids: List[int], begin: int, past: Optional[int]) -> None:
        torch = self._torch
        with torch.no_grad():
            made = self._model(
                input_ids=torch.tensor([ids], dtype=torch.long, device="npu"),
                position_ids=torch.arange(begin, begin + len(ids), dtype=torch.long, device="npu").unsqueeze(
                    0
                ),
                past_key_values=past,
                return_dict=True,
            )
        self._scores = made.logits[0, -1].float().cpu()
        self._read = begin + len(ids)


def choose(torch: Vendor, scores: Vendor, sampling: Sampling, random: Vendor) -> int:
    """Return the next token: the likeliest, or one drawn from the likeliest that make up `top_p`."""
    if bool(torch.isnan(scores).any()):
        raise ArithmeticError("the model's scores are not numbers: half precision has overflowed")
    if sampling.temperature < _GREEDY_BELOW or sampling.top_p <= 0:
        return int(torch.argmax(scores))
    shares, tokens = torch.softmax(scores / sampling.temperature, dim=-1).sort(descending=True)
    shares[shares.cumsum(dim=-1) - shares >= sampling.top_p] = 0.0
    return int(tokens[torch.multinomial(shares, 1, generator=random)])


def _copy_small(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file() and path.suffix in (".json", ".py", ".model", ".txt"):
            shutil.copyfile(str(path), str(target / path.name))


def _is_nz(chip: int) -> bool:
    if chip not in _NZ_CHIPS and chip not in _ND_CHIPS:
        raise Fault(
            IMAGE_MISMATCH,
            f"these kernels are for Ascend 310P and 910B, and this chip (SoC version {chip}) is neither",
        )
    return chip in _NZ_CHIPS


def _given_length(settings: Settings) -> int:
    """Return the longest context: what is asked for, else what the pod's MAX_SEQ_LEN makes room for."""
    given = os.environ.get("MAX_SEQ_LEN", "")
    return settings.context_length or (int(given) if given.isdigit() else DEFAULT_LENGTH)


def _device(text: str) -> int:
    if not text.isdigit():
        raise Fault(BAD_SETTING, f"the atb option device is '{text}': it must be a whole number")
    return int(text)


def _tree(text: Optional[str]) -> str:
    if not text:
        raise Fault(
            BAD_SETTING, "the atb option tree is missing: it is the folder of ModelLink's source tree"
        )
    return text
