"""What an expectation means: whether a decision meets it, and how a sentence says what should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tailored.book.model import Expectation, Rule, RuleBook
from tailored.condition.english import joined
from tailored.engine.decision import Decided, Decision, Placement, SettingValue
from tailored.engine.facts import as_json


def is_met(one: Expectation, decision: Decision) -> bool:
    """Whether a decision has what is expected."""
    decided: Decided = decision[one.target]
    return _MET[one.piece](decided, one.value)


def in_words(one: Expectation, decision: Decision) -> str:
    """What should be, as the middle of a sentence: `should hold a, b`."""
    return _WORDS[one.piece](decision[one.target], one.value)


def bears_on(one: Expectation, rule: Rule, book: RuleBook) -> bool:
    """Whether a rule would bring what is expected, if it decided alone."""
    target, value = one.target, one.value
    if one.piece == "rule":
        return rule.id == value
    if one.piece == "hidden":
        return value is True and target in rule.hide
    if one.piece == "default":
        return value is False
    if one.piece == "value":
        return target in rule.set and rule.set[target] == value
    if one.piece in ("content", "items", "first"):
        wanted = value if isinstance(value, tuple) else (value,)
        placed = (*rule.show.get(target, ()), *rule.order.get(target, ()))
        return target in rule.rank or any(name in wanted for name in placed)
    return one.piece == "order" and target in rule.order


def as_plain(value: Any) -> Any:
    """What is expected of a piece as JSON data."""
    if isinstance(value, tuple | list):
        return [as_plain(one) for one in value]
    return value if value is None or isinstance(value, dict) else as_json(value)


def _content(decided: Any, value: Any) -> bool:
    return not decided.hidden and decided.content == value


def _items(decided: Any, value: Any) -> bool:
    return not decided.hidden and _held(decided) == value


def _first(decided: Any, value: Any) -> bool:
    return not decided.hidden and (decided.order or _held(decided))[: len(value)] == value


def _rule(decided: Any, value: Any) -> bool:
    if isinstance(decided, Placement) and decided.kind == "many" and not decided.hidden:
        return any(item.rule == value for item in decided.items)
    return bool(decided.rule == value)


def _default(decided: Any, value: Any) -> bool:
    is_default = decided.rule is None if isinstance(decided, SettingValue) else decided.reason == "default"
    return is_default is value


def _fields(decided: Any, value: Mapping[str, Any]) -> bool:
    return not _wrong_fields(decided, value)


def _held(decided: Placement) -> tuple[str, ...]:
    """The content in a slot for one or many."""
    if decided.kind == "many":
        return tuple(item.content for item in decided.items)
    return () if decided.content is None else (decided.content,)


def _wrong_fields(decided: Placement, value: Mapping[str, Any]) -> list[str]:
    found = decided.to_dict().get("fields", {})
    return [name for name, wanted in value.items() if name not in found or found[name] != wanted]


def _should_read(decided: Any, value: Mapping[str, Any]) -> str:
    found = decided.to_dict().get("fields", {})
    wrong = [
        f"`{name}` as {_shown(value[name])}, not {_shown(found[name]) if name in found else 'missing'}"
        for name in _wrong_fields(decided, value)
    ]
    return f"should have {joined(wrong)}"


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _names(value: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in value) or "nothing"


def _setting(value: Any) -> str:
    """The value of a setting, as explanations write it."""
    return json.dumps(as_plain(value), ensure_ascii=False)


_MET: dict[str, Callable[[Any, Any], bool]] = {
    "content": _content,
    "items": _items,
    "order": lambda decided, value: bool(decided.order == value),
    "first": _first,
    "without": lambda decided, value: not set(value) & set(_held(decided)),
    "fields": _fields,
    "hidden": lambda decided, value: bool(decided.hidden is value),
    "default": _default,
    "rule": _rule,
    "value": lambda decided, value: bool(as_plain(decided.value) == as_plain(value)),
}
"""Whether what was decided meets what is expected of a piece."""
_WORDS: dict[str, Callable[[Any, Any], str]] = {
    "content": lambda decided, value: f"should be {_names((value,) if value else ())}",
    "items": lambda decided, value: f"should hold {_names(value)}",
    "order": lambda decided, value: f"should have the order {_names(value)}",
    "first": lambda decided, value: f"should begin with {_names(value)}",
    "without": lambda decided, value: f"should not hold {_names(tuple(set(value) & set(_held(decided))))}",
    "fields": _should_read,
    "hidden": lambda decided, value: f"should {'' if value else 'not '}be hidden",
    "default": lambda decided, value: f"should {'' if value else 'not '}be left to its default",
    "rule": lambda decided, value: f"should be decided by `{value}`",
    "value": lambda decided, value: f"should be {_setting(value)}",
}
"""What a sentence says of a piece that is not as it should be."""
