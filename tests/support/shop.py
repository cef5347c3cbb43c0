"""A small book with a slot of every kind and a setting of every type, for tests of the service."""

from __future__ import annotations

from pathlib import Path

BOOK = """\
attributes:
  user:
    country: {type: string, values: [NO, US]}
    city: {type: string, path: address.city}
    age: {type: integer}
    ills: {type: list of strings, topic: health}
    seen: {type: list of strings}
    both: {type: string}
  context:
    page: {type: string, values: [home, cart]}
    both: {type: string}
slots:
  hero: {default: plain}
  bare: {}
  list: {many: 3}
  modules: {order: [m1, m2, m3]}
settings:
  on: {type: boolean, default: false}
  text: {type: string, default: solo, values: [solo, team]}
  whole: {type: integer, default: 1}
  ratio: {type: number, default: 2}
  since: {type: date, default: 2026-11-01}
  app: {type: version, default: 1.2}
  words: {type: list of strings, default: [a, b]}
content:
  plain: {title: Welcome}
  hello: {title: "Hello {{ user.city }}"}
  a: {title: A}
  b: {title: B}
rules:
  norway:
    when: {country: "NO"}
    show: {hero: hello, list: [a]}
    order: {modules: [m3]}
    set: {on: true, text: team, whole: 7, ratio: 3, since: 2026-12-24, app: 4.10, words: [c]}
  grown:
    when: {age: {at least: 18}}
    show: {list: [b]}
    priority: 50
  cart:
    when: {page: cart}
    hide: [hero, list]
"""


def write(folder: Path, book: str = BOOK) -> Path:
    """Writes a book of one file, in one step, as a deployment would."""
    folder.mkdir(exist_ok=True)
    fresh = folder / ".fresh"
    fresh.write_text(book)
    fresh.rename(folder / "book.yaml")
    return folder
