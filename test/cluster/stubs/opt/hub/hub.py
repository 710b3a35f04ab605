"""A hub inside the cluster: speaks the Hugging Face API for tiny models, and serves what links would lead to.

    python3 hub.py [--port 80] [--token-env HUB_TOKEN]

`/api/models/<repository>/tree/<revision>` lists the files of every repository there could be, and
`/<repository>/resolve/<revision>/<file>` sends them, ranges too (huggingface_hub
src/huggingface_hub/hf_api.py list_repo_tree, constants.py HUGGINGFACE_CO_URL_TEMPLATE). Repositories of the
owner `private` want the token that the environment variable names; of the owner `corrupt` one file has
other bytes than the list says, as many; files of the owner `slow` come with 150 KB a second when they are
asked for first. `/link/<host>/<path>` stands for https://<host>/<path>: an archive whose path names a folder
of `trees`, or the repository and commit of one, is that folder, any other archive the tree `mindformers`; a
share with dl=1 is the AdvertiseGen data set or C-Eval, anything else a small file. For tests, `/seen` answers
with the requests so far, one a line, and `/sent` with the bytes of files that left so far by path, as JSON.
"""

import argparse
import collections
import hashlib
import io
import json
import os
import re
import signal
import tarfile
import threading
import time
import urllib.parse
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
# What the patches of a model's code look for, and no more.
MODELING = """import sys
import torch
from torch.nn.utils import skip_init

if sys.platform != 'darwin':
    torch._C._jit_set_profiling_mode(False)
    torch._C._jit_set_profiling_executor(False)
    torch._C._jit_override_can_fuse_on_cpu(True)
    torch._C._jit_override_can_fuse_on_gpu(True)


def attention(query, key, attention_scores, attention_mask):
    pytorch_major_version = int(torch.__version__.split('.')[0])
    if pytorch_major_version >= 2:
        return torch.nn.functional.scaled_dot_product_attention(query, key, key, attention_mask)
    if attention_mask is not None:
        attention_scores = attention_scores.masked_fill(attention_mask, float("-inf"))
    return torch.concat([query, key, attention_scores], dim=-1)


def layer():
    return skip_init(torch.nn.Linear, 4, 4)
"""
SMALL = {
    "config.json": json.dumps(
        {
            "architectures": ["ChatGLMModel"],
            "num_layers": 28,
            "seq_length": 8192,
            "vocab_size": 130528,
            "torch_dtype": "float16",
        }
    ),
    "generation_config.json": "{}",
    "tokenizer_config.json": json.dumps({"tokenizer_class": "ChatGLMTokenizer"}),
    "configuration_chatglm.py": "# a stand-in\n",
    "modeling_chatglm.py": MODELING,
    "tokenization_chatglm.py": "# a stand-in\n",
    "quantization.py": "# a stand-in\n",
}
# What the stand-ins for MindSpore and MindFormers read.
LINKED = {
    "glm3_6b.ckpt": json.dumps({"transformer.weight": list(range(16)), "transformer.bias": [1]}),
    "tokenizer.model": "spm: a tokenizer",
}
# Only where the repository's name says that it is of a model with no other weights.
INDEX = "pytorch_model.bin.index.json"
INDEXED = ("chatglm-6b", "chatglm2-6b", "chatglm3-6b")
SMALL_INDEX = json.dumps({"weight_map": {f"layers.{i}": f"pytorch_model-{i:05d}-of-00003.bin" for i in (1, 2, 3)}})
OCTETS = "application/octet-stream"
PARTS = [f"{i:05d}-of-00003" for i in (1, 2, 3)]
LARGE = (
    ["ice_text.model", "tokenizer.model"]
    + [f"pytorch_model-{part}.bin" for part in PARTS]
    + [f"model-{part}.safetensors" for part in PARTS]
)
DAMAGED = "model-00002-of-00003.safetensors"
SLOW_BYTES = 15_000  # every 0.1 s
SEEN = []
SENT = collections.Counter()
COUNTING = threading.Lock()


