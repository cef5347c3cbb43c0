"""What is kept between checks of one book changes nothing that they find."""

import re
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tailored.book.compose import compose
from tailored.book.kept import MOST, Kept, kept
from tailored.book.load import check_book
from tailored.book.source import read_sources

FILES = Path("tests/books/diagnostics")
PAGE = Path("docs/diagnostics.md").read_text()
BASE = PAGE.partition("<!-- base -->\n```yaml\n")[2].partition("```")[0]
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def found(sources: dict[str, bytes], folder: Path = FILES):
    book, report = check_book(sources, NOW, folder, notes=True)
    return report.diagnostics, report.texts, book.catalogs, book.items, book.tests, book.content


def test_books_that_follow_each_other_are_found_as_if_each_were_the_first():
    base = BASE.encode()
    memory = Kept()
    assert len(EXAMPLES) > 150
    for example in EXAMPLES:
        sources = {"base.yaml": base, "example.yaml": example.encode()}
        alone = found(sources)
        for _ in range(2):
            with memory.in_use():
                assert found(sources) == alone


def test_every_change_of_the_example_book_is_found():
    saved = read_sources("rules")
    memory = Kept()
    for path, content in saved.items():
        lines = content.splitlines(keepends=True)
        del lines[len(lines) // 2]
        changed = {**saved, path: b"".join(lines)}
        with memory.in_use():
            found_with = found(changed, Path("rules"))
        assert found_with == found(changed, Path("rules"))


def test_a_table_that_changes_on_the_disk_is_read_anew(tmp_path):
    (tmp_path / "things.csv").write_text("id,price\nsocks,12\nboots,90\n")
    book = {
        "book.yaml": b"""
catalogs: {things: {file: things.csv, attributes: {price: {type: number}}}}
scorers: {popular: {kind: popularity, file: things.csv, item: id, count: price}}
"""
    }
    memory = Kept()

    def codes() -> list[tuple[str, int]]:
        with memory.in_use():
            report = check_book(book, NOW, tmp_path)[1]
        return [(one.code, one.span.line) for one in report.diagnostics if one.severity == "error"]

    assert codes() == []
    (tmp_path / "things.csv").write_text("id,price\nsocks,xx\nboots,90\n")
    assert codes() == [("wrong-type", 2)] * 2  # of the catalog, and of the scorer
    (tmp_path / "things.csv").write_text("id,price\nsocks,12\nboots,xx\n")
    assert codes() == [("wrong-type", 3)] * 2
    (tmp_path / "things.csv").write_text("id,price\nsocks,12\nboots,90\n")
    assert codes() == []


def test_what_was_passed_over_as_a_file_could_not_be_read_is_found_when_it_can():
    tests = b"slots: {hero: {}}\ntests: {t: {user: {foo: 1}, expect: {hero: {hidden: false}}}}\n"
    memory = Kept()

    def codes(attributes: bytes) -> list[str]:
        with memory.in_use():
            return [one.code for one in found({"a.yaml": attributes, "tests.yaml": tests})[0]]

    assert codes(b"attributes: {user: {foo: {type: integer}}}}") == ["yaml-syntax"]
    assert codes(b"# no foo\n") == ["unknown-attribute"]


def test_trees_are_as_they_were_after_a_check():
    """Keys that stand twice are read by taking the first away, and putting it back."""
    text = b"slots: {hero: {default: a, default: b}}\ncontent: {a: {title: A, title: B}, a: {tilte: C}}\n"
    memory = Kept()
    trees = []

    def seen(content: bytes, key: object, make):
        made = Kept.get(memory, content, key, make)
        if key == "book.yaml" and not trees:
            trees.extend([made, deepcopy(made)])
        return made

    memory.get = seen
    with memory.in_use():
        found({"book.yaml": text})
    assert shape(trees[0][1]) == shape(trees[1][1]) == shape(compose(text)[1])


def shape(node):
    if isinstance(node, tuple):
        return tuple(map(shape, node))
    if isinstance(node.value, list):
        return node.tag, node.start_mark.index, [shape(one) for one in node.value]
    return node.tag, node.start_mark.index, node.value


def test_what_one_check_did_not_need_is_gone_after_it():
    memory = Kept()
    made = []

    def ask(*texts: str) -> None:
        with memory.in_use():
            for text in texts:
                kept(text, "key", lambda text=text: made.append(text))

    ask("a", "b")
    ask("a")
    ask("a", "b")
    assert made == ["a", "b", "b"]


def test_nothing_is_kept_of_a_check_that_fails_nor_of_too_much_text():
    memory = Kept()
    made = []

    def fail() -> None:
        with memory.in_use():
            kept("a", "key", lambda: made.append("a"))
            kept("b", "key", lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        fail()
    for _ in range(2):
        with memory.in_use():
            kept("a", "key", lambda: made.append("a"))
            kept("x" * MOST, "key", lambda: made.append("x"))
    assert made == ["a", "a", "x", "x"]


def test_without_anybody_who_keeps_everything_is_made_each_time():
    made = []
    for _ in range(2):
        kept("a", "key", lambda: made.append("a"))
    assert made == ["a", "a"]
