"""The privacy report says what a book uses about people; one person's view says what it makes of her data."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from tailored.book.load import check_book
from tailored.cli.privacy import privacy
from tailored.engine.engine import Engine
from tailored.engine.person import view
from tailored.guard.document import to_html, to_markdown
from tailored.guard.render_report import report_page
from tailored.guard.report import report

NOW = "2026-11-24T10:00:00Z"
BOOK = """\
attributes:
  user:
    diagnoses: {type: list of strings, topic: health, description: What she told us}
    first_name: {type: string, personal: true}
    likes: {type: list of strings, purpose: recommendations}
    shoe_size: {type: integer}
  context:
    page: {type: string, values: [home, cart]}
topics:
  health: {consent: care}
  children: {sensitive: false, because: We sell toys}
purposes:
  recommendations: {description: What you may like, honours: [gpc]}
slots:
  hero: {default: plain}
  list: {many: 3}
settings:
  tone: {type: string, default: quiet}
content:
  plain: {title: "Hello {{ user.first_name }}"}
  bandage: {title: For your knee, topic: health, not_about: []}
  socks: {title: Socks}
segments:
  ill: {description: Hurt, when: {diagnoses: knee}, topic: health}
  hurt-at-home: {when: {segment: ill, page: home}}
rules:
  d: {description: A bandage, when: {segment: ill}, show: {hero: bandage}, set: {tone: warm}}
  e: {when: {segment: hurt-at-home}, show: {list: [bandage, socks]}}
  f: {when: {likes: boots}, purpose: recommendations, show: {list: [socks]}}
  g: {when: {page: cart}, hide: [list]}
""".replace(", not_about: []", "")


def book_of(text: str = BOOK):
    book, found = check_book({"a.yaml": text.encode()})
    assert found.errors == 0, found.to_text()
    return book


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.yaml").write_text(BOOK)
    return str(tmp_path)


def ask(*arguments: str):
    return CliRunner().invoke(privacy, [*arguments])


def attribute(told: dict, name: str) -> dict:
    return next(one for one in told["attributes"] if one["name"] == name)


def test_json_has_exactly_the_documented_shape(folder):
    told = json.loads(ask(folder, "--format", "json").output)
    assert list(told) == ["attributes", "unused", "topics", "purposes"]
    keys = ["name", "type", "personal", "topic", "consent", "purposes", "used_by"]
    assert [list(one) for one in told["attributes"]] == [keys] * 5
    assert attribute(told, "user.diagnoses") == {
        "name": "user.diagnoses",
        "type": "list of strings",
        "personal": True,
        "topic": "health",
        "consent": "care",
        "purposes": [],
        "used_by": [
            {"kind": "rule", "id": "d", "through": ["segment ill"]},
            {"kind": "rule", "id": "e", "through": ["segment hurt-at-home", "segment ill"]},
            {"kind": "segment", "id": "ill", "through": []},
            {"kind": "segment", "id": "hurt-at-home", "through": ["segment ill"]},
        ],
    }
    assert attribute(told, "user.likes")["purposes"] == ["recommendations"]
    assert attribute(told, "user.first_name")["used_by"] == [
        {"kind": "content", "id": "plain", "through": []}
    ]
    assert told["unused"] == ["user.shoe_size"]
    assert {one["id"]: (one["consent"], one["because"]) for one in told["topics"]} == {
        "health": ("care", None),
        "children": (None, "We sell toys"),
    }
    assert {one["id"]: one["honours"] for one in told["purposes"]} == {
        "personalization": [],
        "recommendations": ["gpc"],
    }


def test_a_purpose_names_what_opting_out_of_it_stops():
    told = report(book_of()).to_dict()
    stopped = {
        one["id"]: [f"{use['kind']} {use['id']}" for use in one["used_by"]] for one in told["purposes"]
    }
    assert stopped["recommendations"] == ["attribute user.likes", "rule f"]
    assert stopped["personalization"] == [
        "attribute user.diagnoses", "attribute user.first_name", "attribute user.likes",
        "rule d", "rule e", "rule f",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["user.diagnoses", "user.likes", "user.first_name"])
def test_what_the_report_says_of_a_missing_attribute_is_what_happens(name):
    """The rules that it calls silent do not fire for anybody who lacks the attribute, and the others may."""
    book = book_of()
    usage = next(one for one in report(book).attributes if one.attribute.key == name)
    silent = {rule.id for rule in usage.silent}
    user = {
        "diagnoses": ["knee"], "first_name": "Kari", "likes": ["boots"], "consents": {"care": True},
    }  # fmt: skip
    engine = Engine(book)

    def firing(data: dict) -> set[str]:
        return {
            rule.id
            for page in ("home", "cart")
            for rule in engine.firing(engine.facts(data, {"page": page}, NOW))
        }

    del user[name.removeprefix("user.")]
    everybody = {rule.id for rule in book.rules}
    assert silent == {"user.diagnoses": {"d", "e"}, "user.likes": {"f"}}.get(name, set())
    assert firing(user) == everybody - silent


def test_a_list_that_asks_for_what_is_missing_may_be_empty_though_its_rule_speaks():
    book = book_of(
        """\
