"""Why am I seeing this? One sentence for the person herself, free of what is hidden from her."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeAlias

from tailored.book.model import RuleBook, Segment
from tailored.condition.english import attribute_in_words, joined, says_of
from tailored.condition.kleene import test_holds
from tailored.condition.logic import evaluator
from tailored.condition.operators import LISTS, TIMES
from tailored.condition.tree import (
    All,
    Any,
    Attribute,
    Condition,
    InSegment,
    Logic,
    Not,
    Op,
    Test,
    Value,
    attributes_read,
    segments_named,
)
from tailored.condition.types import Type
from tailored.engine.decision import Placement, SettingValue
from tailored.engine.facts import Facts, nested

MOST_REASONS = 5
"""How many parts of a condition a sentence names."""
LONGEST_DESCRIPTION = 120
"""Characters of a segment's description that may stand in a sentence."""

_NOTHING_CHOSEN = "nothing chosen for you applies here"
_FOR_EVERYONE = "it applies to everyone"
_NOTHING_AGAINST = "nothing that may be used about you speaks against it"
"""For a rule that holds because something is missing, where that is missing for the guard's sake only."""

_Clauses: TypeAlias = tuple[str, ...] | None
"""The parts of a condition that hold, in words; None where it does not hold."""


def sentence(
    book: RuleBook, facts: Facts, decided: Placement | SettingValue, _name: str, _item: str | None = None
) -> str:
    """Why a person sees what a slot or a setting of her decision holds."""
    reader = _Reader(book, facts)
    return _of_slot(reader, decided) if isinstance(decided, Placement) else _of_setting(reader, decided)


def _of_slot(reader: _Reader, placement: Placement) -> str:
    if placement.hidden:
        return f"You see nothing here because {reader.reason(placement.rule)}."
    if placement.kind == "many":
        return _of_many(reader, [item.rule for item in placement.items])
    if placement.kind == "order":
        return f"You see it in this order because {reader.reason(placement.rule)}."
    if placement.content is None:
        return f"You see nothing here because {_NOTHING_CHOSEN}."
    return f"You see this because {reader.reason(placement.rule)}."


def _of_many(reader: _Reader, rules: list[str | None]) -> str:
    """One sentence over all rules that gave items; what fills up the rest was chosen by none."""
    reasons = dict.fromkeys(reader.reason(rule) for rule in rules if rule is not None)
    if not reasons:
        return f"You see {'this' if rules else 'nothing here'} because {_NOTHING_CHOSEN}."
    rest = "; the rest is not chosen for you" if None in rules else ""
    return f"You see this {joined([f'because {reason}' for reason in reasons])}{rest}."


def _of_setting(reader: _Reader, setting: SettingValue) -> str:
    return f"This is set as it is because {reader.reason(setting.rule)}."


class _Reader:
    """Reads the conditions of rules that fired as reasons, by the facts of one request."""

    def __init__(self, book: RuleBook, facts: Facts) -> None:
        self._segments, self._rules, self._facts = book.segments, book.rules, facts
        self._known: dict[tuple[str, bool], _Clauses] = {}
        self._open: dict[str, bool] = {}

    def reason(self, name: str | None) -> str:
        """Why a rule fired, as it stands after "because"; None is a default."""
        if name is None:
            return _NOTHING_CHOSEN
        rule = next(rule for rule in self._rules if rule.id == name)
        open_to_her = self._is_open(rule.when)
        if rule.because and open_to_her:
            return _clause(rule.because)
        parts = self._holding(rule.when, True) or ()
        if not parts:
            return _FOR_EVERYONE if open_to_her else _NOTHING_AGAINST
        if len(parts) > MOST_REASONS:
            parts = (*parts[: MOST_REASONS - 1], f"for {len(parts) - MOST_REASONS + 1} more reasons")
        return joined(parts)

    def _is_open(self, condition: Condition) -> bool:
        """Whether nothing that a condition reads, itself or through segments, is hidden from this request."""
        return not any(map(self._facts.permissions.hiding, attributes_read(condition))) and all(
            self._is_open_segment(name) for name in segments_named(condition)
        )

    def _is_open_segment(self, name: str) -> bool:
        if name not in self._open:
            segment = self._segments[name]
            self._open[name] = self._is_permitted(segment) and self._is_open(segment.when)
        return self._open[name]

    def _is_permitted(self, segment: Segment) -> bool:
        return not any(self._facts.permissions.held_back(segment.topics, None))

    def _holding(self, condition: Condition, wanted: bool) -> _Clauses:
        """The parts that make a condition what is wanted of it, but for those about what is hidden."""
        if isinstance(condition, Not):
            return self._holding(condition.part, not wanted)
        if isinstance(condition, All | Any):
            found = [self._holding(part, wanted) for part in condition.parts]
            holding = [parts for parts in found if parts is not None]
            every = isinstance(condition, All) is wanted
            if len(holding) < (len(found) if every else 1):
                return None
            return tuple(dict.fromkeys(part for parts in holding for part in parts))
        if isinstance(condition, Test):
            return self._test(condition, wanted)
        if isinstance(condition, InSegment):
            return self._segment(condition.id, wanted)
        assert isinstance(condition, Logic)
        return self._logic(condition, wanted)

    def _test(self, test: Test, wanted: bool) -> _Clauses:
        value, now = self._facts.values.get(test.attribute.key), self._facts.now
        if test_holds(test, value, now) is not wanted:
            return None
        if self._facts.permissions.hiding(test.attribute):
            return ()
        if test.op in _MEMBERS and isinstance(test.operand, tuple):
            single = [replace(test, operand=(one,)) for one in test.operand]
            test = replace(
                test,
                operand=tuple(
                    operand
                    for one, operand in zip(single, test.operand, strict=True)
                    if test_holds(one, value, now) is wanted
                ),
            )
        return (_said(test, wanted, value),)

    def _segment(self, name: str, wanted: bool) -> _Clauses:
        if (name, wanted) not in self._known:
            self._known[name, wanted] = self._through(self._segments[name], wanted)
        return self._known[name, wanted]

    def _through(self, segment: Segment, wanted: bool) -> _Clauses:
        """A segment in the words of its description, or, where it has none fit to be shown, part by part."""
        parts = self._holding(segment.when, wanted) if self._is_permitted(segment) else None
        words = _first_sentence(segment.description)
        if (
            parts is None
            or not 0 < len(words) <= LONGEST_DESCRIPTION
            or not self._is_open_segment(segment.id)
        ):
            return parts
        return (_membership(words, wanted),)

    def _logic(self, leaf: Logic, wanted: bool) -> _Clauses:
        if any(map(self._facts.permissions.hiding, leaf.reads)):
            return None
        if evaluator(leaf.text)(nested(self._facts, leaf.reads)) is not wanted:
            return None
        about = f" on {joined([_owned(attribute) for attribute in leaf.reads])}" if leaf.reads else ""
        return (f"a formula{about} {'holds' if wanted else 'does not hold'}",)


