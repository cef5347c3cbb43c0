"""Expectations of a test that exclude each other: no decision has both, whatever was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tailored.book.model import Expectation, Rule, RuleBook
from tailored.book.placeable import Placeable
from tailored.book.suggest import did_you_mean, listed


@dataclass(frozen=True, slots=True)
class Target:
    """A slot or a setting, with what can be in it."""

    id: str
    book: RuleBook
    placeable: Placeable

    @property
    def default(self) -> Any:
        """What stands in it where no rule decides: content, modules or a value."""
        if self.id in self.book.settings:
            return self.book.settings[self.id].default
        slot = self.book.slots[self.id]
        return slot.default if slot.modules is None else slot.modules

    def rule(self, name: Any) -> Rule | None:
        """A rule of the book."""
        return next((rule for rule in self.book.rules if rule.id == name), None)


def contrary(
    target: Target, expected: Iterable[Expectation], sure: bool
) -> Iterator[tuple[Expectation, str, str]]:
    """What is expected of a target and cannot be beside the rest, each with what is wrong, and the mend.

    What follows from rules and defaults is looked at where it is `sure` that all of them could be read.
    """
    said = {one.piece: one for one in expected}
    for (first, second), (needs_book, excludes, why) in _EXCLUDES.items():
        if first in said and second in said and (sure or not needs_book):
            one, other = said[first], said[second]
            if excludes(target, one.value, other.value):
                yield (
                    max(one, other, key=lambda each: each.span),
                    _sentence(target, one, other, why),
                    _ONE_OUT,
                )
    if sure and "fields" in said and "content" in said:
        yield from _unknown_fields(target, said["content"], said["fields"])


_ONE_OUT = "Take one of the two out."


def _sentence(target: Target, one: Expectation, other: Expectation, why: str) -> str:
    if one.piece == "hidden" and one.value is True:
        return f"`{target.id}` cannot be hidden and have `{other.piece}`."
    return f"`{target.id}` cannot have this `{one.piece}` and this `{other.piece}`: {why}."


def _unknown_fields(
    target: Target, content: Expectation, fields: Expectation
) -> Iterator[tuple[Expectation, str, str]]:
    """The expected fields that the expected content does not have."""
    names = target.placeable.fields_of(str(content.value))
    for name in fields.value if names is not None and isinstance(fields.value, dict) else ():
        if name not in (names or ()):
            hint = did_you_mean(name, names or ()) or f"It has {listed(names or ())}."
            yield fields, f"`{content.value}` has no field `{name}`.", hint if names else "It has no fields."


def _is_not_default(target: Target, is_default: Any, value: Any) -> bool:
    return is_default is True and value != target.default


def _begins_otherwise(whole: Any, first: Any) -> bool:
    return bool(whole[: len(first)] != first)


def _rule_places_none(target: Target, name: Any, value: Any) -> bool:
    rule = target.rule(name)
    wanted = value if isinstance(value, tuple) else (value,)
    return rule is not None and target.placeable.of_rule(rule).isdisjoint(wanted)


def _rule_sets_another(target: Target, name: Any, value: Any) -> bool:
    rule = target.rule(name)
    return rule is not None and rule.set.get(target.id) != value


def _rule_does_not_hide(target: Target, name: Any, hidden: Any) -> bool:
    rule = target.rule(name)
    return rule is not None and (
        target.id not in rule.hide if hidden is True else target.id not in {*rule.show, *rule.rank}
    )


_Excludes = Callable[[Target, Any, Any], bool]
_HIDDEN: tuple[bool, _Excludes, str] = (
    False,
    lambda target, hidden, value: hidden is True and value not in (None, (), False),
    "what is hidden holds nothing",
)
_OTHER_DEFAULT = "the default is another"
_OTHER_FIRST = "it begins otherwise"
_NAMED_TWICE = "what is left out is named"

_EXCLUDES: dict[tuple[str, str], tuple[bool, _Excludes, str]] = {
    **{("hidden", piece): _HIDDEN for piece in ("content", "items", "first", "fields", "default")},
    ("content", "fields"): (
        False,
        lambda _, content, fields: content is None and bool(fields),
        "nothing has no fields",
    ),
    ("content", "without"): (False, lambda _, content, without: content in without, _NAMED_TWICE),
    ("items", "without"): (False, lambda _, items, without: bool({*items} & {*without}), _NAMED_TWICE),
    ("first", "without"): (False, lambda _, first, without: bool({*first} & {*without}), _NAMED_TWICE),
    ("items", "first"): (False, lambda _, items, first: _begins_otherwise(items, first), _OTHER_FIRST),
    ("order", "first"): (False, lambda _, order, first: _begins_otherwise(order, first), _OTHER_FIRST),
    ("default", "rule"): (
        False,
        lambda _, default, rule: default is True,
        "a default stands where no rule decides",
    ),
    ("default", "content"): (
        True,
        lambda target, default, content: default is True and content != next(iter(target.default), None),
        _OTHER_DEFAULT,
    ),
    ("default", "items"): (True, _is_not_default, _OTHER_DEFAULT),
    ("default", "order"): (True, _is_not_default, _OTHER_DEFAULT),
    ("default", "value"): (True, _is_not_default, _OTHER_DEFAULT),
    ("default", "first"): (
        True,
        lambda target, default, first: default is True and _begins_otherwise(target.default, first),
        _OTHER_DEFAULT,
    ),
    ("default", "without"): (
        True,
        lambda target, default, without: default is True and bool({*target.default} & {*without}),
        "the default is what is left out",
    ),
    ("rule", "content"): (True, _rule_places_none, "the rule never places that there"),
    ("rule", "items"): (True, _rule_places_none, "the rule never places any of them there"),
    ("rule", "value"): (True, _rule_sets_another, "the rule sets another value"),
    ("rule", "hidden"): (True, _rule_does_not_hide, "the rule does the other of the two"),
}
"""Two pieces; whether one needs the whole book to tell; when they exclude each other; and why."""
