"""What tests expect: pieces of what a slot or a setting gets, each held to what it could be at all."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tailored.book.contrary import contrary
from tailored.book.declarations import read_names, read_setting_value
from tailored.book.model import Expectation, RuleBook, Setting, Slot
from tailored.book.nodes import (
    MappingNode,
    Node,
    Reader,
    ScalarNode,
    SequenceNode,
    is_null,
    plain_value,
    short,
)
from tailored.book.placeable import Placeable
from tailored.book.rules import A_SLOT
from tailored.book.sections import EXPECT
from tailored.book.suggest import did_you_mean, listed

PIECES = {
    "single": ("content", "fields", "without", "hidden", "default", "rule"),
    "many": ("items", "first", "without", "hidden", "default", "rule"),
    "order": ("order", "first", "default", "rule"),
    "setting": ("value", "default", "rule"),
}
"""The pieces that may be expected of each kind of slot, and of settings; the first has a short form."""


@dataclass(frozen=True, slots=True)
class ExpectationReader:
    """Reads what is expected of the slots and settings of a book. `rules` are the ids of its rules."""

    book: RuleBook
    rules: Container[str]
    _placeable: dict[str, Placeable] = field(default_factory=dict)
    _told: list[Expectation] = field(default_factory=list)

    def placeable(self, target: str) -> Placeable:
        """What can be placed in a slot."""
        return self._placeable.setdefault(target, Placeable(self.book, target))

    def check(self, reader: Reader, expected: Iterable[Expectation]) -> None:
        """Reports what one test expects of a slot or a setting that cannot be beside the rest."""
        of: dict[str, list[Expectation]] = {}
        for one in expected:
            of.setdefault(one.target, []).append(one)
        for target, pieces in of.items():
            if len(pieces) > 1:
                for one, message, mend in contrary(target, pieces):
                    if one not in self._told:
                        self._told.append(one)
                        reader.error(one.span, "wrong-expectation", message, mend)

    def kind(self, target: str) -> str | None:
        """The kind of a slot, or `setting`; None where the book has neither."""
        slot = self.book.slots.get(target)
        return slot.kind if slot else "setting" if target in self.book.settings else None

    def read(self, reader: Reader, target: str, key: Node, node: Node) -> Iterator[Expectation]:
        """What a node expects of a slot or a setting; nothing (reported) where that cannot be."""
        kind = self.kind(target)
        if kind is None:
            self._unknown(reader, target, key)
            return
        if kind != "setting" and ("slot", target) in reader.flaws.broken:
            return  # of which kind it is, nobody knows
        if isinstance(node, MappingNode):
            pieces = reader.entries(node) if reader.untagged(node) else {}
            if not node.value:
                mend = f"It may say {listed(PIECES[kind])}."
                reader.error(node, "empty-list", f"Nothing is expected of `{target}`.", mend)
            yield from self._pieces(reader, target, kind, pieces)
        else:
            yield from self._piece(reader, target, PIECES[kind][0], node, short_form=True)

    def _unknown(self, reader: Reader, target: str, key: Node) -> None:
        every = [*self.book.slots, *self.book.settings]
        near = reader.closest(target, every)
        if not any(reader.is_excused(kind, target, near is not None) for kind in ("slot", "setting")):
            hint = f"Did you mean `{near}`?" if near else f"There are {listed(every, 20)}."
            reader.error(key, "unknown-slot", f"There is no slot or setting `{short(target)}`.", hint)

    def _pieces(
        self, reader: Reader, target: str, kind: str, pieces: Mapping[str, tuple[ScalarNode, Node]]
    ) -> Iterator[Expectation]:
        found: list[Expectation] = []
        for piece, (key, node) in pieces.items():
            if piece in PIECES[kind]:
                found += self._piece(reader, target, piece, node)
            elif piece in EXPECT:
                message = f"`{piece}` is not for `{target}`, {_a(kind)}."
                reader.error(key, "wrong-expectation", message, f"It may say {', '.join(PIECES[kind])}.")
            else:
                hint = did_you_mean(piece, PIECES[kind]) or f"It may say {listed(PIECES[kind])}."
                message = f"Nothing called `{short(piece)}` can be expected of `{target}`, {_a(kind)}."
                reader.error(key, "unknown-key", message, hint)
        yield from found

    def _piece(
        self, reader: Reader, target: str, piece: str, node: Node, *, short_form: bool = False
    ) -> Iterator[Expectation]:
        before = len(reader.report)
        value = _READ[piece](self, reader, target, node)
        if len(reader.report) == before:
            yield Expectation(target, piece, value, reader.span(node))
        elif short_form and isinstance(node, ScalarNode) and node.value in ("hidden", "default"):
            last = reader.report.pop()
            message = f"{last.message} If you mean whether it is {node.value}, say so."
            mend = f"Write `{target}: {{{node.value}: true}}`."
            reader.error(node, last.code, message, mend)
        elif (
            piece in _NOTHING and isinstance(node, ScalarNode) and node.value in ("nothing", "none", "empty")
        ):
            last = reader.report.pop()
            mend = f"If you mean that nothing is in it, write `{target}: {{{piece}: {_NOTHING[piece]}}}`."
            reader.error(node, last.code, last.message, mend)

    def _content(self, reader: Reader, target: str, node: Node) -> object:
        if is_null(node):
            return None
        if isinstance(node, SequenceNode):
            message = f"`{target}` holds one content item, not a list."
            reader.error(node, "wrong-expectation", message, f"Write `{target}: some-content`.")
            return None
        name = reader.text(node, f"`{target}`")
        if name is not None:
            self._known(reader, target, node, name)
        return name

    def _known(self, reader: Reader, target: str, node: Node, name: str) -> None:
        """Reports what is neither content nor an item of a catalog that a rule shows in this slot."""
        placeable = self.placeable(target)
        every = [*self.book.content, *placeable.items]
        if name not in every and placeable.is_told:
            hint = f"`{target}` may hold {listed(every)}." if placeable.items else ""
            called = "content and no item" if placeable.items else ""
            reader.unknown(node, "content", name, every, hint, called=called)

    def _contents(self, reader: Reader, target: str, node: Node) -> object:
        named = (
            []
            if isinstance(node, SequenceNode) and not node.value
            else read_names(reader, node, f"`{target}`")
        )
        slot = self.book.slots[target]
        for name, item in named:
            self._known(reader, target, item, name)
        self._check_list(reader, target, named, node, slot.many or 1)
        return tuple(name for name, _ in named)

    def _without(self, reader: Reader, target: str, node: Node) -> object:
        named = read_names(reader, node, "`without`")
        for name, item in named:
            self._known(reader, target, item, name)
        return tuple(name for name, _ in named)

    def _first(self, reader: Reader, target: str, node: Node) -> object:
        slot = self.book.slots[target]
        if isinstance(node, SequenceNode) and not node.value:
            reader.error(node, "empty-list", "`first` has an empty list.", "Name what must come first.")
            return ()
        if slot.kind == "many":
            return self._contents(reader, target, node)
        return tuple(name for name, _ in self._modules(reader, slot, node))

    def _order(self, reader: Reader, target: str, node: Node) -> object:
        slot = self.book.slots[target]
        before = len(reader.report)
        named = self._modules(reader, slot, node)
        left = [name for name in slot.modules or () if name not in [one for one, _ in named]]
        if left and len(reader.report) == before:
            verb = "is" if len(left) == 1 else "are"
            message = f"`order` names every module of `{target}`, and {listed(left)} {verb} missing here."
            mend = f"Write `{target}: {{first: [...]}}` for those that come first."
            reader.error(node, "wrong-expectation", message, mend)
        return tuple(name for name, _ in named)

    def _modules(self, reader: Reader, slot: Slot, node: Node) -> list[tuple[str, Node]]:
        modules = slot.modules or ()
        named = read_names(reader, node, f"`{slot.id}`")
        for name, item in named:
            if name not in modules:
                hint = reader.did_you_mean(name, modules) or f"Its modules are {listed(modules, 20)}."
                message = f"`{slot.id}` has no module `{short(name)}`."
                reader.error(item, "unknown-module", message, hint)
        self._check_list(reader, slot.id, named, node, len(modules))
        return named

    def _check_list(
        self, reader: Reader, target: str, named: list[tuple[str, Node]], node: Node, most: int
    ) -> None:
        seen: set[str] = set()
        for name, item in named:
            if name in seen:
                message = f"`{short(name)}` stands here twice, and no slot holds a thing twice."
                reader.error(item, "duplicate-item", message, "Keep one of the two.")
            seen.add(name)
        if len(seen) > most:
            message = f"`{target}` takes {most} items, and here are {len(seen)}."
            reader.error(node, "too-many-items", message, "Shorten the list, or raise the slot's `many`.")

    def _fields(self, reader: Reader, target: str, node: Node) -> object:
        fields = reader.mapping(node, "`fields`", "fields: {title: Welcome}") or {}
        if isinstance(node, MappingNode) and not node.value:
            mend = "Name at least one: `fields: {title: Welcome}`."
            reader.error(node, "empty-list", "`fields` is empty.", mend)
        known = self.placeable(target).fields
        is_told = all(kind != "content" for kind, _ in reader.flaws.broken)
        for name, (key, _) in fields.items():
            hint = reader.did_you_mean(name, known)
            if name not in known and (hint or is_told):
                mend = hint or f"Fields are {listed([*known], 20)}."
                reader.error(key, "wrong-expectation", f"Nothing has a field `{short(name)}`.", mend)
        return {name: _plain(reader, value) for name, (_, value) in fields.items()}

    def _flag(self, reader: Reader, target: str, node: Node) -> object:
        return reader.flag(node, f"What is expected of `{target}`")

    def _rule(self, reader: Reader, target: str, node: Node) -> object:
        name = reader.text(node, "`rule`")
        if name is None:
            return None
        if name not in self.rules:
            ids = [rule.id for rule in self.book.rules]
            reader.unknown(node, "rule", name, ids)
            return name
        rule = next((rule for rule in self.book.rules if rule.id == name), None)
        touching = [
            one.id
            for one in self.book.rules
            if target in {*one.show, *one.rank, *one.hide, *one.order, *one.set}
        ]
        if rule and name not in touching:
            hint = f"Rules that do are {listed(touching)}." if touching else "No rule does."
            message = f"The rule `{name}` has nothing to do with `{target}`."
            reader.error(node, "wrong-expectation", message, hint)
        return name

    def _value(self, reader: Reader, target: str, node: Node) -> object:
        setting: Setting = self.book.settings[target]
        return read_setting_value(reader, node, setting.type, setting.values, target)


def _a(kind: str) -> str:
    return A_SLOT.get(kind, "a setting")


def _plain(reader: Reader, node: Node) -> object:
    """The plain data that a node writes."""
    if not reader.untagged(node):
        return None
    if isinstance(node, MappingNode):
        return {name: _plain(reader, value) for name, (_, value) in reader.entries(node).items()}
    if isinstance(node, SequenceNode):
        return [_plain(reader, item) for item in node.value]
    assert isinstance(node, ScalarNode)
    return plain_value(node)


_NOTHING = {"content": "null", "items": "[]"}
"""How it is written that nothing is in a slot."""

_READ: dict[str, Callable[[ExpectationReader, Reader, str, Node], object]] = {
    "content": ExpectationReader._content,
    "items": ExpectationReader._contents,
    "first": ExpectationReader._first,
    "without": ExpectationReader._without,
    "order": ExpectationReader._order,
    "fields": ExpectationReader._fields,
    "hidden": ExpectationReader._flag,
    "default": ExpectationReader._flag,
    "rule": ExpectationReader._rule,
    "value": ExpectationReader._value,
}
"""From a piece to what reads what it must be."""
