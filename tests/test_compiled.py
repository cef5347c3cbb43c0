"""The compiled reader of conditions knows every operator, and the normal form is as its examples say."""

import doctest

from tailored.condition import compiled, kleene, normal
from tailored.condition.tree import Op


def test_every_operator_is_compiled_and_has_its_plain_meaning():
    assert set(compiled._COMPILE) == set(Op)
    assert set(kleene._HOLDS) == set(Op) - {Op.KNOWN}


def test_the_examples_of_the_normal_form_hold():
    result = doctest.testmod(normal)
    assert (result.attempted > 0, result.failed) == (True, 0)
