"""A request of which nothing is known yet, as variables of Z3: every attribute, consent, opt-out, and `now`.

Whatever a request may carry is a model of the variables, so what has no model cannot happen. A model is
made a request again by `Symbols.request`. What Z3 cannot see (which texts have which patterns, what a
`logic:` says) is free at first and learnt from models that turn out impossible.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import z3

from tailored.book.model import RuleBook
from tailored.condition.tree import Attribute, Condition, Logic, Scalar, Test, leaves
from tailored.condition.types import ELEMENT, Duration, Type, as_text
from tailored.proof.domains import EPOCH, Cells, ListCells, Mentioned, cells_of, moments
from tailored.proof.hopes import hoped_for
from tailored.proof.texts import text_with

Place: TypeAlias = tuple[str, tuple[str, ...], Type]
"""Where a request carries a value, and how it is read: its side, its path, its type."""
Formula: TypeAlias = Any
"""A Boolean expression of Z3."""

OPT_OUTS: Place = ("user", ("opt_outs",), Type.STRINGS)
GPC: Place = ("context", ("gpc",), Type.BOOLEAN)
_YEAR_ONE = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)
_DAY = 86_400_000_000
NO = z3.BoolVal(False)
YES = z3.BoolVal(True)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as an application sends it. `now` is ISO 8601 text."""

    user: dict[str, Any]
    context: dict[str, Any]
    now: str

    def to_dict(self) -> dict[str, Any]:
        """The request as a request file holds it."""
        return {"user": self.user, "context": self.context, "now": self.now}


class Impossible(Exception):
    """A model is of no request. `lemma` is what it breaks, and holds for all requests."""

    def __init__(self, lemma: Formula) -> None:
        super().__init__("no such request")
        self.lemma = lemma


def place_of(attribute: Attribute) -> Place:
    """Where requests carry an attribute."""
    return attribute.side, attribute.path or (attribute.name,), attribute.type


def every(parts: Iterable[Formula]) -> Formula:
    """All of some formulas."""
    found = [part for part in parts if part is not YES]
    if any(part is NO for part in found):
        return NO
    return z3.And(found) if len(found) > 1 else found[0] if found else YES


def some(parts: Iterable[Formula]) -> Formula:
    """At least one of some formulas."""
    found = [part for part in parts if part is not NO]
    if any(part is YES for part in found):
        return YES
    return z3.Or(found) if len(found) > 1 else found[0] if found else NO


def no(part: Formula) -> Formula:
    """The contrary of a formula."""
    return NO if part is YES else YES if part is NO else z3.Not(part)


def is_so(model: z3.ModelRef, formula: Formula) -> bool:
    """Whether a formula is true in a model. Asked a million times, so without the wrappers of Z3's Python."""
    found = (z3.Ast * 1)()
    z3.Z3_model_eval(model.ctx.ref(), model.model, formula.as_ast(), True, found)
    return bool(z3.Z3_get_bool_value(model.ctx.ref(), found[0]) == z3.Z3_L_TRUE)


class Chain:
    """A value by its cell: `upto[i]` says that it lies in the cells up to i. Any order of cells will do."""

    def __init__(self, name: str, cells: Cells) -> None:
        self.cells = cells
        self.upto = [z3.Bool(f"{name}<={place}") for place in range(len(cells.values) - 1)]
        self.axioms = [z3.Implies(low, high) for low, high in zip(self.upto, self.upto[1:], strict=False)]
        self._known: dict[int, Formula] = {}

    def within(self, mask: int) -> Formula:
        """That the value lies in some cells, given as bits."""
        found = self._known.get(mask)
        if found is None:
            found = self._known[mask] = some(self._run(low, high) for low, high in runs(mask))
        return found

    def _run(self, low: int, high: int) -> Formula:
        above = [z3.Not(self.upto[low - 1])] if low else []
        below = [self.upto[high]] if high < len(self.upto) else []
        return every(above + below)

    def value(self, model: z3.ModelRef) -> Any:
        """What stands for the cell that a model chose."""
        return self.cells.values[self.place(model)]

    def place(self, model: z3.ModelRef) -> int:
        """The cell that a model chose."""
        return bisect_left(self.upto, True, key=lambda at_most: is_so(model, at_most))


