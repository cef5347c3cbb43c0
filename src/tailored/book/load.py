"""A whole book: files to nodes to sections to a linked rule book, with all that is wrong with it."""

from __future__ import annotations

import os

from tailored.book.collect import Collected, collect
from tailored.book.conditions import Names
from tailored.book.declarations import read_attributes, read_settings, read_slots, read_topics
from tailored.book.diagnostics import Diagnostic, Report, RuleBookError, sort
from tailored.book.model import Content, RuleBook, Segment, Slot
from tailored.book.rules import RuleReader, known_content, read_content, read_segments
from tailored.book.source import in_book_order, read_sources
from tailored.condition.tree import segments_named


def check_book(sources: dict[str, bytes]) -> tuple[RuleBook, Report]:
    """The book of these files (path to content), and all findings; with errors it is unfit for use."""
    found: list[Diagnostic] = []
    collected = collect(in_book_order(sources), found)
    section = collected.sections
    topics = read_topics(section["topics"])
    attributes = read_attributes(section["attributes"], topics)
    slots = read_slots(section["slots"])
    settings = read_settings(section["settings"])
    content = read_content(section["content"], topics)
    names = Names(attributes, section["segments"])
    segments = read_segments(section["segments"], names, topics)
    _check_circles(collected, segments)
    _check_defaults(collected, slots, content)
    reader = RuleReader(names, topics, slots, settings, content)
    rules = [reader.read(entry) for entry in section["rules"].values()]
    book = RuleBook(
        attributes,
        topics,
        slots,
        settings,
        content,
        segments,
        tuple(sorted(rules, key=lambda rule: -rule.priority)),
    )
    return book, Report(sort(found), collected.texts)


def load_book(folder: str | os.PathLike[str]) -> RuleBook:
    """The book in a folder. Raises RuleBookError where it has errors, BookNotReadable where there is none."""
    book, report = check_book(read_sources(folder))
    if report.errors:
        raise RuleBookError(report, os.path.join(os.fspath(folder), ""))
    return book


def _check_circles(collected: Collected, segments: dict[str, Segment]) -> None:
    """Segments that refer to themselves through others, each circle reported once, with its way round."""
    done: set[str] = set()
    for first in segments:
        way: list[str] = []
        stack = [(first, iter(tuple(segments_named(segments[first].when))))] if first not in done else []
        way = [first] if stack else []
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                done.add(name)
                stack.pop()
                way.pop()
            elif following in way:
                circle = [*way[way.index(following) :], following]
                entry = collected.sections["segments"][following]
                entry.reader.error(
                    entry.key,
                    "segment-cycle",
                    f"`{following}` refers to itself: {' → '.join(circle)}.",
                    "Take one of these steps out.",
                )
            elif following not in done:
                way.append(following)
                stack.append((following, iter(tuple(segments_named(segments[following].when)))))


def _check_defaults(collected: Collected, slots: dict[str, Slot], content: dict[str, Content]) -> None:
    for name, slot in slots.items():
        entry = collected.sections["slots"][name]
        for item in slot.default:
            if known_content(entry.reader, entry.body, item, content) and (
                content[item].topics or content[item].purpose
            ):
                entry.reader.error(
                    entry.body,
                    "labelled-default",
                    f"`{item}` carries a label, so it cannot be a default.",
                    "A default must be fit for everyone: name content without `topic` and `purpose`.",
                )
