"""The specification of rankings, written as plainly as possible; it belongs to reference.py.

Only the numbers come from scorers: `numbers(name, facts, candidates)` gives equally likely lists of scores,
or raises. Everything else is said here: what the candidates are, what is pinned, left out, capped and
explored, who is asked when a scorer fails, and how likely each thing was to be placed, by trying every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from math import floor, isfinite
from typing import Any

from tailored.book.model import Ranking, Rule, RuleBook, Slot
from tailored.book.scorers import joined_by
from tailored.condition.kleene import Truth, truth
from tailored.condition.tree import Condition, SameAs
from tailored.scoring.protocol import Candidate, NoAnswer, NotReady
from tailored.scoring.scores import most_draws

Numbers = Callable[[str, Mapping[str, Any], Sequence[Candidate]], Sequence[Sequence[float]]]
KeptBack = Callable[[tuple[str, ...], str | None], list[tuple[str, str]]]
"""The labels of a thing that a request does not permit."""
Thing = tuple[str | None, str]
"""What may be placed: its catalog (None for content) and its id."""


def nobody(name: str, facts: Mapping[str, Any], candidates: Sequence[Candidate]) -> Sequence[Sequence[float]]:
    """Scorers of which none has an answer."""
    raise NoAnswer("nobody is asked")


def rank_slot(
    book: RuleBook,
    slot: Slot,
    usable: Sequence[Rule],
    facts: Mapping[str, Any],
    now: datetime,
    kept_back: KeptBack,
    numbers: Numbers,
) -> dict[str, Any]:
    """What a slot gets: `placed`, each with `thing`, `rule` and `propensity`; `scorer`, if one was asked."""
    placed: list[dict[str, Any]] = []
    scorer = None
    for rule in usable:
        room = (slot.many or 1) - len(placed)
        taken = [one["thing"] for one in placed]
        if slot.id in rule.show:
            for name in rule.show[slot.id]:
                item = book.content[name]
                thing = (None, name)
                if thing not in [one["thing"] for one in placed] and not kept_back(item.topics, item.purpose):
                    placed.append({"thing": thing, "rule": rule.id, "propensity": 1.0})
        elif slot.id in rule.rank and room > 0:
            ranking = rule.rank[slot.id]
            chosen, asked = rank(book, slot, rule, ranking, room, taken, facts, now, kept_back, numbers)
            placed += chosen
            scorer = scorer or asked
    return {"placed": placed[: slot.many or 1], "scorer": scorer}


def rank(
    book: RuleBook,
    slot: Slot,
    rule: Rule,
    ranking: Ranking,
    room: int,
    taken: list[Thing],
    facts: Mapping[str, Any],
    now: datetime,
    kept_back: KeptBack,
    numbers: Numbers,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """What one ranking gives to a slot that has room for so many, and whom it asked."""
    room = min(ranking.top or room, room)
    stock = stock_of(book, ranking)
    permitted = {
        thing: one
        for thing, one in stock.items()
        if not kept_back(*one["labels"]) and not closed(book, ranking, kept_back)
    }
    content: dict[Thing, dict[str, Any]] = {(None, name): content_as(book, name) for name in book.content}
    pins: dict[int, Thing] = {}
    for pin in ranking.pin:
        thing: Thing = (ranking.catalog, pin.id) if (ranking.catalog, pin.id) in stock else (None, pin.id)
        is_open = thing in permitted or (
            thing not in stock and thing in content and not kept_back(*content[thing]["labels"])
        )
        if pin.at <= room and is_open and thing not in taken:
            pins[pin.at] = thing
    known = content | stock
    candidates = [
        thing
        for thing, one in permitted.items()
        if meets(ranking, one["values"], facts, now) and thing not in taken and thing not in pins.values()
    ]
    asked = None
    draws: Sequence[Sequence[float] | None] = [None]
    later = None
    shown = [known[thing]["candidate"] for thing in candidates]
    if candidates and ranking.by is not None:
        asked, answer = ask(book, ranking.by, shown, facts, kept_back, numbers)
        draws = answer or [None]
    if candidates and ranking.explore is not None and ranking.explore.by is not None:
        _, answer = ask(book, ranking.explore.by, shown, facts, kept_back, numbers)
        later = answer[0] if answer else None
    seed = seed_of(facts, now, slot.id, rule.id)
    places = [place for place in range(1, room + 1) if place not in pins]
    draws = draws[: most_draws(ranking, len(candidates), len(places))]
    lists = [
        Lists(ranking, candidates, known, list(pins.values()), len(places), scores, later) for scores in draws
    ]
    mine = lists[int(draw(seed, "draw") * len(lists))]
    kept, new = mine.select(mine.number(draw(seed, "share")), mine.offset(draw(seed, "offset")))
    filled = places[: len(kept) + len(new)]
    new_places = sorted(filled, key=lambda place: draw(seed, f"place {place}"))[: len(new)]
    at = dict(pins)
    at |= dict(zip(sorted(new_places), new, strict=True))
    at |= dict(zip([place for place in filled if place not in new_places], kept, strict=True))
    placed = []
    for place in sorted(at):
        pinned = place in pins
        likely = 1.0 if pinned else sum(one.probability(at[place]) for one in lists) / len(lists)
        placed.append({"thing": at[place], "rule": rule.id, "propensity": likely})
    return placed, asked


class Lists:
    """The lists that a ranking may make with one list of scores."""

    def __init__(
        self,
        ranking: Ranking,
        candidates: list[Thing],
        known: Mapping[Thing, Any],
        pinned: list[Thing],
        room: int,
        scores: Sequence[float] | None,
        later: Sequence[float] | None,
    ) -> None:
        self.ranking, self.known, self.pinned, self.room = ranking, known, pinned, room
        self.order = list(candidates)
        if scores is not None:
            score = dict(zip(candidates, scores, strict=True))
            self.order.sort(key=lambda thing: -score[thing])
        self.relevance = self.relevances(scores, candidates)
        self.top = self.best(room)
        explore = ranking.explore
        rest = [thing for thing in self.order if thing not in self.top]
        self.first: list[Thing] = []
        for name in explore.first if explore is not None else ():
            self.first += [thing for thing in rest if thing[1] == name and thing not in self.first]
        others = [thing for thing in rest[:500] if thing not in self.first]
        self.drawn: list[Thing] = []
        if explore is not None and later is not None:
            trend = dict(zip(candidates, later, strict=True))
            self.first += sorted(others, key=lambda thing: -trend[thing])
        elif explore is not None:
            self.drawn = sorted(others, key=lambda thing: sha256(thing[1].encode()).digest())
        self.share = explore.share * len(self.top) if explore is not None else 0.0

    def relevances(self, scores: Sequence[float] | None, candidates: list[Thing]) -> dict[Thing, float]:
        """From 1 for the best to 0 for the worst."""
        if scores is None:
            last = len(candidates) - 1
            return {thing: (last - place) / last if last else 1.0 for place, thing in enumerate(candidates)}
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        shares = [(score - low) / (high - low) if high > low else 1.0 for score in scores]
        return dict(zip(candidates, shares, strict=True))

    def fits(self, thing: Thing, others: list[Thing]) -> bool:
        """Whether caps let a thing stand in a list with others, and with what is pinned."""
        for cap in self.ranking.at_most:
            for value in values_in(self.known[thing]["values"].get(cap.per)):
                same = [
                    other
                    for other in (*self.pinned, *others)
                    for one in values_in(self.known[other]["values"].get(cap.per))
                    if one == value
                ]
                if len(same) >= cap.number:
                    return False
        return True

    def best(self, number: int) -> list[Thing]:
        """The top: one after another, the best that caps let through, unlike those above as is asked for."""
        weight = self.ranking.diversity.weight if self.ranking.diversity is not None else 0.0
        top: list[Thing] = []
        while len(top) < number:
            near = [thing for thing in self.order[:200] if thing not in top and self.fits(thing, top)]
            far = [thing for thing in self.order[200:] if thing not in top and self.fits(thing, top)]
            if not near and not far:
                break
            if not near or weight == 0:
                top.append((near + far)[0])
                continue
            value = {
                thing: (1 - weight) * self.relevance[thing]
                - weight * max([self.alike(thing, other) for other in (*self.pinned, *top)], default=0.0)
                for thing in near
            }
            top.append(max(near, key=lambda thing: value[thing]))
        return top

    def alike(self, one: Thing, other: Thing) -> float:
        """How alike two things are: the mean over attributes of equal or not; of lists, what they share."""
        assert self.ranking.diversity is not None
        found = []
        for key in self.ranking.diversity.over:
            a, b = self.known[one]["values"].get(key), self.known[other]["values"].get(key)
            if a is None or b is None:
                found.append(0.0)
            elif isinstance(a, tuple) and isinstance(b, tuple):
                found.append(len(set(a) & set(b)) / max(1, len(set(a) | set(b))))
            else:
                found.append(1.0 if a == b else 0.0)
        return sum(found) / max(1, len(found))

    def number(self, share: float) -> int:
        """How many places are explored: the share, rounded down, or for the rest of it by chance up."""
        number = floor(self.share) + (share < self.share - floor(self.share))
        return min(number, len(self.first) + len(self.drawn))

    def offset(self, chance: float) -> int:
        """Where in the candidates that are drawn from the drawing begins."""
        return int(chance * len(self.drawn))

    def select(self, number: int, offset: int) -> tuple[list[Thing], list[Thing]]:
        """What is kept of the top, and what is explored."""
        kept = self.top[: len(self.top) - number]
        new: list[Thing] = []
        for thing in [*self.first, *self.drawn[offset:], *self.drawn[:offset]]:
            if len(new) < number and self.fits(thing, kept + new):
                new.append(thing)
        if len(new) < number:
            for thing in self.order:
                full = len(kept) + len(new) == len(self.top)
                if not full and thing not in kept + new and self.fits(thing, kept + new):
                    kept.append(thing)
        return kept, new

    def probability(self, thing: Thing) -> float:
        """How likely a thing is to be placed: over every number and every offset."""
        up = self.share - floor(self.share)
        found = 0.0
        for chance, share in ((up, 0.0), (1 - up, 1.0)):
            offsets = range(max(1, len(self.drawn)))
            if chance > 0:
                lists = [self.select(self.number(share), offset) for offset in offsets]
                found += chance * sum(thing in kept + new for kept, new in lists) / len(lists)
        return found


def ask(
    book: RuleBook,
    name: str,
    candidates: Sequence[Candidate],
    facts: Mapping[str, Any],
    kept_back: KeptBack,
    numbers: Numbers,
) -> tuple[dict[str, Any], Sequence[Sequence[float]] | None]:
    """What a placement records of asking a scorer, and the lists of scores; None for the rule's own order."""
    reason = None
    current: str | None = name
    while current is not None:
        scorer = book.scorers[current]
        labels = kept_back(scorer.topics, scorer.purpose)
        problem = None
        draws: Sequence[Sequence[float]] = []
        if labels:
            who = "consent to" if labels[0][0] == "topic" else "have not opted out of"
            problem = f"`{current}` is for those who {who} {labels[0][1]}."
        else:
            mine = {key: facts[key] for key in readable(book, current) if key in facts}
            try:
                draws = numbers(current, mine, candidates)
            except NoAnswer as error:
                problem = f"`{current}` has no answer: {error}."
            except NotReady as error:
                problem = str(error)
            except Exception as error:
                problem = f"`{current}` raised {type(error).__name__}."
            else:
                if any(
                    not isinstance(score, int | float) or not isfinite(score)
                    for one in draws
                    for score in one
                ):
                    problem = f"`{current}` gave a score that is no finite number."
                elif any(len(one) != len(candidates) for one in draws):
                    gave, of = len(draws[0]), len(candidates)
                    scores, candidates_ = f"score{'s' * (gave != 1)}", f"candidate{'s' * (of != 1)}"
                    problem = f"`{current}` gave {gave} {scores} for {of} {candidates_}."
        if problem is None:
            return {"name": name, "used": current, "fallback": current != name, "reason": reason}, draws
        reason = reason or problem
        current = scorer.fallback
    return {"name": name, "used": None, "fallback": True, "reason": reason}, None