class Timeline:
    """A moment (in microseconds) or a day, as a number, for what is compared with `now`."""

    def __init__(self, name: str, cells: Cells, of_days: bool) -> None:
        self.cells, self.of_days = cells, of_days
        self.number = z3.Int(name)
        last = (_END - _YEAR_ONE).days if of_days else _number(_END)
        self.axioms = [self.number >= 0, self.number <= last]

    def within(self, mask: int) -> Formula:
        """That it lies in some cells, given as bits."""
        return some(self._run(low, high) for low, high in runs(mask))

    def _run(self, low: int, high: int) -> Formula:
        values, parts = self.cells.values, []
        if values[low] in self.cells.points:
            parts.append(self.number >= self.at(values[low]))
        elif low:
            parts.append(self.number > self.at(values[low - 1]))
        if values[high] in self.cells.points:
            parts.append(self.number <= self.at(values[high]))
        elif high < len(values) - 1:
            parts.append(self.number < self.at(values[high + 1]))
        return every(parts)

    def at(self, value: Any) -> int:
        """The number of a day or a moment."""
        return value.toordinal() - 1 if self.of_days else _number(value)

    def value(self, model: z3.ModelRef) -> Any:
        """The day or the moment that a model chose."""
        number = model.eval(self.number, True).as_long()
        if self.of_days:
            return (_YEAR_ONE + timedelta(days=number)).date()
        return _YEAR_ONE + timedelta(microseconds=number)


class Members:
    """A list: whether it has each mentioned member, and the cell of its size. Other members are free."""

    def __init__(self, name: str, cells: ListCells) -> None:
        self.members = {member: z3.Bool(f"{name} has {member!r}") for member in cells.members}
        self.cells = cells
        self.size = Chain(f"#{name}", cells.sizes)
        self.axioms = [*self.size.axioms, *self._sizes()]

    def _sizes(self) -> Iterator[Formula]:
        """Whoever has that many members has at least that size."""
        every_member = list(self.members.values())
        for place, at_most in enumerate(self.size.upto):
            largest = self.cells.sizes.values[place]
            if largest == 0:
                yield z3.Implies(at_most, every(map(z3.Not, every_member)))
            elif largest < len(every_member):
                yield z3.Implies(at_most, z3.AtMost(*every_member, largest))

    def value(self, model: z3.ModelRef) -> tuple[Scalar, ...]:
        """A list with the members and of the size that a model chose."""
        found = [member for member, has in self.members.items() if is_so(model, has)]
        return self.cells.filled(found, self.size.place(model))


@dataclass(slots=True)
class Variable:
    """What a request carries at a place: whether there is something usable, and its value."""

    place: Place
    known: Formula
    value: Chain | Timeline | Members
    patterns: dict[Test, Formula] = field(default_factory=dict)
    """Of a text that no test names: whether it passes each test on parts of texts."""


