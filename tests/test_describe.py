"""`tailored describe` tells a whole book so that a reviewer misses nothing."""

import json

import pytest
from click.testing import CliRunner

from tailored.book.describe import WIDTH, describe, to_text
from tailored.book.load import check_book, load_book
from tailored.cli.describe import describe as command

BASE = """\
attributes:
  user:
    age: {type: integer, description: In whole years}
    injuries: {type: list of strings, topic: health, personal: true}
    language: {type: string}
  context:
    page: {type: string, values: [home, cart]}
    language: {type: string}
topics:
  pregnancy: {description: Expecting, consent: health}
  secret: {consent: never}
  children: {sensitive: false, because: We sell toys}
purposes:
  ads: {description: Advertisements, honours: [gpc]}
slots:
  hero: {description: The big picture, default: plain}
  list: {many: 2}
  full: {many: 1, default: [plain], fill: true}
  modules: {order: [m, n]}
settings:
  path: {type: string, default: a, values: [a, b]}
content:
  plain: {title: Hi}
  cradle: {title: A cradle, topic: pregnancy}
  offer: {title: An offer, topic: children, purpose: personalization, owner: ads}
  locked: {title: Locked, topic: secret}
segments:
  sore: {description: Told us, when: {injuries: knee}, topic: health, owner: care}
  slow: {when: {segment: sore, age: {at least: 60}}}
"""
RULES = """\
rules:
  weak: {when: {context.language: en}, show: {hero: plain}}
  whole:
    description: Everything at once
    owner: care
    hypothesis: It helps
    when: {page: home, segment: slow}
    show: {hero: cradle, list: [plain, offer]}
    hide: [full]
    order: {modules: [n, m]}
    set: {path: b}
    priority: 300
    from: 2026-11-01
    until: 2036-03-01
    review: 2035-01-15T10:30Z
    purpose: ads
    because: you came back
"""


def tell(rules: str = RULES):
    book, report = check_book({"base.yaml": BASE.encode(), "a.yaml": rules.encode()})
    assert report.errors == 0, report.to_text()
    return describe(book)


def block(text: str, name: str) -> str:
    return next(part for part in text.split("\n\n") if part.startswith(f"  {name}\n"))


def test_counts_come_first():
    assert to_text(tell()).startswith(
        "This book has 2 rules in 1 file, 4 slots, 1 setting, 2 segments, 4 content items and 5 attributes.\n"
    )


def test_a_rule_is_told_whole():
    assert (
        block(to_text(tell()), "whole")
        == """\
  whole
    Everything at once
    when      page is home and in slow
    then      shows cradle in hero
              shows plain and offer in list
              hides full
              puts n and m first in modules
              sets path to b
    priority  300
    awake     from 2026-11-01 until 2036-03-01 begins; to be looked at again by 2035-01-15 10:30 UTC
    consent   health, for the segment sore and the attribute user.injuries
              pregnancy (the flag health), for the content cradle
    purpose   ads and personalization, for this rule and the content offer
    owner     care
    because   It helps
    tells     you came back"""
    )


@pytest.mark.parametrize(
    "name, lines",
    [
        ("weak", ["when      context.language is en", "priority  100"]),
        (
            "hero",
            [
                "The big picture",
                "holds     one content item; plain where no rule places any",
                "rules     whole (300), weak (100)",
            ],
        ),
        ("list", ["holds     up to 2 content items; nothing where no rule places any"]),
        (
            "full",
            ["holds     up to 1 content item; plain where rules leave room", "rules     hidden by whole"],
        ),
        ("modules", ["holds     m and n, in this order unless a rule puts some first"]),
        ("path", ["holds     text, one of a, b; a where no rule sets it", "rules     whole (300)"]),
        (
            "sore",
            [
                "Told us",
                "when      injuries contain knee",
                "used by   slow",
                "owner     care",
                "consent   health, for this segment and the attribute user.injuries",
            ],
        ),
        ("slow", ["when      in sore and age is at least 60", "used by   whole"]),
        ("plain", ["Hi", "used by   whole, weak, the default of hero and the default of full"]),
        (
            "offer",
            [
                "An offer",
                "purpose   personalization, for this content",
                "used by   whole",
                "owner     ads",
            ],
        ),
        ("locked", ["Locked", "consent   secret (never given), for this content"]),
        ("user.injuries", ["holds     a list of texts; tells something about a person", "labels    health"]),
        ("context.page", ["holds     text, one of home, cart"]),
        (
            "pregnancy",
            ["Expecting", "consent   user.consents.health must be true", "labels    the content cradle"],
        ),
        ("secret", ["consent   never given", "labels    the content locked"]),
        ("children", ["consent   none needed: We sell toys", "labels    the content offer"]),
        (
            "ads",
            [
                "Advertisements",
                "opt-out   user.opt_outs: [ads]",
                "context.gpc: true is an opt-out, too",
                "labels    the rule whole",
            ],
        ),
        (
            "personalization",
            [
                "Everything that depends on who somebody is",
                "opt-out   user.opt_outs: [personalization]",
                "labels    every user attribute but user.id, user.consents and user.opt_outs",
                "the content offer",
            ],
        ),
    ],
)
def test_everything_else_is_told(name, lines):
    told = [line.strip() for line in block(to_text(tell()), name).splitlines()]
    assert [line for line in lines if line not in told] == []


