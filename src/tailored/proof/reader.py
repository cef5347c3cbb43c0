"""The reader that turns conditions, labels and rules of one book into formulas of Z3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import z3

from tailored.book.builtin import GPC as HONOURS_GPC
from tailored.book.builtin import PERSONALIZATION, is_personal
from tailored.book.model import NOWHERE, Content, Ranking, Rule, RuleBook, Scorer
from tailored.condition.normal import Both, Literal, Normal, normalise
from tailored.condition.tree import (
    Attribute,
    Condition,
    InSegment,
    Logic,
    Op,
    Size,
    Test,
)
from tailored.engine.resolve import personal_rules
from tailored.proof.hopes import hoped_for
from tailored.proof.symbols import (
    GPC,
    NO,
    OPT_OUTS,
    YES,
    Formula,
    Members,
    Symbols,
    Variable,
    every,
    logic_key,
    no,
    place_of,
    some,
)


class Reader:
    """What conditions and labels of a book say of the symbols of a request."""

    def __init__(self, book: RuleBook, symbols: Symbols) -> None:
        self.book, self.symbols = book, symbols
        self._opted: dict[str, Formula] = {}
        self._known: dict[str, Formula] = {}
        self._tests: dict[tuple[Test, bool], Formula] = {}
        self._segments: dict[tuple[str, bool], Formula] = {}
        self._rules: dict[str, Formula] = {}
        self._choosers: dict[tuple[int, int], int] = {}
        self.personal = personal_rules(book)

    def holds(self, condition: Condition, wanted: bool = True) -> Formula:
        """That a condition is known to be true (or, not `wanted`, to be false)."""
        return self.satisfied(self.normal(condition, wanted))

    def normal(self, condition: Condition, wanted: bool = True) -> Normal:
        """The normal form of a condition in this book."""
        return normalise(condition, lambda name: self.book.segments[name].topics, wanted)

    def satisfied(self, normal: Normal) -> Formula:
        """That a normal form is satisfied."""
        if isinstance(normal, Literal):
            return self.literal(normal)
        joined = every if isinstance(normal, Both) else some
        return joined([self.satisfied(part) for part in normal.parts])

    def literal(self, literal: Literal) -> Formula:
        """That a leaf is known to be what a literal wants."""
        leaf, wanted = literal.leaf, literal.wanted
        if isinstance(leaf, Test):
            return self._test(leaf, wanted)
        if isinstance(leaf, InSegment):
            return self.segment(leaf.id, wanted)
        if isinstance(leaf, Logic):
            true, false, _ = self.symbols.logics[logic_key(leaf)]
            seen = [no(self.hidden(attribute)) for attribute in leaf.reads]
            return every([true if wanted else false, *seen])
        return self.open(leaf.topics)

    def segment(self, name: str, wanted: bool) -> Formula:
        """That the condition of a segment is known to be true (or false); its labels are asked elsewhere."""
        if (name, wanted) not in self._segments:
            self._segments[name, wanted] = self.holds(self.book.segments[name].when, wanted)
        return self._segments[name, wanted]

    def open(self, topics: Iterable[str]) -> Formula:
        """That all these topics need no consent, or have it."""
        asked = [self.book.topics[topic] for topic in topics if self.book.topics[topic].sensitive]
        return every([NO if one.consent is None else self.symbols.flag(one.consent) for one in asked])

    def opted_out(self, purpose: str) -> Formula:
        """That a request opts out of a purpose."""
        if purpose not in self._opted:
            symbols, named = self.symbols, self.symbols.variables[OPT_OUTS]
            assert isinstance(named.value, Members)
            ways = [symbols.unreadable, z3.And(named.known, named.value.members[purpose])]
            if HONOURS_GPC in self.book.purposes[purpose].honours:
                signal = symbols.variables[GPC]
                ways.append(z3.And(signal.known, signal.value.within(0b10)))  # type: ignore[union-attr]
            self._opted[purpose] = some(ways)
        return self._opted[purpose]

    def permitted(self, topics: Iterable[str], purpose: str | None) -> Formula:
        """That no label of a thing keeps it back."""
        wanted = [self.open(topics)]
        if purpose is not None:
            wanted.append(no(self.opted_out(purpose)))
        return every(wanted)

    def placeable(self, content: str) -> Formula:
        """That content may be placed: the gate at the exit."""
        item: Content = self.book.content[content]
        return self.permitted(item.topics, item.purpose)

    def hidden(self, attribute: Attribute) -> Formula:
        """That the gate at the door hides an attribute."""
        ways = [no(self.permitted(attribute.topics, attribute.purpose))]
        if is_personal(attribute):
            ways.append(self.opted_out(PERSONALIZATION))
        return some(ways)

    def known(self, attribute: Attribute) -> Formula:
        """That conditions find a value for an attribute."""
        if attribute.key not in self._known:
            variable = self.symbols.variables[place_of(attribute)]
            self._known[attribute.key] = every([variable.known, no(self.hidden(attribute))])
        return self._known[attribute.key]

    def let_through(self, rule: Rule) -> list[Formula]:
        """That neither a label nor an opt-out keeps a rule back."""
        asleep = [no(self.opted_out(PERSONALIZATION))] if rule.id in self.personal else []
        return [self.permitted(rule.topics, rule.purpose), *asleep]

    def usable(self, rule: Rule) -> Formula:
        """That a rule is awake, its condition holds, and nothing keeps it back."""
        if rule.id not in self._rules:
            awake = self.symbols.awake(rule.start, rule.end)
            self._rules[rule.id] = every([awake, self.holds(rule.when), *self.let_through(rule)])
        return self._rules[rule.id]

    def chosen(self, ranking: Ranking, content: str, again: int = 0) -> Formula:
        """That a ranking takes some content: nobody knows, but that what is declared alike chooses alike.

        `again` says how many before it in a list are declared alike, as it takes what they leave.
        """
        key = id(ranking), again
        if key not in self._choosers:
            described = (again, ranking, *_chooser(self.book, ranking))
            self._choosers[key] = self.symbols.chooser(described)
            ways = [
                every(self._test(test, True) for test in tests) for tests in hoped_for(self.book, ranking)
            ]
            if ways:
                choice = self.symbols.choice(self._choosers[key], content)
                self.symbols.hopes.append(z3.Implies(choice, some(ways)))
        return self.symbols.choice(self._choosers[key], content)

    def _test(self, test: Test, wanted: bool) -> Formula:
        found = self._tests.get((test, wanted))
        if found is None:
            known = self.known(test.attribute)
            if test.op is Op.KNOWN:
                found = known if test.operand is wanted else no(known)
            else:
                variable = self.symbols.variables[place_of(test.attribute)]
                found = every([known, TRANSLATE[test.op](self.symbols, variable, test, wanted)])
            self._tests[test, wanted] = found
        return found


def scorers_of(book: RuleBook, ranking: Ranking) -> dict[str, Scorer]:
    """The scorers that a ranking asks, and those that they ask in turn, by name."""
    waiting = [ranking.by, ranking.explore.by if ranking.explore else None]
    asked: dict[str, Scorer] = {}
    while waiting:
        scorer = book.scorers.get(waiting.pop() or "")
        if scorer is not None and scorer.id not in asked:
            asked[scorer.id] = scorer
            waiting += [scorer.fallback, *_texts(scorer.settings)]
    return asked


def as_asked(scorer: Scorer | None) -> Scorer | None:
    """A scorer without what it does not answer by."""
    return None if scorer is None else replace(scorer, description="", owner="")


def _chooser(book: RuleBook, ranking: Ranking) -> Iterator[object]:
    """What a ranking chooses by and among: its scorers, what lets them, and what they see of candidates."""
    for _, scorer in sorted(scorers_of(book, ranking).items()):
        topics = [*scorer.topics, *(topic for feature in scorer.features for topic in feature.topics)]
        yield as_asked(scorer), [book.topics[topic].consent for topic in topics]
    for item in (book.content[name] for name in ranking.of if name in book.content):
        yield replace(item, description="", owner="", not_about=())
    if (catalog := book.catalogs.get(ranking.catalog or "")) is not None:
        yield replace(catalog, description="", owner="", not_about=(), span=NOWHERE)
        yield book.items.get(catalog.id)


def _texts(value: object) -> Iterator[str]:
    """The texts in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, Iterable):
        for one in value:
            yield from _texts(one)


