"""Runs the tests of a book: each a case that passed, or failed with an explanation of the difference."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from tailored.book.model import Expectation, RuleTest
from tailored.engine.decision import Decision
from tailored.engine.engine import Engine
from tailored.engine.explain import Explained, Verdict, explain
from tailored.engine.facts import Facts
from tailored.report.outcome import Case, Finding
from tailored.testing.expect import as_plain, bears_on, in_words, is_met

MOST_VERDICTS = 5
"""How many rules the explanation of a failure tells of."""
Seen = Callable[[Facts, Decision], None]


def run(engine: Engine, tests: Iterable[RuleTest], now: datetime, seen: Seen | None = None) -> list[Case]:
    """The cases that tests are; `now` is the moment of those that do not say one.

    `seen` is told the facts and the decision of each.
    """
    cases = []
    for test in tests:
        began = time.perf_counter()
        facts = engine.facts(test.user, test.context, test.now or now)
        decision = engine.decide(facts)
        if seen is not None:
            seen(facts, decision)
        wrong = [one for one in test.expect if not is_met(one, decision)]
        failures = tuple(_failures(engine, test, test.now or now, wrong)) if wrong else ()
        cases.append(Case(test.id, test.test, test.span, failures, time.perf_counter() - began))
    return cases


def _failures(engine: Engine, test: RuleTest, now: datetime, wrong: list[Expectation]) -> Iterable[Finding]:
    explanation = explain(engine, test.user, test.context, now)
    explained = {one.id: one for one in (*explanation.slots, *explanation.settings)}
    for one in wrong:
        about = explained[one.target]
        should = in_words(one, explanation.decision)
        yield Finding(
            "test-failed",
            "error",
            f"`{test.id}`: `{one.target}` {should}, and is {about.outcome}.",
            "",
            one.span,
            _details(engine, one, about, getattr(explanation.decision[one.target], "hidden", False)),
            {
                "test": test.id,
                "target": one.target,
                "piece": one.piece,
                "expected": as_plain(one.value),
                "actual": explanation.decision[one.target].to_dict(),
            },
        )


def _details(engine: Engine, one: Expectation, about: Explained, is_hidden: bool) -> str:
    """What became of the rules that won, and of those that would have brought what is expected."""
    rules = {rule.id: rule for rule in engine.book.rules}
    winners = [verdict for verdict in about.rules if verdict.status == "won"]
    bearing = [
        verdict
        for verdict in about.rules
        if verdict not in winners and bears_on(one, rules[verdict.rule], engine.book)
    ]
    told = [*winners, *bearing][:MOST_VERDICTS]
    width = max((len(verdict.rule) for verdict in told), default=0)
    lines = [_line(verdict, width) for verdict in told]
    if not bearing and one.piece == "content" and one.value and not _places(engine, one):
        lines.append(f"no rule and no default places {one.value} in {one.target}")
    if is_hidden and one.piece in ("items", "content") and not one.value:
        lines.append(f"what is hidden is not empty: to expect it, write {one.target}: {{hidden: true}}")
    if len(winners) + len(bearing) > MOST_VERDICTS:
        lines.append(f"and {len(winners) + len(bearing) - MOST_VERDICTS} more; see `tailored explain`")
    return "\n".join(lines)


def _places(engine: Engine, one: Expectation) -> bool:
    slot = engine.book.slots[one.target]
    return one.value in slot.default or any(
        one.target in rule.rank or one.value in rule.show.get(one.target, ()) for rule in engine.book.rules
    )


def _line(verdict: Verdict, width: int) -> str:
    return f"{verdict.status:<9} {verdict.rule:<{width}}  {verdict.reason}".rstrip()
