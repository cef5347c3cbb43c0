"""What of a book is not as it was in another and bears on one slot or setting: where to look at a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from tailored.book.diagnostics import Span
from tailored.book.flows import read_by
from tailored.book.model import Catalog, Content, Json, Rule, RuleBook, Scorer, Segment, Setting, Slot
from tailored.condition.english import joined
from tailored.proof.difference import bearing
from tailored.proof.reader import as_asked, scorers_of

MOST_NAMED = 5
"""How many differences of one thing are told."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something of the new book that is not as it was: what it is, its id, its place, and how it differs.

    `what` is `rule`, `segment`, `slot`, `setting`, `content` or `catalog`.
    """

    what: str
    id: str
    span: Span
    how: str = ""


def parts_of_change(name: str, old: RuleBook, new: RuleBook) -> tuple[list[Part], list[str]]:
    """What bears on a slot or a setting and is not as it was, and the ids of rules that are gone.

    A slot that is new is so with all that bears on it, which is not told.
    """
    rules, gone = _rules(name, old, new)
    was, is_ = declared(name, old), declared(name, new)
    if was is None:
        return [], gone
    parts = [Part("rule", rule.id, rule.span) for rule in rules]
    parts += [Part("segment", one.id, one.span) for one in _segments(name, old, new)]
    if is_ is not None and _holds(was) != _holds(is_):
        parts.append(Part("slot" if isinstance(is_, Slot) else "setting", name, is_.span))
    return [*parts, *_content(name, old, new), *_catalogs(name, old, new)], gone


def declared(name: str, book: RuleBook) -> Slot | Setting | None:
    """A slot or a setting."""
    return book.slots.get(name) or book.settings.get(name)


def other_scorers(name: str, old: RuleBook, new: RuleBook) -> list[str]:
    """The scorers that are asked about a slot and are not the same in both books."""
    asked: dict[str, list[Scorer | None]] = {}
    for book in (new, old):
        for ranking in (rule.rank[name] for rule in book.rules if name in rule.rank):
            for one in scorers_of(book, ranking):
                asked[one] = [each.scorers.get(one) for each in (old, new)]
    return [one for one, (before, after) in asked.items() if as_asked(before) != as_asked(after)]


def _holds(thing: Slot | Setting) -> tuple[Any, ...]:
    """What a slot or a setting says of its answers."""
    if isinstance(thing, Setting):
        return (thing.default,)
    return thing.default, thing.many, thing.fill, thing.modules


def _bearing(name: str, book: RuleBook) -> Iterator[Rule]:
    return (
        rule for rule in book.rules if name in (*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set)
    )


def _rules(name: str, old: RuleBook, new: RuleBook) -> tuple[list[Rule], list[str]]:
    """The rules that bear on a slot or a setting as none of the old book does (of the same rules, those that
    moved), and the ids of those gone."""
    were, are = (
        [(rule, repr((bearing(rule, name), rule.priority))) for rule in _bearing(name, book)]
        for book in (old, new)
    )
    before, after = ({said for _, said in rules} for rules in (were, are))
    changed = [rule for rule, said in are if said not in before]
    gone = [rule.id for rule, said in were if said not in after]
    return changed or ([] if gone else _moved(were, are)), gone


def _moved(were: Sequence[tuple[Rule, str]], are: Sequence[tuple[Rule, str]]) -> list[Rule]:
    """The fewest rules that stand at another place among the same."""
    orders = [[said for _, said in rules] for rules in (were, are)]
    blocks = SequenceMatcher(None, orders[0], orders[1], autojunk=False).get_matching_blocks()
    kept = {place for block in blocks for place in range(block.b, block.b + block.size)}
    return [rule for place, (rule, _) in enumerate(are) if place not in kept]


def _segments(name: str, old: RuleBook, new: RuleBook) -> list[Segment]:
    """The segments that rules of a slot or a setting read, and that mean another thing than before."""
    read = {
        one.id: one
        for rule in _bearing(name, new)
        for _, one in read_by(rule.when, new)
        if isinstance(one, Segment)
    }
    return [
        one
        for one in read.values()
        if (was := old.segments.get(one.id)) and (was.when, was.topics) != (one.when, one.topics)
    ]


def _content(name: str, old: RuleBook, new: RuleBook) -> Iterator[Part]:
    """The content that may stand in a slot by both books, and is not as it was."""
    named: list[dict[str, None]] = []
    for book in (old, new):
        slot = book.slots.get(name)
        ids = list(slot.default if slot is not None else ())
        for rule in _bearing(name, book):
            ids += (*rule.show.get(name, ()), *(rule.rank[name].of if name in rule.rank else ()))
        named.append(dict.fromkeys(ids))
    for one in named[1]:
        was, is_ = old.content.get(one), new.content.get(one)
        if one in named[0] and was is not None and is_ is not None and (how := _how(_said(was), _said(is_))):
            yield Part("content", one, is_.span, f"has {how}")


def _catalogs(name: str, old: RuleBook, new: RuleBook) -> Iterator[Part]:
    """The catalogs that rankings of a slot choose from and that show something else of what they have."""
    asked = (rule.rank[name].catalog for rule in _bearing(name, new) if name in rule.rank)
    for one in dict.fromkeys(asked):
        was, is_ = old.catalogs.get(one or ""), new.catalogs.get(one or "")
        if was is None or is_ is None:
            continue
        items = [{item.id: item for item in book.items.get(was.id, ())} for book in (old, new)]
        if ways := [*filter(None, (_how(_said(was), _said(is_)), _how(*items)))]:
            yield Part("catalog", is_.id, is_.span, f"has {joined(ways)}")
        elif [*items[0]] != [*items[1]]:
            yield Part("catalog", is_.id, is_.span, "has its items in another order")


def _said(thing: Content | Catalog) -> dict[str, Json | tuple[str, ...] | None]:
    """What content says and asks for, by the words of the book."""
    labels = {"topic": thing.topics or None, "purpose": thing.purpose}
    return {**thing.fields, **labels, "format": None if thing.escaped else "text"}


def _how(was: Mapping[str, Any], is_: Mapping[str, Any]) -> str:
    """What says something else by the same name, is new, or gone: `another `title` and a new `image``."""
    ways: list[str] = []
    for key in dict.fromkeys((*is_, *was)):
        before, after = was.get(key), is_.get(key)
        if before != after:
            ways.append(f"{'no' if after is None else 'a new' if before is None else 'another'} `{key}`")
    more = len(ways) - MOST_NAMED
    return joined(ways if more <= 1 else [*ways[:MOST_NAMED], f"{more} more differences"])
