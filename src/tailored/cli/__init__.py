"""The command line: one file per command, thin."""

from __future__ import annotations

import click

from tailored.cli.describe import describe
from tailored.cli.evaluate import evaluate
from tailored.cli.explain import explain
from tailored.cli.export import export
from tailored.cli.init import init
from tailored.cli.privacy import privacy
from tailored.cli.schema import schema
from tailored.cli.validate import validate


@click.group()
@click.version_option(package_name="tailored")
def main() -> None:
    """Tailored decides what each user sees, by rules that product teams write."""


main.add_command(describe)
main.add_command(evaluate)
main.add_command(explain)
main.add_command(export)
main.add_command(init)
main.add_command(privacy)
main.add_command(schema)
main.add_command(validate)
