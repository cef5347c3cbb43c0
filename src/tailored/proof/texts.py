"""A text that has some patterns and lacks others: the shortest, by walking all patterns at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import permutations
from typing import TypeAlias

from tailored.condition.kleene import test_holds
from tailored.condition.tree import Op, Test
from tailored.proof.domains import EPOCH

Wanted: TypeAlias = Sequence[tuple[Test, bool]]
"""Tests on parts of a text, each with whether the text passes."""

MOST_STATES = 30_000
"""How far a search goes before it gives up."""
_STAR = ""


class Unsure(Exception):
    """The search for a text was given up."""


def text_with(wanted: Wanted, taken: Collection[str]) -> str | None:
    """A text, none of those `taken`, that passes and fails these tests; None where there is none.

    Raises Unsure where the search takes too long.
    """
    for text in _guesses([str(test.operand) for test, passes in wanted if passes], wanted):
        if text not in taken and all(test_holds(test, text, EPOCH) is passes for test, passes in wanted):
            return text
    return _searched(wanted, taken)


def _guesses(pieces: list[str], wanted: Wanted) -> Iterator[str]:
    """Likely texts: what is wanted, side by side, in any order."""
    first = [str(test.operand) for test, passes in wanted if passes and test.op is Op.STARTS_WITH]
    last = [str(test.operand) for test, passes in wanted if passes and test.op is Op.ENDS_WITH]
    start, end = max(first, key=len, default=""), max(last, key=len, default="")
    within = [
        str(test.operand).replace("*", "")
        for test, passes in wanted
        if passes and test.op in (Op.CONTAINS, Op.LIKE)
    ]
    for order in permutations(within) if len(within) <= 4 else [tuple(within)]:
        for between in (" ", ""):
            yield between.join(piece for piece in (start, *order, end) if piece)
    yield from ("another", "~")


def _tokens(test: Test) -> list[str]:
    """A pattern as letters and stars (any run of letters)."""
    operand = str(test.operand)
    if test.op is Op.LIKE:
        return [_STAR if letter == "*" else letter for letter in operand]
    before = [] if test.op is Op.STARTS_WITH else [_STAR]
    after = [] if test.op is Op.ENDS_WITH else [_STAR]
    return [*before, *operand, *after]


def _closed(states: int, tokens: list[str]) -> int:
    """The places in a pattern that one can be at without another letter, as bits."""
    for place, token in enumerate(tokens):
        if token is _STAR and states >> place & 1:
            states |= 1 << place + 1
    return states


def _step(states: int, letter: str, tokens: list[str]) -> int:
    """The places after one more letter."""
    following = 0
    for place, token in enumerate(tokens):
        if states >> place & 1:
            if token is _STAR:
                following |= 1 << place
            elif token == letter:
                following |= 1 << place + 1
    return _closed(following, tokens)


def _searched(wanted: Wanted, taken: Collection[str]) -> str | None:
    patterns = [(_tokens(test), passes) for test, passes in wanted]
    used = {token for tokens, _ in patterns for token in tokens if token is not _STAR}
    used |= {letter for text in taken for letter in text} if len(taken) < 50 else set()
    fresh = next(letter for letter in "~abcdefghijklmnopqrstuvwxyz0123456789\u2603" if letter not in used)
    letters = [*sorted(used), fresh]
    beginnings = {text[:end] for text in taken for end in range(len(text) + 1)}
    start = tuple(_closed(1, tokens) for tokens, _ in patterns)
    waiting: deque[tuple[str, tuple[int, ...]]] = deque([("", start)])
    seen = {(start, "" if "" in beginnings else None)}
    while waiting:
        text, states = waiting.popleft()
        accepted = all(
            bool(state >> len(tokens) & 1) is passes
            for state, (tokens, passes) in zip(states, patterns, strict=True)
        )
        if accepted and text not in taken:
            return text
        for letter in letters:
            following = tuple(
                _step(state, letter, tokens) for state, (tokens, _) in zip(states, patterns, strict=True)
            )
            if any(not state and passes for state, (_, passes) in zip(following, patterns, strict=True)):
                continue
            longer = text + letter
            key = (following, longer if longer in beginnings else None)
            if key not in seen:
                if len(seen) > MOST_STATES:
                    raise Unsure
                seen.add(key)
                waiting.append((longer, following))
    return None
