"""Decides ordinary requests at once: the end of the function that is written for one book to read them.

It does what `Engine.decide` does for those, where all that applies to them was decided before, without a call
on the way: calls are most of what it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tailored.content.render import FrozenDict
from tailored.engine.decision import Decision, Open, SettingValue, Tell
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
    whole: Mapping[Any, FrozenDict],
    known: Callable[[int, Sequence[Any], Door], FrozenDict | None],
    values: Callable[[int], Mapping[str, SettingValue]],
    as_set: Mapping[str, SettingValue],
    decide: Callable[[Facts, int], Decision],
    version: str,
    tell: Tell,
) -> Ending:
    """The lines that give a decision; or with rankings, where any bears on it, what the rank stage takes.

    `whole` has all slots by the clauses that fire; `known`, which is asked where content `has_texts`, by what
    these read, too. `values` gives the settings by the clauses that fire, `as_set` those that no rule sets.
    `decide` does all that, and keeps it. Where the reader `spares` itself something, warnings are worked out
    when they are asked for.
    """
    names = {
        **{"slots_of": whole.get, "known": known, "values": values, "as_set": as_set, "decide": decide},
        **{"version": version, "tell": tell, "make": reader.settled if spares else maker(reader)},
        **{"Open": Open, "Decision": Decision, "SHORT": SHORT, "all_firing": matcher.firing},
        **{"sets": plan.sets, "ranks": plan.ranks, "beside_ranks": plan.beside_ranks},
    }
    lines, firing, settings = [], "found", "as_set"
    if not matcher.is_index:
        firing = "firing"
        lines.append("firing = all_firing(make(raws, now, door, found))")
    is_kept_back = f"{firing} & door.kept_back"
    if not reader.plain_door.kept_back:
        is_kept_back = f"door is not plain_door and {is_kept_back}"
    is_long = f" or {firing} >= SHORT" if matcher.index.size > SHORT.bit_length() else ""
    by_texts = f" or known({firing}, raws, door)" if has_texts else ""
    if plan.sets:
        settings = f"values({firing}) if {firing} & sets else as_set"
    ranked = f"{firing} & beside_ranks"
    lines += [
        f"if {is_kept_back}{is_long} or (slots := slots_of({firing}){by_texts}) is None:",
        "    facts = make(raws, now, door, found)",
        f"    one = decide(facts, {firing})",
        f"    return (one, {ranked}, facts) if {firing} & ranks else one" if plan.ranks else "    return one",
        "one = Open()",
        "one.book, one.slots, one.withheld = version, slots, ()",
        f"one.settings = {settings}",
        "one.reasons = tell, make, raws, now, door, found",
    ]
    if not spares:
        lines.append("one.warnings = ()")
    lines.append("one.__class__ = Decision")
    if plan.ranks:
        lines += [f"if {firing} & ranks:", f"    return one, {ranked}, make(raws, now, door, found)"]
    return Ending([*lines, "return one"], names)
