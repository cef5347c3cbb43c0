"""The JSON Schemas take what the validator takes, and mark the slips of the pen that it marks."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator

from tailored.book.conditions import WORDS
from tailored.book.load import check_book
from tailored.book.nodes import MappingNode, Reader, SequenceNode, plain_value
from tailored.book.schema import rulebook_schema
from tailored.book.schema.conditions import CONDITION
from tailored.book.source import read_sources
from tests.support.command import tailored
from tests.support.conditions import ATTRIBUTES, PURPOSES, conditions, written
from tests.test_fuzz import mutate

KEPT = Path("schemas/rulebook.schema.json")
RENEW = f"tailored schema > {KEPT}"
SOURCES = read_sources("rules")
EXAMPLE = check_book(SOURCES)[0]
GENERAL = Draft7Validator(rulebook_schema())
OF_BOOK = Draft7Validator(rulebook_schema(EXAMPLE))
BOTH = pytest.mark.parametrize("validator", [GENERAL, OF_BOOK], ids=["general", "of the book"])

ODD = """\
attributes:
  user:
    plan: {type: string, values: ["2", "1e3", "true", free]}
    level: {type: integer, values: [1, 2]}
    born: {type: date, values: [2000-01-01]}
    name: {type: string}
    built_on: {type: version, values: [1.10]}
    sizes: {type: list of integers, values: [36, 37]}
    page: {type: string}
  context: {page: {type: string, values: [home]}}
slots: {hero: {default: 404}, list: {many: 2}, modules: {order: ["1", b]}}
settings: {words: {type: list of strings, default: []}, day: {type: datetime, default: 2026-11-01T08:00Z}}
content: {404: {title: null, parts: [1, {x: y}]}, b: {title: B, topic: [health], tags: 3}}
segments: {"7": {when: always}}
"""


def data(text: str | bytes):
    """A file's content as a validator in CI gets it: plain JSON data, by the core schema of YAML."""
    reader = Reader("a.yaml", [])

    def plain(node):
        if isinstance(node, MappingNode):
            return {key: plain(value) for key, (_, value) in reader.entries(node).items()}
        return [plain(item) for item in node.value] if isinstance(node, SequenceNode) else plain_value(node)

    _, root = reader.compose(text.encode() if isinstance(text, str) else text)
    return None if root is None else plain(root)


def of(text: str) -> Draft7Validator:
    return Draft7Validator(rulebook_schema(check_book({"a.yaml": text.encode()})[0]))


def in_a_rule(body: str) -> str:
    """A file with a rule that has these keys, and an action in any case."""
    return f"rules: {{r: {{{body}}}}}\n" if "hide" in body else f"rules: {{r: {{{body}, hide: hero}}}}\n"


@BOTH
def test_a_schema_is_valid_draft_07(validator):
    Draft7Validator.check_schema(validator.schema)
    assert validator.schema["$schema"] == "http://json-schema.org/draft-07/schema#"


@BOTH
def test_a_schema_has_no_title_which_editors_would_show_instead_of_descriptions(validator):
    def keywords(schema):
        if isinstance(schema, dict):
            yield from (key for key, value in schema.items() if key == "title" and isinstance(value, str))
            schema = list(schema.values())
        for part in schema if isinstance(schema, list) else ():
            yield from keywords(part)

    assert list(keywords(validator.schema)) == []


def test_the_kept_schema_is_the_one_that_the_command_prints():
    assert tailored("schema").stdout == KEPT.read_text(), f"{KEPT} is stale; renew it with `{RENEW}`"


