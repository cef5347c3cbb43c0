"""`tailored serve`: decisions over HTTP."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace

import click

from tailored.book.diagnostics import BookNotReadable, RuleBookError
from tailored.cli.requests import stop


@click.command()
@click.argument("book", default="rules", type=click.Path())
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind to.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one."
)
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that serve."
)
@click.option("--config", metavar="FILE", help="Keys, limits, CORS and the decision log: a YAML file.")
@click.option("--log", metavar="FILE", help="Write a record for each decision to this file.")
@click.option(
    "--log-sink", metavar="MODULE:NAME", help="Make the sink for records with this callable instead."
)
@click.option("--watch/--no-watch", default=True, help="Read the book again whenever its files change.")
@click.option("--otel", is_flag=True, help="Send traces with OpenTelemetry, as its OTEL_ variables say.")
@click.option("--insecure", is_flag=True, help="Bind beyond this machine even though no keys are configured.")
def serve(
    book: str,
    host: str,
    port: int,
    workers: int,
    config: str | None,
    log: str | None,
    log_sink: str | None,
    watch: bool,
    otel: bool,
    insecure: bool,
) -> None:
    """Serve decisions by the rule book in the folder BOOK (rules, unless named) over HTTP.

    It binds to this machine only, where everything is open as long as no keys are configured. Exits with 1
    where the book or the settings have errors, with 2 where it cannot serve.
    """
    try:
        from tailored.service import run
        from tailored.service.config import Config, read_config
    except ImportError as error:
        stop(f"serving needs the extra `service` ({error.name} is missing): pip install 'tailored[service]'")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("tailored.service").setLevel(logging.INFO)
    try:
        settings = read_config(config) if config is not None else Config()
        if log is not None:
            settings = replace(settings, log=replace(settings.log, file=log))
        options = run.Options(book, host, port, workers, watch, otel, insecure, log_sink)
        run.run(options, settings, lambda line: click.echo(line, err=True))
    except OSError as error:
        stop(f"{config} cannot be read: {error.strerror}")
    except run.CannotServe as error:
        stop(str(error))
    except BookNotReadable as error:
        stop(str(error))
    except RuleBookError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
