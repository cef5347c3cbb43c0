"""The lines of Python that look at values of requests, and ask the tables of a book for them.

They are put together from the pieces below and from numbers; names, paths, constants and tables of the book
reach them as objects, never as text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any, TypeAlias

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
from tailored.condition.values import LONGEST_LIST, LONGEST_TEXT, read_now
from tailored.engine.index import Checks, Column
from tailored.engine.kept import Kept
from tailored.engine.tables import Steps

MOST_COMBINED = 2048
"""Masks that a table of several attributes holds: fewer tables are fewer long integers to go through."""
MOST_SAID = 16_384
"""Texts of an attribute whose meaning is remembered: as many as 45 years have days."""

MOST_LISTS, LONGEST_KEPT = 2048, 50
"""Lists of an attribute that are remembered, and how many members they may have."""
MOST_AT_ONCE = 50
"""Masks that one line joins: Python reads an expression of thousands as deep as its own stack."""
LEAST = -INTEGER_LIMIT
ELSE = object()
"""The key of a text that no clause names."""


class Odd(Exception):
    """There is something in a request that has to be looked at with more care."""


@dataclass(frozen=True, slots=True)
class Read:
    """An attribute to be read, and what the clauses ask of it, if anything."""

    attribute: Attribute
    column: Column | None


class _Combined(dict[tuple[Any, ...], int]):
    """The masks of several attributes as one, by their keys; made when first asked for."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Mapping[Any, int]]) -> None:
        super().__init__()
        self._parts = parts

    def __missing__(self, keys: tuple[Any, ...]) -> int:
        first, *rest = (part[key] for part, key in zip(self._parts, keys, strict=True))
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

    That all are texts, or integers, the reader sees to each time, as others may equal them. Raises ValueError
    for a list that is out of the ordinary.
    """

    def __init__(self, read: Read) -> None:
        super().__init__(MOST_LISTS)
        self._column = read.column
        self._are_ordinary = _are_texts if read.attribute.type is Type.STRINGS else _are_in_range
        self._listed = frozenset(read.attribute.values)

    def __missing__(self, members: tuple[Any, ...]) -> tuple[tuple[Any, ...], int]:
        if not self._are_ordinary(members):
            raise ValueError
        if self._listed and not self._listed.issuperset(members):
            raise ValueError
        passing = -1
        if self._column is not None:
            passing = self._column.lookup(members)
            if self._column.sizes is not None:
                passing &= self._column.sizes(len(members))
        found = members, passing
        if len(members) <= LONGEST_KEPT:
            self.keep(members, found)
        return found


def asked_of(
    places: Sequence[int], reads: Sequence[Read], what: str, names: dict[str, Any], dear: Sequence[int] | None
) -> Iterator[str]:
    """The lines that look at some values and ask the tables of them; also names what passes without them.

    Where some are `dear`, these are left for later, and what no clause asks for is left out.
    """
    columns = [column for place in places if (column := reads[place].column)]
    names[f"without_{what}"] = reduce(and_, (column.missing for column in columns), -1)
    if dear is None:
        yield from _tables_of(places, reads, what, names)
        return
    asked = [place for place in places if place not in dear and reads[place].column]
    for place in places:
        if place in dear:
            yield from (line.format(n=place) for line in COPIED[reads[place].attribute.type])
    yield from few_of(asked, reads, names)


def _tables_of(
    places: Sequence[int], reads: Sequence[Read], what: str, names: dict[str, Any]
) -> Iterator[str]:
    """The lines that look at some values, and those that ask the tables that these share."""
    for place in places:
        yield from looked_up(place, reads[place], names)
    for number, group in enumerate(_combined(places, reads)):
        keys = [key for key, _ in group]
        tables = [table for _, table in group]
        names[f"{what}{number}"] = tables[0] if len(tables) == 1 else _Combined(tables)
        yield f"found &= {what}{number}[{', '.join(keys)}]"


def few_of(
    places: Sequence[int], reads: Sequence[Read], names: dict[str, Any], are_copied: bool = False
) -> Iterator[str]:
    """The same where there are few clauses: short masks are joined faster than keys to a table of several.

    Texts that are keys of tables as they are need only be texts: a table tells what else is odd of them.
    """
    texts = [f"v{place}" for place in places if _is_its_key(place, reads[place])]
    if texts:
        yield f"if not (str is {' is '.join(f'type({text})' for text in texts)}):"
        yield f"    for one in {', '.join(texts)},:"
        yield "        if type(one) is not str and one is not None:"
        yield "            raise Odd"
    masks = []
    for place in places:
        column = reads[place].column
        assert column is not None
        if f"v{place}" not in texts:
            yield from looked_up(place, reads[place], names, are_copied)
        if key := _key(place, reads[place]):
            names[f"masks{place}"] = _by_key(reads[place], column)
            masks.append(f"masks{place}[{key}]")
    for start in range(0, len(masks), MOST_AT_ONCE):
        yield f"found &= {' & '.join(masks[start : start + MOST_AT_ONCE])}"


def _is_its_key(place: int, read: Read) -> bool:
    """Whether a text is looked up as it is."""
    return read.attribute.type is Type.STRING and _key(place, read) == f"v{place}"


def looked_up(place: int, read: Read, names: dict[str, Any], is_copied: bool = False) -> Iterator[str]:
    """The lines that look at one value, and make its key or look it up. What they name goes to `names`."""
    attribute, column, typed = read.attribute, read.column, _typed(place, read)
    plain = _PLAIN[attribute.type]
    present: list[str] = []
    missing: list[str] = []
    if attribute.type in LISTS:
        if not is_copied:
            yield f"if type(v{place}) is list:"
            yield f"    v{place} = tuple(v{place})"
        names[f"lists{place}"] = _Lists(read)
        kind = "str" if attribute.type is Type.STRINGS else "int"  # others may equal it
        present += [f"for one in v{place}:", f"    if type(one) is not {kind}:", "        raise Odd"]
        present.append(f"v{place}, m{place} = lists{place}[v{place}]")
    elif attribute.type in _PARSED:
        names[f"said{place}"] = _Said(_meaning(read))
        present.append(f"x{place} = said{place}[v{place}]")
    elif attribute.type in _NUMBERS and not _has_bounds(read):
        plain += " and LEAST < v{n} < MOST"
    if attribute.values and attribute.type not in LISTS:
        names[f"listed{place}"] = frozenset(attribute.values)
        if attribute.type in _PARSED:
            present += [f"if {typed} not in listed{place}:", "    raise Odd"]
        else:
            plain = _LISTED.get(attribute.type, plain + " and v{n} in listed{n}")
            if attribute.type is Type.STRING and column and {*attribute.values} == {*(column.known or ())}:
                plain = "type(v{n}) is str"  # others are no keys of its table
    if column is not None:
        asked, missing = _asked(place, read, column, names)
        present += asked
    plain = plain.format(n=place)
    if not present:
        yield f"if not ({plain}) and v{place} is not None:"
        yield "    raise Odd"
        return
    yield f"if {plain}:"
    yield from (f"    {line}" for line in present)
    if missing:
        yield f"elif v{place} is None:"
        yield from (f"    {line}" for line in missing)
        yield "else:"
    else:
        yield f"elif v{place} is not None:"
    yield "    raise Odd"


def _asked(place: int, read: Read, column: Column, names: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to do with a plain value, and where it is missing: make keys of tables, or ask them at once."""
    typed, key, lookup = _typed(place, read), _key(place, read), column.lookup
    if key == f"v{place}":
        return [], []
    if key is None:
        names[f"missing{place}"] = column.missing
        missing = [f"found &= missing{place}"]
        if read.attribute.type in LISTS:
            return [f"found &= m{place}"], missing
        names[f"lookup{place}"] = lookup
        return [f"found &= lookup{place}({typed})"], missing
    missing = [f"{key} = None"]
    if key != f"k{place}":
        return [], missing
    if not isinstance(lookup, Steps):
        names[f"known{place}"] = column.known
        return [f"{key} = {typed} if {typed} in known{place} else ELSE"], missing
    outermost = ([LEAST + 1], [INTEGER_LIMIT]) if _has_bounds(read) else ([], [])
    names[f"bounds{place}"] = [*outermost[0], *lookup.bounds, *outermost[1]]
    return [f"{key} = bisect(bounds{place}, {f'{typed}.key' if lookup.by_key else typed})"], missing


