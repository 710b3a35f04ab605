"""A source tree of MindFormers that only tells what it was asked: names and signatures of c8a5808, no more."""

from __future__ import annotations

import json
from pathlib import Path

CONFIG = {
    "use_parallel": False,
    "parallel_config": {
        "data_parallel": 1,
        "model_parallel": 8,
        "pipeline_stage": 1,
        "optimizer_shard": False,
        "micro_batch_num": 1,
        "vocab_emb_dp": True,
    },
}

_FILES = {
    "mindformers/__init__.py": """
import json, os
from mindformers.models.glm.glm import PetAdapter

def tell(name, **values):
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps([name, values], sort_keys=True) + "\\n")

class Trainer:
    def __init__(self, args=None, task="general", model=None, train_dataset=None, eval_dataset=None, callbacks=None):
        PetAdapter.freeze_pretrained_model(self, "lora")
        self.callbacks = callbacks
        tell("Trainer", args=args, task=task, model=model, train_dataset=train_dataset, eval_dataset=eval_dataset,
             callbacks=len(callbacks or []))

    def set_parallel_config(self, data_parallel=1, model_parallel=1, expert_parallel=1, pipeline_stage=1,
                            micro_batch_interleave_num=1, micro_batch_num=1, optimizer_shard=False,
                            gradient_aggregation_group=4, vocab_emb_dp=True):
        tell("set_parallel_config", data_parallel=data_parallel, model_parallel=model_parallel,
             pipeline_stage=pipeline_stage, micro_batch_num=micro_batch_num, optimizer_shard=optimizer_shard)

    def finetune(self, finetune_checkpoint=False, resume_training=False, auto_trans_ckpt=False, do_eval=False):
        tell("finetune", finetune_checkpoint=finetune_checkpoint, resume_training=resume_training)
        class Context:
            def request_stop(self):
                tell("request_stop")
        for callback in self.callbacks or []:
            callback.step_end(Context())

    def train(self, train_checkpoint=False, resume_training=False, auto_trans_ckpt=False, do_eval=False):
        tell("train", train_checkpoint=train_checkpoint, resume_training=resume_training)

    def evaluate(self, eval_checkpoint=False, auto_trans_ckpt=False):
        tell("evaluate", eval_checkpoint=eval_checkpoint)
""",
    "mindformers/tools/__init__.py": "",
    "mindformers/tools/register.py": """
import json

class MindFormerConfig(dict):
    def __init__(self, path):
        super().__init__(json.load(open(path)))
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__
""",
    "mindformers/core/__init__.py": "",
    "mindformers/core/context.py": """
def build_context(config):
    from mindformers import tell
    tell("build_context", use_parallel=config.use_parallel)
""",
    "mindformers/models/__init__.py": "",
    "mindformers/models/glm/__init__.py": "",
    "mindformers/models/glm/glm.py": """
class PetAdapter:
    @staticmethod
    def freeze_pretrained_model(model, pet_type):
        from mindformers import tell
        tell("freeze", pet_type=pet_type)
""",
    "mindspore/__init__.py": "",
    "mindspore/train/__init__.py": "",
    "mindspore/train/callback.py": "class Callback:\n    pass\n",
}


def make_tree(folder: Path) -> Path:
    """Write the tree into `folder` and return it."""
    for name, text in {**_FILES, "configs/glm.yaml": json.dumps(CONFIG)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
