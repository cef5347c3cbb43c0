"""Evaluation against other engines: each checked for equal answers, then timed in turns with ours."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import engines
from benchmarks.books import Mix, make
from benchmarks.evaluate import NOW, asked, engine_of
from benchmarks.plot import Series, plot
from benchmarks.tables import show
from benchmarks.turns import in_turns
from tailored.engine.decision import Decision, Placement
from tailored.engine.engine import Engine

SIZES = {
    "selective": (10, 1_000, 10_000, 100_000),
    "dense": (10, 10_000),
    "table": (10, 1_000, 10_000, 100_000),
    "ranges": (1_000, 10_000),
}
QUICK = {"selective": (10, 1_000, 10_000), "dense": (10_000,), "table": (10, 10_000), "ranges": (1_000,)}
SLOW = 10_000
"""Rules up to which an engine that looks at one rule at a time is asked."""
QUICKLY_COMPILED = frozenset({"growthbook", "json-logic-qubit", "common-expression-language"})
"""Those of them that a quick run asks of more than a thousand rules, in the mix where that is a target."""


def run(quick: bool = False) -> None:
    """Prints how many times faster an evaluation is than each peer, and draws time against rules."""
    rows: list[list[str | float]] = []
    lines: dict[tuple[str, str], Series] = {}
    for name, sizes in (QUICK if quick else SIZES).items():
        for size in sizes:
            for peer, ours, theirs, ratio in _measured(name, size, quick):
                rows.append([name, f"{size:,}", ours, peer, theirs, ratio])
                lines.setdefault((name, "tailored"), {})[size] = ours
                lines.setdefault((name, peer), {})[size] = theirs
    show("Other engines, µs at the median", ["mix", "rules", "ours", "peer", "theirs", "times faster"], rows)
    if not quick:
        _show_many()
    plot(lines, quick)


def _measured(name: str, size: int, quick: bool) -> Iterator[tuple[str, float, float, float]]:
    mix = make(name, size)
    engine = engine_of(mix.text)
    for peer, answer in _peers(name, size, engine, quick):
        prepare = engines.PREPARED.get(peer.removesuffix(" by slot"), lambda data: data)
        given = [prepare(engines.flat(engine.book, request)) for request in mix.requests]
        several = 4 if peer in engines.PER_RULE else 40
        expected = [said(engine.evaluate(*request, NOW)) for request in mix.requests[:several]]
        assert list(map(answer, given[:several])) == expected, f"{peer} answers otherwise"
        yield (
            peer,
            *in_turns(
                asked(engine),
                mix.requests,
                answer,
                given,
                0.3 if quick else 1.0,
            ),
        )


def _peers(name: str, size: int, engine: Engine, quick: bool) -> Iterator[tuple[str, engines.Answer]]:
    book = engine.book
    if name in ("table", "ranges"):
        yield "zen-engine", engines.zen_table(book)
    if name == "ranges":
        return
    yield "datalogic-py", engines.datalogic(book)
    if name != "table":
        yield "datalogic-py by slot", engines.datalogic_by_slot(book)
        for peer, compile_ in engines.PER_RULE.items() if size <= SLOW else ():
            if not quick or size <= 1_000 or (name == "selective" and peer in QUICKLY_COMPILED):
                yield peer, engines.loop(book, compile_(book))


def said(decision: Decision) -> list[str]:
    """What each slot got, as the peers say it."""
    return [_said(placement) for placement in decision.slots.values()]


def _said(placement: Placement) -> str:
    if placement.hidden:
        return engines.HIDDEN
    return ",".join(placement.order) or placement.content or ""


def _show_many() -> None:
    """A chain of `if` cannot fill a slot for many items: the peer has to ask all rules of that slot."""
    rows: list[list[str | float]] = []
    for name in ("selective", "dense"):
        mix: Mix = make(name, 10_000, many=True)
        engine = engine_of(mix.text)
        answer = engines.datalogic_with_many(engine.book)
        given = [engines.PREPARED["datalogic-py"](engines.flat(engine.book, one)) for one in mix.requests]
        expected = [_items(engine.evaluate(*request, NOW)) for request in mix.requests[:20]]
        assert list(map(answer, given[:20])) == expected
        ours, theirs, ratio = in_turns(
            asked(engine),
            mix.requests,
            answer,
            given,
            2.0,
        )
        rows.append([name, ours, theirs, ratio])
    show("With a slot for four items, 10,000 rules", ["mix", "ours", "datalogic-py", "times faster"], rows)


def _items(decision: Decision) -> list[str]:
    return [
        _said(one) if one.kind != "many" else ",".join(item.content for item in one.items)
        for one in decision.slots.values()
    ]
