"""The names and signatures of `Trainer`, over the same trainer as run_mindformer.py's."""

import os
import shutil
from pathlib import Path

from answering import MindFormerConfig
from tiny_glm import Place

from mindformers.trainer.causal_language_modeling import CausalLanguageModelingTrainer

MODELS = ("glm_6b", "glm_6b_chat", "glm_6b_lora", "glm_6b_lora_chat")
CONFIGS = Path(__file__).resolve().parents[2] / "configs"


class Trainer:
    def __init__(
        self, args=None, task="general", model=None, model_name=None, train_dataset=None, eval_dataset=None,
        tokenizer=None, image_processor=None, audio_processor=None, optimizers=None, wrapper=None, pet_method="",
        callbacks=None, eval_callbacks=None, compute_metrics=None, save_config=False, **kwargs,
    ):  # fmt: skip
        if not os.path.exists("configs"):
            shutil.copytree(str(CONFIGS), "configs")
        assert task == "text_generation", task
        assert model in MODELS, f"model must be in {MODELS} when model's type is string, but get {model}."
        assert args.endswith((".yaml", ".yml")), args
        self.config, self.callbacks = MindFormerConfig(args), callbacks
        for section, dataset in ((self.config.train_dataset, train_dataset), (self.config.eval_dataset, eval_dataset)):
            if dataset is not None:
                assert os.path.exists(dataset), f"dataset path must be exist, but get {dataset}."
                section.data_loader.dataset_dir = dataset
        os.environ.setdefault("LOCAL_DEFAULT_PATH", self.config.output_dir)

    def set_parallel_config(
        self, data_parallel=1, model_parallel=1, expert_parallel=1, pipeline_stage=1, micro_batch_interleave_num=1,
        micro_batch_num=1, optimizer_shard=False, gradient_aggregation_group=4, vocab_emb_dp=True,
    ):  # fmt: skip
        self.config.parallel_config.update(
            data_parallel=data_parallel, model_parallel=model_parallel, pipeline_stage=pipeline_stage
        )
        self.config.use_parallel = True

    def finetune(
        self, finetune_checkpoint=False, resume_training=False, auto_trans_ckpt=False, do_eval=False, **kwargs
    ):
        assert isinstance(finetune_checkpoint, (str, bool)), finetune_checkpoint
        self._load(finetune_checkpoint, resume_training)
        self._trainer().train(self.config, callbacks=self.callbacks)

    def evaluate(self, eval_checkpoint=False, auto_trans_ckpt=False, **kwargs):
        self._load(eval_checkpoint, False)
        self._trainer().evaluate(self.config)

    def _load(self, checkpoint, resume):
        is_folder = resume or os.path.isdir(checkpoint)
        self.config.load_checkpoint = checkpoint if is_folder else None
        self.config.model.model_config.checkpoint_name_or_path = None if is_folder else checkpoint
        self.config.resume_training = resume

    def _trainer(self):
        return CausalLanguageModelingTrainer(Place(self.config.use_parallel))
