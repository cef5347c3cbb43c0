"""Makes the catalogue of the example shop, and what its visitors chose: seeded, so always the same.

    python examples/make_catalogue.py            # writes rules/catalogue/*.csv

`products.csv` has the products, `interactions.csv` who chose what and when, `popular.csv` how often each
product was chosen in each country. People have one or two pursuits and mostly choose what belongs to them;
the weather of their country does the rest.
"""

from __future__ import annotations

import csv
import random
import sys
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "rules" / "catalogue"
SEED = 20261124
VISITORS = 400
BRANDS = ("Fjellvik", "Granlia", "Isbre", "Kvist", "Lomvi", "Skarv", "Tindra", "Vidda")
STYLES = ("trail", "light", "winter", "classic", "alpine", "coast", "summit", "family", "travel", "forest")
PURSUITS = {
    "hiking": {
        "hiking-boots": ("hiking boots", 149, "feet"),
        "hiking-socks": ("hiking socks", 19, "feet;wool"),
        "trekking-poles": ("trekking poles", 69, "hands"),
        "day-packs": ("day pack", 89, "packs"),
        "rain-jackets": ("rain jacket", 179, "clothes"),
        "gaiters": ("gaiters", 45, "feet"),
    },
    "camping": {
        "tents": ("tent", 299, "shelter"),
        "sleeping-bags": ("sleeping bag", 189, "sleep"),
        "sleeping-mats": ("sleeping mat", 79, "sleep"),
        "camping-stoves": ("camping stove", 65, "kitchen"),
        "cook-sets": ("cook set", 49, "kitchen"),
        "headlamps": ("headlamp", 39, "light"),
    },
    "winter": {
        "skis": ("touring skis", 379, "snow"),
        "snowshoes": ("snowshoes", 159, "snow;feet"),
        "down-jackets": ("down jacket", 219, "clothes"),
        "base-layers": ("wool base layer", 59, "clothes;wool"),
        "gloves": ("gloves", 35, "hands"),
        "hats": ("wool hat", 25, "wool"),
    },
    "water": {
        "dry-bags": ("dry bag", 29, "packs"),
        "canoe-paddles": ("canoe paddle", 75, "hands"),
        "life-jackets": ("life jacket", 99, "clothes"),
        "water-filters": ("water filter", 42, "kitchen"),
        "fishing-rods": ("fishing rod", 89, "hands"),
        "swim-towels": ("swim towel", 22, "travel"),
    },
}
COUNTRIES = {
    "NO": {"winter": 4, "hiking": 3, "camping": 2, "water": 1},
    "SE": {"winter": 3, "hiking": 3, "camping": 3, "water": 2},
    "DK": {"winter": 1, "hiking": 2, "camping": 3, "water": 4},
    "FI": {"winter": 4, "hiking": 2, "camping": 3, "water": 3},
    "DE": {"winter": 2, "hiking": 4, "camping": 3, "water": 1},
    "GB": {"winter": 1, "hiking": 4, "camping": 2, "water": 2},
    "US": {"winter": 2, "hiking": 3, "camping": 4, "water": 3},
    "CA": {"winter": 3, "hiking": 2, "camping": 3, "water": 4},
}
"""How much each pursuit draws people in a country."""
COLUMNS = ("id", "name", "category", "pursuit", "brand", "price", "rating", "in_stock", "tags")
START, DAY = 1_767_225_600, 86_400
"""The first day of interactions (2026-01-01 in UTC), and its length, in seconds."""


def products(source: random.Random) -> list[dict[str, object]]:
    """Ten products of each category, with plausible prices and ratings."""
    found: list[dict[str, object]] = []
    for pursuit, categories in PURSUITS.items():
        for category, (noun, price, tags) in categories.items():
            brands = source.sample(BRANDS, 5) * 2
            for number, (brand, style) in enumerate(zip(brands, STYLES, strict=True), 1):
                row = (
                    f"{category}-{number}",
                    f"{brand} {style} {noun}",
                    category,
                    pursuit,
                    brand,
                    round(price * source.uniform(0.7, 1.6)) - 0.05,
                    round(source.triangular(2.8, 5, 4.3), 1),
                    "true" if source.random() < 0.93 else "false",
                    f"{pursuit};{tags}",
                )
                found.append(dict(zip(COLUMNS, row, strict=True)))
    return found


def interactions(
    source: random.Random, shop: list[dict[str, object]]
) -> tuple[list[tuple[str, str, int]], Counter[tuple[str, str]]]:
    """Who chose what and when, and how often each product was chosen in each country."""
    of_pursuit = {name: [row for row in shop if row["pursuit"] == name] for name in PURSUITS}
    found, popular = [], Counter[tuple[str, str]]()
    for number in range(1, VISITORS + 1):
        country = source.choice(tuple(COUNTRIES))
        draws = COUNTRIES[country]
        likes = source.choices(tuple(draws), tuple(draws.values()), k=2)
        chosen: dict[str, None] = {}
        while len(chosen) < 12:
            pursuit = source.choice(likes) if source.random() < 0.85 else source.choice(tuple(PURSUITS))
            rows = of_pursuit[pursuit]
            row = source.choices(
                rows, [float(str(row["rating"])) ** 4 / (2 + at % 10) for at, row in enumerate(rows)]
            )[0]
            chosen[str(row["id"])] = None
        times = sorted(START + source.randrange(320 * DAY) for _ in chosen)
        found += [(f"v{number:03}", item, time) for item, time in zip(chosen, times, strict=True)]
        popular.update((item, country) for item in chosen)
    return sorted(found, key=lambda one: one[2]), popular


def main(folder: Path = FOLDER) -> None:
    """Writes the three files."""
    source = random.Random(SEED)
    shop = products(source)
    events, popular = interactions(source, shop)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "products.csv", COLUMNS, [tuple(row[name] for name in COLUMNS) for row in shop])
    _write(folder / "interactions.csv", ("user", "item", "timestamp"), events)
    counts = [(item, country, number) for (item, country), number in sorted(popular.items())]
    _write(folder / "popular.csv", ("item", "country", "count"), counts)


def _write(path: Path, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
