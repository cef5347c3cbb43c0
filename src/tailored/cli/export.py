"""`tailored export`: the conditions of a rule book in a language that other systems evaluate."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from tailored.book.builtin import GPC, PERSONALIZATION, is_personal
from tailored.book.diagnostics import BookNotReadable
from tailored.book.load import check_book
from tailored.book.model import Rule, RuleBook
from tailored.book.source import read_sources
from tailored.book.suggest import did_you_mean
from tailored.condition.jsonlogic import NotExportable, Surroundings, to_jsonlogic
from tailored.condition.tree import Attribute, Condition, attributes_read, segments_named
from tailored.condition.types import as_text
from tailored.engine.facts import as_json


@click.command()
@click.argument("book", default="rules", type=click.Path(readable=False))
@click.option("--to", type=click.Choice(["jsonlogic"]), required=True, help="The language to export to.")
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Export this rule; may be repeated.")
@click.option(
    "--segment", "segments", multiple=True, metavar="ID", help="Export this segment; may be repeated."
)
def export(book: str, to: str, rules: tuple[str, ...], segments: tuple[str, ...]) -> None:
    """Print the rules and segments of the book in the folder BOOK (rules, unless named) as JSONLogic in JSON.

    Rules stand in resolution order. What cannot be said in JSONLogic is left out, and told. Exits with 0;
    with 1 when something is left out, or the book has errors; with 2 when there is no book to read.
    """
    try:
        found, report = check_book(read_sources(book), folder=book)
    except BookNotReadable as error:
        click.echo(f"tailored: {error}", err=True)
        sys.exit(2)
    prefix = os.path.join(book, "")
    if report.errors:
        click.echo(report.to_text(prefix), err=True)
        sys.exit(1)
    _check_names("--rule", rules, [rule.id for rule in found.rules])
    _check_names("--segment", segments, found.segments)
    every = not rules and not segments
    exported, problems = _exported(
        found,
        prefix,
        [rule for rule in found.rules if every or rule.id in rules],
        [name for name in found.segments if every or name in segments],
    )
    click.echo(json.dumps(exported, indent=2))
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)


def surroundings_of(book: RuleBook) -> Surroundings:
    """What the conditions of a book refer to."""
    return Surroundings(
        {segment.id: (segment.when, segment.topics) for segment in book.segments.values()},
        {topic.id: topic.consent for topic in book.topics.values() if topic.sensitive},
        _purposes,
        frozenset(purpose.id for purpose in book.purposes.values() if GPC in purpose.honours),
    )


def rule_as_jsonlogic(book: RuleBook, rule: Rule, surroundings: Surroundings) -> dict[str, Any]:
    """When a rule fires, and what it does, as JSON data. Raises NotExportable.

    Its `when` demands what the rule's labels do, and, where it reads something about the user, that they have
    not opted out of personalization. Its schedule stands beside it.
    """
    purposes: tuple[str, ...] = (rule.purpose,) if rule.purpose is not None else ()
    if any(is_personal(attribute) for attribute in _read(book, rule.when)):
        purposes += (PERSONALIZATION,)
    actions = {
        "show": {
            name: list(items) if book.slots[name].many is not None else items[0]
            for name, items in rule.show.items()
        },
        "hide": list(rule.hide),
        "order": {name: list(modules) for name, modules in rule.order.items()},
        "set": {name: as_json(value) for name, value in rule.set.items()},
        "from": rule.start and as_text(rule.start),
        "until": rule.end and as_text(rule.end),
    }
    when = to_jsonlogic(rule.when, surroundings, rule.topics, purposes)
    return {"when": when, "priority": rule.priority} | {key: value for key, value in actions.items() if value}


def _exported(
    book: RuleBook, prefix: str, rules: Iterable[Rule], segments: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """These rules and segments as JSON data, and a line for each that cannot be exported."""
    surroundings = surroundings_of(book)
    exported: dict[str, Any] = {"rules": {}, "segments": {}}
    problems = []
    for rule in rules:
        try:
            exported["rules"][rule.id] = rule_as_jsonlogic(book, rule, surroundings)
        except NotExportable as refused:
            problems.append(f"{prefix}{rule.span}  rule `{rule.id}` is left out: {refused}")
    for name in segments:
        when, topics = surroundings.segments[name]
        try:
            exported["segments"][name] = {"when": to_jsonlogic(when, surroundings, topics)}
        except NotExportable as refused:
            problems.append(f"segment `{name}` is left out: {refused}")
    return exported, problems


def _purposes(attribute: Attribute) -> tuple[str, ...]:
    own = (attribute.purpose,) if attribute.purpose is not None else ()
    return (*own, PERSONALIZATION) if is_personal(attribute) else own


def _read(book: RuleBook, condition: Condition) -> Iterable[Attribute]:
    """The attributes that a condition reads, its segments followed, each segment once."""
    conditions, followed = [condition], set[str]()
    while conditions:
        one = conditions.pop()
        yield from attributes_read(one)
        named = set(segments_named(one)) - followed
        followed |= named
        conditions += [book.segments[name].when for name in named]


def _check_names(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    every = list(known)
    for name in names:
        if name not in every:
            hint = did_you_mean(name, every)
            raise click.UsageError(f"{option}: there is no `{name}` in the book. {hint}".rstrip())