class Symbols:
    """The variables of a request, for some books that are asked together."""

    def __init__(
        self, books: Sequence[RuleBook], conditions: Iterable[Condition] = (), now: datetime = EPOCH
    ) -> None:
        mentions: dict[Place, Mentioned] = {}
        self.moment = now
        self.flags: dict[str, Formula] = {}
        self.logics: dict[tuple[str, tuple[Place, ...]], tuple[Formula, Formula, Logic]] = {}
        self.choosers: list[object] = []
        """What chooses among content; of two that are equal, each once."""
        self.choices: dict[tuple[int, str], Formula] = {}
        """By the number of what chooses, and some content: that it is chosen, of which nothing is known."""
        self.hopes: list[Formula] = []
        """What makes it likely that rankings choose what models say; nothing is proven by it."""
        moments_named: dict[datetime, None] = {}
        read = list(conditions)
        for book in books:
            read += [rule.when for rule in book.rules]
            read += [segment.when for segment in book.segments.values()]
            for rule in book.rules:
                moments_named.update({moment: None for moment in (rule.start, rule.end) if moment})
                for ranking in rule.rank.values():
                    read += [test for tests in hoped_for(book, ranking) for test in tests]
            for attribute in book.attributes.values():
                mentioned = _mention(mentions, attribute)
                mentioned.listed = attribute.values or mentioned.listed
            for topic in book.topics.values():
                if topic.sensitive and topic.consent is not None:
                    self.flags.setdefault(topic.consent, z3.Bool(f"consent {topic.consent}"))
            mentions[OPT_OUTS].points.update(dict.fromkeys(book.purposes))
        for condition in read:
            self._read(condition, mentions)
        self.relative = any(mentioned.relative for mentioned in mentions.values())
        self.unreadable = z3.Bool("opt-outs unreadable")
        self.variables = {place: self._variable(place, mentioned) for place, mentioned in mentions.items()}
        cells = moments(moments_named, now)
        self.now: Chain | Timeline = Timeline("now", cells, False) if self.relative else Chain("now", cells)
        self.today = z3.Int("today")
        self.axioms: list[Formula] = [every(self._axioms())]
        """What holds for all requests; grows when a model turns out impossible."""
        self.preferred = every(self._preferred(now))
        """What a witness should be like, if it can: at about this moment, with opt-outs that can be read."""

    def _read(self, condition: Condition, mentions: dict[Place, Mentioned]) -> None:
        for leaf in leaves(condition):
            if isinstance(leaf, Test):
                _mention(mentions, leaf.attribute).tests[leaf] = None
            elif isinstance(leaf, Logic):
                key = logic_key(leaf)
                if key not in self.logics:
                    name = f"logic {len(self.logics)}"
                    self.logics[key] = z3.Bool(f"{name} true"), z3.Bool(f"{name} false"), leaf
                constants = list(_constants_of(json.loads(leaf.text)))
                for attribute in leaf.reads:
                    mentioned = _mention(mentions, attribute)
                    mentioned.points.update(dict.fromkeys(_fitting(constants, attribute.type)))

    def _variable(self, place: Place, mentioned: Mentioned) -> Variable:
        name = f"{place[0]}.{'.'.join(place[1])}:{place[2]}"
        cells = cells_of(mentioned)
        known = z3.Bool(f"{name} known")
        if isinstance(cells, ListCells):
            return Variable(place, known, Members(name, cells))
        if mentioned.relative:
            return Variable(place, known, Timeline(name, cells, place[2] is Type.DATE))
        patterns = {
            test: z3.Bool(f"{name} {test.op} {test.operand!r}")
            for test in mentioned.patterns
            if not (str(test.op) == "like" and "*" not in str(test.operand))
        }
        return Variable(place, known, Chain(name, cells), patterns)

    def _axioms(self) -> Iterator[Formula]:
        yield from self.now.axioms
        if isinstance(self.now, Timeline):
            number = self.now.number
            yield self.today >= 0
            yield self.today * _DAY <= number
            yield number < self.today * _DAY + _DAY
        paths: dict[tuple[str, tuple[str, ...]], list[Variable]] = {}
        for variable in self.variables.values():
            yield from variable.value.axioms
            side, path, _ = variable.place
            paths.setdefault((side, path), []).append(variable)
        yield z3.Not(z3.And(self.unreadable, self.variables[OPT_OUTS].known))
        for (side, path), variables in paths.items():
            for end in range(1, len(path)):
                for outer in paths.get((side, path[:end]), ()):
                    for inner in variables:
                        yield z3.Not(z3.And(outer.known, inner.known))
            for place, one in enumerate(variables):
                for two in variables[place + 1 :]:
                    if _KINDS[one.place[2]] != _KINDS[two.place[2]]:
                        yield z3.Not(z3.And(one.known, two.known))
        for true, false, _ in self.logics.values():
            yield z3.Not(z3.And(true, false))

    def _preferred(self, now: datetime) -> Iterator[Formula]:
        yield z3.Not(self.unreadable)
        if isinstance(self.now, Chain):
            yield self.awake(now, now + timedelta(microseconds=1))
            return
        yield self.now.number == self.now.at(now)
        for variable in self.variables.values():
            if isinstance(variable.value, Timeline):
                timeline = variable.value
                first, last = (now + timedelta(days=days) for days in (-3650, 3650))
                yield timeline.number >= timeline.at(first)
                yield timeline.number <= timeline.at(last)

    def flag(self, name: str) -> Formula:
        """That a consent flag is literally true."""
        if name not in self.flags:
            self.flags[name] = z3.Bool(f"consent {name}")
        return self.flags[name]

    def chooser(self, described: object) -> int:
        """The number of something that chooses: what is described alike chooses alike."""
        for number, known in enumerate(self.choosers):
            if known == described:
                return number
        self.choosers.append(described)
        return len(self.choosers) - 1

    def choice(self, chooser: int, content: str) -> Formula:
        """That something chooses some content."""
        if (chooser, content) not in self.choices:
            self.choices[chooser, content] = z3.Bool(f"choice {chooser} {content}")
        return self.choices[chooser, content]

    def within_the_last(self, variable: Variable, duration: Duration) -> Formula:
        """That a moment or a day lies in the last so-and-so long."""
        value, now = variable.value, self.now
        assert isinstance(value, Timeline)
        assert isinstance(now, Timeline)
        length = duration.length // timedelta(microseconds=1)
        if not value.of_days:
            return z3.And(value.number <= now.number, value.number >= now.number - length)
        days, rest = divmod(length, _DAY)
        first = self.today - days
        if rest:
            early = now.number - self.today * _DAY < rest
            first = z3.If(early, first - 1, first)
        return z3.And(value.number <= self.today, value.number >= first)

    def awake(self, start: datetime | None, end: datetime | None) -> Formula:
        """That `now` is from a start, included, to an end, not included."""
        if start is None and end is None:
            return YES
        mask = 0
        for place, moment in enumerate(self.now.cells.values):
            if (start is None or start <= moment) and (end is None or moment < end):
                mask |= 1 << place
        return self.now.within(mask)

    def values(self, model: z3.ModelRef, about: Collection[Place] | None = None) -> dict[Place, Any]:
        """The typed values of a model by place, of all places or of some.

        Raises Impossible where a text cannot be, Unsure where nobody knows.
        """
        found: dict[Place, Any] = {}
        for place in self.variables if about is None else about:
            variable = self.variables[place]
            if is_so(model, variable.known):
                found[place] = self._value(variable, model)
        return found

    def _value(self, variable: Variable, model: z3.ModelRef) -> Any:
        chain = variable.value
        if not variable.patterns or not isinstance(chain, Chain) or chain.place(model) != chain.cells.other:
            return chain.value(model)
        wanted = [(test, is_so(model, formula)) for test, formula in variable.patterns.items()]
        taken = set(chain.cells.values[:-1])
        text = text_with(wanted, taken)
        if text is not None:
            return text
        for pair in list(wanted):
            fewer = [one for one in wanted if one is not pair]
            if text_with(fewer, taken) is None:
                wanted = fewer
        literals = [
            variable.patterns[test] if passes else z3.Not(variable.patterns[test]) for test, passes in wanted
        ]
        other = chain.within(1 << len(chain.upto))
        raise Impossible(z3.Not(z3.And(other, *literals)))

    def request(self, model: z3.ModelRef, about: Collection[Place] | None = None) -> Request | None:
        """A request that is as a model says, or as it says `about` some places, with nothing at others.

        None where two attributes share a place and cannot both be so. Raises what `values` raises.
        """
        flags = {name: True for name, flag in self.flags.items() if is_so(model, flag)}
        unreadable = is_so(model, self.unreadable)
        return build(self.values(model, about), flags, self.now.value(model), unreadable)


