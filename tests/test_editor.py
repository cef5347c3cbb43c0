"""An editor with the real language server completes, explains and marks a rule book by the book's schema."""

import itertools
import json
import shutil

import pytest

from tailored.book.load import check_book
from tailored.book.schema import rulebook_schema
from tailored.book.source import read_sources
from tests.support.lsp import LanguageServer
from tests.support.node import NodeToolMissing, yaml_language_server

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree("rules", folder / "rules")
    return folder


@pytest.fixture(scope="module")
def command():
    try:
        return yaml_language_server()
    except NodeToolMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def schema(folder):
    book, _ = check_book(read_sources(folder / "rules"))
    schema = folder / "rules.schema.json"
    schema.write_text(json.dumps(rulebook_schema(book)))
    return schema


@pytest.fixture(scope="module")
def server(command, schema, folder):
    settings = {
        "yaml": {
            "schemaStore": {"enable": False},
            "validate": True,
            "hover": True,
            "completion": True,
            "schemas": {schema.as_uri(): "*.yaml"},
        }
    }
    with LanguageServer(command, root=folder, settings=settings) as server:
        yield server


@pytest.fixture
def typed(server, folder):
    """Opens what someone has typed as a new file of the book."""
    return lambda text: server.open(folder / "rules" / f"typed-{next(NUMBERS)}.yaml", text)


def rule(*lines: str) -> str:
    return "\n".join(["rules:", "  new-rule:", *(f"    {line}" for line in lines), ""])


@pytest.mark.parametrize(
    "text, before, offered, described",
    [
        (rule("when:", "  segment: "), "segment: ", "hiking-boots-viewers", "Looked at hiking boots"),
        (rule("when:", "  segment: [pow]"), "[pow", "power-users", "Here every second or third day"),
        (rule("when:", "  any:", "    - segment: "), "segment: ", "campers", "Sleep outdoors"),
        (rule("when:", "  "), "when:\n      ", "temperature", "Degrees Celsius outside"),
        (rule("when: {app}"), "{app", "app_version", "Version of our phone app"),
        (rule("when:", "  age:", "    "), "age:\n        ", "at least", "such as at least: 18"),
        (rule("when: {age: {bet}}"), "{bet", "between", "a low and a high value, both included"),
        (rule("show:", "  "), "show:\n      ", "hero", "The big picture at the top of the home page"),
        (rule("show: {hero: }"), "hero: ", "savings-plan-intro", "The offer itself speaks of saving"),
        (rule("show: {recommendations: [b]}"), "[b", "boot-wax", "Boot wax"),
        (rule("hide: [h]"), "[h", "guidance", "Short helping hands"),
        (rule("set: {onb}"), "{onb", "onboarding-path", "Which of the three introductions"),
        (rule("topic: "), "topic: ", "finance", "Money matters"),
        (rule("purpose: "), "purpose: ", "recommendations", "What we think you may like"),
        (rule("not_about: "), "not_about: ", "criminal-record", "Crimes: suspicion"),
        ("content:\n  c:\n    purpose: ", "purpose: ", "greetings", "Greeting you"),
        (
            "attributes:\n  user:\n    vip:\n      topic: ",
            "topic: ",
            "precise-location",
            "closer than the town",
        ),
        ("topics:\n  children:\n    ", "children:\n    ", "because", "the privacy report shows it"),
        ("purposes:\n  ads:\n    honours: ", "honours: ", "gpc", "The Sec-GPC signal"),
        (
            "consent:\n  tcf:\n    consents:\n      ",
            "consents:\n      ",
            "biometrics",
            "Consent to biometrics",
        ),
        (
            "consent:\n  tcf:\n    opt_outs:\n      ",
            "opt_outs:\n      ",
            "onboarding",
            "people who are new here",
        ),
        (rule(""), "new-rule:\n    ", "until", "When it falls asleep for good"),
        ("", "", "segments", "Conditions with a name"),
        ("attributes:\n  user:\n    vip: {type: }", "type: ", "boolean", "It holds true or false"),
    ],
)
def test_names_are_completed_with_their_descriptions(server, typed, text, before, offered, described):
    document = typed(text)
    items = {item["label"]: item for item in server.complete(document, document.after(before))}
    assert offered in items
    assert described in str(items[offered]["documentation"])


@pytest.mark.parametrize(
    "text, before, offered",
    [
        (rule("when:", "  page: "), "page: ", "home product cart checkout onboarding magazine account"),
        (rule("when: {device: {is not: }}"), "is not: ", "mobile tablet desktop"),
        (rule("when:", "  device: [mob]"), "[mob", "mobile tablet desktop"),
        (rule("when: {member: }"), "member: ", "true false"),
        (rule("set: {onboarding-path: }"), "path: ", "solo team client"),
        (rule("set: {shortcuts-bar: }"), "bar: ", "true false"),
        (rule("order: {home-modules: [ord]}"), "[ord", "hero categories recommendations popular-near-you "
         "editors-pick order-status wish-list continue-reading"),
        (rule("when: "), "when: ", "always"),
        (rule("description: "), "description: ", ""),
        (rule("when:", "  city: "), "city: ", ""),
    ],
)  # fmt: skip
def test_values_are_completed_and_nothing_else_is_offered(server, typed, text, before, offered):
    document = typed(text)
    assert [item["label"] for item in server.complete(document, document.after(before))] == offered.split()


