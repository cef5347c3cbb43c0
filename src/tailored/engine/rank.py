"""The rank stage: what scorers choose for the slots that rules leave to them.

engine/reference_ranking.py says what is right, plainly; this must agree with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeAlias

from tailored.book.builtin import PERSONALIZATION
from tailored.book.model import Content, Ranking, Rule, RuleBook, Slot
from tailored.book.templates import attributes_in
from tailored.content.render import FrozenDict, Renderer, View, views
from tailored.engine.decision import Decision, Item, Placement, SettingValue
from tailored.engine.facts import LAST_CHECK, Facts, as_json, failed_text
from tailored.engine.policy import Policy
from tailored.engine.resolve import Withheld
from tailored.engine.settled import Known, Outcome, Rankings, chain, rankings, told_apart
from tailored.engine.why import sentence
from tailored.scoring.catalogs import Catalogs
from tailored.scoring.hook import Answer, Asked, Patience, Scorers
from tailored.scoring.protocol import Candidate
from tailored.scoring.scores import Draws
from tailored.scoring.stock import Stock, places, stock_of_content

MOST_KEPT = 512
"""Lists of candidates, ways to choose from them, and placements that are kept, of each so many."""
MOST_OUTCOMES = 2048
"""Outcomes of rankings that are kept."""
MOST_KEPT_OF = 500
"""Candidates of a list that is kept."""

Question: TypeAlias = tuple[str, tuple[Candidate, ...]]
"""A scorer, and the candidates that it is asked about; scorers of the application cannot change them."""
Asking: TypeAlias = Generator[Question, Answer, None]
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
    whenever the same is asked, `asked` what came of asking scorers.
    """

    rule: str
    policy: Policy
    pins: Mapping[int, Chosen]
    free: tuple[int, ...]
    answer: Answer | None
    is_settled: bool
    asked: tuple[Asked, ...]
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
    """What a slot gets, who was asked for it, and what the guard kept back.

    `known` is the key of the request, where what rankings come to is kept; it names `stocks` by identity.
    """

    slot: Slot
    known: Known | None
    stocks: tuple[Stock, ...]
    chosen: list[Chosen] = field(default_factory=list)
    answer: Answer | None = None
    is_drawn: bool = False
    is_chance: bool = False


