"""A page as data: headings, paragraphs, lists and tables, to be written as Markdown or as one HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Code:
    """A name as it stands in a book or a request."""

    text: str


Text: TypeAlias = tuple[str | Code, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section (level 2) or of a part of one (level 3)."""

    level: int
    text: Text


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    text: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list, one text per item."""

    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of each row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]


Block: TypeAlias = Heading | Paragraph | Bullets | Table


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page."""

    title: str
    blocks: tuple[Block, ...]


def enumerated(parts: Iterable[str | Code], last: str = "and") -> Text:
    """Parts joined as in a sentence: `a, b and c`."""
    every = list(parts)
    found: list[str | Code] = []
    for place, part in enumerate(every):
        if place:
            found.append(f" {last} " if place == len(every) - 1 else ", ")
        found.append(part)
    return tuple(found)


def to_markdown(page: Page) -> str:
    """The page in Markdown, with tables as GitHub reads them."""
    return "\n\n".join([f"# {_escaped(page.title)}", *map(_block_in_markdown, page.blocks)]) + "\n"


def _block_in_markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_in_markdown(block.text)}"
    if isinstance(block, Paragraph):
        return _in_markdown(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_in_markdown(item)}" for item in block.items)
    rows = [[_escaped(name) for name in block.head], ["---"] * len(block.head)]
    rows += [[_in_markdown(cell).replace("|", r"\|") for cell in row] for row in block.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _in_markdown(text: Text) -> str:
    return "".join(
        f"`{_clean(part.text)}`"
        if isinstance(part, Code) and part.text.strip() and "`" not in part.text
        else _escaped(part.text if isinstance(part, Code) else part)
        for part in text
    )


_MARKS = re.compile(r"([\\`*_\[\]<>~&#])")
_OPENS = re.compile(r"^(\s*(?:[-+]|\d+[.)]))(?=\s)")


def _escaped(text: str) -> str:
    """A text in which nothing is a mark of Markdown or HTML."""
    return _OPENS.sub(lambda found: found[1][:-1] + "\\" + found[1][-1], _MARKS.sub(r"\\\1", _clean(text)))


def _clean(text: str) -> str:
    """A text in one line, without signs that nobody sees."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def to_html(page: Page) -> str:
    """The page as one HTML file: no scripts, nothing fetched, every text escaped."""
    names = _anchors(page)
    contents = [
        f'<li><a href="#{names[place]}">{_in_html(block.text)}</a></li>'
        for place, block in enumerate(page.blocks)
        if isinstance(block, Heading) and block.level == 2
    ]
    body = "\n".join(_block_in_html(block, names.get(place, "")) for place, block in enumerate(page.blocks))
    title = escape(_clean(page.title))
    nav = f'<nav aria-label="Contents">\n<ul>\n{chr(10).join(contents)}\n</ul>\n</nav>\n' if contents else ""
    return _PAGE.format(title=title, style=_STYLE, nav=nav, body=body)


def _anchors(page: Page) -> dict[int, str]:
    """An id for each heading and each table, by its place."""
    return {
        place: f"part-{place}"
        for place, block in enumerate(page.blocks)
        if isinstance(block, Heading | Table)
    }


def _block_in_html(block: Block, anchor: str) -> str:
    if isinstance(block, Heading):
        return f'<h{block.level} id="{anchor}">{_in_html(block.text)}</h{block.level}>'
    if isinstance(block, Paragraph):
        return f"<p>{_in_html(block.text)}</p>"
    if isinstance(block, Bullets):
        return "\n".join(["<ul>", *(f"<li>{_in_html(item)}</li>" for item in block.items), "</ul>"])
    return "\n".join(_table(block, anchor))


def _table(block: Table, anchor: str) -> Iterator[str]:
    yield f'<div class="wide" role="region" aria-labelledby="{anchor}" tabindex="0">'
    yield f'<table>\n<caption id="{anchor}">{escape(_clean(block.caption))}</caption>'
    head = "".join(f'<th scope="col">{escape(_clean(name))}</th>' for name in block.head)
    yield f"<thead><tr>{head}</tr></thead>\n<tbody>"
    for first, *rest in block.rows:
        cells = "".join(f"<td>{_in_html(cell)}</td>" for cell in rest)
        yield f'<tr><th scope="row">{_in_html(first)}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n</div>"


def _in_html(text: Text) -> str:
    return "".join(
        f"<code>{escape(_clean(part.text))}</code>" if isinstance(part, Code) else escape(_clean(part))
        for part in text
    )


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
</header>
{nav}<main>
{body}
</main>
</body>
</html>
"""

_STYLE = """\
:root {
  color-scheme: light dark;
  --ink: #1c2024; --paper: #fff; --soft: #f2f4f6; --line: #cfd5da; --link: #0b57a4
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --paper: #14171a; --soft: #22272c; --line: #414a52; --link: #8cc2ff }
}
* { box-sizing: border-box }
html { background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.5rem 4rem; overflow-wrap: anywhere }
h1, h2, h3 { line-height: 1.25 }
h2 { margin: 3rem 0 1rem; padding-top: 1rem; border-top: 1px solid var(--line) }
h3 { margin: 2rem 0 .5rem }
a { color: var(--link) }
ul { padding-left: 1.25rem }
code { background: var(--soft); border-radius: .25rem; font: .9em monospace; padding: .1em .3em }
.wide { overflow-x: auto; margin: 1rem 0 }
.wide:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
table { border-collapse: collapse; width: 100%; min-width: 32rem; overflow-wrap: normal }
caption { text-align: left; padding: .5rem 0; font-weight: 600 }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; border-bottom: 1px solid var(--line) }
thead th { background: var(--soft) }
tbody th { font-weight: 400 }
@media (max-width: 40rem) {
  html { font-size: 1rem }
  body { padding: 1rem 1rem 3rem }
  th, td { padding: .4rem .5rem }
}
@media print { .wide { overflow: visible } table { min-width: 0 } }
"""
