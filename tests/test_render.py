"""Templates: what they see, what a missing value is, and that nothing in a request can break or inject."""

import json
from datetime import UTC, datetime

import pytest

from tests.support.make import BASE, make

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
USER = {
    "name": "Kari",
    "age": 18,
    "score": 9.5,
    "vip": True,
    "seen": ["boots", "socks"],
    "born": "2001-02-03",
    "since": "2026-11-24T11:00:00+01:00",
    "app": "1.10",
}


def render(text: str, user: dict, form: str = "html", context: dict | None = None):
    content = "a: " + json.dumps({"title": text, "format": form})
    engine = make("r: {when: always, show: {hero: a}}", BASE.replace("a: {title: A}", content))
    decision = engine.evaluate(user, context or {}, NOW)
    return decision["hero"].fields["title"], [warning.code for warning in decision.warnings]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("{{ user.name }}", "Kari"),
        ("{{ user['name'] }}", "Kari"),
        ("{{ user.age + 1 }}", "19"),
        ("{{ user.score }}", "9.5"),
        ("{{ user.vip }}", "true"),
        ("{{ 'vip: ' ~ user.vip }}", "vip: true"),
        ("{{ user.seen }}", "boots, socks"),
        ("{{ 'saw ' ~ user.seen }}", "saw boots, socks"),
        ("{{ user.seen | length }}", "2"),
        ("{{ user.seen | join(' and ') | upper }}", "BOOTS AND SOCKS"),
        ("{{ user.seen[0] }}", "boots"),
        ("{{ user.born }}", "2001-02-03"),
        ("{{ user.since }}", "2026-11-24T10:00:00Z"),
        ("{{ user.app }}", "1.10"),
        ("{% for one in user.seen %}{{ loop.index }}{{ one }} {% endfor %}", "1boots 2socks "),
        ("{% if user.age >= 18 and 'boots' in user.seen %}yes{% endif %}", "yes"),
        ("{{ context.page | default('somewhere') }}", "somewhere"),
    ],
)
def test_a_template_shows_values_as_people_read_them(text, shown):
    assert render(text, USER) == (shown, [])


@pytest.mark.parametrize(
    "text, shown",
    [
        ("[{{ user.name }}]", "[]"),
        ("[{{ user.age + 1 }}{{ 2 * user.age }}{{ -user.age }}]", "[]"),
        ("[{{ user.score | round }}{{ user.age | int }}{{ user.name | upper }}]", "[]"),
        ("{% if user.vip %}yes{% else %}no{% endif %}", "no"),
        (
            "{% if user.age > 3 or user.age < 3 or user.age != 3 %}yes{% else %}no{% endif %}",
            "no",
        ),
        ("{% for one in user.seen %}{{ one }}{% else %}none{% endfor %}", "none"),
        ("{{ user.seen | length }}{{ user.seen | join(',') }}{{ user.seen | first }}{{ user.seen[0] }}", "0"),
        ("{{ user.name | default('you') }}", "you"),
        ("Hello{{ ', ' ~ user.name if user.name }}!", "Hello!"),
        ("{{ user.name ~ user.name }}{{ 'a' ~ user.name }}", "a"),
        ("{{ 'known' if user.name is defined else 'unknown' }}", "unknown"),
        ("{{ 'x' in user.seen }}{{ 'x' in user.name }}", "falsefalse"),
        ("{{ user.consents.health }}{% if user.consents.health %}yes{% endif %}", ""),
    ],
)
def test_a_missing_value_is_nothing_false_and_empty(text, shown):
    assert render(text, {}) == (shown, [])


@pytest.mark.parametrize("form, shown", [("html", "&lt;b&gt; &amp; &#39;"), ("text", "<b> & '")])
def test_values_are_escaped_in_html_and_not_in_text(form, shown):
    assert render("{{ user.name }}", {"name": "<b> & '"}, form) == (shown, [])
    assert render("<i>&</i>", {}, form) == ("<i>&</i>", [])


class Markup(str):
    def __html__(self):
        return str(self)


def test_a_value_that_claims_to_be_safe_is_escaped_all_the_same():
    assert render("{{ user.name }}", {"name": Markup("<script>")})[0] == "&lt;script&gt;"
    assert render("{{ user.seen }}", {"seen": [Markup("<script>")]})[0] == "&lt;script&gt;"


def test_a_value_is_never_read_as_a_template():
    assert render("{{ user.name }}", {"name": "{{ 7 * 7 }}"}, "text") == ("{{ 7 * 7 }}", [])


@pytest.mark.parametrize(
    "text", ["{{ 1 / (user.age - 18) }}", "{{ user.name < 3 }}", "{{ user.name | sum }}"]
)
def test_a_text_that_cannot_be_rendered_is_empty_with_a_warning_that_names_the_content(text):
    assert render(text, USER) == ("", ["failed-text"])


def test_a_text_cannot_grow_without_bounds():
    text = "{% for one in user.seen %}{{ one }}{% endfor %}"
    assert render(text, {"seen": ["x" * 60_000] * 100}) == ("", ["failed-text"])


def test_fields_of_every_kind_are_kept_and_texts_inside_them_rendered():
    content = (
        "a: {title: A, n: 3, f: 9.5, b: true, none: null, "
        'deep: {list: ["{{ user.name }}", {x: "{{ user.age }}"}]}}'
    )
    engine = make("r: {when: always, show: {hero: a}}", BASE.replace("a: {title: A}", content))
    assert engine.evaluate(USER, {}, NOW).to_dict()["slots"]["hero"]["fields"] == {
        "title": "A",
        "n": 3,
        "f": 9.5,
        "b": True,
        "none": None,
        "deep": {"list": ["Kari", {"x": "18"}]},
    }
