"""The main job on the example shop: some visitors, what each of them sees, and why one sees what she sees."""

from __future__ import annotations

import json
from pathlib import Path

from tailored import Decision, Engine
from tailored.cli.evaluate import table
from tailored.engine.explain import explain

ROOT = Path(__file__).parent.parent
VISITORS = (
    "anonymous",
    "hiker",
    "vip",
    "at-risk",
    "power-user",
    "newcomer-team",
    "checkout",
    "reader",
    "saver-no-consent",
    "saver-with-consent",
    "opted-out",
)
SLOTS = ("greeting", "hero", "recommendations", "home-modules", "account-first-view")

LISTS = {"hiker-on-a-product": "a hiker who looks at boots", "newcomer-in-norway": "a newcomer in Norway"}
"""Visitors whose lists are shown with explanations."""


def main() -> None:
    """Print the table and the explanations."""
    engine = Engine.load(ROOT / "rules")
    book = engine.book
    print(f"An outdoor shop: {len(book.rules)} rules decide {len(book.slots)} slots.\n")
    rows = [("VISITOR", *(slot.upper() for slot in SLOTS), "WITHHELD")]
    for name in VISITORS:
        user, context, now = _request(name)
        decision = engine.evaluate(user, context, now)
        withheld = ", ".join(f"{entry.id} ({entry.name})" for entry in decision.withheld)
        rows.append((name, *(_cell(decision, slot) for slot in SLOTS), withheld))
    print("\n".join(table(rows, widest=16)))
    print("\nWhy does the hiker see socks? As `tailored explain` tells it:\n")
    print(explain(engine, *_request("hiker")).to_text(["hero"]))
    for name, who in LISTS.items():
        print(f"\nWhat {who} finds in the list made for each visitor, and why:\n")
        print("\n".join(_list(engine.evaluate(*_request(name)))))


def _list(decision: Decision) -> list[str]:
    """The products that a visitor finds, each with its price, how likely it was to be shown, and why."""
    placement = decision["for-you"]
    rows = [
        (
            str(item.fields["title"]),
            str(item.fields["price"]),
            f"{item.propensity:.1%}",
            decision.why("for-you", item.content),
        )
        for item in placement.items
    ]
    scorer = placement.scorer
    used = f"put in order by {scorer.used}" if scorer.used else "in the catalogue's own order"
    because = f": {scorer.reason}" if scorer.reason else ""
    return [*table([("PRODUCT", "PRICE", "CHANCE", "WHY"), *rows], widest=80), f"({used}{because})"]


def _request(name: str) -> tuple[dict[str, object], dict[str, str], str]:
    request = json.loads((ROOT / "examples" / "requests" / f"{name}.json").read_text(encoding="utf-8"))
    return request["user"], request["context"], request["now"]


def _cell(decision: Decision, slot: str) -> str:
    """What a visitor finds in a slot: a text where there is one, else the first of what is placed."""
    placement = decision[slot]
    if placement.hidden:
        return "(hidden)"
    first = [item.content for item in placement.items] or list(placement.order)
    if first:
        return f"{first[0]}, ..."
    return str(placement.fields.get("title") or placement.fields.get("text") or "(nothing)")


if __name__ == "__main__":
    main()