def test_rules_stand_by_file_and_the_strongest_first():
    told = tell()
    assert [rule["id"] for rule in told["rules"]] == ["whole", "weak"]
    assert "RULES in a.yaml, the strongest first" in to_text(told)
    files = [rule["path"] for rule in describe(load_book("rules"))["rules"]]
    assert files == sorted(files)


def test_what_is_left_without_personalization_is_named():
    rules = "rules: {r: {when: {segment: slow}, hide: [hero]}, s: {when: {user.id: x}, hide: [hero]}}"
    assert tell(rules)["without_personalization"] == ["s"]
    told = " ".join(to_text(tell(rules)).split())
    assert "1 rule of 2 can fire, because their conditions read nothing about the user: s." in told
    assert told.endswith("What their lists and texts read of the user is missing then.")


def test_an_empty_book_is_told_too():
    book, _ = check_book({"a.yaml": b""})
    assert to_text(describe(book)).startswith("This book has 0 rules in 0 files, 0 slots,")


def test_the_example_book_is_told_rule_by_rule_in_lines_that_fit():
    book = load_book("rules")
    told = describe(book)
    text = to_text(told)
    assert [rule["id"] for rule in told["rules"] if f"\n  {rule['id']}\n" not in text] == []
    assert len(told["rules"]) == len(book.rules)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "not (" not in text


def run(*arguments: str):
    return CliRunner().invoke(command, list(arguments))


def test_the_command_prints_for_people_and_machines(tmp_path):
    (tmp_path / "a.yaml").write_text(BASE + RULES)
    text, data = run(str(tmp_path)), run(str(tmp_path), "--format", "json")
    assert (text.exit_code, data.exit_code) == (0, 0)
    assert text.output == to_text(json.loads(data.output)) + "\n"
    rule = json.loads(data.output)["rules"][0]
    assert (rule["path"], rule["line"], rule["from"], rule["until"]) == (
        "a.yaml", 32, "2026-11-01", "2036-03-01",
    )  # fmt: skip


def test_a_book_with_errors_is_not_told_but_reported(tmp_path):
    (tmp_path / "a.yaml").write_text("rules: {calm: {when: always}}")
    text, data = run(str(tmp_path)), run(str(tmp_path), "--format", "json")
    assert (text.exit_code, data.exit_code) == (1, 1)
    assert "`calm` does nothing." in text.output
    assert json.loads(data.output)["errors"] == 1


def test_a_book_that_is_not_there_is_one_line_and_exit_2(tmp_path):
    done = run(str(tmp_path / "nowhere"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"tailored: there is no folder {tmp_path / 'nowhere'}\n"


RANKED = """\
attributes: {user: {viewed: {type: list of strings}}}
slots: {list: {many: 3}}
catalogs:
  things:
    description: What we sell
    topic: health
    attributes: {name: {type: string}, price: {type: number}}
    items: {sock: {name: Socks, price: 9}, hat: {name: Hat}}
scorers:
  alike: {kind: similar, history: [user.viewed], fallback: hybrid, timeout: 0.1 s, owner: data}
  hybrid: {kind: blend, weights: {own: 1}}
  own: {kind: python}
rules: {things: {when: always, show: {list: {of: {catalog: things}, by: alike}}}}
"""


def test_catalogs_and_scorers_are_told_with_what_uses_them():
    book, report = check_book({"book.yaml": RANKED.encode()})
    assert report.errors == 0, report.to_text()
    text = to_text(describe(book))
    catalogs, scorers = text[text.index("CATALOGS") :].split("ATTRIBUTES")[0].split("SCORERS")
    assert [" ".join(line.split()) for line in catalogs.splitlines() if line.strip()] == [
        "CATALOGS",
        "things",
        "What we sell",
        "holds 2 items with name and price",
        "from the book itself",
        "consent health, for this catalog",
        "used by things",
    ]
    told = {one["id"]: one for one in describe(book)["scorers"]}
    assert told["alike"]["reads"] == "user.viewed"
    assert (told["alike"]["timeout"], told["alike"]["fallback"]) == ("100 ms", "hybrid")
    assert (told["hybrid"]["kind"], told["hybrid"]["used_by"]) == ("blend of own", "alike")
    assert told["own"]["fallback"] == "the rule's own order"
    assert "kind      blend of own" in scorers
    assert "consent   health, for the catalog things" in text
