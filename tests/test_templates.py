"""Templates say little, safely; whatever else they say is found at its place in the YAML file."""

import pytest
from jinja2 import Environment

from tailored.book.diagnostics import split_lines
from tailored.book.load import check_book
from tailored.book.model import Content
from tailored.book.templates import FILTERS, TESTS, attributes_in, is_template, template_problems
from tailored.condition.tree import Attribute
from tailored.condition.types import Type
from tailored.content.render import Renderer, views
from tests.support.steps import steps

ATTRIBUTES = {
    attribute.key: attribute
    for attribute in [
        Attribute("user", "first_name", Type.STRING),
        Attribute("user", "city", Type.STRING, path=("address", "city")),
        Attribute("user", "age", Type.INTEGER),
        Attribute("user", "saved", Type.STRINGS),
        Attribute("context", "page", Type.STRING),
    ]
}
BASE = """\
attributes:
  user: {first_name: {type: string}, saved: {type: list of strings}}
slots: {hero: {}}
rules: {r: {when: always, show: {hero: c}}}
"""


def problems(text: str):
    return template_problems(text, ATTRIBUTES)


def check(content: str):
    return check_book({"base.yaml": BASE.encode(), "c.yaml": content.encode()})[1].diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "Hello{{ ', ' ~ user.first_name if user.first_name }}!",
        "{% if user.saved %}{{ user.saved | length }}{%- else %}none{% endif %}",
        "{{ user['first_name'] }} {{ user.first_name[0] }} {{ user.saved[:-2] }}",
        "{% if user.consents.health and context.page == 'home' %}x{% elif user.age > 3 %}y{% endif %}",
        "{% for item in user.saved if item != 'a' %}{{ loop.index }}. {{ item }}{% else %}-{% endfor %}",
        "{% for item in user.saved %}{{ item }}{% endfor %}{% for x in user.saved %}{{ x }}{% endfor %}",
        "{{ user.age * 12 + 1 }} {{ (user.saved | length) % 2 }} {{ (user.age | default(0)) * -2 }}",
        "{{ user.first_name | default('friend', true) | replace('-', ' ') | title | truncate(20) }}",
        "{{ user.age is divisibleby 3 }} {{ user.first_name is defined and user.first_name is not none }}",
        "{{ user.age / 3 | round(2, 'ceil') }} {{ user.saved | sort(reverse=true) | join(', ') }}",
        "{# a comment #}{% raw %}{{ anything }}{% endraw %}",
        "{{ user.id }}{{ context.gpc }}{{ none }}{{ ['a', 'b'] | join }}",
        "a lonely }} or %} is text",
    ],
)
def test_what_templates_may_say(text):
    known = ATTRIBUTES | {
        "user.id": Attribute("user", "id", Type.STRING),
        "context.gpc": Attribute("context", "gpc", Type.BOOLEAN),
    }
    assert template_problems(text, known) == []


