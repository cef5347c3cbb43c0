"""What a person viewed or bought, and how an explanation says so."""

from __future__ import annotations

from collections.abc import Sequence

from tailored.scoring.protocol import FactValues

LONGEST = 500
"""Things of each list that count; the last ones, which are the newest where applications append."""
_VERBS = (
    (("bought", "purchased", "ordered", "orders", "purchases"), "bought"),
    (("viewed", "seen", "visited", "views", "looked"), "looked at"),
    (("read",), "read"),
    (("watched",), "watched"),
    (("liked", "likes", "favourites", "favorites"), "liked"),
)


def histories(facts: FactValues, keys: Sequence[str]) -> dict[str, str]:
    """The ids in a person's lists, each with the attribute that holds it first."""
    found: dict[str, str] = {}
    for key in keys:
        value = facts.get(key)
        for one in value[-LONGEST:] if isinstance(value, tuple) else ():
            found.setdefault(str(one), key)
    return found


def because(key: str, title: str) -> str:
    """`because you looked at hiking boots`, by what the attribute of the history is called."""
    words = key.rpartition(".")[2].lower().split("_")
    verb = next((verb for names, verb in _VERBS if any(one in words for one in names)), "chose")
    return f"because you {verb} {title}"
