"""What a person viewed or bought, and how an explanation says so."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

from tailored.scoring.protocol import Candidate, FactValues, NoAnswer

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


def known_history(facts: FactValues, keys: Sequence[str], known: Container[str]) -> dict[str, str]:
    """The part of a person's history that a scorer knows. Raises NoAnswer where there is none."""
    every = histories(facts, keys)
    found = {name: key for name, key in every.items() if name in known}
    if not found:
        raise NoAnswer("nothing in the history is known to it" if every else "there is no history")
    return found


def strongest(
    history: dict[str, str], said: Iterable[float], lookup: Callable[[str], Candidate | None]
) -> str | None:
    """Because of which thing in a history something is shown, where each says a number for it."""
    most, name = max(zip(said, history, strict=True), key=lambda pair: pair[0])
    if most <= 0:
        return None
    item = lookup(name)
    return because(history[name], item.title if item is not None else name)


def because(key: str, title: str) -> str:
    """`because you looked at hiking boots`, by what the attribute of the history is called."""
    words = key.rpartition(".")[2].lower().split("_")
    verb = next((verb for names, verb in _VERBS if any(one in words for one in names)), "chose")
    return f"because you {verb} {title}"
