"""The section `consent`: which consent flags and opt-outs follow from consent given elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from tailored.book.collect import Entry
from tailored.book.declarations import Body, read_body, read_names
from tailored.book.model import Purpose, Tcf, TcfItem, Topic
from tailored.book.nodes import Node, Reader, short
from tailored.book.sections import CONSENT, TCF
from tailored.book.suggest import listed

SPECIAL_FEATURE = "special feature "
TCF_ITEMS: tuple[TcfItem, ...] = (*range(1, 12), f"{SPECIAL_FEATURE}1", f"{SPECIAL_FEATURE}2")
"""What a person is asked by the IAB's Transparency and Consent Framework, since version 2.2 of it: purposes
by their numbers, and special features."""


def read_tcf(entries: dict[str, Entry], topics: Mapping[str, Topic], purposes: Mapping[str, Purpose]) -> Tcf:
    """What consent strings mean for a book: nothing, where its section `consent` does not say."""
    for name, entry in entries.items():
        if name not in CONSENT:
            message = f"Consent comes from `tcf`, not from `{short(name)}`."
            entry.reader.error(entry.key, "unknown-key", message, "Write `tcf: {consents: {health: [1]}}`.")
    if "tcf" not in entries:
        return Tcf()
    entry = entries["tcf"]
    reader = entry.reader
    body = read_body(entry, TCF, "`tcf`", "tcf: {consents: {health: [1, 3]}}")
    flags = flags_of(topics)
    consents, opt_outs = (_needs(reader, body, key) for key in ("consents", "opt_outs"))
    for name, (node, _) in consents.items():
        near = reader.closest(name, flags)
        if name not in flags and not reader.is_excused("topic", name, near is not None):
            hint = f"Did you mean `{near}`?" if near is not None else f"Flags are {listed(flags, 20)}."
            message = f"No sensitive topic asks for the consent flag `{short(name)}`."
            reader.error(node, "unknown-flag", message, hint)
    for name, (node, _) in opt_outs.items():
        if name not in purposes:
            reader.unknown(node, "purpose", name, purposes)
    return Tcf(
        {name: items for name, (_, items) in consents.items()},
        {name: items for name, (_, items) in opt_outs.items()},
    )


def flags_of(topics: Mapping[str, Topic]) -> list[str]:
    """The consent flags that sensitive topics ask for."""
    return sorted({topic.consent for topic in topics.values() if topic.sensitive and topic.consent})


def _needs(reader: Reader, body: Body, key: str) -> dict[str, tuple[Node, tuple[TcfItem, ...]]]:
    """The names below a key, each with its place and the items that it needs."""
    if key not in body:
        return {}
    entries = reader.mapping(body[key][1], f"`{key}`", f"{key}: {{some-name: [1, 3]}}") or {}
    return {name: (node, _items(reader, value, name)) for name, (node, value) in entries.items()}


def _items(reader: Reader, node: Node, name: str) -> tuple[TcfItem, ...]:
    found: list[TcfItem] = []
    for text, place in read_names(reader, node, f"`{name}`"):
        item = next((item for item in TCF_ITEMS if text == str(item)), None)
        if item is None:
            mend = f"Purposes are 1 to 11; beside them are `{SPECIAL_FEATURE}1` and `{SPECIAL_FEATURE}2`."
            reader.error(place, "unknown-value", f"The framework has no purpose `{short(text)}`.", mend)
        else:
            found.append(item)
    return tuple(dict.fromkeys(found))
