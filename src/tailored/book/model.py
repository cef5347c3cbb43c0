"""A rule book as it is once read: frozen, linked, in resolution order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tailored.book.diagnostics import Span
from tailored.condition.tree import ALWAYS, Attribute, Condition, Scalar, Value
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
    span: Span = field(default=NOWHERE, compare=False)


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
    span: Span = field(default=NOWHERE, compare=False)


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
class Catalog:
    """Where items come from, what is known of each, and what a decision shows of it.

    One of `file`, `sql` (asked of `database`) and `items` (written in the book) is its source. Paths are
    relative to the folder of the book. `columns` maps attributes by whole names (`item.brand`) to columns.
    """

    id: str
    attributes: Mapping[str, Attribute]
    columns: Mapping[str, str]
    span: Span
    id_column: str = "id"
    file: str = ""
    sql: str = ""
    database: str = ""
    items: tuple[CatalogItem, ...] = ()
    fields: Mapping[str, Json] = field(default_factory=dict)
    """Texts are templates; where there are none, a decision shows the attributes."""
    escaped: bool = True
    refresh: float | None = None
    """Seconds after which its source is looked at again; None where only a program asks for that."""
    topics: tuple[str, ...] = ()
    purpose: str | None = None
    not_about: tuple[str, ...] = ()
    description: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """One item of a catalog: typed values by whole names (`item.brand`), and its labels."""

    id: str
    values: Mapping[str, Value]
    topics: tuple[str, ...] = ()
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Scorer:
    """What puts candidates in an order. `settings` are those of its kind; a timeout is in seconds.

    `features` are the attributes that it may read, those that its settings name included.
    """

    id: str
    kind: str
    features: tuple[Attribute, ...] = ()
    timeout: float = 0.025
    fallback: str | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    purpose: str | None = None
    not_about: tuple[str, ...] = ()
    description: str = ""
    owner: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Explore:
    """The share (0 to 1) of a ranking's places for what lies outside its top.

    What `first` names comes before all others, then what the scorer `by` puts first; the rest is drawn.
    """

    share: float
    first: tuple[str, ...] = ()
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many items that have one value of an attribute in common."""

    number: int
    per: str


@dataclass(frozen=True, slots=True)
class Pin:
    """An item or content that stands at a place (from 1), whatever else a ranking says."""

    id: str
    at: int


@dataclass(frozen=True, slots=True)
class Diversity:
    """The weight (0 to 1) of being unlike what stands above, and the attributes by which things are alike."""

    weight: float
    over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a rule lets a scorer choose for a slot. Attributes are named by whole names (`item.brand`).

    The candidates are the content that `of` names, or the items of `catalog` for which `where` is true.
    `top` is how many are placed, None for as many as the slot holds.
    """

    of: tuple[str, ...] = ()
    catalog: str | None = None
    where: Condition = ALWAYS
    by: str | None = None
    top: int | None = None
    explore: Explore | None = None
    without: tuple[Condition, ...] = ()
    at_most: tuple[Cap, ...] = ()
    pin: tuple[Pin, ...] = ()
    diversity: Diversity | None = None


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
    rank: Mapping[str, Ranking] = field(default_factory=dict)
    """What it shows by the order of a scorer, by slot."""
    allow: Mapping[str, Allowance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must come out: a piece, such as `content` or `rule`, of what a slot or a setting gets.

    `value` is what the piece must be: an id or None, a tuple of ids, a flag, a setting's value, or for
    `fields` a mapping of their names to plain data.
    """

    target: str
    piece: str
    value: object
    span: Span


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A request, and what must come out of it. It says nothing about what the book means.

    `id` is its own name, `test` the one in the book: of a test with a table, each row has an id of its own.
    """

    id: str
    test: str
    user: Mapping[str, object]
    context: Mapping[str, object]
    now: datetime | None
    expect: tuple[Expectation, ...]
    span: Span
    file: str = ""
    """The path of the file with a request that it includes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a guarantee says of decisions.

    `kind` is the word of the language. Of `show` the values are content (none: anything at all), of `set` the
    values of the setting `target`, of `order` the modules that come first; tags have no target.
    """

    kind: str
    target: str
    values: tuple[Scalar | tuple[Scalar, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What must hold for every request of which a condition is true: nothing of `never`, all of `always`."""

    id: str
    span: Span
    when: Condition = ALWAYS
    never: tuple[Claim, ...] = ()
    always: tuple[Claim, ...] = ()
    description: str = ""
    owner: str = ""
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
    catalogs: Mapping[str, Catalog] = field(default_factory=dict)
    scorers: Mapping[str, Scorer] = field(default_factory=dict)
    items: Mapping[str, tuple[CatalogItem, ...]] = field(default_factory=dict, repr=False)
    """The items of every catalog, as they were when the book was read."""
    folder: str | None = None
    """Where the files of catalogs and scorers are; None for a book that is not in a folder."""
    tests: tuple[RuleTest, ...] = field(default=(), compare=False, repr=False)
    guarantees: Mapping[str, Guarantee] = field(default_factory=dict, compare=False, repr=False)
