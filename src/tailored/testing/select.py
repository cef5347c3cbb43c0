"""Which tests `-k` selects: those whose names hold a text, with `and`, `or`, `not` and brackets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

Selects: TypeAlias = Callable[[str], bool]
_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")


def selecting(expression: str) -> Selects:
    """Whether a name is selected; case does not count. Raises ValueError, which says why, for no expression.

    >>> selects = selecting("socks and not (cart or checkout)")
    >>> selects("boots-viewers-see-socks"), selects("socks-on-checkout")
    (True, False)
    """
    tokens = _TOKEN.findall(expression)
    selects = _either(tokens)
    if tokens:
        raise ValueError(f"`{tokens[0]}` is not expected there")
    return lambda name: selects(name.casefold())


def _either(tokens: list[str]) -> Selects:
    left = _both(tokens)
    while tokens and tokens[0] == "or":
        tokens.pop(0)
        left = _or(left, _both(tokens))
    return left


def _both(tokens: list[str]) -> Selects:
    left = _one(tokens)
    while tokens and tokens[0] not in ("or", ")"):
        if tokens[0] == "and":
            tokens.pop(0)
        left = _and(left, _one(tokens))
    return left


def _one(tokens: list[str]) -> Selects:
    if not tokens or tokens[0] in ("and", "or", ")"):
        raise ValueError(
            f"a text is missing before `{tokens[0]}`" if tokens else "a text is missing at its end"
        )
    token = tokens.pop(0)
    if token == "not":
        inner = _one(tokens)
        return lambda name: not inner(name)
    if token == "(":
        inner = _either(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise ValueError("a `(` is not closed")
        return inner
    return lambda name: token.casefold() in name


def _or(left: Selects, right: Selects) -> Selects:
    return lambda name: left(name) or right(name)


def _and(left: Selects, right: Selects) -> Selects:
    return lambda name: left(name) and right(name)
