"""The rank stage: what scorers choose for the slots that rules leave to them.

engine/reference_ranking.py says what is right, plainly; this must agree with it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from tailored.book.builtin import PERSONALIZATION
from tailored.book.model import Ranking, Rule, RuleBook, Slot
from tailored.engine.chosen import Choice, Chosen, Draw, Filled, Key
from tailored.engine.decision import Decision
from tailored.engine.eligible import Eligible
from tailored.engine.facts import LAST_CHECK, Facts, failed_text
from tailored.engine.kept import MOST_KEPT_OF, MOST_OUTCOMES, Kept
from tailored.engine.policy import Policy
from tailored.engine.resolve import Withheld
from tailored.engine.settled import Known, Outcome, Rankings, chain, rankings, told_apart
from tailored.engine.shown import ItemReasons, Shown
from tailored.scoring.catalogs import Catalogs
from tailored.scoring.hook import Answer, Asked, Patience, Scorers
from tailored.scoring.protocol import Candidate
from tailored.scoring.scores import Draws, most_draws
from tailored.scoring.stock import Stock

Question: TypeAlias = tuple[str, tuple[Candidate, ...]]
"""A scorer, and the candidates that it is asked about; scorers of the application cannot change them."""
Asking: TypeAlias = Generator[Question, Answer, None]


@dataclass(slots=True)
class Work:
    """The filling of the ranked slots of one decision."""

    decision: Decision
    rules: Sequence[Rule]
    facts: Facts
    known: Known | None
    stocks: tuple[Stock, ...]
    withheld: frozenset[Withheld]
    """What of the candidates of rankings the guard keeps back."""
    filled: list[Filled] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


MOST_SAMPLED = 16
"""Policies of several draws that are kept."""


class Replay(NamedTuple):
    """How the ranked slots of a decision are filled again, up to chance, for requests that share its key.

    `steps` are the slots, with what fills each in order: what is placed whatever is drawn, and at most one
    choice that draws, as the last. `stocks` are those that the key names by identity.
    """

    steps: tuple[tuple[Slot, tuple[Chosen | Choice, ...], bool], ...]
    """The last says whether more rules are left, should what is drawn leave room."""
    withheld: frozenset[Withheld]
    asked: tuple[Asked, ...]
    stocks: tuple[Stock, ...]


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
        self._rankings: Kept[tuple[int, int], Rankings] = Kept()
        """By clauses, and how often scorers were made again, the rules of these clauses."""
        self._outcomes: Kept[Known | None, Outcome] = Kept(MOST_OUTCOMES)
        self.scorers, self.catalogs = scorers, catalogs
        self._slots = {
            name: book.slots[name] for name in book.slots if any(name in rule.rank for rule in book.rules)
        }
        self._eligible = Eligible(book, catalogs)
        self._replays: Kept[Known | None, Replay] = Kept()
        """The same for what only chance tells apart."""
        self._answers: Kept[Known | None, tuple[tuple[Candidate, ...], Answer]] = Kept()
        """Answers of steady scorers, with what they were asked about."""
        self._policies: Kept[tuple[object, ...], Policy] = Kept()
        self._sampled: Kept[tuple[object, ...], Policy] = Kept(MOST_SAMPLED)
        """Those of several draws, by the identity of each: they are large, and change with what is learnt."""
        self._shown = Shown(book, self._eligible.is_permitted)

    def rank(self, decision: Decision, clauses: int, facts: Facts) -> Decision:
        """A decision with its ranked slots filled; `clauses` are those that fire and bear on such slots."""
        begun = self._begun(decision, clauses, facts)
        outcome = begun if isinstance(begun, Outcome) else self._asked(begun)
        return outcome.added_to(decision, facts)

    def rank_or_wait(
        self, decision: Decision, clauses: int, facts: Facts
    ) -> Decision | Coroutine[Any, Any, Decision]:
        """The same; or where scorers may have to be waited for, what is to be awaited for it."""
        begun = self._begun(decision, clauses, facts)
        if isinstance(begun, Outcome):
            return begun.added_to(decision, facts)
        return (
            self._awaited(begun) if self._waits(begun.rules) else self._asked(begun).added_to(decision, facts)
        )

    def _begun(self, decision: Decision, clauses: int, facts: Facts) -> Outcome | Work:
        """What came of the same before, or what is to be done."""
        refreshed = self.scorers.refreshed
        firing = self._rankings.get((clauses, refreshed))
        if firing is None:
            rules = [self._book.rules[place] for place in self._places(clauses)]
            firing = rankings(self._book, rules, self.scorers.is_steady, self.scorers.features, facts)
            self._rankings.keep((clauses, refreshed), firing)
        stocks = tuple(map(self.catalogs.stock, firing.catalogs))
        known = firing.known(clauses, decision, facts, (refreshed, *map(id, stocks)))
        if known is not None and (kept := self._outcomes.get(known) or self._replayed(known, facts)):
            self.scorers.count(kept.asked)
            return kept
        every = [ranking for rule in firing.rules for ranking in rule.rank.values()]
        withheld = frozenset[Withheld]().union(*(self._eligible.held_back(one, facts) for one in every))
        return Work(decision, firing.rules, facts, known, stocks, withheld)

    def _replayed(self, known: Known, facts: Facts) -> Outcome | None:
        """What comes of a request of which only chance is to be asked; None where it leaves room."""
        replay = self._replays.get(known)
        if replay is None:
            return None
        every = []
        for slot, steps, has_more in replay.steps:
            filled = Filled(slot)
            for step in steps:
                self._place(filled, step, facts)
            if has_more and len(filled.chosen) < (slot.many or 1):
                return None
            every.append(filled)
        return self._shown_as(every, replay.withheld, replay.asked, replay.stocks, facts)

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
                filled = Filled(slot)
                yield filled, self._fill(filled, rules, facts)

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
                filled.has_more = True
                break
            filled.can_be_replayed &= not filled.is_chance
            taken = {one.key for one in filled.chosen}
            if slot.id in rule.rank:
                ranking = rule.rank[slot.id]
                choice = yield from self._choice(rule, ranking, most - len(filled.chosen), taken, facts)
                self._place(filled, choice, facts)
            else:
                fresh = [
                    (None, name) for name in rule.show[slot.id] if self._eligible.is_permitted(name, facts)
                ]
                for key in dict.fromkeys(fresh):
                    if key not in taken and len(filled.chosen) < most:
                        self._place(filled, Chosen(key, rule.id), facts)

    def _place(self, filled: Filled, step: Chosen | Choice, facts: Facts) -> None:
        """Adds to a slot what is chosen for it, or what is drawn from a choice."""
        filled.steps.append(step)
        if isinstance(step, Chosen):
            filled.chosen.append(step)
        else:
            filled.can_be_replayed &= step.is_settled and len(step.policy.candidates) <= MOST_KEPT_OF
            self._draw(filled, step, facts)

    def _choice(
        self, rule: Rule, ranking: Ranking, room: int, taken: set[Key], facts: Facts
    ) -> Generator[Question, Answer, Choice]:
        """Everything about a ranking's choice but for chance."""
        room = min(ranking.top or room, room)
        pins = self._eligible.pins(ranking, room, taken, facts)
        pinned = {key for key, _ in pins.values()}
        candidates = self._eligible.candidates(ranking, taken | pinned, facts)
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
            answer.draws and answer.draws[: most_draws(ranking, len(candidates), len(free))]
            if answer
            else None,
            later.draws and later.draws[:1] if later else None,
        )
        return Choice(
            rule.id,
            policy,
            {place: Chosen(key, rule.id, candidate, "pin") for place, (key, candidate) in pins.items()},
            free,
            None if answer is None else answer.without_draws(),
            all(one.is_settled for one in (answer, later) if one is not None),
        )

    def _draw(self, filled: Filled, choice: Choice, facts: Facts) -> None:
        """Places what is pinned, the best, and what is explored in their stead."""
        policy, draw = choice.policy, Draw(facts, filled.slot.id, choice.rule)
        kept, explored = policy.drawn(draw)
        filled.is_chance |= draw.was_asked
        used = choice.answer.used if choice.answer is not None else None
        if filled.answer is None:
            filled.answer = choice.answer
        if not explored and not choice.pins:
            filled.chosen += [choice.chosen(one, used) for one in kept]
            return
        held = choice.free[: len(kept) + len(explored)]
        new: list[int] = []
        if explored:
            new = sorted(held, key=lambda place: draw(f"place {place}"))[: len(explored)]
        which = dict(zip([place for place in held if place not in new], kept, strict=True))
        which |= dict(zip(sorted(new), explored, strict=True))
        for place in sorted({*choice.pins, *which}):
            if place in choice.pins:
                filled.chosen.append(choice.pins[place])
            else:
                by = "explore" if place in new else used
                filled.chosen.append(choice.chosen(which[place], by))

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
            self._answers.keep(known, (candidates, answer))
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
        if len(candidates) > MOST_KEPT_OF:
            return Policy(ranking, candidates, pinned, room, draws, later)
        is_one = draws is None or len(draws) == 1
        kept = self._policies if is_one else self._sampled
        scores = draws if is_one else tuple(map(id, draws or ()))  # which the policy holds
        known = (id(ranking), tuple(map(id, pinned)), room, scores, later)
        policy = kept.get(known)
        if policy is None or policy.candidates != candidates:
            policy = Policy(ranking, candidates, pinned, room, draws, later)
            kept.keep(known, policy)
        return policy

    def _outcome(self, work: Work) -> Outcome:
        """What rankings came to. It is kept where it would be the same for all who share what was read."""
        filled, withheld = work.filled, work.withheld
        asked = tuple(asked for answer in work.answers for asked in answer.asked)
        outcome = self._shown_as(filled, withheld, asked, work.stocks, work.facts)
        if work.known is None or outcome.warnings or not all(answer.is_settled for answer in work.answers):
            return outcome
        if not any(one.is_chance for one in filled):
            self._outcomes.keep(work.known, outcome)
        elif all(one.can_be_replayed for one in filled):
            steps = tuple((one.slot, tuple(one.steps), one.has_more) for one in filled)
            self._replays.keep(work.known, Replay(steps, withheld, asked, work.stocks))
        return outcome

    def _shown_as(
        self,
        every: Sequence[Filled],
        withheld: frozenset[Withheld],
        asked: tuple[Asked, ...],
        stocks: tuple[Stock, ...],
        facts: Facts,
    ) -> Outcome:
        """What was chosen, with its texts, as far as the last check lets it through."""
        texts = self._shown.texts(facts)
        slots = {}
        taken = sum(self._last_check(one, facts) for one in every)
        for one in every:
            if one.chosen or one.answer is not None:
                slots[one.slot.id] = self._shown.placement(one, texts)
        warnings = (*map(failed_text, dict.fromkeys(texts.failed)), *[LAST_CHECK][:taken])
        tell = ItemReasons(self._book, self.scorers, every)
        return Outcome(slots, withheld, warnings, tell, asked, stocks)

    def _last_check(self, filled: Filled, facts: Facts) -> int:
        """Takes out what is chosen without permission, whatever went before; how much (none, ever)."""
        unlabelled = {
            name for name in {one.key[0] for one in filled.chosen} if self._eligible.is_unlabelled(name)
        }
        may_stand = self._eligible.may_stand
        allowed = [one for one in filled.chosen if one.key[0] in unlabelled or may_stand(one.key, facts)]
        taken, filled.chosen = len(filled.chosen) - len(allowed), allowed
        return taken


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
