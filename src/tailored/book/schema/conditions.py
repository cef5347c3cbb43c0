"""The shapes of conditions, and of the tests on one attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tailored.book.constants import written
from tailored.book.logic import STANDARD
from tailored.book.schema.pieces import (
    MOST_LISTED,
    Schema,
    closed,
    described,
    list_of,
    mapping,
    of_type,
    one_or_more,
    ref,
    spellings_of,
)
from tailored.book.suggest import listed
from tailored.condition.operators import OPERATORS, TIMES, Takes, operators_of, takes
from tailored.condition.tree import Op, Scalar
from tailored.condition.types import ELEMENT, Type

CONDITION = {
    "any": "At least one of these conditions holds",
    "all": "Every one of these conditions holds",
    "not": "This condition is known not to hold",
    "segment": "Whoever is in this segment; of several, in at least one",
    "logic": "A JSONLogic expression, for engineers; its variables are user.NAME and context.NAME",
}
"""The words that a condition may have beside attributes, each with the sentence that editors show."""
_TAKES = {
    Takes.FLAG: "true or false",
    Takes.VALUE: "a value",
    Takes.VALUES: "a list of values",
    Takes.BOUND: "a value to compare with",
    Takes.PAIR: "a low and a high value, both included",
    Takes.PART: "a piece of text",
    Takes.DURATION: "a span of time",
    Takes.COUNT: "a number of elements, or operators on it",
}


def _operators(of: Mapping[Op, Takes], value: Schema, part: Schema, sentence: Callable[[Op], str]) -> Schema:
    """A mapping of operators; `part` is what they take where no declared value is asked for."""
    operands = {
        Takes.FLAG: of_type(Type.BOOLEAN),
        Takes.VALUE: value,
        Takes.VALUES: list_of(value),
        Takes.BOUND: part,
        Takes.PAIR: list_of(part, minItems=2, maxItems=2),
        Takes.PART: part,
        Takes.DURATION: ref("span-of-time"),
        Takes.COUNT: ref("size"),
    }
    return closed(
        {op: {"description": sentence(op), **operands[kind]} for op, kind in of.items()}, minProperties=1
    )


def test_with(value: Schema, operators: Schema) -> Schema:
    """A test: a value, a list of values, or operators."""
    return {"anyOf": [value, list_of(value), operators]}


def test_of(type_: Type, value: Schema, samples: list[str]) -> Schema:
    """A test on an attribute of a type. `samples` are values that examples may show."""
    single = ELEMENT.get(type_, type_)
    kinds = {op: takes(op, type_) for op in operators_of(type_)}
    shown = {Takes.VALUE: samples[0], Takes.VALUES: f"[{', '.join(samples)}]"}

    def sentence(op: Op) -> str:
        kind = kinds[op]
        if kind is Takes.PAIR and type_ in TIMES:
            return f"Takes {_TAKES[kind]}"
        return f"Takes {_TAKES[kind]}, such as {op}: {shown.get(kind, OPERATORS[op].example)}"

    return test_with(value, _operators(kinds, value, of_type(single), sentence))


def value_of(name: str, type_: Type, values: Iterable[Scalar]) -> Schema:
    """One value of a single type: a declared one, where the type leaves no two ways to write it."""
    spellings = [spelling for value in values for spelling in spellings_of(value)]
    if not spellings or type_ not in (Type.STRING, Type.INTEGER, Type.NUMBER):
        return of_type(type_)
    known = listed(dict.fromkeys(map(written, values)), MOST_LISTED)
    return {"enum": spellings, "errorMessage": f"`{name}` takes one of its values: {known}."}


def open_value(name: str, type_: Type, values: Iterable[Scalar]) -> Schema:
    """One value of a single type; declared ones are offered, and others taken."""
    declared = value_of(name, type_, values)
    return declared if declared == of_type(type_) else {"anyOf": [declared, of_type(type_)]}


def condition_with(tests: Schema) -> Schema:
    """A condition whose mapping holds the words of the language, and what `tests` says about attributes."""
    message = "A condition is `always`, or a mapping such as `page: home`."
    return {"anyOf": [{"enum": ["always"], "errorMessage": message}, tests | {"errorMessage": message}]}


WORDS_OF_CONDITIONS = described(
    CONDITION,
    {
        "any": list_of(ref("condition")),
        "all": list_of(ref("condition")),
        "not": ref("condition"),
        "segment": one_or_more(ref("segment")),
        "logic": closed({operator: {} for operator in sorted(STANDARD)}),
    },
)
_ON_ITEMS = {word: CONDITION[word] for word in ("any", "all", "not")}
ITEM_CONDITION = condition_with(
    mapping(
        properties=described(
            _ON_ITEMS,
            {
                "any": list_of(ref("item-condition")),
                "all": list_of(ref("item-condition")),
                "not": ref("item-condition"),
            },
        ),
        minProperties=1,
    )
)
ANY_OPERATORS = _operators(
    {op: operator.takes for op, operator in OPERATORS.items()},
    ref("value"),
    ref("value"),
    lambda op: f"Takes {_TAKES[OPERATORS[op].takes]}, such as {op}: {OPERATORS[op].example}",
)
