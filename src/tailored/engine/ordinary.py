"""Reads ordinary requests at speed, by a function that is written for one book.

The function is a line or two of Python for each attribute. Its text is put together from the pieces below and
from numbers; names, paths, constants and tables of the book reach it as objects, never as text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from tailored.condition.operators import LISTS
from tailored.condition.tree import Attribute
from tailored.condition.types import INTEGER_LIMIT, Type, parse_date, parse_datetime, parse_version
from tailored.condition.values import LONGEST_LIST, LONGEST_TEXT
from tailored.engine.index import Column
from tailored.engine.tables import Steps

Get: TypeAlias = Callable[[Any], object]
Ordinary: TypeAlias = Callable[[Get, Get, Any, datetime], tuple[int, tuple[Any, ...]] | None]
"""From how to get something of the user and of the context, the door and the moment to the clauses that hold
and what was read; None where something is out of the ordinary. May raise where a key of the request does."""


@dataclass(frozen=True, slots=True)
class Read:
    """An attribute to be read, and what the clauses ask of it, if anything."""

    attribute: Attribute
    column: Column | None


def ordinary(reads: Sequence[Read], user: int, context: int, found: Callable[..., object]) -> Ordinary:
    """The function for these attributes: first so many of the user, then of the context, then those deeper.

    `found` gets what lies at a path, given a getter and the path.
    """
    names: dict[str, Any] = {
        "are_integers": _are_integers,
        "are_texts": _are_texts,
        "bisect": bisect_right,
        "found_at": found,
        "LEAST": -INTEGER_LIMIT,
        "LONGEST": LONGEST_TEXT,
        "MOST": INTEGER_LIMIT,
        "parse_date": parse_date,
        "parse_datetime": parse_datetime,
        "parse_version": parse_version,
    }
    lines = ["def read(user, context, door, now):", "    found = door.clauses"]
    lines += _fetched("v", "map(user, door.user)", range(user))
    lines += _fetched("v", "map(context, door.context)", range(user, user + context))
    lines += _fetched("p", "door.nested", range(user + context, len(reads)))
    for place in range(user + context, len(reads)):
        lines.append(f"    v{place} = found_at({reads[place].attribute.side}, p{place})")
    for place, read in enumerate(reads):
        lines += [f"    {line}" for line in _looked_up(place, read, names)]
    for place, read in enumerate(reads):
        if read.column and read.column.checks:
            names[f"checked{place}"], names[f"tried{place}"] = read.column.checked, read.column.tried
            lines.append(f"    if found & checked{place} and v{place} is not None:")
            lines.append(f"        found = tried{place}({_typed(place, read)}, now, found)")
    values = ", ".join(f"v{place}" for place in range(len(reads)))
    lines.append(f"    return found, ({values},)")
    exec(compile("\n".join(lines), "<a reader of ordinary requests>", "exec"), names)
    function: Ordinary = names["read"]
    return function


def _fetched(letter: str, source: str, places: range) -> list[str]:
    targets = "".join(f"{letter}{place}, " for place in places)
    return [f"    {targets}= {source}"] if places else []


def _looked_up(place: int, read: Read, names: dict[str, Any]) -> Iterator[str]:
    """The lines that look at one value, and look it up. What they name goes to `names`."""
    attribute, column, typed = read.attribute, read.column, _typed(place, read)
    known = column.known if column and (attribute.values or attribute.type is Type.BOOLEAN) else {}
    if attribute.type in LISTS:
        yield f"if v{place}.__class__ is list:"
        yield f"    v{place} = tuple(v{place})"
    if known:
        plain, mask = _KNOWN[attribute.type], "mask"
        names[f"known{place}"] = known.get
    else:
        plain, mask = _PLAIN[attribute.type], f"lookup{place}({typed})"
        if attribute.values:
            names[f"listed{place}"] = frozenset(attribute.values)
            plain += (
                " and listed{n}.issuperset(v{n})"
                if attribute.type in LISTS
                else f" and {typed} in listed{{n}}"
            )
    plain = plain.format(n=place)
    if column is None:
        yield f"if v{place} is not None and not ({plain}):"
        yield "    return None"
        return
    lookup = names[f"lookup{place}"] = column.lookup
    names[f"missing{place}"] = column.missing
    if isinstance(lookup, Steps):
        names[f"bounds{place}"], names[f"masks{place}"] = lookup.bounds, lookup.masks
        key = f"{typed}.key" if attribute.type is Type.VERSION else typed
        mask = f"masks{place}[bisect(bounds{place}, {key})]"
    yield f"if {plain}:"
    yield f"    found &= {mask}"
    yield f"elif v{place} is None:"
    yield f"    found &= missing{place}"
    yield "else:"
    yield "    return None"


def _typed(place: int, read: Read) -> str:
    """The name of the typed value: what was read, or for texts that say something else, what they say."""
    return f"{'x' if '{n} :=' in _PLAIN[read.attribute.type] else 'v'}{place}"


def _are_texts(values: tuple[Any, ...]) -> bool:
    for one in values:
        if one.__class__ is not str:
            return False
    whole = "".join(values)  # as fast for all of them as for one
    return whole.isascii() and len(whole) <= LONGEST_TEXT and len(values) <= LONGEST_LIST


def _are_integers(values: tuple[Any, ...]) -> bool:
    for one in values:
        if one.__class__ is not int or not -INTEGER_LIMIT < one < INTEGER_LIMIT:
            return False
    return len(values) <= LONGEST_LIST


_KNOWN = {
    Type.STRING: "v{n}.__class__ is str and (mask := known{n}(v{n})) is not None",
    Type.BOOLEAN: "v{n}.__class__ is bool and (mask := known{n}(v{n})) is not None",
}
"""When a value is what its table knows."""
_PLAIN = {
    Type.STRING: "v{n}.__class__ is str and v{n}.isascii() and len(v{n}) <= LONGEST",
    Type.INTEGER: "v{n}.__class__ is int and LEAST < v{n} < MOST",
    Type.NUMBER: "(v{n}.__class__ is float or v{n}.__class__ is int) and LEAST < v{n} < MOST",
    Type.BOOLEAN: "v{n}.__class__ is bool",
    Type.DATE: "v{n}.__class__ is str and (x{n} := parse_date(v{n})) is not None",
    Type.DATETIME: "v{n}.__class__ is str and (x{n} := parse_datetime(v{n})) is not None",
    Type.VERSION: "v{n}.__class__ is str and (x{n} := parse_version(v{n})) is not None",
    Type.STRINGS: "v{n}.__class__ is tuple and are_texts(v{n})",
    Type.INTEGERS: "v{n}.__class__ is tuple and are_integers(v{n})",
    Type.NUMBERS: "v{n}.__class__ is tuple and are_integers(v{n})",
}
"""When a value is ordinary: of its type beyond doubt, and not to be changed by anybody."""