class Ungated(Reader):
    """The same as though every consent were given and nobody opted out of anything."""

    def open(self, topics: Iterable[str]) -> Formula:
        return YES

    def opted_out(self, purpose: str) -> Formula:
        return NO


def _by_cells(symbols: Symbols, variable: Variable, test: Test, wanted: bool) -> Formula:
    """The cells whose values pass: what the plain meaning says of each is the translation."""
    value = variable.value
    assert not isinstance(value, Members)
    return value.within(value.cells.mask(test, wanted))


def _by_parts(symbols: Symbols, variable: Variable, test: Test, wanted: bool) -> Formula:
    """A test on a part of a text: known for the texts that tests name, free for all others."""
    value = variable.value
    assert not isinstance(value, Members)
    named = value.cells.mask(test, wanted)
    if test not in variable.patterns:
        return value.within(named)
    other = 1 << (value.cells.other or 0)
    passes = variable.patterns[test]
    return some(
        [value.within(named & ~other), every([value.within(other), passes if wanted else z3.Not(passes)])]
    )


def _by_members(symbols: Symbols, variable: Variable, test: Test, wanted: bool) -> Formula:
    value = variable.value
    assert isinstance(value, Members)
    asked = test.operand if isinstance(test.operand, tuple) else (test.operand,)
    has = [value.members[member] for member in asked]  # type: ignore[index]
    found = every(has) if test.op is Op.CONTAINS_ALL else some(has)
    return found if (test.op is not Op.CONTAINS_NONE) is wanted else no(found)


