"""A book that is being asked: its symbols, its reader, its replay, and what was found out so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tailored.book.model import RuleBook
from tailored.condition.tree import Condition
from tailored.proof.domains import EPOCH
from tailored.proof.reader import Reader
from tailored.proof.replay import Replay, Replayed
from tailored.proof.symbols import Request, Symbols


def nothing(done: int) -> None:
    """No progress is shown."""


@dataclass
class Proof:
    """One book in the hands of the checks."""

    book: RuleBook
    symbols: Symbols
    reader: Reader
    replay: Replay
    progress: Callable[[int], None] = nothing
    """Told how many rules more are done."""
    undecided: set[tuple[str, str]] = field(default_factory=set)
    """The code and the id of each question that could not be decided."""
    winners: set[str] = field(default_factory=set)
    """The rules that were seen to decide a slot or a setting, or a part of one."""

    def see(self, request: Request) -> Replayed:
        """Replays a request, and remembers who won."""
        replayed = self.replay(request)
        for target in replayed.outcomes:
            self.winners |= replayed.named(target)
        return replayed


def begin(
    book: RuleBook,
    conditions: Iterable[Condition] = (),
    progress: Callable[[int], None] = nothing,
    now: datetime = EPOCH,
) -> Proof:
    """A book, ready to be asked; `conditions` are others that will be asked beside its own, and `now` is a
    moment at which witnesses are welcome."""
    symbols = Symbols([book], conditions, now)
    return Proof(book, symbols, Reader(book, symbols), Replay(book), progress)
