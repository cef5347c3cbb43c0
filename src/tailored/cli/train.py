"""`tailored train`: learns the models of scorers from the tables that a book names."""

from __future__ import annotations

import time

import click

from tailored.book.model import RuleBook, Scorer
from tailored.book.scorers import joined_by
from tailored.cli.interactions import known_scorer, needed, progress, read
from tailored.cli.requests import load_engine, stop
from tailored.scoring.protocol import model_file


@click.command()
@click.argument("name", required=False)
@click.option("--book", default="rules", show_default=True, help="The folder of the rule book.")
@click.option("--seed", default=0, show_default=True, help="Draws the part that models are chosen by.")
def train(name: str | None, book: str, seed: int) -> None:
    """Train the scorer NAME, or every scorer that learns from a table: those of the kind `together`.

    Exits with 1 where the book has errors, with 2 where there is nothing to learn from.
    """
    rules = load_engine(book, "text").book
    if name is not None:
        known_scorer(rules, name)
    trained = [one for one in rules.scorers.values() if one.kind == "together"]
    if name is not None:
        declared = rules.scorers[name]
        parts = {name, *joined_by(declared)}
        trained = [one for one in trained if one.id in parts]
        if not trained and declared.kind == "similar":
            click.echo(f"{name} learns from the catalogs when the book is loaded: there is nothing to train.")
            return
    if not trained:
        which = (
            f"`{name}` is of the kind {rules.scorers[name].kind}" if name else "the book has no such scorer"
        )
        stop(f"only scorers of the kind together are trained, and {which}")
    for declared in trained:
        _train(rules, declared, seed)


def _train(book: RuleBook, declared: Scorer, seed: int) -> None:
    settings = declared.settings
    data = read(str(settings["interactions"]), book.folder, dict(settings))
    model = settings.get("model")
    start = time.perf_counter()
    with needed():
        from tailored.scoring.models import learning
        from tailored.scoring.models.together import save

        if model == "ease" and len(data.items) > learning.MOST_PAIRS:
            stop(f"`{declared.id}`: ease learns at most {learning.MOST_PAIRS} items, and the table has "
                 f"{len(data.items)}. Write `model: als`, or leave it out.")  # fmt: skip
        with progress(declared.id) as tell:
            learnt = learning.learn(data.matrix(), str(model) if model else None, seed, tell)
    path = model_file(declared)
    try:
        from pathlib import Path

        save(Path(book.folder or "", path), data.items, learnt.model.arrays())
    except OSError as error:
        stop(f"{path} cannot be written: {error.strerror}")
    figures = ", ".join(f"{one} {figure:.3f}" for one, figure in learnt.figures.items())
    click.echo(
        f"{declared.id}: {learnt.name} ({learnt.settings}), from {len(data):,} interactions of "
        f"{len(data.users):,} people with {len(data.items):,} items, in {time.perf_counter() - start:.1f} s\n"
        f"  NDCG@10 on the tenth that was held out: {figures}\n"
        f"  written to {path}"
    )
