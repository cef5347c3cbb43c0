"""Reads ordinary requests at speed, by a function that is written for one book.

The function is a line or two of Python for each attribute, put together from pieces of our own and numbers;
names, paths, constants and tables of the book reach it as objects, never as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from tailored.engine.doors import Door, Doors
from tailored.engine.lines import COPIED, NAMES, Read, asked_of, checked, few_of, looked_up

Get: TypeAlias = Callable[[Any], object]
F = TypeVar("F")
Ordinary: TypeAlias = Callable[[Any, Any, datetime], F]
"""From user, context and moment to what is made of them; raises, most often Odd, where anything is odd."""
Make: TypeAlias = Callable[[tuple[Any, ...], datetime, Door, int], F]
"""Makes something of what was read, the moment, the door, and the clauses that hold."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The last lines of a function that reads, which make something of it, and what they name.

    They find the moment as `now`, the `door`, and the clauses that hold as `found`. They are made with the
    names of all values that were read, and the door, where it is known ahead.
    """

    lines: Callable[[str, Door | None], Sequence[str]]
    names: Mapping[str, object]


def made_by(make: Make[F]) -> Ending:
    """The ending that calls for it."""
    return Ending(lambda raws, _: [f"return make(({raws}), now, door, found)"], {"make": make})


def ordinary(
    reads: Sequence[Read],
    doors: Doors,
    found_at: Callable[..., object],
    ending: Ending,
    *,
    spares: bool = False,
    otherwise: Callable[..., object] | None = None,
) -> Callable[..., Any]:
    """The function for these attributes, in the order of the sides of a door, then what the guard reads.

    `found_at` gets what lies at a path, given a getter and the path. One that `spares` itself what no clause
    asks that still may hold does not look whether such values are ordinary: `settler` does. One that has an
    `otherwise` is a method, takes `now` as applications give it, and leaves to that what is odd. Requests
    that say something of permissions have a function of their own; the door of others is known ahead.
    """
    names: dict[str, Any] = {**NAMES, **ending.names, "found_at": found_at, "otherwise": otherwise}
    names |= {"door": doors.plain, "door_of": doors.of}
    dear = [place for place, read in enumerate(reads) if read.attribute.type in COPIED] if spares else None
    outs, gpc = (f"v{place}" for place in _guarded(reads))
    lines = [
        f"consents, {outs}, {gpc} = user.get(CONSENTS), user.get(OPT_OUTS), context.get(GPC)",
        f"if (door := door_of(consents, {outs}, {gpc})) is None:",
        "    raise Odd",
    ]
    for number, place in enumerate(_guarded(reads)):
        attribute = reads[place].attribute
        if attribute.topics or attribute.purpose is not None:
            lines.append(f"v{place} = v{place} if door.own[{number}] else None")
        if reads[place].column is None:
            lines += asked_of([place], reads, "guarded", names, dear)
    lines += [*_sides(reads, names, dear, None), *ending.lines(_values(reads), None)]
    names["gated"] = _function("user, context, now", lines, names)
    lines = [
        "if type(user) is not dict or type(context) is not dict:",
        "    raise Odd",
        "if CONSENTS in user or OPT_OUTS in user or GPC in context:",
        "    return gated(user, context, now)",
        f"{outs} = {gpc} = None",
        *_sides(reads, names, dear, doors.plain),
        *ending.lines(_values(reads), doors.plain),
    ]
    if otherwise is None:
        return _function("user, context, now", lines, names)
    lines = [*_BEFORE, *(f"    {line}" for line in lines), *_AFTER]
    return _function("self, user, context, now=None", lines, names)


def _guarded(reads: Sequence[Read]) -> tuple[int, int]:
    """The places of what the guard reads."""
    return len(reads) - 2, len(reads) - 1


def _sides(
    reads: Sequence[Read], names: dict[str, Any], dear: Sequence[int] | None, door: Door | None
) -> Iterator[str]:
    """The lines that read both sides at a door, which may be known ahead: then its own parts have names."""
    guarded = _guarded(reads)
    sides: dict[str, list[int]] = {"user": [], "context": [], "": []}
    for place, read in enumerate(reads[:-2]):
        sides["" if read.attribute.path else read.attribute.side].append(place)
    if door is not None:
        names["clauses"] = door.clauses
    yield "found = door.clauses" if door is None else "found = clauses"
    for side in ("user", "context"):
        if places := sides[side]:
            parts = {part: f"side.{part}" for part in _PARTS}
            if door is not None:
                parts = {part: f"{side}_{part}" for part in _PARTS}
                names |= {name: getattr(getattr(door, side), part) for part, name in parts.items()}
                parts["enough"] = str(names.pop(parts["enough"]))
            names[f"nothing_of_{side}"] = (None,) * len(places)
            first, *rest = (f"v{place}" for place in places)
            yield f"if {side}:"
            if door is None:
                yield f"    side = door.{side}"
            yield f"    {first} = {side}.get({parts['first']})"
            for line in _FETCHED if rest else ():
                targets = "".join(f"{one}, " for one in rest)
                yield f"    {line.format(side=side, targets=targets, **parts)}"
            yield from (f"    {line}" for line in asked_of(places, reads, side, names, dear))
            targets = "".join(f"v{place}, " for place in places)
            yield from ("else:", f"    {targets}= nothing_of_{side}", f"    found &= without_{side}")
    nested = sides[""]
    if nested:
        yield "".join(f"p{place}, " for place in nested) + "= door.nested"
    for place in nested:
        yield f"v{place} = found_at({reads[place].attribute.side}.get, p{place})"
    others = [*nested, *(place for place in guarded if reads[place].column is not None)]
    yield from asked_of(others, reads, "others", names, dear)
    for place in dear or ():
        if (column := reads[place].column) is not None:
            names[f"wants{place}"] = column.asking
            yield f"if found & wants{place}:"
            yield from (f"    {line}" for line in few_of([place], reads, names, are_copied=True))
    for place, read in enumerate(reads):
        if read.column and read.column.checks is not None:
            yield from checked(place, read, read.column.checks, names)


def settler(reads: Sequence[Read]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """From what a function read that `spares` itself something to the same as others read it.

    It raises where anything is odd.
    """
    names: dict[str, Any] = dict(NAMES)
    lines = [f"{_values(reads)} = raws"]
    for place, read in enumerate(reads):
        lines += looked_up(place, Read(read.attribute, None), names)
    return _function("raws", [*lines, f"return {_values(reads)}"], names)


def _values(reads: Sequence[Read]) -> str:
    return "".join(f"v{place}, " for place in range(len(reads)))


def _function(arguments: str, lines: Sequence[str], names: dict[str, Any]) -> Callable[..., Any]:
    text = "\n    ".join([f"def read({arguments}):", *lines])
    exec(compile(text, "<a reader of ordinary requests>", "exec"), names)
    function: Callable[..., Any] = names["read"]
    return function


_PARTS = ("at_once", "enough", "first", "rest")
"""What a side of a door is made of."""
_FETCHED = (
    "if len({side}) < {enough}:",
    "    {targets}= map({side}.get, {rest})",
    "else:",
    "    try:",
    "        {targets}= {at_once}({side})",
    "    except KeyError:",
    "        {targets}= map({side}.get, {rest})",
)
"""The lines that get all values of a side but the first."""
_BEFORE = (
    "if type(now) is not datetime or now.tzinfo is not UTC:",
    "    now = read_now(now)",
    "try:",
)
_AFTER = (
    "except Exception:",  # a foreign key may raise anything when it is compared
    "    pass",
    "return otherwise(user, context, now)",
)
"""The lines around those of a function that leaves to another what is odd."""
