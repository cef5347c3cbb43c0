"""Guarantees: what must hold for every request. The prover proves them; no decision reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tailored.book import builtin
from tailored.book.collect import Entry
from tailored.book.conditions import Names, read_condition
from tailored.book.declarations import read_allow, read_body, read_names, read_setting_value, read_text
from tailored.book.model import Claim, Guarantee, RuleBook, Slot
from tailored.book.nodes import MappingNode, Node, Reader, SequenceNode, short
from tailored.book.rules import A_SLOT, known_content
from tailored.book.sections import CLAIM, GUARANTEE, GUARANTEE_FINDINGS
from tailored.book.suggest import did_you_mean, listed
from tailored.condition.tree import ALWAYS
from tailored.condition.types import ELEMENT


def read_guarantees(entries: Mapping[str, Entry], book: RuleBook, names: Names) -> dict[str, Guarantee]:
    """The guarantees of a book. What is wrong is reported, and left out of them."""
    reader = _GuaranteeReader(book, names)
    return {name: reader.read(entry) for name, entry in entries.items()}


@dataclass(frozen=True, slots=True)
class _GuaranteeReader:
    """Reads guarantees against everything else in the book."""

    book: RuleBook
    names: Names

    def read(self, entry: Entry) -> Guarantee:
        reader, name = entry.reader, entry.id
        before = len(reader.report)
        if name == builtin.GUARANTEE:
            message = f"`{name}` is proven for every book, without being written down."
            reader.error(entry.key, "duplicate-id", message, "Give yours another id, or take it out.")
        example = f"{name}: {{when: {{page: checkout}}, never: {{show: hero}}}}"
        body = read_body(entry, GUARANTEE, "A guarantee", example)
        if "never" not in body and "always" not in body and len(reader.report) == before:
            message = f"`{name}` guarantees nothing."
            reader.error(entry.key, "missing-key", message, "Give it `never` or `always`.")
        return Guarantee(
            name,
            reader.span(entry.key),
            read_condition(reader, body["when"][1], self.names) if "when" in body else ALWAYS,
            tuple(self._claims(reader, "never", body["never"][1])) if "never" in body else (),
            tuple(self._claims(reader, "always", body["always"][1])) if "always" in body else (),
            read_text(reader, body, "description"),
            read_text(reader, body, "owner"),
            read_allow(reader, body, GUARANTEE_FINDINGS),
        )

    def _claims(self, reader: Reader, word: str, node: Node) -> Iterator[Claim]:
        found = reader.mapping(node, f"`{word}`", f"{word}: {{show: hero}}") or {}
        if isinstance(node, MappingNode) and not node.value:
            reader.error(node, "empty-list", f"`{word}` is empty.", f"It takes {listed(CLAIM)}.")
        for kind, (key, value) in found.items():
            if kind not in CLAIM:
                hint = did_you_mean(kind, CLAIM) or f"It takes {listed(CLAIM)}."
                reader.error(key, "unknown-key", f"`{word}` has no key `{short(kind)}`.", hint)
            elif isinstance(value, MappingNode) and not value.value:
                mend = f"Say of what: `{kind}: {_EXAMPLES.get(kind, 'hero')}`."
                reader.error(value, "empty-list", f"`{kind}` is empty.", mend)
            elif kind == "show content tagged":
                yield from self._tagged(reader, value)
            elif kind == "show" and isinstance(value, MappingNode):
                yield from self._holding(reader, value)
            elif kind in ("show", "hide"):
                for name, item in read_names(reader, value, f"`{kind}`"):
                    if self._slot(reader, item, name, kind, ("single", "many")) is not None:
                        yield Claim(kind, name)
            else:
                read = self._settings if kind == "set" else self._orders
                yield from read(reader, value)

    def _holding(self, reader: Reader, node: Node) -> Iterator[Claim]:
        """`show: {hero: [a, b]}`: the slot holds one of these."""
        for slot, (key, value) in (reader.mapping(node, "`show`", "show: {hero: socks}") or {}).items():
            if self._slot(reader, key, slot, "show", ("single", "many")) is None:
                continue
            named = read_names(reader, value, f"`{slot}`")
            known = [name for name, item in named if known_content(reader, item, name, self.book.content)]
            yield Claim("show", slot, tuple(known))

    def _tagged(self, reader: Reader, node: Node) -> Iterator[Claim]:
        tags = {tag for item in self.book.content.values() for tag in item.tags}
        named = read_names(reader, node, "`show content tagged`")
        for tag, item in named:
            if tag not in tags:
                hint = did_you_mean(tag, tags) or "Write `tags: [...]` in the content that it is about."
                reader.warn(item, "unknown-tag", f"No content is tagged `{short(tag)}`.", hint)
        if named:
            yield Claim("show content tagged", "", tuple(tag for tag, _ in named))

    def _settings(self, reader: Reader, node: Node) -> Iterator[Claim]:
        for name, (key, value) in (reader.mapping(node, "`set`", "set: {some-setting: a}") or {}).items():
            setting = self.book.settings.get(name)
            if setting is None:
                hint = (
                    f"`{name}` is a slot: use `show`, `hide` or `order`." if name in self.book.slots else ""
                )
                reader.unknown(key, "setting", name, [] if hint else self.book.settings, hint)
                continue
            several = setting.type not in ELEMENT and isinstance(value, SequenceNode)
            items = value.value if several else [value]
            if not items:
                reader.error(value, "empty-list", f"`{name}` has an empty list.", "Name at least one value.")
            read = [read_setting_value(reader, one, setting.type, setting.values, name) for one in items]
            yield Claim("set", name, tuple(one for one in read if one is not None))

    def _orders(self, reader: Reader, node: Node) -> Iterator[Claim]:
        """`order: {modules: [a, b]}`: these come first, in this order."""
        for name, (key, value) in (reader.mapping(node, "`order`", "order: {modules: a}") or {}).items():
            slot = self._slot(reader, key, name, "order", ("order",))
            if slot is None:
                continue
            named = read_names(reader, value, f"`{name}`")
            for module, item in named:
                if module not in (slot.modules or ()):
                    hint = reader.did_you_mean(module, slot.modules or ())
                    hint = hint or f"Its modules are {listed(slot.modules or (), 20)}."
                    message = f"`{name}` has no module `{short(module)}`."
                    reader.error(item, "unknown-module", message, hint)
            yield Claim("order", name, tuple(dict.fromkeys(module for module, _ in named)))

    def _slot(self, reader: Reader, node: Node, name: str, word: str, kinds: tuple[str, ...]) -> Slot | None:
        slot = self.book.slots.get(name)
        if slot is None:
            hint = f"`{name}` is a setting: use `set`." if name in self.book.settings else ""
            reader.unknown(node, "slot", name, [] if hint else self.book.slots, hint)
        elif slot.kind not in kinds and ("slot", name) not in reader.flaws.broken:
            mend = "Say what comes first with `order`." if slot.kind == "order" else "Use `show` for it."
            message = f"`{word}` says nothing about `{name}`, {A_SLOT[slot.kind]}."
            reader.error(node, "wrong-slot-kind", message, mend)
            return None
        return slot


_EXAMPLES = {"show": "{hero: some-content}", "set": "{some-setting: a}", "order": "{modules: a}"}
"""What stands behind a word that takes a mapping."""
