"""Versions, durations, dates and times are read as the language says, and nothing else passes for one."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tailored.condition.operators import OPERATORS, Takes, operators_of, takes
from tailored.condition.tree import (
    ALWAYS,
    All,
    Any,
    Attribute,
    InSegment,
    Logic,
    Not,
    Op,
    Test,
    attributes_read,
    segments_named,
)
from tailored.condition.types import (
    A_VALUE,
    EXAMPLE,
    Duration,
    Type,
    as_text,
    first_moment,
    last_moment,
    parse_date,
    parse_datetime,
    parse_duration,
    parse_version,
)


def test_versions_follow_semantic_precedence():
    # the order of https://semver.org, section 11
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.2",
        "1.10",
        "2",
    ]
    versions = [parse_version(text) for text in ordered]
    shuffled = versions[::-1]
    assert sorted(shuffled) == versions
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize("one, other", [("1", "1.0.0"), ("1.10", "1.10.0"), ("1.0.0+a", "1.0.0+b")])
def test_parts_left_out_are_zero_and_build_metadata_takes_no_part(one, other):
    assert parse_version(one) == parse_version(other)
    assert str(parse_version(one)) == one


@pytest.mark.parametrize("text", ["", "v1", "1.2.3.4", "01.2", "1.0.0-01", "1.x", "1." + "9" * 300, "١"])
def test_what_is_no_version(text):
    assert parse_version(text) is None


@pytest.mark.parametrize(
    "text, length",
    [
        ("30 days", timedelta(30)),
        ("1 week", timedelta(7)),
        ("90 minutes", timedelta(minutes=90)),
        ("2 hours", timedelta(hours=2)),
    ],
)
def test_durations(text, length):
    duration = parse_duration(text)
    assert duration.length == length
    assert str(duration) == text


@pytest.mark.parametrize(
    "text", ["30", "days", "0 days", "2 months", "-1 days", "1.5 days", "999999999 weeks"]
)
def test_what_is_no_duration(text):
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T08:30:00Z",
        "2026-11-24 08:30",
        "20261124T083000Z",
        "2026-11-24T09:30:00+01:00",
        "2026-11-24t08:30:00z",
    ],
)
def test_times_are_iso_8601_in_utc_unless_they_say_otherwise(text):
    assert parse_datetime(text) == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24",
        "24:00",
        "2026-11-24T24:00",
        "2026-02-30T00:00",
        "0001-01-01T00:00+23:00",
        "2026-11-24x10:00",
    ],
)
def test_what_is_no_time(text):
    assert parse_datetime(text) is None


def test_dates():
    assert parse_date("2026-11-24") == parse_date("20261124") == date(2026, 11, 24)
    assert parse_date("2026-02-30") is None
    assert parse_date("2026-11-24T10:00") is None


def test_a_day_runs_from_its_first_moment_to_its_last():
    day, moment = date(2026, 11, 24), datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert first_moment(day) == datetime(2026, 11, 24, tzinfo=UTC)
    assert last_moment(day) == datetime(2026, 11, 25, tzinfo=UTC) - timedelta(microseconds=1)
    assert first_moment(moment) == last_moment(moment) == moment


def test_the_texts_of_moments_sort_like_the_moments():
    moments = [
        datetime(999, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 24, tzinfo=UTC),
        datetime(2026, 11, 24, microsecond=5, tzinfo=UTC),
    ]
    assert sorted(map(as_text, moments)) == [as_text(moment) for moment in moments]
    assert as_text(moments[1]) == "2026-11-24T00:00:00.000000Z"
    assert as_text(date(2026, 11, 24)) == "2026-11-24"


def test_every_type_and_operator_has_its_row():
    assert set(A_VALUE) == set(EXAMPLE) == set(Type)
    assert set(OPERATORS) == set(Op)
    assert Op.SIZE in operators_of(Type.STRINGS)
    assert Op.SIZE not in operators_of(Type.STRING)
    assert takes(Op.CONTAINS, Type.STRING) is Takes.PART
    assert takes(Op.CONTAINS, Type.STRINGS) is Takes.VALUE


def test_a_condition_knows_what_it_reads():
    page = Attribute("context", "page", Type.STRING)
    age = Attribute("user", "age", Type.INTEGER)
    tree = All((Test(page, Op.IS, "home"), Any((Not(InSegment("a")), Logic("{}", (age,)))), ALWAYS))
    assert [attribute.key for attribute in attributes_read(tree)] == ["context.page", "user.age"]
    assert list(segments_named(tree)) == ["a"]
    assert Duration(1, "days").length == timedelta(1)