def build(
    values: dict[Place, Any], flags: dict[str, bool], now: datetime, unreadable: bool = False
) -> Request | None:
    """A request that carries these values at their places; None where two exclude each other."""
    sides: dict[str, dict[str, Any]] = {"user": {}, "context": {}}
    for (side, path, _), value in values.items():
        holder = sides[side]
        *way, last = path
        for step in way:
            holder = holder.setdefault(step, {})
            if not isinstance(holder, dict):
                return None
        raw = raw_of(value)
        if last in holder and (holder[last] != raw or type(holder[last]) is not type(raw)):
            return None
        holder[last] = raw
    if flags:
        if "consents" in sides["user"]:
            return None
        sides["user"]["consents"] = flags
    if unreadable:
        sides["user"]["opt_outs"] = "unreadable"
    return Request(sides["user"], sides["context"], as_text(now))


def raw_of(value: Any) -> Any:
    """A typed value as a request in a file carries it."""
    if isinstance(value, tuple):
        return [raw_of(one) for one in value]
    if isinstance(value, str | bool | int | float):
        return value
    return as_text(value) if hasattr(value, "isoformat") else str(value)


def logic_key(leaf: Logic) -> tuple[str, tuple[Place, ...]]:
    """What a `logic:` depends on: its text, and where it finds what it reads."""
    return leaf.text, tuple(place_of(attribute) for attribute in leaf.reads)


