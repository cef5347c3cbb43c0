"""The same books in other engines, each at its best.

Everything that would cost an engine time is done for it beforehand: requests are flat, dates, times and
versions are whole numbers in them, sizes of lists are counted, segments are written out, and no value is
missing. What a slot gets is one text: the content, the modules in their order, or `(hidden)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import cel
import datalogic_py
import json_logic
import rule_engine
import zen
from growthbook.core import evalCondition

from benchmarks.books import Request
from tailored.book.model import RuleBook, Slot
from tailored.condition.tree import All, Condition, InSegment, Not, Op, Size, Test
from tailored.condition.tree import Any as AnyOf
from tailored.condition.types import Type, Version, first_moment
from tailored.condition.values import read_value

Answer = Callable[[Any], list[str]]
"""From a request, prepared for the engine, to what each slot of the book gets."""
Chain = list[tuple[Condition, str]]
HIDDEN = "(hidden)"


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


def chain(book: RuleBook, slot: Slot) -> Chain:
    """What a slot gets from each rule, so that the first that holds decides: hides come first of all."""
    hides = [(rule.when, HIDDEN) for rule in book.rules if slot.id in rule.hide]
    shows = [(rule.when, ",".join(rule.show[slot.id])) for rule in book.rules if slot.id in rule.show]
    orders = [
        (rule.when, ",".join([*named, *(one for one in slot.modules or () if one not in named)]))
        for rule in book.rules
        if (named := rule.order.get(slot.id))
    ]
    return hides + shows + orders


def default(slot: Slot) -> str:
    """What a slot gets when no rule decides."""
    return ",".join(slot.modules or slot.default)


def datalogic(book: RuleBook) -> Answer:
    """One expression for all slots, so that there is one native call: a list of chains of `if`."""
    compiled = datalogic_py.Engine().compile(
        json.dumps({"merge": list(map(_slot(book), book.slots.values()))})
    )

    def answer(data: datalogic_py.DataHandle) -> list[str]:
        found: list[str] = compiled.evaluate_data(data)
        return found

    return answer


def datalogic_by_slot(book: RuleBook) -> Answer:
    """One expression for each slot."""
    engine = datalogic_py.Engine()
    asks = [engine.compile(json.dumps(_slot(book)(slot))).evaluate_data for slot in book.slots.values()]
    return lambda data: [ask(data) for ask in asks]


def datalogic_with_many(book: RuleBook) -> Answer:
    """The same for books whose slot `strip` takes many items: all that it is offered stands at the end."""
    strip = book.slots["strip"]
    others = [slot for slot in book.slots.values() if slot is not strip]
    asked = [_slot(book)(slot) for slot in others]
    asked += [{"if": [_logic(book, when), text, []]} for when, text in chain(book, strip)]
    compiled = datalogic_py.Engine().compile(json.dumps({"merge": asked}))
    place = list(book.slots).index("strip")

    def answer(data: datalogic_py.DataHandle) -> list[str]:
        found: list[str] = compiled.evaluate_data(data)
        items = list(dict.fromkeys(found[len(others) :]))[: strip.many]
        return [*found[:place], ",".join(items), *found[place : len(others)]]

    return answer


def _slot(book: RuleBook) -> Callable[[Slot], Any]:
    def expression(slot: Slot) -> Any:
        asked: list[Any] = []
        for condition, text in chain(book, slot):
            asked += (_logic(book, condition), text)
        return {"if": [*asked, default(slot)]} if asked else default(slot)

    return expression


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


def loop(book: RuleBook, holds: Callable[[Condition], Holds]) -> Answer:
    """An engine that evaluates one rule at a time: for each slot the first that holds."""
    slots = [
        ([(holds(condition), text) for condition, text in chain(book, slot)], default(slot))
        for slot in book.slots.values()
    ]

    def answer(data: Any) -> list[str]:
        found = []
        for rules, otherwise in slots:
            for is_true, text in rules:
                if is_true(data):
                    found.append(text)
                    break
            else:
                found.append(otherwise)
        return found

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


PER_RULE: dict[str, Callable[[RuleBook], Callable[[Condition], Holds]]] = {
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
    """One decision table, first hit: a rule is a row, an attribute a column."""
    columns = sorted({test.attribute.name for rule in book.rules for test in _tests(rule.when)})
    rows = [
        {
            "_id": rule.id,
            **dict.fromkeys(columns, ""),
            **{test.attribute.name: _cell(test) for test in _tests(rule.when)},
            "hero": json.dumps(rule.show["hero"][0]),
        }
        for rule in book.rules
    ]
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
    otherwise = default(book.slots["hero"])

    def answer(data: dict[str, Any]) -> list[str]:
        return [(decision.evaluate(data)["result"] or {}).get("hero", otherwise)]

    return answer


def _tests(condition: Condition) -> list[Test]:
    parts = condition.parts if isinstance(condition, All) else (condition,)
    return [part for part in parts if isinstance(part, Test)]


def _cell(test: Test) -> str:
    """A test as a unary expression of ZEN."""
    operand: Any = test.operand
    if test.op is Op.BETWEEN:
        return f"[{operand[0]}..{operand[1]}]"
    if test.op is Op.AT_LEAST:
        return f">= {operand}"
    if test.op is Op.ONE_OF:
        return ", ".join(map(json.dumps, operand))
    return f"contains($, {json.dumps(operand)})" if test.op is Op.CONTAINS else json.dumps(operand)


PREPARED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "datalogic-py": lambda data: datalogic_py.DataHandle(json.dumps(data)),
    "common-expression-language": lambda data: cel.Context(variables=data),
}
"""What an engine may be handed instead of a dictionary, made before the clock runs."""
