"""The engine agrees with the specification on generated books and requests, in every part of the decision."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.engine.reference import decide
from tests.support.books import books
from tests.support.conditions import NOW, contexts, users, written


@settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(books(), st.lists(st.tuples(users(), contexts()), min_size=3, max_size=6))
def test_the_engine_decides_as_the_specification_says(written_book, requests):
    book, report = check_book({"book.yaml": written(written_book)})
    assert report.errors == 0, report.to_text()
    engine = Engine(book)
    for user, context in requests:
        decision = engine.evaluate(user, context, NOW)
        assert decision.to_dict() == decide(book, user, context, NOW)
        assert json.loads(decision.to_json()) == decision.to_dict()
