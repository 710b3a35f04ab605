"""Models of Hugging Face's transformers, on a CPU, an Ascend NPU (torch_npu) or a Cambricon MLU (torch_mlu).

The model's own `generate` makes the tokens, with a stopping criterion that sees each one as it comes and
ends the generation when nobody wants more. Other ways fit fewer versions: streamers come with transformers
4.28, and the calls that a loop around `forward` needs (position ids, masks, caches) differ between the
generations of GLM and between transformers 4.27 (the MLU guide), 4.30 (ChatGLM2), 4.40 (ChatGLM3, GLM-4) and
5. Stopping criteria have been the same in all of them: the tokens are those of `generate` with the code of
ChatGLM-6B (4.27.4), ChatGLM2 (4.30.2), ChatGLM3 (4.30.2 and 4.40.2) and transformers' own GLM (5.23).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Callable, Dict, List, Set

from pod.exit_codes import BAD_ARTIFACT, IMAGE_MISMATCH, Fault
from serve.backend import Progress, Settings
from serve.backends.backend_options import check_names, choice, context_length, model_folder
from serve.backends.checkpoint_vocabulary import check_vocabulary
from serve.backends.family_check import check_family
from serve.backends.generating_backend import GeneratingBackend, Loaded
from serve.backends.load_progress import watching
from serve.backends.model_thread import Put
from serve.backends.vendor_package import Vendor, vendor_package
from serve.backends.vocabulary import Vocabulary
from serve.sampling import Sampling

_log = logging.getLogger(__name__)
_IMAGE = "torch, transformers and what the model's code imports"
_EXTENSIONS = {"cpu": None, "npu": "torch_npu", "mlu": "torch_mlu"}
_DATA_TYPES = ("float32", "float16", "bfloat16")
_NAMES = ("device", "data-type")
_CONTEXT_KEYS = ("seq_length", "max_sequence_length", "max_position_embeddings")
_GREEDY_BELOW = 0.001  # half-precision scores overflow when divided by less


class _Loaded(Loaded):
    def __init__(self, vocabulary: Vocabulary, ends: Set[int], model: Vendor, torch: Vendor) -> None:
        super().__init__(vocabulary, ends)
        self.model, self.torch = model, torch
        self.transformers = vendor_package("transformers", _IMAGE)


class TransformersBackend(GeneratingBackend[_Loaded]):
    """Serves a Hugging Face model folder, with the model's own code where it brings some.

    Options: `device` (`cpu`, the default, `npu` or `mlu`) and `data-type` (`float32` on the CPU, `float16`
    on the others, or `bfloat16`). One generation at a time.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        check_names("transformers", settings, _NAMES)
        self._device = choice("transformers", settings, "device", "cpu", tuple(_EXTENSIONS))
        usual = "float32" if self._device == "cpu" else "float16"
        self._data_type = choice("transformers", settings, "data-type", usual, _DATA_TYPES)
        self._folder = model_folder("transformers", settings)
        self._settings = settings

    def read(self, progress: Progress) -> _Loaded:
        """Load tokenizer and weights, and move them to the device."""
        progress(0.0, "importing torch")
        torch = vendor_package("torch", _IMAGE)
        transformers = vendor_package("transformers", _IMAGE)
        self._prepare_device(torch)
        progress(0.02, "reading the tokenizer")
        config = transformers.AutoConfig.from_pretrained(str(self._folder), trust_remote_code=True)
        self.context_length = context_length(self._settings, _allowed_context(config))
        if self._settings.model_family == "chatglm":
            check_vocabulary(self._folder, int(config.vocab_size))
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(self._folder), trust_remote_code=True)
        vocabulary = Vocabulary(tokenizer)
        check_family(self._settings.model_family, vocabulary)
        _check_mask_token(self._folder, config, vocabulary)
        with watching(self._folder, progress):
            model = self._read_weights(torch, transformers, config)
        progress(0.9, f"moving the weights to the {self._device}")
        model = model.to(self._device).eval()
        _log.info("torch %s, transformers %s, %s", torch.__version__, transformers.__version__, self._device)
        return _Loaded(vocabulary, _own_ends(model) | vocabulary.ends(()), model, torch)

    def produce(self, loaded: _Loaded, ids: List[int], sampling: Sampling, ends: Set[int], put: Put) -> None:
        """Generate, and put each token as soon as the model has chosen it."""
        torch = loaded.torch
        device = loaded.model.device
        given = torch.tensor([ids], dtype=torch.long, device=device)
        watch = _Watch(len(ids), ends, put)
        settings = _generation_settings(sampling, ends)
        if sampling.seed is not None:
            _seed(torch, device.type, sampling.seed)
        made = loaded.model.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=sampling.max_tokens,
            stopping_criteria=loaded.transformers.StoppingCriteriaList([watch]),
            logits_processor=loaded.transformers.LogitsProcessorList([_refuse_nan(torch)]),
            **settings,
        )
        watch.take(made[0])

    def _prepare_device(self, torch: Vendor) -> None:
        extension = _EXTENSIONS[self._device]
        if extension is None:
            return
        vendor_package(extension, f"{extension} for the {self._device}")
        device: Vendor = getattr(torch, self._device, None)
        if device is not None and not device.is_available():
            raise Fault(
                IMAGE_MISMATCH,
                f"{extension} is there but finds no device: check the pod's devices and its node's driver",
            )
        if self._device == "npu" and hasattr(device, "set_compile_mode"):
            device.set_compile_mode(
                jit_compile=False
            )  # else every new length of text compiles operators anew

    def _read_weights(self, torch: Vendor, transformers: Vendor, config: Vendor) -> Vendor:
        # The code of ChatGLM-6B and ChatGLM2 registers itself as AutoModel; transformers' own GLM has its
        # language model only as AutoModelForCausalLM.
        remote = getattr(config, "auto_map", None) or {}
        causal = "AutoModelForCausalLM" in remote or not remote
        kind = transformers.AutoModelForCausalLM if causal else transformers.AutoModel
        return kind.from_pretrained(
            str(self._folder),
            config=config,
            trust_remote_code=True,
            torch_dtype=getattr(torch, self._data_type),
        )


