"""One rank: makes its configuration, runs its script from where the training was, notes its checkpoints."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from artifacts.durable import replace_file
from artifacts.storage import storing
from pod.exit_codes import BAD_SETTING, DONE, NOT_FOUND, TERMINATED, Fault
from pod.main import run
from training import resume
from training.ending import has_ended, note_end
from training.options import NAME, NONE, Options, Place, parse, place_of
from training.recorder import Recorder
from training.save_on_term import SaveOnTerm, StopPoint, install
from training.script import Failed, run_script
from training.settings import apply, yaml
from training.steps import FOLDER, Notes, Step, complete, drop_older, next_run, rank_folder, survey

log = logging.getLogger(NAME)

KEPT = 2
"""Steps: the newest may turn out to be unreadable."""

NOTHING_LEFT = ("initial_epoch", "reset step must be less than dataset_size")
"""What Model.train and the data's pipeline complain of when the step that they go on from is the last one."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    place = place_of(os.environ)
    _keep_to_own_logger()
    with storing(options.output):
        if not place.scheduler:
            rank_folder(options.output, place.rank).mkdir(parents=True, exist_ok=True)
        if options.resume != NONE and has_ended(options.output, place.ranks):
            log.info("all %d ranks have come to their end: nothing is left to train", place.ranks)
            return DONE
        found = survey(options.output)
        step = _newest(options.output, found, place) if options.resume != NONE else None
        number = next_run(found)
    argv = _arguments(options, place, step)
    log.info("%s of %d: %s %s", place.name, place.ranks, options.script, " ".join(argv))
    if place.scheduler:
        return _schedule(options, argv)
    return _train(options, place, number, argv, step is not None)


def _newest(output: Path, found: Notes, place: Place) -> Optional[Step]:
    """Return the step to go on from, and make room: of what runs before have finished two steps are kept."""
    steps = complete(output, found, place.ranks, KEPT)
    if len(steps) == KEPT and not place.scheduler:
        dropped = drop_older(rank_folder(output, place.rank), steps[0].files[place.rank])
        if dropped:
            log.info("removed %d older checkpoints: %s", len(dropped), ", ".join(dropped))
    return steps[-1] if steps else None


def _arguments(options: Options, place: Place, step: Optional[Step]) -> Tuple[str, ...]:
    """Write this rank's configuration and return the arguments of the script.

    Ranks may share their working directory, so each has a folder there.
    """
    folder = Path.cwd() / NAME / place.name
    document = _load(options.config)
    apply(document, options.settings)
    given = options.arguments
    if step is not None:
        resume.neutralize(document)
        path = resume.load_path(step, place.rank, document, folder / resume.LINKS)
        given = resume.arguments(given, options.resume, path)
        log.info(
            "going on from epoch %d step %d, finished by all %d ranks", step.epoch, step.step, place.ranks
        )
    elif options.resume != NONE:
        log.info("no step is finished by all %d ranks: beginning at the beginning", place.ranks)
    return resume.with_config(given, _write(document, folder / options.config.name))


def _load(path: Path) -> Any:  # noqa: ANN401 (a configuration)
    try:
        return yaml().safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Fault(NOT_FOUND, f"configuration {path} cannot be read: {error.strerror}") from error
    except yaml().YAMLError as error:
        raise Fault(
            BAD_SETTING, f"configuration {path} is no YAML: {' '.join(str(error).split())}"
        ) from error


def _write(document: Any, path: Path) -> Path:  # noqa: ANN401 (a configuration)
    text: str = yaml().safe_dump(document, sort_keys=False, allow_unicode=True)
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode("utf-8"))
    return path


def _schedule(options: Options, argv: Tuple[str, ...]) -> int:
    """Run the script as MindSpore's scheduler, which ends by itself once the ranks have ended."""
    if options.save_on_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        run_script(options.script, argv)
    except Failed as failed:
        return failed.code
    return DONE


def _train(options: Options, place: Place, number: int, argv: Tuple[str, ...], resumed: bool) -> int:
    saver = None
    if options.save_on_term:
        saver = SaveOnTerm(StopPoint(options.output / FOLDER / f".stop_{number}", place))
        install(saver)
    try:
        with Recorder(rank_folder(options.output, place.rank), place, number):
            run_script(options.script, argv)
    except Failed as failed:
        if resumed and any(words in str(failed) for words in NOTHING_LEFT):
            log.info("the step that it went on from is the last one: nothing is left to train")
            return DONE
        return failed.code
    if saver is not None and saver.stopped:
        log.warning("saved and stopped before the end, as told by SIGTERM")
        return TERMINATED
    with storing(options.output):
        note_end(rank_folder(options.output, place.rank), number, place.ranks)
    return DONE


def _keep_to_own_logger() -> None:
    """Have the root logger as the script expects it: else its own lines would come out twice."""
    root = logging.getLogger()
    handlers: List[logging.Handler] = root.handlers
    log.handlers, log.propagate, root.handlers = handlers, False, []
    log.setLevel(logging.INFO)
    root.setLevel(logging.WARNING)
