"""The index keeps the meaning on every one of its paths, the rare ones forced by making its tables small."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tailored.book.load import check_book
from tailored.engine import index, match, tables
from tailored.engine.engine import Engine
from tailored.engine.reference import decide
from tests.support.books import books
from tests.support.conditions import NOW, contexts, users, written
from tests.support.make import make

SMALL = {
    "as it is": {},
    "few masks, so wide domains are lists of clauses": {"MOST_MASKS": 2},
    "no test tried one by one, so such tests stay with their rules": {"MOST_CHECKS": 0},
    "one table of a kind, so further tests stay with their rules": {"MOST_LAYERS": 1},
    "nothing multiplied out": {"MOST_CLAUSES": 1, "MOST_OF_A_SEGMENT": 0},
}


@pytest.mark.parametrize("limits", SMALL.values(), ids=SMALL)
@settings(
    max_examples=25,
    phases=[Phase.generate],  # a failure takes minutes to shrink
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(books(), st.lists(st.tuples(users(), contexts()), min_size=2, max_size=4))
def test_every_path_of_the_index_decides_as_the_specification_says(monkeypatch, limits, book, requests):
    for name, limit in limits.items():
        monkeypatch.setattr(next(one for one in (match, index, tables) if hasattr(one, name)), name, limit)
    checked, report = check_book({"book.yaml": written(book)})
    errors = {finding.code for finding in report.diagnostics if finding.severity == "error"}
    assert errors <= {"never-consented"}, report.to_text()
    engine = Engine(checked)
    for user, context in requests:
        assert engine.evaluate(user, context, NOW).to_dict() == decide(checked, user, context, NOW)


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
