"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from coverage import Coverage

os.environ["TAILORED_STAY"] = "0"  # only the tests of the checker that stays leave anything running


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Tests marked `no_cover` run without any measurement, as do the processes that they start.

    pytest-cov stops its own for them; but in a worker others lie below, which would go on instead: one from
    the start of the process, and one that pytest-cov began before it knew that this is a worker.
    """
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    below = []
    while (measuring := Coverage.current()) is not None:
        measuring.stop()
        below.append(measuring)
    asked = os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    try:
        return (yield)
    finally:
        if asked is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = asked
        for measuring in reversed(below):
            measuring.start()


@pytest.fixture
def shop(tmp_path):
    """A book of two files in `rules`, in a project."""
    folder = tmp_path / "rules"
    (folder / "more").mkdir(parents=True)
    (folder / "shared.yaml").write_text("slots: {hero: {}}\ncontent: {a: {title: A}, b: {title: B}}\n")
    (folder / "more" / "home.yaml").write_text("rules:\n  one: {when: always, show: {hero: a}}\n")
    return tmp_path
