"""The reader that exports: conditions as JSONLogic (https://jsonlogic.com), exact for missing values, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any as Json
from typing import TypeAlias

from tailored.condition.normal import Both, Either, Literal, Normal, normalise
from tailored.condition.tree import Attribute, Condition, Consent, InSegment, Logic, Op, Scalar, Test
from tailored.condition.types import Type, as_text, first_moment, last_moment

Say: TypeAlias = Callable[[Json, Json, Test], Json]
"""What an operator says of a value with an operand, for a test."""

LARGEST = 100_000
"""How many pieces an expression may have once its segments are written out."""


class NotExportable(Exception):
    """Standard JSONLogic cannot say a condition. The text is a sentence that names the test."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What conditions refer to in a book."""

    segments: Mapping[str, tuple[Condition, tuple[str, ...]]]
    """The condition and the topics of each segment."""
    flags: Mapping[str, str | None]
    """The consent flag of each sensitive topic; None where no flag opens it. Others need none."""
    purposes: Callable[[Attribute], tuple[str, ...]]
    """The purposes of which nobody may have opted out for an attribute to be read."""
    by_signal: frozenset[str] = frozenset()
    """The purposes of which the signal `context.gpc` opts out."""


def to_jsonlogic(
    condition: Condition,
    surroundings: Surroundings,
    topics: tuple[str, ...] = (),
    purposes: tuple[str, ...] = (),
) -> dict[str, Json]:
    """The JSONLogic expression that is true exactly where a condition is, and false where it is not.

    It reads data `{"user": {...}, "context": {...}}` of well-typed values, times as `as_text` writes them.
    `topics` and `purposes` are the labels of what the condition is for: they are asked for first, and
    once. Raises NotExportable.
    """
    export = _Export(surroundings)
    gates = export.gates(topics, purposes)
    export.granted = frozenset(map(json.dumps, gates))
    expression = _both([*gates, export.expression(condition, True)])
    return expression if isinstance(expression, dict) else {"!!": [expression]}


