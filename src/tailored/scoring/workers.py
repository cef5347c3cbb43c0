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
    """Every thread is taken, by calls that nobody waits for any more, or with too many waiting already."""


class Job:
    """One call: what came of it, and a lock that opens when it is done."""

    __slots__ = (
        "_call",
        "_done",
        "_error",
        "_is_given_up",
        "_is_over",
        "_lock",
        "_then",
        "_value",
        "_workers",
    )

    def __init__(self, call: Callable[[], Any], workers: Workers) -> None:
        self._call: Callable[[], Any] | None = call
        self._workers = workers
        self._lock = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()
        self._then: Callable[[], None] | None = None
        self._is_over = self._is_given_up = False
        self._value: Any = None
        self._error: BaseException | None = None

    def wait(self, seconds: float) -> bool:
        """Whether it was done in time. If not, nobody waits for it; what has not begun never will."""
        if self._done.acquire(timeout=max(0.0, seconds)):
            return True
        self.give_up()
        return False

    def result(self) -> Any:
        """What the call gave, once it is done. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def give_up(self) -> None:
        """Says that nobody waits for it."""
        with self._lock:
            self._then = None
            if self._is_over or self._is_given_up:
                return
            self._is_given_up = True
            has_begun, self._call = self._call is None, None
        if has_begun:
            self._workers.are_late(1)

    def then(self, call: Callable[[], None]) -> None:
        """Calls this when it is done, from a thread of its own."""
        with self._lock:
            if not self._is_over:
                self._then = call
                return
        call()

    def run(self) -> None:
        """Makes the call, unless it was given up."""
        with self._lock:
            call, self._call = self._call, None
        if call is None:
            return
        try:
            self._value = call()
        except BaseException as error:  # a scorer may raise anything, SystemExit included
            self._error = error
        with self._lock:
            self._is_over, then = True, self._then
            self._done.release()
        if self._is_given_up:
            self._workers.are_late(-1)
        if then is not None:
            then()


class _Crew:
    """Threads and the queue that they take calls from, until they are told to end."""

    __slots__ = ("idle", "queue", "threads")

    def __init__(self) -> None:
        self.queue: SimpleQueue[Job | None] = SimpleQueue()
        self.threads = self.idle = 0


class Workers:
    """A few daemon threads, started when they are needed. They end when idle, or when closed."""

    def __init__(self, name: str, threads: int = MOST_THREADS, waiting: int = MOST_WAITING) -> None:
        self._name, self._most, self._most_waiting = name, threads, waiting
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._crew = _Crew()
        self._late = 0

    def submit(self, call: Callable[[], Any]) -> Job:
        """Has a thread make a call. Raises Busy."""
        if self._pid != os.getpid():  # in a forked process there are no threads but its first
            self._reset()
        job = Job(call, self)
        with self._lock:
            crew = self._crew
            if self._late >= self._most or crew.queue.qsize() - crew.idle >= self._most_waiting:
                raise Busy
            crew.queue.put(job)
            is_first = crew.threads == 0
            crew.threads += is_first
        if is_first:
            self._start(crew)
        return job

    def are_late(self, number: int) -> None:
        """Counts the threads whose call nobody waits for any more."""
        with self._lock:
            self._late += number

    def close(self) -> None:
        """Lets every thread end when its call is done. Calls that come later get threads of their own."""
        with self._lock:
            crew, self._crew = self._crew, _Crew()
            for _ in range(crew.threads):
                crew.queue.put(None)

    def _start(self, crew: _Crew) -> None:
        name = f"tailored-{self._name}"
        try:
            threading.Thread(target=self._work, args=(crew,), name=name, daemon=True).start()
        except RuntimeError:  # the machine gives no more threads; those that there are go on
            with self._lock:
                crew.threads -= 1

    def _work(self, crew: _Crew) -> None:
        queue, lock = crew.queue, self._lock
        while True:
            with lock:
                crew.idle += 1
            try:
                job = queue.get(timeout=MOST_IDLE)
            except Empty:
                with lock:
                    crew.idle -= 1
                    if not queue.empty():
                        continue
                    crew.threads -= 1
                    return
            with lock:
                crew.idle -= 1
                if job is None:
                    return
                # One more stands ready, so that no page waits for a thread to start.
                is_wanted = crew is self._crew and crew.idle == 0 and crew.threads < self._most
                crew.threads += is_wanted
            if is_wanted:
                self._start(crew)
            job.run()
