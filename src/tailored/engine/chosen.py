"""What rankings choose for a slot, from what, and the draws on which it depends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TypeAlias

from tailored.book.model import Slot
from tailored.engine.facts import Facts
from tailored.engine.policy import Policy
from tailored.scoring.hook import Answer
from tailored.scoring.protocol import Candidate

Key: TypeAlias = tuple[str | None, str]
"""What is placed: the catalog (None for content), and the id."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One thing that is placed: who chose it (a scorer, `explore`, `pin`, None), and how likely that was."""

    key: Key
    rule: str | None
    candidate: Candidate | None = None
    by: str | None = None
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What one ranking may choose from for a request, and how: everything but for chance.

    `pins` are what stands at which place, `free` the other places; `is_settled` says whether it is the same
    whenever the same is asked.
    """

    rule: str
    policy: Policy
    pins: Mapping[int, Chosen]
    free: tuple[int, ...]
    answer: Answer | None
    is_settled: bool
    _chosen: dict[tuple[int, str | None], Chosen] = field(default_factory=dict)

    def chosen(self, which: int, by: str | None) -> Chosen:
        """One of the candidates, as a scorer or exploration chose it."""
        found = self._chosen.get((which, by))
        if found is None:
            candidate = self.policy.candidates[which]
            propensity = self.policy.propensity(which)
            found = Chosen((candidate.catalog, candidate.id), self.rule, candidate, by, propensity)
            self._chosen[which, by] = found
        return found


@dataclass(slots=True)
class Filled:
    """What a slot gets, and who was asked for it."""

    slot: Slot
    steps: list[Chosen | Choice] = field(default_factory=list)
    """What it got that from, in order."""
    chosen: list[Chosen] = field(default_factory=list)
    answer: Answer | None = None
    is_chance: bool = False
    has_more: bool = False
    """Whether rules are left that it had no room for."""
    can_be_replayed: bool = True
    """Whether the steps are the same whenever the same is asked: no rule is looked at after chance."""


class Draw:
    """Numbers from 0 to 1 that depend on the request alone, or on nothing where nothing names it."""

    def __init__(self, facts: Facts, slot: str, rule: str) -> None:
        self._facts, self._slot, self._rule = facts, slot, rule
        self.was_asked = False

    @cached_property
    def _seed(self) -> str:
        facts = self._facts
        request, user = facts.value("context.request_id"), facts.value("user.id")
        if request:
            named = f"request\0{request}"
        elif user:
            named = f"user\0{user}\0{facts.now.date().isoformat()}"
        else:
            named = secrets.token_hex(16)
        return f"{named}\0{self._slot}\0{self._rule}\0"

    def __call__(self, name: str) -> float:
        self.was_asked = True
        return int.from_bytes(sha256(f"{self._seed}{name}".encode()).digest()[:6]) / 2**48
