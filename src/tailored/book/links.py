"""How the parts of a book hang together: circles, depth, labels of defaults, and what nothing uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence

from tailored.book.collect import Collected
from tailored.book.diagnostics import Diagnostic
from tailored.book.flows import is_sensitive
from tailored.book.model import Ranking, RuleBook, Segment, Slot
from tailored.book.rankings import content_named, scorers_named
from tailored.book.rules import known_content
from tailored.book.scorers import named_by
from tailored.book.walk import place_of
from tailored.condition.tree import All, Any, Condition, InSegment, Not, segments_named

DEEPEST = 100
"""How deep a condition may nest, with the segments that it names followed."""

_REPORTED = -(10**9)
_LONGEST_CIRCLE = 12
_WORD = re.compile(r"[a-z0-9_.-]+", re.ASCII)


def check_segments(collected: Collected, segments: dict[str, Segment]) -> dict[str, int]:
    """Reports circles of segments and what nests too deeply; gives the height of each segment's condition."""
    heights: dict[str, int] = {}
    circular = False
    for first in segments:
        way = {} if first in heights else {first: _names(segments[first])}
        while way:
            name, rest = next(reversed(way.items()))
            following = next(rest, None)
            if following is None:
                del way[name]
                when = segments[name].when  # in a circle there is no depth to speak of
                heights[name] = 0 if circular else _checked(collected, "segments", name, when, heights)
            elif following in way:
                circular = True
                steps = list(way)
                _report_circle(collected, [*steps[steps.index(following) :], following])
            elif following not in heights:
                way[following] = _names(segments[following])
    return heights


def check_depth(collected: Collected, book: RuleBook, heights: dict[str, int]) -> None:
    """Reports the rules that nest too deeply with their segments followed."""
    if max(heights.values(), default=0) > DEEPEST // 3:  # else no rule can, as YAML itself is bounded
        for rule in book.rules:
            _checked(collected, "rules", rule.id, rule.when, heights)


def check_defaults(collected: Collected, book: RuleBook) -> None:
    """Reports defaults that are unknown, or that carry a label: a default must be fit for everyone."""
    content = book.content
    for name, slot in book.slots.items():
        entry = collected.sections["slots"][name]
        for item in slot.default:
            node = place_of(entry, "default", item)
            if known_content(entry.reader, node, item, content) and (
                content[item].purpose
                or any(is_sensitive(topic, book.topics) for topic in content[item].topics)
            ):
                entry.reader.error(
                    node,
                    "labelled-default",
                    f"`{item}` carries a label, so it cannot be a default.",
                    "A default must be fit for everyone: name content without `topic` and `purpose`.",
                )


def check_unused(
    collected: Collected, book: RuleBook, segments_used: Container[str], found: Sequence[Diagnostic]
) -> None:
    """Warns of segments, content and settings that nothing uses, and of slots that no rule fills.

    In a book with errors a use may be hidden by one of them; then a thing counts as used when any file
    mentions it anywhere, or when a slip of its name was found.
    """
    entries = collected.sections
    has_errors = any(finding.severity == "error" for finding in found)
    mentioned = _mentioned(collected) if has_errors else frozenset()
    placed = {name for slot in book.slots.values() for name in slot.default}
    filled: set[str] = set()
    changed: set[str] = set()
    ranked: list[Ranking] = []
    for rule in book.rules:
        placed.update(*rule.show.values())
        filled.update(rule.show, rule.rank, rule.order)
        changed.update(rule.set)
        ranked += rule.rank.values()
    placed.update(name for ranking in ranked for name in content_named(ranking, book.content))

    for name, entry in entries["segments"].items():
        if name not in segments_used and name not in mentioned:
            message = f"Nothing uses the segment `{name}`."
            entry.reader.warn(entry.key, "unused-segment", message, "Name it in a rule, or take it out.")
    for name, entry in entries["content"].items():
        if name not in placed and name not in mentioned:
            message = f"No rule and no default places the content `{name}`."
            entry.reader.warn(entry.key, "unused-content", message, "Show it in a rule, or take it out.")
    for name, entry in entries["settings"].items():
        if name in book.settings and name not in changed and name not in mentioned:
            message = f"No rule sets `{name}`, so it always is what its default says."
            entry.reader.warn(entry.key, "unused-setting", message, "Set it in a rule, or take it out.")
    catalogs = {ranking.catalog for ranking in ranked}
    for name, entry in entries["catalogs"].items():
        if name not in catalogs and name not in mentioned:
            message = f"No rule shows anything of the catalog `{name}`."
            entry.reader.warn(entry.key, "unused-catalog", message, "Name it in a rule, or take it out.")
    asked = {name for ranking in ranked for name in scorers_named(ranking)}
    asked.update(name for scorer in book.scorers.values() for name in named_by(scorer))
    for name, entry in entries["scorers"].items():
        if name not in asked and name not in mentioned:
            message = f"Nothing asks the scorer `{name}`."
            entry.reader.warn(entry.key, "unused-scorer", message, "Name it in a rule, or take it out.")
    for name, slot in book.slots.items():
        if name not in filled and name not in mentioned:
            entry = entries["slots"][name]
            entry.reader.warn(entry.key, "unfillable-slot", *_unfilled(slot))


def _unfilled(slot: Slot) -> tuple[str, str]:
    if slot.kind == "order":
        message = f"No rule orders `{slot.id}`, so its modules always stay as they are."
        return message, f"Write a rule with `order: {{{slot.id}: [...]}}`, or take the slot out."
    always = "always shows its default" if slot.default else "is always empty"
    message = f"No rule shows anything in `{slot.id}`, so it {always}."
    return message, f"Write a rule with `show: {{{slot.id}: ...}}`, or take the slot out."


def _mentioned(collected: Collected) -> frozenset[str]:
    """The words that the files hold more than once, and those that somebody meant."""
    words = Counter(word for text in collected.texts.values() for word in _WORD.findall(text))
    return frozenset(word for word, count in words.items() if count > 1) | collected.flaws.meant


def _names(segment: Segment) -> Iterator[str]:
    return iter(dict.fromkeys(segments_named(segment.when)))


def _checked(
    collected: Collected, section: str, name: str, condition: Condition, heights: dict[str, int]
) -> int:
    height = _height(condition, heights)
    if height <= DEEPEST:
        return height
    entry = collected.sections[section][name]
    entry.reader.error(
        entry.key,
        "too-deep",
        f"The condition of `{name}` nests more than {DEEPEST} levels deep, its segments included.",
        "Let segments name fewer other segments.",
    )
    return _REPORTED  # so that what is above it is not reported for the same reason


def _height(condition: Condition, heights: dict[str, int]) -> int:
    if isinstance(condition, All | Any):
        return 1 + max((_height(part, heights) for part in condition.parts), default=0)
    if isinstance(condition, Not):
        return 1 + _height(condition.part, heights)
    return 1 + (heights.get(condition.id, 0) if isinstance(condition, InSegment) else 0)


def _report_circle(collected: Collected, circle: list[str]) -> None:
    steps = circle if len(circle) <= _LONGEST_CIRCLE else [*circle[:6], "…", *circle[-3:]]
    entry = collected.sections["segments"][circle[0]]
    entry.reader.error(
        entry.key,
        "segment-cycle",
        f"`{circle[0]}` refers to itself: {' → '.join(steps)}.",
        "Take one of these steps out.",
    )
