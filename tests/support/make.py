"""Small books for tests: rule files as text, to an engine."""

from __future__ import annotations

from tailored.book.load import check_book
from tailored.engine.engine import Engine

BASE = """\
attributes:
  user:
    age: {type: integer}
    country: {type: string, values: [NO, US]}
    name: {type: string}
    seen: {type: list of strings}
    born: {type: date}
    since: {type: datetime}
    score: {type: number}
    app: {type: version}
    vip: {type: boolean}
    ills: {type: list of strings, topic: health}
    income: {type: integer, topic: finance}
    city: {type: string, path: address.city}
  context:
    page: {type: string, values: [home, cart]}
slots:
  hero: {default: plain}
  bare: {}
  list: {many: 3}
  filled: {many: 3, default: [plain, a], fill: true}
  unfilled: {many: 3, default: [plain, a]}
  modules: {order: [m1, m2, m3]}
settings:
  path: {type: string, default: solo, values: [solo, team]}
content:
  plain: {title: Welcome}
  a: {title: A}
  b: {title: B}
  c: {title: C}
  d: {title: D}
  ill: {title: Ill, topic: health}
  hello: {title: "Hello{{ ', ' ~ user.name if user.name }}"}
segments:
  young: {when: {age: {less than: 30}}}
  sick: {topic: health, when: {page: home}}
"""


def make(rules: str, base: str = BASE, despite: str = "") -> Engine:
    """The engine of the base book and these rules (what stands below `rules:`, each in a line).

    The book must be without errors, but for those of a code that a test is about.
    """
    lines = "".join(f"  {line}\n" for line in rules.strip("\n").split("\n"))
    book, report = check_book({"base.yaml": base.encode(), "rules.yaml": f"rules:\n{lines}".encode()})
    errors = {finding.code for finding in report.diagnostics if finding.severity == "error"}
    assert errors <= {despite}, report.to_text()
    return Engine(book)
