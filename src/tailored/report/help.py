"""What the documentation says about each code of a finding; docs/diagnostics.md is part of the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Help:
    """One code: the sentence that explains it, and all that the page says, in Markdown."""

    sentence: str
    text: str


def help_of(code: str) -> Help:
    """What is documented about a code; the code itself where nothing is."""
    return _sections().get(code) or Help(f"{code}.", f"{code}.")


def page() -> Path | Traversable:
    """The file that documents all codes."""
    packed = files("tailored").joinpath("diagnostics.md")
    # an editable install has the page where the project has it
    return packed if packed.is_file() else Path(__file__).parents[3] / "docs" / "diagnostics.md"


@cache
def _sections() -> dict[str, Help]:
    found = {}
    for part in ("\n" + page().read_text(encoding="utf-8")).split("\n## ")[1:]:
        code, _, body = part.partition("\n")
        found[code.strip()] = Help(body.strip().partition("\n\n")[0].replace("\n", " "), body.strip())
    return found