@BOTH
@pytest.mark.parametrize("path", SOURCES)
def test_every_file_of_the_example_book_is_taken(validator, path):
    assert [error.message for error in validator.iter_errors(data(SOURCES[path]))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "rulse: {}",
        "attributes: {usr: {age: {type: integer}}}",
        "attributes: {user: {age: {typ: integer}}}",
        "attributes: {user: {age: {type: intger}}}",
        "attributes: {user: {an age: {type: integer}}}",
        "attributes: {user: {age: {}}}",
        "topics: {health: {consnt: health}}",
        "slots: {hero: {defualt: generic-hero}}",
        "slots: {hero: {many: 0}}",
        "settings: {path: {type: string}}",
        "content: {socks: {format: txt}}",
        "content: {Warm Socks: {title: Socks}}",
        "segments: {young: {description: Young people}}",
        "rules: {r: {whne: always, hide: [hero]}}",
        "rules: {r: {when: always}}",
        in_a_rule("priority: 1001"),
        in_a_rule("priority: high"),
        in_a_rule("from: soon"),
        in_a_rule("until: 2026"),
        "rules: {r: {when: alwasy, hide: [hero]}}",
        "rules: {r: {when: {}, hide: [hero]}}",
        "rules: {r: {when: {any: {page: home}}, hide: [hero]}}",
        "rules: {r: {when: {any: []}, hide: [hero]}}",
        "rules: {r: {when: {age: {at lest: 18}}, hide: [hero]}}",
        "rules: {r: {when: {age: {between: [18]}}, hide: [hero]}}",
        "rules: {r: {when: {saved_items: {size: {at lest: 3}}}, hide: [hero]}}",
        "rules: {r: {when: {signed_up_at: {in the last: a while}}, hide: [hero]}}",
        "rules: {r: {when: {logic: {'=!': [1, 2]}}, hide: [hero]}}",
        "rules: {r: {when: {age: null}, hide: [hero]}}",
    ],
)
def test_a_slip_in_the_language_is_refused_by_both_schemas(wrong):
    assert not GENERAL.is_valid(data(wrong))
    assert not OF_BOOK.is_valid(data(wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        "show: {hreo: hiking-socks}",
        "show: {hero: hiking-sokcs}",
        "show: {hero: [hiking-socks]}",
        "show: {recommendations: [boot-wacks]}",
        "show: {guidance: [guide-sizes, guide-returns, guide-wish-list]}",
        "show: {home-modules: hero}",
        "hide: [hreo]",
        "hide: [home-modules]",
        "order: {home-modules: [hreo]}",
        "order: {hero: [hero]}",
        "set: {onboarding-paht: team}",
        "set: {onboarding-path: taem}",
        "set: {shortcuts-bar: 1}",
        "topic: finanse",
        "purpose: advertising",
        "not_about: [finanse]",
        "when: {segment: power-user}",
        "when: {segment: [power-users, new-user]}",
        "when: {pgae: home}",
        "when: {user.page: home}",
        "when: {page: chekout}",
        "when: {page: [home, chekout]}",
        "when: {page: {is not: chekout}}",
        "when: {page: {at least: home}}",
        "when: {context.page: chekout}",
        "when: {age: '18'}",
        "when: {age: {at least: 17.5}}",
        "when: {member: 1}",
        "when: {member_since: {after: 2026}}",
        "when: {app_version: {at least: four}}",
        "when: {saved_items: {size: many}}",
        "when: {not: {any: [{all: [{segment: nobody}]}]}}",
    ],
)
def test_a_slip_in_a_name_of_the_book_is_refused_by_its_schema(wrong):
    text = in_a_rule(wrong)
    assert not OF_BOOK.is_valid(data(text))
    _, report = check_book(SOURCES | {"z.yaml": text.encode()})
    assert report.errors, "the validator refuses it, too"


@pytest.mark.parametrize(
    "right",
    [
        "when: {plan: 2}",
        'when: {plan: "2"}',
        "when: {plan: {one of: [1e3, true, free]}}",
        "when: {plan: {contains: x, known: true}}",
        "when: {level: 2.0}",
        "when: {name: 18}",
        "when: {name: [true, no, 2026-11-01]}",
        "when: {born: 20000101}",
        'when: {born: {between: ["1999-01-01", 2001-01-01]}}',
        "when: {built_on: {between: [1, 2.0.1]}}",
        "when: {built_on: {one of: [1.10.0, 1.10]}}",
        "when: {sizes: {contains all: [36], size: {between: [1, 3]}}}",
        "when: {user.page: cart, context.page: home}",
        "when: {segment: 7}",
        "when: {all: [always, {not: {segment: ['7']}}]}",
        "when: {gpc: false, request_id: a}",
        "when: {logic: {'==': [{var: user.name}, x]}}",
        "show: {hero: 404, list: [b, 404]}",
        "show: {list: b}",
        "order: {modules: 1}",
        "order: {modules: [b, 1]}",
        "hide: list",
        "set: {words: [], day: '2026-11-01T08:00:00+01:00'}",
        "set: {words: [1, two]}",
        "topic: [health, children], purpose: personalization",
        "from: 20261101, until: 2026-12-01 10:00, review: 2026-12-24T10:00Z",
        "description: 3, owner: true",
    ],
)
def test_odd_spellings_that_the_validator_takes_are_taken(right):
    text = ODD + in_a_rule(right)
    assert not check_book({"a.yaml": text.encode()})[1].errors
    for validator in (GENERAL, of(ODD)):
        assert [error.message for error in validator.iter_errors(data(text))] == []


