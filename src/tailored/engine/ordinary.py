"""Reads ordinary requests at speed, by a function that is written for one book.

The function is a line or two of Python for each attribute. Its text is put together from the pieces below and
from numbers; names, paths, constants and tables of the book reach it as objects, never as text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from tailored.book.builtin import GPC
from tailored.condition.operators import LISTS
from tailored.condition.tree import Attribute
from tailored.condition.types import (
    INTEGER_LIMIT,
    Type,
    parse_date,
    parse_datetime,
    parse_version,
)
from tailored.condition.values import LONGEST_LIST, LONGEST_TEXT
from tailored.engine.doors import Door, Doors
from tailored.engine.index import Checks, Column
from tailored.engine.kept import Kept
from tailored.engine.tables import Lookup, Steps

MOST_COMBINED = 2048
"""Masks that a table of several attributes holds: fewer tables are fewer long integers to go through."""
MOST_SAID = 16_384
"""Texts of an attribute whose meaning is remembered: as many as 45 years have days."""

MOST_LISTS, LONGEST_KEPT = 2048, 50
"""Lists of an attribute that are remembered, and how many members they may have."""
LEAST = -INTEGER_LIMIT

Get: TypeAlias = Callable[[Any], object]
F = TypeVar("F")
Ordinary: TypeAlias = Callable[[dict[str, Any], dict[str, Any], datetime], F | None]
"""From user, context and moment to the facts; returns None, or raises, where anything is not ordinary."""
Make: TypeAlias = Callable[[tuple[Any, ...], datetime, Door, int], F]
"""Makes facts of what was read, the moment, the door, and the clauses that hold."""


@dataclass(frozen=True, slots=True)
class Read:
    """An attribute to be read, and what the clauses ask of it, if anything."""

    attribute: Attribute
    column: Column | None


class _Combined(dict[tuple[Any, ...], int]):
    """The masks of several attributes as one, by their keys; made when first asked for."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Callable[[Any], int]]) -> None:
        super().__init__()
        self._parts = parts

    def __missing__(self, keys: tuple[Any, ...]) -> int:
        first, *rest = (part(key) for part, key in zip(self._parts, keys, strict=True))
        for mask in rest:
            first &= mask
        self[keys] = first
        return first


class _Said(Kept[str, Any]):
    """What the texts of dates and versions say, or the keys of that; worked out when first asked for.

    Raises ValueError for a text that says nothing of the kind.
    """

    def __init__(self, parse: Callable[[str], Any]) -> None:
        super().__init__(MOST_SAID)
        self._parse = parse

    def __missing__(self, text: str) -> Any:
        said = self._parse(text)
        if said is None:
            raise ValueError
        self.keep(text, said)
        return said


class _Lists(Kept[tuple[Any, ...], tuple[tuple[Any, ...], int]]):
    """The clauses that lists let pass, with the lists as they came first: the pages of one visit repeat them.

    Raises ValueError for a list that is out of the ordinary, if texts are what it should hold: they equal
    nothing else, so that they are looked at once only.
    """

    def __init__(self, lookup: Lookup, are_texts: bool) -> None:
        super().__init__(MOST_LISTS)
        self._lookup, self._are_texts = lookup, are_texts

    def __missing__(self, members: tuple[Any, ...]) -> tuple[tuple[Any, ...], int]:
        if self._are_texts and not _are_texts(members):
            raise ValueError
        found = members, self._lookup(members)
        if len(members) <= LONGEST_KEPT:
            self.keep(members, found)
        return found


