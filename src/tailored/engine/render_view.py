"""One person's view of a book as a page, in words for that person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tailored.book.builtin import GPC
from tailored.book.model import RuleBook
from tailored.engine.person import Choice, Datum, Difference, View
from tailored.guard.document import Block, Bullets, Code, Heading, Page, Paragraph, Table, Text, enumerated
from tailored.guard.render_report import count, named, uses_in_words

_TITLES = {
    "used": "What you see now comes from these",
    "ready": "These may be used, and change nothing now",
    "hidden": "These are hidden from every rule",
    "unusable": "These cannot be used, because of how they are written",
    "unused": "Nothing uses these; they should not be collected",
}


def view_page(book: RuleBook, view: View, version: str) -> Page:
    """The page of one person's view. `version` is the book's."""
    return Page("Your data, and what it decides", tuple(_blocks(book, view, version)))


def _blocks(book: RuleBook, view: View, version: str) -> Iterator[Block]:
    yield Paragraph(
        (
            "This page is about one person in one moment: what is known, what it decides, and what each "
            "choice would change. It shows names, and no values. It holds for version ",
            Code(version[:12]),
            " of the rules.",
        )
    )
    yield Heading(2, ("What you permit",))
    yield Bullets(tuple(_permits(view)) or (("The rules ask for no consent and know no opt-out.",),))
    yield Heading(2, ("What is known, and what becomes of it",))
    if not view.data:
        yield Paragraph(("Nothing that the rules could read.",))
    for status, title in _TITLES.items():
        data = [datum for datum in view.data if datum.status == status]
        if data:
            yield Heading(3, (title,))
            yield Bullets(tuple(_datum(datum) for datum in data))
    if view.unread:
        yield Heading(3, ("The rules cannot read these at all",))
        yield Bullets(tuple((Code(key),) for key in view.unread))
    if any(datum.usage.used_by for datum in view.data):
        yield Heading(2, ("What each is used for",))
        things = named(book)
        for datum in view.data:
            if datum.usage.used_by:
                yield Heading(3, (Code(datum.usage.attribute.key),))
                yield Bullets(tuple(uses_in_words(book, things, datum.usage.used_by)))
    if view.decision.withheld:
        yield Heading(2, ("Kept back from you now",))
        yield Bullets(
            tuple(
                (f"the {entry.kind} ", Code(entry.id), f" ({entry.label} ", Code(entry.name), ")")
                for entry in view.decision.withheld
            )
        )
    yield Heading(2, ("What each choice would change",))
    yield Paragraph(("Each choice by itself, in this moment, with everything else as it is.",))
    for choice in view.choices:
        yield Heading(3, _choice(choice))
        if choice.differences:
            rows = tuple(_difference(one) for one in choice.differences)
            yield Table("What would change", ("Place", "Now", "Then"), rows)
        else:
            yield Paragraph(("Nothing would change in what you see.",))


def _permits(view: View) -> Iterator[Text]:
    for flag, given in view.consents.items():
        yield ("Consent for ", Code(flag), ": given" if given else ": not given")
    if any(choice.kind == "signal" and not choice.to for choice in view.choices):
        yield ("Your browser sends the signal Sec-GPC",)
    for purpose in view.opt_outs:
        yield ("Opted out of ", Code(purpose))


def _datum(datum: Datum) -> Text:
    said: list[str | Code] = [Code(datum.usage.attribute.key)]
    if datum.usage.attribute.description:
        said.append(f" ({datum.usage.attribute.description})")
    if datum.usage.purposes:
        said += [", for ", *enumerated(map(Code, datum.usage.purposes))]
    if datum.usage.consent and datum.status != "hidden":
        said += [", under the consent for ", Code(datum.usage.consent)]
    if datum.reasons:
        said.append(f": {'; '.join(datum.reasons)}")
    if datum.now:
        said += [": ", *_now(datum)]
    elif datum.status == "ready":
        rules = {(use.kind, use.id) for use in datum.usage.used_by}
        said.append(f": read by {count(len(rules), 'thing')}")
    return tuple(said)


def _now(datum: Datum) -> Iterator[str | Code]:
    for kind, word in (("rule", "the rule"), ("content", "the text of")):
        names = list(dict.fromkeys(use.id for use in datum.now if use.kind == kind))
        if names:
            before = "; " if kind == "content" and any(use.kind == "rule" for use in datum.now) else ""
            yield f"{before}{word}{'s' if kind == 'rule' and len(names) > 1 else ''} "
            yield from enumerated(map(Code, names))


def _choice(choice: Choice) -> Text:
    if choice.kind == "consent":
        return (f"If you {'gave' if choice.to else 'took back'} consent for ", Code(choice.id))
    if choice.kind == "opt_out":
        return (f"If you {'opted' if choice.to else 'no longer opted'} out of ", Code(choice.id))
    assert choice.id == GPC
    return (f"If your browser {'sent' if choice.to else 'no longer sent'} the signal Sec-GPC",)


def _difference(one: Difference) -> tuple[Text, ...]:
    if one.kind == "text":
        return ((Code(one.id),), _shown(one.now), ("the same, with another text",))
    return ((Code(one.id),), _shown(one.now), _shown(one.then))


def _shown(value: object) -> Text:
    if value is None or value == []:
        return ("nothing",)
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return enumerated(Code(str(one)) for one in value)
    return (Code(str(value)),) if value != "(hidden)" else ("hidden",)
