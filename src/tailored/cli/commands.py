"""The group of all commands, each loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = (
    "ci",
    "describe",
    "diff",
    "evaluate",
    "evaluate-scorer",
    "explain",
    "export",
    "init",
    "key",
    "privacy",
    "prove",
    "schema",
    "serve",
    "test",
    "train",
    "validate",
)
"""Every command has the name of its module and of the function in it; a dash in a name is a `_` there."""


class _Commands(click.Group):
    """Loads a command when it is asked for: none should wait for what others import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"tailored.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group("main", cls=_Commands)
@click.version_option(package_name="tailored")
def commands() -> None:
    """Tailored decides what each user sees, by rules that product teams write."""
