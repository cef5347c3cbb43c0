"""The facts of a request: its attributes, typed, and redacted at the door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tailored.book.model import RuleBook
from tailored.condition.tree import Attribute, Value
from tailored.condition.types import A_VALUE, ELEMENT, as_text, in_utc, parse_date, parse_datetime
from tailored.condition.values import TooLarge, WrongType, read_value
from tailored.guard.permissions import Permissions, read_permissions


@dataclass(frozen=True, slots=True)
class RequestWarning:
    """Something odd in a request; the values themselves are never told."""

    code: str
    attribute: str | None
    message: str

    def to_dict(self) -> dict[str, str | None]:
        """The warning as JSON data."""
        return {"code": self.code, "attribute": self.attribute, "message": self.message}


@dataclass(slots=True)
class Facts:
    """What a decision may know: typed values by whole attribute names, the moment, and what is permitted.

    What the guard hides is not in here. `remembered` holds the segments that are worked out already.
    """

    values: dict[str, Value]
    now: datetime
    permissions: Permissions
    warnings: list[RequestWarning]
    remembered: dict[tuple[str, bool], bool] = field(default_factory=dict)


def read_facts(
    book: RuleBook, user: Mapping[str, object], context: Mapping[str, object], now: datetime
) -> Facts:
    """The facts of a request. What cannot be used counts as missing, with a warning; nothing is raised."""
    warnings: list[RequestWarning] = []
    permissions, unreadable = read_permissions(
        _found(user, ("consents",)), _found(user, ("opt_outs",)), book.topics
    )
    for name in unreadable:
        message = _UNREADABLE.get(name, "`{}` is neither true nor false; it counts as no consent.").format(
            name
        )
        warnings.append(RequestWarning("wrong-type", name, message))
    values: dict[str, Value] = {}
    sides = {"user": user, "context": context}
    for key, attribute in book.attributes.items():
        raw = _found(sides[attribute.side], attribute.path or (attribute.name,))
        if raw is None or permissions.hiding(attribute) or key in unreadable:
            continue
        try:
            value = values[key] = read_value(raw, attribute.type)
        except WrongType:
            message = f"`{key}` is not {A_VALUE[attribute.type]}; it counts as missing."
            warnings.append(RequestWarning("wrong-type", key, message))
        except TooLarge:
            message = f"`{key}` is larger than anything that makes sense; it counts as missing."
            warnings.append(RequestWarning("too-large", key, message))
        else:
            if attribute.values and not _is_listed(attribute, value):
                message = f"`{key}` has a value that the book does not list; it is used as it is."
                warnings.append(RequestWarning("unlisted-value", key, message))
    return Facts(values, now, permissions, warnings)


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
    if not isinstance(now, str):
        raise TypeError(f"`now` must be a datetime or an ISO 8601 text, not {type(now).__name__}.")
    moment = parse_datetime(now) if (day := parse_date(now)) is None else in_utc(_midnight(day))
    if moment is None:
        raise ValueError("`now` is no ISO 8601 time; write it like 2026-11-24T10:00:00Z.")
    return moment


def as_json(value: Value) -> Any:
    """A fact as JSON data: times and versions as texts, lists as lists."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str | bool | int | float):
        return value
    return as_text(value) if isinstance(value, date) else str(value)


def nested(facts: Facts, attributes: Iterable[Attribute]) -> dict[str, Any]:
    """These attributes and the consents as `logic:` reads them: {"user": {...}, "context": {...}}."""
    data: dict[str, Any] = {"user": {"consents": dict(facts.permissions.consents)}, "context": {}}
    for attribute in attributes:
        if (value := facts.values.get(attribute.key)) is not None:
            data[attribute.side][attribute.name] = as_json(value)
    return data


def _found(source: object, path: tuple[str, ...]) -> object:
    """What nested data holds at a path; None where it has nothing there."""
    try:
        for name in path:
            if source is None:
                return None
            source = source.get(name) if isinstance(source, Mapping) else _UNUSABLE
    except Exception:  # a foreign object may raise anything from its methods
        return _UNUSABLE
    return source


_UNREADABLE = {
    "user.consents": "`{}` is not a mapping of flags to true or false; it counts as no consent.",
    "user.opt_outs": "`{}` is not a list of texts; it counts as opting out of everything.",
}
_UNUSABLE = object()
"""Of no type that an attribute may have."""


def _is_listed(attribute: Attribute, value: Value) -> bool:
    if attribute.type in ELEMENT:
        return isinstance(value, tuple) and all(one in attribute.values for one in value)
    return value in attribute.values


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)
