"""The index keeps the meaning on every one of its paths, the rare ones forced by making its tables small."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tailored.book.load import check_book
from tailored.condition.tree import All, Any, Condition, Not, Test
from tailored.engine import engine as engine_module
from tailored.engine import index, match, tables
from tailored.engine.engine import Engine
from tailored.engine.facts import Facts
from tailored.engine.reference import decide
from tailored.engine.tables import Steps
from tests.support.books import books
from tests.support.conditions import NOW, contexts, users, written
from tests.support.make import make

SMALL = {
    "as it is": {},
    "nothing spared": {"FEW": -1},
    "few masks, so wide domains are lists of clauses": {"MOST_MASKS": 2},
    "the same with nothing spared": {"MOST_MASKS": 2, "FEW": -1},
    "no test tried one by one, so such tests stay with their rules": {"MOST_CHECKS": 0, "FEW": -1},
    "one table of a kind, so further tests stay with their rules": {"MOST_LAYERS": 1, "FEW": -1},
    "no clauses looked up whole": {"SHORT": 0, "FEW": -1},
    "nothing multiplied out": {"MOST_CLAUSES": 1, "MOST_OF_A_SEGMENT": 0},
}
SEEN: Counter[str] = Counter()


def agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compares engines with every limit on the same books and requests, which are what takes time to make."""

    @settings(
        max_examples=15,
        phases=[Phase.generate],  # a failure takes minutes to shrink
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(books(), st.lists(st.tuples(users(), contexts()), min_size=2, max_size=4))
    def compare(book, requests):
        checked, report = check_book({"book.yaml": written(book)})
        errors = {finding.code for finding in report.diagnostics if finding.severity == "error"}
        assert errors <= {"never-consented"}, report.to_text()
        engine = Engine(checked)
        requests = [*requests, *(mended(engine, *request) for request in requests)]
        decisions = [decide(checked, *request, NOW) for request in requests]
        for name, limits in SMALL.items():
            with monkeypatch.context() as small:
                for limit, value in limits.items():
                    rooms = (engine_module, match, index, tables)
                    small.setattr(next(one for one in rooms if hasattr(one, limit)), limit, value)
                engine = Engine(checked)
                for request, decision in [*zip(requests, decisions, strict=True)] * 2:  # what repeats is kept
                    assert engine.evaluate(*request, NOW).to_dict() == decision, name
                    SEEN.update(set(paths(engine, engine.facts(*request, NOW))))

    compare()


def mended(engine: Engine, user: dict, context: dict) -> tuple[dict, dict]:
    """A request without what is warned of, so that it is read at once."""
    odd = {warning.attribute for warning in engine.evaluate(user, context, NOW).warnings}
    odd |= {"user.address"} if "user.city" in odd else set()
    return tuple(
        {name: value for name, value in data.items() if f"{side}.{name}" not in odd}
        for side, data in (("user", user), ("context", context))
    )


def paths(engine: Engine, facts: Facts) -> Iterator[str]:
    """The paths of the index that a request took."""
    matcher = engine._matcher
    starts = matcher._starts
    if any(after - before > 1 for before, after in pairwise(starts)):
        yield "clauses multiplied out"
    if facts.holding & matcher._has_rest:
        yield "residual tests"
    yield "read at once" if facts.is_ordinary else "read at leisure"
    for key, column in matcher.index.columns.items():
        value = facts.values.get(key)
        if value is None:
            yield "missing"
            continue
        if isinstance(column.lookup, Steps):
            yield "interval tables"
        elif isinstance(value, tuple) and "together" in column.lookup.__qualname__:
            yield "several requirements on one list"
        elif isinstance(value, str) and column.known is None:
            yield "sparse lists"
        if column.sizes is not None:
            yield "sizes"
        if column.checks is not None and facts.holding | column.checks.asking:
            yield "tests tried one by one"
    if any(value is None for rule in engine.book.rules for value in under_not(rule.when, facts)):
        yield "unknowns under not"


def under_not(condition: Condition, facts: Facts, negated: bool = False) -> Iterator[object]:
    """What the facts hold for each test below a `not`."""
    if isinstance(condition, Not):
        yield from under_not(condition.part, facts, True)
    elif isinstance(condition, All | Any):
        for part in condition.parts:
            yield from under_not(part, facts, negated)
    elif negated and isinstance(condition, Test):
        yield facts.values.get(condition.attribute.key)


@pytest.mark.no_cover
def test_every_path_of_the_index_is_taken_and_decides_as_the_specification_says(monkeypatch):
    SEEN.clear()
    agree(monkeypatch)
    wanted = {
        "clauses multiplied out",
        "residual tests",
        "sparse lists",
        "interval tables",
        "missing",
    }
    wanted |= {"several requirements on one list", "unknowns under not", "tests tried one by one"}
    assert wanted | {"read at once", "read at leisure"} <= SEEN.keys(), SEEN


@pytest.mark.parametrize("domain", [3, 40, 3000])
def test_the_width_of_a_domain_changes_nothing(domain):
    lines = [
        f"r{n}: {{when: {{name: n{n}, age: {{at least: {n}}}}}, show: {{hero: a}}}}" for n in range(domain)
    ]
    lines.append("last: {when: {age: {between: [-1, 5000]}}, show: {hero: b}}")
    engine = make("\n".join(lines))
    for place in (0, 1, domain // 2, domain - 1):
        rules = [
            engine.evaluate({"name": f"n{place}", "age": age}, {}).slots["hero"].rule
            for age in (place - 1, place, place + 1, 9999)
        ]
        assert rules == ["last", f"r{place}", f"r{place}", f"r{place}"]
    assert engine.evaluate({"name": "nobody", "age": 3}, {}).slots["hero"].rule == "last"
    assert engine.evaluate({"name": "n1"}, {}).slots["hero"].rule is None


@pytest.mark.parametrize(
    "when, seen, fires",
    [
        ("{seen: {contains all: [a, b], contains none: [c]}}", ["a", "b"], True),
        ("{seen: {contains all: [a, b], contains none: [c]}}", ["a", "b", "c"], False),
        ("{all: [{seen: a}, {seen: [b, c]}, {seen: d}, {seen: e}]}", ["a", "c", "d", "e"], True),
        ("{all: [{seen: a}, {seen: [b, c]}, {seen: d}, {seen: e}]}", ["a", "c", "d"], False),
        ("{not: {seen: {contains all: [a, b]}}}", ["a"], True),
        ("{not: {seen: {contains all: [a, b]}}}", ["b", "a"], False),
        ("{not: {seen: {contains all: [a, b]}}}", None, False),
        ("{seen: {size: {at least: 1, is not: 2}}}", ["a", "a"], False),
        ("{seen: {size: {at least: 1, is not: 2}}}", ["a"], True),
        ("{seen: {size: {at least: 3, at most: 2}}}", ["a", "a"], False),
        ("{not: {seen: {size: {at least: 3}}}}", [], True),
    ],
)
def test_several_needs_of_one_list_must_all_be_met(when, seen, fires):
    engine = make(f"r: {{when: {when}, show: {{hero: a}}}}")
    assert (engine.evaluate({"seen": seen}, {}).slots["hero"].rule == "r") is fires