def _has_bounds(read: Read) -> bool:
    """Whether a number is looked up by bounds, of which the outermost are those of all numbers."""
    column = read.column
    return read.attribute.type in _NUMBERS and column is not None and isinstance(column.lookup, Steps)


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


def checked(place: int, read: Read, checks: Checks, names: dict[str, Any]) -> Iterator[str]:
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


_Keyed: TypeAlias = tuple[str, dict[Any, int]]
"""The name of a key, and the clauses that pass by what it may be."""


def _combined(places: Sequence[int], reads: Sequence[Read]) -> list[list[_Keyed]]:
    """Keys joined to tables of so many masks at most: those of few values first, each where there is room."""
    keyed = [
        (key, _by_key(read, column))
        for place in places
        if (column := (read := reads[place]).column) and (key := _key(place, read))
    ]
    groups: list[tuple[int, list[_Keyed]]] = []
    for one in sorted(keyed, key=lambda one: len(one[1])):
        width = len(one[1])
        for number, (masks, group) in enumerate(groups):
            if masks * width <= MOST_COMBINED:
                groups[number] = masks * width, [*group, one]
                break
        else:
            groups.append((width, [one]))
    return [group for _, group in groups]


def _by_key(read: Read, column: Column) -> dict[Any, int]:
    """The clauses that pass by the keys of an attribute, which are all that it may have."""
    lookup = column.lookup
    if isinstance(lookup, Steps):  # what lies beyond outermost bounds has no entry, and so is not ordinary
        return {None: column.missing} | dict(enumerate(lookup.masks, start=_has_bounds(read)))
    return {None: column.missing} | {key: lookup(key) for key in (*(column.known or ()), ELSE)}


