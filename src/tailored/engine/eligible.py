"""What a ranking may choose from: what meets its conditions, and what no gate keeps back."""

from __future__ import annotations

from tailored.book.model import Ranking, RuleBook
from tailored.engine.chosen import Key
from tailored.engine.facts import Facts
from tailored.engine.kept import MOST_KEPT_OF, Kept
from tailored.engine.resolve import Withheld
from tailored.scoring.catalogs import Catalogs
from tailored.scoring.protocol import Candidate
from tailored.scoring.stock import Stock, places, stock_of_content


class Eligible:
    """Tells of the rankings of a book what is eligible for a request. Threads share it."""

    def __init__(self, book: RuleBook, catalogs: Catalogs) -> None:
        self._book, self._catalogs = book, catalogs
        self.content = {
            id(ranking): stock_of_content([book.content[name] for name in ranking.of])
            for rule in book.rules
            for ranking in rule.rank.values()
            if ranking.catalog is None
        }
        """The content that rankings name, by the identity of the ranking."""
        self._listed: Kept[tuple[int, int], tuple[Stock, tuple[Candidate, ...]]] = Kept()
        """The candidates of a stock (by its identity, so it is held) and of bits, which hardly vary."""

    def held_back(self, ranking: Ranking, facts: Facts) -> set[Withheld]:
        """What of a ranking's candidates the guard keeps back."""
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
            stock = self._catalogs.stock(ranking.catalog)
            held = stock.held_back(permissions)
            meeting = _meeting(ranking, stock, facts) if held else 0
            for place, labels in held.items():
                if meeting >> place & 1:
                    name = stock.candidates[place].id
                    found |= {Withheld("content", name, label, of) for label, of in labels}
        return found

    def is_permitted(self, name: str, facts: Facts) -> bool:
        """Whether a request permits a piece of content."""
        item = self._book.content[name]
        return not any(facts.permissions.held_back(item.topics, item.purpose))

    def pins(
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
            catalog, stock = self._book.catalogs[ranking.catalog], self._catalogs.stock(ranking.catalog)
            place = stock.by_id.get(name)
            if place is not None:
                closed = any(permissions.held_back(catalog.topics, catalog.purpose))
                closed |= any(permissions.held_back(*stock.labels.get(place, ((), None))))
                return None if closed else stock.candidates[place]
        if name not in self._book.content or not self.is_permitted(name, facts):
            return None
        return self._catalogs.content[name]

    def candidates(self, ranking: Ranking, taken: set[Key], facts: Facts) -> tuple[Candidate, ...]:
        """What may be chosen from: what meets the conditions and what no gate keeps back, in order."""
        if ranking.catalog is not None:
            catalog, stock = self._book.catalogs[ranking.catalog], self._catalogs.stock(ranking.catalog)
            if any(facts.permissions.held_back(catalog.topics, catalog.purpose)):
                return ()
        else:
            stock = self.content[id(ranking)]
        bits = _meeting(ranking, stock, facts)
        for place in stock.held_back(facts.permissions):
            bits &= ~(1 << place)
        kept = self._listed.get((id(stock), bits))
        if kept is None:
            kept = stock, tuple([stock.candidates[place] for place in places(bits)])
            if len(stock.candidates) <= MOST_KEPT_OF:
                self._listed.keep((id(stock), bits), kept)
        if not taken:
            return kept[1]
        return tuple([one for one in kept[1] if (one.catalog, one.id) not in taken])

    def is_unlabelled(self, name: str | None) -> bool:
        """Whether neither a catalog nor any of its items has a label, so that nobody is kept from it."""
        if name is None:
            return False
        catalog = self._book.catalogs[name]
        return not (catalog.topics or catalog.purpose or self._catalogs.stock(name).labels)

    def may_stand(self, key: Key, facts: Facts) -> bool:
        """Whether a request permits what is placed."""
        name, permissions = key[1], facts.permissions
        if key[0] is None:
            return self.is_permitted(name, facts)
        catalog, stock = self._book.catalogs[key[0]], self._catalogs.stock(key[0])
        labels = stock.labels.get(stock.by_id.get(name, -1), ((), None))
        return not any(
            (*permissions.held_back(catalog.topics, catalog.purpose), *permissions.held_back(*labels))
        )


def _meeting(ranking: Ranking, stock: Stock, facts: Facts) -> int:
    """The candidates that meet `where`, and none of `without`, as bits."""
    bits = stock.true(ranking.where, facts.values, facts.now)
    for condition in ranking.without:
        bits &= ~stock.true(condition, facts.values, facts.now)
    return bits
