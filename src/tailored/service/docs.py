"""The page that shows the OpenAPI document: one file, nothing from elsewhere, so that it needs no network."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import ChainableUndefined, Environment


def docs_page(document: dict[str, Any]) -> bytes:
    """The page, as HTML in UTF-8."""
    page = files("tailored.service").joinpath("docs.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(page).render(document).encode()
