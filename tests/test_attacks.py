"""Attacks on templates and content: each is refused when the book is loaded, or rendered without harm, soon.

Harm in HTML is judged by a real parser, and by a real browser where the machine has one.
"""

import html
import json
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from tailored.book.load import check_book
from tailored.book.model import Content
from tailored.content import render
from tailored.content.render import LONGEST, MOST_STEPS, Renderer, views
from tailored.engine.engine import Engine
from tests.support.make import BASE, make
from tests.support.steps import steps

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
CALLS = 20
"""Calls of functions for each step that is allowed, within which whatever is asked must end; what runs away
makes billions."""
SOON = CALLS * MOST_STEPS


def found_in(text: str, **more: Any) -> list[str]:
    """The codes of the errors that loading a book with this text finds."""
    content = {
        "content": {"evil": {"title": text, **more}},
        "rules": {"e": {"when": "always", "show": {"bare": "evil"}}},
    }
    report = check_book({"base.yaml": BASE.encode(), "evil.yaml": json.dumps(content).encode()})[1]
    return [d.code for d in report.diagnostics if d.severity == "error"]


REFUSED = {
    # out of the sandbox through attributes
    "class by dot": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "class of an attribute": "{{ user.name.__class__ }}",
    "class by brackets": "{{ user.name['__class__'] }}",
    "class by unicode escapes": "{{ user.name['\\u005f\\u005fclass\\u005f\\u005f'] }}",
    "class by hex escapes": "{{ user.name['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "class by joined pieces": "{{ user.name['__cla' ~ 'ss__'] }}",
    "class of a list": "{{ [].__class__.__base__ }}",
    "globals of a function": "{{ user.__init__.__globals__ }}",
    "values of a view": "{{ user.values }}",
    "the view itself": "{{ user }}",
    "a side by brackets": "{{ user['values'] }}",
    "name chosen by the user": "{{ user[user.name] }}",
    "code of a loop": "{% for x in user.seen %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "changed of a loop": "{% for x in user.seen %}{{ loop.changed(x) }}{% endfor %}",
    "cycle of a loop": "{% for x in user.seen %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "recursive loop": "{% for x in user.seen recursive %}{{ loop(user.seen) }}{% endfor %}",
    # through filters and tests
    "attr": "{{ user.name | attr('__class__') }}",
    "map by attribute": "{{ user.seen | map(attribute='__class__') | list }}",
    "map by filter": "{{ user.seen | map('attr', '__class__') | list }}",
    "select": "{{ user.seen | select('callable') | list }}",
    "groupby": "{{ user.seen | groupby('__class__') }}",
    "sort by attribute": "{{ user.seen | sort(attribute='__class__') }}",
    "sum by attribute": "{{ user.seen | sum(attribute='__len__') }}",
    "join by attribute": "{{ user.seen | join(',', attribute='__class__') }}",
    "max by attribute": "{{ user.seen | max(attribute='__class__') }}",
    "unique by attribute": "{{ user.seen | unique(attribute='__class__') }}",
    "safe": "{{ user.name | safe }}",
    "pprint": "{{ user | pprint }}",
    "tojson": "{{ user.seen | tojson }}",
    "xmlattr": "{{ {'onclick': user.name} | xmlattr }}",
    "urlize": "{{ user.name | urlize }}",
    "striptags": "{{ user.name | striptags }}",
    "callable test": "{{ user.name is callable }}",
    "test of filters": "{{ 'attr' is filter }}",
    # through format strings
    "format method": "{{ '{0.__class__}'.format(user.name) }}",
    "format_map method": "{{ '{name.__class__}'.format_map(user) }}",
    "format filter": "{{ '%s' | format(user.name) }}",
    "percent": "{{ '%(a)s' % user.name }}",
    "percent of a length": "{{ '%999999999d' % user.age }}",
    # what lies about in Jinja
    "range": "{% for i in range(999999999) %}x{% endfor %}",
    "lipsum": "{{ lipsum(n=100000) }}",
    "globals of lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "cycler": "{{ cycler.__init__.__globals__.os }}",
    "joiner": "{{ joiner.__init__.__globals__.os }}",
    "namespace": "{% set n = namespace(x=1) %}{% set n.x = 2 %}",
    "dict": "{{ dict(a=1) }}",
    "self": "{{ self._TemplateReference__context }}",
    "config": "{{ config.items() }}",
    "request": "{{ request.application.__globals__ }}",
    "url_for": "{{ url_for.__globals__ }}",
    "caller": "{{ caller() }}",
    "debug": "{% debug %}",
    # tags
    "set": "{% set x = ''.__class__ %}{{ x }}",
    "block set": "{% set x %}{{ user.name }}{% endset %}",
    "do": "{% do user.seen.append('x') %}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "call": "{% call user.name() %}{% endcall %}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "with": "{% with x = user %}{{ x }}{% endwith %}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}",
    "from import": "{% from 'os' import system %}",
    "extends": "{% extends 'base' %}",
    "block": "{% block a %}{{ self.a() }}{% endblock %}",
    "autoescape": "{% autoescape false %}{{ user.name }}{% endautoescape %}",
    "trans": "{% trans %}x{% endtrans %}",
    "unpacking loop": "{% for a, b in user.seen %}{% endfor %}",
    "shadowed side": "{% for user in user.seen %}{{ user }}{% endfor %}",
    "walrus": "{{ (x := user.name) }}",
    "lambda": "{{ (lambda: 1)() }}",
    # much out of little
    "text times a number": "{{ 'x' * 999999999 }}",
    "list times a number": "{{ [1] * 999999999 }}",
    "attribute times a number": "{{ user.name * 999999999 }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "center": "{{ 'x' | center(999999999) }}",
    "indent": "{{ user.name | indent(999999999) }}",
    "wordwrap": "{{ user.name | wordwrap(1) }}",
    "batch": "{{ user.seen | batch(99999999, 'x') | list }}",
    "slice": "{{ user.seen | slice(999999999) | list }}",
    "replace that lengthens": "{{ user.name | replace('a', 'aaaaaaaaaa') }}",
    "replace of nothing": "{{ user.name | replace('', 'x') }}",
    "round to a million": "{{ user.score | round(1000000) }}",
    "loops in loops": "{% for a in user.seen %}{% for b in user.seen %}x{% endfor %}{% endfor %}",
    "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "deep ifs": "{% if user.vip %}" * 5000 + "{% endif %}" * 5000,
    "deep filters": "{{ user.name" + " | upper" * 5000 + " }}",
    "deep sums": "{{ 1" + " + 1" * 5000 + " }}",
    "deep nots": "{{ " + "not " * 5000 + "1 }}",
    "long number": "{{ " + "9" * 50_000 + " }}",
    "long template": "{{ user.name }}" * 5000,
}