def readable(book: RuleBook, name: str) -> set[str]:
    """What a scorer may read: its features, and those of the scorers that it joins."""
    scorer = book.scorers[name]
    return {one.key for one in scorer.features}.union(*(readable(book, one) for one in joined_by(scorer)))


def withheld_by(
    book: RuleBook, ranking: Ranking, facts: Mapping[str, Any], now: datetime, kept_back: KeptBack
) -> set[tuple[str, str, str, str]]:
    """What of a ranking's candidates is kept back, and for which label."""
    found = set()
    first = ranking.explore.first if ranking.explore is not None else ()
    for name in (*ranking.of, *(pin.id for pin in ranking.pin), *first):
        if name in book.content:
            item = book.content[name]
            found |= {("content", name, *label) for label in kept_back(item.topics, item.purpose)}
    if ranking.catalog is not None:
        catalog = book.catalogs[ranking.catalog]
        whole = kept_back(catalog.topics, catalog.purpose)
        found |= {("catalog", catalog.id, *label) for label in whole}
        for one in book.items[ranking.catalog] if not whole else ():
            if meets(ranking, one.values, facts, now):
                found |= {("content", one.id, *label) for label in kept_back(one.topics, one.purpose)}
    return found


def meets(ranking: Ranking, values: Mapping[str, Any], facts: Mapping[str, Any], now: datetime) -> bool:
    """Whether `where` is true for an item, and none of `without`."""

    def leaf(condition: Condition) -> Truth:
        assert isinstance(condition, SameAs)
        one, other = values.get(condition.attribute.key), facts.get(condition.other.key)
        if one is None or other is None:
            return None
        return any(a == b for a in values_in(one) for b in values_in(other))

    if truth(ranking.where, values, now, leaf) is not True:
        return False
    return not any(truth(condition, values, now, leaf) is True for condition in ranking.without)