def test_anchors_and_merge_keys_are_taken_merged_or_not():
    text = "segments:\n  a: &a {description: d, when: always}\n  b: {<<: *a, owner: me}\n"
    merged = data(text)
    unmerged = {
        "segments": {"a": merged["segments"]["a"], "b": {"<<": merged["segments"]["a"], "when": "always"}}
    }
    for validator in (GENERAL, of(text)):
        assert validator.is_valid(merged)
        assert validator.is_valid(unmerged)


@pytest.mark.parametrize("empty", ["", "rules:", "attributes: {user: }", "attributes:\ncontent: {}"])
def test_what_may_be_left_empty_is_taken(empty):
    assert GENERAL.is_valid(data(empty))
    assert OF_BOOK.is_valid(data(empty))


def test_a_book_without_segments_or_slots_has_none_to_name():
    schema = of("content: {a: {title: A}}")
    assert not schema.is_valid({"rules": {"r": {"hide": ["hero"]}}})
    assert not schema.is_valid({"rules": {"r": {"set": {"a": 1}}}})
    assert not schema.is_valid({"segments": {"s": {"when": {"segment": "t"}}}})


def test_a_name_that_both_sides_have_must_be_written_whole():
    schema = of(ODD)
    assert not schema.is_valid(data("segments: {s: {when: {page: home}}}"))
    assert schema.is_valid(data("segments: {s: {when: {context.page: home}}}"))


def test_the_words_of_conditions_are_those_of_the_language():
    assert {*CONDITION, "always"} == set(WORDS)


@pytest.mark.no_cover
@given(conditions())
@settings(max_examples=150, deadline=None)
def test_whatever_condition_the_validator_takes_the_schemas_take(condition):
    sections = {"attributes": ATTRIBUTES, "purposes": PURPOSES, "segments": {"s": {"when": condition}}}
    text = written(sections)
    book, report = check_book({"a.yaml": text})
    assert not report.errors
    for validator in (GENERAL, Draft7Validator(rulebook_schema(book))):
        assert [error.message for error in validator.iter_errors(data(text))] == []


@pytest.mark.no_cover
def test_whatever_is_left_of_the_example_book_that_the_validator_takes_the_schemas_take():
    dice = random.Random(7)
    taken = 0
    while taken < 25:
        path = dice.choice(list(SOURCES))
        content = mutate(SOURCES[path], dice)
        book, report = check_book(SOURCES | {path: content})
        if report.errors:
            continue
        taken += 1
        for validator in (GENERAL, Draft7Validator(rulebook_schema(book))):
            assert [error.message for error in validator.iter_errors(data(content))] == []


def test_the_command_prints_a_schema_with_the_names_of_a_book():
    done = tailored("schema", "rules")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == OF_BOOK.schema
    segment = OF_BOOK.schema["definitions"]["segment"]
    described = dict(zip(segment["enum"], segment["enumDescriptions"], strict=True))
    assert described["hiking-boots-viewers"] == "Looked at hiking boots"


def test_a_book_with_errors_still_has_a_schema_and_the_command_says_so(tmp_path):
    (tmp_path / "a.yaml").write_text("slots: {hero: {}}\nrules: {calm: {hide: [hreo]}}")
    done = tailored("schema", str(tmp_path))
    assert done.returncode == 1
    assert "hero" in json.loads(done.stdout)["definitions"]["show"]["properties"]
    assert done.stderr.count("\n") == 1
    assert f"tailored validate {tmp_path}" in done.stderr


def test_no_book_is_one_line_and_exit_2(tmp_path):
    done = tailored("schema", str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "there is no folder" in done.stderr