@dataclass(slots=True)
class Work:
    """The filling of the ranked slots of one decision, with `outcome` where that is known already."""

    decision: Decision
    rules: Sequence[Rule]
    facts: Facts
    known: Known | None
    stocks: tuple[Stock, ...]
    outcome: Outcome | None = None
    filled: list[Filled] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class Ranker:
    """Fills the slots of a book that rules leave to scorers. It is built once and shared by threads."""

    def __init__(
        self,
        book: RuleBook,
        personal: frozenset[str],
        places: Callable[[int], Iterable[int]],
        scorers: Scorers,
        catalogs: Catalogs,
    ) -> None:
        """`places` tells the places of the rules of clauses, in resolution order."""
        self._book, self._personal, self._places = book, personal, places
        self._rankings: dict[tuple[int, int], Rankings] = {}
        """By clauses, and how often scorers were made again, the rules of these clauses."""
        self._outcomes: dict[Known | None, Outcome] = {}
        self.scorers, self.catalogs = scorers, catalogs
        self._slots = {
            name: book.slots[name] for name in book.slots if any(name in rule.rank for rule in book.rules)
        }
        self._content = {
            id(ranking): stock_of_content([book.content[name] for name in ranking.of])
            for rule in book.rules
            for ranking in rule.rank.values()
            if ranking.catalog is None
        }
        self._listed: dict[tuple[int, int], tuple[Stock, tuple[Candidate, ...]]] = {}
        """The candidates of a stock (by its identity, so it is held) and of bits, which hardly vary."""
        self._choices: dict[tuple[Known, str, str] | None, tuple[Choice | None, tuple[Stock, ...]]] = {}
        """By what tells requests apart, the slot and the rule; with the stocks that it names by identity."""
        self._kept_back: dict[Known | None, tuple[frozenset[Withheld], tuple[Stock, ...]]] = {}
        """The same for what the guard keeps back."""
        self._items: dict[tuple[object, ...], tuple[Item, Chosen]] = {}
        """Things that hold nothing of the request, and what is placed: its identity is in the key."""
        self._answers: dict[Known | None, tuple[tuple[Candidate, ...], Answer]] = {}
        """Answers of steady scorers, with what they were asked about."""
        self._policies: dict[tuple[object, ...], Policy] = {}
        self._placed: dict[tuple[object, ...], tuple[Placement, list[Chosen]]] = {}
        """Placements that hold nothing of the request, and what is placed: its identity is in the key."""
        self._renderer = Renderer(book.content)
        self._static = {
            name for name, catalog in book.catalogs.items() if not attributes_in(catalog.fields or {})
        }
        """The catalogs whose texts read nothing but the item."""
        self._fields = {
            name: Renderer({name: Content(name, catalog.fields, escaped=catalog.escaped)})
            for name, catalog in book.catalogs.items()
            if catalog.fields
        }

    def rank(self, decision: Decision, clauses: int, facts: Facts) -> Decision:
        """A decision with its ranked slots filled; `clauses` are those that fire and bear on such slots."""
        work = self._begun(decision, clauses, facts)
        outcome = work.outcome or self._asked(work)
        return outcome.added_to(decision, facts)

    def rank_or_wait(
        self, decision: Decision, clauses: int, facts: Facts
    ) -> Decision | Coroutine[Any, Any, Decision]:
        """The same; or where scorers may have to be waited for, what is to be awaited for it."""
        work = self._begun(decision, clauses, facts)
        if work.outcome is None and self._waits(work.rules):
            return self._awaited(work)
        outcome = work.outcome or self._asked(work)
        return outcome.added_to(decision, facts)

    def _begun(self, decision: Decision, clauses: int, facts: Facts) -> Work:
        """What is to be done, or what came of the same before."""
        refreshed = self.scorers.refreshed
        firing = self._rankings.get((clauses, refreshed))
        if firing is None:
            rules = [self._book.rules[place] for place in self._places(clauses)]
            firing = rankings(self._book, rules, self.scorers.is_steady, self.scorers.features, facts)
            _keep(self._rankings, (clauses, refreshed), firing)
        stocks = tuple([self.catalogs.stock(name) for name in firing.catalogs])
        known = None
        if firing.reads is not None:
            moment = (refreshed, *map(id, stocks))
            known = firing.known(clauses, decision, self._slots, facts, moment)
            kept = self._outcomes.get(known)
            if kept is not None:
                self.scorers.count(kept.asked)
                return Work(decision, firing.rules, facts, known, stocks, kept)
        return Work(decision, firing.rules, facts, known, stocks)

    def _waits(self, firing: Sequence[Rule]) -> bool:
        """Whether any scorer that rules may ask, or fall back to, is not quick."""
        return any(
            self.scorers.waits(name, self._most(ranking))
            for rule in firing
            for ranking in rule.rank.values()
            for name in (ranking.by, ranking.explore.by if ranking.explore else None)
            if name is not None
        )

    def _most(self, ranking: Ranking) -> int:
        """The candidates that there are at most."""
        return len(ranking.of if ranking.catalog is None else self.catalogs.candidates(ranking.catalog))

    def _asked(self, work: Work) -> Outcome:
        patience = Patience()
        facts = work.facts
        for one, asking in self._filling(work):
            try:
                name, candidates = next(asking)
                while True:
                    answer = self.scorers.ask(name, facts.values, facts.permissions, candidates, patience)
                    work.answers.append(answer)
                    name, candidates = asking.send(answer)
            except StopIteration:
                work.filled.append(one)
        return self._outcome(work)

    async def _awaited(self, work: Work) -> Decision:
        """The same, without holding a thread while scorers that wait on others are waited for."""
        patience = Patience()
        facts, ask = work.facts, self.scorers.ask_async
        for one, asking in self._filling(work):
            try:
                name, candidates = next(asking)
                while True:
                    answer = await ask(name, facts.values, facts.permissions, candidates, patience)
                    work.answers.append(answer)
                    name, candidates = asking.send(answer)
            except StopIteration:
                work.filled.append(one)
        return self._outcome(work).added_to(work.decision, facts)

    def _filling(self, work: Work) -> Iterator[tuple[Filled, Asking]]:
        """The slots that rankings take part in, each with the questions on the way to its filling."""
        facts = work.facts
        usable = [rule for rule in work.rules if self._is_usable(rule, facts)]
        for name, slot in self._slots.items():
            rules = [rule for rule in usable if name in rule.show or name in rule.rank]
            if any(name in rule.rank for rule in rules) and not work.decision.slots[name].hidden:
                filled = Filled(slot, work.known, work.stocks)
                yield filled, self._fill(filled, rules, facts)

    def _withheld(self, work: Work) -> frozenset[Withheld]:
        """What of the candidates of rankings the guard keeps back."""
        kept = self._kept_back.get(work.known)
        if kept is None:
            facts = work.facts
            every = [ranking for rule in work.rules for ranking in rule.rank.values()]
            found = frozenset[Withheld]().union(*(self._held_back(one, facts) for one in every))
            kept = found, work.stocks
            if work.known is not None:
                _keep(self._kept_back, work.known, kept)
        return kept[0]

    def _held_back(self, ranking: Ranking, facts: Facts) -> set[Withheld]:
        permissions, book = facts.permissions, self._book
        named = [
            *ranking.of,
            *(pin.id for pin in ranking.pin),
            *(ranking.explore.first if ranking.explore else ()),
        ]
        found = {
            Withheld("content", name, label, of)
            for name in named
            if name in book.content
            for label, of in permissions.held_back(book.content[name].topics, book.content[name].purpose)
        }
        if ranking.catalog is not None:
            catalog = book.catalogs[ranking.catalog]
            closed = {
                Withheld("catalog", catalog.id, label, of)
                for label, of in permissions.held_back(catalog.topics, catalog.purpose)
            }
            if closed:
                return found | closed
            stock = self.catalogs.stock(ranking.catalog)
            held = stock.held_back(permissions)
            meeting = _meeting(ranking, stock, facts) if held else 0
            for place, labels in held.items():
                if meeting >> place & 1:
                    name = stock.candidates[place].id
                    found |= {Withheld("content", name, label, of) for label, of in labels}
        return found

    def _is_usable(self, rule: Rule, facts: Facts) -> bool:
        permissions = facts.permissions
        if (rule.topics or rule.purpose) and any(permissions.held_back(rule.topics, rule.purpose)):
            return False
        return not (rule.id in self._personal and permissions.opted_out(PERSONALIZATION))

    def _fill(self, filled: Filled, rules: Sequence[Rule], facts: Facts) -> Asking:
        """Fills a slot from its rules, in resolution order; yields whom to ask."""
        slot = filled.slot
        most = slot.many or 1
        for rule in rules:
            if len(filled.chosen) >= most:
                break
            taken = {one.key for one in filled.chosen}
            if slot.id in rule.rank:
                ranking = rule.rank[slot.id]
                yield from self._choose(filled, rule, ranking, most - len(filled.chosen), taken, facts)
            else:
                fresh = [(None, name) for name in rule.show[slot.id] if self._is_permitted(name, facts)]
                for key in dict.fromkeys(fresh):
                    if key not in taken and len(filled.chosen) < most:
                        filled.chosen.append(Chosen(key, rule.id))

    def _is_permitted(self, name: str, facts: Facts) -> bool:
        item = self._book.content[name]
        return not any(facts.permissions.held_back(item.topics, item.purpose))

    def _choose(
        self, filled: Filled, rule: Rule, ranking: Ranking, room: int, taken: set[Key], facts: Facts
    ) -> Asking:
        """What one ranking gives to a slot."""
        known = None
        if filled.known is not None and not filled.is_chance:  # then nothing before it was left to chance
            known = filled.known, filled.slot.id, rule.id
        choice, _ = self._choices.get(known, _NO_CHOICE)
        if choice is None:
            choice = yield from self._choice(rule, ranking, room, taken, facts)
            if known is not None and choice.is_settled and len(choice.policy.candidates) <= MOST_KEPT_OF:
                _keep(self._choices, known, (choice, filled.stocks))
        else:
            self.scorers.count(choice.asked)
        self._draw(filled, choice, facts)

    def _choice(
        self, rule: Rule, ranking: Ranking, room: int, taken: set[Key], facts: Facts
    ) -> Generator[Question, Answer, Choice]:
        """Everything about a ranking's choice but for chance."""
        room = min(ranking.top or room, room)
        pins = self._pins(ranking, room, taken, facts)
        pinned = {key for key, _ in pins.values()}
        candidates = self._candidates(ranking, taken | pinned, facts)
        answer, later = None, None
        if candidates and ranking.by is not None:
            answer = yield from self._answer(ranking.by, candidates, facts)
        explore = ranking.explore
        if candidates and explore is not None and explore.by is not None:
            later = yield from self._answer(explore.by, candidates, facts)
        free = tuple([place for place in range(1, room + 1) if place not in pins])
        policy = self._policy(
            ranking,
            candidates,
            [candidate for _, candidate in pins.values()],
            len(free),
            answer.draws if answer is not None else None,
            later.draws if later is not None else None,
        )
        return Choice(
            rule.id,
            policy,
            {place: Chosen(key, rule.id, candidate, "pin") for place, (key, candidate) in pins.items()},
            free,
            None if answer is None else replace(answer, draws=None),
            all(one.is_settled for one in (answer, later) if one is not None),
            tuple(asked for one in (answer, later) if one is not None for asked in one.asked),
        )

    def _draw(self, filled: Filled, choice: Choice, facts: Facts) -> None:
        """Places what is pinned, the best, and what is explored in their stead."""
        policy, draw = choice.policy, _Draw(facts, filled.slot.id, choice.rule)
        kept, explored = policy.drawn(draw)
        filled.is_chance |= draw.was_asked
        held = choice.free[: len(kept) + len(explored)]
        new: list[int] = []
        if explored:
            new = sorted(held, key=lambda place: draw(f"place {place}"))[: len(explored)]
        used = choice.answer.used if choice.answer is not None else None
        which = dict(zip([place for place in held if place not in new], kept, strict=True))
        which |= dict(zip(sorted(new), explored, strict=True))
        for place in sorted({*choice.pins, *which}):
            if place in choice.pins:
                filled.chosen.append(choice.pins[place])
            else:
                by = "explore" if place in new else used
                filled.chosen.append(choice.chosen(which[place], by))
        if filled.answer is None:
            filled.answer = choice.answer
        explores = policy.ranking.explore is not None and bool(choice.pins or which)
        filled.is_drawn |= choice.answer is not None or explores

    def _answer(
        self, name: str, candidates: tuple[Candidate, ...], facts: Facts
    ) -> Generator[Question, Answer, Answer]:
        """What a scorer answers; what a steady one does is kept."""
        known = None
        if len(candidates) <= MOST_KEPT_OF and all(map(self.scorers.is_steady, chain(self._book, name))):
            reads = [key for one in chain(self._book, name) for key in self.scorers.features[one]]
            known = told_apart(facts, reads, name, self.scorers.refreshed)
            kept = self._answers.get(known)
            if kept is not None and kept[0] == candidates:
                self.scorers.count(kept[1].asked)
                return kept[1]
        answer = yield name, candidates
        if known is not None and answer.is_settled:
            _keep(self._answers, known, (candidates, answer))
        return answer

    def _policy(
        self,
        ranking: Ranking,
        candidates: tuple[Candidate, ...],
        pinned: list[Candidate],
        room: int,
        draws: Draws | None,
        later: Draws | None,
    ) -> Policy:
        """What follows from these scores; kept, since the same lists come again and again."""
        if len(candidates) > MOST_KEPT_OF or sum(map(len, (draws or ()) + (later or ()))) > MOST_KEPT_OF:
            return Policy(ranking, candidates, pinned, room, draws, later)
        known = (id(ranking), tuple(map(id, pinned)), room, draws, later)
        policy = self._policies.get(known)
        if policy is None or policy.candidates != candidates:
            policy = Policy(ranking, candidates, pinned, room, draws, later)
            _keep(self._policies, known, policy)
        return policy

    def _pins(
        self, ranking: Ranking, room: int, taken: set[Key], facts: Facts
    ) -> dict[int, tuple[Key, Candidate]]:
        """What stands at which place: an item of the catalog, or else content, unless it is kept back."""
        found: dict[int, tuple[Key, Candidate]] = {}
        for pin in ranking.pin:
            if pin.at > room:
                continue
            candidate = self._pinned(ranking, pin.id, facts)
            if candidate is not None and (candidate.catalog, pin.id) not in taken:
                found[pin.at] = (candidate.catalog, pin.id), candidate
        return found

    def _pinned(self, ranking: Ranking, name: str, facts: Facts) -> Candidate | None:
        permissions = facts.permissions
        if ranking.catalog is not None:
            catalog, stock = self._book.catalogs[ranking.catalog], self.catalogs.stock(ranking.catalog)
            place = stock.by_id.get(name)
            if place is not None:
                closed = any(permissions.held_back(catalog.topics, catalog.purpose))
                closed |= any(permissions.held_back(*stock.labels.get(place, ((), None))))
                return None if closed else stock.candidates[place]
        if name not in self._book.content or not self._is_permitted(name, facts):
            return None
        return self.catalogs.content[name]

    def _candidates(self, ranking: Ranking, taken: set[Key], facts: Facts) -> tuple[Candidate, ...]:
        """What may be chosen from: what meets the conditions and what no gate keeps back, in order."""
        if ranking.catalog is not None:
            catalog, stock = self._book.catalogs[ranking.catalog], self.catalogs.stock(ranking.catalog)
            if any(facts.permissions.held_back(catalog.topics, catalog.purpose)):
                return ()
        else:
            stock = self._content[id(ranking)]
        bits = _meeting(ranking, stock, facts)
        for place in stock.held_back(facts.permissions):
            bits &= ~(1 << place)
        kept = self._listed.get((id(stock), bits))
        if kept is None:
            kept = stock, tuple([stock.candidates[place] for place in places(bits)])
            if len(stock.candidates) <= MOST_KEPT_OF:
                _keep(self._listed, (id(stock), bits), kept)
        if not taken:
            return kept[1]
        return tuple([one for one in kept[1] if (one.catalog, one.id) not in taken])

    def _outcome(self, work: Work) -> Outcome:
        """What rankings came to. It is kept where it would be the same for all who share what was read."""
        facts = work.facts
        texts = _Texts(self._renderer, self._fields, facts)
        slots, why = {}, {}
        taken = sum(self._last_check(one, facts) for one in work.filled)
        for one in work.filled:
            if one.chosen or one.answer is not None:
                slots[one.slot.id] = self._placement(one, texts, facts)
                why[one.slot.id] = one
        outcome = Outcome(
            slots,
            self._withheld(work),
            (*map(failed_text, dict.fromkeys(texts.failed)), *[LAST_CHECK][:taken]),
            ItemReasons(self._book, self.scorers, why),
            tuple(asked for answer in work.answers for asked in answer.asked),
            work.stocks,
        )
        is_settled = not outcome.warnings and not any(one.is_chance for one in work.filled)
        if work.known is not None and is_settled and all(answer.is_settled for answer in work.answers):
            _keep(self._outcomes, work.known, outcome, MOST_OUTCOMES)
        return outcome

    def _last_check(self, filled: Filled, facts: Facts) -> int:
        """Takes out what is chosen without permission, whatever went before; how much (none, ever)."""
        allowed = [one for one in filled.chosen if self._may_stand(one.key, facts)]
        taken, filled.chosen = len(filled.chosen) - len(allowed), allowed
        return taken

    def _may_stand(self, key: Key, facts: Facts) -> bool:
        name, permissions = key[1], facts.permissions
        if key[0] is None:
            return self._is_permitted(name, facts)
        catalog, stock = self._book.catalogs[key[0]], self.catalogs.stock(key[0])
        if not (stock.labels or catalog.topics or catalog.purpose):
            return True
        labels = stock.labels.get(stock.by_id.get(name, -1), ((), None))
        return not any(
            (*permissions.held_back(catalog.topics, catalog.purpose), *permissions.held_back(*labels))
        )

    def _placement(self, filled: Filled, texts: _Texts, facts: Facts) -> Placement:
        """What a slot shows; kept where its texts read nothing of the request."""
        slot, chosen = filled.slot, filled.chosen
        full = len(chosen) == (slot.many or 1) or (chosen and not slot.fill)
        if not full or not all(one.key[0] in self._static for one in chosen):
            return self._made(filled, texts, facts)
        known = (
            slot.id,
            filled.answer,
            filled.is_drawn,
            *[(id(one.candidate), one.rule, one.propensity) for one in chosen],
        )
        kept = self._placed.get(known)
        if kept is None:
            failed = len(texts.failed)
            kept = self._made(filled, texts, facts), chosen
            if len(texts.failed) == failed:
                _keep(self._placed, known, kept)
        return kept[0]

    def _made(self, filled: Filled, texts: _Texts, facts: Facts) -> Placement:
        slot, chosen = filled.slot, filled.chosen
        reason = "rule" if chosen else "default"
        if not chosen or slot.fill:
            taken = {one.key for one in chosen}
            spare = [(None, name) for name in slot.default if self._is_permitted(name, facts)]
            chosen = [*chosen, *(Chosen(key, None) for key in spare if key not in taken)][: slot.many or 1]
        items = tuple([self._item(one, filled.is_drawn, texts) for one in chosen])
        if slot.many is not None:
            return Placement("many", reason, None, items=items, scorer=filled.answer)
        if not items:
            return Placement("single", reason, None, scorer=filled.answer)
        only = items[0]
        return Placement(
            "single",
            reason,
            only.rule,
            only.content,
            only.fields,
            scorer=filled.answer,
            catalog=only.catalog,
            propensity=only.propensity,
        )

    def _item(self, one: Chosen, is_drawn: bool, texts: _Texts) -> Item:
        """One thing in a slot; kept where its texts read nothing of the request."""
        known = None
        if one.key[0] in self._static:
            known = id(one.candidate), one.rule, one.propensity if is_drawn else None
            if (kept := self._items.get(known)) is not None:
                return kept[0]
        failed = len(texts.failed)
        propensity = one.propensity if is_drawn else None
        item = Item(one.key[1], texts.fields(one), one.rule, one.key[0], propensity)
        if known is not None and len(texts.failed) == failed:
            _keep(self._items, known, (item, one), MOST_OUTCOMES)
        return item


