"""The engine: a rule book, made ready to decide."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial, update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeAlias

from tailored.book.load import collector_paused, load_book
from tailored.book.model import Rule, RuleBook
from tailored.book.suggest import did_you_mean
from tailored.book.version import book_version
from tailored.condition.tree import Value
from tailored.condition.values import read_now
from tailored.content.render import FrozenDict, Renderer, View, views
from tailored.engine.decision import NOTHING, Decision, Item, Placement, SettingValue, made
from tailored.engine.doors import Door
from tailored.engine.facts import (
    LAST_CHECK,
    Facts,
    FactsReader,
    Look,
    RequestWarning,
    as_json,
    failed_text,
)
from tailored.engine.kept import Kept
from tailored.engine.match import Matcher
from tailored.engine.quick import FEW, SHORT, deciding
from tailored.engine.remember import Memory
from tailored.engine.resolve import (
    Choice,
    Plan,
    SettingPlan,
    SlotPlan,
    Withheld,
    choose,
    choose_value,
    last_check,
    usable,
)
from tailored.engine.why import sentence

if TYPE_CHECKING:
    from tailored.book.diagnostics import Report
    from tailored.engine.rank import Ranker


Unranked: TypeAlias = tuple[Decision, int, Facts]
"""A decision, the clauses that fire and bear on slots that scorers fill, and the facts: what `rank` takes."""

MOST_SHARED = 2048
"""Placements and the like that an engine keeps to give them to everybody whom they suit."""
LONGEST_SHARED = 200
"""Letters of a value with which a placement is kept."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The attributes that a slot depends on, beside the rules; None where it is more than those.

    Where anything that was looked at has a label, it depends on permissions, too, and on all the rules that
    offer something; then `keys` are not told here.
    """

    keys: tuple[str, ...] | None
    is_labelled: bool = False


class Engine:
    """Decides what each user sees by one rule book. It never changes, and threads may share it.

    `scorers` are the application's own, by the ids of scorers of the kind `python`. What catalogs have in
    stock, and what scorers learn, does change: by `refresh` and `feedback`. `remember` is how many decisions
    are kept for requests that repeat: none, unless asked for (it takes the extra `cache`). With `warm`, all
    scorers are made now, so that no page waits for that; without, each when it is first asked, which suits
    what decides a few times and ends.
    """

    def __init__(
        self,
        book: RuleBook,
        scorers: Mapping[str, object] | None = None,
        remember: int = 0,
        *,
        warm: bool = True,
    ) -> None:
        self.book = book
        self.version = book_version(book)
        self._matcher = Matcher(book)
        self._plan = plan = Plan(book, self._matcher)
        self._reader = FactsReader(book, self._matcher.index, plan.kept_back)
        self._renderer = Renderer(book.content)
        self._tell = partial(sentence, book)
        self._slots: list[tuple[str, SlotPlan, int, int, bool, Kept[int, Placement]]] = [
            (one.slot.id, one, one.hides, one.offers, one.slot.many is not None, Kept(MOST_SHARED))
            for one in plan.slots
        ]
        """With each slot, what it shows by the clauses that bear on it, where that is the same for all."""
        self._reads: Kept[tuple[str, int], Reads] = Kept(MOST_SHARED * len(plan.slots))
        """What else it depends on, by the slot and the clauses that bear on it."""
        self._shown: Kept[tuple[object, ...], Placement] = Kept(MOST_SHARED)
        """Placements by their slot, its clauses and what their texts read."""
        self._texts: Kept[tuple[str, int], tuple[str, ...] | None] = Kept(MOST_SHARED)
        """What texts read, by a slot with labels and the clauses that offer it something."""
        self._whole: Kept[int | tuple[object, ...], FrozenDict] = Kept(MOST_SHARED)
        """All slots, by the clauses that hold, and by what their texts read, if they read anything."""
        self._looks: Kept[int, Look] = Kept(MOST_SHARED)
        """Gets what the texts of all slots read, by the clauses that hold."""
        self._kept_back: Kept[tuple[object, ...], tuple[int, tuple[Withheld, ...]]] = Kept(MOST_SHARED)
        """By permissions and clauses with labels, which of those are not usable, and what is withheld."""
        self._settings: list[tuple[str, SettingPlan, int, dict[int, SettingValue]]] = [
            (one.setting.id, one, one.sets, {}) for one in plan.settings
        ]
        self._as_set = FrozenDict({name: self._value(one, 0) for name, one, _, _ in self._settings})
        self._ranker = _ranker(book, plan, scorers, warm)
        self._memory = Memory(book, self._reader, remember) if remember else None
        self._at_once: Callable[..., Decision | Unranked] | None = None
        """Reads ordinary requests, and decides on all but what scorers choose. Raises for others."""
        if remember:
            self._reader.make_ready()
        elif self._ranker is None and type(self).evaluate is _EVALUATE:
            # one that does it all stands in for the method: to be called by that takes a tenth of the time
            own = update_wrapper(self._written(otherwise=self._at_leisure), _EVALUATE)
            vars(self)["evaluate"] = MethodType(own, self)
        else:
            self._at_once = self._written()
        self._is_made = True

    def _written(self, otherwise: Callable[..., Decision] | None = None) -> Callable[..., Any]:
        """The function that decides ordinary requests to this book; see `FactsReader.at_once`."""
        has_texts = not all(map(self._renderer.is_plain, self.book.content))
        is_small = self._matcher.is_index and self._matcher.index.size <= FEW
        spares = is_small and self._ranker is None and not has_texts  # what these read must be known
        spares &= not _has_ambiguous_paths(self.book)
        ending = deciding(
            self._reader,
            self._matcher,
            self._plan,
            spares=spares,
            has_texts=has_texts,
            slots=[(name, offers, is_many, known) for name, _, _, offers, is_many, known in self._slots],
            whole=self._whole,
            known=self._known,
            values=self._values,
            as_set=self._as_set,
            decide=self._decide,
            version=self.version,
            tell=self._tell,
        )
        return self._reader.at_once(ending, spares=spares, otherwise=otherwise)

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
    def load(
        cls,
        path: str | os.PathLike[str],
        scorers: Mapping[str, object] | None = None,
        remember: int = 0,
        *,
        warm: bool = True,
    ) -> Engine:
        """An engine of the rule book in a folder, with the application's own scorers by their ids.

        `remember` and `warm` are as the engine takes them.
        Raises RuleBookError, which prints like the validator, where the book has errors, and BookNotReadable
        where there is none.
        """
        with collector_paused():
            return cls(load_book(path), scorers, remember, warm=warm)

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
        if now.__class__ is not datetime or now.tzinfo is not UTC:
            now = read_now(now)
        if self._memory is not None and user.__class__ is dict and context.__class__ is dict:
            return self._memory.evaluate(user, context, now, self.decide)
        begun = self._begun_at_once(user, context, now)
        return begun if isinstance(begun, Decision) else self._ranker.rank(*begun)  # type: ignore[union-attr]

    async def evaluate_async(
        self,
        user: Mapping[str, object],
        context: Mapping[str, object],
        now: datetime | str | None = None,
    ) -> Decision:
        """The same as `evaluate`, without blocking the event loop while scorers are waited for."""
        found = self.evaluate_or_wait(user, context, now)
        return found if isinstance(found, Decision) else await found

    def evaluate_or_wait(
        self,
        user: Mapping[str, object],
        context: Mapping[str, object],
        now: datetime | str | None = None,
    ) -> Decision | Coroutine[Any, Any, Decision]:
        """The decision; or where scorers may have to be waited for, what is to be awaited for it."""
        if self._ranker is None:
            return self.evaluate(user, context, now)
        if now.__class__ is not datetime or now.tzinfo is not UTC:
            now = read_now(now)
        begun = self._begun_at_once(user, context, now)
        return begun if isinstance(begun, Decision) else self._ranker.rank_or_wait(*begun)

    def feedback(self, scorer: str, candidate: str, reward: float) -> None:
        """Tells a scorer that learns what came of placing a candidate: 1 if it was taken up, 0 if not.

        Raises KeyError where the book has no such scorer, ValueError where it does not learn, or the reward
        does not lie between 0 and 1, and OSError where what was learnt cannot be kept.
        """
        if self._ranker is None or scorer not in self.book.scorers:
            mend = did_you_mean(scorer, self.book.scorers)
            raise KeyError(f"the book has no scorer `{scorer}` that a rule asks. {mend}".rstrip())
        self._ranker.scorers.learn(scorer, candidate, reward)

    def refresh(self, *catalogs: str) -> Report:
        """Reads the sources of catalogs again (of all, unless named), and of all scorers that hold data.

        The findings say why a catalog keeps the items that it had. Raises KeyError for an unknown catalog.
        """
        from tailored.book.diagnostics import Report

        if self._ranker is None:
            return Report(())
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
        if type(now) is not datetime or now.tzinfo is not UTC:
            now = read_now(now)
        return self._reader.read(user, context, now)

    def decide(self, facts: Facts) -> Decision:
        """The decision that follows from facts: match, resolve, render, check at the exit, rank."""
        begun = self._begun(facts)
        return begun if isinstance(begun, Decision) else self._ranker.rank(*begun)  # type: ignore[union-attr]

    def _at_leisure(
        self, user: Mapping[str, object], context: Mapping[str, object], now: datetime
    ) -> Decision:
        """The decision on a request with anything odd in it."""
        return self.decide(self._reader.read_at_leisure(user, context, now))

    def _begun_at_once(
        self, user: Mapping[str, object], context: Mapping[str, object], now: datetime
    ) -> Decision | Unranked:
        """The decision; or where scorers choose something of it, what the rank stage takes."""
        if self._at_once is None:
            return self._begun(self._reader.read(user, context, now))
        with suppress(Exception):  # a foreign key may raise anything when it is compared
            return self._at_once(user, context, now)
        return self._begun(self._reader.read_at_leisure(user, context, now))

    def _begun(self, facts: Facts) -> Decision | Unranked:
        """The decision; or where scorers choose something of it, what the rank stage takes."""
        firing = self._matcher.firing(facts)
        decision = self._decide(facts, firing)
        if not firing & self._plan.ranks:
            return decision
        return decision, firing & self._plan.beside_ranks, facts

    def _decide(self, facts: Facts, firing: int) -> Decision:
        """All of it but what scorers choose."""
        left: int = firing
        withheld: tuple[Withheld, ...] = ()
        if labelled := firing & facts.door.kept_back:
            unusable, withheld = self._guarded(labelled, facts)
            left &= ~unusable
        making = None
        slots = self._known(left, facts.raws, facts.door) if left < SHORT and facts.is_ordinary else None
        if slots is None:
            slots, making = self._placed(left, facts)
        settings = self._values(left) if left & self._plan.sets else self._as_set
        warnings = facts.warnings if making is None else making.warnings()
        return made(self.version, slots, settings, withheld, warnings, (self._tell, facts))

    def _known(self, left: int, raws: Sequence[Any], door: Door) -> FrozenDict | None:
        """All slots as clauses filled them before, for an ordinary request with the same for its texts."""
        slots = self._whole.get(left)
        if slots is None and (look := self._looks.get(left)) is not None:
            slots = self._whole.get((left, door.permissions.gates, look(raws)))
        return slots

    def _placed(self, left: int, facts: Facts) -> tuple[FrozenDict, _Making | None]:
        """What each slot shows by some clauses, and how what is not the same for everyone was made."""
        slots: dict[str, Placement] = {}
        making = None
        hiding = left & self._plan.hides
        for name, one, hides, offers, is_many, known in self._slots:
            bearing = -(hiding & hides).bit_length() if hiding else 0
            if not bearing:
                bearing = left & offers
                if not is_many:
                    bearing = bearing.bit_length()
            placement = known.get(bearing)
            if placement is None:
                making = making or _Making(self._renderer, facts)
                placement = self._varying(one, bearing, left, known, making)
            slots[name] = placement
        frozen = FrozenDict(slots)
        if left < SHORT and making is None:
            self._whole.keep(left, frozen)
        elif left < SHORT and making is not None and making.is_shared and facts.is_ordinary:
            look = self._reader.look(sorted(making.keys))
            self._looks.keep(left, look)
            if (seen := look(facts.raws)) is not None:
                self._whole.keep((left, facts.permissions.gates, seen), frozen)
        return frozen, making

    def _guarded(self, labelled: int, facts: Facts) -> tuple[int, tuple[Withheld, ...]]:
        """Of clauses with labels that are not permitted, those that cannot be used, and what is withheld."""
        permissions = facts.permissions
        asked = permissions.gates, labelled
        found = self._kept_back.get(asked)
        if found is None:
            withheld: set[Withheld] = set()
            unusable = labelled & ~usable(self._plan, labelled, facts.door, withheld)
            found = unusable, tuple(sorted(withheld))
            self._kept_back.keep(asked, found)
        return found

    def _varying(
        self,
        one: SlotPlan,
        bearing: int,
        firing: int,
        known: Kept[int, Placement],
        making: _Making,
    ) -> Placement:
        """What a slot shows where that is not the same for everyone, or not known yet."""
        reads = self._reads.get((one.slot.id, bearing))
        shared = None if reads is None else self._told_apart(one, bearing, firing, reads, making)
        if shared is None:
            making.is_shared = False
        else:
            placement = self._shown.get(shared)
            if placement is not None:
                return placement
        wrong = len(making.failed) + making.taken
        choice = choose(self._plan, one, firing, making.facts.permissions)
        placement = self._placement(one.slot.id, choice, making)
        if reads is None:
            reads = self._depends(one, firing, placement)
            if reads is None:
                known.keep(bearing, placement)
            else:
                self._reads.keep((one.slot.id, bearing), reads)
        elif shared is not None and len(making.failed) + making.taken == wrong:
            self._shown.keep(shared, placement)
        else:
            making.is_shared = False
        return placement

    def _told_apart(
        self, one: SlotPlan, bearing: int, firing: int, reads: Reads, making: _Making
    ) -> tuple[object, ...] | None:
        """What tells apart the requests to which a slot shows something else; None where it is too much."""
        offers, permissions = firing & one.offers, making.facts.permissions
        keys = self._read_by_any(one, offers) if reads.is_labelled else reads.keys
        read = making.read(keys)
        if keys is None or read is None:
            return None
        making.keys.update(keys)
        if not reads.is_labelled:
            return one.slot.id, bearing, *read
        return one.slot.id, offers, permissions.gates, *read

    def _read_by_any(self, one: SlotPlan, offers: int) -> tuple[str, ...] | None:
        """What the texts of all that may be shown read; None where they read consents."""
        asked = one.slot.id, offers
        try:
            return self._texts[asked]
        except KeyError:
            pass
        shows = [self.book.rules[place].show[one.slot.id] for place in self._matcher.rules(offers)]
        content = {name for names in (*shows, one.slot.default) for name in names}
        read = frozenset[str]().union(*map(self._renderer.reads, content))
        keys = None if "user.consents" in read else tuple(sorted(read))
        self._texts.keep(asked, keys)
        return keys

    def _depends(self, one: SlotPlan, firing: int, placement: Placement) -> Reads | None:
        """What else it depends on what a slot shows by some clauses; None where that is the same for all."""
        if placement.kind == "order" or placement.hidden:
            return None
        slot = one.slot
        shows: list[tuple[str, ...]] = [()]
        places = list(self._matcher.rules(firing & one.offers))
        if places:
            shows = [self.book.rules[place].show[slot.id] for place in places]
            if slot.many is None:
                shows = shows[:1]  # no other is looked at, as long as this gives anything
        content = [item.content for item in placement.items]
        content += [] if placement.content is None else [placement.content]
        looked_at = {name for names in (*shows, slot.default, content) for name in names}
        if (places and not shows[0]) or not self._plan.labelled_content.isdisjoint(looked_at):
            return Reads(None, is_labelled=True)
        if all(map(self._renderer.is_plain, content)):
            return None
        names = frozenset[str]().union(*map(self._renderer.reads, content))
        return Reads(None if "user.consents" in names else tuple(sorted(names)))

    def firing(self, facts: Facts) -> list[Rule]:
        """The rules that are awake and whose conditions hold, in resolution order."""
        rules = self.book.rules
        return [rules[place] for place in self._matcher.rules(self._matcher.firing(facts))]

    def _placement(self, name: str, choice: Choice, making: _Making) -> Placement:
        making.taken += last_check(self.book, choice, making.facts.permissions)
        kind = self.book.slots[name].kind
        if kind == "many" and choice.reason != "hidden":
            items = tuple(Item(content, making.fields(content), rule) for content, rule in choice.items)
            return Placement(kind, choice.reason, choice.rule, items=items)
        content = choice.items[0][0] if choice.items else None
        fields = NOTHING if content is None else making.fields(content)
        return Placement(kind, choice.reason, choice.rule, content, fields, order=choice.order)

    def _values(self, firing: int) -> FrozenDict:
        """The value of each setting, where no label keeps back anything of the rules that fire."""
        values = {}
        for name, one, sets, known in self._settings:
            first = (firing & sets).bit_length()
            value = known.get(first)
            if value is None:
                value = known[first] = self._value(one, firing)
            values[name] = value
        return FrozenDict(values)

    def _value(self, one: SettingPlan, firing: int) -> SettingValue:
        value, rule = choose_value(self._plan, one, firing)
        return _setting(value, rule)


_EVALUATE = Engine.evaluate
"""The method as it is written here: whatever else is in its place, an application put there."""


def _ranker(book: RuleBook, plan: Plan, scorers: Mapping[str, object] | None, warm: bool) -> Ranker | None:
    """The rank stage of a book; None, with nothing of it imported, where no rule has a ranking."""
    if not any(rule.rank for rule in book.rules):
        return None
    from tailored.engine.rank import make_ranker

    return make_ranker(book, plan.personal, plan.matcher.rules, scorers or {}, warm)


class _Making:
    """The making of one decision: its texts, and what went wrong with them."""

    __slots__ = ("_renderer", "_seen", "facts", "failed", "is_shared", "keys", "taken")

    def __init__(self, renderer: Renderer, facts: Facts) -> None:
        self._renderer, self.facts = renderer, facts
        self._seen: dict[str, View] = {}
        self.failed: list[str] = []
        self.taken = 0
        """Pieces of content that the last check took out."""
        self.keys: set[str] = set()
        """What the texts of slots read that are shared with all who share that."""
        self.is_shared = True
        """Whether every slot is shared."""

    def read(self, keys: tuple[str, ...] | None) -> list[object] | None:
        """What texts read of this request, to tell it from others; None where that is too much."""
        if keys is None:
            return None
        found: list[object] = []
        get = self.facts.value
        for key in keys:
            value = get(key)
            text = value if isinstance(value, str) else repr(value)  # 1, 1.0 and true are equal
            if len(text) > LONGEST_SHARED:
                return None
            found += value.__class__, text
        return found

    def fields(self, content: str) -> FrozenDict:
        """The fields of a content item for this request; what templates see is made when first needed."""
        if not self._seen and not self._renderer.is_plain(content):
            self._seen = views(self.facts.values, self.facts.permissions.consents)
        return self._renderer.render(content, self._seen, self.failed)

    def warnings(self) -> tuple[RequestWarning, ...]:
        """What to warn of, of the request and of what was made of it."""
        if not self.failed and not self.taken:
            return self.facts.warnings
        failed = map(failed_text, dict.fromkeys(self.failed))
        return (*self.facts.warnings, *failed, *[LAST_CHECK][: self.taken])


def _has_ambiguous_paths(book: RuleBook) -> bool:
    """Whether an attribute lies within what is another: it must not be kept where that is hidden."""
    attributes = book.attributes.values()
    whole = {(one.side, one.name) for one in attributes if not one.path}
    return any((one.side, one.path[0]) in whole for one in attributes if one.path)


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


def _setting(value: Value, rule: str | None) -> SettingValue:
    return SettingValue(_frozen(value), rule)


def _frozen(value: Value) -> Any:
    """A setting's value as plain data that nobody can change."""
    return tuple(value) if isinstance(value, tuple) else as_json(value)