def stock_of(book: RuleBook, ranking: Ranking) -> dict[Thing, dict[str, Any]]:
    """What a ranking chooses from: values by whole names, labels, and the candidate that scorers see."""
    if ranking.catalog is None:
        return {(None, name): content_as(book, name) for name in ranking.of}
    return {
        (ranking.catalog, item.id): {
            "values": item.values,
            "labels": (item.topics, item.purpose),
            "candidate": Candidate(
                item.id,
                {key.removeprefix("item."): value for key, value in item.values.items() if key != "item.id"},
                ranking.catalog,
            ),
        }
        for item in book.items[ranking.catalog]
    }


def content_as(book: RuleBook, name: str) -> dict[str, Any]:
    """The same of content."""
    item = book.content[name]
    values: dict[str, Any] = {"item.id": name}
    values |= {"item.type": item.type} if item.type else {}
    values |= {"item.tags": item.tags} if item.tags else {}
    fields = {key: value for key, value in item.fields.items() if isinstance(value, str | int | float)}
    candidate = Candidate(name, {**fields, "type": item.type, "tags": item.tags})
    return {"values": values, "labels": (item.topics, item.purpose), "candidate": candidate}


def closed(book: RuleBook, ranking: Ranking, kept_back: KeptBack) -> bool:
    """Whether the whole catalog of a ranking is kept back."""
    if ranking.catalog is None:
        return False
    catalog = book.catalogs[ranking.catalog]
    return bool(kept_back(catalog.topics, catalog.purpose))


def values_in(value: Any) -> tuple[Any, ...]:
    """The values that an attribute holds: one, those of a list, or none."""
    if value is None or value == "":
        return ()
    return value if isinstance(value, tuple) else (value,)


def seed_of(facts: Mapping[str, Any], now: datetime, slot: str, rule: str) -> str:
    """What the draws of a request depend on. A request that nothing names is for the tests to leave out.

    An empty text names nothing.
    """
    if facts.get("context.request_id"):
        named = f"request\0{facts['context.request_id']}"
    else:
        named = f"user\0{facts.get('user.id')}\0{now.date().isoformat()}"
    return f"{named}\0{slot}\0{rule}\0"


def draw(seed: str, name: str) -> float:
    """A number from 0 to 1."""
    return int.from_bytes(sha256(f"{seed}{name}".encode()).digest()[:6]) / 2**48
