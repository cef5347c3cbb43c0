"""Decides ordinary requests at once: the end of the function that is written for one book to read them.

It does what `Engine.decide` does for those, where all that applies to them was decided before, without a call
on the way: calls are most of what it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tailored.content.render import FrozenDict
from tailored.engine.decision import Decision, Open, Placement, SettingValue, Tell
from tailored.engine.doors import Door
from tailored.engine.facts import Facts, FactsReader, maker
from tailored.engine.match import Matcher
from tailored.engine.ordinary import Ending
from tailored.engine.resolve import Plan

FEW = 256
"""Clauses up to which most requests leave none that asks for what is dear to look up."""
SHORT = 1 << 1024
"""Clauses that hold, as bits, are looked up whole if they are below: the hash of a long integer takes as long
as going through the slots."""


def deciding(
    reader: FactsReader,
    matcher: Matcher,
    plan: Plan,
    *,
    spares: bool,
    has_texts: bool,
    slots: Sequence[tuple[str, int, bool, Mapping[int, Placement]]],
    whole: Mapping[Any, FrozenDict],
    known: Callable[[int, Sequence[Any], Door], FrozenDict | None],
    values: Callable[[int], Mapping[str, SettingValue]],
    as_set: Mapping[str, SettingValue],
    decide: Callable[[Facts, int], Decision],
    version: str,
    tell: Tell,
) -> Ending:
    """The lines that give a decision; or with rankings, where any bears on it, what the rank stage takes.

    `slots` are each slot's name, the clauses that offer it something, whether it takes many things, and what
    it shows by those of them that fire: by all, or else by the first. `whole` has all slots by the clauses
    that fire; `known`, which is asked where content `has_texts`, by what these read, too. `values` gives the
    settings by the clauses that fire, `as_set` those that no rule sets.
    `decide` does all that, and keeps it. Where the reader `spares` itself something, warnings are worked out
    when they are asked for.
    """
    names: dict[str, object] = {
        **{"slots_of": whole.get, "known": known, "values": values, "as_set": as_set, "decide": decide},
        **{"version": version, "tell": tell, "make": reader.settled if spares else maker(reader)},
        **{"Open": Open, "Decision": Decision, "SHORT": SHORT, "FrozenDict": FrozenDict},
        **{
            "all_firing": matcher.firing,
            "hides": plan.hides,
            "sets": plan.sets,
            "ranks": plan.ranks,
            "beside_ranks": plan.beside_ranks,
        },
    }
    firing, settings = "found" if matcher.is_index else "firing", "as_set"
    placed = [f"not {firing} & hides"] if plan.hides else []
    for number, (name, offers, is_many, shown) in enumerate(slots):
        names |= {f"slot{number}": name, f"offers{number}": offers, f"shown{number}": shown.get}
        bearing = f"{firing} & offers{number}" if is_many else f"({firing} & offers{number}).bit_length()"
        placed.append(f"(placed{number} := shown{number}({bearing}))")
    pairs = ", ".join(f"slot{number}: placed{number}" for number in range(len(slots)))
    if plan.sets:
        settings = f"values({firing}) if {firing} & sets else as_set"

    def lines(raws: str, door: Door | None) -> Iterator[str]:
        if not matcher.is_index:
            yield f"firing = all_firing(make(({raws}), now, door, found))"
        by_texts = f" or known({firing}, ({raws}), door)" if has_texts else ""
        kept_back = f"{firing} & door.kept_back or " if door is None or door.kept_back else ""
        if matcher.index.size >= SHORT.bit_length():
            yield f"if {firing} < SHORT:"
            yield f"    slots = slots_of({firing}){by_texts}"
            yield f"elif {' and '.join(placed) or True}:"
            yield f"    slots = FrozenDict({{{pairs}}})"
            yield "else:"
            yield "    slots = None"
            yield f"if {kept_back}slots is None:"
        else:
            yield f"if {kept_back}(slots := slots_of({firing}){by_texts}) is None:"
        yield f"    facts = make(({raws}), now, door, found)"
        yield f"    one = decide(facts, {firing})"
        if plan.ranks:
            yield f"    return (one, {firing} & beside_ranks, facts) if {firing} & ranks else one"
        else:
            yield "    return one"
        yield "one = Open()"
        yield "one.book, one.slots, one.withheld = version, slots, ()"
        yield f"one.settings = {settings}"
        yield f"one.reasons = tell, make, now, door, found, {raws}"
        if not spares:
            yield "one.warnings = ()"
        yield "one.__class__ = Decision"
        if plan.ranks:
            yield f"if {firing} & ranks:"
            yield f"    return one, {firing} & beside_ranks, make(({raws}), now, door, found)"
        yield "return one"

    return Ending(lambda raws, door: [*lines(raws, door)], names)
