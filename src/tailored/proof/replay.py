"""Replays a request through the engine and the specification, to see what really happens with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from tailored.book.builtin import PERSONALIZATION
from tailored.book.model import Rule, RuleBook
from tailored.condition.kleene import Truth, truth
from tailored.condition.logic import evaluator
from tailored.condition.tree import Condition, InSegment, Logic
from tailored.condition.values import read_now
from tailored.engine import reference
from tailored.engine.engine import Engine
from tailored.engine.facts import Facts, nested
from tailored.guard.permissions import Permissions
from tailored.proof.symbols import Request

MOST_RULES = 60
"""How many rules the specification is asked with, which takes its time."""
Outcome = dict[str, Any]
"""What one slot or setting of a decision holds, as JSON data."""


class Replayed:
    """What became of one request; the decision is made when it is asked for."""

    def __init__(self, book: RuleBook, engine: Engine, facts: Facts, usable: list[Rule]) -> None:
        self._book, self._engine, self.facts = book, engine, facts
        self.usable = usable
        """The rules that are awake, fire, and are not kept back, in resolution order."""

    @cached_property
    def outcomes(self) -> Mapping[str, Outcome]:
        """What every slot and every setting holds."""
        decision = self._engine.decide(self.facts).to_dict()
        return {**decision["slots"], **decision["settings"]}

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The values of settings, with their own types."""
        return {
            name: next((rule.set[name] for rule in self.usable if name in rule.set), setting.default)
            for name, setting in self._book.settings.items()
        }

    def named(self, target: str) -> set[str]:
        """The rules that a slot or a setting has its answer from."""
        return rules_of(self.outcomes[target])


class Replay:
    """One book, ready to be asked."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self.engine = Engine(book, warm=False)
        self._last: tuple[Request, Replayed] | None = None
        self._bearing: defaultdict[str, list[int]] = defaultdict(list)
        """By slot and setting, the places of the rules that bear on it."""
        self._ranked = {name for rule in book.rules for name in rule.rank}
        for place, rule in enumerate(book.rules):
            for name in {*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set}:
                self._bearing[name].append(place)

    def __call__(self, request: Request) -> Replayed:
        """What the engine makes of a request."""
        if self._last is None or self._last[0] is not request:
            facts = self.engine.facts(request.user, request.context, request.now)
            self._last = request, Replayed(self.book, self.engine, facts, self.usable(facts))
        return self._last[1]

    def usable(self, facts: Facts) -> list[Rule]:
        """The rules that are awake, fire, and are not kept back, in resolution order."""
        asks = facts.permissions
        opted_out = asks.opted_out(PERSONALIZATION)
        return [
            rule
            for rule in self.engine.firing(facts)
            if not any(asks.held_back(rule.topics, rule.purpose))
            and not (opted_out and rule.id in self.engine.personal)
        ]

    def truth(self, condition: Condition, request: Request) -> Truth:
        """What a condition is for a request, by its plain meaning."""
        facts = self.engine.facts(request.user, request.context, request.now)
        asks = facts.permissions

        def leaf_truth(leaf: Condition) -> Truth:
            if isinstance(leaf, InSegment):
                segment = self.book.segments[leaf.id]
                closed = any(asks.held_back(segment.topics, None))
                return None if closed else truth(segment.when, facts.values, facts.now, leaf_truth)
            assert isinstance(leaf, Logic)
            if any(asks.hiding(attribute) for attribute in leaf.reads):
                return None
            return evaluator(leaf.text)(nested(facts, leaf.reads))

        return truth(condition, facts.values, facts.now, leaf_truth)

    def confirmed(self, request: Request, targets: Iterable[str]) -> bool:
        """Whether the specification gives these slots and settings what the engine gives them.

        It is asked with the rules that bear on them; of very many, with those that fire. What scorers choose
        is not asked again.
        """
        book, names = self.book, set(targets)
        if not names.isdisjoint(self._ranked):
            return True
        replayed = self(request)
        if sum(len(self._bearing[name]) for name in names) > MOST_RULES:
            rules = tuple(replayed.usable)
        else:
            places = sorted({place for name in names for place in self._bearing[name]})
            rules = tuple(book.rules[place] for place in places)
        slots = {name: slot for name, slot in book.slots.items() if name in names}
        shown = {content for rule in rules for contents in rule.show.values() for content in contents}
        shown |= {content for slot in slots.values() for content in slot.default}
        smaller = replace(
            book,
            rules=rules,
            slots=slots,
            settings={name: setting for name, setting in book.settings.items() if name in names},
            content={name: book.content[name] for name in sorted(shown)},
        )
        said = reference.answers(smaller, request.user, request.context, read_now(request.now))
        answers = said["slots"] | said["settings"]
        return all(answers[name] == replayed.outcomes[name] for name in names)


def rules_of(outcome: Outcome) -> set[str]:
    """The rules that an outcome names."""
    named = [outcome.get("rule"), *(item["rule"] for item in outcome.get("items", ()))]
    return {rule for rule in named if rule is not None}


def answer_of(outcome: Outcome) -> Any:
    """What an outcome answers, whoever is named for it: hidden, content, items, an order, or a value."""
    if outcome.get("reason") == "hidden":
        return "hidden"
    if "items" in outcome:
        return [item["content"] for item in outcome["items"]]
    for key in ("content", "order", "value"):
        if key in outcome:
            return outcome[key]
    return None


def slot_answer(book: RuleBook, slot: str, usable: Sequence[Rule], permissions: Permissions) -> Any:
    """What a slot would answer, by the specification, were these the usable rules in this order."""

    def permitted(content: Any) -> bool:
        return not any(permissions.held_back(content.topics, content.purpose))

    return answer_of(reference.placement(book, book.slots[slot], list(usable), permitted, lambda content: {}))