class _Export:
    """Turns conditions into expressions; each segment once for each thing that it may be wanted to be."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.granted: frozenset[str] = frozenset()
        self._segments: dict[tuple[str, bool], Json] = {}

    def expression(self, condition: Condition, wanted: bool) -> Json:
        """What holds where a condition is known to be what is wanted; a constant where that is fixed."""
        said = self._normal(normalise(condition, lambda name: self.surroundings.segments[name][1], wanted))
        if _size(said) > LARGEST:
            raise NotExportable(f"With its segments written out this has more than {LARGEST:,} pieces.")
        return said

    def gates(self, topics: Iterable[str], purposes: Iterable[str]) -> list[Json]:
        """What must be permitted for things with these labels, but for what is granted already."""
        purposes = list(purposes)
        flags = [self.surroundings.flags[topic] for topic in topics if topic in self.surroundings.flags]
        asked: list[Json] = [
            False if flag is None else {"===": [{"var": f"user.consents.{flag}"}, True]} for flag in flags
        ]
        asked += [{"!": [{"in": [purpose, {"var": "user.opt_outs"}]}]} for purpose in purposes]
        if not self.surroundings.by_signal.isdisjoint(purposes):
            asked.append({"!==": [{"var": "context.gpc"}, True]})
        return [gate for gate in _once(asked) if json.dumps(gate) not in self.granted]

    def _normal(self, normal: Normal) -> Json:
        if isinstance(normal, Both | Either):
            joined = _both if isinstance(normal, Both) else _either
            return joined([self._normal(part) for part in normal.parts])
        return self._literal(normal)

    def _literal(self, literal: Literal) -> Json:
        leaf = literal.leaf
        if isinstance(leaf, Test):
            return self._test(leaf, literal.wanted)
        if isinstance(leaf, Logic):
            expression = json.loads(leaf.text)
            gates = [gate for attribute in leaf.reads for gate in self._door(attribute)]
            return _both([*_once(gates), {"!!" if literal.wanted else "!": [expression]}])
        if isinstance(leaf, Consent):
            return _both(self.gates(leaf.topics, ()))
        return self._segment(leaf, literal.wanted)

    def _segment(self, leaf: InSegment, wanted: bool) -> Json:
        known = (leaf.id, wanted)
        if known not in self._segments:
            self._segments[known] = self.expression(self.surroundings.segments[leaf.id][0], wanted)
        return self._segments[known]

    def _test(self, test: Test, wanted: bool) -> Json:
        value = {"var": test.attribute.key}
        gates = self._door(test.attribute)
        if test.op is Op.KNOWN:
            if test.operand is wanted:
                return _both([*gates, {"!==": [value, None]}])
            return _either([*map(_not, gates), {"===": [value, None]}])
        if test.attribute.type is Type.VERSION:
            raise _refuse(test, "it does not know versions")
        said = _SAY[test.op](value, test.operand, test)
        return _both([*gates, {"!==": [value, None]}, said if wanted else _not(said)])

    def _door(self, attribute: Attribute) -> list[Json]:
        """What must be permitted for an attribute not to count as missing."""
        return self.gates(attribute.topics, self.surroundings.purposes(attribute))


def _both(parts: Sequence[Json]) -> Json:
    return _joined("and", parts, True)


def _either(parts: Sequence[Json]) -> Json:
    return _joined("or", parts, False)


def _joined(name: str, parts: Sequence[Json], empty: bool) -> Json:
    """Parts joined by `and` or `or`, each once; what is always so is left out, or decides."""
    flat: list[Json] = []
    for part in parts:
        flat += part[name] if isinstance(part, dict) and name in part else [part]
    if any(part is (not empty) for part in flat):
        return not empty
    rest = _once(part for part in flat if part is not empty)
    if len(rest) < 2:
        return rest[0] if rest else empty
    return {name: rest}


def _once(parts: Iterable[Json]) -> list[Json]:
    return list({json.dumps(part): part for part in parts}.values())


def _not(part: Json) -> Json:
    if isinstance(part, bool):
        return not part
    ((name, arguments),) = part.items()
    if name in _OPPOSITE:
        return {_OPPOSITE[name]: arguments}
    return arguments[0] if name == "!" else {"!": [part]}


_OPPOSITE = {"===": "!==", "!==": "==="}


def _size(expression: Json) -> int:
    """How many pieces an expression has when written out; parts of it may be shared."""
    sizes: dict[int, int] = {}

    def size(part: Json) -> int:
        if not isinstance(part, dict | list):
            return 1
        if id(part) not in sizes:
            inner = part.values() if isinstance(part, dict) else part
            sizes[id(part)] = 1 + sum(map(size, inner))
        return sizes[id(part)]

    return size(expression)


def _json(value: Scalar) -> Json:
    return as_text(value) if isinstance(value, date) else value


def _refuse(test: Test, why: str) -> NotExportable:
    operands = test.operand if isinstance(test.operand, tuple) else (test.operand,)
    shown = ", ".join(as_text(one) if isinstance(one, date) else str(one) for one in operands)
    return NotExportable(f"JSONLogic cannot say `{test.attribute.key}: {{{test.op}: {shown}}}`: {why}.")


def _equal(value: Json, operand: Json, test: Test) -> Json:
    if test.attribute.type is Type.DATETIME and first_moment(operand) != last_moment(operand):
        return _between(value, (operand, operand), test)
    return {"===": [value, _json(operand)]}


def _one_of(value: Json, operand: Json, test: Test) -> Json:
    if test.attribute.type is Type.DATETIME:
        return _either([_equal(value, one, test) for one in operand])
    return {"in": [value, [_json(one) for one in operand]]}


def _between(value: Json, operand: Json, test: Test) -> Json:
    low, high = operand
    if test.attribute.type is Type.DATETIME:
        low, high = first_moment(low), last_moment(high)
    return {"<=": [_json(low), value, _json(high)]}


def _compared(name: str, moment: Callable[[date], date] = first_moment) -> Say:
    """A comparison with a constant; against a time, with the moment at which the constant begins, or ends."""

    def say(value: Json, operand: Json, test: Test) -> Json:
        return {name: [value, _json(moment(operand) if test.attribute.type is Type.DATETIME else operand)]}

    return say


def _starts_with(value: Json, operand: Json, test: Test) -> Json:
    return {"===": [{"substr": [value, 0, _length(test)]}, operand]} if operand else True


def _ends_with(value: Json, operand: Json, test: Test) -> Json:
    return {"===": [{"substr": [value, -_length(test)]}, operand]} if operand else True


def _length(test: Test) -> int:
    part = str(test.operand)
    if any(char > "\uffff" for char in part):
        raise _refuse(test, "engines count such characters differently")
    return len(part)


def _joining(join: Callable[[Sequence[Json]], Json]) -> Say:
    return lambda value, operand, test: join([{"in": [one, value]} for one in operand])


def _sized(value: Json, operand: Json, test: Test) -> Json:
    count = {"reduce": [value, {"+": [{"var": "accumulator"}, 1]}, 0]}
    number = Attribute("", "size", Type.INTEGER)
    return _SAY[operand.op](count, operand.operand, Test(number, operand.op, operand.operand))


def _negated(say: Say) -> Say:
    return lambda value, operand, test: _not(say(value, operand, test))


def _never(why: str) -> Say:
    def refuse(value: Json, operand: Json, test: Test) -> Json:
        raise _refuse(test, why)

    return refuse


_RELATIVE = "it has no clock"

_SAY: dict[Op, Say] = {
    Op.IS: _equal,
    Op.IS_NOT: _negated(_equal),
    Op.ONE_OF: _one_of,
    Op.NONE_OF: _negated(_one_of),
    Op.AT_LEAST: _compared(">="),
    Op.MORE_THAN: _compared(">"),
    Op.AT_MOST: _compared("<="),
    Op.LESS_THAN: _compared("<"),
    Op.BETWEEN: _between,
    Op.BEFORE: _compared("<"),
    Op.AFTER: _compared(">", last_moment),
    Op.IN_THE_LAST: _never(_RELATIVE),
    Op.NOT_IN_THE_LAST: _never(_RELATIVE),
    Op.CONTAINS: lambda value, operand, test: {"in": [operand, value]},
    Op.STARTS_WITH: _starts_with,
    Op.ENDS_WITH: _ends_with,
    Op.LIKE: _never("it has no patterns"),
    Op.CONTAINS_ANY: _joining(_either),
    Op.CONTAINS_ALL: _joining(_both),
    Op.CONTAINS_NONE: _negated(_joining(_either)),
    Op.SIZE: _sized,
}
"""What each operator says of a present value; `known` is answered before, versions are refused before."""
