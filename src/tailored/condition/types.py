"""The types of attributes, and the two values of our own that they bring: versions and durations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache


class Type(StrEnum):
    """What an attribute may hold; the values are the words that a rule book uses."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    VERSION = "version"
    STRINGS = "list of strings"
    INTEGERS = "list of integers"
    NUMBERS = "list of numbers"


ELEMENT = {Type.STRINGS: Type.STRING, Type.INTEGERS: Type.INTEGER, Type.NUMBERS: Type.NUMBER}
"""The type of the elements of each list type."""

A_VALUE = {
    Type.STRING: "text",
    Type.INTEGER: "a whole number",
    Type.NUMBER: "a number",
    Type.BOOLEAN: "true or false",
    Type.DATE: "a date",
    Type.DATETIME: "a time",
    Type.VERSION: "a version",
    Type.STRINGS: "a list of texts",
    Type.INTEGERS: "a list of whole numbers",
    Type.NUMBERS: "a list of numbers",
}
"""How a sentence calls a value of the type."""

EXAMPLE = {
    Type.STRING: "home",
    Type.INTEGER: "18",
    Type.NUMBER: "9.5",
    Type.BOOLEAN: "true",
    Type.DATE: "2026-11-01",
    Type.DATETIME: "2026-11-01T08:30:00Z",
    Type.VERSION: "1.10",
    Type.STRINGS: "[a, b]",
    Type.INTEGERS: "[1, 2]",
    Type.NUMBERS: "[1, 2.5]",
}

INTEGER_LIMIT = 2**63
"""Whole numbers lie strictly between minus this and this: what every other reader can hold too."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version (https://semver.org, 2.0.0, section 11); parts left out are zero.

    `key` orders versions as the specification does; build metadata takes no part in it.
    """

    key: tuple[object, ...]
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text


_VERSION = re.compile(
    r"(0|[1-9]\d{0,17})(?:\.(0|[1-9]\d{0,17}))?(?:\.(0|[1-9]\d{0,17}))?"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)


def parse_version(text: str) -> Version | None:
    """The version that `text` names, or None where it names none."""
    return _version(text) if len(text) <= 256 else None


@lru_cache(maxsize=4096)  # applications have few versions
def _version(text: str) -> Version | None:
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    numbers = tuple(int(part or 0) for part in match.group(1, 2, 3))
    before = match.group(4)
    if before is None:
        return Version((*numbers, 1), text)
    identifiers = before.split(".")
    if any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in identifiers):
        return None
    ranked = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in identifiers)
    return Version((*numbers, 0, ranked), text)


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time as an author writes it: `30 days`."""

    count: int
    unit: str

    @property
    def length(self) -> timedelta:
        return timedelta(**{self.unit: self.count})

    def __str__(self) -> str:
        return f"{self.count} {self.unit if self.count != 1 else self.unit[:-1]}"


_DURATION = re.compile(r"(\d{1,8})\s+(minute|hour|day|week)s?", re.ASCII)
LONGEST_DURATION = timedelta(days=365_000)
"""The longest span of time that a book may name: about a thousand years."""


def parse_duration(text: str) -> Duration | None:
    """The duration that `text` names (`30 days`), or None."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match.group(1)) == 0:
        return None
    duration = Duration(int(match.group(1)), match.group(2) + "s")
    return duration if duration.length <= LONGEST_DURATION else None


def is_too_long(text: str) -> bool:
    """Whether a text that names no duration would name one, were its number not too large."""
    return re.fullmatch(r"0*[1-9]\d*\s+(minute|hour|day|week)s?", text.strip(), re.ASCII) is not None


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}|\d{8})[Tt ]([01]\d|2[0-3])"
    r"(:[0-5]\d(:[0-5]\d([.,]\d{1,9})?)?|[0-5]\d([0-5]\d([.,]\d{1,9})?)?)?"
    r"([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?",
    re.ASCII,
)


def parse_date(text: str) -> date | None:
    """The day that an ISO 8601 calendar date names, or None."""
    if not (len(text) == 10 and text[4] == "-" == text[7]) and not _DATE.fullmatch(text):
        return None  # the most usual form is told without the pattern, which takes longer than the rest
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_datetime(text: str) -> datetime | None:
    """The moment that an ISO 8601 date and time names, in UTC (the zone, where it names none), or None."""
    try:
        if len(text) == 20 and text[4::3] == "--T::Z" and text[11:13] < "24":
            return datetime.fromisoformat(text)  # the most usual form is told without the pattern, as above
        if not _DATETIME.fullmatch(text):
            return None
        return in_utc(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        return None


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; no zone means UTC. Raises OverflowError at the ends of time."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def midnight(day: date) -> datetime:
    """The moment at which a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def first_moment(constant: date | datetime) -> datetime:
    """When a date or a time begins."""
    return constant if isinstance(constant, datetime) else midnight(constant)


def last_moment(constant: date | datetime) -> datetime:
    """When a date or a time ends: the last microsecond of a whole day, the moment itself otherwise."""
    if isinstance(constant, datetime):
        return constant
    return datetime.combine(constant, time.max, UTC)


def as_text(value: date | datetime) -> str:
    """A date or a moment as ISO 8601: the moment in UTC with six digits, so that texts sort like moments."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    return value.isoformat()
