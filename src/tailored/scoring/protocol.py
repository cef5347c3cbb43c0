"""What a scorer is: the one method that it has, what it is given, and what it may say beside scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tailored.book.model import RuleBook
from tailored.book.model import Scorer as Declared
from tailored.condition.tree import Value

FactValues: TypeAlias = Mapping[str, Value]
"""The declared features of one request by whole names (`user.country`); what is missing or hidden is left
out. Lists are tuples."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be placed: an item of a catalog, or content (then `catalog` is None).

    `attributes` are those of the item by short names, or, of content, `type`, `tags` and its plain fields.
    """

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    catalog: str | None = None

    @property
    def title(self) -> str:
        """What people know it by: its `title`, its `name`, or its id."""
        return str(self.attributes.get("title") or self.attributes.get("name") or self.id)


class Scorer(Protocol):
    """Gives each candidate a number; the highest comes first.

    It may raise anything, take long, and answer nonsense: whoever asks falls back. What it may have beside
    `score`, each looked for by name:

    - `quick`: the number of candidates up to which it answers within some milliseconds, and is asked
      without a thread of its own; True for any number;
    - `steady = True`: it always answers the same to the same, so that what came of asking it may be kept;
    - `draws(facts, candidates)`: several equally likely lists of scores, of which the request draws one;
    - `score_async(facts, candidates)`: the same as `score`, to be awaited;
    - `explain(facts, candidate)`: in a few words: `popular in Norway`, `because you looked at boots`;
    - `learn(candidate_id, reward)`: takes in feedback, from 0 to 1;
    - `amiss`: a sentence about what it has to do without, if anything, which placements then tell;
    - `warm()`: does what it would else do when it is made again, such as to import, and may not raise;
    - `close()`: lets go of what it holds.
    """

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """As many finite numbers as there are candidates, in their order."""
        ...


class NoAnswer(Exception):
    """A scorer knows nothing that bears on this request; the text is a sentence that says why."""


class Failure(Exception):
    """Why there are no scores: the text goes on after the scorer's name, `word` is what it is counted by."""

    word = "error"


class NotReady(Exception):
    """A scorer cannot be made: no model, no library. The text is a sentence that says what is missing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a scorer may use when it is made.

    `given` are the objects passed to `Engine.load`; `lookup` finds the current item of any catalog, or the
    content, of an id; `stock` gives the current items of a catalog; `scorer` makes another scorer of the book
    (raising NotReady).
    """

    book: RuleBook
    given: Mapping[str, object]
    lookup: Callable[[str], Candidate | None]
    stock: Callable[[str], Sequence[Candidate]]
    scorer: Callable[[str], Scorer]

    def folder(self) -> Path:
        """The folder of the book. Raises NotReady where it is in none."""
        if self.book.folder is None:
            raise NotReady("the book is in no folder, so its files cannot be found")
        return Path(self.book.folder)


Loader: TypeAlias = Callable[[Declared, Surroundings], Scorer]
"""Makes a scorer from its declaration. Raises NotReady."""