def _typed(place: int, read: Read) -> str:
    """The name of the typed value: what was read, or for texts that say something else, what they say."""
    return f"{'x' if read.attribute.type in _PARSED else 'v'}{place}"


def _are_texts(values: tuple[Any, ...]) -> bool:
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


def _are_in_range(values: tuple[Any, ...]) -> bool:
    return not values or (min(values) > LEAST and max(values) < INTEGER_LIMIT)


_PLAIN = {
    Type.STRING: "type(v{n}) is str and len(v{n}) <= LONGEST and (v{n}.isascii() or is_text(v{n}))",
    Type.INTEGER: "type(v{n}) is int",
    Type.NUMBER: "(type(v{n}) is float or type(v{n}) is int)",
    Type.BOOLEAN: "type(v{n}) is bool",
    Type.DATE: "type(v{n}) is str",
    Type.DATETIME: "type(v{n}) is str",
    Type.VERSION: "type(v{n}) is str",
    Type.STRINGS: "type(v{n}) is tuple and len(v{n}) <= MANY",
    Type.INTEGERS: "type(v{n}) is tuple and len(v{n}) <= MANY",
    Type.NUMBERS: "type(v{n}) is tuple and len(v{n}) <= MANY",
}
"""When a value is ordinary: of its type beyond doubt, and not to be changed by anybody."""
_PARSED: dict[Type, Callable[[str], Any]] = {
    Type.DATE: parse_date,
    Type.DATETIME: parse_datetime,
    Type.VERSION: parse_version,
}
"""The types of which a request's texts repeat those of others."""
_NUMBERS = frozenset({Type.INTEGER, Type.NUMBER})
COPIED: dict[Type, tuple[str, ...]] = dict.fromkeys(_PARSED, ()) | dict.fromkeys(
    LISTS,
    (
        "if type(v{n}) is list:",
        "    v{n} = tuple(v{n})",
        "elif v{n} is not None and type(v{n}) is not tuple:",
        "    raise Odd",
    ),
)
"""The lines that keep what a value is now, of those types that are dear to look up."""
_LISTED = {Type.STRING: "type(v{n}) is str and v{n} in listed{n}"}
"""The same for values that a book lists, where that makes it simpler."""
NAMES = {
    "CONSENTS": "consents",
    "OPT_OUTS": "opt_outs",
    "GPC": GPC,
    "bisect": bisect_right,
    "is_text": _is_text,
    "ELSE": ELSE,
    "LEAST": LEAST,
    "LONGEST": LONGEST_TEXT,
    "MANY": LONGEST_LIST,
    "MOST": INTEGER_LIMIT,
    "Odd": Odd,
    "UTC": UTC,
    "datetime": datetime,
    "read_now": read_now,
}
NAMES |= {one.__name__: one for one in (bool, dict, float, int, len, list, map, str, tuple, type)}
"""What the lines of every reader name; what Python has for every module is found sooner in this one."""
