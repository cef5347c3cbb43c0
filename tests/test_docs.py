"""Every example in the docs runs: rule books load, Python executes, commands exit as the page says.

How to write a block, in README.md, CONTRIBUTING.md and docs/*.md (docs/diagnostics.md has a test of its own):

    ```yaml              a file of a rule book; with the `base` blocks above it in the page, it makes a book
    ```yaml base         the same, and every block below it may build on it
    ```yaml condition    what stands below `when`; it may use the names of the `base` blocks above it
    ```yaml fragment     no whole file, not checked (also: settings, for the settings of an editor)
    ```python            executed; the blocks of a page share their names, from top to bottom
    ```python consent    the same, where the extra `consent` is installed
    ```python fragment   not executed
    ```json              parsed
    ```sh                every line that begins with `tailored` must exit with 0
    ```sh exit 1         the same with another exit code
    ```                  the same as `sh`
    ```console           the same for lines that begin with `$ tailored`; each line below such a command must
                         be in what it prints, but for a line that is only `...`

Python and commands find copies of `rules/` and `examples/` in the folder they run in; the blocks of a page
share it.
"""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import indent

import pytest

from tailored.book.load import check_book
from tailored.condition.operators import OPERATORS
from tailored.condition.tree import Op
from tailored.condition.types import Type
from tests.support.command import run, tailored

ROOT = Path(__file__).parents[1]
PAGES = [
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    if path.exists() and path.name != "diagnostics.md"
]
KNOWN = {
    "yaml": ("", "base", "condition", "fragment", "settings"),
    "python": ("", "consent", "fragment"),
    "sh": ("", "exit 1", "exit 2"),
    "console": ("", "exit 1", "exit 2"),
}


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    use: str
    text: str
    base: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> list[Block]:
    found: list[Block] = []
    base = ""
    lines = enumerate(path.read_text().splitlines(), 1)
    for number, line in lines:
        fence = re.fullmatch(r"( *)```(\w*) *(.*)", line)
        if fence is None:
            continue
        margin, language, use = fence.groups()
        body = []
        for _, text in lines:
            if text == f"{margin}```":
                break
            body.append(text.removeprefix(margin))
        text = "".join(f"{one}\n" for one in body)
        found.append(Block(str(path.relative_to(ROOT)), number, language or "sh", use, text, base))
        if (language, use) == ("yaml", "base"):
            base += f"\0{text}"
    return found


BLOCKS = [block for path in PAGES for block in blocks_of(path)]


def some(language: str, *uses: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language and (block.use in uses or not uses)]


def problems(base: str, text: str) -> str:
    """What is wrong with a file of a book, above the base blocks (joined by NUL)."""
    files = [*filter(None, base.split("\0")), text]
    _, report = check_book({f"{number}.yaml": file.encode() for number, file in enumerate(files)})
    return report.to_text() if report.errors else ""


def condition_problems(base: str, text: str) -> str:
    rule = f"slots: {{any-slot: {{}}}}\nrules:\n  r:\n    hide: any-slot\n    when:\n{indent(text, ' ' * 6)}"
    return problems(base, rule)


def test_every_block_says_how_it_is_meant():
    odd = [str(b) for b in BLOCKS if b.language in KNOWN and b.use not in KNOWN[b.language]]
    assert odd == []
    assert [b for b in BLOCKS if b.language == "yaml"]


@pytest.mark.parametrize("block", some("yaml", "", "base"), ids=str)
def test_a_yaml_block_is_a_file_of_a_book_without_errors(block):
    assert problems(block.base, block.text) == ""


@pytest.mark.parametrize("block", some("yaml", "condition"), ids=str)
def test_a_condition_is_without_errors(block):
    assert condition_problems(block.base, block.text) == ""


def folder_with_the_examples(path: Path) -> Path:
    for name in ("rules", "examples"):
        shutil.copytree(ROOT / name, path / name)
    return path


@pytest.mark.parametrize("page", sorted({block.page for block in some("python", "")}))
def test_python_blocks_run_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(folder_with_the_examples(tmp_path))
    names: dict[str, object] = {"__name__": "__docs__"}
    has_extra = find_spec("iab_tcf") is not None
    for block in some("python", *["", "consent"][: 1 + has_extra]):
        if block.page == page:
            source = "\n" * block.line + block.text  # so that a traceback shows the page's own lines
            exec(compile(source, page, "exec"), names)
    if not has_extra and any(block.page == page for block in some("python", "consent")):
        pytest.skip("the rest passed; the blocks about consent strings need iab-tcf: tailored[consent]")


@pytest.mark.parametrize("block", some("json"), ids=str)
def test_a_json_block_is_json(block):
    assert json.loads(block.text)


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that the page shows as its output."""
    text = block.text.replace("\\\n", " ").replace(".venv/bin/tailored", "tailored")
    if block.language == "sh":
        return [(line, []) for line in text.splitlines() if line.startswith("tailored ")]
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and line.strip() not in ("", "..."):
            found[-1][1].append(line)
    return [(command, shown) for command, shown in found if command.startswith("tailored ")]


PAGES_WITH_COMMANDS = sorted({b.page for b in [*some("sh"), *some("console")] if commands(b)})


NEEDS_A_SHELL = re.compile(r"[|&;<>()$`*?~]")


def done_by_people(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command typed into a shell."""
    return run(["sh", "-c", command], folder)


def done_here(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command in this process, which is quicker, where it needs no shell."""
    words = shlex.split(command, comments=True)
    if NEEDS_A_SHELL.search("".join(words)):
        return done_by_people(command, folder)
    return tailored(*words[1:], cwd=folder)


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_commands_run_and_exit_as_the_page_says(page, tmp_path):
    folder = folder_with_the_examples(tmp_path)
    do = done_by_people if page == "README.md" else done_here
    for block in [b for b in BLOCKS if b.page == page and b.language in ("sh", "console")]:
        for command, shown in commands(block):
            done = do(command, folder)
            printed = done.stdout + done.stderr
            assert done.returncode == int(block.use.removeprefix("exit ") or 0), (
                f"{block}: {command}\n{printed}"
            )
            assert [line for line in shown if line not in printed.splitlines()] == [], f"{block}: {printed}"


LANGUAGE = ROOT / "docs" / "language.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| `([^`]+)` \|", re.MULTILINE)


def test_the_language_page_has_every_operator_with_the_types_it_is_for_and_an_example():
    rows = {match[1]: (match[2].strip(), match[3]) for match in ROW.finditer(LANGUAGE.read_text())}
    assert [op for op in Op if op not in rows] == []
    groups = {
        "anything": frozenset(Type),
        "anything but lists": OPERATORS[Op.IS].types,
        "numbers, versions": OPERATORS[Op.AT_LEAST].types,
        "numbers, versions, dates, times": OPERATORS[Op.BETWEEN].types,
        "dates, times": OPERATORS[Op.BEFORE].types,
        "texts, lists": OPERATORS[Op.CONTAINS].types,
        "texts": OPERATORS[Op.LIKE].types,
        "lists": OPERATORS[Op.SIZE].types,
    }
    assert [op for op in Op if groups[rows[op][0]] != OPERATORS[op].types] == []
    base = next(block.text for block in blocks_of(LANGUAGE) if block.use == "base")
    assert {op: found for op in Op if (found := condition_problems(base, rows[op][1]))} == {}
    assert [op for op in Op if f"{op}:" not in rows[op][1]] == []
