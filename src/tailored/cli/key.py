"""`tailored key`: a key to ask the service with, and its entry in the settings."""

from __future__ import annotations

import click

from tailored.cli.requests import stop


@click.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["evaluate", "explain", "admin"]),
    default=["evaluate"],
    show_default=True,
    help="What it opens; may be repeated.",
)
def key(name: str, scopes: tuple[str, ...]) -> None:
    """Make an API key for the service. The settings take its hash; the key itself is not shown again."""
    try:
        from tailored.service.keys import NAMES, is_name, new_key
    except ImportError as error:
        stop(f"keys need the extra `service` ({error.name} is missing): pip install 'tailored[service]'")
    if not is_name(name):
        stop(f"`{name}` cannot name a key. {NAMES}")
    made, stored = new_key()
    click.echo(f"The key, for whoever asks with it: {made}")
    click.echo("Its entry in the settings:\n")
    click.echo(f"keys:\n  {name}: {{hash: '{stored}', scopes: [{', '.join(scopes)}]}}")
