"""What rankings came to, kept for the requests that share all that it depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tailored.book.model import Rule, RuleBook
from tailored.book.templates import attributes_in
from tailored.condition.tree import Condition, Op, Test, attributes_read, leaves
from tailored.content.render import FrozenDict
from tailored.engine.decision import Decision, Placement, Tell, made
from tailored.engine.facts import Facts, Look, RequestWarning, is_short
from tailored.engine.resolve import Withheld
from tailored.scoring.hook import Asked
from tailored.scoring.stock import Stock

MOST_JOINED = 8
"""Decisions' slots that are kept with what a ranking put among them."""
_OF_TIME = frozenset((Op.IN_THE_LAST, Op.NOT_IN_THE_LAST))

Known: TypeAlias = tuple[object, ...]
"""Tells apart the requests for which rankings may come to something else."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What rankings add to a decision."""

    slots: Mapping[str, Placement]
    withheld: frozenset[Withheld]
    warnings: tuple[RequestWarning, ...]
    tell: Tell
    """What tells why somebody sees the things in these slots."""
    asked: tuple[Asked, ...]
    """The scorers that were asked, and what came of it."""
    stocks: tuple[Stock, ...]
    """What the candidates were chosen from; it is held because `Known` names it by its identity."""
    joined: dict[int, tuple[Mapping[str, Placement], FrozenDict]] = field(default_factory=dict)
    """With the slots of decisions, by their identity, those with the ranked ones among them."""

    def added_to(self, decision: Decision, facts: Facts) -> Decision:
        """The decision with its ranked slots as they were filled."""
        withheld, warnings = decision.withheld, decision.warnings
        if self.withheld and not self.withheld.issubset(withheld):
            withheld = tuple(sorted(self.withheld.union(withheld)))
        if warnings or self.warnings:
            warnings = tuple(dict.fromkeys((*warnings, *self.warnings)))
        slots = self._joined(decision.slots)
        return made(decision.book, slots, decision.settings, withheld, warnings, (self.tell, facts))

    def _joined(self, slots: Mapping[str, Placement]) -> FrozenDict:
        kept = self.joined.get(id(slots))
        if kept is None:
            if len(self.joined) >= MOST_JOINED:
                self.joined.clear()
            kept = self.joined[id(slots)] = slots, FrozenDict({**slots, **self.slots})
        return kept[1]


@dataclass(frozen=True, slots=True)
class Rankings:
    """Rules that fire together, with what their rankings depend on beside the rules.

    `reads` are attributes of the request; None where it is more than those, or different each time.
    """

    rules: tuple[Rule, ...]
    reads: tuple[str, ...] | None
    catalogs: tuple[str, ...]
    slots: tuple[str, ...]
    """The slots that they rank."""
    look: Look | None = None
    """Gets what an ordinary request has of `reads`, out of all that was read of it."""

    def known(self, clauses: int, decision: Decision, facts: Facts, moment: tuple[int, ...]) -> Known | None:
        """The key of a request. `moment` tells apart the stocks and the scorers that there are at times."""
        if self.reads is None or self.look is None:
            return None
        shown = decision.slots
        hidden = [name for name in self.slots if shown[name].reason == "hidden"]
        if not facts.is_ordinary:
            return told_apart(facts, self.reads, clauses, *moment, *hidden)
        seen = self.look(facts.raws)
        return None if seen is None else (clauses, *moment, *hidden, facts.permissions.gates, seen)


def told_apart(facts: Facts, reads: Iterable[str], *more: object) -> Known | None:
    """What a request permits, and its values of some attributes, as a key; None where any is too long."""
    get = facts.value
    found = [*more, facts.permissions.gates]
    for name in reads:
        value: object = get(name)
        if value.__class__ not in _SHORT:
            value = _told_apart(value)
            if value is None:
                return None
        found.append(value)
    return tuple(found)


_SHORT = frozenset((type(None), bool, int, float))


def _told_apart(value: object) -> str | tuple[Any, ...] | None:
    """What tells a value apart from others that a text may show in another way; None where it is too long."""
    if isinstance(value, str | tuple):
        return value if is_short(value) else None
    return repr(value)  # versions that are equal may be written in several ways


def rankings(
    book: RuleBook,
    rules: Sequence[Rule],
    is_steady: Callable[[str], bool],
    features: Mapping[str, Iterable[str]],
    facts: Facts,
) -> Rankings:
    """What the rankings of rules that fire together depend on, beside chance.

    `is_steady` says of a scorer whether it and those that it falls back to always answer the same to the
    same, `features` what each may read; `facts` are those of any request to the book.
    """
    ranked = tuple({slot: None for rule in rules for slot in rule.rank})
    every = [ranking for rule in rules for ranking in rule.rank.values()]
    catalogs = tuple(dict.fromkeys(one.catalog for one in every if one.catalog is not None))
    first = [name for one in every for name in (one.by, one.explore.by if one.explore else None) if name]
    asked = [name for one in first for name in chain(book, one)]
    conditions = [condition for one in every for condition in (one.where, *one.without)]
    if not all(map(is_steady, asked)) or any(map(_asks_for_now, conditions)):
        return Rankings(tuple(rules), None, catalogs, ranked)
    content = [name for one in every for name in (*one.of, *(pin.id for pin in one.pin))]
    content += [name for slot in ranked for name in book.slots[slot].default]
    content += [name for rule in rules for slot in ranked for name in rule.show.get(slot, ())]
    reads = set().union(*(features[name] for name in asked))
    reads |= {one.key for condition in conditions for one in attributes_read(condition)}
    reads = reads.union(
        *(attributes_in(book.content[name].fields) for name in content if name in book.content)
    )
    reads = reads.union(*(attributes_in(book.catalogs[name].fields or {}) for name in catalogs))
    if "user.consents" in reads:
        return Rankings(tuple(rules), None, catalogs, ranked)
    of_request = sorted(name for name in reads if not name.startswith("item."))
    return Rankings(tuple(rules), tuple(of_request), catalogs, ranked, facts.look(of_request))


def chain(book: RuleBook, scorer: str) -> Iterator[str]:
    """A scorer, and those that it falls back to."""
    name: str | None = scorer
    while name is not None:
        yield name
        name = book.scorers[name].fallback


def _asks_for_now(condition: Condition) -> bool:
    return any(isinstance(leaf, Test) and leaf.op in _OF_TIME for leaf in leaves(condition))
