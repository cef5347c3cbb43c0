"""A book with one rule and the tests that try it, which are passed and leave nothing out."""

BOOK = """\
attributes:
  user: {age: {type: integer}}
slots: {hero: {default: plain}}
content: {plain: {title: Welcome}, wine: {title: Wine}}
rules:
  grown-ups-see-wine: {when: {age: {at least: 18}}, show: {hero: wine}}
"""
TESTS = """\
tests:
  wine-at-18: {user: {age: 18}, expect: {hero: wine}}
  no-wine-at-17: {user: {age: 17}, expect: {hero: plain}}
"""
