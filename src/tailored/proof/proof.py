"""A book that is being asked: its symbols, its reader, its replay, and what was found out so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from tailored.book.flows import read_by
from tailored.book.model import Rule, RuleBook, Segment
from tailored.condition.tree import Attribute, Condition, InSegment, Logic, leaves
from tailored.proof.clauses import Clauses, read_by_rankings
from tailored.proof.domains import EPOCH
from tailored.proof.outcomes import Target, targets_of
from tailored.proof.reader import Reader, Ungated
from tailored.proof.replay import Replay, Replayed
from tailored.proof.solving import Answer, Solver
from tailored.proof.symbols import GPC, OPT_OUTS, Place, Request, Symbols, place_of


def nothing(done: int) -> None:
    """No progress is shown."""


@dataclass
class Proof:
    """One book in the hands of the checks."""

    book: RuleBook
    symbols: Symbols
    reader: Reader
    replay: Replay
    clauses: Clauses
    progress: Callable[[int], None] = nothing
    """Told how many steps more are done, of `steps_of`."""
    undecided: set[tuple[str, str]] = field(default_factory=set)
    """The code and the id of each question that could not be decided."""
    winners: set[str] = field(default_factory=set)
    """The rules that were seen to decide a slot or a setting, or a part of one."""
    winning: dict[tuple[str, str], Request] = field(default_factory=dict)
    """By a slot or setting, and a rule that was seen to decide it, a request with which that was seen."""
    fired: dict[str, Answer] = field(default_factory=dict)
    """By rule that was asked for, whether it can be used, and a request with which it was."""
    _read: dict[str, set[Place]] = field(default_factory=dict)

    def part(self, rules: Iterable[Rule]) -> RuleBook:
        """The book with these rules alone, and the segments that they name.

        Symbols of it cut values only where these rules do, so that a solver has much less to know; what
        they prove is proven, and what they find may be beaten by other rules.
        """
        rules, named = tuple(rules), dict[str, Segment]()
        for rule in rules:
            named |= {one.id: one for _, one in read_by(rule.when, self.book) if isinstance(one, Segment)}
        return replace(self.book, rules=rules, segments=named, guarantees={}, tests=())

    def alone(self, rules: Iterable[Rule]) -> Reader:
        """A reader of some rules that knows of no others."""
        part = self.part(rules)
        return Reader(part, Symbols([part], (), self.symbols.moment))

    @cached_property
    def ungated(self) -> Ungated:
        """The book as though every consent were given and nobody opted out."""
        return Ungated(self.book, self.symbols)

    @cached_property
    def cores(self) -> Solver:
        """A solver to find out what contradicts what."""
        return Solver(self.symbols)

    @cached_property
    def allowing(self) -> frozenset[str]:
        """The rules that say why it does not matter whom they meet."""
        return frozenset(rule.id for rule in self.book.rules if "ambiguous" in rule.allow)

    @cached_property
    def opaque(self) -> frozenset[str]:
        """The rules with a `logic:`, of their own or through segments."""
        return frozenset(rule.id for rule in self.book.rules if is_opaque(rule.when, self.book))

    @cached_property
    def targets(self) -> list[Target]:
        """Every slot and every setting."""
        return targets_of(self.book)

    def about(self, *rules: Rule) -> set[Place]:
        """Where requests carry what rules read, and what permits them."""
        found = {OPT_OUTS, GPC}
        for rule in rules:
            if rule.id not in self._read:
                named = [attribute for _, attribute in read_by(rule.when, self.book)]
                self._read[rule.id] = {place_of(one) for one in named if isinstance(one, Attribute)}
                self._read[rule.id] |= set(map(place_of, read_by_rankings(rule)))
            found |= self._read[rule.id]
        return found

    def see(self, request: Request) -> Replayed:
        """Replays a request, and remembers who won."""
        replayed = self.replay(request)
        for target in replayed.outcomes:
            for rule in replayed.named(target):
                self.winners.add(rule)
                self.winning.setdefault((target, rule), request)
        return replayed


def is_opaque(condition: Condition, book: RuleBook) -> bool:
    """Whether a condition, or a segment in it, has a `logic:`."""
    return any(isinstance(leaf, Logic) for leaf in leaves(condition)) or any(opaque_segments(condition, book))


def opaque_segments(condition: Condition, book: RuleBook) -> Iterator[str]:
    """The segments that a condition names and that have a `logic:`, or name others that do."""
    named = dict.fromkeys(leaf.id for leaf in leaves(condition) if isinstance(leaf, InSegment))
    yield from (name for name in named if is_opaque(book.segments[name].when, book))


def begin(
    book: RuleBook,
    conditions: Iterable[Condition] = (),
    progress: Callable[[int], None] = nothing,
    now: datetime = EPOCH,
) -> Proof:
    """A book, ready to be asked; `conditions` are others that will be asked beside its own, and `now` is a
    moment at which witnesses are welcome."""
    symbols = Symbols([book], conditions, now)
    reader = Reader(book, symbols)
    return Proof(book, symbols, reader, Replay(book), Clauses(reader), progress)
