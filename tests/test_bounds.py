"""Bounds on one attribute in English: the sentence is true of exactly the values within all of them."""

from itertools import product

import pytest

from tailored.condition.english import attribute_in_words
from tailored.condition.kleene import test_holds as holds
from tailored.condition.tree import Attribute, Op, Test
from tailored.condition.types import Type
from tailored.proof.bounds import bounds_of, together
from tailored.proof.domains import EPOCH

SAID = {
    "at least": lambda value, to: value >= to,
    "more than": lambda value, to: value > to,
    "at most": lambda value, to: value <= to,
    "less than": lambda value, to: value < to,
}


def is_true(sentence: str, value: float) -> bool:
    """Whether a sentence such as `age is at least 18 but less than 30` is true of a value."""
    _, _, said = sentence.partition(" is ")
    if said.startswith("between "):
        low, high = said.removeprefix("between ").split(" and ")
        return float(low) <= value <= float(high)
    if said.replace(".", "").lstrip("-").isdigit():
        return value == float(said)
    return all(
        SAID[word](value, float(to)) for word, _, to in (part.rpartition(" ") for part in said.split(" but "))
    )


@pytest.mark.parametrize("type_", [Type.INTEGER, Type.NUMBER])
def test_a_sentence_is_true_of_exactly_what_lies_within_all_bounds(type_):
    age = Attribute("user", "age", type_)
    tests = [
        (Test(age, op, constant), negated)
        for op in (Op.AT_LEAST, Op.MORE_THAN, Op.AT_MOST, Op.LESS_THAN)
        for constant in (1, 2, 3)
        for negated in (False, True)
    ]
    tests += [(Test(age, Op.BETWEEN, pair), False) for pair in ((1, 2), (2, 3), (1, 3))]
    values = range(5) if type_ is Type.INTEGER else [half / 2 for half in range(10)]
    told = 0
    for asked in product(tests, repeat=2):
        fitting = [
            value for value in values if all(holds(test, value, EPOCH) is not no for test, no in asked)
        ]
        if not fitting:
            continue  # what excludes each other is never told
        bounds = [bound for test, no in asked for bound in bounds_of(test, no)]
        sentence = together(age, attribute_in_words(age), bounds)
        assert [value for value in values if is_true(sentence, value)] == fitting, (sentence, asked)
        told += 1
    assert told > 300