@lru_cache(maxsize=None)
def large(name):
    """The content of a large file: 1 MiB that only its name decides."""
    block = hashlib.sha256(name.encode()).hexdigest().encode()
    return block * (1024 * 1024 // len(block))


def small(repository):
    """The small files of a repository, by name."""
    return {**SMALL, INDEX: SMALL_INDEX} if repository.endswith(INDEXED) else SMALL


def content(repository, name):
    files = small(repository)
    return files[name].encode() if name in files else large(name) if name in LARGE else None


def listing(repository):
    """The tree as the API lists it: a git blob id for each, and for LFS files the sha256 of the content."""
    entries = []
    for name in sorted(small(repository)) + LARGE:
        data = content(repository, name)
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        entry = {"type": "file", "oid": blob, "size": len(data), "path": name}
        if name in LARGE:
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        entries.append(entry)
    return entries


def archive(files):
    """A tar.gz that is the same every time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


@lru_cache(maxsize=None)
def tree(name):
    """The stand-in for a source tree, as an archive with one folder at the top."""
    files = []
    top = os.path.join(HERE, "trees", name)
    for folder, _, names in sorted(os.walk(top, followlinks=True)):
        if os.path.basename(folder) == "__pycache__":
            continue
        for file_name in sorted(names):
            path = os.path.join(folder, file_name)
            with open(path, "rb") as file:
                files.append((name + "-stub/" + os.path.relpath(path, top), file.read()))
    return archive(files)


def tree_of(path):
    """The folder that the path names; of a repository with several, `name@commit`, the one of its commit."""
    asked, names = path.lower(), sorted(os.listdir(os.path.join(HERE, "trees")))
    parts = [(name, *name.partition("@")) for name in names]
    found = [name for name, repository, _, commit in parts if f"/{repository}/" in asked and commit in asked]
    return found[-1] if found else "mindformers"


@lru_cache(maxsize=None)
def advertise_gen():
    row = json.dumps({"content": "类型#上衣*材质#牛仔布", "summary": "简单的牛仔布上衣。"}, ensure_ascii=False) + "\n"
    return archive([("AdvertiseGen/train.json", (row * 32).encode()), ("AdvertiseGen/dev.json", (row * 4).encode())])


@lru_cache(maxsize=None)
def ceval():
    rows = [json.dumps({"inputs_pretokenized": "问题", "label": label}) + "\n" for label in (1, 1, 0)]
    names = ("Social_Science/teacher_qualification", "Other/civil_servant")
    return archive([(f"CEval/val/{name}.jsonl", "".join(rows).encode()) for name in names])


def linked(path, query):
    if path.endswith(".tar.gz"):
        return tree(tree_of(path))
    if "e84444333b6d434ea7b0" in path:
        return ceval()
    if "dl=1" in query:
        return advertise_gen()
    if os.path.basename(path) in LINKED:
        return LINKED[os.path.basename(path)].encode()
    return large(path)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    token = None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        if path == "/seen":
            return self.answer(200, "".join(SEEN).encode(), "text/plain")
        if path == "/sent":
            return self.answer(200, json.dumps(SENT).encode())
        SEEN.append(f"{path}\n")
        if path.startswith("/link/"):
            return self.send_file(linked(path, url.query))
        return self.hub(path)

    do_HEAD = do_GET

    def hub(self, path):
        found = re.fullmatch(r"/api/models/(.+)/tree/([^/]+)", path) or re.fullmatch(
            r"/(.+)/resolve/([^/]+)/(.+)", path
        )
        if not found:
            return self.answer(404, b'{"error":"not found"}')
        if found.group(1).startswith("private/") and self.headers.get("Authorization") != f"Bearer {self.token}":
            return self.answer(
                401,
                b'{"error":"Invalid credentials in Authorization header"}',
                extra={"X-Error-Message": "Invalid credentials in Authorization header"},
            )
        if len(found.groups()) == 2:
            return self.answer(200, json.dumps(listing(found.group(1))).encode())
        data = content(found.group(1), found.group(3))
        if data is None:
            return self.answer(404, b'{"error":"Entry not found"}', extra={"X-Error-Code": "EntryNotFound"})
        if found.group(1).startswith("corrupt/") and found.group(3) == DAMAGED:
            data = large("other bytes")
        return self.send_file(data)

    def send_file(self, data):
        extra = {
            "Accept-Ranges": "bytes",
            "ETag": '"' + hashlib.sha256(data).hexdigest() + '"',
            "X-Repo-Commit": "0" * 40,
        }
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return self.answer(200, data, OCTETS, extra)
        start = int(asked.group(1))
        end = min(int(asked.group(2) or len(data) - 1), len(data) - 1)
        if start > end:
            return self.answer(416, b"", extra={"Content-Range": f"bytes */{len(data)}"})
        extra["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        return self.answer(206, data[start : end + 1], OCTETS, extra)

    def answer(self, status, body, kind="application/json", extra=None):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(extra or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.write(body, kind)

    def write(self, body, kind):
        """Send the body, counting the bytes of files as they leave."""
        slow = self.path.startswith("/slow/") and kind == OCTETS and self.path not in SENT
        step = SLOW_BYTES if slow else len(body) or 1
        for start in range(0, len(body), step):
            block = body[start : start + step]
            self.wfile.write(block)
            if kind == OCTETS:
                with COUNTING:
                    SENT[self.path] += len(block)
            if slow:
                time.sleep(0.1)

    def log_message(self, form, *values):
        print(form % values, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--token-env", default="HUB_TOKEN")
    options = parser.parse_args()
    Handler.token = os.environ.get(options.token_env)
    server = ThreadingHTTPServer(("", options.port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