def _said(test: Test, wanted: bool, value: Value | None) -> str:
    """What a test that holds (`wanted`), or does not, says of the person or of the moment."""
    attribute = test.attribute
    if test.op is Op.KNOWN:
        return f"we {'do not ' * (value is None)}know {_owned(attribute)}"
    if attribute.type is Type.BOOLEAN:
        return _flag(attribute, value is True)
    if attribute.type in LISTS and test.op in _MEMBERS:
        has = wanted is not (test.op is Op.CONTAINS_NONE)
        test, wanted = replace(test, op=Op.CONTAINS_ALL if has else Op.CONTAINS_NONE), True
    return says_of(test, _owned(attribute), negated=not wanted, short=True)


def _flag(attribute: Attribute, value: bool) -> str:
    words = attribute_in_words(attribute)
    verb, _, rest = words.partition(" ")
    if attribute.side == "user" and rest and verb in _VERBS:
        return f"you {_VERBS[verb][not value]} {rest}"
    return f"{words} is {'true' if value else 'false'}{' for you' * (attribute.side == 'user')}"


def _owned(attribute: Attribute) -> str:
    """An attribute as hers, or as one of the moment: `your age`, `the page`, `your "signed up at"`."""
    words = attribute_in_words(attribute)
    if attribute.type in TIMES and words.rpartition(" ")[2] in _LOOSE_ENDS:
        words = f'"{words}"'
    return f"{'your' if attribute.side == 'user' else 'the'} {words}"


def _membership(description: str, wanted: bool) -> str:
    """A segment's description, which speaks of people, said to one of them."""
    first, _, rest = description.partition(" ")
    if wanted and rest and _DEEDS.fullmatch(first):
        rest = re.sub(r"\b(they|them|their|theirs|themselves)\b", lambda found: _YOURS[found[0]], rest)
        return f"you {first.lower()} {rest}"
    return f'you are {"not " * (not wanted)}in the group "{description}"'


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?]) ", " ".join(text.split()), maxsplit=1)[0].rstrip(".")


def _clause(because: str) -> str:
    """What an author wrote below `because`, as it stands after that word."""
    text = " ".join(because.split()).rstrip(".")
    text = re.sub(r"^(you see this )?because ", "", text, flags=re.IGNORECASE)
    first, space, rest = text.partition(" ")
    return f"{first.lower() if _BEGINNINGS.fullmatch(first) else first}{space}{rest}"


_MEMBERS = frozenset({Op.ONE_OF, Op.NONE_OF, Op.CONTAINS, Op.CONTAINS_ANY, Op.CONTAINS_ALL, Op.CONTAINS_NONE})
"""The operators whose operands hold or do not hold one by one."""
_LOOSE_ENDS = frozenset(["at", "by", "from", "in", "on", "since", "until"])
_VERBS = {
    "is": ("are", "are not"),
    "has": ("have", "do not have"),
    "wants": ("want", "do not want"),
    "likes": ("like", "do not like"),
    "uses": ("use", "do not use"),
}
"""The first words of flags that make a sentence, such as `has_children`."""
_DEEDS = re.compile(
    "Added|Asked|Booked|Bought|Came|Chose|Downloaded|Have|Like|Listened|Live|Looked|Made|Opened|Ordered|Own|Paid"
    "|Played|Read|Rented|Returned|Saved|Searched|Shared|Signed|Sleep|Spent|Started|Stopped|Told|Used|Viewed"
    "|Visited|Want|Watched|Went|Work|Wrote"
)
"""The first words of descriptions that become a sentence when "you" stands before them."""
_YOURS = {"they": "you", "them": "you", "their": "your", "theirs": "yours", "themselves": "yourself"}
_BEGINNINGS = re.compile("A|An|It|Its|Our|People|The|There|These|This|We|You|Your")
"""Words with a capital only because a sentence began with them."""