def runs(mask: int) -> Iterator[tuple[int, int]]:
    """The runs of ones among bits: the first and the last place of each.

    >>> list(runs(0b1011))
    [(0, 1), (3, 3)]
    """
    place = 0
    while mask:
        zeros = (mask & -mask).bit_length() - 1
        mask >>= zeros
        ones = (~mask & mask + 1).bit_length() - 1
        mask >>= ones
        yield place + zeros, place + zeros + ones - 1
        place += zeros + ones


def _mention(mentions: dict[Place, Mentioned], attribute: Attribute) -> Mentioned:
    return mentions.setdefault(place_of(attribute), Mentioned(attribute.type))


def _number(moment: datetime) -> int:
    return (moment - _YEAR_ONE) // timedelta(microseconds=1)


def _constants_of(expression: Any) -> Iterator[Any]:
    """The constants that an expression holds."""
    if isinstance(expression, dict):
        for name, value in expression.items():
            if name not in ("var", "missing"):
                yield from _constants_of(value)
    elif isinstance(expression, list):
        for one in expression:
            yield from _constants_of(one)
    elif expression is not None:
        yield expression


def _fitting(constants: list[Any], type_: Type) -> Iterator[Any]:
    """The constants that an attribute of a type may hold; of numbers always a few, to tell them apart."""
    single = ELEMENT.get(type_, type_)
    for one in constants:
        if single is Type.STRING and isinstance(one, str):
            yield one
        elif single in _NUMBERS and isinstance(one, int | float) and not isinstance(one, bool):
            if one == int(one):
                yield int(one)
            elif single is Type.NUMBER:
                yield one
    if type_ in _NUMBERS:
        yield from (0, 2, 4)


_NUMBERS = (Type.INTEGER, Type.NUMBER)
_KINDS = {
    **dict.fromkeys((Type.INTEGER, Type.NUMBER), "number"),
    **dict.fromkeys((Type.STRING, Type.DATE, Type.DATETIME, Type.VERSION), "text"),
    Type.BOOLEAN: "boolean",
    **dict.fromkeys((Type.INTEGERS, Type.NUMBERS), "numbers"),
    Type.STRINGS: "texts",
}
"""Types whose values one raw value may be."""
