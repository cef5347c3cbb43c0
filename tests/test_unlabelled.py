"""What speaks of a sensitive topic without a label is found; what only sounds like one mostly is not.

How good the words of the lexicon are is measured on two pairs of tables (tests/support/phrases.py): of the
phrases that speak of a topic, how many are found (recall); of what is found, how much speaks of one at all
(precision).
"""

from datetime import UTC, datetime

import pytest

from tailored.book.declarations import read_topics
from tailored.book.lexicon import lexicon_of, words_of
from tailored.book.load import check_book
from tests.support.phrases import INNOCENT, KNOWN, UNSEEN, UNSEEN_INNOCENT

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LEXICON = lexicon_of(read_topics({}))
BASE = """\
attributes: {context: {page: {type: string}}}
slots: {hero: {default: plain}}
content: {plain: {title: Welcome}}
"""
LABELS = ("unlabelled-topic", "unneeded-not-about")


def spoken(phrase: str) -> set[str]:
    """The topics that a phrase speaks of, read as a sentence and as a name."""
    ways = (words_of(phrase), words_of(phrase, is_name=True))
    return {hit.topic for words in ways for hit in LEXICON.hits(words)}


def phrases(table: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in table.split(";")]


def measured(speaking: dict[str, str], innocent: str) -> tuple[float, float, float]:
    """Recall, precision, and the share of innocent phrases that are left in peace."""
    asked = [(topic, phrase) for topic, table in speaking.items() for phrase in phrases(table)]
    found = sum(topic in spoken(phrase) for topic, phrase in asked)
    quiet = [phrase for phrase in phrases(innocent) if not spoken(phrase)]
    wrong = len(phrases(innocent)) - len(quiet)
    return found / len(asked), found / (found + wrong), len(quiet) / len(phrases(innocent))


def test_the_words_that_the_lexicon_was_made_for_are_found_and_innocent_ones_are_not():
    recall, precision, quiet = measured(KNOWN, INNOCENT)
    assert recall >= 0.94
    assert precision >= 0.94
    assert quiet >= 0.95


def test_on_phrases_it_was_not_made_for_it_finds_two_of_three_and_is_seldom_wrong():
    recall, precision, quiet = measured(UNSEEN, UNSEEN_INNOCENT)
    assert recall >= 2 / 3
    assert precision >= 0.9
    assert quiet >= 0.93


@pytest.mark.parametrize(
    "phrase, topic",
    [
        ("retirement", "finance"),
        ("mortgage", "finance"),
        ("pregnancy", "health"),
        ("halal", "religion"),
        ("ramadan", "religion"),
        ("voters", "politics"),
        ("immigrants", "ethnicity"),
        ("union", "union-membership"),
        ("gay", "sex-life"),
        ("DNA test", "genetics"),
        ("fingerprint", "biometrics"),
        ("kids", "children"),
        ("gps location", "precise-location"),
        ("convict", "criminal-record"),
    ],
)
def test_one_word_is_enough(phrase, topic):
    assert topic in spoken(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "heart-shaped necklace",
        "Union Jack mug",
        "European Union",
        "healthy snacks",
        "kids' shoes",
        "mother of pearl",
        "crime novels",
        "credit card accepted",
        "Doctor Martens",
        "browser fingerprint",
    ],
)
def test_a_word_that_means_something_else_there_is_left_in_peace(phrase):
    assert spoken(phrase) == set()


def findings(text: str, codes: tuple[str, ...] = LABELS) -> list[tuple[str, str]]:
    """The findings about labels of a file beside the base: their codes, and what is marked."""
    _, report = check_book({"base.yaml": BASE.encode(), "z.yaml": text.encode()}, NOW)
    assert report.errors == 0, report.to_text()
    lines = text.splitlines()
    return [
        (one.code, lines[one.span.line - 1][one.span.column - 1 : one.span.end_column - 1])
        for one in report.diagnostics
        if one.code in codes and one.span.path == "z.yaml"
    ]