def make_ranker(
    book: RuleBook,
    personal: frozenset[str],
    places: Callable[[int], Iterable[int]],
    given: Mapping[str, object],
    warm: bool,
) -> Ranker:
    """The rank stage of a book, its catalogs stocked and, if it shall be warm, its scorers made.

    `personal` are the rules that opting out of personalization puts to sleep, `given` the scorers of the
    application; `places` is as Ranker takes it.
    """
    catalogs = Catalogs(book)
    scorers = Scorers(book, given, catalogs)
    if warm:
        scorers.make_all()
    catalogs.then = scorers.refresh
    return Ranker(book, personal, places, scorers, catalogs)


def _keep(kept: dict[Any, Any], known: object, one: object, most: int = MOST_KEPT) -> None:
    """Keeps something under what tells it from others; begins anew when there is too much."""
    if len(kept) >= most:
        kept.clear()
    kept[known] = one


_NO_CHOICE = (None, ())


def _meeting(ranking: Ranking, stock: Stock, facts: Facts) -> int:
    """The candidates that meet `where`, and none of `without`, as bits."""
    bits = stock.true(ranking.where, facts.values, facts.now)
    for condition in ranking.without:
        bits &= ~stock.true(condition, facts.values, facts.now)
    return bits


class _Draw:
    """Numbers from 0 to 1 that depend on the request alone, or on nothing where nothing names it."""

    def __init__(self, facts: Facts, slot: str, rule: str) -> None:
        self._facts, self._slot, self._rule = facts, slot, rule
        self.was_asked = False

    @cached_property
    def _seed(self) -> str:
        facts = self._facts
        request, user = facts.value("context.request_id"), facts.value("user.id")
        if request is not None:
            named = f"request\0{request}"
        elif user is not None:
            named = f"user\0{user}\0{facts.now.date().isoformat()}"
        else:
            named = secrets.token_hex(16)
        return f"{named}\0{self._slot}\0{self._rule}\0"

    def __call__(self, name: str) -> float:
        self.was_asked = True
        return int.from_bytes(sha256(f"{self._seed}{name}".encode()).digest()[:6]) / 2**48


