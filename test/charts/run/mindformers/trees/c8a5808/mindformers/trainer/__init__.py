"""MindFormers' Trainer, and the trainer behind it that run_mindformer.py asks, too."""

from mindformers.trainer.causal_language_modeling import CausalLanguageModelingTrainer
from mindformers.trainer.trainer import Trainer

__all__ = ["CausalLanguageModelingTrainer", "Trainer"]
