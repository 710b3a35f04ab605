"""Small weights in the formats of Hugging Face: safetensors, and the zip of `torch.save` with its pickle."""

import io
import json
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

LAYER = "transformer.encoder.layers.0."
BLOCK = "transformer.layers.0."
MODELS = {
    "THUDM/chatglm3-6b": (
        {"transformer.embedding.word_embeddings.weight": 16, f"{LAYER}input_layernorm.weight": 4},
        {f"{LAYER}self_attention.query_key_value.weight": 16, "transformer.encoder.final_layernorm.weight": 4},
        {"transformer.output_layer.weight": 16, "transformer.rotary_pos_emb.inv_freq": 2},
    ),
    "THUDM/chatglm-6b": (
        {
            "transformer.word_embeddings.weight": 16,
            f"{BLOCK}input_layernorm.weight": 4,
            f"{BLOCK}input_layernorm.bias": 4,
        },
        {f"{BLOCK}attention.query_key_value.weight": 16, f"{BLOCK}attention.rotary_emb.inv_freq": 2},
        {"transformer.final_layernorm.weight": 4, "transformer.final_layernorm.bias": 4, "lm_head.weight": 16},
    ),
}
"""The shards of a repository: numbers of a tensor by its name. The n-th tensor of a shard holds n, n + 1, ..."""


def shard(repository, number):
    """Return the tensors of the shard `number`, from 1 on: half-precision numbers by name."""
    sizes = MODELS[repository][number - 1]
    return {
        name: [float(first + index) for index in range(count)] for first, (name, count) in enumerate(sizes.items(), 1)
    }


def index(repository, name):
    """Return the index that names the shard of each tensor; `name` is the shards' name with a place for a number."""
    names = ((tensor, number) for number, sizes in enumerate(MODELS[repository], 1) for tensor in sizes)
    return json.dumps({"metadata": {}, "weight_map": {tensor: name.format(number) for tensor, number in names}})


def safetensors(tensors):
    header, data = {}, b""
    for name, values in tensors.items():
        packed = struct.pack(f"<{len(values)}e", *values)
        header[name] = {"dtype": "F16", "shape": [len(values)], "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class _Storage:
    def __init__(self, key, values):
        self.key, self.values = key, values


class _Tensor:
    def __init__(self, storage):
        self.storage = storage

    def __reduce__(self):
        count = len(self.storage.values)
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (self.storage, 0, (count,), (1,), False, OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        if not isinstance(thing, _Storage):
            return None
        return "storage", sys.modules["torch"].HalfStorage, thing.key, "cpu", len(thing.values)


def _stand_in_for_torch():
    """Have pickles name what torch's own name."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.HalfStorage = type("HalfStorage", (), {"__module__": "torch"})

    def rebuild(*_):
        """Is named and never called."""

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    sys.modules.update({"torch": torch, "torch._utils": utils})


def torch_zip(tensors):
    _stand_in_for_torch()
    storages = {name: _Storage(str(key), values) for key, (name, values) in enumerate(tensors.items())}
    state, archive = io.BytesIO(), io.BytesIO()
    _Pickler(state, 2).dump(OrderedDict((name, _Tensor(storage)) for name, storage in storages.items()))
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo("archive/data.pkl"), state.getvalue())
        for storage in storages.values():
            data = struct.pack(f"<{len(storage.values)}e", *storage.values)
            file.writestr(zipfile.ZipInfo(f"archive/data/{storage.key}"), data)
        file.writestr(zipfile.ZipInfo("archive/version"), "3\n")
    return archive.getvalue()
