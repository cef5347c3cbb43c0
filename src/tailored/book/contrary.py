"""Expectations of a test that exclude each other: no decision has both, whatever was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tailored.book.model import Expectation


def contrary(target: str, expected: Iterable[Expectation]) -> Iterator[tuple[Expectation, str, str]]:
    """What is expected of a target and cannot be beside the rest, each with what is wrong, and the mend.

    What only the book's rules forbid is none of it: that is for the run to tell, as rules change.
    """
    said = {one.piece: one for one in expected}
    for (first, second), (excludes, why) in _EXCLUDES.items():
        if first in said and second in said and excludes(said[first].value, said[second].value):
            one, other = said[first], said[second]
            last = max(one, other, key=lambda each: each.span)
            yield last, _sentence(target, one, other, why), _ONE_OUT


_ONE_OUT = "Take one of the two out."


def _sentence(target: str, one: Expectation, other: Expectation, why: str) -> str:
    if one.piece == "hidden" and one.value is True:
        return f"`{target}` cannot be hidden and have `{other.piece}`."
    return f"`{target}` cannot have this `{one.piece}` and this `{other.piece}`: {why}."


def _begins_otherwise(whole: Any, first: Any) -> bool:
    return bool(whole[: len(first)] != first)


_Excludes = Callable[[Any, Any], bool]
_HIDDEN: tuple[_Excludes, str] = (
    lambda hidden, value: hidden is True and value not in (None, (), False),
    "what is hidden holds nothing",
)
_OTHER_FIRST = "it begins otherwise"
_NAMED_TWICE = "what is left out is named"

_EXCLUDES: dict[tuple[str, str], tuple[_Excludes, str]] = {
    **{("hidden", piece): _HIDDEN for piece in ("content", "items", "first", "fields", "default")},
    ("content", "fields"): (
        lambda content, fields: content is None and bool(fields),
        "nothing has no fields",
    ),
    ("content", "without"): (lambda content, without: content in without, _NAMED_TWICE),
    ("items", "without"): (lambda items, without: bool({*items} & {*without}), _NAMED_TWICE),
    ("first", "without"): (lambda first, without: bool({*first} & {*without}), _NAMED_TWICE),
    ("items", "first"): (_begins_otherwise, _OTHER_FIRST),
    ("order", "first"): (_begins_otherwise, _OTHER_FIRST),
    ("default", "rule"): (
        lambda default, rule: default is True and rule is not None,
        "a default stands where no rule decides",
    ),
}
"""Two pieces, when they exclude each other, and why."""
