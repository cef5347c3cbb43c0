"""The checker that stays: a process that has everything loaded, and answers `validate --stdin-path` at once.

It serves one user. Every question is checked alone, by the files as they are then and the command's own code.
It ends when nobody asks for a while, and when a file of its code changes: whoever asks would run the new one.
What it cannot answer just like the command, it leaves to the command. So it looks at the arguments before the
text is sent. Nothing of what it is told is written down.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import chdir, suppress
from pathlib import Path
from threading import Event, Thread, stack_size
from time import monotonic
from typing import Any, NamedTuple, TypeVar

import click

import tailored
from tailored.book.diagnostics import BookNotReadable
from tailored.book.kept import Kept
from tailored.cli import ask
from tailored.cli.validate import checked, name_within, validate
from tailored.report.help import page

T = TypeVar("T")

_PATIENCE = 0.2
"""Seconds that a question waits for those before it."""
_BEAT = 0.5
"""Seconds between signs of life while a question is checked."""
_LONGEST_TEXT = 60.0
"""Seconds in which the text must have come: it may be typed at a terminal."""
_LOOK = 5.0
"""Seconds between looks at the clock and the code while nobody asks."""
_MOST_ASKING = 8
"""Connections at a time."""
_STACK = 8 << 20
"""Bytes for each thread, as the command has them; some systems give far less."""
_MOST_BOOKS = 3
"""Books of which something is kept."""
_CODE = Path(tailored.__file__).parent
_PYTHON = os.path.dirname(os.__file__)


def stay(listener: int, began: int, cwd: str, arguments: Sequence[str], kept: Kept | None = None) -> None:
    """Answers whoever asks at the socket of that number, until nobody does any more; then the process ends.

    `began` is when this process did, in nanoseconds of the clock. It is there for questions like these
    arguments of the command in the folder `cwd`, of which it has `kept` the first.
    """
    stack_size(_STACK)
    path = ask.socket_path() or ""
    _Checker(path, _Code(began)).stay(socket.socket(fileno=listener), cwd, arguments, kept)
    os._exit(0)  # a check may still hang


class _Checker:
    """Listens in the main thread, talks to everybody in a thread of their own, and checks in another."""

    def __init__(self, path: str, code: _Code) -> None:
        self._path, self._code = path, code
        self._kept: dict[str, Kept] = {}
        self._worker = ThreadPoolExecutor(1)  # a check needs the working directory to itself
        self._talks: list[Thread] = []
        self._last = monotonic()
        self._place = _state(path)
        self._is_over = False

    def stay(self, listener: socket.socket, cwd: str, arguments: Sequence[str], kept: Kept | None) -> None:
        """Takes those who ask, with the book at hand that was asked about."""
        self._worker.submit(self._get_ready, cwd, arguments, kept).result()
        gc.freeze()
        gc.disable()  # it runs after each answer
        listener.settimeout(min(_LOOK, ask.seconds_to_stay()))
        while not self._is_over:
            try:
                self._take(listener.accept()[0])
            except TimeoutError:
                self._is_over = not self._may_stay()
        if _state(self._path) == self._place:
            os.unlink(self._path)

    def _take(self, connection: socket.socket) -> None:
        self._talks = [talk for talk in self._talks if talk.is_alive()]
        if len(self._talks) >= _MOST_ASKING or not ask.is_mine(connection):
            connection.close()  # whoever asks does the work
            return
        self._talks.append(Thread(target=self._talk, args=(connection,), daemon=True))
        self._talks[-1].start()

    def _may_stay(self) -> bool:
        is_idle = monotonic() - self._last > ask.seconds_to_stay()
        if is_idle and not any(talk.is_alive() for talk in self._talks):
            return False
        return _state(self._path) == self._place and self._code.is_same()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError):
            connection.settimeout(_PATIENCE)
            what, *said = ask.parts_of(connection, ask.MOST)
            if what == ask.STOP or not self._code.is_same():
                self._end()
                if what == ask.STOP:
                    Event().wait()  # whoever said so sees by the connection when this process is gone
            elif what == ask.CHECK and said[0] == ask.identity():
                self._check(connection, *map(os.fsdecode, said[1:]))
            else:
                connection.sendall(ask.BUSY)
            self._last = monotonic()

    def _check(self, connection: socket.socket, cwd: str, *arguments: str) -> None:
        question = self._done(connection, lambda: _understood(cwd, arguments))
        if question is None:
            connection.sendall(ask.BUSY)
            return
        connection.sendall(ask.GO_ON)
        connection.settimeout(_LONGEST_TEXT)
        [text] = ask.parts_of(connection, ask.MOST)
        answer = self._done(connection, lambda: self._answer(cwd, question, text))
        if answer is None:
            connection.sendall(ask.BUSY)
            return
        printed, code = answer
        connection.sendall(b"%d" % code + ask.framed(printed))
        self._worker.submit(gc.collect)

    def _done(self, connection: socket.socket, work: Callable[[], T | None]) -> T | None:
        """What the worker makes, with signs of life meanwhile; None where it is busy too long, or fails."""
        doing = self._worker.submit(work)
        wait([doing], _PATIENCE)
        if doing.cancel():
            return None
        while not wait([doing], _BEAT).done:
            connection.sendall(ask.BEAT)
        return doing.result() if doing.exception() is None else None  # the command will tell of it

    def _end(self) -> None:
        """Ends the main thread, which waits for somebody to ask."""
        self._is_over = True
        with suppress(OSError):
            ask.connected(self._path).close()

    def _get_ready(self, cwd: str, arguments: Sequence[str], kept: Kept | None) -> None:
        with suppress(Exception):
            if question := _understood(cwd, arguments):
                if kept is not None:
                    self._kept[_real(cwd, question.book)] = kept
                else:
                    self._answer(cwd, question, None)  # the book as it is saved

    def _answer(self, cwd: str, question: _Question, text: bytes | None) -> tuple[bytes, int]:
        book = _real(cwd, question.book)
        kept = self._kept[book] = self._kept.pop(book, Kept())  # the latest book stands last
        for one in list(self._kept)[:-_MOST_BOOKS]:
            del self._kept[one]
        with chdir(cwd), kept.in_use():
            unsaved = {} if text is None else {question.name: text}
            return checked(question.book, unsaved=unsaved, **question.options)


def _real(cwd: str, book: str) -> str:
    return os.path.realpath(os.path.join(cwd, book))


class _Question(NamedTuple):
    """What is to be checked, the text of one file in it, by its name, and how that is printed."""

    book: str
    name: str
    options: dict[str, Any]


def _understood(cwd: str, arguments: Sequence[str]) -> _Question | None:
    """What the command's arguments ask for; None where it has something to say about them."""
    with chdir(cwd), suppress(click.ClickException, click.exceptions.Exit, SystemExit, BookNotReadable):
        options = validate.make_context("validate", list(arguments[1:])).params
        book, path = options.pop("book"), options.pop("stdin_path")
        if path is not None and not options.pop("is_stop"):
            return _Question(book, name_within(book, path), options)
    return None


