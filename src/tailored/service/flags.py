"""Decisions as OpenFeature has them: a slot is an object flag, a setting a flag of its type.

Follows https://openfeature.dev/specification/types and the OpenFeature Remote Evaluation Protocol
(https://github.com/open-feature/protocol). Shared by the protocol's endpoints and the provider for Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailored.book.model import RuleBook
from tailored.condition.types import Type
from tailored.engine.decision import Decision, Placement

REASONS = {
    "rule": "TARGETING_MATCH",
    "default": "DEFAULT",
    "hidden": "DISABLED",
    "experiment": "SPLIT",
    "holdout": "SPLIT",
}
"""The reason of OpenFeature for each of ours; any other is DEFAULT."""

EMPTY: dict[str, dict[str, Any]] = {
    "single": {"content": None, "fields": {}},
    "many": {"items": []},
    "order": {"order": []},
}
"""The value of a hidden slot, by its kind."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One evaluated flag. `variant` is the content id, ids joined by commas, or a setting's value as text."""

    key: str
    value: Any
    reason: str
    variant: str
    metadata: dict[str, str | bool | float]

    def to_dict(self) -> dict[str, Any]:
        """The flag as the protocol has it."""
        return {
            "key": self.key,
            "value": self.value,
            "reason": self.reason,
            "variant": self.variant,
            "metadata": self.metadata,
        }


class UnusableContext(ValueError):
    """An evaluation context that cannot be read as user and context; the text says why."""


class Contexts:
    """Reads evaluation contexts by a book's attributes: names whole (`context.page`) or short (`page`)."""

    def __init__(self, book: RuleBook) -> None:
        self._places: dict[str, tuple[str, tuple[str, ...]]] = {
            "user.consents": ("user", ("consents",)),
            "consents": ("user", ("consents",)),
        }
        self._ambiguous: set[str] = set()
        sides: dict[str, set[str]] = {}
        for attribute in book.attributes.values():
            where = (attribute.side, attribute.path or (attribute.name,))
            self._places[attribute.key] = where
            sides.setdefault(attribute.name, set()).add(attribute.side)
            self._places[attribute.name] = where
        for attribute in book.attributes.values():
            if attribute.path and attribute.path[0] not in sides:
                self._places.setdefault(attribute.path[0], (attribute.side, attribute.path[:1]))
        self._ambiguous = {name for name, both in sides.items() if len(both) > 1}

    def read(self, targeting_key: object, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The user and the context of an evaluation context; names that the book does not have are ignored.

        Raises UnusableContext where a short name could be of either side, where something is given by two
        names (of two consents, none may win by chance), or where the targeting key is no text.
        """
        names: dict[tuple[str, tuple[str, ...]], str] = {}
        sides: dict[str, dict[str, Any]] = {"user": {}, "context": {}}
        for name, value in given.items():
            place = self._places.get(name)
            if place is None:
                continue
            if name in self._ambiguous:
                raise UnusableContext(f"`{name}` may be `user.{name}` or `context.{name}`; write it whole.")
            if (other := names.setdefault(place, name)) != name:
                raise UnusableContext(f"`{other}` and `{name}` are the same; give one of them.")
            side, path = place
            data = sides[side]
            for step in path[:-1]:
                inner = data.get(step)
                data[step] = data = dict(inner) if isinstance(inner, Mapping) else {}
            data[path[-1]] = value
        if targeting_key is not None:
            if not isinstance(targeting_key, str):
                raise UnusableContext("`targetingKey` must be a text.")
            sides["user"]["id"] = targeting_key
        return sides["user"], sides["context"]


def flag(book: RuleBook, decision: Decision, key: str) -> Flag | None:
    """The flag of one slot or setting of a decision, or None where the book has none of this name."""
    if key in decision.slots:
        return _slot(book, decision, key, decision.slots[key])
    if key in decision.settings:
        setting = decision.settings[key]
        value = setting.to_dict()["value"]
        if book.settings[key].type is Type.NUMBER:
            value = float(value)
        elif book.settings[key].type is Type.NUMBERS:
            value = [float(one) for one in value]
        reason = "DEFAULT" if setting.rule is None else "TARGETING_MATCH"
        return Flag(key, value, reason, _text(value), _metadata(decision, setting.rule))
    return None


def flags(book: RuleBook, decision: Decision) -> list[Flag]:
    """Every flag of a decision, in the order of the book."""
    return [found for key in decision if (found := flag(book, decision, key)) is not None]


def _slot(book: RuleBook, decision: Decision, key: str, placement: Placement) -> Flag:
    kind = book.slots[key].kind
    value = placement.to_dict()
    reason, rule = value.pop("reason"), value.pop("rule", None)
    variant = placement.content or ""
    if placement.hidden:
        value = EMPTY[kind]
    elif kind == "many":
        variant = ",".join(item.content for item in placement.items)
        rule = next((item.rule for item in placement.items if item.rule is not None), None)
    elif kind == "order":
        variant = ",".join(placement.order)
    return Flag(key, value, REASONS.get(reason, "DEFAULT"), variant, _metadata(decision, rule))


def _metadata(decision: Decision, rule: str | None) -> dict[str, str | bool | float]:
    metadata: dict[str, str | bool | float] = {"book": decision.book, "version": decision.book}
    if rule is not None:
        metadata["rule"] = rule
    return metadata


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)