@pytest.mark.parametrize("attack", REFUSED)
def test_it_is_refused_when_the_book_is_loaded(attack):
    codes, calls = steps(lambda: found_in(REFUSED[attack]))
    assert codes, attack
    assert set(codes) <= {"bad-template", "unknown-attribute"}
    assert calls < SOON


def test_a_template_hides_in_no_other_place():
    """In tags, nested fields and keys, too, only what is no template, or a checked one, is let in."""
    evil = "{{ ''.__class__ }}"
    assert found_in("x", more={"deep": [{"er": evil}]}) == ["bad-template"]
    for key in ("description", "owner", "tags"):
        assert found_in("x", **{key: evil}) == []
    engine = make("r: {when: always, show: {hero: a}}", BASE.replace("a: {title: A}", f'a: {{"{evil}": x}}'))
    assert engine.evaluate({}, {}, NOW)["hero"].fields == {evil: "x"}


@cache
def engine_of(text: str, form: str = "html") -> Engine | list[str]:
    """An engine that shows a text in the slot `hero`, or the codes of the errors of its book."""
    content = BASE.replace("a: {title: A}", "a: " + json.dumps({"title": text, "format": form}))
    rule = b"rules: {r: {when: always, show: {hero: a}}}"
    book, report = check_book({"base.yaml": content.encode(), "rules.yaml": rule})
    if report.errors:
        return [finding.code for finding in report.diagnostics if finding.severity == "error"]
    return Engine(book)


