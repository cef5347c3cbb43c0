"""JSON Schemas of rule files, for editors and CI: a general one, and one that knows the names of a book.

They are draft-07, which every editor speaks, with the keywords that the language server for YAML adds to it
(`errorMessage`, `enumDescriptions`, `doNotSuggest`; validators ignore them). A schema sees one file at a
time: it completes names and marks slips of the pen. It takes whatever `tailored.book.load.check_book` takes,
and leaves to that what no schema can say.
"""

from __future__ import annotations

from tailored.book.model import RuleBook
from tailored.book.schema.bodies import SHAPES_OF_SECTIONS
from tailored.book.schema.general import ANY_NAMES, COMMON
from tailored.book.schema.named import names_of
from tailored.book.schema.pieces import Schema, closed, described
from tailored.book.sections import SECTIONS


def rulebook_schema(book: RuleBook | None = None) -> Schema:
    """The JSON Schema of a rule file: of any book, or with the names of this one enumerated."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **closed(described(SECTIONS, SHAPES_OF_SECTIONS)),
        "type": ["object", "null"],
        "definitions": COMMON | (ANY_NAMES if book is None else names_of(book)),
    }
