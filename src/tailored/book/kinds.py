"""The kinds of scorers that ship, and the settings of each, with the sentences that editors and help show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Takes: TypeAlias = Literal[
    "attribute",
    "attributes of items",
    "choice",
    "column",
    "duration",
    "environment",
    "file",
    "histories",
    "new file",
    "number",
    "pair",
    "scorers",
    "text",
    "texts",
    "training file",
    "url",
    "weights",
    "whole",
]
"""What a setting may take. A `file` must be there, a `new file` is written when something is learnt, and a
`training file` is read then, and only then."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a kind. Numbers lie from `low` to `high`; a choice is one of `choices`."""

    sentence: str
    takes: Takes
    required: bool = False
    low: float = 0
    high: float = 1_000_000
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scorer. `either` are groups of settings of which exactly one must be given.

    `beside` maps settings that say nothing of their own to the one that they go with.
    """

    sentence: str
    settings: dict[str, Setting]
    either: tuple[tuple[str, ...], ...] = ()
    beside: dict[str, str] = field(default_factory=dict)


_FILE = "from the book's folder"
_HISTORY = Setting(
    "Lists of item ids that tell what a person viewed or bought, such as user.viewed", "histories", True
)
_TRAINED = Setting(f"Where the trained model is, {_FILE}; models/NAME.npz unless given", "new file")
_TABLE = {
    "file": Setting(f"The file that holds the numbers, {_FILE}: .csv or .parquet", "file"),
    "sql": Setting("The query whose rows hold the numbers", "text"),
    "database": Setting(f"The file of the database that `sql` asks, {_FILE}", "file"),
}

KINDS: dict[str, Kind] = {
    "python": Kind(
        "An object of the application, with a method `score(facts, candidates)`",
        {
            "name": Setting(
                "Its name among the entry points `tailored.scorers`; the scorer's id unless given", "text"
            )
        },
    ),
    "popularity": Kind(
        "What is chosen most, of all people or of those who have an attribute in common",
        {
            **_TABLE,
            "item": Setting("The column that holds the item's id; `item` unless given", "column"),
            "count": Setting("The column that holds how often it was chosen; `count` unless given", "column"),
            "of": Setting("The column that holds how often it was shown; then rates are compared", "column"),
            "by": Setting("The attribute of the groups, such as user.country", "attribute"),
            "group": Setting("The column that holds the group; the attribute's name unless given", "column"),
            "smoothing": Setting(
                "How many choices, with `of` showings, are added to each item: in a group as all people "
                "choose, with `of` at the usual rate; 1 unless given",
                "number",
                low=0,
            ),
            "at least": Setting(
                "The choices that a group needs, of all items together, for figures of its own; else those "
                "of all people count; 20 unless given",
                "number",
                low=0,
            ),
            "names": Setting("How a sentence calls each group, such as {NO: Norway}", "texts"),
        },
        (("file", "sql"),),
        {"database": "sql", "group": "by", "at least": "by", "names": "by"},
    ),
    "similar": Kind(
        "What is like the things that somebody viewed or bought, by texts and tags of items",
        {
            "history": _HISTORY,
            "text": Setting("The attributes of items that are compared word by word", "attributes of items"),
            "tags": Setting("The attributes of items that are compared as a whole", "attributes of items"),
        },
    ),
    "together": Kind(
        "What people chose who chose the same things",
        {
            "history": _HISTORY,
            "interactions": Setting(
                f"The table to learn from, {_FILE}: who chose what, and when", "training file", True
            ),
            "user": Setting("Its column of people; `user` unless given", "column"),
            "item": Setting("Its column of items; `item` unless given", "column"),
            "timestamp": Setting("Its column of times; `timestamp` unless given", "column"),
            "model": Setting(
                "How it learns; the best of them by a part of the table unless given",
                "choice",
                choices=("neighbours", "ease", "als", "ease+als"),
            ),
            "file": _TRAINED,
        },
    ),
    "blend": Kind(
        "Other scorers together",
        {
            "weights": Setting("How much each scorer counts, such as {similar: 2, popular: 1}", "weights"),
            "ranks": Setting("The scorers whose places are joined (reciprocal-rank fusion)", "scorers"),
            "k": Setting("How flat places count in `ranks`; 60 unless given", "number", low=0),
        },
        (("weights", "ranks"),),
        {"k": "ranks"},
    ),
    "bandit": Kind(
        "What people take up most, learnt while it is shown (Thompson sampling)",
        {
            "state": Setting(f"Where it keeps what it learnt, {_FILE}: .json or .sqlite", "new file", True),
            "prior": Setting(
                "How often a new candidate counts as taken up and as left; [1, 1] unless given", "pair"
            ),
        },
    ),
    "onnx": Kind(
        "A model in the ONNX format; `features` are its inputs, in order",
        {
            "file": Setting(f"Where the model is, {_FILE}", "new file", True),
            "missing": Setting(
                "The number that stands for what is missing; 0 unless given", "number", low=-1e9, high=1e9
            ),
            "output": Setting("The output that holds the scores; the last unless given", "text"),
        },
    ),
    "http": Kind(
        "A service that is asked by POST",
        {
            "url": Setting("Where it is asked", "url", True),
            "token": Setting("The environment variable that holds the bearer token", "environment"),
            "failures": Setting(
                "Failures in a row after which it is left alone; 5 unless given", "whole", low=1, high=1000
            ),
            "rest": Setting("How long it is left alone then; `30 s` unless given", "duration"),
        },
    ),
}
"""From a kind to its settings. `tailored.scoring.registry` says what makes the scorer."""
