"""Slips in a book's rules: what makes them, and that the tests of the example book notice them."""

from datetime import UTC, datetime

import pytest

from tailored.book.load import check_book
from tailored.book.source import read_sources
from tailored.engine.engine import Engine
from tests.support.make import BASE
from tests.support.mutants import Requests, judge, mutants, report

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
RULE = """\
rules:
  grown-ups: {when: {age: {at least: 18}}, show: {hero: a}}
  others: {when: {segment: young}, show: {hero: b}}
"""
GOOD = """\
tests:
  t:
    each:
      - {age: 17, hero: b}
      - {age: 18, hero: a}
      - {age: 29, hero: a}
      - {age: 30, hero: a}
"""


def judged(tests: str):
    sources = {"a.yaml": BASE.encode(), "b.yaml": RULE.encode(), "c.yaml": tests.encode()}
    book, found = check_book(sources, NOW)
    assert found.errors == 0
    engine, requests = Engine(book), Requests(book)
    return [judge(engine, mutant, requests) for mutant in mutants(book)]


def test_there_are_slips_of_every_kind():
    kinds = {one.mutant.kind for one in judged(GOOD)}
    assert kinds == {"operator", "bound", "priority", "consent"}
    said = {str(one.mutant) for one in judged(GOOD)}
    assert "bound     grown-ups: age is at least 18, becomes age is at least 19" in said
    assert "consent   grown-ups: needs consent for health" in said


def test_tests_at_the_boundaries_catch_what_others_miss():
    def caught(tests: str) -> set[str]:
        return {one.mutant.says for one in judged(tests) if one.caught}

    missed = caught(GOOD) - caught("tests: {t: {user: {age: 40}, expect: {hero: a}}}")
    assert "age is at least 18, becomes age is more than 18" in missed
    assert "age is at least 18, becomes age is at least 17" in missed


def test_a_slip_that_changes_nothing_does_not_count():
    """A rule that shows the default where nothing else can be shown may as well not fire."""
    rule = "rules:\n  same: {when: {age: {at least: 18}}, show: {hero: plain}}\n"
    book, _ = check_book({"a.yaml": BASE.encode(), "b.yaml": rule.encode()}, NOW)
    engine, requests = Engine(book), Requests(book)
    said, share = report(judge(engine, mutant, requests) for mutant in mutants(book) if mutant.of == "same")
    assert share == 100
    assert said.startswith("0 of 0 mutants that change what somebody sees are caught")


@pytest.mark.long
def test_the_tests_of_the_example_book_catch_nine_of_ten_slips():
    book, _ = check_book(read_sources("rules"), NOW, "rules")
    engine, requests = Engine(book), Requests(book)
    said, share = report(judge(engine, mutant, requests) for mutant in mutants(book))
    assert share >= 90, said