class _Texts:
    """Renders what is placed, for one request."""

    def __init__(self, renderer: Renderer, fields: Mapping[str, Renderer], facts: Facts) -> None:
        self._renderer, self._fields, self._facts = renderer, fields, facts
        self.failed: list[str] = []

    @cached_property
    def _seen(self) -> dict[str, View]:
        return views(self._facts.values, self._facts.permissions.consents)

    def fields(self, chosen: Chosen) -> FrozenDict:
        """The fields of content, or of an item: what its catalog says, or else its attributes."""
        catalog, name = chosen.key
        if catalog is None:
            return self._renderer.render(name, self._seen, self.failed)
        assert chosen.candidate is not None
        attributes = chosen.candidate.attributes
        if catalog not in self._fields:
            return FrozenDict({key: frozen(value) for key, value in attributes.items()})
        failed: list[str] = []
        seen = {**self._seen, "item": View({**attributes, "id": name})}
        fields = self._fields[catalog].render(catalog, seen, failed)
        self.failed += [name for _ in failed]
        return fields


def frozen(value: object) -> object:
    """An attribute's value as JSON data that nobody can change."""
    return tuple(value) if isinstance(value, tuple) else as_json(value)  # type: ignore[arg-type]


class ItemReasons:
    """Tells why somebody sees what a decision holds, and why each thing that a ranking placed."""

    def __init__(self, book: RuleBook, scorers: Scorers, filled: Mapping[str, Filled]) -> None:
        self._book, self._scorers = book, scorers
        self._chosen = {
            (slot, one.key[1]): one for slot, made in filled.items() for one in made.chosen if one.candidate
        }

    def is_pinned(self, slot: str, item: str) -> bool:
        """Whether an editor gave a thing its place."""
        chosen = self._chosen.get((slot, item))
        return chosen is not None and chosen.by == "pin"

    def __call__(
        self, facts: Facts, decided: Placement | SettingValue, name: str, item: str | None = None
    ) -> str:
        chosen = None if item is None else self._chosen.get((name, item))
        words = chosen and in_words(chosen, self._scorers, facts)
        if not words:
            return sentence(self._book, facts, decided, name)
        return f"You see this {words if words.startswith('because ') else f'because it is {words}'}."


def in_words(chosen: Chosen, scorers: Scorers, facts: Facts) -> str | None:
    """Why this one, in a few words, as its scorer says: `popular in Norway`; None where nobody says."""
    if chosen.by == "explore":
        return "something new"
    if chosen.by in (None, "pin") or chosen.candidate is None:
        return None
    return scorers.explain(str(chosen.by), facts.values, facts.permissions, chosen.candidate)