HOVERED = rule(
    "when: {page: home, segment: hiking-boots-viewers, savings_goal: home, orders_count: {at least: 3}}",
    "show: {hero: savings-plan-intro}",
    "set: {express-checkout: true}",
    "priority: 50",
)


@pytest.mark.parametrize(
    "word, shown",
    [
        ("rules", "Who sees what"),
        ("page", "The page that is being shown (text)"),
        ("savings_goal", "needs consent for finance"),
        ("segment", "Whoever is in this segment"),
        ("hiking-boots-viewers", "`hiking-boots-viewers`: Looked at hiking boots"),
        ("at least", "such as at least: 18"),
        ("hero", "The big picture at the top of the home page (a slot for one item)"),
        ("savings-plan-intro", "`savings-plan-intro`: The offer itself speaks of saving"),
        ("express-checkout", "Whether paying takes one page instead of three"),
        ("priority", "From 0 to 1000; the higher wins"),
    ],
)
def test_pointing_at_a_word_shows_its_description(server, typed, word, shown):
    document = typed(HOVERED)
    assert shown in server.hover(document, document.on(word))


@pytest.mark.parametrize(
    "wrong, marked, message",
    [
        ("when: {segment: new-uesrs}", "new-uesrs", "This takes the name of a segment: visitors"),
        ("when: {segment: [campers, reader]}", "reader", "This takes the name of a segment"),
        ("when: {pgae: home}", "pgae", "This takes any, all, not"),
        ("when: {page: chekout}", "chekout", "`page` takes one of its values: home, product"),
        ("when: {page: {is nto: home}}", "is nto", "This takes known, is, is not"),
        ("when: {age: '18'}", "'18'", "This takes a whole number, such as `18`."),
        ("when: {member: yes}", "yes", "This takes true or false, such as `true`."),
        ("when: {signed_up_at: {in the last: 3 dayz}}", "3 dayz", "such as `30 days`"),
        ("when: {any: {page: home}}", "{page: home}", "This takes a list"),
        ("when: alwasy", "alwasy", "A condition is `always`, or a mapping such as `page: home`."),
        ("whne: always", "whne", "This takes description, owner, hypothesis, because, when"),
        ("show: {hreo: hiking-socks}", "hreo", "This takes hero, greeting"),
        ("show: {hero: hiking-sokcs}", "hiking-sokcs", "This takes the name of a content item"),
        ("show: {checkout-notes: []}", "[]", "This takes the name of a content item"),
        ("show: {guidance: [thermos, boot-wax, gaiters]}", "[thermos, boot-wax, gaiters]", "2 or fewer"),
        ("order: {home-modules: [hreo]}", "hreo", "This takes the name of a module: hero"),
        ("set: {onboarding-path: taem}", "taem", "takes one of its values: solo, team, client."),
        ("topic: finanse", "finanse", "This takes the name of a topic: health"),
        ("purpose: recomendations", "recomendations", "This takes the name of a purpose: personalization"),
        ("not_about: [helth]", "helth", "This takes the name of a topic: health"),
        ("from: 2026", "2026", "This takes a time, such as `2026-11-01T08:30:00Z`."),
        ("hide: [hreo]", "hreo", "This takes the name of a slot: hero"),
    ],
)  # fmt: skip
def test_a_slip_is_marked_where_it_stands(server, typed, wrong, marked, message):
    action = () if wrong.startswith(("show", "hide", "order", "set")) else ("hide: [hero]",)
    marks = server.diagnose(typed(rule(wrong, *action)))
    assert [mark.text for mark in marks] == [marked]
    assert message in marks[0].message


def test_a_rule_without_an_action_is_marked_at_its_name(server, typed):
    marks = server.diagnose(typed(rule("when: always")))
    assert [(mark.text, mark.message) for mark in marks] == [
        ("new-rule", "This does nothing: it needs one of show, hide, order, set.")
    ]


def test_anchors_and_merge_keys_are_not_marked(server, typed):
    shared = rule("<<: *shared", "priority: 7").replace("rules:\n", "")
    text = rule("when: {page: home}", "hide: [hero]").replace("new-rule:", "first-rule: &shared") + shared
    assert server.diagnose(typed(text)) == []


def test_nothing_is_marked_in_the_example_book(server, folder):
    paths = sorted((folder / "rules").rglob("*.yaml"))
    marked = {path.name: server.diagnose(server.open(path, path.read_text())) for path in paths}
    assert len(marked) >= 6
    assert {name: marks for name, marks in marked.items() if marks} == {}


def test_the_first_line_of_a_file_can_name_the_schema(command, schema, folder):
    settings = {"yaml": {"schemaStore": {"enable": False}, "validate": True}}
    text = rule("when: {segment: nobody}", "hide: [hero]")
    with LanguageServer(command, root=folder, settings=settings) as server:
        plain = server.open(folder / "rules" / "plain.yaml", text)
        line = f"# yaml-language-server: $schema=../{schema.name}\n"
        named = server.open(folder / "rules" / "named.yaml", line + text)
        assert server.diagnose(plain) == []
        assert [mark.text for mark in server.diagnose(named)] == ["nobody"]