@pytest.mark.parametrize(
    "text, marked",
    [
        ("attributes: {user: {hasDiabetes: {type: boolean}}}", "Diabetes"),
        ("attributes: {user: {m: {type: boolean, description: Owes a mortgage}}}", "mortgage"),
        ("attributes: {user: {goal: {type: string, values: [home, retirement]}}}", "retirement"),
        ("attributes: {user: {m: {type: string, path: profile.religion}}}", "religion"),
        ("segments: {pregnant-customers: {when: {page: home}}}", "pregnant"),
        ("segments: {s: {description: Who keeps Ramadan, when: {page: home}}}", "Ramadan"),
        ("rules: {gay-couples: {when: {page: home}, hide: hero}}", "gay"),
        ("rules: {r: {description: For union members, when: {page: home}, hide: hero}}", "union"),
        ("rules: {r: {hypothesis: Convicts need hope, when: {page: home}, hide: hero}}", "Convicts"),
        ("rules: {r: {because: you have kids, when: {page: home}, hide: hero}}", "have kids"),
        ("content: {c: {title: Your pension begins today}}", "pension"),
        ("content: {c: {parts: [{text: [x, Halal meat]}]}}", "Halal"),
        ("content: {c: {title: C, tags: [summer, fingerprint]}}", "fingerprint"),
        ("content: {c: {title: C, description: Shows your GPS location}}", "GPS location"),
        ("content: {c: {title: 'Hi {{ context.page }}, about your debts'}}", "debts"),
        (
            "catalogs: {c: {description: Fertility tests, attributes: {name: {type: string}}, items: {}}}",
            "Fertility",
        ),
    ],
)
def test_every_place_with_words_is_looked_at_and_the_word_is_marked(text, marked):
    assert findings(text, ("unlabelled-topic",)) == [("unlabelled-topic", marked)]


def test_a_label_or_a_not_about_silences_exactly_its_own_topic():
    item = "content:\n  c: {title: Debts of the pregnant}\n"
    both = [("unlabelled-topic", "Debts"), ("unlabelled-topic", "pregnant")]
    assert findings(item) == both
    for key in ("topic", "not_about"):
        for topic, left in (("finance", both[1:]), ("health", both[:1]), ("[health, finance]", [])):
            assert findings(item.replace("pregnant}", f"pregnant, {key}: {topic}}}")) == left


def test_a_not_about_silences_one_item_and_not_its_neighbour():
    text = "content:\n  a: {title: Debts, not_about: finance}\n  b: {title: Debts}\n"
    assert findings(text) == [("unlabelled-topic", "Debts")]


@pytest.mark.parametrize("extra", ["", "topic: finance, "])
def test_a_not_about_that_silences_nothing_is_a_finding(extra):
    item = f"content:\n  c: {{title: Socks, {extra}not_about: [finance]}}\n"
    assert findings(item) == [("unneeded-not-about", "finance")]


def test_a_thing_is_warned_of_once_for_a_topic():
    assert findings("content: {c: {title: Debts and debts, text: Debts}}") == [("unlabelled-topic", "Debts")]


def test_what_a_template_reads_has_labels_of_its_own():
    text = (
        "attributes: {user: {income: {type: integer, topic: finance}}}\n"
        "content: {c: {title: 'Hello {{ user.income }}'}}\n"
    )
    assert findings(text) == []


def test_a_book_adds_words_to_a_topic_and_its_own_topics_are_looked_for():
    text = (
        "topics:\n"
        "  health: {words: [tired of]}\n"
        "  games: {description: Playing for stakes, words: [casino, bet]}\n"
        "content:\n"
        "  a: {title: Tired of winter}\n"
        "  b: {title: Casinos}\n"
    )
    assert findings(text) == [("unlabelled-topic", "Tired of"), ("unlabelled-topic", "Casinos")]


def test_a_topic_that_is_not_sensitive_is_not_looked_for():
    text = "topics: {children: {sensitive: false, because: We sell toys}}\ncontent: {c: {title: For kids}}\n"
    assert findings(text) == []


def test_merged_and_repeated_texts_are_looked_at_where_they_stand():
    text = "content:\n  a: &a {title: Debts, topic: finance}\n  b: {<<: *a, image: b.jpg}\n  c: {title: *t}\n"
    text = text.replace("title: Debts", "title: &t Debts")
    assert findings(text) == [("unlabelled-topic", "Debts")]  # c alone has no label
