"""`Did you mean ...?`: the name that an author most likely had in mind."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest

_MOST_COMPARED = 50


def closest(word: str, names: Iterable[str]) -> str | None:
    """The name that is most like a word, or None where none is close."""
    near = [name for name in names if abs(len(name) - len(word)) <= 4]
    for name in near:
        if name.casefold() == word.casefold():
            return name
    if len(near) > _MOST_COMPARED:
        near = nlargest(_MOST_COMPARED, near, key=lambda name: _shared_ends(word, name))
    match = get_close_matches(word, near, n=1, cutoff=0.6)
    return match[0] if match else None


def _shared_ends(word: str, other: str) -> int:
    """How many letters two words share at their beginnings and at their ends."""
    return _shared_start(word, other) + _shared_start(word[::-1], other[::-1])


def _shared_start(word: str, other: str) -> int:
    places = (place for place, (one, two) in enumerate(zip(word, other, strict=False)) if one != two)
    return next(places, min(len(word), len(other)))


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The hint that names the closest of `names`, or an empty text where none is close."""
    name = closest(word, names)
    return f"Did you mean `{name}`?" if name is not None else ""


def there_are(what: str, names: Iterable[str], most: int = 20) -> str:
    """The hint that lists all names of a kind (a plural, or `content`), or says that there are none."""
    every, verb = list(names), "are" if what.endswith("s") else "is"
    return f"The book's {what} {verb} {listed(every, most)}." if every else f"The book has no {what} yet."


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names joined by commas for a sentence, cut after `most`."""
    every = list(names)
    more = f", and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def one_slip_away(word: str, other: str) -> bool:
    """Whether one letter left out, put in, replaced or swapped (or case) makes the other word."""
    if word == other:
        return False
    one, two = word.casefold(), other.casefold()
    if one == two:
        return True
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    rest, target = one[start:], two[start:]
    swapped = len(rest) > 1 and rest[1] + rest[0] + rest[2:] == target
    return swapped or rest[1:] == target[1:] or rest[1:] == target or rest == target[1:]
