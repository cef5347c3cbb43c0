"""What requests carry, taken as it is: typed values, never coerced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TypeVar

from tailored.condition.tree import Scalar, Value
from tailored.condition.types import (
    ELEMENT,
    INTEGER_LIMIT,
    Type,
    in_utc,
    parse_date,
    parse_datetime,
    parse_version,
)

LONGEST_TEXT = 65_536
"""Characters that a text of a request may have."""
LONGEST_LIST = 10_000
"""Elements that a list of a request may have."""


T = TypeVar("T")


class WrongType(Exception):
    """A value is not of its attribute's type."""


class TooLarge(Exception):
    """A value is larger than any that makes sense."""


def read_value(raw: object, type_: Type) -> Value:
    """The typed value that a request carries. Raises WrongType or TooLarge, and nothing else."""
    element = ELEMENT.get(type_)
    try:
        if element is None:
            return _READ[type_](raw)
        if not isinstance(raw, list | tuple):
            raise WrongType
        if len(raw) > LONGEST_LIST:
            raise TooLarge
        read = _READ[element]
        return tuple(read(item) for item in raw)
    except (WrongType, TooLarge):
        raise
    except Exception as error:  # a foreign object may raise anything from its methods
        raise WrongType from error


def read_now(now: datetime | str | None) -> datetime:
    """The moment of a decision, in UTC: the clock's unless given. A date means its midnight.

    Raises TypeError where it is no time, ValueError where a text names none.
    """
    if now is None:
        return datetime.now(UTC)
    if isinstance(now, datetime):
        try:
            return in_utc(now)
        except OverflowError:
            raise ValueError("`now` lies beyond the years 1 to 9999 in UTC.") from None
        except Exception as error:  # a foreign time zone may raise anything
            raise ValueError("`now` is a time whose zone cannot be read.") from error
    if not isinstance(now, str):
        raise TypeError(f"`now` must be a datetime or an ISO 8601 text, not {type(now).__name__}.")
    moment = parse_datetime(now)
    if moment is None and (day := parse_date(now)) is not None:
        moment = in_utc(datetime(day.year, day.month, day.day))
    if moment is None:
        raise ValueError("`now` is no ISO 8601 time; write it like 2026-11-24T10:00:00Z.")
    return moment


def read_text(raw: object) -> str:
    """The text that a request carries. Raises WrongType or TooLarge, or ValueError for lone surrogates."""
    if not isinstance(raw, str):
        raise WrongType
    if len(raw) > LONGEST_TEXT:
        raise TooLarge
    text = str.__str__(raw)  # a subclass (such as markup that counts as escaped) is only its text
    if not text.isascii():
        text.encode()  # refuses lone surrogates, which no JSON reader would take
    return text


def _number(raw: object) -> int | float:
    if isinstance(raw, bool):
        raise WrongType
    if isinstance(raw, int):
        number: int | float = int.__int__(raw)
    elif isinstance(raw, float):
        number = float.__float__(raw)
        if number != number or number in (float("inf"), float("-inf")):
            raise WrongType
        if number.is_integer() and abs(number) < INTEGER_LIMIT:
            number = int(number)
    else:
        raise WrongType
    if isinstance(number, int) and abs(number) >= INTEGER_LIMIT:
        raise TooLarge
    return number


def _integer(raw: object) -> int:
    number = _number(raw)
    if isinstance(number, int):
        return number
    raise TooLarge if number.is_integer() else WrongType


def _boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    raise WrongType


def _date(raw: object) -> date:
    if isinstance(raw, datetime):
        raise WrongType
    if isinstance(raw, date):
        return date(raw.year, raw.month, raw.day)
    return _parsed(raw, parse_date)


def _datetime(raw: object) -> datetime:
    if isinstance(raw, datetime):
        moment = in_utc(raw)
        return datetime.combine(moment.date(), moment.time(), moment.tzinfo)
    return _parsed(raw, parse_datetime)


def _parsed(raw: object, parse: Callable[[str], T | None]) -> T:
    value = parse(read_text(raw))
    if value is None:
        raise WrongType
    return value


_READ: dict[Type, Callable[[object], Scalar]] = {
    Type.STRING: read_text,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.BOOLEAN: _boolean,
    Type.DATE: _date,
    Type.DATETIME: _datetime,
    Type.VERSION: lambda raw: _parsed(raw, parse_version),
}