def ordinary(
    reads: Sequence[Read], doors: Doors, found_at: Callable[..., object], make: Make[F]
) -> Ordinary[F]:
    """The function for these attributes, in the order of the sides of a door, then what the guard reads.

    `found_at` gets what lies at a path, given a getter and the path.
    """
    names: dict[str, Any] = {**_NAMES, "found_at": found_at, "make": make}
    names |= {"plain_door": doors.plain, "door_of": doors.of}
    sides: dict[str, list[int]] = {"user": [], "context": [], "": []}
    for place, read in enumerate(reads[:-2]):
        sides["" if read.attribute.path else read.attribute.side].append(place)
    outs, gpc = f"v{len(reads) - 2}", f"v{len(reads) - 1}"
    lines = [
        f"consents, {outs}, {gpc} = user.get(CONSENTS), user.get(OPT_OUTS), context.get(GPC)",
        f"if consents is None and {outs} is None and {gpc} is None:",
        "    door = plain_door",
        f"elif (door := door_of(consents, {outs}, {gpc})) is None:",
        "    return None",
        "found = door.clauses",
    ]
    for number, name in enumerate((outs, gpc)):
        attribute = reads[number - 2].attribute
        if attribute.topics or attribute.purpose is not None:
            lines.append(f"{name} = {name} if door.own[{number}] else None")
    for side in ("user", "context"):
        if targets := "".join(f"v{place}, " for place in sides[side]):
            lines += [line.format(side=side, targets=targets) for line in _FETCHED]
    if sides[""]:
        lines.append("".join(f"p{place}, " for place in sides[""]) + "= door.nested")
    for place in sides[""]:
        lines.append(f"v{place} = found_at({reads[place].attribute.side}.get, p{place})")
    for place, read in enumerate(reads):
        lines += _looked_up(place, read, names)
    for number, group in enumerate(_combined(reads)):
        names[f"combined{number}"] = _Combined([part for _, part in group])
        lines.append(f"found &= combined{number}[{''.join(f'{key}, ' for key, _ in group)}]")
    for place, read in enumerate(reads):
        if read.column and read.column.checks is not None:
            lines += _checked(place, read, read.column.checks, names)
    values = "".join(f"v{place}, " for place in range(len(reads)))
    lines.append(f"return make(({values}), now, door, found)")
    text = "\n    ".join(["def read(user, context, now):", *lines])
    exec(compile(text, "<a reader of ordinary requests>", "exec"), names)
    function: Ordinary[F] = names["read"]
    return function


def _looked_up(place: int, read: Read, names: dict[str, Any]) -> Iterator[str]:
    """The lines that look at one value, and make its key or look it up. What they name goes to `names`."""
    attribute, column, typed = read.attribute, read.column, _typed(place, read)
    plain = _PLAIN[attribute.type]
    if attribute.type in _PARSED:
        names[f"said{place}"] = _Said(_meaning(read))
    if attribute.type in LISTS:
        yield f"if v{place}.__class__ is list:"
        yield f"    v{place} = tuple(v{place})"
    if attribute.values:
        is_list = attribute.type in LISTS
        names[f"listed{place}"] = frozenset(attribute.values)
        plain = _LISTED.get(
            attribute.type, plain + (_ALL_LISTED if is_list else f" and {typed} in listed{{n}}")
        )
    if column is not None:
        plain = plain.replace(" and are_texts(v{n})", "")  # `_Lists` sees to that
    plain = plain.format(n=place)
    if column is None or _key(place, read) == f"v{place}":
        yield f"if v{place} is not None and not ({plain}):"
        yield "    return None"
        return
    present, missing = _asked(place, read, column, names)
    yield f"if {plain}:"
    yield from (f"    {line}" for line in present or ["pass"])
    yield f"elif v{place} is None:"
    yield from (f"    {line}" for line in missing)
    yield "else:"
    yield "    return None"


