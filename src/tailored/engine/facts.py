"""The facts of a request: its attributes, typed, and redacted at the door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeAlias

from tailored.book.builtin import READ_BY_THE_GUARD
from tailored.book.model import RuleBook
from tailored.condition.tree import Attribute, Value
from tailored.condition.types import (
    A_VALUE,
    Type,
    Version,
    as_text,
)
from tailored.condition.values import TooLarge, WrongType, read_value
from tailored.engine.doors import NOTHING, Door, Doors
from tailored.engine.index import Index
from tailored.engine.lines import Read
from tailored.engine.ordinary import Ending, Get, Make, Ordinary, made_by, ordinary, settler
from tailored.guard.permissions import Permissions

LONGEST_TOLD = 2_000
"""Letters of a value, or of all in a list, with which anything is kept."""

Look: TypeAlias = Callable[[Sequence[Any]], tuple[Any, ...] | None]


@dataclass(frozen=True, slots=True)
class RequestWarning:
    """Something odd in a request; the values themselves are never told."""

    code: str
    attribute: str | None
    message: str

    def to_dict(self) -> dict[str, str | None]:
        """The warning as JSON data."""
        return {"code": self.code, "attribute": self.attribute, "message": self.message}


LAST_CHECK = RequestWarning(
    "guard", None, "The last check took out content without consent; please report this as a defect."
)


class Facts:
    """What a decision may know of one request, read once: nothing that happens to the request changes it.

    What the guard hides is not in here. `holding` are the clauses that hold as far as the index knows.
    """

    __slots__ = ("_reader", "_remembered", "_values", "door", "holding", "now", "raws", "warnings")

    def __init__(
        self,
        reader: FactsReader,
        raws: Sequence[Any],
        now: datetime,
        door: Door,
        holding: int,
        warnings: tuple[RequestWarning, ...] = (),
    ) -> None:
        self._reader, self.raws, self.now, self.door = reader, raws, now, door
        self.holding, self.warnings = holding, warnings

    @property
    def is_ordinary(self) -> bool:
        """Whether nothing in the request was odd, so that `raws` are as they were sent."""
        return self.raws.__class__ is tuple

    def without(self, kept: Sequence[bool]) -> Facts:
        """The same facts, but for the attributes that are not kept."""
        raws = tuple([raw if keep else None for raw, keep in zip(self.raws, kept, strict=True)])
        return Facts(self._reader, raws, self.now, self.door, self.holding, self.warnings)

    def look(self, keys: Iterable[str]) -> Look:
        """Gets what tells apart, by these attributes, the ordinary requests to the same book."""
        return self._reader.look(keys)

    @property
    def permissions(self) -> Permissions:
        """What the request permits."""
        return self.door.permissions

    @property
    def values(self) -> dict[str, Value]:
        """The typed values by whole attribute names."""
        if not hasattr(self, "_values"):
            self._values = self._reader.values(self.raws)
        return self._values

    @property
    def remembered(self) -> dict[tuple[str, bool], bool]:
        """The segments that are worked out already."""
        if not hasattr(self, "_remembered"):
            self._remembered: dict[tuple[str, bool], bool] = {}
        return self._remembered

    def value(self, key: str) -> Value | None:
        """One of them, without the others; None where it is missing."""
        return self._values.get(key) if hasattr(self, "_values") else self._reader.value(self.raws, key)


class FactsReader:
    """Reads requests by the attributes of a book, and looks them up in its index on the way.

    It is built once and shared by threads. Requests in which nothing is odd are read by a function that is
    written for the book; all others, at leisure, here.
    """

    def __init__(
        self,
        book: RuleBook,
        index: Index | None = None,
        kept_back: Callable[[Permissions], int] | None = None,
    ) -> None:
        """`kept_back` tells the clauses of the index that permissions keep back."""
        self._purposes, self._index = book.purposes, index or Index(())
        own = [book.attributes[key] for key in READ_BY_THE_GUARD]
        others = [one for one in book.attributes.values() if one not in own]
        user = [one for one in others if one.side == "user" and not one.path]
        context = [one for one in others if one.side == "context" and not one.path]
        self._nested = [one for one in others if one.path]
        self._doors = Doors(
            book.topics, book.purposes, (user, context, self._nested, own), self._index.permitted, kept_back
        )
        self._reads = [
            Read(attribute, self._index.columns.get(attribute.key))
            for attribute in (*user, *context, *self._nested, *own)
        ]
        self.keys = [read.attribute.key for read in self._reads]
        """The attributes, in the order in which they are read."""
        ranks = {key: rank for rank, key in enumerate(book.attributes)}
        self._order = sorted(enumerate(self._reads), key=lambda numbered: ranks[numbered[1].attribute.key])
        self._typed = [
            (place, read.attribute.key, None if read.attribute.type in _AS_READ else read.attribute.type)
            for place, read in self._order
        ]
        self.at = {key: (place, type_) for place, key, type_ in self._typed}
        self.short = frozenset(
            place
            for place, read in self._order
            if read.attribute.values or read.attribute.type in (Type.INTEGER, Type.NUMBER, Type.BOOLEAN)
        )
        """The places of ordinary values that cannot be long."""

    def look(self, keys: Iterable[str]) -> Look:
        """Gets attributes from the `raws` of ordinary requests; None where a value is too long for a key."""
        places = [self.at[key][0] for key in keys if key in self.at]
        if not places:
            return _nothing
        get: Look = itemgetter(*places, places[0])  # of several, so that it gives a tuple
        long = [place for place in places if place not in self.short]
        if not long:
            return get

        def look(raws: Sequence[Any]) -> tuple[Any, ...] | None:
            for place in long:
                value = raws[place]
                if value is not None and not is_short(value):
                    return None
            return get(raws)

        return look

    def at_once(
        self, ending: Ending, *, spares: bool = False, otherwise: Callable[..., object] | None = None
    ) -> Callable[..., Any]:
        """A function that reads ordinary requests, and makes something of each; see `ordinary`.

        What was read by one that `spares` itself something may still be odd; `settled` looks.
        """
        return ordinary(self._reads, self._doors, _found_at, ending, spares=spares, otherwise=otherwise)

    def settled(self, raws: tuple[Any, ...], now: datetime, door: Door, holding: int) -> Facts:
        """The facts of a request that was read by a function that spared itself something."""
        with suppress(Exception):
            return Facts(self, self._settle(raws), now, door, holding)
        return self._facts_of([*raws], now, door, self._warnings(door.permissions, ()))

    @cached_property
    def _settle(self) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
        return settler(self._reads)

    def make_ready(self) -> None:
        """Makes now what the first request that is read would wait for."""
        _ = self._ordinary

    @cached_property
    def _ordinary(self) -> Ordinary[Facts]:
        return self.at_once(made_by(maker(self)))

    @cached_property
    def _glance(self) -> Ordinary[Facts]:
        unasked = [Read(read.attribute, None) for read in self._reads]
        return ordinary(unasked, self._doors, _found_at, made_by(maker(self)))

    def read(self, user: Mapping[str, object], context: Mapping[str, object], now: datetime) -> Facts:
        """The facts of a request. What cannot be used is missing, with a warning.

        Raises TypeError where user or context is no mapping, and nothing else.
        """
        with suppress(Exception):  # a foreign key may raise anything when it is compared
            return self._ordinary(user, context, now)
        return self.read_at_leisure(user, context, now)

    def read_at_leisure(
        self, user: Mapping[str, object], context: Mapping[str, object], now: datetime
    ) -> Facts:
        """The same for a request with anything odd in it."""
        for name, side in (("user", user), ("context", context)):
            if not isinstance(side, Mapping):
                raise TypeError(f"`{name}` must be a mapping such as a dict, not {type(side).__name__}.")
        of_user, of_context = _careful(user), _careful(context)
        opt_outs, gpc = of_user("opt_outs"), of_context("gpc")
        door, unreadable = self._doors.read(of_user("consents"), opt_outs, gpc)
        warnings = self._warnings(door.permissions, unreadable)
        raws = [*map(of_user, door.user.names), *map(of_context, door.context.names)]
        for attribute, path in zip(self._nested, door.nested, strict=True):
            raws.append(_found_at(of_user if attribute.side == "user" else of_context, path))
        raws += [raw if is_shown else None for raw, is_shown in zip((opt_outs, gpc), door.own, strict=True)]
        return self._facts_of(raws, now, door, warnings)

    def _facts_of(self, raws: list[Any], now: datetime, door: Door, warnings: list[RequestWarning]) -> Facts:
        """The facts, from values of any kind in the order in which they are read."""
        found = door.clauses
        for place, read in self._order:
            column = read.column
            value = raws[place] = self._value(raws[place], read.attribute, warnings)
            if column is not None and value is not None:
                found &= column.passing(value, now)
            elif column is not None:
                found &= column.missing
        return Facts(self, raws, now, door, found, tuple(warnings))

    def glance(
        self, user: Mapping[str, object], context: Mapping[str, object], now: datetime
    ) -> tuple[Permissions, tuple[Any, ...]] | None:
        """What an ordinary request permits and holds, looked up nowhere; None for any other request."""
        try:
            facts = self._glance(user, context, now)
        except Exception:
            return None
        return facts.permissions, facts.raws  # type: ignore[return-value]  # of a tuple here

    def _value(self, raw: object, attribute: Attribute, warnings: list[RequestWarning]) -> Value | None:
        """The typed value of an attribute; None where it is missing or cannot be used."""
        if raw is None:
            return None
        try:
            value = read_value(raw, attribute.type)
        except (WrongType, TooLarge) as error:
            warnings.append(_unusable(attribute, error))
            return None
        listed = attribute.values
        if listed and not all(one in listed for one in (value if isinstance(value, tuple) else (value,))):
            message = f"`{attribute.key}` has a value that the book does not list; it is used as it is."
            warnings.append(RequestWarning("unlisted-value", attribute.key, message))
        return value

    def value(self, raws: Sequence[Any], key: str) -> Value | None:
        """One typed value of what was read; None where it is missing."""
        place, type_ = self.at.get(key, (0, None))
        if key not in self.at or (raw := raws[place]) is None:
            return None
        found: Value = raw if type_ is None or raw.__class__ is Version else read_value(raw, type_)
        return found

    def values(self, raws: Sequence[Any]) -> dict[str, Value]:
        """The typed values by whole attribute names, of what was read."""
        found = {}
        for place, key, type_ in self._typed:
            raw = raws[place]
            if raw is not None:
                found[key] = raw if type_ is None or raw.__class__ is Version else read_value(raw, type_)
        return found

    def _warnings(self, permissions: Permissions, unreadable: Sequence[str]) -> list[RequestWarning]:
        """What to warn of in what a request says of permissions."""
        warnings = []
        for name in unreadable:
            message = _UNREADABLE.get(name, "`{}` is neither true nor false; it counts as no consent.")
            warnings.append(RequestWarning("wrong-type", name, message.format(name)))
        if not permissions.opt_outs <= self._purposes.keys():
            warnings.append(_UNKNOWN_PURPOSE)
        return warnings


def is_short(value: str | tuple[Any, ...]) -> bool:
    """Whether a text or a list is short enough to be part of what things are kept by."""
    if len(value) > LONGEST_TOLD:
        return False
    if value.__class__ is not tuple or not value or value[0].__class__ is not str:
        return True
    return sum(map(len, value)) <= LONGEST_TOLD


def _nothing(raws: Sequence[Any]) -> tuple[()]:
    return ()


def maker(reader: FactsReader) -> Make[Facts]:
    """Makes facts without warnings, in two thirds of the time that calling the class takes."""
    new = object.__new__

    def make(raws: tuple[Any, ...], now: datetime, door: Door, holding: int) -> Facts:
        facts = new(Facts)
        facts._reader, facts.raws, facts.now, facts.door = reader, raws, now, door
        facts.holding, facts.warnings = holding, ()
        return facts

    return make


def read_facts(
    book: RuleBook, user: Mapping[str, object], context: Mapping[str, object], now: datetime
) -> Facts:
    """The facts of one request by the attributes of a book, as a FactsReader reads them."""
    return FactsReader(book).read(user, context, now)


def failed_text(content: str) -> RequestWarning:
    """The warning that a text of content, or of an item, could not be rendered."""
    message = f"A text of `{content}` could not be rendered with these values; it is empty."
    return RequestWarning("failed-text", None, message)


def _unusable(attribute: Attribute, error: Exception) -> RequestWarning:
    key = attribute.key
    if isinstance(error, TooLarge):
        message = f"`{key}` is larger than anything that makes sense; it counts as missing."
        return RequestWarning("too-large", key, message)
    return RequestWarning(
        "wrong-type", key, f"`{key}` is not {A_VALUE[attribute.type]}; it counts as missing."
    )


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


def _careful(source: Mapping[str, object]) -> Get:
    """How to get something from a mapping of a foreign kind, which may raise anything."""
    return lambda name: None if name is NOTHING else _found(source, (name,))


def _found_at(get: Get, path: tuple[Any, ...]) -> object:
    """What lies at a path, given how to get the beginning."""
    return _found(get(path[0]), path[1:])


def _found(source: object, path: tuple[Any, ...]) -> object:
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


_AS_READ = frozenset({Type.STRING, Type.BOOLEAN, Type.INTEGER, Type.STRINGS, Type.INTEGERS})
"""The types of which what was read is the typed value."""
_UNREADABLE = {
    "user.consents": "`{}` is not a mapping of flags to true or false; it counts as no consent.",
    "user.opt_outs": "`{}` is not a list of texts; it counts as opting out of everything.",
}
_UNKNOWN_PURPOSE = RequestWarning(
    "unknown-purpose",
    "user.opt_outs",
    "`user.opt_outs` names a purpose that the book does not have; nothing follows from it.",
)
_UNUSABLE = object()
"""Of no type that an attribute may have."""
