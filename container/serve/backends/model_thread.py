"""One thread that a model lives on, and tokens handed out of it one at a time."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Callable, Generator, List, Optional, TypeVar

_Result = TypeVar("_Result")
Put = Callable[[int], bool]
"""Takes the next token; says whether another one is wanted."""


class _Task:
    """A call on its way to the thread, and its end."""

    def __init__(self, body: Callable[[], None]) -> None:
        self._body = body
        self._error: Optional[BaseException] = None
        self._done = threading.Event()

    def run(self) -> None:
        try:
            self._body()
        except BaseException as error:  # vendors' code calls exit() too; the caller gets it
            self._error = error
        self._done.set()

    def wait(self) -> None:
        self._done.wait()

    def result(self) -> None:
        self.wait()
        if self._error is not None:
            raise self._error


class ModelThread:
    """Runs what concerns a model, always on the same thread.

    The generate functions of the vendors return when the answer is whole, so tokens must leave them on
    another thread than the one that wants them; and a device's context, or MindSpore's, belongs to the
    thread that made it, so load and generation share this one.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        self._thread: Optional[threading.Thread] = None

    def call(self, body: Callable[[], _Result]) -> _Result:
        """Return what `body` returns, or raise what it raises."""
        results: List[_Result] = []
        self._submit(lambda: results.append(body())).result()
        return results[0]

    def tokens(self, produce: Callable[[Put], None]) -> Generator[int, None, None]:
        """Yield the tokens that `produce` puts.

        Closing the generator makes the next `put` return False, and waits until `produce` has returned:
        the model is free then.
        """
        produced: SimpleQueue[Optional[int]] = SimpleQueue()
        unwanted = threading.Event()

        def put(token: int) -> bool:
            produced.put(token)
            return not unwanted.is_set()

        def body() -> None:
            try:
                produce(put)
            finally:
                produced.put(None)

        task = self._submit(body)
        try:
            yield from iter(produced.get, None)
            task.result()
        finally:
            unwanted.set()
            task.wait()

    def _submit(self, body: Callable[[], None]) -> _Task:
        task = _Task(body)
        self._tasks.put(task)
        if self._thread is None:
            # A daemon: a load cannot be interrupted, and must not hold up the end of the process.
            self._thread = threading.Thread(target=self._work, name="model-device", daemon=True)
            self._thread.start()
        return task

    def _work(self) -> None:
        while True:
            self._tasks.get().run()