def _asked(place: int, read: Read, column: Column, names: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to do with a plain value, and where it is missing: make keys of tables, or ask them at once."""
    attribute, typed, key = read.attribute, _typed(place, read), _key(place, read)
    present, missing = [], [f"{key} = None" if key else f"found &= missing{place}"]
    if key is None:
        names[f"missing{place}"] = column.missing
    if key == f"k{place}" and isinstance(column.lookup, Steps):
        names[f"bounds{place}"] = column.lookup.bounds
        bound = f"{typed}.key" if column.lookup.by_key else typed
        present = [f"k{place} = bisect(bounds{place}, {bound})"]
    elif key == f"k{place}":
        names[f"known{place}"] = column.known
        present = [f"k{place} = {typed} if {typed} in known{place} else ELSE"]
    elif key is None and attribute.type in LISTS:
        names[f"lists{place}"] = _Lists(column.lookup, attribute.type is Type.STRINGS)
        present += [f"v{place}, m{place} = lists{place}[v{place}]", f"found &= m{place}"]
    elif key is None:
        names[f"lookup{place}"] = column.lookup
        present.append(f"found &= lookup{place}({typed})")
    if isinstance(column.sizes, Steps):
        names[f"sizes{place}"] = column.sizes.bounds
        present.append(f"s{place} = bisect(sizes{place}, len(v{place}))")
        missing.append(f"s{place} = None")
    elif column.sizes:
        names[f"sizes{place}"] = column.sizes
        present.append(f"found &= sizes{place}(len(v{place}))")
    return present, missing


def _key(place: int, read: Read) -> str | None:
    """The name of the key of an attribute that clauses ask for; None where they are looked up at once."""
    column = read.column
    assert column is not None
    if _has_keys(read):
        return _typed(place, read)
    if isinstance(column.lookup, Steps):
        return f"k{place}"
    if column.known is None:
        return None
    return f"v{place}" if read.attribute.values or read.attribute.type is Type.BOOLEAN else f"k{place}"


def _has_keys(read: Read) -> bool:
    """Whether what a text says is remembered as the key of its table, which is all that is asked of it."""
    column = read.column
    return (
        read.attribute.type in _PARSED
        and column is not None
        and isinstance(column.lookup, Steps)
        and column.checks is None
        and not read.attribute.values
    )


def _meaning(read: Read) -> Callable[[str], Any]:
    """From a text to what is remembered of it; None where it is out of the ordinary."""
    parse, has_keys = _PARSED[read.attribute.type], _has_keys(read)

    def meaning(text: str) -> Any:
        value = parse(text)
        if value is None or not has_keys:
            return value
        return read.column.lookup.span(value)  # type: ignore[union-attr]  # it has keys

    return meaning


def _checked(place: int, read: Read, checks: Checks, names: dict[str, Any]) -> Iterator[str]:
    """The lines that try tests one by one, where a clause is left that asks for one."""
    typed = _typed(place, read)
    names[f"checks{place}"], names[f"asking{place}"] = checks, checks.asking
    outcomes = ""
    for number, word in enumerate(checks.words):
        names[f"word{place}_{number}"] = word
        outcomes += f"word{place}_{number} in {typed}, "
    for number, check in enumerate(checks.checks):
        names[f"check{place}_{number}"] = check
        outcomes += f"check{place}_{number}({typed}, now), "
    yield f"if v{place} is not None and found & asking{place}:"
    yield f"    found &= checks{place}[{outcomes}]"


_Keyed: TypeAlias = tuple[str, Callable[[Any], int]]
"""The name of a key, and what leads from it to the clauses that pass."""


def _combined(reads: Sequence[Read]) -> list[list[_Keyed]]:
    """Keys joined to tables of so many masks at most; those of few values first."""
    keyed: list[tuple[int, _Keyed]] = []
    for place, read in enumerate(reads):
        if column := read.column:
            if key := _key(place, read):
                keyed.append(_keyed(key, column, column.lookup))
            if isinstance(column.sizes, Steps):
                keyed.append(_keyed(f"s{place}", column, column.sizes))
    groups: list[list[_Keyed]] = []
    room = 0
    for width, named in sorted(keyed, key=lambda one: one[0]):
        if width > room:
            groups.append([])
            room = MOST_COMBINED
        groups[-1].append(named)
        room //= width
    return groups


def _keyed(key: str, column: Column, lookup: Lookup) -> tuple[int, _Keyed]:
    """How many values a key has, missing and everything else among them, and what leads to its clauses."""
    missing, by_key = column.missing, lookup
    if isinstance(lookup, Steps):
        by_key, width = lookup.masks.__getitem__, len(lookup.masks) + 1
    else:
        width = len(column.known or ()) + 2
    return width, (key, lambda value: missing if value is None else by_key(value))


def _typed(place: int, read: Read) -> str:
    """The name of the typed value: what was read, or for texts that say something else, what they say."""
    return f"{'x' if '{n} :=' in _PLAIN[read.attribute.type] else 'v'}{place}"


def _are_texts(values: tuple[Any, ...]) -> bool:
    for one in values:
        if one.__class__ is not str:
            return False
    return _is_text("".join(values))  # as fast for all of them as for one


def _is_text(value: str) -> bool:
    """Whether it is no longer than a text may be, and has no lone surrogates in it."""
    if len(value) > LONGEST_TEXT:
        return False
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True


def _are_integers(values: tuple[Any, ...]) -> bool:
    for one in values:  # noqa: SIM110 (a plain loop is twice as fast as a generator here)
        if one.__class__ is not int or not LEAST < one < INTEGER_LIMIT:
            return False
    return True


_FETCHED = (
    "side = door.{side}",
    "if len({side}) < side.enough:",
    "    {targets}= map({side}.get, side.names)",
    "else:",
    "    try:",
    "        {targets}= side.at_once({side})",
    "    except KeyError:",
    "        {targets}= map({side}.get, side.names)",
)
"""The lines that get all values of a side."""
_PLAIN = {
    Type.STRING: "v{n}.__class__ is str and len(v{n}) <= LONGEST and (v{n}.isascii() or is_text(v{n}))",
    Type.INTEGER: "v{n}.__class__ is int and LEAST < v{n} < MOST",
    Type.NUMBER: "(v{n}.__class__ is float or v{n}.__class__ is int) and LEAST < v{n} < MOST",
    Type.BOOLEAN: "v{n}.__class__ is bool",
    Type.DATE: "v{n}.__class__ is str and (x{n} := said{n}[v{n}]) is not None",
    Type.DATETIME: "v{n}.__class__ is str and (x{n} := said{n}[v{n}]) is not None",
    Type.VERSION: "v{n}.__class__ is str and (x{n} := said{n}[v{n}]) is not None",
    Type.STRINGS: "v{n}.__class__ is tuple and len(v{n}) <= MANY and are_texts(v{n})",
    Type.INTEGERS: "v{n}.__class__ is tuple and len(v{n}) <= MANY and are_integers(v{n})",
    Type.NUMBERS: "v{n}.__class__ is tuple and len(v{n}) <= MANY and are_integers(v{n})",
}
"""When a value is ordinary: of its type beyond doubt, and not to be changed by anybody."""
_PARSED: dict[Type, Callable[[str], Any]] = {
    Type.DATE: parse_date,
    Type.DATETIME: parse_datetime,
    Type.VERSION: parse_version,
}
"""The types of which a request's texts repeat those of others."""
_LISTED = {Type.STRING: "v{n}.__class__ is str and v{n} in listed{n}"}
"""The same for values that a book lists, where that makes it simpler."""
_ALL_LISTED = " and listed{n}.issuperset(v{n})"
_NAMES = {
    "CONSENTS": "consents",
    "OPT_OUTS": "opt_outs",
    "GPC": GPC,
    "are_integers": _are_integers,
    "are_texts": _are_texts,
    "bisect": bisect_right,
    "is_text": _is_text,
    "ELSE": object(),
    "LEAST": LEAST,
    "LONGEST": LONGEST_TEXT,
    "MANY": LONGEST_LIST,
    "MOST": INTEGER_LIMIT,
}
"""What the lines of every reader name."""
