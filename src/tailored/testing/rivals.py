"""Which rules can lose to another one, as far as can be seen at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from tailored.book.model import Rule, RuleBook
from tailored.condition.demands import Demand, Demands


def losable_rules(book: RuleBook) -> frozenset[str]:
    """The rules that another one, or several, could keep from one of their slots or settings.

    Two rules never meet whose conditions demand different things of the same attribute, itself or through
    segments, nor do two whose schedules do not overlap.
    """
    rivals = _Rivals(book)
    return frozenset(rule.id for rule in book.rules if rivals.can_beat(rule))


class _Rivals:
    """The rules of a book by what they do."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._places = {rule.id: place for place, rule in enumerate(book.rules)}
        of = Demands(lambda segment: book.segments[segment].when).of
        demands = {rule.id: of(rule.when) for rule in book.rules}
        hiding: dict[str, list[Rule]] = {}
        deciding: dict[str, list[Rule]] = {}
        for rule in book.rules:
            for name in rule.hide:
                hiding.setdefault(name, []).append(rule)
            for name in (*rule.show, *rule.order, *rule.set):
                deciding.setdefault(name, []).append(rule)
        self._hiding = {name: _Group(rules, demands) for name, rules in hiding.items()}
        self._deciding = {name: _Group(rules, demands) for name, rules in deciding.items()}

    def can_beat(self, rule: Rule) -> bool:
        """Whether there are rules that could take a place of this one."""
        groups = [self._hiding[name] for name in rule.hide]
        groups += [self._deciding[name] for name in (*rule.order, *rule.set)]
        if any(True for group in groups for _ in self._before(rule, group)):
            return True
        for name, contents in rule.show.items():
            if name in self._hiding and any(other is not rule for other in self._hiding[name].meeting(rule)):
                return True
            placed: set[str] = set()
            most = self._book.slots[name].many or 1
            for other in self._before(rule, self._deciding[name]):
                placed.update(other.show.get(name, ()))
                if len(placed) >= most or placed.issuperset(contents):
                    return True
        return False

    def _before(self, rule: Rule, group: _Group) -> Iterator[Rule]:
        """The rules of a group that come before a rule, and may fire with it."""
        place = self._places[rule.id]
        return takewhile(lambda other: self._places[other.id] < place, group.meeting(rule))


class _Group:
    """Rules that do the same, in resolution order, found by the values that they demand, as bits."""

    def __init__(self, rules: Sequence[Rule], demands: Mapping[str, Demand]) -> None:
        self._rules, self._demands = rules, demands
        self._everyone = (1 << len(rules)) - 1
        self._free: dict[str, int] = {}
        self._having: dict[str, dict[object, int]] = {}
        for place, rule in enumerate(rules):
            for key, values in demands[rule.id].listed():
                having = self._having.setdefault(key, {})
                self._free[key] = self._free.get(key, self._everyone) ^ 1 << place
                for value in values:
                    having[value] = having.get(value, 0) | 1 << place

    def meeting(self, rule: Rule) -> Iterator[Rule]:
        """Those that may fire together with a rule."""
        found = self._everyone
        for key, values in self._demands[rule.id].listed():
            if key in self._having:
                having, may = self._having[key], self._free[key]
                for value in values:
                    may |= having.get(value, 0)
                found &= may
        while found:
            low = found & -found
            found ^= low
            other = self._rules[low.bit_length() - 1]
            if _awake_together(rule, other) and self._demands[rule.id].may_meet(self._demands[other.id]):
                yield other


def _awake_together(one: Rule, other: Rule) -> bool:
    return not (
        (one.end and other.start and one.end <= other.start)
        or (other.end and one.start and other.end <= one.start)
    )