def rendered(text: str, form: str = "html", /, **user: Any) -> tuple[str, list[str]]:
    """A text rendered for a user, and the codes of the warnings; it must be soon. Errors come instead."""
    engine = engine_of(text, form)
    if isinstance(engine, list):
        return "", engine
    decision, calls = steps(lambda: engine.evaluate(user, {}, NOW))
    assert calls < CALLS * render.MOST_STEPS
    assert len(decision["hero"].fields["title"]) <= LONGEST
    return decision["hero"].fields["title"], [warning.code for warning in decision.warnings]


ROUND = " | urlencode | replace('%', '&') | e"
LONG = "&" * 65_536


def runaways(size: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Texts, and who sees them. At a size of 100 they are the longest that a book and a request may hold."""
    items = ["x" * 1_000] * (100 * size)
    return {
        "doubling by three filters": ("{{ user.name" + ROUND * 14 + " }}", {"name": LONG}),
        "doubling in small": ("{{ user.name" + ROUND * 15 + " }}", {"name": "&" * 100}),
        "doubling of a constant": ("{{ '" + "&" * 60_000 + "'" + ROUND * 14 + " | length }}", {}),
        "a long list, joined often": ("{{ user.seen | join | length }}" * (20 * size), {"seen": items}),
        "a long list, sorted often": ("{{ user.seen | sort | length }}" * (20 * size), {"seen": items}),
        "a long list, made unique often": (
            "{{ user.seen | unique | length }}" * (15 * size),
            {"seen": items},
        ),
        "a long list, shown": ("{{ user.seen }}", {"seen": ["x" * 65_000] * (10 * size)}),
        "loops over a list of lists": (
            "{% for x in [user.seen, user.seen] %}{{ x | sort | join | length }}{% endfor %}" * (5 * size),
            {"seen": items},
        ),
        "members looked for in a loop": (
            "{% for x in user.seen %}{% if x in user.seen %}y{% endif %}{% endfor %}",
            {"seen": [str(n) for n in range(100 * size)]},
        ),
        "many loops that show nothing": (
            "{% for x in user.seen %}{% endfor %}" * (17 * size),
            {"seen": ["x"] * (100 * size)},
        ),
        "much in a loop": (
            "{% for x in user.seen %}" + "{{ x | upper }}" * (30 * size) + "{% endfor %}",
            {"seen": items},
        ),
        "a loop over letters": (
            "{% for x in user.name %}" + "{{ x | e }}" * (30 * size) + "{% endfor %}",
            {"name": LONG},
        ),
        "lists added up": ("{{ (" + " + ".join(["user.seen"] * 40) + ") | length }}" * size, {"seen": items}),
        "texts added up": ("{{ (" + " + ".join(["user.name"] * 40) + ") | length }}" * size, {"name": LONG}),
        "texts joined": ("{{ (" + " ~ ".join(["user.name"] * (50 * size)) + ") | length }}", {"name": LONG}),
        "one text joined in a loop": (
            "{% for x in user.seen %}{{ (" + " ~ ".join(["x"] * (90 * size)) + ") | length }}{% endfor %}",
            {"seen": ["x" * 65_000] * 10},
        ),
        "a list of one list, often": (
            "{% for x in [user.seen] %}{{ [" + "x, " * (90 * size) + "x] | length }}{% endfor %}",
            {"seen": items},
        ),
        "words counted": ("{{ user.name | wordcount }}" * (25 * size), {"name": "a " * 32_000}),
        "titles": ("{{ user.name | title | length }}" * (20 * size), {"name": "a-" * 32_000}),
        "a whole number out of letters": (
            "{{ user.name | int + 1 }}" * (25 * size),
            {"name": "9" * 65_000},
        ),
        "a product of numbers": ("{{ " + " * ".join(["user.age"] * 45) + " }}", {"age": 2**63 - 1}),
    }


ENDED_BY_THE_BOUND = {
    "doubling in small",
    "a long list, joined often",
    "members looked for in a loop",
    "much in a loop",
    "texts joined",
    "a list of one list, often",
}
"""Those that load, and that nothing but the bound on steps ends."""


@pytest.mark.no_cover
@pytest.mark.parametrize("size", [10, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.parametrize("attack", runaways(1))
def test_it_ends_soon_and_stays_small(attack, size, monkeypatch):
    """A tenth of an attack meets a tenth of the bound: how soon it ends is counted for each step allowed."""
    monkeypatch.setattr(render, "MOST_STEPS", MOST_STEPS * size // 100)
    text, user = runaways(size)[attack]
    shown, said = rendered(text, **user)
    if said == ["bad-template"]:
        assert attack not in ENDED_BY_THE_BOUND
        return
    assert (shown == "") is (said == ["failed-text"])
    assert said == ["failed-text"] or attack not in ENDED_BY_THE_BOUND


def test_one_text_takes_no_steps_from_the_next():
    texts = {"a": "{{ user.name" + ROUND * 14 + " }}", "b": "{{ user.name | length }}"}
    fields = Renderer({"c": Content("c", texts)}).render("c", views({"user.name": LONG}, {}), [])
    assert fields == {"a": "", "b": "65536"}


def test_what_people_really_write_is_far_from_the_bound():
    text = "{% for x in user.seen if x != 'b' %}{{ loop.index }}. {{ x | title }}"
    text += "{% if x in user.seen %},{% endif %}{% endfor %}"
    seen = [f"item-{n}" for n in range(300)]
    shown, warnings = rendered(text, seen=seen)
    assert warnings == []
    assert shown.startswith("1. Item-0,2. Item-1,")
    assert MOST_STEPS == 1_000_000


SAFE_PLACES = {
    "element text": "<p>Hello {{ user.name }}!</p>",
    "double-quoted attribute": '<a title="For {{ user.name }}" href="/x">x</a>',
    "single-quoted attribute": "<a title='For {{ user.name }}' href='/x'>x</a>",
    "a parameter of a URL": '<a href="/search?q={{ user.name | urlencode }}">x</a>',
    "joined": "<p>{{ 'Hello, ' ~ user.name }}</p>",
    "upper case": "<p>{{ user.name | upper }}</p>",
    "cut": "<p>{{ user.name | truncate(9, true, '') }}</p>",
    "reversed": "<p>{{ user.name | reverse | join }}</p>",
    "replaced": "<p>{{ user.name | replace('x', '') }}</p>",
    "escaped twice": "<p>{{ user.name | e | e }}</p>",
    "escaped, then cut": "<p>{{ user.name | e | truncate(3, true, '') }}</p>",
    "escaped, then joined": "<p>{{ [user.name | e, user.name] | join }}</p>",
    "in a loop": "<ul>{% for x in user.seen %}<li>{{ x }}</li>{% endfor %}</ul>",
    "a list": "<p>{{ user.seen }}</p>",
    "the first letter": "<p>{{ user.name[0] }}</p>",
    "a default": "<p>{{ user.city | default(user.name) }}</p>",
    "added": "<p>{{ '<b>' + user.name }}</p>",
}
"""Where docs/security.md says that output is safe: each of the names below stays plain text there."""
NAMES = [
    "<script>steal()</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "</p><script>steal()</script>",
    "<img src=x onerror=steal()>",
    "<svg/onload=steal()>",
    "<svg><animate onbegin=steal() attributeName=x dur=1s>",
    '" onmouseover="steal()" x="',
    "' onmouseover='steal()' x='",
    '"><script>steal()</script>',
    "'><script>steal()</script>",
    "</title><script>steal()</script>",
    "</textarea><script>steal()</script>",
    "--><script>steal()</script><!--",
    "<![CDATA[<script>steal()</script>]]>",
    "<?php steal() ?>",
    "<%= steal() %>",
    "{{ 7 * 7 }}{% for x in user %}{% endfor %}",
    "${steal()}#{steal()}",
    "&lt;script&gt;steal()&lt;/script&gt;",
    "&#60;script&#62;steal()&#60;/script&#62;",
    "<\x00script>steal()</script>",
    "<scr\x00ipt>steal()</script>",
    "<scr<script>ipt>steal()</scr</script>ipt>",
    "<a href=javascript:steal()>x</a>",
    "<iframe srcdoc='<script>steal()</script>'>",
    "<math><mtext></mtext><script>steal()</script></math>",
    "<style>@import '//evil.example'</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input autofocus onfocus=steal()>",
    "\u2028<script>steal()</script>\u2029",
    "\ufeff<script>steal()</script>",
    "\uff1cscript\uff1esteal()\uff1c/script\uff1e",
    "‮<script>steal()</script>",
    "<scrıpt>steal()</scrıpt>",
    "<ſcript>steal()</ſcript>",
    "`onmouseover=steal()",
    "\\x3cscript\\x3esteal()\\x3c/script\\x3e",
    "\\u003cscript\\u003esteal()",
    "<!--[if IE]><script>steal()</script><![endif]-->",
    "<noscript><p title='</noscript><img src=x onerror=steal()>'>",
    "x" * 300 + "<script>steal()</script>",
]


class Structure(HTMLParser):
    """The tags of a page and the names of their attributes: what a name must not change."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.said = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.said += data

    def odd(self, *found: object) -> None:
        self.tags.append(("odd", ()))

    handle_comment = handle_decl = handle_pi = unknown_decl = odd


def page_of(place: str, name: str) -> str:
    shown, warnings = rendered(SAFE_PLACES[place], name=name, seen=[name, name])
    assert warnings == []
    return shown


@pytest.mark.parametrize("place", SAFE_PLACES)
def test_a_name_stays_a_text_in_the_places_that_are_safe(place):
    harmless = Structure(page_of(place, "Kari"))
    for name in NAMES:
        shown = Structure(page_of(place, name))
        assert shown.tags == harmless.tags, (place, name)
        assert all(link.startswith("/") for link in shown.links), (place, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_it_is(name):
    assert Structure(page_of("element text", name)).said == f"Hello {name}!"


UNSAFE_PLACES = {
    "unquoted attribute": ("<a title={{ user.name }}>x</a>", "x onmouseover=steal()"),
    "script": ("<script>var name = {{ user.name }}</script>", "steal()"),
    "text in a script": ('<script>var name = "{{ user.name }}"</script>', "\\"),
    "handler": ("<a onclick=\"greet('{{ user.name }}')\">x</a>", "');steal('"),
    "style": ("<p style='{{ user.name }}'>x</p>", "background: url(//evil.example)"),
    "whole URL": ('<a href="{{ user.name }}">x</a>', "javascript:steal()"),
    "tag": ("<{{ user.name }}>x", "script src=//evil.example"),
    "comment": ("<!-- {{ user.name }} -->", "x"),
}


@pytest.mark.parametrize("place", UNSAFE_PLACES)
def test_escaping_is_not_enough_elsewhere_as_the_page_on_security_says(place):
    """These are no promises: they show why the page warns, and what comes through unchanged."""
    text, name = UNSAFE_PLACES[place]
    shown, warnings = rendered(text, name=name)
    assert html.unescape(shown) == text.replace("{{ user.name }}", name)
    assert warnings == []


def test_a_text_for_other_channels_is_not_escaped():
    assert rendered("Hello {{ user.name }}", "text", name="<b>") == ("Hello <b>", [])


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "chrome-headless-shell")


def test_a_browser_runs_nothing_that_a_name_brings(tmp_path):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    pieces = [page_of(place, name) for place in SAFE_PLACES for name in NAMES]
    page = tmp_path / "page.html"
    script = (
        "<script>window.stolen = 0; function steal() { window.stolen++ }</script>",
        "<script>document.querySelectorAll('[onmouseover]').forEach(one => one.onmouseover());"
        "setTimeout(() => { const found = document.querySelectorAll('#all *').length;"
        "const told = `stolen ${window.stolen} of ${found}`;"
        "document.body.innerHTML = '<img src=x onerror=steal()>';"  # which does steal
        "setTimeout(() => { document.body.textContent = `${told}, then ${window.stolen}` }, 300)"
        "}, 300)</script>",
    )
    page.write_text(
        f"<!doctype html><meta charset=utf-8>{script[0]}<div id=all>{''.join(pieces)}</div>{script[1]}",
        encoding="utf-8",
    )
    shown = _dumped(browser, page, tmp_path / "profile")
    expected = sum(len(Structure(page_of(place, "Kari")).tags) for place in SAFE_PLACES) * len(NAMES)
    assert f"stolen 0 of {expected}, then 1" in shown


def _dumped(browser: str, page: Any, profile: Any) -> str:
    """What is left of a page once its scripts ran; a skip where the browser cannot run here."""
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=2000", "--dump-dom", page.as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"the browser does not run here: {type(error).__name__}")
    if done.returncode:
        pytest.skip(f"the browser does not run here: it exits with {done.returncode}")
    return done.stdout
