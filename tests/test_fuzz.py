"""Whatever is done to a rule book, the validator ends soon, with nothing but its own findings."""

import random
import re
from collections.abc import Callable
from functools import lru_cache

import pytest

from tailored.book import nodes
from tailored.book.compose import compose
from tailored.book.diagnostics import split_lines
from tailored.book.load import check_book
from tailored.book.source import read_sources
from tests.support.steps import steps

MARKS = b"{}[]:,-\"'&*!|>#% \n\tabc01\x00\xff?~"
TOKEN = re.compile(r"\n *|[\w.-]+|\{\{|\}\}|\{%|%\}|\s+|.", re.DOTALL)
WORDS = """\
~ null true 0 -1 .inf .nan 1e999 99999999999999999999 0x 2026-02-30 "" \'\' [] {} [[]] {a:{}} &a *a <<: !!int
>- | # \\ \\n " \' : - ? , [ ] { } {{ }} {% %} user context user.consents loop always any all not segment
logic known between size is \ud7ff \u202e \x85 é 😀 topic many order default fill rules
slots attributes content
"""
ODD = re.split(r"[ \n]", WORDS)
BOOK = """\
attributes:
  user:
    name: {type: string, personal: true}
    age: {type: integer}
    at: {type: datetime, path: a.b}
  context: {page: {type: string, values: [home, cart]}, app: {type: version, topic: health}}
topics: {knees: {consent: health, description: Knees}}
slots: {hero: {default: a}, list: {many: 3, default: [a], fill: true}, parts: {order: [x, y, z]}}
settings:
  mode: {type: string, default: one, values: [one, two]}
  sizes: {type: list of integers, default: [1]}
content:
  a: {title: "Hi {{ user.name | upper if user.name }}", tags: [x, y], n: [1, {b: 2.5}]}
  b: {title: "{% for x in user.opt_outs %}{{ x }}, {% endfor %}", topic: knees, format: text}
segments:
  grown: {when: {age: {at least: 18, known: true}}, owner: us}
  near: {when: {any: [{segment: grown}, {not: {page: home}}, always]}}
rules:
  one: &one
    when: {page: [home, cart], segment: near, at: {in the last: 3 days}}
    show: {hero: b, list: [a, b]}
    set: {mode: two, sizes: [1, 2]}
    priority: 7
    from: 2026-11-01
    until: 2036-03-01
  two:
    <<: *one
    when: {logic: {"==": [{var: user.age}, 3]}, app: {between: [1, 2]}}
    show: {list: b}
    hide: [hero]
    order: {parts: [z]}
tests:
  table:
    user: {age: 18, name: }
    context: {page: home}
    consents: {health: true}
    now: 2026-11-24
    each: [{at: 2026-11-23T10:00:00Z, hero: b}, {app: 1.2, list: {first: [a], hidden: false}}]
    expect: {parts: [z, x, y], mode: {value: two, rule: one}, hero: {fields: {title: T}}}
  every: {request: a.json, each: {page: [home, cart], consents: [[health], []]}, expect: {hero: b}}
"""


def mutate(content: bytes, dice: random.Random) -> bytes:
    """The content cut off, with some bytes replaced, or with its lines shuffled or swapped."""
    kind = dice.randrange(4)
    if kind == 0:
        return content[: dice.randrange(len(content))]
    if kind == 1:
        scratched = bytearray(content)
        for _ in range(dice.randrange(1, 20)):
            scratched[dice.randrange(len(content))] = dice.choice(MARKS)
        return bytes(scratched)
    lines = content.split(b"\n")
    if kind == 2:
        dice.shuffle(lines)
    else:
        one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def mutate_words(content: bytes, dice: random.Random) -> bytes:
    """The content with some words doubled, deleted, swapped or replaced, or with lines indented anew."""
    tokens = TOKEN.findall(content.decode())
    for _ in range(dice.randrange(1, 5)):
        one, other = dice.randrange(len(tokens)), dice.randrange(len(tokens))
        match dice.randrange(5):
            case 0:
                tokens.insert(one, tokens[one] + dice.choice(["", " ", ", ", ": "]))
            case 1:
                tokens[one] = ""
            case 2:
                tokens[one], tokens[other] = tokens[other], tokens[one]
            case 3:
                tokens[one] = dice.choice(ODD)
            case _:
                breaks = [place for place, token in enumerate(tokens) if token.startswith("\n")]
                tokens[dice.choice(breaks or [one])] = "\n" + " " * dice.randrange(9)
    return "".join(tokens).encode()


def survives(sources: dict[str, bytes]) -> bool:
    """Whether a book has errors; its report must be whole and honest about places."""
    _, report = check_book(sources)
    assert report.to_text()
    lines = {path: split_lines(text) for path, text in report.texts.items()}
    for finding in report.diagnostics:
        span = finding.span
        assert finding.message.endswith("."), finding
        assert 1 <= span.line <= span.end_line <= len(lines[span.path]), finding
        assert 1 <= span.column <= len(lines[span.path][span.line - 1]) + 1, finding
        assert (span.line, span.column) <= (span.end_line, span.end_column), finding
    return report.errors > 0


def takes_few_steps(sources: dict[str, bytes]) -> bool:
    """What `survives` says; whatever stands in a file, checking takes few steps for each of its bytes."""
    has_errors, count = steps(lambda: survives(sources))
    assert count < 10_000 + 100 * sum(map(len, sources.values()))
    return has_errors


@pytest.mark.parametrize("change", [mutate, mutate_words])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.no_cover)])
def test_the_validator_survives_every_mutation_of_the_example_book(
    seed: int, change: Callable[[bytes, random.Random], bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(nodes, "compose", lru_cache(compose))  # the files that stay as they are parse once
    dice = random.Random(seed)
    sources = read_sources("rules")
    shared = {path: content for path, content in sources.items() if path.startswith("shared/")}
    broken = 0
    for number in range(500):
        path = dice.choice(list(sources))
        changed = shared | {path: change(sources[path], dice)}
        broken += takes_few_steps(changed) if number % 10 == 0 else survives(changed)
    assert broken > 250


@pytest.mark.no_cover
@pytest.mark.parametrize("change", [mutate, mutate_words])
@pytest.mark.parametrize("seed", range(4))
def test_the_validator_survives_every_mutation_of_a_book_with_everything(
    seed: int, change: Callable[[bytes, random.Random], bytes]
):
    dice = random.Random(seed)
    changed = [{"book.yaml": change(BOOK.encode(), dice)} for _ in range(500)]
    assert sum(map(survives, changed[50:])) + sum(map(takes_few_steps, changed[:50])) > 250


def test_the_book_with_everything_has_no_findings():
    assert not survives({"book.yaml": BOOK.encode()})
    assert check_book({"book.yaml": BOOK.encode()})[1].errors == 0
