"""The same books in other engines, each at its best, and each checked for equal answers before it is timed.

Everything that would cost a peer time is done for it beforehand: requests are flat, dates, times and versions
are whole numbers in them, sizes of lists are counted, segments are written out, and no value is missing.
The peers fill four of the eight slots; ours does everything that an evaluation does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from statistics import median
from typing import Any

import datalogic_py
import zen

from benchmarks.books import Request, make
from benchmarks.evaluate import NOW, engine_of, measured
from benchmarks.tables import show
from tailored.book.model import RuleBook
from tailored.condition.tree import All, Condition, InSegment, Not, Op, Size, Test
from tailored.condition.tree import Any as AnyOf
from tailored.condition.types import Type, Version, first_moment
from tailored.condition.values import read_value

SLOTS = ("hero", "banner", "footer", "offer")
"""Slots that no rule of the generated books hides."""
Answer = Callable[[Any], list[str]]


def run() -> None:
    """Prints how many times faster an evaluation is than each peer, at the median."""
    rows: list[list[str | float]] = []
    for name, size in (
        ("selective", 10),
        ("selective", 10_000),
        ("dense", 10_000),
        ("table", 10),
        ("table", 10_000),
    ):
        mix = make(name, size)
        engine = engine_of(mix.text)
        slots = [slot for slot in SLOTS if slot in engine.book.slots]
        expected = [
            [engine.evaluate(*request, NOW).slots[slot].content for slot in slots] for request in mix.requests
        ]
        ours = median(measured(lambda user, context: engine.evaluate(user, context, NOW), mix.requests)) / 1e3  # noqa: B023
        given = [flat(engine.book, request) for request in mix.requests]
        peers: dict[str, Answer] = {"datalogic-py": datalogic(engine.book, slots)}
        if name == "table":
            peers["zen-engine"] = zen_table(engine.book)
        for peer, answer in peers.items():
            prepared = [_PREPARED.get(peer, _as_it_is)(one) for one in given]
            assert [answer(one) for one in prepared] == expected, peer
            theirs = median(measured(answer, [(one,) for one in prepared])) / 1e3  # type: ignore[arg-type]
            rows.append([name, f"{size:,}", ours, peer, theirs, theirs / ours])
    show("Other engines", ["mix", "rules", "ours, us", "peer", "theirs, us", "times faster"], rows)


def _as_it_is(data: dict[str, Any]) -> Any:
    return data


_PREPARED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "datalogic-py": lambda data: datalogic_py.DataHandle(json.dumps(data))
}
"""What a peer may be handed instead of a dictionary, made before the clock runs."""


def flat(book: RuleBook, request: Request) -> dict[str, Any]:
    """A request as peers have it easiest."""
    data: dict[str, Any] = {}
    for attribute in book.attributes.values():
        raw = request[attribute.side == "context"].get(attribute.name)
        if raw is not None:
            value = read_value(raw, attribute.type)
            data[attribute.name] = _easy(value)
            if isinstance(value, tuple):
                data[f"{attribute.name}_size"] = len(value)
    return data


def _easy(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Version):
        major, minor, patch = value.key[:3]
        return (major * 1000 + minor) * 1000 + patch  # type: ignore[operator]
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value.toordinal() if isinstance(value, date) else value


def datalogic(book: RuleBook, slots: list[str]) -> Answer:
    """One expression for all slots: a list of chains of `if`, first hit wins."""
    chains = []
    for slot in slots:
        chain: list[Any] = []
        for rule in book.rules:
            if slot in rule.show:
                chain += (_logic(book, rule.when), rule.show[slot][0])
        chains.append({"if": [*chain, book.slots[slot].default[0]]} if chain else book.slots[slot].default[0])
    compiled = datalogic_py.Engine().compile(json.dumps({"merge": chains}))

    def answer(data: datalogic_py.DataHandle) -> list[str]:
        found: list[str] = compiled.evaluate_data(data)
        return found

    return answer


def _logic(book: RuleBook, condition: Condition) -> Any:
    if isinstance(condition, All):
        return {"and": [_logic(book, part) for part in condition.parts]}
    if isinstance(condition, AnyOf):
        return {"or": [_logic(book, part) for part in condition.parts]}
    if isinstance(condition, Not):
        return {"!": _logic(book, condition.part)}
    if isinstance(condition, InSegment):
        return _logic(book, book.segments[condition.id].when)
    assert isinstance(condition, Test)
    return _TESTS[condition.op]({"var": condition.attribute.name}, condition.operand, condition)


def _members(var: Any, operand: tuple[Any, ...]) -> Any:
    tests = [{"in": [one, var]} for one in operand]
    return {"or": tests} if len(tests) > 1 else tests[0]


def _time(operand: Any, test: Test) -> Any:
    return _easy(first_moment(operand)) if test.attribute.type is Type.DATETIME else _easy(operand)


def _size(var: Any, operand: Size, test: Test) -> Any:
    assert operand.op is Op.AT_LEAST
    return {">=": [{"var": f"{test.attribute.name}_size"}, operand.operand]}


_TESTS: dict[Op, Callable[[Any, Any, Test], Any]] = {
    Op.IS: lambda var, operand, test: {"===": [var, operand]},
    Op.IS_NOT: lambda var, operand, test: {"!==": [var, operand]},
    Op.ONE_OF: lambda var, operand, test: {"in": [var, list(operand)]},
    Op.NONE_OF: lambda var, operand, test: {"!": {"in": [var, list(operand)]}},
    Op.AT_LEAST: lambda var, operand, test: {">=": [var, _easy(operand)]},
    Op.AT_MOST: lambda var, operand, test: {"<=": [var, _easy(operand)]},
    Op.MORE_THAN: lambda var, operand, test: {">": [var, _easy(operand)]},
    Op.BETWEEN: lambda var, operand, test: {"<=": [operand[0], var, operand[1]]},
    Op.BEFORE: lambda var, operand, test: {"<": [var, _time(operand, test)]},
    Op.AFTER: lambda var, operand, test: {">": [var, _time(operand, test)]},
    Op.CONTAINS: lambda var, operand, test: {"in": [operand, var]},
    Op.CONTAINS_ANY: lambda var, operand, test: _members(var, operand),
    Op.CONTAINS_NONE: lambda var, operand, test: {"!": _members(var, operand)},
    Op.SIZE: _size,
}


def zen_table(book: RuleBook) -> Answer:
    """One decision table with cells of equality, first hit."""
    columns = ["country", "language", "plan", "page", "device"]
    rows = []
    for rule in book.rules:
        tests = rule.when.parts if isinstance(rule.when, All) else (rule.when,)
        cells = {test.attribute.name: json.dumps(test.operand) for test in tests if isinstance(test, Test)}
        rows.append(
            {
                "_id": rule.id,
                **{name: cells.get(name, "") for name in columns},
                "hero": json.dumps(rule.show["hero"][0]),
            }
        )
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "field": name} for name in columns],
        "outputs": [{"id": "hero", "name": "hero", "field": "hero"}],
        "rules": rows,
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": table},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "2", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    default = book.slots["hero"].default[0]

    def answer(data: dict[str, Any]) -> list[str]:
        return [(decision.evaluate(data)["result"] or {}).get("hero", default)]

    return answer
