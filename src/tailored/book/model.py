"""A rule book as it is once read: frozen, linked, in resolution order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tailored.book.diagnostics import Span
from tailored.condition.tree import Attribute, Condition, Scalar
from tailored.condition.types import Type

NOWHERE = Span("", 1, 1, 1, 1)
"""The place of what no file holds."""
Json: TypeAlias = str | int | float | bool | tuple["Json", ...] | Mapping[str, "Json"] | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """A finding of the prover that a book allows for one of its things, and why."""

    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class Topic:
    """A sensitive topic. `consent` is the flag that opens it, or None where consent is never asked.

    One that is not `sensitive` needs no consent, `because` of what the book says; its labels close nothing.
    """

    id: str
    consent: str | None
    description: str = ""
    sensitive: bool = True
    because: str = ""
    words: tuple[str, ...] = ()
    """Beginnings of words that speak of it, beside those of the lexicon."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What things are for, so that people may opt out of it. `honours` are signals that count as opt-outs."""

    id: str
    description: str = ""
    honours: tuple[str, ...] = ()


TcfItem: TypeAlias = int | str
"""What the IAB's framework asks a person: a purpose by its number, or the text `special feature 1`."""


@dataclass(frozen=True, slots=True)
class Tcf:
    """What consent given by the IAB's framework means: the items that each flag needs, and each purpose.

    Without consent for one of its items a flag is false, and a purpose is opted out of.
    """

    consents: Mapping[str, tuple[TcfItem, ...]] = field(default_factory=dict)
    opt_outs: Mapping[str, tuple[TcfItem, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that a decision fills: one content item, `many` of them, or modules in an order."""

    id: str
    default: tuple[str, ...] = ()
    many: int | None = None
    fill: bool = False
    modules: tuple[str, ...] | None = None
    description: str = ""
    span: Span = field(default=NOWHERE, compare=False)
    allow: Mapping[str, Allowance] = field(default_factory=dict, compare=False)

    @property
    def kind(self) -> str:
        """`single`, `many` or `order`."""
        if self.modules is not None:
            return "order"
        return "single" if self.many is None else "many"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that the application reads."""

    id: str
    type: Type
    default: Scalar | tuple[Scalar, ...]
    values: tuple[Scalar, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What can be placed. The texts in `fields` are templates."""

    id: str
    fields: Mapping[str, Json]
    topics: tuple[str, ...] = ()
    purpose: str | None = None
    tags: tuple[str, ...] = ()
    type: str = ""
    escaped: bool = True
    not_about: tuple[str, ...] = ()
    """Topics that its words suggest, and that it does not speak of."""
    description: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A condition with a name."""

    id: str
    when: Condition
    topics: tuple[str, ...] = ()
    description: str = ""
    owner: str = ""
    not_about: tuple[str, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)
    allow: Mapping[str, Allowance] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition and what follows from it."""

    id: str
    when: Condition
    span: Span
    show: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hide: tuple[str, ...] = ()
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    set: Mapping[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)
    priority: int = 100
    start: datetime | None = None
    end: datetime | None = None
    review: datetime | None = None
    topics: tuple[str, ...] = ()
    purpose: str | None = None
    description: str = ""
    owner: str = ""
    hypothesis: str = ""
    because: str = ""
    """Why people see what it shows, told to them: what stands after "because" in a sentence."""
    not_about: tuple[str, ...] = ()
    allow: Mapping[str, Allowance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A whole book. `rules` stand in resolution order: higher priority first, then first in the book."""

    attributes: Mapping[str, Attribute]
    topics: Mapping[str, Topic]
    purposes: Mapping[str, Purpose]
    slots: Mapping[str, Slot]
    settings: Mapping[str, Setting]
    content: Mapping[str, Content]
    segments: Mapping[str, Segment]
    rules: tuple[Rule, ...]
    tcf: Tcf = field(default_factory=Tcf)
