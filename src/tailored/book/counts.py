"""Tables of counts, for the scorers that compare how often things are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from tailored.book.kept import kept
from tailored.book.model import Json
from tailored.book.suggest import did_you_mean, listed, one_slip_away
from tailored.book.tables import Table, Unusable, read_table
from tailored.condition.english import joined


class Told(NamedTuple):
    """A finding: its code, what is wrong, the mend, and the number of the row (None for the table)."""

    code: str
    message: str
    hint: str
    row: int | None


@dataclass(slots=True)
class Counts:
    """How often each item was chosen, and of how often it was shown where that is known, in one group."""

    chosen: dict[str, float] = field(default_factory=dict)
    shown: dict[str, float] = field(default_factory=dict)

    def add(self, item: str, chosen: float, shown: float) -> None:
        """Adds what one row tells."""
        self.chosen[item] = self.chosen.get(item, 0.0) + chosen
        self.shown[item] = self.shown.get(item, 0.0) + shown


def read_counts(
    settings: Mapping[str, Json], group: str | None, folder: str | None
) -> tuple[Counts, dict[str, Counts], Table | None, list[Told]]:
    """The counts of all people, those of each group, the table that they stand in, and what is wrong.

    `group` is the column that holds the group. Rows that cannot be used are left out.
    """
    told: list[Told] = []
    try:
        file, sql, database = (str(settings.get(key) or "") for key in ("file", "sql", "database"))
        table = read_table(file, sql, database, folder)
        item, count, of = (str(settings.get(key) or key) for key in ("item", "count", "of"))
        columns = (item, count, of if "of" in settings else None, group)
        told += _missing(table, *columns)
        if told:
            return Counts(), {}, table, told
        key = (table.path, *columns)
        every, groups, told = kept(table.text, key, lambda: (*_counted(table, told, *columns), told))
    except Unusable as error:  # also in the middle of the rows
        return Counts(), {}, None, [*told, Told(error.code, error.message, error.hint, None)]
    return every, groups, table, told


def _missing(table: Table, item: str, count: str, of: str | None, group: str | None) -> Iterator[Told]:
    """Tells of the first column that a table should have."""
    columns = [one for one in (item, count, of, group) if one is not None]
    for column in [one for one in columns if one not in table.columns][:1]:
        needs = [f"`{item}`", f"`{count}` (how often it was chosen)"]
        needs += [f"`{of}` (how often it was shown)"] if of is not None else []
        needs += [f"`{group}` (the group)"] if group is not None else []
        message = f"`{table.path}` has no column `{column}`: it needs {joined(needs)}."
        spare = [one for one in table.columns if one not in columns and one_slip_away(one, column)]
        hint = did_you_mean(column, spare) or f"Its columns are {listed(table.columns, 20)}."
        yield Told("missing-column", message, hint, None)


def _counted(
    table: Table, told: list[Told], item: str, count: str, of: str | None, group: str | None
) -> tuple[Counts, dict[str, Counts]]:
    """The counts of all, and of each group. Raises Unusable."""
    every, groups = Counts(), dict[str, Counts]()

    for row, cells in table.rows:
        if cells is None:
            told.append(
                Told("unreadable-row", "This row does not have as many cells as the first line.", "", row)
            )
            continue
        name = str(cells[item] if cells[item] is not None else "").strip()
        chosen = _count(cells[count])
        shown = _count(cells[of]) if of is not None else 0.0
        if not name:
            told.append(
                Told("unreadable-row", f"This row has no `{item}`.", "Give it one, or take it out.", row)
            )
        elif chosen is None or shown is None:
            wrong = count if chosen is None or of is None else of
            message = f"`{wrong}` takes a number from 0 on, and `{cells[wrong]}` is none."
            told.append(Told("wrong-type", message, "Write it like `12`.", row))
        elif of is not None and chosen > shown:
            message = f"`{name}` was chosen {chosen:g} times, and shown only {shown:g} times."
            told.append(Told("wrong-type", message, f"`{of}` counts how often it was shown.", row))
        else:
            every.add(name, chosen, shown)
            if group is not None and cells[group] not in (None, ""):
                groups.setdefault(_text(cells[group]), Counts()).add(name, chosen, shown)
    return every, groups


def _count(cell: object) -> float | None:
    """A number from 0 on, or None."""
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) and number >= 0 and not isinstance(cell, bool) else None


def _text(cell: object) -> str:
    return ("true" if cell else "false") if isinstance(cell, bool) else str(cell).strip()