@pytest.mark.parametrize(
    "text, piece, hint",
    [
        ("Hi {{ user.frist_name }}", "user.frist_name", "Did you mean `user.first_name`?"),
        ("Hi {{ first_name }}", "first_name", "Write `user.first_name`."),
        ("Hi {{ frist_name | upper }}", "frist_name", "Did you mean `user.first_name`?"),
        ("{{ user['frist_name'] }}", "user['frist_name']", "Did you mean `user.first_name`?"),
        ("{{ user.address.city }}", "user.address.city", "Write `user.city`."),
        ("{{ user.page }}", "user.page", "Write `context.page`."),
        ("{{ contex.page }}", "contex.page", "Did you mean `context.page`?"),
        (
            "{{ user.zzz }}",
            "user.zzz",
            "Templates may read user.first_name, user.city,",
        ),
        ("{{ user.age | default(user.agee) }}", "user.agee", "Did you mean `user.age`?"),
        ("{% for x in user.savd %}{{ x }}{% endfor %}", "user.savd", "Did you mean `user.saved`?"),
        ("{% for x in user.saved %}{% else %}{{ x }}{% endfor %}", "x", "Templates may read"),
        ("{{ self }}", "self", "Templates may read"),
    ],
)
def test_an_undeclared_attribute_is_marked_with_a_mend(text, piece, hint):
    (problem,) = problems(text)
    assert problem.code == "unknown-attribute"
    assert text[problem.start : problem.end] == piece
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    "text, piece, words",
    [
        ("{{ user }}", "user", "the whole of `user`"),
        ("{% if context %}{% endif %}", "context", "the whole of `context`"),
        ("{{ user.consents }}", "user.consents", "Name one part of it, such as `user.consents.health`."),
        ("{{ user.consents.a.b }}", "user.consents.a.b", "has no `b` to read"),
        ("{{ user[context.page] }}", "u", "Only a number"),
        ("{{ user.first_name.upper() }}", "user.first_name.upper(", "Write `user.first_name | upper`."),
        ("{{ user.first_name.upper }}", "user.first_name.upper", "Write `user.first_name | upper`."),
        ("{{ user.age.real }}", "user.age.real", "`user.age` has no `real` to read."),
        ("{{ ''.__class__ }}", "'", "by their names only"),
        ("{{ range(9) }}", "range(", "calls no functions"),
        ("{% set x = 1 %}", "set", "A template has no `{% set %}`."),
        ("{% macro a() %}{% endmacro %}", "macro", "A template has no `{% macro %}`."),
        ("{% include 'x' %}", "include", "A template has no `{% include %}`."),
        ("{% import 'x' as y %}", "import", "A template has no `{% import %}`."),
        ("{% extends 'x' %}", "extends", "A template has no `{% extends %}`."),
        ("{% block a %}{% endblock %}", "block", "A template has no `{% block %}`."),
        ("{% with a = 1 %}{% endwith %}", "with", "A template has no `{% with %}`."),
        ("{% filter upper %}x{% endfilter %}", "filter", "A template has no `{% filter %}`."),
        ("{% autoescape false %}x{% endautoescape %}", "{", "Templates have `if`, `elif`,"),
        ("{% do x %}", "do", "A template has no `{% do %}`."),
        ("{{ user.first_name | safe }}", "safe", "Filters are abs, capitalize,"),
        ("{{ user.first_name | uper }}", "uper", "Did you mean `upper`?"),
        ("{{ user.saved | join(user.city) }}", "join", "written out"),
        ("{{ user.saved | sum('x') }}", "sum", "does not take"),
        ("{{ user.saved | sort(attribute='x') }}", "sort", "takes no `attribute`"),
        ("{{ user.city | replace('a', 'bb') }}", "replace", "not longer than the first"),
        ("{{ user.age | round(-9) }}", "round", "from 0 to 10"),
        ("{{ user.city | truncate(user.age) }}", "truncate", "written out"),
        ("{{ user.city is deffined }}", "deffined", "Did you mean `defined`?"),
        ("{{ user.city * 3 }}", "u", "`*` is for numbers"),
        ("{{ '%999d' % user.age }}", "'", "`%` is for numbers"),
        ("{{ 2 ** 99 }}", "2", "no `**`"),
        ("{{ {'a': 1} }}", "{", "no mappings"),
        ("{% for x in user.saved %}{% for y in user.saved %}{% endfor %}{% endfor %}", "f", "in a loop"),
        ("{% for user in user.saved %}{% endfor %}", "u", "cannot call its items `user`"),
        ("{% for a, b in user.saved %}{% endfor %}", "a", "one name"),
        ("{% for a in user.saved %}{{ loop.cycle }}{% endfor %}", "loop.cycle", "no `cycle`"),
    ],
)
def test_what_templates_may_not_say(text, piece, words):
    (problem,) = problems(text)
    assert problem.code == "bad-template"
    assert text[problem.start : problem.end] == piece
    assert words in f"{problem.message} {problem.hint}"


@pytest.mark.parametrize(
    "text, place, words",
    [
        ("Hi {{ user.city", 11, "never closed"),
        ("{{ }}", 3, "A value is missing here."),
        ("{% if user.age %}a", 17, "An `if` is opened and never closed."),
        ("{% for x in user.saved %}a", 25, "A `for` is opened and never closed."),
        ("a{% endif %}", 4, "closes something that was never opened"),
        ("a{% else %}", 4, "outside any `if`"),
        ("{% if %}", 6, "A value is missing here."),
        ("{{ a b }}", 5, "not expected here"),
        ("{{ (user.age }}", 13, "not expected here"),
        ("{# x", 2, "A comment `{#`"),
        ("{% raw %}x", 9, "`{% raw %}` is opened"),
        ("{{ 'a }}", 3, "this sign"),
        ("{{ user.age & 3 }}", 12, "this sign"),
        ("{{ " + "(" * 500, 0, "nests too deeply"),
        ("{{ " + "(" * 30 + "1" + ")" * 30 + " }}", 0, "nests too deeply"),
        ("{{ " + "1+" * 60 + "1 }}", 0, "nests too deeply"),
        ("{{ " + "9" * 5000 + " }}", 0, "too long"),
        ("{{ user.age }}" + "x" * 70_000, 0, "more than 65,536 letters"),
    ],
)
def test_a_template_that_does_not_parse_is_explained(text, place, words):
    (problem,) = problems(text)
    assert (problem.code, problem.start) == ("bad-template", place)
    assert words in f"{problem.message} {problem.hint}"


