"""A whole book: files to nodes to sections to a linked rule book, with all that is wrong with it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from tailored.book.catalogs import CatalogReader, catalog_files
from tailored.book.collect import Collected, collect
from tailored.book.conditions import Names
from tailored.book.consent import read_tcf
from tailored.book.content import read_content
from tailored.book.declarations import (
    Labels,
    read_attributes,
    read_purposes,
    read_settings,
    read_slots,
    read_topics,
)
from tailored.book.diagnostics import Diagnostic, Report, RuleBookError, sort
from tailored.book.flows import check_never, note_flows
from tailored.book.guarantees import read_guarantees
from tailored.book.links import check_defaults, check_depth, check_segments, check_unused
from tailored.book.model import Catalog, RuleBook
from tailored.book.rankings import RankingReader
from tailored.book.repeats import read_repeats
from tailored.book.rules import RuleReader, read_segments
from tailored.book.scorers import ScorerReader, TryModel, read_scorers
from tailored.book.source import in_book_order, read_sources
from tailored.book.tests import read_tests
from tailored.book.unlabelled import check_unlabelled
from tailored.condition.types import in_utc


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pauses Python's garbage collector: what loading allocates stays, and searching it doubles the time.

    Proofs, too, hold on to nearly all that they make.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@collector_paused()
def check_book(
    sources: dict[str, bytes],
    now: datetime | None = None,
    folder: str | os.PathLike[str] | None = None,
    *,
    tests: bool = True,
    notes: bool = False,
    try_model: TryModel | None = None,
) -> tuple[RuleBook, Report]:
    """The book of these files (path to content), and all findings; with errors it is unfit for use.

    `now` is the time that schedules are compared with: the clock, unless given. `folder` is where the files
    are: what tests, catalogs and scorers name is looked up from there, and without it only among `sources`.
    Without `tests` these and the guarantees are passed over. With `notes` the findings have notes, too, which
    say what is good to know: of a book without errors, which consent each rule needs. `try_model` is asked
    about the models that scorers name; without it, only whether they are there is looked at.
    """
    found: list[Diagnostic] = []
    data = {path: sources[path] for path in catalog_files(sources)}
    rule_files = {path: sources[path] for path in sources if path not in data} if data else sources
    collected = collect(in_book_order(rule_files), found, () if tests else ("tests", "guarantees"))
    section = collected.sections
    topics = read_topics(section["topics"])
    purposes = read_purposes(section["purposes"])
    labels = Labels(topics, purposes)
    attributes = read_attributes(section["attributes"], labels)
    slots = read_slots(section["slots"], [entry for name, entry in collected.repeated if name == "slots"])
    settings = read_settings(section["settings"])
    content = read_content(section["content"], labels, attributes)
    names = Names(attributes, section["segments"])
    segments = read_segments(section["segments"], names, labels)
    place = None if folder is None else os.fspath(folder)
    catalog_reader = CatalogReader(labels, attributes, place)
    catalogs = _read_catalogs(collected, catalog_reader, data)
    declared = section["scorers"]
    scorers = read_scorers(
        ScorerReader(names, labels, catalog_reader, declared, place, collected.texts, try_model)
    )
    rankings = RankingReader(names, content, catalogs, catalog_reader.items, declared)
    now = in_utc(now or datetime.now(UTC))
    reader = RuleReader(names, labels, slots, settings, content, rankings, now)
    rules = [reader.read(entry) for entry in section["rules"].values()]
    book = RuleBook(
        attributes,
        topics,
        purposes,
        slots,
        settings,
        content,
        segments,
        tuple(sorted(rules, key=lambda rule: -rule.priority)),
        read_tcf(section["consent"], topics, purposes),
        catalogs,
        scorers,
        catalog_reader.items,
        place,
    )
    book = replace(
        book,
        tests=read_tests(section["tests"], section["rules"], book, names, folder),
        guarantees=read_guarantees(section["guarantees"], book, names),
    )
    heights = check_segments(collected, segments)
    check_depth(collected, book, heights)
    check_defaults(collected, book)
    read_repeats(
        collected,
        {
            "attributes": partial(read_attributes, labels=labels),
            "topics": read_topics,
            "purposes": read_purposes,
            "consent": partial(read_tcf, topics=topics, purposes=purposes),
            "slots": read_slots,
            "settings": read_settings,
            "content": partial(read_content, labels=labels, attributes=attributes),
            "segments": partial(read_segments, names=names, labels=labels),
            "rules": lambda entries: [reader.read(entry) for entry in entries.values()],
        },
    )
    check_unused(collected, book, names.segments_used, found)
    check_unlabelled(collected, book)
    never = check_never(collected, book)
    if notes and not any(f.severity == "error" and f.code != "never-consented" for f in found):
        note_flows(collected, book, never)
    return book, Report(sort(found), collected.texts)


def _read_catalogs(collected: Collected, reader: CatalogReader, data: dict[str, bytes]) -> dict[str, Catalog]:
    catalogs = {}
    for name, entry in collected.sections["catalogs"].items():
        if (catalog := reader.read(entry, data, collected.texts)) is not None:
            catalogs[name] = catalog
    return catalogs


def load_book(folder: str | os.PathLike[str], now: datetime | None = None) -> RuleBook:
    """The book in a folder, without its tests, which keep nobody from using it.

    Raises RuleBookError where it has errors, BookNotReadable where there is none.
    """
    book, report = check_book(read_sources(folder), now, folder, tests=False)
    if report.errors:
        raise RuleBookError(report, os.path.join(os.fspath(folder), ""))
    return book
