"""Threads that wait for scorers, so that pages need not: a fixed number, and no queue without end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

MOST_THREADS = 8
"""Threads of one scorer."""
MOST_WAITING = 64
"""Calls that may wait for a thread; one that was given up counts until a thread takes it out."""


MOST_IDLE = 10.0
"""Seconds for which a thread waits for something to do, before it ends."""


class Busy(Exception):
    """Every thread is taken, and too many calls wait already."""


class Job:
    """One call: what came of it, and a lock that opens when it is done."""

    __slots__ = ("_call", "_lock", "_then", "_waiting", "error", "value")

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._waiting = threading.Lock()
        self._waiting.acquire()
        self._then: Callable[[], None] | None = None
        self.value: Any = None
        self.error: BaseException | None = None

    def wait(self, seconds: float) -> bool:
        """Whether it was done in time. If not, nobody waits for it; what has not begun never will."""
        if self._waiting.acquire(timeout=max(0.0, seconds)):
            return True
        self.abandon()
        return False

    def abandon(self) -> None:
        """Says that nobody waits for it."""
        with self._lock:
            self._call, self._then = _nothing, None

    def then(self, call: Callable[[], None]) -> None:
        """Calls this when it is done, from a thread of its own."""
        with self._lock:
            if self._waiting.locked():
                self._then = call
                return
        call()

    def run(self) -> None:
        with self._lock:
            call = self._call
        try:
            self.value = call()
        except BaseException as error:  # a scorer may raise anything, SystemExit included
            self.error = error
        with self._lock:
            self._waiting.release()
            then = self._then
        if then is not None:
            then()


class Workers:
    """A few daemon threads, started when they are needed. They end when idle, or when closed."""

    def __init__(self, name: str, threads: int = MOST_THREADS, waiting: int = MOST_WAITING) -> None:
        self._name, self._most, self._most_waiting = name, threads, waiting
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = self._idle = 0

    def submit(self, call: Callable[[], Any]) -> Job:
        """Has a thread make a call. Raises Busy."""
        if self._pid != os.getpid():  # in a forked process there are no threads but its first
            self._reset()
        job = Job(call)
        with self._lock:
            waiting = self._queue.qsize()
            if waiting - self._idle >= self._most_waiting:
                raise Busy
            self._queue.put(job)
            starts = waiting >= self._idle and self._threads < self._most
            self._threads += starts
        if starts:
            threading.Thread(target=self._work, name=f"tailored-{self._name}", daemon=True).start()
        return job

    def close(self) -> None:
        """Lets every thread end when its call is done."""
        with self._lock:
            for _ in range(self._threads):
                self._queue.put(None)
            self._threads = 0

    def _work(self) -> None:
        queue, lock = self._queue, self._lock
        while True:
            with lock:
                self._idle += 1
            try:
                job = queue.get(timeout=MOST_IDLE)
            except Empty:
                with lock:
                    self._idle -= 1
                    if not queue.empty():
                        continue
                    self._threads -= 1
                    return
            with lock:
                self._idle -= 1
            if job is None:
                return
            job.run()


def _nothing() -> None:
    return None