@pytest.mark.parametrize(
    "field, line, column",
    [
        ("title: Hi {{ first_name }}", 3, 18),
        ('title: "Hi {{ first_name }}"', 3, 19),
        ("title: 'It''s {{ first_name }}'", 3, 22),
        (r'title: "\x41 \"\u00e9\" {{ first_name }}"', 3, 32),
        ('title: "a\n      b \\\n      {{ first_name }}"', 5, 10),
        ("title: &name 'Hi {{ first_name }}'", 3, 25),
        ("title: |\n      Hi\n\n      {{ first_name }}\n", 6, 10),
        ("title: |2-\n      Hi {{ first_name }}", 4, 13),
        ("title: >-\n      Hi\n      you {{ first_name }}\n      there", 5, 14),
        ("title: Hi\n      you\n      {{ first_name }}", 5, 10),
        ("list: [a, {deep: ['b {{ first_name }}']}]", 3, 29),
        ("title: 😀 {{ first_name }}", 3, 17),
        ("title: |\r\n      Hi\r\n      {{ first_name }}\r\n", 5, 10),
    ],
)
def test_the_place_of_a_mistake_is_its_place_in_the_file(field, line, column):
    text = f"content:\n  c:\n    {field}\n"
    (finding,) = check(text)
    span = finding.span
    assert (span.line, span.column, span.end_line) == (line, column, line)
    assert split_lines(text)[line - 1][column - 1 : span.end_column - 1] == "first_name"


def test_several_mistakes_of_one_text_are_all_found():
    found = check("content:\n  c:\n    title: |\n      {{ a }}\n      {{ b | uper }}\n")
    assert [(d.code, d.span.line, d.span.column) for d in found] == [
        ("unknown-attribute", 4, 10),
        ("unknown-attribute", 5, 10),
        ("bad-template", 5, 14),
    ]


def test_a_template_without_quotes_is_told_to_have_some():
    (finding,) = check("content:\n  c:\n    title: {{ user.first_name }}\n")
    assert finding.code == "wrong-kind"
    assert finding.message == "A text that begins with `{{` needs quotes."
    assert finding.hint == 'Put all of it in quotes: `"{{ user.first_name }}"`.'


def test_the_words_of_the_language_in_content_are_no_templates():
    assert check("content: {c: {description: 'Says {{ name }}', title: Hi}}") == ()


@pytest.mark.parametrize(
    "text, answer", [("{{", True), ("a {% if", True), ("{# x #}", True), ("{a} %}", False)]
)
def test_a_template_is_known_by_its_marks(text, answer):
    assert is_template(text) is answer


def test_every_filter_and_test_exists_in_jinja():
    environment = Environment()
    assert environment.filters.keys() >= FILTERS
    assert environment.tests.keys() >= TESTS
    assert not FILTERS & {"safe", "attr", "format", "center", "indent", "xmlattr", "random", "map", "pprint"}


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_no_filter_shows_the_address_of_an_object(name):
    sources = ("user.saved", "user.first_name", "user.age", "user.zzz")
    texts = {source: f"{{{{ {source} | {name} }}}}" for source in sources}
    seen = views({"user.saved": ("b", "a", "b"), "user.first_name": "Kari", "user.age": 7}, {})
    fields = Renderer({"c": Content("c", texts, escaped=False)}).render("c", seen, [])
    assert fields.keys() == texts.keys()
    assert not [text for text in fields.values() if " object" in text]


@pytest.mark.parametrize(
    "text, shown", [("reverse", "b, a, b"), ("unique", "b, a"), ("reverse | length", "3")]
)
def test_filters_of_lists_give_lists(text, shown):
    content = {"c": Content("c", {"text": f"{{{{ user.saved | {text} }}}}"})}
    fields = Renderer(content).render("c", views({"user.saved": ("b", "a", "b")}, {}), [])
    assert fields["text"] == shown


def test_a_template_twice_as_long_takes_about_twice_the_steps():
    found, once = steps(lambda: problems("{{ a }}" * 1_500))
    _, twice = steps(lambda: problems("{{ a }}" * 3_000))
    assert len(found) == 1_500
    assert twice < 2.2 * once


def test_what_a_content_item_reads_is_found_in_all_its_texts():
    fields = {
        "title": "{{ user.a ~ user['b'] | upper }}{% if user.consents.x %}{{ context.c[0] }}{% endif %}",
        "links": ("{% for one in user.d %}{{ one }}{{ loop.index }}{% endfor %}", "user.e is no template", 3),
        "more": {"text": "{{ 'user.f' ~ context.c }}"},
    }
    assert attributes_in(fields) == {"user.a", "user.b", "user.consents", "context.c", "user.d"}