class _Code:
    """The files that run here, with what tells whether they are still those that were loaded."""

    def __init__(self, began: int) -> None:
        self._began = began
        self._states: dict[str, tuple[int, ...]] = {}
        self._modules = 0
        self._is_old = False
        for path in (sys.executable, os.__file__, str(page()), str(_CODE / "book" / "lexicon.yaml")):
            self._see(path)

    def is_same(self) -> bool:
        """Whether no file has changed since it was loaded."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            for module in list(sys.modules.values()):
                self._see(getattr(module, "__file__", None) or os.__file__)
        return not self._is_old and all(_state(path) == was for path, was in [*self._states.items()])

    def _see(self, path: str) -> None:
        is_of_python = path.startswith(_PYTHON) and "site-packages" not in path  # one stands for them all
        if path not in self._states and (not is_of_python or path == os.__file__):
            self._states[path] = _state(path)
            changed = self._states[path][0] if self._states[path] else 0
            self._is_old |= changed > self._began  # perhaps after it was loaded


def _state(path: str) -> tuple[int, ...]:
    """What changes when a file does, the time of that first; nothing where there is none."""
    with suppress(OSError):
        status = os.stat(path)
        return status.st_ctime_ns, status.st_mtime_ns, status.st_size, status.st_ino
    return ()
