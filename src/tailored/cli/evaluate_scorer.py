"""`tailored evaluate-scorer`: how good a scorer is on what people chose, beside popularity and chance."""

from __future__ import annotations

import json

import click

from tailored.cli.evaluate import table
from tailored.cli.interactions import counted, known_scorer, needed, progress, read
from tailored.cli.requests import load_engine, stop
from tailored.scoring.protocol import NotReady


@click.command("evaluate-scorer")
@click.argument("name")
@click.option("--interactions", metavar="FILE", help="Who chose what, and when; else the scorer's own table.")
@click.option("--book", default="rules", show_default=True, help="The folder of the rule book.")
@click.option("--split", "how", default="last-out", show_default=True, help="last-out, or random:0.2.")
@click.option("--seed", default=0, show_default=True, help="Draws the split and chance.")
@click.option("--k", default=10, show_default=True, type=click.IntRange(1, 1000), help="Places of a list.")
@click.option("--user", metavar="COLUMN", help="The column of people; user unless given.")
@click.option("--item", metavar="COLUMN", help="The column of items; item unless given.")
@click.option("--timestamp", metavar="COLUMN", help="The column of times; timestamp unless given.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", help="For people, or machines."
)
def evaluate_scorer(
    name: str, interactions: str | None, book: str, how: str, seed: int, k: int,
    user: str | None, item: str | None, timestamp: str | None, form: str,
) -> None:  # fmt: skip
    """Judge the scorer NAME on a table of who chose what: CSV, tabs, or Parquet.

    A part of the table is held out; the scorer sees the rest as each person's history, and ranks everything
    else. One of the kind `together` learns from that rest only.

    Exits with 1 where the book has errors, with 2 where there is nothing to judge.
    """
    rules = load_engine(book, "json" if form == "json" else "text").book
    known_scorer(rules, name)
    settings = rules.scorers[name].settings
    columns = {"user": user, "item": item, "timestamp": timestamp}
    if interactions is None:
        if "interactions" not in settings:
            stop(f"say on what `{name}` is judged: --interactions FILE")
        own = {one: given or settings.get(one) for one, given in columns.items()}
        data = read(str(settings["interactions"]), rules.folder, own)
    else:
        data = read(interactions, None, columns)
    with needed():
        from tailored.scoring.models.judge import CannotJudge, judge

        try:
            with progress(name) as tell:
                judgement = judge(rules, name, data, how, seed, k, tell)
        except (CannotJudge, NotReady) as error:
            stop(f"`{name}` cannot be judged: {error}")
    if form == "json":
        click.echo(json.dumps(judgement.to_dict(), indent=2))
        return
    heads = ("scorer", f"recall@{k}", f"NDCG@{k}", "coverage", "diversity", "answered")
    rows: list[tuple[str, ...]] = [heads]
    rows += [
        (one.name, *(f"{figure:.3f}" for figure in (one.recall, one.ndcg, one.coverage, one.diversity)),
         f"{one.answered:.0%}")
        for one in judgement.figures
    ]  # fmt: skip
    click.echo("\n".join(table(rows)))
    learnt = counted(judgement.learnt_from, "interaction")
    click.echo(
        f"\n{counted(judgement.users, 'person', 'people')}, {counted(judgement.items, 'item')}; learnt from "
        f"{learnt}, asked for {judgement.held_out:,} ({how}, seed {seed})"
    )
    for why, number in judgement.failed.items():
        click.echo(f"for {counted(number, 'person', 'people')}, {name} {why}")
    for one, model in judgement.models.items():
        click.echo(f"{one} is {model}")
