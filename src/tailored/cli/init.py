"""`tailored init`: a small rule book to begin with."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from shlex import quote

import click

NEXT = """\
Wrote {names} to {folder}. Next:

  tailored validate {folder}
  tailored evaluate {folder} --user '{user}' --context '{context}'
  tailored describe {folder}
"""
USER = '{"first_name": "Kari", "viewed_categories": ["hiking-boots"]}'
CONTEXT = '{"page": "home"}'


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(readable=False))
def init(folder: str) -> None:
    """Write a small, valid, commented rule book to the new folder DIR, and say what to do next.

    A folder that is there must be empty (but for names that begin with a dot): nothing is ever overwritten.
    Exits with 2 where it is not, or cannot be written to.
    """
    if not folder:
        _refuse("no folder is named: the name is empty")
    root = Path(folder)
    starter = {
        file.name: file.read_bytes()
        for file in sorted(files("tailored").joinpath("starter").iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml")
    }
    try:
        root.mkdir(parents=True, exist_ok=True)
        if any(not entry.name.startswith(".") for entry in root.iterdir()):
            _refuse(f"{folder} is not empty, and nothing is overwritten: name a new folder")
        for name, content in starter.items():
            with (root / name).open("xb") as file:
                file.write(content)
    except FileExistsError:
        _refuse(f"{folder} is a file: name a new folder")
    except OSError as error:
        _refuse(f"{error.filename or folder} cannot be written: {error.strerror}")
    *first, last = starter
    names = f"{', '.join(first)} and {last}"
    click.echo(NEXT.format(names=names, folder=quote(folder), user=USER, context=CONTEXT), nl=False)


def _refuse(reason: str) -> None:
    click.echo(f"tailored: {reason}", err=True)
    sys.exit(2)
