"""Every finding is documented: docs/diagnostics.md has each code once, and what it says is what happens."""

import ast
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tailored.book.load import check_book
from tailored.book.nodes import UNKNOWN
from tailored.proof.difference import difference
from tailored.proof.difference_words import outcome_of
from tailored.proof.prove import prove
from tailored.report.formats import written
from tailored.report.outcome import Outcome
from tailored.scoring.registry import why_not_ready

FILES = Path("tests/books/diagnostics")
"""The files that catalogs and scorers of the examples name."""
NOW = datetime(2026, 11, 15, tzinfo=UTC)
PAGE = Path("docs/diagnostics.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BASE = PAGE.partition("<!-- base -->\n```yaml\n")[2].partition("```")[0]
SECTIONS = [
    (title, [(language, text) for language, text in BLOCK.findall(body)])
    for title, _, body in (part.partition("\n") for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:])
]
BODIES = re.findall(r"^## (\S+)\n\n(.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
"""The sentence that explains each code."""
EXAMPLES = {title: [text for _, text in blocks] for title, blocks in SECTIONS if len(blocks) == 3}
NOTES = ("label-flows",)
TRIED = {"wrong-model": why_not_ready}
"""The codes for whose examples models are tried."""
FOLDERS = ("book", "testing", "proof")
CODE_AT = {"Finding": 0, "error": 1, "warn": 1, "note": 1, "Problem": 0, "Diagnostic": 0, "Unreadable": 3}
CODE_AT |= {"Unusable": 0, "tell": 1, "_tell": 1, "Told": 0}
"""Which argument of the calls that make findings is the code."""


def check(example: str | bytes, *, notes: bool = False, try_model=None):
    content = example if isinstance(example, bytes) else example.encode()
    sources = {"base.yaml": BASE.encode(), "example.yaml": content}
    return check_book(sources, NOW, FILES, notes=notes, try_model=try_model)[1]


def shown(report) -> str:
    """What the validator prints, without its closing line."""
    return report.to_text(notes=True).rpartition("\n\n")[0] + "\n"


def codes_of_the_source() -> tuple[set[str], set[str]]:
    """The codes that calls write out, and the expressions of those that do not."""
    codes, others = set(UNKNOWN.values()), set()
    source = Path("src/tailored")
    for path in (path for folder in FOLDERS for path in source.joinpath(folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                for code in node.args[CODE_AT.get(name, len(node.args)) :][:1]:
                    if isinstance(code, ast.Constant):
                        codes.add(code.value)
                    else:
                        others.add(ast.unparse(code))
    return codes, others


def test_every_code_is_documented_once_and_in_order():
    codes, others = codes_of_the_source()
    assert [title for title, _ in SECTIONS] == sorted(codes)
    assert others == {"UNKNOWN[kind]", "code", "error.code", "last.code", "problem.code"}


def test_the_base_of_the_examples_has_no_findings():
    assert check("").diagnostics == ()


PROVEN = tuple(code for code in EXAMPLES if "`tailored prove` finds it" in dict(BODIES)[code])
"""The codes of what the prover finds, in books of which the validator has nothing to say."""


def proven(example: str):
    """What the prover finds in an example, and how that is shown."""
    book, report = check_book({"base.yaml": BASE.encode(), "example.yaml": example.encode()}, NOW)
    assert report.diagnostics == ()
    here = [one for one in prove(book, now=NOW).findings if one.span.path == "example.yaml"]
    return here, written("text", [Outcome("prove", tuple(here), "", texts=report.texts)], "").strip() + "\n"


@pytest.mark.parametrize("code", PROVEN)
def test_the_prover_finds_what_is_documented_and_nothing_in_the_mended_example(code):
    wrong, said, mended = EXAMPLES[code]
    findings, text = proven(wrong)
    assert [finding.code for finding in findings] == [code]
    assert text == said
    assert proven(mended)[0] == []


DIFFERENT = tuple(code for code in EXAMPLES if "`tailored diff` finds it" in dict(BODIES)[code])
"""The codes of what a comparison with the mended example finds."""


@pytest.mark.parametrize("code", DIFFERENT)
def test_a_comparison_finds_what_is_documented(code):
    wrong, said, mended = EXAMPLES[code]
    files = [{"base.yaml": BASE.encode(), "example.yaml": text.encode()} for text in (mended, wrong)]
    (old, _), (new, report) = (check_book(one, NOW) for one in files)
    outcome = outcome_of(difference(old, new, NOW), old, new, report.texts)
    assert {finding.code for finding in outcome.every_finding()} == {code}
    assert written("text", [replace(outcome, summary="")], "").strip() + "\n" == said


@pytest.mark.parametrize("code", [code for code in EXAMPLES if code not in PROVEN + DIFFERENT])
def test_the_wrong_example_has_exactly_this_finding(code):
    wrong, said, _ = EXAMPLES[code]
    report = check(wrong, notes=code in NOTES, try_model=TRIED.get(code))
    assert [finding.code for finding in report.diagnostics] == [code]
    assert shown(report) == said


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_mended_example_has_no_findings(code):
    assert check(EXAMPLES[code][2], notes=code in NOTES, try_model=TRIED.get(code)).diagnostics == ()


@pytest.mark.parametrize("code, body", BODIES)
def test_every_code_is_explained_in_one_sentence_that_says_whether_it_warns(code, body):
    assert body.endswith(".")
    said = next(text for language, text in dict(SECTIONS)[code] if language == "text")
    for severity in ("warning", "note"):
        assert body.startswith(f"A {severity}: ") == (f"{code} ({severity})" in said)


def test_a_file_that_is_not_utf8_is_shown_as_documented():
    (language, said), *others = dict(SECTIONS)["not-utf8"]
    assert (language, others) == ("text", [])
    report = check("content:\n  café: {title: A café}\n".encode("latin-1"))
    assert [finding.code for finding in report.diagnostics] == ["not-utf8"]
    assert shown(report) == said


def test_a_library_that_is_missing_is_shown_as_documented(monkeypatch):
    (_, example), (language, said) = dict(SECTIONS)["missing-extra"]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    report = check(example)
    assert language == "text"
    assert [finding.code for finding in report.diagnostics] == ["missing-extra"]
    assert shown(report) == said


def test_models_that_nothing_here_can_try_are_shown_as_documented(monkeypatch):
    (_, example), (_, said) = dict(SECTIONS)["untried-model"]
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "tailored.scoring.models.onnx", raising=False)
    report = check(example, try_model=why_not_ready)
    assert [finding.code for finding in report.diagnostics] == ["untried-model"]
    assert shown(report) == said
    twice = example.replace("rules:", "  other: {kind: onnx, file: trained.onnx, features: [age]}\nrules:", 1)
    found = check(twice, try_model=why_not_ready).diagnostics
    assert sum(finding.code == "untried-model" for finding in found) == 1


def test_the_codes_without_an_example_of_their_own_are_known():
    without = {
        "not-utf8",
        "missing-extra",
        "untried-model",
        "missing-file",
        "bad-request",
        "test-failed",
        "low-coverage",
    }
    assert {title for title, _ in SECTIONS} - EXAMPLES.keys() == without


@pytest.mark.parametrize("code, content", [("missing-file", "{}"), ("bad-request", '{"usr": {}}')])
def test_a_request_that_cannot_be_included_is_shown_as_documented(code, content, tmp_path):
    (_, wrong), (_, said) = dict(SECTIONS)[code]
    (tmp_path / "kari.json").write_text(content)
    sources = {"base.yaml": BASE.encode(), "example.yaml": wrong.encode()}
    report = check_book(sources, NOW, tmp_path)[1]
    assert [finding.code for finding in report.diagnostics] == [code]
    assert shown(report) == said
