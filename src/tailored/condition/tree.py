"""The condition tree: tests on one attribute against constants, joined by all, any and not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, TypeAlias

from tailored.condition.types import Duration, Type, Version

Scalar: TypeAlias = str | int | float | bool | date | datetime | Version
"""One typed value. A number without a fraction is an int, whatever its attribute's type."""

Value: TypeAlias = Scalar | tuple[Scalar, ...]
"""What facts hold: a scalar, or a tuple for the list types."""


class Op(StrEnum):
    """The operators, under the names that a rule book uses."""

    KNOWN = "known"
    IS = "is"
    IS_NOT = "is not"
    ONE_OF = "one of"
    NONE_OF = "none of"
    AT_LEAST = "at least"
    MORE_THAN = "more than"
    AT_MOST = "at most"
    LESS_THAN = "less than"
    BETWEEN = "between"
    BEFORE = "before"
    AFTER = "after"
    IN_THE_LAST = "in the last"
    NOT_IN_THE_LAST = "not in the last"
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    ENDS_WITH = "ends with"
    LIKE = "like"
    CONTAINS_ANY = "contains any"
    CONTAINS_ALL = "contains all"
    CONTAINS_NONE = "contains none"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that a rule may read of the user or the context of a request, or of an item of a catalog."""

    side: str
    name: str
    type: Type
    values: tuple[Scalar, ...] = ()
    path: tuple[str, ...] = ()
    personal: bool = False
    topics: tuple[str, ...] = ()
    purpose: str | None = None
    description: str = ""
    not_about: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)  # not of all that is said of it: tests are hashed by the ten thousand

    @property
    def key(self) -> str:
        """The whole name, unique in a book: `user.country`."""
        return f"{self.side}.{self.name}"


@dataclass(frozen=True, slots=True)
class Size:
    """The operand of `size`: a test on the number of elements of a list."""

    op: Op
    operand: Operand


Operand: TypeAlias = Scalar | tuple[Scalar, ...] | Duration | Size


@dataclass(frozen=True, slots=True)
class Test:
    """One attribute against a constant. True, false, or unknown where the attribute is missing."""

    __test__: ClassVar[bool] = False  # it is not a test case, whatever its name makes pytest think

    attribute: Attribute
    op: Op
    operand: Operand

    def __hash__(self) -> int:
        return hash((self.attribute.name, self.op, self.operand))


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is; true where there are none."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """True when at least one part is; false where there are none."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is false; unknown when its part is."""

    part: Condition


@dataclass(frozen=True, slots=True)
class InSegment:
    """Membership of a segment of the book."""

    id: str


@dataclass(frozen=True, slots=True)
class Logic:
    """A JSONLogic expression that the tree cannot hold: an opaque leaf.

    `text` is the expression as JSON; `reads` are the attributes that it can read.
    """

    text: str
    reads: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """True when consent for all these topics is given, else false: what a gate demands. Nobody writes it."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SameAs:
    """An attribute of an item against one of the request: they are equal; lists have a value in common.

    Only the `where` and `without` of a ranking hold it. Unknown where either is missing.
    """

    attribute: Attribute
    other: Attribute


Condition: TypeAlias = Test | All | Any | Not | InSegment | Logic | Consent | SameAs

ALWAYS = All(())


def leaves(condition: Condition) -> Iterator[Test | InSegment | Logic | Consent | SameAs]:
    """The leaves of a condition, from left to right."""
    if isinstance(condition, All | Any):
        for part in condition.parts:
            yield from leaves(part)
    elif isinstance(condition, Not):
        yield from leaves(condition.part)
    else:
        yield condition


def attributes_read(condition: Condition) -> Iterator[Attribute]:
    """The attributes that a condition reads itself (not those of the segments that it names)."""
    for leaf in leaves(condition):
        if isinstance(leaf, Test):
            yield leaf.attribute
        elif isinstance(leaf, Logic):
            yield from leaf.reads
        elif isinstance(leaf, SameAs):
            yield leaf.other


def segments_named(condition: Condition) -> Iterator[str]:
    """The segments that a condition names."""
    return (leaf.id for leaf in leaves(condition) if isinstance(leaf, InSegment))
