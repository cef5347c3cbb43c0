"""One person's view of a book: what it makes of her data now, and what each choice of hers would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tailored.book.builtin import GPC
from tailored.book.model import RuleBook
from tailored.condition.tree import Attribute
from tailored.condition.values import read_now
from tailored.engine.decision import Decision, Placement
from tailored.engine.engine import Engine
from tailored.engine.facts import Facts
from tailored.guard.permissions import Permissions
from tailored.guard.report import Report, Usage, Use, flags_of, report

STATUSES = ("used", "ready", "hidden", "unusable", "unused")
"""What may be made of something that is known of a person.

`used`: what she sees now comes from it. `ready`: rules may read it, and nothing that she sees now comes from
it. `hidden`: the guard keeps it from everything. `unusable`: not of its type. `unused`: nothing reads it.
"""

Request = tuple[Mapping[str, object], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Datum:
    """An attribute that the request has, by name. Its value is nowhere in the view."""

    usage: Usage
    status: str
    reasons: tuple[str, ...]
    """Why it is hidden, or unusable."""
    now: tuple[Use, ...]
    """What of all that reads it decided something that she sees now."""

    def to_dict(self) -> dict[str, Any]:
        """The datum as JSON data."""
        now = [use.to_dict() for use in self.now]
        return self.usage.to_dict() | {"status": self.status, "reasons": list(self.reasons), "now": now}


@dataclass(frozen=True, slots=True)
class Difference:
    """A slot or a setting that a choice changes. Of a text only that it changes is told, not what it says."""

    kind: str
    id: str
    now: Any
    then: Any

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON data."""
        return {"kind": self.kind, "id": self.id, "now": self.now, "then": self.then}


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that she may change, by itself: `kind` is `consent`, `opt_out` or `signal`."""

    kind: str
    id: str
    to: bool
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """The choice as JSON data; `to` is what it would be then: given, opted out, sent."""
        changes = [one.to_dict() for one in self.differences]
        return {"kind": self.kind, "id": self.id, "now": not self.to, "then": self.to, "changes": changes}


@dataclass(frozen=True, slots=True)
class View:
    """One person's view in one context. `unread` are keys of her data that no attribute of the book reads."""

    data: tuple[Datum, ...]
    unread: tuple[str, ...]
    consents: Mapping[str, bool]
    opt_outs: tuple[str, ...]
    decision: Decision
    choices: tuple[Choice, ...]

    def to_dict(self) -> dict[str, Any]:
        """The view as JSON data."""
        return {
            "data": [datum.to_dict() for datum in self.data],
            "unread": list(self.unread),
            "consents": dict(self.consents),
            "opt_outs": list(self.opt_outs),
            "withheld": [entry.to_dict() for entry in self.decision.withheld],
            "choices": [choice.to_dict() for choice in self.choices],
        }


def view(
    engine: Engine,
    user: Mapping[str, object],
    context: Mapping[str, object],
    now: datetime | str | None = None,
) -> View:
    """What a book makes of a person's data in a context. Takes and raises what Engine.evaluate does.

    It tells the names of what is hidden, since it is for the person herself, and no values, so that it may be
    kept. Everything but what she chooses stays as it is when the decisions are compared.
    """
    moment, book = read_now(now), engine.book
    facts = engine.facts(user, context, moment)
    decision = engine.decide(facts)
    told = report(book)
    flags = dict.fromkeys(_flags(told, book), False)
    return View(
        tuple(_data(told, facts, decision, (user, context), book)),
        tuple(_unread(book, user)),
        flags | {flag: given for flag, given in facts.permissions.consents.items() if flag in flags},
        tuple(name for name in book.purposes if facts.permissions.opted_out(name)),
        decision,
        tuple(
            Choice(kind, name, to, tuple(_differences(decision, engine.evaluate(*changed, moment))))
            for kind, name, to, changed in _choices(book, list(flags), facts.permissions, (user, context))
        ),
    )


def _flags(told: Report, book: RuleBook) -> list[str]:
    """The flags of what the book uses, without those that nobody asks for."""
    flags = flags_of((one.label.id for one in told.topics), book)
    return [flag for flag in flags if flag != "never"]