def _allowed_context(config: Vendor) -> int:
    return next((int(getattr(config, key)) for key in _CONTEXT_KEYS if getattr(config, key, None)), 0)


def _check_mask_token(folder: Path, config: Vendor, vocabulary: Vocabulary) -> None:
    """Refuse a tokenizer of another revision than the code: ChatGLM-6B's config says where [gMASK] is."""
    expected = getattr(config, "gmask_token_id", None)
    found = None if expected is None else vocabulary.special("[gMASK]")
    if found != expected:
        raise Fault(
            BAD_ARTIFACT,
            f"the tokenizer in {folder} has [gMASK] as {found}, but its config.json as {expected}: "
            "take weights, code and tokenizer of one revision",
        )


def _own_ends(model: Vendor) -> Set[int]:
    """Return what the model itself takes for the end: one id or several, of either config."""
    ends: Set[int] = set()
    for config in (model.config, getattr(model, "generation_config", None)):
        own = getattr(config, "eos_token_id", None)
        ends |= {own} if isinstance(own, int) else set(own or ())
    return ends


class _Watch:
    """A stopping criterion: passes on the tokens that are new, and ends the generation when told to."""

    def __init__(self, seen: int, ends: Set[int], put: Put) -> None:
        self._seen = seen
        self._ends = ends
        self._put = put
        self._wanted = True

    def __call__(self, input_ids: Vendor, scores: object, **_more: object) -> bool:
        """Say whether the answer is to end here."""
        self.take(input_ids[0])
        return not self._wanted

    def take(self, row: Vendor) -> None:
        """Pass on what is new; some versions end without asking the criteria about the last token."""
        for token in row[self._seen :].tolist():
            self._seen += 1
            if self._wanted:
                self._wanted = self._put(token) and token not in self._ends


def _generation_settings(sampling: Sampling, ends: Set[int]) -> Dict[str, object]:
    """Return what `generate` is told: what is left out here, the model's generation_config.json decides."""
    greedy = sampling.temperature < _GREEDY_BELOW or sampling.top_p <= 0
    end_ids = sorted(ends)
    return {
        "do_sample": not greedy,
        "temperature": 1.0 if greedy else sampling.temperature,
        "top_p": 1.0 if greedy else sampling.top_p,
        "top_k": 50 if greedy else 0,  # 0 is off; when greedy it is not looked at, but 50 is not warned about
        "num_beams": 1,
        "eos_token_id": end_ids,
        "pad_token_id": end_ids[0],
    }


def _seed(torch: Vendor, device: str, seed: int) -> None:
    torch.manual_seed(seed)
    if device != "cpu" and hasattr(getattr(torch, device, None), "manual_seed_all"):
        getattr(torch, device).manual_seed_all(seed)


def _refuse_nan(torch: Vendor) -> Callable[[object, Vendor], Vendor]:
    """Return a processor of scores that ends a generation gone wrong, where sampling would babble."""

    def check(_input_ids: object, scores: Vendor) -> Vendor:
        if bool(torch.isnan(scores).any()):
            raise ArithmeticError("the model's scores are not numbers: half precision has overflowed")
        return scores

    return check
