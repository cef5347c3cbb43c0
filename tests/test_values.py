"""Request values are taken as they are, never coerced, and nothing that is passed in can do harm."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import IntEnum

import pytest

from tailored.condition.types import Type, parse_version
from tailored.condition.values import TooLarge, WrongType, read_value


class Shouting(str):
    def __str__(self):
        return "shouted"


class Level(IntEnum):
    HIGH = 3


class Hostile(tzinfo):
    def utcoffset(self, moment):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "raw, type_, value",
    [
        ("NO", Type.STRING, "NO"),
        (Shouting("x"), Type.STRING, "x"),
        (3, Type.INTEGER, 3),
        (3.0, Type.INTEGER, 3),
        (Level.HIGH, Type.INTEGER, 3),
        (3, Type.NUMBER, 3),
        (2.5, Type.NUMBER, 2.5),
        (-0.0, Type.NUMBER, 0),
        (True, Type.BOOLEAN, True),
        ("2026-11-24", Type.DATE, date(2026, 11, 24)),
        (date(2026, 11, 24), Type.DATE, date(2026, 11, 24)),
        ("2026-11-24T08:00:00Z", Type.DATETIME, datetime(2026, 11, 24, 8, tzinfo=UTC)),
        (datetime(2026, 11, 24, 8), Type.DATETIME, datetime(2026, 11, 24, 8, tzinfo=UTC)),
        (
            datetime(2026, 11, 24, 9, tzinfo=timezone(timedelta(hours=1))),
            Type.DATETIME,
            datetime(2026, 11, 24, 8, tzinfo=UTC),
        ),
        ("1.10", Type.VERSION, parse_version("1.10.0")),
        (["a", "b"], Type.STRINGS, ("a", "b")),
        ((1, 2.0), Type.INTEGERS, (1, 2)),
        ([], Type.NUMBERS, ()),
    ],
)
def test_a_value_of_its_type_is_taken(raw, type_, value):
    read = read_value(raw, type_)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "raw, type_",
    [
        ("18", Type.INTEGER), (True, Type.INTEGER), (1.5, Type.INTEGER), (None, Type.STRING),
        (b"x", Type.STRING),
        ("\ud800", Type.STRING), (1, Type.STRING), (float("nan"), Type.NUMBER), (float("inf"), Type.NUMBER),
        (True, Type.NUMBER), (1, Type.BOOLEAN), ("true", Type.BOOLEAN), (datetime(2026, 1, 1), Type.DATE),
        (date(2026, 1, 1), Type.DATETIME), ("2026-01-01", Type.DATETIME), ("2026-01-01T00:00Z", Type.DATE),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), Type.DATETIME),
        (datetime(2026, 1, 1, tzinfo=Hostile()), Type.DATETIME), (1.1, Type.VERSION), ("a", Type.STRINGS),
        (["a", 1], Type.STRINGS), ({"a"}, Type.STRINGS), ([1, True], Type.INTEGERS), (object(), Type.STRING),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(raw, type_):
    with pytest.raises(WrongType):
        read_value(raw, type_)


@pytest.mark.parametrize(
    "raw, type_",
    [
        ("x" * 70_000, Type.STRING),
        (2**63, Type.INTEGER),
        (1e300, Type.INTEGER),
        ([0] * 10_001, Type.INTEGERS),
    ],
)
def test_a_value_of_absurd_size_is_refused(raw, type_):
    with pytest.raises(TooLarge):
        read_value(raw, type_)
