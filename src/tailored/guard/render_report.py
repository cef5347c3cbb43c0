"""The transparency report as a page for everybody: plain words, the rules' own names beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tailored.book.builtin import PERSONALIZATION
from tailored.book.model import Catalog, Content, Purpose, Rule, RuleBook, Scorer, Segment, Slot, Topic
from tailored.condition.english import value_in_words
from tailored.condition.types import A_VALUE
from tailored.guard.document import Block, Bullets, Code, Heading, Page, Paragraph, Table, Text, enumerated
from tailored.guard.report import Labelled, Report, Usage, Use, asking_in_lists, flags_of, missing_without

_SIDES = (("user", "What is known of a person"), ("context", "What is known of the moment"))


def report_page(book: RuleBook, told: Report, version: str) -> Page:
    """The page of a book's report. `version` is the book's."""
    return Page("What decides what you see", tuple(_blocks(book, told, version)))


def _blocks(book: RuleBook, told: Report, version: str) -> Iterator[Block]:
    yield Paragraph(
        (
            "This page lists everything that may decide what somebody sees here: what it is, what it is "
            "used for, which consent it needs, and what happens without it. It is made from the rules that "
            "decide, and so says what they do. It holds for version ",
            Code(version[:12]),
            f" of them, with {count(len(book.rules), 'rule')}.",
        )
    )
    yield Paragraph(
        (
            "Something that needs consent is treated as if nobody had it, until the person says yes. Who "
            "opts out of ",
            Code(PERSONALIZATION),
            " sees what everybody sees who is not known.",
        )
    )
    if told.attributes:
        yield Heading(2, ("At a glance",))
        yield _overview(told.attributes)
    things = named(book)
    for side, title in _SIDES:
        usages = [usage for usage in told.attributes if usage.attribute.side == side]
        if usages:
            yield Heading(2, (title,))
        for usage in usages:
            yield from _usage(book, things, usage)
    yield Heading(2, ("Do not collect",))
    if told.unused:
        yield Paragraph(("Nothing uses these. They are not needed, and should not be collected:",))
        yield Bullets(tuple((Code(name),) for name in told.unused))
    else:
        yield Paragraph(("Everything that the rules may read is used by something.",))
    yield from _topics(told.topics)
    yield from _purposes(told.purposes)


def _overview(usages: Iterable[Usage]) -> Table:
    rows = [
        (
            (Code(usage.attribute.key),),
            (_kind(usage),),
            (Code(usage.consent),) if usage.consent else ("none",),
            _codes(usage.purposes) or ("none named",),
            (_counts(usage.used_by),),
        )
        for usage in usages
    ]
    head = ("Name", "Kind", "Consent needed", "Purposes", "Used by")
    return Table("Everything that the rules may read", head, tuple(rows))


def _kind(usage: Usage) -> str:
    if usage.consent is not None:
        return f"sensitive ({', '.join(usage.attribute.topics)})"
    if usage.personal:
        return "personal"
    return "about the person" if usage.attribute.side == "user" else "about the moment"


def _counts(uses: Iterable[Use]) -> str:
    things = [kind for kind, _ in dict.fromkeys((use.kind, use.id) for use in uses)]
    nouns = {"rule": "rule", "segment": "group", "content": "text", "catalog": "catalog", "scorer": "ranking"}
    return ", ".join(count(things.count(kind), nouns[kind]) for kind in dict.fromkeys(things)) or "nothing"


def _usage(book: RuleBook, things: Things, usage: Usage) -> Iterator[Block]:
    attribute = usage.attribute
    yield Heading(3, (Code(attribute.key),))
    if attribute.description:
        yield Paragraph((_sentence(attribute.description),))
    facts: list[str | Code] = [f"It holds {A_VALUE[attribute.type]}"]
    if attribute.values:
        facts.append(f", mostly {value_in_words(attribute.values)}")
    facts.append(f". It is {_kind(usage)}. ")
    if usage.consent == "never":
        facts.append("Nobody is ever asked for consent to use it, so it is never used. ")
    elif usage.consent:
        facts += ["It is used only with consent for ", *_codes(usage.consent.split(", ")), ". "]
    else:
        facts.append("No consent of its own is needed. ")
    facts += (
        ["Purposes: ", *_codes(usage.purposes), "."] if usage.purposes else ["No purpose is named for it."]
    )
    yield Paragraph(tuple(facts))
    if not usage.used_by:
        yield Paragraph(("Nothing uses it. It should not be collected.",))
        return
    yield Paragraph(("What uses it:",))
    yield Bullets(tuple(uses_in_words(book, things, usage.used_by)))
    yield Paragraph(tuple(_without(book, usage)))


Things = Mapping[str, Rule | Segment | Content | Catalog | Scorer]


def named(book: RuleBook) -> Things:
    """What may read an attribute, by its kind and its id in one text: `rule vip-lounge`."""
    found: dict[str, Rule | Segment | Content | Catalog | Scorer] = {
        f"rule {one.id}": one for one in book.rules
    }
    found |= {f"segment {name}": segment for name, segment in book.segments.items()}
    found |= {f"content {name}": item for name, item in book.content.items()}
    found |= {f"catalog {name}": catalog for name, catalog in book.catalogs.items()}
    return found | {f"scorer {name}": scorer for name, scorer in book.scorers.items()}


def uses_in_words(book: RuleBook, things: Things, uses: Sequence[Use]) -> Iterator[Text]:
    """One text per thing that uses something: what it is, and what it reaches it through."""
    by_thing: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        by_thing.setdefault((use.kind, use.id), []).append(use)
    for (kind, name), ways in by_thing.items():
        said: list[str | Code] = [_KINDS[kind], Code(name)]
        if description := things[f"{kind} {name}"].description:
            said.append(f" ({description})")
        through = [_way(use.through) for use in ways if use.through]
        if through:
            direct = "itself, and " if len(through) < len(ways) else ""
            said.append(f", {direct}through ")
            for place, way in enumerate(through):
                said += [", and through "] * (place > 0) + [*way]
        if flags := _needed(things, kind, name, ways, book):
            said += [", only with consent for ", *_codes(flags)]
        yield tuple(said)


_KINDS = {
    "rule": "the rule ",
    "segment": "the group ",
    "content": "the text of ",
    "catalog": "the texts of the catalog ",
    "scorer": "the ranking ",
    "attribute": "",
}


def _way(through: tuple[str, ...]) -> Text:
    said: list[str | Code] = []
    for place, step in enumerate(through):
        kind, _, name = step.partition(" ")
        said += [" and "] * (place > 0) + [_KINDS[kind], Code(name)]
    return tuple(said)


def _needed(things: Things, kind: str, name: str, ways: Iterable[Use], book: RuleBook) -> list[str]:
    """The flags without which something makes no use of what it reads."""
    names = dict.fromkeys([f"{kind} {name}", *(step for use in ways for step in use.through)])
    return flags_of((topic for thing in names for topic in things[thing].topics), book)


def _without(book: RuleBook, usage: Usage) -> Iterator[str | Code]:
    texts = [use.id for use in usage.used_by if use.kind in ("content", "catalog")]
    scorers = [use.id for use in usage.used_by if use.kind == "scorer"]
    if usage.silent:
        are = "this rule stays" if len(usage.silent) == 1 else "these rules stay"
        yield f"Without it {are} silent: "
        yield from _codes(rule.id for rule in usage.silent)
        yield ". Then other rules decide, or else this holds: "
        yield from _left(book, usage)
        yield "."
    else:
        yield "Without it every rule that reads it may still speak."
    if asking := asking_in_lists(usage, book):
        yield f" What the {'list' if len(asking) == 1 else 'lists'} of "
        yield from _codes(rule.id for rule in asking)
        yield f" {'asks' if len(asking) == 1 else 'ask'} of it is unknown then: "
        yield "no item fits it, and none is left out for it."
    if texts:
        yield f" The {'text' if len(texts) == 1 else 'texts'} of "
        yield from _codes(texts)
        yield f" {'leaves' if len(texts) == 1 else 'leave'} it out."
    if scorers:
        yield f" The {'ranking' if len(scorers) == 1 else 'rankings'} "
        yield from _codes(scorers)
        yield f" {'does' if len(scorers) == 1 else 'do'} without it."


def _left(book: RuleBook, usage: Usage) -> Iterator[str | Code]:
    """What people see in the places that silent rules decide, where no other rule decides them."""
    filled, hidden, values = missing_without(usage)
    said: list[list[str | Code]] = [[Code(slot), " ", *_default(book.slots[slot])] for slot in filled]
    said += [[Code(slot), " is not hidden"] for slot in hidden if slot not in filled]
    said += [[Code(name), f" is {value_in_words(book.settings[name].default)}"] for name in values]
    for place, parts in enumerate(said):
        yield from ["; "] * (place > 0) + parts


def _default(slot: Slot) -> Iterator[str | Code]:
    if slot.modules is not None:
        yield "keeps its usual order"
    elif slot.default:
        yield "shows "
        yield from _codes(slot.default)
    else:
        yield "is empty"


def _topics(topics: Iterable[Labelled]) -> Iterator[Block]:
    every = [(one.label, one.used_by) for one in topics if isinstance(one.label, Topic)]
    sensitive = [one for one in every if one[0].sensitive]
    others = [one for one in every if not one[0].sensitive]
    yield Heading(2, ("Sensitive topics",))
    if sensitive:
        rows = [
            (
                (Code(topic.id),),
                (topic.description,),
                ("never asked",) if topic.consent is None else (Code(topic.consent),),
                carriers(used_by),
            )
            for topic, used_by in sensitive
        ]
        head = ("Topic", "What it is", "Consent", "What speaks of it")
        yield Table("Used only with the consent of the person", head, tuple(rows))
    else:
        yield Paragraph(("Nothing that is used carries a sensitive topic.",))
    if others:
        yield Paragraph(("These topics are commonly sensitive, and are not treated so here:",))
        yield Bullets(tuple((Code(topic.id), ", because: ", topic.because) for topic, _ in others))


def _purposes(purposes: Iterable[Labelled]) -> Iterator[Block]:
    every = [(one.label, one.used_by) for one in purposes if isinstance(one.label, Purpose)]
    rows = [
        (
            (Code(purpose.id),),
            (purpose.description,),
            _codes(purpose.honours) or ("none",),
            carriers(used_by),
        )
        for purpose, used_by in every
    ]
    yield Heading(2, ("Purposes, and opting out",))
    yield Paragraph(
        (
            "Everybody may opt out of each of these. What carries the purpose is then not used, and what is "
            "listed as a signal counts as an opt-out, too.",
        )
    )
    head = ("Purpose", "What it is", "Signals", "What opting out stops")
    yield Table("What people may opt out of", head, tuple(rows))


def carriers(uses: Iterable[Use]) -> Text:
    """Things in one text, by kind; of many a few, as each is told elsewhere."""
    by_kind: dict[str, list[str]] = {}
    for use in uses:
        by_kind.setdefault(use.kind, []).append(use.id)
    said: list[str | Code] = []
    for kind, names in by_kind.items():
        shown = names if len(names) <= _MOST_NAMED else names[:_FEW]
        more = f"{len(names)}, such as " if shown is not names else ""
        said += ["; "] * bool(said) + [f"{_PLURALS[kind]}: {more}", *_codes(shown)]
    return tuple(said) or ("nothing",)


_MOST_NAMED, _FEW = 8, 3
_PLURALS = {
    "attribute": "data",
    "segment": "groups",
    "content": "content",
    "catalog": "catalogs",
    "scorer": "rankings",
    "rule": "rules",
}


def count(number: int, noun: str) -> str:
    """A number of things, in words that fit it."""
    return f"{number} {noun}{'s' * (number != 1)}"


def _codes(names: Iterable[str]) -> Text:
    return enumerated(map(Code, names))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
