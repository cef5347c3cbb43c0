"""The command line: one file per command, thin."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = (
    "describe",
    "evaluate",
    "explain",
    "export",
    "init",
    "privacy",
    "prove",
    "schema",
    "test",
    "validate",
)
"""Every command has the name of its module and of the function in it; a dash in a name is a `_` there."""
from tailored.cli.describe import describe
from tailored.cli.evaluate import evaluate
from tailored.cli.explain import explain
from tailored.cli.export import export
from tailored.cli.init import init
from tailored.cli.privacy import privacy
from tailored.cli.schema import schema
from tailored.cli.serve import key, serve
from tailored.cli.validate import validate


class _Commands(click.Group):
    """Loads a command when it is asked for: an editor runs `validate` at every pause of the author."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"tailored.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands)
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
main.add_command(key)
main.add_command(serve)
main.add_command(validate)
