"""`tailored train`: learns the models of scorers from the tables that a book names."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NoReturn

import click

from tailored.book.model import RuleBook, Scorer
from tailored.book.scorers import joined_by, model_file
from tailored.cli.interactions import counted, known_scorer, needed, progress, read
from tailored.cli.requests import load_engine, stop
from tailored.scoring.protocol import NotReady, Surroundings


@click.command()
@click.argument("name", required=False)
@click.option("--book", default="rules", show_default=True, help="The folder of the rule book.")
@click.option("--seed", default=0, show_default=True, help="Draws the part that models are chosen by.")
def train(name: str | None, book: str, seed: int) -> None:
    """Train the scorer NAME, or every scorer that keeps a model: those of the kinds together and similar.

    Exits with 1 where the book has errors, with 2 where there is nothing to learn from.
    """
    rules = load_engine(book, "text").book
    if name is not None:
        known_scorer(rules, name)
    trained = [one for one in rules.scorers.values() if one.kind in _TRAIN]
    if name is not None:
        declared = rules.scorers[name]
        parts = {name, *joined_by(declared)}
        trained = [one for one in trained if one.id in parts]
    if not trained:
        which = (
            f"`{name}` is of the kind {rules.scorers[name].kind}" if name else "the book has no such scorer"
        )
        stop(f"only scorers of the kinds together and similar are trained, and {which}")
    for declared in trained:
        _TRAIN[declared.kind](rules, declared, seed)


def _train_similar(book: RuleBook, declared: Scorer, seed: int) -> None:
    start = time.perf_counter()
    with needed():
        from tailored.scoring.catalogs import Catalogs
        from tailored.scoring.models.similar import learn, words_of
    catalogs = Catalogs(book)
    surroundings = Surroundings(book, {}, catalogs.lookup, catalogs.candidates, _no_scorer)
    words = words_of(declared, surroundings)
    try:
        with needed():
            arrays = learn(words)
    except NotReady as error:
        stop(f"`{declared.id}`: {error}")
    path = _save(book, declared, arrays)
    dimensions = len({word for one in words.values() for word in one})
    click.echo(
        f"{declared.id}: {counted(dimensions, 'word and tag', 'words and tags')} of "
        f"{counted(len(words), 'item')}, in {time.perf_counter() - start:.1f} s\n"
        f"  written to {path}; where items change, it learns anew when it is loaded"
    )


def _no_scorer(name: str) -> NoReturn:
    raise NotReady(f"`{name}` is not asked here")


def _save(book: RuleBook, declared: Scorer, arrays: dict[str, Any]) -> str:
    """Where a model was written; the command ends where it cannot be."""
    from tailored.scoring.models.arrays import save

    path = model_file(declared.id, declared.settings)
    try:
        save(Path(book.folder or "", path), arrays)
    except OSError as error:
        stop(f"{path} cannot be written: {error.strerror}")
    return path


def _train_together(book: RuleBook, declared: Scorer, seed: int) -> None:
    settings = declared.settings
    data = read(str(settings["interactions"]), book.folder, dict(settings))
    model = settings.get("model")
    start = time.perf_counter()
    with needed():
        from numpy import array

        from tailored.scoring.models import learning

        if model in ("ease", learning.SUM) and len(data.items) > learning.MOST_PAIRS:
            stop(f"`{declared.id}`: ease learns at most {learning.MOST_PAIRS} items, and the table has "
                 f"{len(data.items)}. Write `model: als`, or leave it out.")  # fmt: skip
        with progress(declared.id) as tell:
            learnt = learning.learn(data.matrix(), str(model) if model else None, seed, tell)
    path = _save(book, declared, {"items": array(data.items), **learnt.model.arrays()})
    figures = ", ".join(f"{one} {figure:.3f}" for one, figure in learnt.figures.items())
    whose = f"{counted(len(data.users), 'person', 'people')} with {counted(len(data.items), 'item')}"
    click.echo(
        f"{declared.id}: {learnt.name} ({learnt.settings}), from {counted(len(data), 'interaction')} of "
        f"{whose}, in {time.perf_counter() - start:.1f} s\n"
        f"  NDCG@10 on the tenth that was held out: {figures}\n"
        f"  written to {path}"
    )


_TRAIN = {"together": _train_together, "similar": _train_similar}
"""What trains scorers of a kind."""
