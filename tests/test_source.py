"""The files of a book are found in the order in which the book is read."""

import os

import pytest

from tailored.book.diagnostics import BookNotReadable
from tailored.book.load import check_book
from tailored.book.source import in_book_order, read_sources


def test_files_are_taken_in_the_order_of_their_paths_part_by_part(tmp_path):
    for name in ["b.yaml", "a/z.yml", "a-b/c.yaml", "Z.yaml", "a/.hidden.yaml", ".git/x.yaml", "notes.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("rules:")
    expected = ["Z.yaml", "a/z.yml", "a-b/c.yaml", "b.yaml"]
    assert list(read_sources(tmp_path)) == expected
    assert list(in_book_order(dict.fromkeys(reversed(expected), b""))) == expected


def test_links_are_followed_and_a_circle_of_them_ends(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.yaml").write_text("")
    (tmp_path / "real" / "again").symlink_to(tmp_path)
    assert list(read_sources(tmp_path)) == ["real/a.yaml"]


def test_a_book_that_is_not_there_is_said_in_one_line(tmp_path):
    (tmp_path / "file.yaml").write_text("")
    (tmp_path / "empty").mkdir()
    for name, words in [("nowhere", "no folder"), ("file.yaml", "is a file"), ("empty", "no .yaml files")]:
        with pytest.raises(BookNotReadable, match=words) as refused:
            read_sources(tmp_path / name)
        assert "\n" not in str(refused.value)


def test_the_example_book_parses():
    from tailored.book.nodes import Reader

    report = []
    for path, content in read_sources("rules").items():
        _, root = Reader(path, report).compose(content)
        assert root is not None
    assert report == []


@pytest.mark.parametrize("kind", ["dangling link", "pipe"])
def test_what_is_named_like_a_rule_file_and_cannot_be_read_is_an_error(kind, tmp_path):
    (tmp_path / "a.yaml").write_text("slots: {hero: {}}")
    if kind == "pipe":
        os.mkfifo(tmp_path / "b.yaml")
    else:
        (tmp_path / "b.yaml").symlink_to(tmp_path / "gone.yaml")
    (finding,) = [one for one in check_book(read_sources(tmp_path))[1].diagnostics if one.severity == "error"]
    assert (finding.code, finding.span.path) == ("unreadable-file", "b.yaml")
