"""The engine: a rule book, made ready to decide."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tailored.book.load import load_book
from tailored.book.model import Rule, RuleBook
from tailored.book.version import book_version
from tailored.condition.tree import Value
from tailored.content.render import FrozenDict, Renderer, View, views
from tailored.engine.decision import NOTHING, Decision, Item, Placement, SettingValue
from tailored.engine.facts import Facts, FactsReader, RequestWarning, as_json, read_now
from tailored.engine.match import Matcher
from tailored.engine.resolve import Choice, Plan, last_check, resolve
from tailored.engine.why import Reasons

if TYPE_CHECKING:
    from tailored.book.diagnostics import Report
    from tailored.engine.rank import Ranker


class Engine:
    """Decides what each user sees by one rule book. It never changes, and threads may share it.

    `scorers` are the application's own, by the ids of scorers of the kind `python`. What catalogs have in
    stock, and what scorers learn, does change: by `refresh` and `feedback`.
    """

    def __init__(self, book: RuleBook, scorers: Mapping[str, object] | None = None) -> None:
        self.book = book
        self.version = book_version(book)
        self._matcher = Matcher(book)
        self._plan = Plan(book, self._matcher)
        self._reader = FactsReader(book)
        self._renderer = Renderer(book.content)
        self._placed: dict[tuple[str, str, str | None, str | None], Placement] = {}
        """The placements of what is the same for everyone, kept once made; no more than the book can name."""
        self._ranker = _ranker(book, self._plan.personal, scorers)
        self._is_made = True

    def __setattr__(self, name: str, value: object) -> None:
        if "_is_made" in vars(self):
            raise AttributeError(f"An engine never changes, so its `{name}` cannot be set; load another.")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"An engine never changes, so its `{name}` cannot be deleted.")

    @property
    def personal(self) -> frozenset[str]:
        """The rules whose conditions read something about the user."""
        return self._plan.personal

    @classmethod
    def load(cls, path: str | os.PathLike[str], scorers: Mapping[str, object] | None = None) -> Engine:
        """An engine of the rule book in a folder, with the application's own scorers by their ids.

        Raises RuleBookError, which prints like the validator, where the book has errors, and BookNotReadable
        where there is none.
        """
        return cls(load_book(path), scorers)

    def evaluate(
        self,
        user: Mapping[str, object],
        context: Mapping[str, object],
        now: datetime | str | None = None,
    ) -> Decision:
        """What this user sees in this context at this moment (the clock's, unless given).

        Values that cannot be used count as missing, with a warning in the decision. Raises TypeError where
        user or context is no mapping or `now` is no time, ValueError where a text for `now` names none.
        """
        return self.decide(self.facts(user, context, now))

    async def evaluate_async(
        self,
        user: Mapping[str, object],
        context: Mapping[str, object],
        now: datetime | str | None = None,
    ) -> Decision:
        """The same as `evaluate`, without blocking the event loop while scorers are waited for."""
        facts = self.facts(user, context, now)
        decision = self._decide(facts)
        if self._ranker is None:
            return decision
        return await self._ranker.rank_async(decision, self.firing(facts), facts)

    def feedback(self, scorer: str, candidate: str, reward: float) -> None:
        """Tells a scorer that learns what came of placing a candidate: 1 if it was taken up, 0 if not.

        Raises KeyError where the book has no such scorer, ValueError where it does not learn, or the reward
        does not lie between 0 and 1.
        """
        if self._ranker is None or scorer not in self.book.scorers:
            raise KeyError(f"the book has no scorer `{scorer}` that a rule asks")
        self._ranker.scorers.learn(scorer, candidate, reward)

    def refresh(self, *catalogs: str) -> Report:
        """Reads the sources of catalogs again (of all, unless named), and of all scorers that hold data.

        The findings say why a catalog keeps the items that it had. Raises KeyError for an unknown catalog.
        """
        from tailored.book.diagnostics import Report

        if self._ranker is None:
            return Report(())
        if not catalogs:
            self._ranker.scorers.refresh()
        return self._ranker.catalogs.refresh(*catalogs)

    def scorer_counts(self) -> dict[str, dict[str, int]]:
        """By scorer, how often it `answered` since the engine was made, and what else came of asking it."""
        return {} if self._ranker is None else self._ranker.scorers.counts()

    def close(self) -> None:
        """Lets go of the threads, connections and files of scorers."""
        if self._ranker is not None:
            self._ranker.scorers.close()

    def facts(
        self, user: Mapping[str, object], context: Mapping[str, object], now: datetime | str | None = None
    ) -> Facts:
        """The facts of a request, typed, and redacted at the door. Raises what `evaluate` raises."""
        for name, side in (("user", user), ("context", context)):
            if not isinstance(side, Mapping):
                raise TypeError(f"`{name}` must be a mapping such as a dict, not {type(side).__name__}.")
        return self._reader.read(user, context, read_now(now))

    def decide(self, facts: Facts) -> Decision:
        """The decision that follows from facts: match, resolve, check at the exit, render, rank."""
        decision = self._decide(facts)
        if self._ranker is None:
            return decision
        return self._ranker.rank(decision, self.firing(facts), facts)

    def _decide(self, facts: Facts) -> Decision:
        """All of it but what scorers choose."""
        resolution = resolve(self._plan, self._matcher.firing(facts), facts.permissions)
        taken = last_check(self.book, resolution, facts.permissions)
        texts = _Texts(self._renderer, facts)
        slots = FrozenDict(
            {name: self._placement(name, choice, texts) for name, choice in resolution.slots.items()}
        )
        settings = FrozenDict(
            {name: SettingValue(_frozen(value), rule) for name, (value, rule) in resolution.settings.items()}
        )
        warnings = (*facts.warnings, *map(_failed_text, dict.fromkeys(texts.failed)), *[_LAST_CHECK][:taken])
        reasons = Reasons(self.book, facts, slots, settings)
        return Decision(self.version, slots, settings, tuple(resolution.withheld), warnings, reasons)

    def firing(self, facts: Facts) -> list[Rule]:
        """The rules that are awake and whose conditions hold, in resolution order."""
        rules = self.book.rules
        return [rules[place] for place in self._matcher.rules(self._matcher.firing(facts))]

    def _placement(self, name: str, choice: Choice, texts: _Texts) -> Placement:
        kind = self.book.slots[name].kind
        if kind == "many" and choice.items:
            items = tuple(Item(content, texts.fields(content), rule) for content, rule in choice.items)
            return Placement(kind, choice.reason, choice.rule, items=items)
        content = choice.items[0][0] if choice.items else None
        known = (name, choice.reason, choice.rule, content)
        placement = self._placed.get(known)
        if placement is None:
            fields = NOTHING if content is None else texts.fields(content)
            placement = Placement(kind, choice.reason, choice.rule, content, fields, order=choice.order)
            if content is None or self._renderer.is_plain(content):
                self._placed[known] = placement
        return placement


def _ranker(book: RuleBook, personal: frozenset[str], scorers: Mapping[str, object] | None) -> Ranker | None:
    """The rank stage of a book; None, with nothing of it imported, where no rule has a ranking."""
    if not any(rule.rank for rule in book.rules):
        return None
    from tailored.engine.rank import make_ranker

    return make_ranker(book, personal, scorers or {})


class _Texts:
    """Renders for one request; what templates see is made for the first that needs it."""

    __slots__ = ("_facts", "_renderer", "_seen", "failed")

    def __init__(self, renderer: Renderer, facts: Facts) -> None:
        self._renderer, self._facts = renderer, facts
        self._seen: dict[str, View] = {}
        self.failed: list[str] = []

    def fields(self, content: str) -> FrozenDict:
        """The fields of a content item for this request."""
        if not self._seen and not self._renderer.is_plain(content):
            self._seen = views(self._facts.values, self._facts.permissions.consents)
        return self._renderer.render(content, self._seen, self.failed)


def is_awake(rule: Rule, now: datetime) -> bool:
    """Whether a moment lies within a rule's schedule: `from` is included, `until` is not."""
    return (rule.start is None or rule.start <= now) and (rule.end is None or now < rule.end)


def evaluate(
    user: Mapping[str, object], context: Mapping[str, object], now: datetime | str | None = None
) -> Decision:
    """What this user sees, by the book at TAILORED_RULES, or else in ./rules, which is loaded once.

    Raises what Engine.load and Engine.evaluate raise.
    """
    return _the_engine().evaluate(user, context, now)


_engine: Engine | None = None
_loading = threading.Lock()


def _the_engine() -> Engine:
    global _engine
    if _engine is None:
        with _loading:
            if _engine is None:
                _engine = Engine.load(os.environ.get("TAILORED_RULES") or "rules")
    return _engine


def _frozen(value: Value) -> Any:
    """A setting's value as plain data that nobody can change."""
    return tuple(value) if isinstance(value, tuple) else as_json(value)


def _failed_text(content: str) -> RequestWarning:
    message = f"A text of `{content}` could not be rendered with these values; it is empty."
    return RequestWarning("failed-text", None, message)


_LAST_CHECK = RequestWarning(
    "guard", None, "The last check took out content without consent; please report this as a defect."
)
