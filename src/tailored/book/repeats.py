"""What stands twice: the second is left out of the book, but its own mistakes are found all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tailored.book.collect import Collected, Entry
from tailored.book.nodes import Node, Repeat

_ROUNDS = 3
"""How often a key may stand in a mapping, beside the first time, to be read."""


def read_repeats(collected: Collected, readers: Mapping[str, Callable[[dict[str, Entry]], object]]) -> None:
    """Reads ids that stand twice, and bodies with a key that stands in them twice, by its second value.

    `readers` read the entries of a section. What they make of them is not kept; their findings are.
    """
    for section, entry in collected.repeated:
        if section in readers:
            readers[section]({entry.id: entry})
    whole: list[tuple[Node, list[Any]]] = []
    try:
        for _ in range(_ROUNDS):
            repeats, collected.flaws.repeats = collected.flaws.repeats, []
            entries = list(_around(collected, repeats, readers)) if repeats else []
            for repeat in repeats:
                whole.append((repeat.node, repeat.node.value))
                repeat.node.value = [pair for pair in repeat.node.value if pair[0] is not repeat.first]
            for section, entry in entries:
                report = entry.reader.report
                before = len(report)
                readers[section]({entry.id: entry})
                report[before:] = [finding for finding in report[before:] if finding.code != "duplicate-key"]
    finally:
        for node, value in reversed(whole):
            node.value = value


def _around(
    collected: Collected, repeats: list[Repeat], sections: Iterable[str]
) -> Iterator[tuple[str, Entry]]:
    """The entries of these sections whose bodies hold what is repeated."""
    places = {(id(repeat.reader), repeat.node.start_mark.index) for repeat in repeats}
    every = [(name, entry) for name in sections for entry in collected.sections[name].values()]
    every += [(name, entry) for name, entry in collected.repeated if name in sections]
    for section, entry in every:
        start, end = entry.body.start_mark.index, entry.body.end_mark.index
        if any(reader == id(entry.reader) and start <= place <= end for reader, place in places):
            yield section, entry
