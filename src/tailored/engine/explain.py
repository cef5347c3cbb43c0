"""Explanations: why the winner of a slot won, and what became of every other rule that names it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any as Anything
from typing import TypeAlias

from tailored.book.builtin import PERSONALIZATION
from tailored.book.model import Rule
from tailored.condition.english import in_words, joined, shared_names, value_in_words, why_not
from tailored.condition.kleene import test_holds
from tailored.condition.logic import evaluator
from tailored.condition.tree import All, Any, Condition, InSegment, Logic, Not, Op, Test
from tailored.engine.decision import Decision, Placement, SettingValue
from tailored.engine.engine import Engine, is_awake
from tailored.engine.facts import Facts, nested

STATUSES = ("won", "nearly", "lost", "unknown", "false", "asleep", "withheld")
"""What may become of a rule, in the order in which an explanation lists it.

`won`: it decided, or gave an item. `nearly`: a single test was false. `lost`: it fired, and another one came
first. `unknown`: it could not be told. `false`: several tests were false. `asleep`: outside its schedule.
`withheld`: the guard kept back the rule, what it asks about, or what it shows.
"""

Label: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule that names a slot or a setting, and why, in words."""

    rule: str
    status: str
    reason: str
    priority: int
    place: str

    def to_dict(self) -> dict[str, Anything]:
        """The verdict as JSON data; `place` is the file and line of the rule."""
        return {
            "rule": self.rule,
            "status": self.status,
            "reason": self.reason,
            "priority": self.priority,
            "place": self.place,
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """One slot or setting: what it got, why (as the person is told), and every rule that names it."""

    id: str
    outcome: str
    why: str
    rules: tuple[Verdict, ...]
    items: tuple[tuple[str, float | None, str], ...] = ()
    """What a scorer or chance took part in placing: ids, how likely that was, and why, as people are told."""
    scorer: str = ""
    """Whose order counts, in words, where a scorer was asked."""
    pinned: frozenset[str] = frozenset()
    """The items whose place an editor gave them."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the reasons for it."""

    decision: Decision
    slots: tuple[Explained, ...]
    settings: tuple[Explained, ...]

    def to_dict(self, only: Iterable[str] = ()) -> dict[str, Anything]:
        """The explanation as JSON data: the decision, and with each slot and setting its rules.

        `only` these slots and settings, where any are named.
        """
        data = self.decision.to_dict()
        chosen = frozenset(only)
        for section, explained in (("slots", self.slots), ("settings", self.settings)):
            for one in explained:
                told = data[section][one.id]
                told |= {
                    "outcome": one.outcome,
                    "why": one.why,
                    "rules": [verdict.to_dict() for verdict in one.rules],
                }
                for item, (_, _, why) in zip(told.get("items", ()), one.items, strict=False):
                    item["why"] = why
                for item in told.get("items", ()):
                    if item["content"] in one.pinned:
                        item["pinned"] = True
            if chosen:
                data[section] = {name: one for name, one in data[section].items() if name in chosen}
        return data

    def to_text(self, only: Iterable[str] = ()) -> str:
        """The explanation for people; `only` these slots and settings, where any are named."""
        chosen = frozenset(only)
        blocks = [_block(one) for one in (*self.slots, *self.settings) if not chosen or one.id in chosen]
        return "\n\n".join(blocks)


def explain(
    engine: Engine,
    user: Mapping[str, object],
    context: Mapping[str, object],
    now: datetime | str | None = None,
) -> Explanation:
    """Why this user sees what they see. Takes and raises what Engine.evaluate does."""
    facts = engine.facts(user, context, now)
    decision = engine.decide(facts)
    judge = _Judge(engine, facts)
    fates = {rule.id: judge.fate(rule) for rule in engine.book.rules}
    slots = [_slot(judge, fates, name, one, decision) for name, one in decision.slots.items()]
    settings = [
        _setting(judge, fates, name, one, decision.why(name)) for name, one in decision.settings.items()
    ]
    return Explanation(decision, tuple(slots), tuple(settings))


@dataclass(frozen=True, slots=True)
class _Blocker:
    """A test that keeps a condition from being true, or several of which one would do (`tests` of them)."""

    reason: str
    unknown: bool
    tests: int = 1
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of a rule before resolution: a status and its reason, or no status where it fires."""

    status: str
    reason: str


class _Judge:
    """Judges the rules of a book by the facts of one request."""

    def __init__(self, engine: Engine, facts: Facts) -> None:
        self.engine, self.facts, self.book = engine, facts, engine.book
        self.shared = shared_names(engine.book.attributes.values())
        self.priorities = {rule.id: rule.priority for rule in engine.book.rules}

    def fate(self, rule: Rule) -> _Fate:
        """Whether a rule fires, and if not, why."""
        if not is_awake(rule, self.facts.now):
            return _Fate("asleep", _schedule(rule, self.facts.now))
        blockers = self.blockers(rule.when)
        false = [blocker for blocker in blockers if not blocker.unknown]
        if false:
            nearly = len(blockers) == 1 and blockers[0].tests == 1
            return _Fate("nearly" if nearly else "false", _reasons(false))
        labels = [*self.labels(rule), *(label for blocker in blockers for label in blocker.labels)]
        if labels:
            missing = [blocker for blocker in blockers if not blocker.labels]
            return _Fate("withheld", "; ".join([_needs(labels), *[_reasons(missing)] * bool(missing)]))
        if blockers:
            return _Fate("unknown", _reasons(blockers))
        return _Fate("", in_words(rule.when, self.shared))

    def labels(self, rule: Rule) -> list[Label]:
        """The labels that keep a rule itself back."""
        permissions = self.facts.permissions
        labels = list(permissions.held_back(rule.topics, rule.purpose))
        if rule.id in self.engine.personal and permissions.opted_out(PERSONALIZATION):
            labels.append(("purpose", PERSONALIZATION))
        return labels

    def outcome(self, rule: Rule, slot: str, placement: Placement, fate: _Fate) -> _Fate:
        """What became of a rule that fired, in one of its slots."""
        if placement.hidden and placement.rule != rule.id:
            what = "hides it too, after" if slot in rule.hide else "hidden by"
            return _Fate("lost", f"{what} {placement.rule}")
        if slot in rule.rank:
            return self.ranked(rule, slot, placement, fate)
        named = rule.show.get(slot, ())
        permitted = [content for content in named if not self._content_labels(content)]
        if named and not permitted and not placement.hidden:
            labels = [label for content in named for label in self._content_labels(content)]
            return _Fate("withheld", f"{joined(named)} {_needs(labels)}")
        if placement.kind != "many" or placement.hidden:
            return self.against(rule, placement.rule, fate)
        given = [item.content for item in placement.items if item.rule == rule.id]
        if given:
            return _Fate("won", fate.reason)
        if {item.content for item in placement.items}.issuperset(permitted):
            return _Fate("lost", f"placed already: {joined(permitted)}")
        return _Fate("lost", f"no room left: it takes {self.book.slots[slot].many}")

    def ranked(self, rule: Rule, slot: str, placement: Placement, fate: _Fate) -> _Fate:
        """What became of a rule that fired and that leaves a slot to a scorer."""
        placed = [item.rule for item in placement.items] or [placement.rule]
        if rule.id in placed:
            return _Fate("won", fate.reason)
        if len(placement.items) == self.book.slots[slot].many:
            return _Fate("lost", f"no room left: it takes {self.book.slots[slot].many}")
        if placement.kind == "single" and placement.rule is not None:
            return self.against(rule, placement.rule, fate)
        return _Fate("lost", "nothing meets its conditions that may be placed")

    def against(self, rule: Rule, winner: str | None, fate: _Fate) -> _Fate:
        """What became of a rule that fired, where there can be only one winner."""
        if winner == rule.id or winner is None:
            return _Fate("won", fate.reason)
        above = self.priorities[winner]
        if rule.priority < above:
            return _Fate("lost", f"to {winner}: priority {rule.priority} is below {above}")
        return _Fate("lost", f"to {winner}, which comes first in the book at the same priority")

    def _content_labels(self, content: str) -> list[Label]:
        """The labels that keep a content item back."""
        item = self.book.content[content]
        return list(self.facts.permissions.held_back(item.topics, item.purpose))

    def blockers(self, condition: Condition, wanted: bool = True) -> list[_Blocker]:
        """What keeps a condition from being what is wanted of it, each once; nothing where it is."""
        if isinstance(condition, Not):
            return self.blockers(condition.part, not wanted)
        if isinstance(condition, All | Any):
            found = [self.blockers(part, wanted) for part in condition.parts]
            if isinstance(condition, All) is wanted:
                return list(dict.fromkeys(blocker for blockers in found for blocker in blockers))
            if not found:
                return [_Blocker("it can never hold", False)]
            return [_either(found)] if all(found) else []
        return self._leaf(condition, wanted)

    def _leaf(self, leaf: Condition, wanted: bool) -> list[_Blocker]:
        if isinstance(leaf, Test):
            return self._test(leaf, wanted)
        if isinstance(leaf, InSegment):
            segment = self.book.segments[leaf.id]
            if labels := tuple(self.facts.permissions.held_back(segment.topics, None)):
                return [_Blocker(_needs(labels), True, 1, labels)]
            inner = self.blockers(segment.when, wanted)
            return [_through(leaf.id, wanted, inner)] if inner else []
        assert isinstance(leaf, Logic)
        return self._logic(leaf, wanted)

    def _test(self, test: Test, wanted: bool) -> list[_Blocker]:
        value = self.facts.values.get(test.attribute.key)
        if test_holds(test, value, self.facts.now) is wanted:
            return []
        if value is None and (labels := self.facts.permissions.hiding(test.attribute)):
            return [_Blocker(_needs(labels), True, 1, labels)]
        reason = why_not(test, value, self.shared, negated=not wanted)
        return [_Blocker(reason, value is None and test.op is not Op.KNOWN)]

    def _logic(self, leaf: Logic, wanted: bool) -> list[_Blocker]:
        hiding = self.facts.permissions.hiding
        if labels := tuple(label for attribute in leaf.reads for label in hiding(attribute)):
            return [_Blocker(_needs(labels), True, 1, labels)]
        answer = evaluator(leaf.text)(nested(self.facts, leaf.reads))
        if answer is wanted:
            return []
        if answer is None:
            return [_Blocker("its JSONLogic expression cannot be worked out with these values", True)]
        return [_Blocker(in_words(leaf if answer else Not(leaf), self.shared), False)]


def _reasons(blockers: Iterable[_Blocker], between: str = "; ") -> str:
    """The reasons of several, each once."""
    return between.join(dict.fromkeys(blocker.reason for blocker in blockers))


def _either(alternatives: Sequence[Sequence[_Blocker]]) -> _Blocker:
    """What keeps all alternatives from holding, where one would do."""
    reasons = [_reasons(blockers, " and ") for blockers in alternatives]
    return _Blocker(
        reasons[0] if len(reasons) == 1 else f"none of these: {'; '.join(dict.fromkeys(reasons))}",
        any(all(blocker.unknown for blocker in blockers) for blockers in alternatives),
        min(sum(blocker.tests for blocker in blockers) for blockers in alternatives),
        tuple(label for blockers in alternatives for blocker in blockers for label in blocker.labels),
    )


def _through(segment: str, wanted: bool, inner: Sequence[_Blocker]) -> _Blocker:
    """What keeps someone out of a segment (or, not `wanted`, in it)."""
    unknown = all(blocker.unknown for blocker in inner)
    told = [blocker for blocker in inner if unknown or not blocker.unknown]
    where = f"{'not ' * wanted}in {segment}" if not unknown else f"unknown whether in {segment}"
    return _Blocker(
        f"{where} ({_reasons(told)})",
        unknown,
        sum(blocker.tests for blocker in inner),
        tuple(label for blocker in inner for label in blocker.labels),
    )


def _slot(
    judge: _Judge, fates: Mapping[str, _Fate], name: str, placement: Placement, decision: Decision
) -> Explained:
    verdicts = []
    for rule in judge.book.rules:
        if name in rule.hide or name in rule.show or name in rule.rank or name in rule.order:
            fate = fates[rule.id]
            verdicts.append(
                _verdict(rule, fate if fate.status else judge.outcome(rule, name, placement, fate))
            )
    placed = [item.content for item in placement.items] or [placement.content or ""]
    pinned = frozenset(item for item in placed if decision.is_pinned(name, item))
    placing = {item.rule for item in placement.items}
    rankings = [rule.rank.get(name) for rule in judge.book.rules if rule.id in placing]
    explored = any(ranking is not None and ranking.explore is not None for ranking in rankings)
    return Explained(
        name,
        _outcome(judge.priorities, placement, pinned),
        decision.why(name),
        _in_order(verdicts),
        tuple(
            (item.content, item.propensity, decision.why(name, item.content))
            for item in placement.items
            if placement.scorer is not None or explored
        ),
        _scorer(placement),
        pinned,
    )


def _scorer(placement: Placement) -> str:
    """Whose order counts, where a scorer was asked."""
    asked = placement.scorer
    if asked is None:
        return ""
    order = f"in the order of {asked.used}" if asked.used is not None else "in the rule's own order"
    return f"{order} ({asked.reason})" if asked.reason else order


def _setting(
    judge: _Judge, fates: Mapping[str, _Fate], name: str, setting: SettingValue, why: str
) -> Explained:
    verdicts = []
    for rule in judge.book.rules:
        if name in rule.set:
            fate = fates[rule.id]
            if not fate.status:
                fate = judge.against(rule, setting.rule, fate)
            verdicts.append(_verdict(rule, fate))
    value = json.dumps(setting.to_dict()["value"], ensure_ascii=False)
    return Explained(name, f"{value}, {_by(judge.priorities, setting.rule)}", why, _in_order(verdicts))


def _verdict(rule: Rule, fate: _Fate) -> Verdict:
    return Verdict(rule.id, fate.status, fate.reason, rule.priority, f"{rule.span.path}:{rule.span.line}")


def _in_order(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    return tuple(sorted(verdicts, key=lambda verdict: STATUSES.index(verdict.status)))


def _outcome(priorities: Mapping[str, int], placement: Placement, pinned: frozenset[str]) -> str:
    """What a slot got, in words."""
    if placement.hidden:
        return f"hidden, {_by(priorities, placement.rule)}"
    if placement.kind == "order":
        return f"{', '.join(placement.order)}; {_by(priorities, placement.rule)}"
    if placement.kind == "single":
        what = _named(placement.content, pinned) if placement.content else "nothing"
        return f"{what}, {_by(priorities, placement.rule)}"
    if not placement.items:
        return "nothing, as no rule gave anything and it has no default"
    return ", ".join(
        _named(item.content, pinned) if item.rule else f"{item.content} (default)" for item in placement.items
    )


def _named(item: str, pinned: frozenset[str]) -> str:
    return f"{item} (pinned)" if item in pinned else item


def _by(priorities: Mapping[str, int], rule: str | None) -> str:
    return "by default" if rule is None else f"by {rule} (priority {priorities[rule]})"


def _needs(labels: Iterable[Label]) -> str:
    """What would have to be permitted: `needs consent for finance`."""
    topics = [name for label, name in dict.fromkeys(labels) if label == "topic"]
    purposes = [name for label, name in dict.fromkeys(labels) if label == "purpose"]
    said = [f"needs consent for {joined(topics)}"] if topics else []
    said += [f"opted out of {joined(purposes)}"] if purposes else []
    return ", ".join(said)


def _schedule(rule: Rule, now: datetime) -> str:
    if rule.start is not None and now < rule.start:
        return f"from {value_in_words(rule.start)}"
    assert rule.end is not None
    return f"until {value_in_words(rule.end)}"


def _block(explained: Explained) -> str:
    width = max((len(verdict.rule) for verdict in explained.rules), default=0)
    rows = [
        f"  {verdict.status:<9} {verdict.rule:<{width}}  {verdict.reason}".rstrip()
        for verdict in explained.rules
    ]
    ranked = [f"  {explained.scorer}"] if explained.scorer else []
    widest = max((len(item) for item, _, _ in explained.items), default=0)
    ranked += [f"    {item:<{widest}}  {_likely(share)}  {why}" for item, share, why in explained.items]
    return "\n".join([f"{explained.id}: {explained.outcome}", *ranked, *rows])


def _likely(propensity: float | None) -> str:
    """How likely a thing was to be placed: `80%`."""
    return f"{1.0 if propensity is None else propensity:6.1%}"
