"""A decision: plain, frozen data that says what each slot shows, what each setting is, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tailored.content.render import FrozenDict
from tailored.engine.facts import Facts, RequestWarning
from tailored.engine.resolve import Withheld

NOTHING = FrozenDict()


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of content in a slot; `rule` is None where it is the slot's default."""

    content: str
    fields: FrozenDict
    rule: str | None

    def to_dict(self) -> dict[str, Any]:
        """The item as JSON data."""
        return {"content": self.content, "fields": _plain(self.fields), "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Placement:
    """What a decision puts into a slot.

    `kind` is `single`, `many` or `order`; `reason` is `rule`, `default` or `hidden`. A single slot has
    `content` (None where there is nothing) and its rendered `fields`, a many slot `items`, an order slot the
    `order` of its modules. `rule` is the rule that decided; in a many slot every item has its own.
    """

    kind: str
    reason: str
    rule: str | None = None
    content: str | None = None
    fields: FrozenDict = NOTHING
    items: tuple[Item, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def hidden(self) -> bool:
        """Whether the slot shows nothing because a rule says so."""
        return self.reason == "hidden"

    def to_dict(self) -> dict[str, Any]:
        """The placement as JSON data."""
        if self.hidden:
            return {"reason": self.reason, "rule": self.rule}
        if self.kind == "many":
            return {"reason": self.reason, "items": [item.to_dict() for item in self.items]}
        what: dict[str, Any] = {"order": list(self.order)}
        if self.kind == "single":
            what = {"content": self.content, "fields": _plain(self.fields)}
        return {"reason": self.reason, "rule": self.rule, **what}


@dataclass(frozen=True, slots=True)
class SettingValue:
    """The value of a setting; `rule` is None where it is the default."""

    value: Any
    rule: str | None

    def to_dict(self) -> dict[str, Any]:
        """The value as JSON data."""
        return {"value": _plain(self.value), "rule": self.rule}


Decided: TypeAlias = Placement | SettingValue
Reasons: TypeAlias = tuple[Callable[[Facts, Any], str], Facts] | Mapping[str, str]
"""What tells why somebody sees something, and the facts that it takes; or the sentences themselves."""


@dataclass(frozen=True, slots=True)
class Decision(Mapping[str, Any]):
    """What a user sees: every slot and every setting of the book, by id.

    `book` is the version of the rule book; `withheld` says what the guard kept back and for which topic or
    purpose; `warnings` say what in the request could not be used.
    """

    book: str
    slots: Mapping[str, Placement]
    settings: Mapping[str, SettingValue]
    withheld: tuple[Withheld, ...]
    warnings: tuple[RequestWarning, ...]
    reasons: Reasons = field(default=NOTHING, compare=False, repr=False)

    def why(self, name: str) -> str:
        """One sentence of plain text for the person herself: why she sees what a slot or a setting holds.

        It speaks of nothing that the guard hides from her request. Raises KeyError for an unknown name.
        """
        decided: Decided = self[name]
        if isinstance(self.reasons, tuple):
            tell, facts = self.reasons
            return tell(facts, decided)
        return self.reasons[name]

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle, or a deep copy, holds the sentences of `why`, and nothing of the facts behind them."""
        sentences = FrozenDict({name: self.why(name) for name in self})
        return Decision, (self.book, self.slots, self.settings, self.withheld, self.warnings, sentences)

    def __getitem__(self, name: str) -> Any:
        found: Decided | None = self.slots.get(name) or self.settings.get(name)
        if found is None:
            raise KeyError(f"the book has no slot and no setting `{name}`")
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self.slots
        yield from self.settings

    def __len__(self) -> int:
        return len(self.slots) + len(self.settings)

    def to_dict(self) -> dict[str, Any]:
        """The decision as JSON data, which the caller may change."""
        return {
            "book": self.book,
            "slots": {name: placement.to_dict() for name, placement in self.slots.items()},
            "settings": {name: setting.to_dict() for name, setting in self.settings.items()},
            "withheld": [entry.to_dict() for entry in self.withheld],
            "warnings": [warning.to_dict() for warning in self.warnings],
        }

    def to_json(self, indent: int | None = None) -> str:
        """The decision as JSON text: the same bytes for the same book, request and moment."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)


def _plain(value: Any) -> Any:
    """Frozen data as fresh lists and dictionaries."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
