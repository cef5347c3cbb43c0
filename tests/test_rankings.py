"""Rankings: the engine agrees with the specification, and propensities are what they say."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.engine.reference import decide
from tests.support.conditions import NOW, written
from tests.support.rankings import ranked_books, ranked_requests

SEEN: Counter[str] = Counter()


def numbers_of(acting):
    def numbers(name, facts, candidates):
        scorer = acting[name]
        draws = getattr(scorer, "draws", None)
        return draws(facts, candidates) if draws else [scorer.score(facts, candidates)]

    return numbers


def without_propensities(data):
    """A decision with its propensities apart, which are compared as numbers."""
    placed = [one for slot in data["slots"].values() for one in (slot, *slot.get("items", ()))]
    return data, [one.pop("propensity") for one in placed if "propensity" in one]


def compare(made, requests) -> None:
    written_book, acting = made
    book, report = check_book({"book.yaml": written(written_book)}, now=NOW)
    assert report.errors == 0, report.to_text()
    engine = Engine(book, acting)
    for user, context in requests:
        decision = engine.evaluate(user, context, NOW)
        mine, likely = without_propensities(decision.to_dict())
        said, expected = without_propensities(decide(book, user, context, NOW, numbers_of(acting)))
        assert mine == said
        assert likely == pytest.approx(expected, abs=2e-6)
        assert all(0 < one <= 1 for one in likely)
        for slot in decision.slots.values():
            SEEN.update({slot.reason, *(["a scorer"] if slot.scorer else [])})
            if slot.scorer is not None:
                SEEN.update({(slot.scorer.reason or "no reason").split("` ")[-1].split(" for ")[0]})
            SEEN.update({"chance"} if any((item.propensity or 1) < 1 for item in slot.items) else ())
            SEEN.update({"an item"} if any(item.catalog for item in slot.items) else ())
        SEEN.update({f"withheld {entry.kind}" for entry in decision.withheld})
        SEEN.update({warning.code for warning in decision.warnings})
    engine.close()


def generated(examples: int, **options):
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=quiet, **options)


@generated(60, derandomize=True)
@given(ranked_books(), ranked_requests())
def agree(made, requests):
    compare(made, requests)


def test_the_engine_ranks_as_the_specification_says_and_every_part_comes_up():
    SEEN.clear()
    agree()
    parts = {
        "rule",
        "default",
        "hidden",
        "a scorer",
        "no reason",
        "raised ZeroDivisionError.",
        "chance",
        "an item",
    }
    parts |= {"withheld content", "withheld catalog", "failed-text", "gave a score that is no finite number."}
    parts |= {"has no answer: nothing is known."}
    assert parts - set(SEEN) == set()


@pytest.mark.long
@generated(5_000)
@given(ranked_books(), ranked_requests())
def test_the_engine_ranks_as_the_specification_says_on_many_more(made, requests):
    compare(made, requests)
