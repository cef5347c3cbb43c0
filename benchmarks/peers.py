"""The same books in other engines, each at its best, and each checked for equal answers before it is timed.

Everything that would cost a peer time is done for it beforehand: requests are flat, dates, times and versions
are whole numbers in them, sizes of lists are counted, segments are written out, and no value is missing.
The peers fill four of the eight slots; ours does everything that an evaluation does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from statistics import median
from typing import Any

import cel
import datalogic_py
import json_logic
import rule_engine
import zen
from growthbook.core import evalCondition

from benchmarks.books import Request, make
from benchmarks.evaluate import NOW, ROUNDS, engine_of, measured
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
        if size == 10_000 and name != "table":
            peers |= {
                peer: loop(engine.book, slots, compiled(engine.book)) for peer, compiled in _PER_RULE.items()
            }
        if name == "table":
            peers["zen-engine"] = zen_table(engine.book)
        for peer, answer in peers.items():
            prepared = [_PREPARED.get(peer, _as_it_is)(one) for one in given]
            slow = peer in _PER_RULE
            if slow:
                prepared = prepared[:10]
            assert [answer(one) for one in prepared] == expected[: len(prepared)], peer
            theirs = median(measured(answer, [(one,) for one in prepared], 1 if slow else ROUNDS)) / 1e3
            rows.append([name, f"{size:,}", ours, peer, theirs, theirs / ours])
    show("Other engines", ["mix", "rules", "ours, us", "peer", "theirs, us", "times faster"], rows)


def _as_it_is(data: dict[str, Any]) -> Any:
    return data


_PREPARED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "datalogic-py": lambda data: datalogic_py.DataHandle(json.dumps(data)),
    "common-expression-language": lambda data: cel.Context(variables=data),
}
"""What a peer may be handed instead of a dictionary, made before the clock runs."""


def flat(book: RuleBook, request: Request) -> dict[str, Any]:
    """A request as peers have it easiest."""
    data: dict[str, Any] = {}
    for attribute in book.attributes.values():
        raw = request[attribute.side == "context"].get(attribute.name)
        if raw is not None:
            value = read_value(raw, attribute.type)
            data[attribute.name] = float(value) if attribute.type is Type.NUMBER else _easy(value)
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


Holds = Callable[[Any], Any]


def loop(book: RuleBook, slots: list[str], holds: Callable[[Condition], Holds]) -> Answer:
    """An engine that evaluates one rule at a time: in resolution order, until every slot has its winner."""
    offers = [
        (slot, holds(rule.when), contents[0])
        for rule in book.rules
        for slot, contents in rule.show.items()
        if slot in slots
    ]

    def answer(data: Any) -> list[str]:
        found: dict[str, str] = {}
        for slot, is_true, content in offers:
            if slot not in found and is_true(data):
                found[slot] = content
                if len(found) == len(slots):
                    break
        return [found.get(slot) or book.slots[slot].default[0] for slot in slots]

    return answer


def _json_logic(book: RuleBook) -> Callable[[Condition], Holds]:
    return lambda condition: partial(json_logic.jsonLogic, _logic(book, condition))


def _growthbook(book: RuleBook) -> Callable[[Condition], Holds]:
    def holds(condition: Condition) -> Holds:
        asked = _mongo(book, condition)
        return lambda data: evalCondition(data, asked)

    return holds


def _rule_engine(book: RuleBook) -> Callable[[Condition], Holds]:
    context = rule_engine.Context(resolver=rule_engine.resolve_item)
    return lambda condition: rule_engine.Rule(_text(book, condition, _PYTHON), context=context).matches


def _cel(book: RuleBook) -> Callable[[Condition], Holds]:
    return lambda condition: cel.compile(_text(book, condition, _C)).execute


_PER_RULE: dict[str, Callable[[RuleBook], Callable[[Condition], Holds]]] = {
    "growthbook": _growthbook,
    "rule-engine": _rule_engine,
    "json-logic-qubit": _json_logic,
    "common-expression-language": _cel,
}


def _mongo(book: RuleBook, condition: Condition) -> dict[str, Any]:
    if isinstance(condition, All):
        parts = [_mongo(book, part) for part in condition.parts]
        merged = {key: value for part in parts for key, value in part.items()}
        return merged if len(merged) == sum(map(len, parts)) else {"$and": parts}
    if isinstance(condition, AnyOf):
        return {"$or": [_mongo(book, part) for part in condition.parts]}
    if isinstance(condition, Not):
        return {"$not": _mongo(book, condition.part)}
    if isinstance(condition, InSegment):
        return _mongo(book, book.segments[condition.id].when)
    assert isinstance(condition, Test)
    name, op, operand = condition.attribute.name, condition.op, condition.operand
    if isinstance(operand, Size):
        return {f"{name}_size": {"$gte": operand.operand}}
    if op is Op.BETWEEN:
        assert isinstance(operand, tuple)
        return {name: {"$gte": operand[0], "$lte": operand[1]}}
    if op is Op.IS:
        return {name: operand}
    if op is Op.CONTAINS:
        is_list = condition.attribute.type is Type.STRINGS
        return {name: {"$elemMatch": {"$eq": operand}} if is_list else {"$regex": operand}}
    word = {
        Op.IS_NOT: "$ne",
        Op.ONE_OF: "$in",
        Op.NONE_OF: "$nin",
        Op.CONTAINS_ANY: "$in",
        Op.CONTAINS_NONE: "$nin",
        Op.AT_LEAST: "$gte",
        Op.AT_MOST: "$lte",
        Op.MORE_THAN: "$gt",
        Op.BEFORE: "$lt",
        Op.AFTER: "$gt",
    }[op]
    return {name: {word: _time(operand, condition)}}


@dataclass(frozen=True)
class _Words:
    """How a language of expressions joins and negates."""

    all: str
    any: str
    not_: str
    true: str
    contains: str


_PYTHON = _Words(" and ", " or ", "not ", "true", "{operand} in {name}")
_C = _Words(" && ", " || ", "!", "true", "{name}.contains({operand})")


def _text(book: RuleBook, condition: Condition, words: _Words) -> str:
    if isinstance(condition, All | AnyOf):
        joined = words.all if isinstance(condition, All) else words.any
        return "(" + joined.join(_text(book, part, words) for part in condition.parts) + ")"
    if isinstance(condition, Not):
        return f"({words.not_}({_text(book, condition.part, words)}))"
    if isinstance(condition, InSegment):
        return _text(book, book.segments[condition.id].when, words)
    assert isinstance(condition, Test)
    name, op, operand = condition.attribute.name, condition.op, condition.operand
    if isinstance(operand, Size):
        return f"{name}_size >= {operand.operand}"
    if op is Op.BETWEEN:
        assert isinstance(operand, tuple)
        return f"({name} >= {operand[0]}{words.all}{name} <= {operand[1]})"
    if op is Op.CONTAINS and condition.attribute.type is Type.STRING:
        return words.contains.format(name=name, operand=json.dumps(operand))
    if op in (Op.CONTAINS, Op.CONTAINS_ANY, Op.CONTAINS_NONE):
        members = (operand,) if op is Op.CONTAINS else operand
        assert isinstance(members, tuple)
        some = "(" + words.any.join(f"{json.dumps(one)} in {name}" for one in members) + ")"
        return f"({words.not_}{some})" if op is Op.CONTAINS_NONE else some
    if op in (Op.ONE_OF, Op.NONE_OF):
        assert isinstance(operand, tuple)
        member = f"({name} in {json.dumps(list(operand))})"
        return f"({words.not_}{member})" if op is Op.NONE_OF else member
    sign = {
        Op.IS: "==",
        Op.IS_NOT: "!=",
        Op.AT_LEAST: ">=",
        Op.AT_MOST: "<=",
        Op.MORE_THAN: ">",
        Op.BEFORE: "<",
        Op.AFTER: ">",
    }[op]
    constant = _time(operand, condition)
    if condition.attribute.type is Type.NUMBER:
        constant = float(constant)
    return f"{name} {sign} {json.dumps(constant)}"


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
