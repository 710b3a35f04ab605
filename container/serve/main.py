"""Starts the server, and ends it well."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
import time
from queue import Empty, SimpleQueue
from typing import Dict, Optional, Sequence, Tuple

from pod.exit_codes import BAD_SETTING, DONE, TERMINATED, TRANSIENT, Fault
from pod.main import run
from serve.application import Application
from serve.backends.registry import BACKENDS
from serve.errors import unavailable
from serve.keys import keys_from
from serve.lifecycle import READY, Lifecycle
from serve.metrics import Gauge, new_metrics
from serve.model import Model
from serve.options import Options, parse
from serve.prompts import FAMILIES
from serve.scheduler import Scheduler
from serve.wire.listener import Listener

_log = logging.getLogger(__name__)
_SWITCH_SECONDS = 0.0005  # a tenth of the default: a thread that computes must not delay the others' tokens
_AWAKE_SECONDS = 0.2
_LAST_SECONDS = 2.0  # of the time to drain: what is not answered by then is told so


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Serve until a signal or a fault, and end the process with the exit code."""
    code = run("serve", lambda: Server(parse(arguments)).run())
    sys.stdout.flush()
    # Connections are threads that may be writing a line just now, at which the interpreter's own way out of
    # Python 3.7 aborts; and a load that is under way cannot be interrupted.
    os._exit(code)


class Server:
    """The parts, put together. A signal or a `Fault` of the model ends it, through one queue."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._ends: SimpleQueue[Optional[Fault]] = SimpleQueue()
        self._model = _model(options)
        self._listener = _listener(options, Application(self._model, keys_from(options.api_keys_env)))
        self._model.metrics.gauges.update(_gauges(self._model, self._listener, options.queue_size))

    def run(self) -> int:
        """Serve, drain, end."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ends.put(None))
        threading.Thread(target=self._load_and_work, name="model-0", daemon=True).start()
        self._listener.start()
        _log.info("listening on %s:%d", *self._listener.address)
        try:
            # The kernel may give a signal to any thread, but Python handles it on this one, once it is awake.
            while not self._wait_for_end(_AWAKE_SECONDS):
                pass
            self._drain()
        finally:
            self._listener.close()
            self._model.backend.stop()
        return DONE

    def _load_and_work(self) -> None:
        lifecycle, name = self._model.lifecycle, self._model.name
        _log.info("loading model '%s'", name)
        try:
            self._model.backend.load(lifecycle.advance)
        except Fault as fault:
            self._ends.put(fault)
            return
        except (
            Exception,
            SystemExit,
        ) as error:  # vendors' code calls exit() too, which would end this thread only
            _log.exception("the model did not load")
            self._ends.put(Fault(TRANSIENT, f"model '{name}' did not load: {type(error).__name__}: {error}"))
            return
        lifecycle.loaded()
        context = self._model.backend.context_length
        _log.info(
            "model '%s' is loaded after %.1f s, context %d tokens", name, lifecycle.load_seconds, context
        )
        for index in range(1, self._model.backend.concurrency):
            threading.Thread(target=self._work, name=f"model-{index}", daemon=True).start()
        self._work()

    def _work(self) -> None:
        self._model.scheduler.work(self._ends.put)

    def _wait_for_end(self, timeout: float) -> bool:
        """Say whether a signal came; raise the fault if it was one."""
        try:
            end = self._ends.get(timeout=timeout)
        except Empty:
            return False
        if end is not None:
            raise end
        return True

    def _drain(self) -> None:
        lifecycle = self._model.lifecycle
        was_ready = lifecycle.state == READY
        lifecycle.drain()
        if was_ready:
            _log.info("ending: not ready any more, accepting for %g s", self._options.drain_delay)
            self._pause(self._options.drain_delay)
        lifecycle.close()
        _log.info("ending: accepting no more, %d requests to finish", lifecycle.active)
        until = time.monotonic() + max(0.0, self._options.drain_timeout - _LAST_SECONDS)
        while not lifecycle.wait_idle(0.1):
            self._pause(0.0)
            if time.monotonic() >= until:
                self._abandon()
                return
        _log.info("every request is answered: done")

    def _abandon(self) -> None:
        """Tell clients that their answers will not be whole: the pod would be killed with them under way."""
        model = self._model
        _log.warning(
            "ending: %d requests are not answered after %g s and are refused",
            model.lifecycle.active,
            self._options.drain_timeout,
        )
        message = "the server shut down before this answer was whole: try another replica"
        model.scheduler.abandon(unavailable(message, "shutting_down", 1))
        until = time.monotonic() + _LAST_SECONDS
        while (model.lifecycle.active or model.scheduler.running) and time.monotonic() < until:
            time.sleep(0.05)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._wait_for_end(min(_AWAKE_SECONDS, max(0.001, until - time.monotonic()))):
            if time.monotonic() >= until:
                return
        unfinished = self._model.lifecycle.active
        raise Fault(TERMINATED, f"a second signal came with {unfinished} requests unfinished")


def _model(options: Options) -> Model:
    backend = BACKENDS[options.backend](options.settings)
    metrics = new_metrics()
    return Model(
        name=options.model_name,
        created=int(time.time()),
        family_name=options.settings.model_family,
        family=FAMILIES[options.settings.model_family],
        backend=backend,
        scheduler=Scheduler(backend, options.queue_size, metrics),
        lifecycle=Lifecycle(options.model_name),
        metrics=metrics,
        request_timeout=options.request_timeout,
    )


def _listener(options: Options, application: Application) -> Listener:
    try:
        return Listener(options.host, options.port, application.handle, options.limits)
    except OSError as error:
        # Another process on a shared network may leave the port; a wrong address stays wrong.
        code = TRANSIENT if error.errno == errno.EADDRINUSE else BAD_SETTING
        raise Fault(code, f"cannot listen on {options.host}:{options.port}: {error}") from None


def _gauges(model: Model, listener: Listener, capacity: int) -> Dict[str, Tuple[Gauge, str]]:
    return {
        "queue_length": (Gauge(lambda: model.scheduler.waiting), "Requests that wait for the model."),
        "queue_capacity": (Gauge(lambda: capacity), "Requests that may wait."),
        "running": (Gauge(lambda: model.scheduler.running), "Generations on the model."),
        "concurrency": (
            Gauge(lambda: model.backend.concurrency),
            "Generations that the model takes at once.",
        ),
        "ready": (Gauge(lambda: float(model.lifecycle.state == READY)), "1 when the model takes requests."),
        "load_seconds": (Gauge(lambda: model.lifecycle.load_seconds), "How long the model took to load."),
        "load_progress": (
            Gauge(lambda: model.lifecycle.progress),
            "How much of the model is loaded, 0 to 1.",
        ),
        "connections": (Gauge(lambda: listener.open_connections), "Clients that are connected."),
    }
