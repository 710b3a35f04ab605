"""The hub of the cluster tests with what the MindFormers charts download.

Weights that are numbers, the source tree of each pinned commit, and ADGEN. With SLOW=1 a file comes in pieces
when it is asked for first, so that its download can be killed in the middle.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "cluster/stubs/opt/hub"))

import hub  # noqa: E402
import published  # noqa: E402

SHARD = re.compile(r"(pytorch_model|model)-0000(\d)-of-00003\.(bin|safetensors)")
PIECES = 8
TRAIN_ROWS, DEV_ROWS = 96, 4
hub_content, hub_linked = hub.content, hub.linked


def content(repository, name):
    found = SHARD.fullmatch(name)
    if found:
        write = published.torch_zip if found.group(3) == "bin" else published.safetensors
        return write(published.shard(repository, int(found.group(2))))
    return f"spm: {name}".encode() if name.endswith(".model") else hub_content(repository, name)


def small(repository):
    return {
        **hub.SMALL,
        "pytorch_model.bin.index.json": published.index(repository, "pytorch_model-0000{}-of-00003.bin"),
        "model.safetensors.index.json": published.index(repository, "model-0000{}-of-00003.safetensors"),
    }


def tree(commit):
    """Return the archive of a commit, as the code host makes it."""
    top = HERE / "trees" / commit
    files = sorted(path for path in top.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return hub.archive([(f"mindformers-{commit}/{path.relative_to(top)}", path.read_bytes()) for path in files])


def linked(path, query):
    found = re.search(r"/mindspore-lab/mindformers/archive/(\w{7})\w{33}\.tar\.gz$", path)
    return tree(found.group(1)) if found else hub_linked(path, query)


def advertise_gen():
    def rows(count):
        lines = ({"content": f"类型#裙*编号#{number}", "summary": "这件裙子"} for number in range(count))
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()

    return hub.archive([("AdvertiseGen/train.json", rows(TRAIN_ROWS)), ("AdvertiseGen/dev.json", rows(DEV_ROWS))])


SLOWED = set()


class Handler(hub.Handler):
    def write(self, body, kind):
        # One byte is a question after the length.
        if kind != hub.OCTETS or len(body) < PIECES or self.path in SLOWED or "SLOW" not in os.environ:
            return super().write(body, kind)
        SLOWED.add(self.path)
        size = len(body) // PIECES + 1
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            time.sleep(0.1)


hub.content, hub.small, hub.linked, hub.advertise_gen, hub.Handler = content, small, linked, advertise_gen, Handler

if __name__ == "__main__":
    hub.main()
