"""ChatGLM-6B by MindFormers' Trainer, on one rank of a job or alone.

What the guide's task.py shows (mindformers@c8a5808 docs/model_cards/glm.md) with the configuration as the one
place for numbers: parallelism, batch size and learning rate are read from there.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any, List, Optional, Sequence

from pod.exit_codes import DONE, IMAGE_MISMATCH, NOT_FOUND, Fault
from pod.main import run
from trainer.options import NAME, Options, parse

log = logging.getLogger(NAME)

Vendor = Any  # a thing of the vendor's packages, which are not there when this is checked


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    _import_from(options)
    config = _package("mindformers.tools.register").MindFormerConfig(str(options.config))
    config.use_parallel = options.use_parallel
    parallel = dict(config.parallel_config)
    _package("mindformers.core.context").build_context(config)
    if options.only_strategy:
        _freeze_nothing()
    trainer = _trainer(options, parallel)
    log.info(
        "%s of %s, %s", options.run_mode, options.model_type, parallel if options.use_parallel else "alone"
    )
    _run(trainer, options)
    return DONE


def _import_from(options: Options) -> None:
    """Have MindFormers come from the source tree, whatever the image has installed."""
    if not (options.source_tree / "mindformers").is_dir():
        raise Fault(NOT_FOUND, f"{options.source_tree} has no folder mindformers: is it a source tree of it?")
    sys.path.insert(0, str(options.source_tree))


def _package(name: str) -> Vendor:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"{name} cannot be imported ({error});"
            " the image needs MindSpore and what MindFormers' requirements name",
        ) from error


def _trainer(options: Options, parallel: Any) -> Vendor:  # noqa: ANN401 (a section of the configuration)
    trainer = _package("mindformers").Trainer(
        args=str(options.config),
        task=options.task,
        model=options.model_type,
        train_dataset=options.train_dataset_dir,
        eval_dataset=options.eval_dataset_dir,
        callbacks=_stop_after_compiling() if options.only_strategy else None,
    )
    if options.use_parallel:
        trainer.set_parallel_config(
            data_parallel=parallel["data_parallel"],
            model_parallel=parallel["model_parallel"],
            pipeline_stage=parallel["pipeline_stage"],
            optimizer_shard=parallel["optimizer_shard"],
            micro_batch_num=parallel["micro_batch_num"],
        )
    return trainer


def _run(trainer: Vendor, options: Options) -> None:
    if options.run_mode == "eval":
        trainer.evaluate(options.load_checkpoint)
    elif options.run_mode == "finetune":
        trainer.finetune(options.load_checkpoint, resume_training=options.resume_training)
    else:
        trainer.train(options.load_checkpoint or False, resume_training=options.resume_training)


def _freeze_nothing() -> None:
    """Leave all parameters trainable, for MindSpore before 2.0 writes the layout of those alone."""
    _package("mindformers.models.glm.glm").PetAdapter.freeze_pretrained_model = staticmethod(_nothing)


def _nothing(*_arguments: object, **_named: object) -> None:
    """Do nothing."""


def _stop_after_compiling() -> List[Vendor]:
    """Return the callback that ends training after a step: the strategy file is written by then."""
    callback: Any = _package("mindspore.train.callback").Callback

    class Stop(callback):  # type: ignore[misc]  # of the image's MindSpore
        def step_end(self, run_context: Vendor) -> None:
            log.info("compiled; stopping")
            run_context.request_stop()

    return [Stop()]
