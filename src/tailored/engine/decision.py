"""A decision: plain, frozen data that says what each slot shows, what each setting is, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tailored.content.render import FrozenDict
from tailored.engine.facts import Facts, RequestWarning
from tailored.engine.resolve import Withheld

if TYPE_CHECKING:
    from tailored.scoring.hook import Answer

NOTHING = FrozenDict()


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of content in a slot; `rule` is None where it is the slot's default.

    An item of a catalog names that. `propensity` is its probability of being placed, where a ranking took
    part.
    """

    content: str
    fields: FrozenDict
    rule: str | None
    catalog: str | None = None
    propensity: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The item as JSON data."""
        item = {"content": self.content, "fields": _plain(self.fields), "rule": self.rule}
        return item | _ranked(self.catalog, self.propensity)


@dataclass(frozen=True, slots=True)
class Placement:
    """What a decision puts into a slot.

    `kind` is `single`, `many` or `order`; `reason` is `rule`, `default` or `hidden`. A single slot has
    `content` (None where there is nothing) and its rendered `fields`, a many slot `items`, an order slot the
    `order` of its modules. `rule` is the rule that decided; in a many slot every item has its own.
    `scorer` is what came of asking one, where one took part. A single slot has `catalog` and `propensity`, as
    items have.
    """

    kind: str
    reason: str
    rule: str | None = None
    content: str | None = None
    fields: FrozenDict = NOTHING
    items: tuple[Item, ...] = ()
    order: tuple[str, ...] = ()
    scorer: Answer | None = None
    catalog: str | None = None
    propensity: float | None = None

    @property
    def hidden(self) -> bool:
        """Whether the slot shows nothing because a rule says so."""
        return self.reason == "hidden"

    def to_dict(self) -> dict[str, Any]:
        """The placement as JSON data."""
        if self.hidden:
            return {"reason": self.reason, "rule": self.rule}
        asked = {} if self.scorer is None else {"scorer": self.scorer.to_dict()}
        if self.kind == "many":
            return {"reason": self.reason, "items": [item.to_dict() for item in self.items], **asked}
        what: dict[str, Any] = {"order": list(self.order)}
        if self.kind == "single":
            what = {"content": self.content, "fields": _plain(self.fields)}
            what |= _ranked(self.catalog, self.propensity) | asked
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
Tell: TypeAlias = Callable[[Facts, Any, str, str | None], str]
Reasons: TypeAlias = tuple[Any, ...] | Mapping[str, str]
"""What tells why somebody sees a slot or a thing in it, a `Tell`, and the facts that it takes, or what makes
them of the moment, the door, the clauses and the values that follow; or the sentences."""


class Open:
    """A decision that is not frozen yet."""

    __slots__ = ("book", "reasons", "settings", "slots", "warnings", "withheld")


@dataclass(frozen=True, slots=True)
class Decision(Open, Mapping[str, Any]):
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

    def why(self, name: str, item: str | None = None) -> str:
        """One sentence of plain text for the person herself: why she sees what a slot or a setting holds.

        With `item`, the id of one thing in the slot, why she sees that one. It speaks of nothing that the
        guard hides from her request. Raises KeyError for an unknown name.
        """
        decided: Decided = self[name]
        if isinstance(self.reasons, tuple):
            assert self.facts is not None
            why: str = self.reasons[0](self.facts, decided, name, item)
            return why
        return self.reasons.get(f"{name} {item}") or self.reasons[name]

    @property
    def facts(self) -> Facts | None:
        """What it was made of, as the guard lets it through; None in a copy."""
        if not isinstance(self.reasons, tuple):
            return None
        tell, facts, *of = self.reasons
        if of:
            now, door, clauses, *raws = of
            facts = facts(tuple(raws), now, door, clauses)
            object.__setattr__(self, "reasons", (tell, facts))  # so that they are made once
        assert isinstance(facts, Facts)
        return facts

    def __getattr__(self, name: str) -> tuple[RequestWarning, ...]:
        """What is worked out when it is asked for: the warnings of a request that was read in a hurry."""
        if name != "warnings" or self.facts is None:
            raise AttributeError(f"a decision has no `{name}`")
        object.__setattr__(self, "warnings", self.facts.warnings)
        return self.warnings

    def is_pinned(self, slot: str, item: str) -> bool:
        """Whether an editor gave a thing in a slot its place, which no scorer was asked about."""
        tell = self.reasons[0] if isinstance(self.reasons, tuple) else None
        pinned = getattr(tell, "is_pinned", None)
        return pinned is not None and bool(pinned(slot, item))

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle, or a deep copy, holds the sentences of `why`, and nothing of the facts behind them."""
        sentences = {name: self.why(name) for name in self}
        for name, placement in self.slots.items():
            for item in (placement.content, *(item.content for item in placement.items)):
                if (why := self.why(name, item)) != sentences[name]:
                    sentences[f"{name} {item}"] = why
        frozen = FrozenDict(sentences)
        return Decision, (self.book, self.slots, self.settings, self.withheld, self.warnings, frozen)

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


def made(
    book: str,
    slots: Mapping[str, Placement],
    settings: Mapping[str, SettingValue],
    withheld: tuple[Withheld, ...],
    warnings: tuple[RequestWarning, ...],
    reasons: Reasons,
) -> Decision:
    """The same as `Decision(...)`, at once: to freeze first and fill then takes twice as long."""
    one: Any = Open()
    one.book, one.slots, one.settings = book, slots, settings
    one.withheld, one.warnings, one.reasons = withheld, warnings, reasons
    one.__class__ = Decision
    decision: Decision = one
    return decision


def _ranked(catalog: str | None, propensity: float | None) -> dict[str, Any]:
    """What an item has that a ranking placed."""
    of: dict[str, Any] = {} if catalog is None else {"catalog": catalog}
    return of if propensity is None else of | {"propensity": propensity}


def _plain(value: Any) -> Any:
    """Frozen data as fresh lists and dictionaries."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