attributes: {user: {favourite: {type: string}, watched: {type: list of strings}}}
slots: {list: {many: 3}}
catalogs: {films: {items: {a: {studio: A}}, attributes: {studio: {type: string}}}}
rules:
  fitting: {when: always, show: {list: {of: {catalog: films, where: {studio: {same as: user.favourite}}}}}}
  new: {when: always, show: {list: {of: {catalog: films}, without: [{watched: true}]}}}
"""
    )
    text = to_markdown(report_page(book, report(book), ""))
    for rule in ("fitting", "new"):
        assert (
            f"Without it every rule that reads it may still speak. What the list of `{rule}` asks of it is "
            "unknown then: no item fits it, and none is left out for it."
        ) in text
    placed = [(one.rule, one.content) for one in Engine(book).evaluate({}, {})["list"].items]
    assert placed == [("new", "a")]


def test_markdown_is_the_default_and_says_it_in_plain_words(folder):
    text = ask(folder).output
    assert text.startswith("# What decides what you see\n")
    for line in (
        "It holds a list of texts. It is sensitive (health). It is used only with consent for `care`. "
        "No purpose is named for it.",
        "- the rule `d` (A bandage), through the group `ill`, only with consent for `care`",
        "Without it these rules stay silent: `d` and `e`. Then other rules decide, or else this holds: "
        "`hero` shows `plain`; `list` is empty; `tone` is quiet.",
        "## Do not collect",
        "- `user.shoe_size`",
        "- `children`, because: We sell toys",
        "| `recommendations` | What you may like | `gpc` | data: `user.likes`; rules: `f` |",
    ):
        assert line in text.splitlines(), line


class _Page(HTMLParser):
    """What matters of a page: its tags are balanced, what it would fetch, ids and links."""

    VOID = frozenset(["meta", "link", "br", "img"])

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.meta: dict[str, str] = {}
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.fetched += [given[name] for name in ("src", "srcset", "data", "action") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        if tag == "meta":
            self.meta[given.get("name") or given.get("http-equiv") or "charset"] = (
                given.get("content") or given["charset"]
            )
        assert not any(name.startswith("on") or name == "style" for name in given)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_html_is_one_page_that_fetches_nothing_and_fits_a_phone(folder):
    text = ask(folder, "--format", "html").output
    page = _Page(text)
    assert text.startswith("<!doctype html>")
    assert page.fetched == []
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not page.tags & {"script", "link", "iframe", "img", "form", "object"}
    assert page.meta["viewport"] == "width=device-width, initial-scale=1"
    assert page.meta["charset"] == "utf-8"
    assert page.meta["Content-Security-Policy"].startswith("default-src 'none'")
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    # tables are the one thing wider than a phone: each scrolls in a box of its own
    assert text.count("<table>") == text.count('<div class="wide"')
    assert re.search(r"\.wide \{ overflow-x: auto", style)
    assert "overflow-wrap: anywhere" in style


NASTY = '<script>alert(1)</script> & "x" | `y` [z](javascript:a) ![i](http://x) *b* _c_ # d'


def test_texts_of_a_book_are_texts_on_the_page_whatever_they_hold():
    texts = ("What she told us", "What you may like", "We sell toys", "A bandage")
    source = BOOK
    for text in texts:
        source = source.replace(text, json.dumps(NASTY))
    book = book_of(source)
    told = report_page(book, report(book), "v")
    page = _Page(to_html(told))
    assert "script" not in page.tags
    assert "".join(page.texts).count(NASTY) >= 4
    markdown = to_markdown(told)
    assert "<script" not in markdown.replace("\\<script", "")
    assert "](javascript" not in markdown.replace("\\](", "")
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {5, 6}


def test_the_example_book_has_a_report_in_every_format():
    for form in ("markdown", "html", "json"):
        done = ask("rules", "--format", form)
        assert (done.exit_code, done.stderr) == (0, "")
    _Page(ask("rules", "--format", "html").output)


def test_a_book_with_errors_is_told_like_the_validator_does_and_exits_with_1(tmp_path):
    (tmp_path / "a.yaml").write_text(BOOK + "  h: {when: {pgae: home}, hide: list}\n")
    done = ask(str(tmp_path))
    assert done.exit_code == 1
    assert "unknown-attribute" in done.output
    assert ask(str(tmp_path / "nowhere")).exit_code == 2
    assert ask(str(tmp_path), "--now", NOW).exit_code == 2


# One person's view.

KARI = {"first_name": "Kari", "diagnoses": ["knee"], "likes": ["boots"], "shoe_size": 38, "pet": "cat"}


def seen(user: dict, context: dict | None = None):
    return view(Engine(book_of()), user, context or {"page": "home"}, NOW)


def statuses(told) -> dict[str, str]:
    return {datum.usage.attribute.key: datum.status for datum in told.data}


def test_a_view_says_what_becomes_of_each_of_her_data():
    told = seen(KARI)
    assert statuses(told) == {
        "user.diagnoses": "hidden",
        "user.first_name": "used",
        "user.likes": "used",
        "user.shoe_size": "unused",
        "context.page": "ready",
    }
    assert told.unread == ("pet",)
    hidden = next(datum for datum in told.data if datum.status == "hidden")
    assert hidden.reasons == ("no consent for care",)
    assert statuses(seen({**KARI, "consents": {"care": True}}))["user.diagnoses"] == "used"
    assert statuses(seen({**KARI, "likes": "boots"}))["user.likes"] == "unusable"
    assert statuses(seen({**KARI, "opt_outs": ["recommendations"]}))["user.likes"] == "hidden"


def changes(told, kind: str, name: str) -> dict[str, tuple]:
    choice = next(one for one in told.choices if (one.kind, one.id) == (kind, name))
    return {one.id: (one.kind, one.now, one.then) for one in choice.differences}


def test_a_view_says_what_each_choice_would_change_in_this_context():
    told = seen(KARI)
    assert changes(told, "consent", "care") == {
        "hero": ("slot", "plain", "bandage"),
        "list": ("slot", ["socks"], ["bandage", "socks"]),
        "tone": ("setting", "quiet", "warm"),
    }
    assert changes(told, "opt_out", "recommendations") == {"list": ("slot", ["socks"], [])}
    assert changes(told, "opt_out", "personalization") == {
        "hero": ("text", "plain", "plain"),
        "list": ("slot", ["socks"], []),
    }
    assert changes(told, "signal", "gpc") == {"list": ("slot", ["socks"], [])}
    on_the_cart = seen(KARI, {"page": "cart"})
    assert changes(on_the_cart, "opt_out", "recommendations") == {}


@pytest.mark.parametrize(
    "opt_outs", [[], ["recommendations"], ["personalization"], "all", ["a", "recommendations"]]
)
@pytest.mark.parametrize("gpc", [True, False])
def test_the_differences_are_those_of_asking_again(opt_outs, gpc):
    """Every choice is the decision that the engine gives when she has made it."""
    engine = Engine(book_of())
    user = {**KARI, "consents": {"care": True}, "opt_outs": opt_outs}
    told = view(engine, user, {"page": "home", "gpc": gpc}, NOW)
    now = engine.evaluate(user, {"page": "home", "gpc": gpc}, NOW)
    everything = ["personalization", "recommendations"]
    opted = everything if opt_outs == "all" else opt_outs
    for choice in told.choices:
        changed, context = dict(user), {"page": "home", "gpc": gpc}
        if choice.kind == "consent":
            changed["consents"] = {"care": choice.to}
        elif choice.kind == "opt_out":
            left = [one for one in opted if one != choice.id]
            changed["opt_outs"] = [*left, choice.id] if choice.to else left
        else:
            context["gpc"] = choice.to
        then = engine.evaluate(changed, context, NOW)
        differing = {
            name for name in now if now[name] != then[name] and _visible(now[name]) != _visible(then[name])
        }
        assert {one.id for one in choice.differences} == differing


def _visible(thing) -> object:
    told = thing.to_dict()
    items = [{key: one[key] for key in ("content", "fields")} for one in told.get("items", ())]
    return {**{key: value for key, value in told.items() if key not in ("rule", "reason")}, "items": items}


def test_a_view_holds_names_and_no_values(folder):
    secret = {
        "first_name": "Xaveria",
        "diagnoses": ["gout-xyz"],
        "likes": ["boots", "zzz-likes"],
        "shoe_size": 39_393,
    }
    for form in ("markdown", "html", "json"):
        text = ask(folder, "--user", json.dumps(secret), "--now", NOW, "--format", form).output
        assert "user.diagnoses" in text
        assert not [value for value in ("Xaveria", "gout-xyz", "zzz-likes", "39393") if value in text]


def test_the_command_takes_a_user_a_context_a_request_and_a_file(folder, tmp_path):
    (tmp_path / "kari.json").write_text(json.dumps(KARI))
    by_text = ask(folder, "--user", json.dumps(KARI), "--context", '{"page": "home"}', "--now", NOW)
    by_file = ask(
        folder, "--user", str(tmp_path / "kari.json"), "--context", '{"page": "home"}', "--now", NOW
    )
    assert (by_text.exit_code, by_text.output) == (0, by_file.output)
    assert "### If you gave consent for `care`" in by_text.output
    with_signal = ask(folder, "--user", "{}", "--context", '{"gpc": true}').output
    assert "- Your browser sends the signal Sec-GPC\n- Opted out of `recommendations`\n" in with_signal
    assert "| `hero` | `plain` | `bandage` |" in by_text.output
    _Page(ask(folder, "--user", json.dumps(KARI), "--format", "html").output)
    request = Path("examples/requests/saver-no-consent.json")
    assert ask("rules", "--request", str(request)).exit_code == 0
    for wrong in (
        ["--user", "{"],
        ["--user", "[]"],
        ["--user", "nowhere.json"],
        ["--user", "{}", "--now", "soon"],
    ):
        done = ask(folder, *wrong)
        assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