def _contains(symbols: Symbols, variable: Variable, test: Test, wanted: bool) -> Formula:
    translate = _by_members if isinstance(variable.value, Members) else _by_parts
    return translate(symbols, variable, test, wanted)


def _by_size(symbols: Symbols, variable: Variable, test: Test, wanted: bool) -> Formula:
    value = variable.value
    assert isinstance(value, Members)
    assert isinstance(test.operand, Size)
    return value.size.within(value.cells.size_mask(test.operand, wanted))


def _by_now(symbols: Symbols, variable: Variable, test: Test, wanted: bool) -> Formula:
    within = symbols.within_the_last(variable, test.operand)  # type: ignore[arg-type]
    return within if (test.op is Op.IN_THE_LAST) is wanted else no(within)


TRANSLATE: dict[Op, Callable[[Symbols, Variable, Test, bool], Formula]] = {
    Op.IS: _by_cells,
    Op.IS_NOT: _by_cells,
    Op.ONE_OF: _by_cells,
    Op.NONE_OF: _by_cells,
    Op.AT_LEAST: _by_cells,
    Op.MORE_THAN: _by_cells,
    Op.AT_MOST: _by_cells,
    Op.LESS_THAN: _by_cells,
    Op.BETWEEN: _by_cells,
    Op.BEFORE: _by_cells,
    Op.AFTER: _by_cells,
    Op.IN_THE_LAST: _by_now,
    Op.NOT_IN_THE_LAST: _by_now,
    Op.CONTAINS: _contains,
    Op.STARTS_WITH: _by_parts,
    Op.ENDS_WITH: _by_parts,
    Op.LIKE: _by_parts,
    Op.CONTAINS_ANY: _by_members,
    Op.CONTAINS_ALL: _by_members,
    Op.CONTAINS_NONE: _by_members,
    Op.SIZE: _by_size,
}
"""How each operator says that a known value passes (or fails). `known` is about every attribute alike."""