def _data(
    told: Report, facts: Facts, decision: Decision, request: Request, book: RuleBook
) -> Iterator[Datum]:
    sides = dict(zip(("user", "context"), request, strict=True))
    deciding = _deciding(decision)
    warned = {
        warning.attribute: warning.message
        for warning in facts.warnings
        if warning.code in ("wrong-type", "too-large")
    }
    for usage in told.attributes:
        attribute = usage.attribute
        if not _has(sides[attribute.side], attribute):
            continue
        hidden = facts.permissions.hiding(attribute)
        status = "ready"
        reasons: tuple[str, ...] = ()
        if not usage.used_by:
            status = "unused"
        elif hidden:
            status, reasons = "hidden", tuple(_reason(*label, book) for label in hidden)
        elif attribute.key in warned:
            status, reasons = "unusable", (warned[attribute.key],)
        now = tuple(use for use in usage.used_by if _decides(use, deciding)) if status == "ready" else ()
        yield Datum(usage, "used" if now else status, reasons, now)


def _has(side: Mapping[str, object], attribute: Attribute) -> bool:
    """Whether a side of a request has something, of whatever kind, where an attribute is read."""
    found: object = side
    for name in attribute.path or (attribute.name,):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found is not None


def _reason(label: str, name: str, book: RuleBook) -> str:
    if label == "purpose":
        return f"opted out of {name}"
    flag = book.topics[name].consent
    return f"consent for {name} is never asked" if flag is None else f"no consent for {flag}"


def _deciding(decision: Decision) -> tuple[set[str], set[tuple[str, str]]]:
    """The rules that a decision comes from, and the content that it places, with the rules that placed it."""
    placed = {
        (item.content, item.rule or "") for placement in decision.slots.values() for item in placement.items
    } | {
        (placement.content, placement.rule or "")
        for placement in decision.slots.values()
        if placement.content is not None
    }
    rules = {rule for _, rule in placed}
    rules |= {one.rule or "" for one in decision.slots.values()}
    rules |= {one.rule or "" for one in decision.settings.values()}
    return rules - {""}, placed


def _decides(use: Use, deciding: tuple[set[str], set[tuple[str, str]]]) -> bool:
    rules, placed = deciding
    if use.kind == "content":
        return any(content == use.id for content, _ in placed)
    if use.kind != "rule" or use.id not in rules:
        return False
    texts = [step.removeprefix("content ") for step in use.through if step.startswith("content ")]
    return all((text, use.id) in placed for text in texts)


def _unread(book: RuleBook, user: Mapping[str, object]) -> Iterator[str]:
    roots = {(one.path or (one.name,))[0] for one in book.attributes.values() if one.side == "user"}
    for key in user:
        if isinstance(key, str) and key not in roots and key not in ("consents", "opt_outs"):
            yield key


def _choices(
    book: RuleBook, flags: list[str], permissions: Permissions, request: Request
) -> Iterator[tuple[str, str, bool, Request]]:
    """Each thing that she may change, what it would be then, and the request that says so."""
    user, context = request
    given, listed = user.get("consents"), user.get("opt_outs")
    consents = given if isinstance(given, Mapping) else {}
    opted = [*listed] if isinstance(listed, list | tuple) else []
    if permissions.everything:
        opted = list(book.purposes)
    for flag in flags:
        to = not permissions.consents.get(flag, False)
        yield "consent", flag, to, ({**user, "consents": {**consents, flag: to}}, context)
    signal = context.get(GPC) is True
    for name, purpose in book.purposes.items():
        if signal and GPC in purpose.honours:
            continue  # while the signal is sent, an opt-out of hers changes nothing
        left = [one for one in opted if one != name]
        to = name not in opted
        yield "opt_out", name, to, ({**user, "opt_outs": [*left, *[name] * to]}, context)
    if any(GPC in purpose.honours for purpose in book.purposes.values()):
        yield "signal", GPC, not signal, (user, {**context, GPC: not signal})


def _differences(now: Decision, then: Decision) -> Iterator[Difference]:
    """What a person would notice: other content, other texts, another order, another value."""
    for name, placement in now.slots.items():
        other = then.slots[name]
        if (before := _seen(placement)) != (after := _seen(other)):
            yield Difference("slot", name, before, after)
        elif _texts(placement) != _texts(other):
            yield Difference("text", name, before, after)
    for name, setting in now.settings.items():
        if (value := setting.to_dict()["value"]) != (changed := then.settings[name].to_dict()["value"]):
            yield Difference("setting", name, value, changed)


def _seen(placement: Placement) -> list[str] | str | None:
    """What a slot shows: a content id or None, ids in order, or `hidden` as the only word."""
    if placement.hidden:
        return "(hidden)"
    if placement.kind == "order":
        return list(placement.order)
    return [item.content for item in placement.items] if placement.kind == "many" else placement.content


def _texts(placement: Placement) -> list[Any]:
    return [placement.fields, *(item.fields for item in placement.items)]
