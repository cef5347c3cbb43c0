"""What `evaluate` and `explain` share: the book, and the request, from text, files or standard input."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from tailored.book.diagnostics import BookNotReadable, RuleBookError
from tailored.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the command line gives it."""

    user: dict[str, Any]
    context: dict[str, Any]
    now: str | None


def options(command: Callable[..., None]) -> Callable[..., None]:
    """The argument and the options that say which book and which request."""
    for option in (
        click.option(
            "--format",
            "form",
            type=click.Choice(["text", "json"]),
            default="text",
            help="For people, or machines.",
        ),
        click.option(
            "--now", metavar="ISO", help="The moment, such as 2026-11-24T10:00:00Z; the clock's unless given."
        ),
        click.option(
            "--request",
            "request_",
            metavar="FILE",
            help="A JSON file with user, context and now; - reads it.",
        ),
        click.option("--context", metavar="JSON", help="The context: JSON text, a file, or - to read it."),
        click.option("--user", metavar="JSON", help="The user: JSON text, a file, or - to read it."),
        click.argument("book", default="rules", type=click.Path(readable=False)),
    ):
        command = option(command)
    return command


def load_engine(book: str, form: str) -> Engine:
    """The engine of a book; where there is none, says so and exits: 1 for errors in it, 2 for no book."""
    try:
        return Engine.load(book, warm=False)
    except BookNotReadable as error:
        stop(str(error))
    except RuleBookError as error:
        report = error.report
        click.echo(
            json.dumps(report.to_dict(), indent=2)
            if form == "json"
            else report.to_text(os.path.join(book, "")),
            err=form != "json",
        )
        sys.exit(1)


def read_request(user: str | None, context: str | None, request: str | None, now: str | None) -> Request:
    """The request that the options give; the command ends, with a line that says why, where there is none."""
    if request is not None and (user is not None or context is not None):
        stop("give either --request, or --user and --context")
    if request is None and user is None and context is None:
        stop("say for whom: --user and --context, or --request FILE")
    if user == "-" and context == "-":
        stop("only one of --user and --context can be read from standard input")
    whole: dict[str, Any] = {"user": {}, "context": {}}
    if request is not None:
        whole |= _json(request, "--request")
        if unknown := sorted(whole.keys() - {"user", "context", "now"}):
            stop(f"--request: a request has user, context and now, not {unknown[0]}")
    else:
        given = (("user", user), ("context", context))
        whole |= {name: _json(text, f"--{name}") for name, text in given if text is not None}
    for name in ("user", "context"):
        if not isinstance(whole[name], dict):
            stop(f"--request: {name} must be an object such as {{}}")
    moment = now if now is not None else whole.get("now")
    if moment is not None and not isinstance(moment, str):
        stop("--request: now must be a text such as 2026-11-24T10:00:00Z")
    return Request(whole["user"], whole["context"], moment)


def stop(reason: str) -> NoReturn:
    """Ends the command, which could not run."""
    click.echo(f"tailored: {reason}", err=True)
    sys.exit(2)


def _json(given: str, option: str) -> dict[str, Any]:
    """The JSON object that is an option's text, or in the file that it names."""
    if not given:
        stop(f"{option} is empty: give JSON text such as {{}}, a file, or -")
    try:
        if given == "-":
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        elif given.lstrip().startswith(("{", "[", '"')):
            text = given
        else:
            with open(given, encoding="utf-8-sig") as file:
                text = file.read()
    except FileNotFoundError:
        stop(f"{option}: there is no file {given}, and it is no JSON object such as {{}}")
    except OSError as error:
        stop(f"{option}: {given} cannot be read: {error.strerror}")
    except ValueError:
        stop(f"{option}: {'standard input' if given == '-' else given} is not UTF-8")
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        stop(f"{option}: this is not JSON: {error.msg}, at line {error.lineno}, column {error.colno}")
    except (ValueError, RecursionError):
        stop(f"{option}: this JSON is too large to be read")
    if not isinstance(data, dict):
        stop(f"{option} must be a JSON object such as {{}}")
    return data
