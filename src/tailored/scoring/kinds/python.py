"""Scorers that an application passes in, or that an installed package offers."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from tailored.book.model import Scorer as Declared
from tailored.scoring.protocol import NotReady, Scorer, Surroundings

GROUP = "tailored.scorers"
"""The group of entry points: each is a scorer, or a class or function that makes one without arguments."""


def load(declared: Declared, surroundings: Surroundings) -> Scorer:
    """The object given for this scorer, or else the entry point of its name."""
    name = str(declared.settings.get("name") or declared.id)
    found = surroundings.given.get(declared.id)
    if found is None:
        offered = entry_points(group=GROUP, name=name)
        if not offered:
            raise NotReady(f"no object `{declared.id}` was passed in, and no package offers `{name}`")
        found = next(iter(offered)).load()
    if isinstance(found, type) or (callable(found) and not hasattr(found, "score")):
        try:
            found = found()
        except TypeError:
            raise NotReady(f"`{name}` is no object with a method `score(facts, candidates)`") from None
    if not callable(getattr(found, "score", None)):
        raise NotReady(f"`{name}` has no method `score(facts, candidates)`")
    return cast(Scorer, found)
