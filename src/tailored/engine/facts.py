"""The facts of a request: its attributes, typed, and redacted at the door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tailored.book.builtin import PERSONALIZATION
from tailored.book.model import RuleBook
from tailored.condition.tree import Attribute, Value
from tailored.condition.types import A_VALUE, Type, as_text, in_utc, parse_date, parse_datetime
from tailored.condition.values import LONGEST_TEXT, TooLarge, WrongType, read_value
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


class FactsReader:
    """Reads requests by the attributes of a book. It is built once and shared by threads."""

    def __init__(self, book: RuleBook) -> None:
        self._topics, self._purposes = book.topics, book.purposes
        self._nothing_said, _ = read_permissions(None, None, None, book.topics, book.purposes)
        self._attributes = [
            (
                key,
                attribute,
                attribute.side == "user",
                attribute.path or (attribute.name,),
                bool(attribute.topics) or attribute.purpose is not None,
                attribute.type is Type.STRING,
                frozenset(attribute.values),
            )
            for key, attribute in book.attributes.items()
        ]

    def read(self, user: Mapping[str, object], context: Mapping[str, object], now: datetime) -> Facts:
        """The facts of a request. What cannot be used is missing, with a warning; nothing is raised."""
        warnings: list[RequestWarning] = []
        permissions, unreadable = self._permissions(user, context, warnings)
        opted_out = permissions.opted_out(PERSONALIZATION)
        values: dict[str, Value] = {}
        for key, attribute, of_user, path, labelled, is_text, listed in self._attributes:
            raw = _found(user if of_user else context, path)
            if (
                raw is None
                or ((labelled or opted_out) and permissions.hiding(attribute))
                or key in unreadable
            ):
                continue
            if is_text and type(raw) is str and len(raw) <= LONGEST_TEXT and raw.isascii():
                value: Value = raw
            else:
                try:
                    value = read_value(raw, attribute.type)
                except (WrongType, TooLarge) as error:
                    warnings.append(_unusable(key, attribute, error))
                    continue
            values[key] = value
            if listed and not (listed.issuperset(value) if isinstance(value, tuple) else value in listed):
                message = f"`{key}` has a value that the book does not list; it is used as it is."
                warnings.append(RequestWarning("unlisted-value", key, message))
        return Facts(values, now, permissions, warnings)

    def _permissions(
        self, user: Mapping[str, object], context: Mapping[str, object], warnings: list[RequestWarning]
    ) -> tuple[Permissions, list[str]]:
        consents, opt_outs = _found(user, ("consents",)), _found(user, ("opt_outs",))
        gpc = _found(context, ("gpc",))
        if consents is None and opt_outs is None and gpc is not True:
            return self._nothing_said, []
        permissions, unreadable = read_permissions(consents, opt_outs, gpc, self._topics, self._purposes)
        for name in unreadable:
            message = _UNREADABLE.get(name, "`{}` is neither true nor false; it counts as no consent.")
            warnings.append(RequestWarning("wrong-type", name, message.format(name)))
        return permissions, unreadable


def read_facts(
    book: RuleBook, user: Mapping[str, object], context: Mapping[str, object], now: datetime
) -> Facts:
    """The facts of one request by the attributes of a book, as a FactsReader reads them."""
    return FactsReader(book).read(user, context, now)


def _unusable(key: str, attribute: Attribute, error: Exception) -> RequestWarning:
    if isinstance(error, TooLarge):
        message = f"`{key}` is larger than anything that makes sense; it counts as missing."
        return RequestWarning("too-large", key, message)
    return RequestWarning(
        "wrong-type", key, f"`{key}` is not {A_VALUE[attribute.type]}; it counts as missing."
    )


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
            if type(source) is not dict and not isinstance(source, Mapping):
                return _UNUSABLE
            source = source.get(name)
    except Exception:  # a foreign object may raise anything from its methods
        return _UNUSABLE
    return source


_UNREADABLE = {
    "user.consents": "`{}` is not a mapping of flags to true or false; it counts as no consent.",
    "user.opt_outs": "`{}` is not a list of texts; it counts as opting out of everything.",
}
_UNUSABLE = object()
"""Of no type that an attribute may have."""


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)
