"""Attributes, topics, slots and settings: what the rest of a book refers to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tailored.book.builtin import ATTRIBUTES, PURPOSES, READ_BY_THE_GUARD, SIGNALS, TOPICS
from tailored.book.collect import Entry
from tailored.book.conditions import WORDS
from tailored.book.constants import read_typed, written
from tailored.book.lexicon import tokens
from tailored.book.model import Allowance, Purpose, Setting, Slot, Topic
from tailored.book.nodes import Node, Reader, ScalarNode, SequenceNode, is_null, kind_of, short
from tailored.book.sections import ATTRIBUTE, PURPOSE, SETTING, SLOT, SLOT_FINDINGS, TOPIC
from tailored.book.suggest import did_you_mean, listed
from tailored.condition.tree import Attribute, Scalar
from tailored.condition.types import ELEMENT, Type

_LONGEST_NAME = 200
_LABELS = frozenset(["topic", "purpose", "not_about"])
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
Body = Mapping[str, tuple[Node, Node]]


def read_body(entry: Entry, keys: dict[str, str], what: str, example: str) -> Body:
    """The entries of a body by the keys that it may have; unknown ones are reported and left out."""
    body = entry.reader.mapping(entry.body, what, example)
    if body is None:
        return {}
    if body.keys() <= keys.keys():
        return body
    for name, (key, _) in body.items():
        if name not in keys:
            hint = did_you_mean(name, keys) or f"It may have {listed(keys, 20)}."
            entry.reader.error(key, "unknown-key", f"{what} has no key `{short(name)}`.", hint)
    return {name: pair for name, pair in body.items() if name in keys}


def read_text(reader: Reader, body: Body, key: str) -> str:
    """The text of a key, or nothing."""
    return (reader.text(body[key][1], f"`{key}`") or "") if key in body else ""


def read_flag(reader: Reader, body: Body, key: str) -> bool:
    """The flag of a key; false where it is left out."""
    return bool(reader.flag(body[key][1], f"`{key}`")) if key in body else False


def read_allow(reader: Reader, body: Body, findings: Mapping[str, str]) -> dict[str, Allowance]:
    """The findings of the prover that a body allows, each with its reason."""
    if "allow" not in body:
        return {}
    example = f'allow: {{{next(iter(findings))}: "the reason, in a sentence"}}'
    allowed = {}
    for code, (key, node) in (reader.mapping(body["allow"][1], "`allow`", example) or {}).items():
        if code not in findings:
            hint = did_you_mean(code, findings) or f"What can be allowed here is {listed(findings)}."
            reader.error(key, "unknown-finding", f"There is no finding `{short(code)}` to allow here.", hint)
        elif reason := (reader.text(node, f"The reason for `{code}`") or "").strip():
            allowed[code] = Allowance(reason, reader.span(key))
        elif isinstance(node, ScalarNode) and not is_null(node):
            message = f"`{code}` is allowed without a reason."
            reader.error(node, "no-reason", message, f"Say why: `{example}`.")
    return allowed


def read_names(reader: Reader, node: Node, what: str) -> list[tuple[str, Node]]:
    """The names that a text or a list of texts holds, each with its place; an empty list is reported."""
    items = reader.items(node)
    if not items:
        reader.error(
            node, "empty-list", f"{what} has an empty list.", "Name at least one, or leave the key out."
        )
    found = [(reader.text(item, what), item) for item in items]
    return [(name, item) for name, item in found if name is not None]


@dataclass(frozen=True, slots=True)
class Labels:
    """What labels may name: the topics and the purposes of a book."""

    topics: Mapping[str, Topic]
    purposes: Mapping[str, Purpose]

    def read(self, reader: Reader, body: Body) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
        """The topics and the purpose that a body carries, and the topics that it is not about."""
        if _LABELS.isdisjoint(body):
            return (), None, ()
        purpose = read_text(reader, body, "purpose") or None
        if purpose is not None and purpose not in self.purposes:
            reader.unknown(body["purpose"][1], "purpose", purpose, self.purposes)
        return self._topics(reader, body, "topic"), purpose, self._topics(reader, body, "not_about")

    def _topics(self, reader: Reader, body: Body, key: str) -> tuple[str, ...]:
        if key not in body:
            return ()
        found = read_names(reader, body[key][1], f"`{key}`")
        for name, node in found:
            if name not in self.topics:
                reader.unknown(node, "topic", name, self.topics)
        # an unknown label stays one: the guard must not open by a slip
        return tuple(dict.fromkeys(name for name, _ in found))


def read_topics(entries: dict[str, Entry]) -> dict[str, Topic]:
    """The topics of a book: those built in, and its own."""
    topics = {name: Topic(name, name, description) for name, description in TOPICS.items()}
    for name, entry in entries.items():
        topics[name] = _topic(entry, TOPICS.get(name, ""))
    return topics


def _topic(entry: Entry, description: str) -> Topic:
    reader, name = entry.reader, entry.id
    body = read_body(entry, TOPIC, "A topic", f"{name}: {{description: ..., consent: {name}}}")
    flag = read_text(reader, body, "consent") or name
    because = read_text(reader, body, "because")
    is_open = "sensitive" in body and reader.flag(body["sensitive"][1], "`sensitive`") is False
    if is_open and not because:
        message = f"`{name}` is called not sensitive, and nothing says why."
        mend = "Say why with `because: ...`, which the privacy report shows, or take `sensitive` out."
        reader.error(body["sensitive"][1], "insensitive-topic", message, mend)
    elif is_open and "consent" in body:
        message = f"`{name}` is called not sensitive, so nobody is asked for consent."
        reader.error(body["consent"][1], "insensitive-topic", message, "Take out `consent` or `sensitive`.")
    words = read_names(reader, body["words"][1], "`words`") if "words" in body else []
    for word, node in words:
        if not tokens(word):
            reader.error(
                node, "wrong-kind", f"`{short(word)}` has no letters.", "Write words, or take it out."
            )
    return Topic(
        name,
        None if flag == "never" else flag,
        read_text(reader, body, "description") or description,
        not (is_open and because),
        because,
        tuple(word for word, _ in words),
    )


def read_purposes(entries: dict[str, Entry]) -> dict[str, Purpose]:
    """The purposes of a book: `personalization`, and its own."""
    purposes = {name: Purpose(name, description) for name, description in PURPOSES.items()}
    for name, entry in entries.items():
        reader = entry.reader
        body = read_body(entry, PURPOSE, "A purpose", f"{name}: {{description: ..., honours: [gpc]}}")
        honours = read_names(reader, body["honours"][1], "`honours`") if "honours" in body else []
        for signal, node in honours:
            if signal not in SIGNALS:
                hint = did_you_mean(signal, SIGNALS) or f"Signals are {listed(SIGNALS)}."
                reader.error(node, "unknown-value", f"There is no signal `{short(signal)}`.", hint)
        purposes[name] = Purpose(
            name,
            read_text(reader, body, "description") or PURPOSES.get(name, ""),
            tuple(dict.fromkeys(signal for signal, _ in honours)),
        )
    return purposes


def read_attributes(entries: dict[str, Entry], labels: Labels) -> dict[str, Attribute]:
    """The attributes of a book by their whole names: those built in, and its own."""
    attributes = {attribute.key: attribute for attribute in ATTRIBUTES}
    for key, entry in entries.items():
        attribute = _attribute(key, entry, labels)
        if attribute is None:
            entry.reader.flaws.broken |= {("attribute", key), ("attribute", key.split(".", 1)[1])}
            continue
        builtin = attributes.get(key)
        if key == "user.consents" or (builtin is not None and builtin.type is not attribute.type):
            entry.reader.error(entry.key, "bad-name", f"`{key}` exists in every book.", "Leave it out here.")
        elif attribute.path and key in READ_BY_THE_GUARD:
            message = f"The guard reads `{key}`, so it is found under its own name only."
            entry.reader.error(entry.key, "bad-name", message, "Take the `path` out.")
        else:
            attributes[key] = attribute
    return attributes


def _attribute(key: str, entry: Entry, labels: Labels) -> Attribute | None:
    side, name = key.split(".", 1)
    reader = entry.reader
    if not NAME.fullmatch(name) or name in WORDS or len(name) > _LONGEST_NAME:
        message = f"`{short(name)}` cannot be the name of an attribute."
        reader.error(
            entry.key,
            "bad-name",
            message,
            "Names are letters, digits and `_`, begin with a letter, and are no words of the language. "
            "If your data calls it so, give it another name and say `path:`.",
        )
        return None
    body = read_body(entry, ATTRIBUTE, "An attribute", f"{name}: {{type: string}}")
    type_ = read_type(entry, body)
    if type_ is None:
        return None
    topics, purpose, not_about = labels.read(reader, body)
    path = read_text(reader, body, "path")
    if path and not all(path.split(".")):
        reader.error(
            body["path"][1], "wrong-kind", f"`{short(path)}` is no path.", "Write it like `address.city`."
        )
    return Attribute(
        side,
        name,
        type_,
        read_values(reader, body, type_, name),
        tuple(path.split(".")) if path else (),
        read_flag(reader, body, "personal"),
        topics,
        purpose,
        read_text(reader, body, "description"),
        not_about,
    )


def read_type(entry: Entry, body: Body) -> Type | None:
    """The type that a body says, or None (reported)."""
    if "type" not in body:
        if isinstance(entry.body.value, list):
            entry.reader.error(
                entry.key,
                "missing-key",
                f"`{entry.key.value}` does not say its `type`.",
                f"Types are {listed(Type)}.",
            )
        return None
    name = entry.reader.text(body["type"][1], "`type`")
    if name is None or name in tuple(Type):
        return Type(name) if name else None
    hint = did_you_mean(name, Type) or f"Types are {listed(Type)}."
    entry.reader.error(body["type"][1], "unknown-type", f"There is no type `{short(name)}`.", hint)
    return None


def read_values(reader: Reader, body: Body, type_: Type, name: str) -> tuple[Scalar, ...]:
    """The values that a body declares, of a type."""
    if "values" not in body:
        return ()
    node = body["values"][1]
    if not isinstance(node, SequenceNode) or not node.value:
        reader.error(
            node, "wrong-kind", f"`values` takes a list, not {kind_of(node)}.", "Write `values: [a, b]`."
        )
        return ()
    single = ELEMENT.get(type_, type_)
    values = [read_typed(reader, item, single, f"`{name}`") for item in node.value]
    return tuple(value for value in values if value is not None)


def read_slots(entries: dict[str, Entry]) -> dict[str, Slot]:
    """The slots of a book. Whether their defaults exist is checked by whoever knows the content."""
    slots = {}
    for name, entry in entries.items():
        before = len(entry.reader.report)
        slots[name] = _slot(entry)
        if len(entry.reader.report) > before:  # of which kind it is meant to be is not sure then
            entry.reader.flaws.broken.add(("slot", name))
    return slots


def _slot(entry: Entry) -> Slot:
    reader = entry.reader
    body = read_body(entry, SLOT, "A slot", f"{entry.id}: {{default: some-content}}")
    description = read_text(reader, body, "description")
    allow = read_allow(reader, body, SLOT_FINDINGS)
    if "order" in body:
        for other in ("default", "many", "fill"):
            if other in body:
                reader.error(
                    body[other][0],
                    "wrong-slot-kind",
                    f"A slot with an `order` takes no `{other}`.",
                    "Leave one out.",
                )
        modules: dict[str, Node] = {}
        for name, node in read_names(reader, body["order"][1], "`order`"):
            if modules.setdefault(name, node) is not node:
                message = f"`{short(name)}` stands in this order twice."
                reader.error(node, "duplicate-item", message, "Keep one of the two.")
        return Slot(
            entry.id,
            modules=tuple(modules),
            description=description,
            span=reader.span(entry.key),
            allow=allow,
        )
    many = _many(reader, body)
    defaults = read_names(reader, body["default"][1], "`default`") if "default" in body else []
    if many is None and "default" in body and isinstance(body["default"][1], SequenceNode):
        reader.error(
            body["default"][1], "wrong-slot-kind", "A single slot takes one default, not a list.", "Name one."
        )
    if many is None and "fill" in body:
        reader.error(
            body["fill"][0], "wrong-slot-kind", "Only a `many` slot is filled up.", "Leave `fill` out."
        )
    if many is not None and len(defaults) > many:
        reader.error(
            body["default"][1],
            "too-many-items",
            f"The default has {len(defaults)} items, and the slot takes {many}.",
            "Shorten it, or raise `many`.",
        )
    return Slot(
        entry.id,
        tuple(name for name, _ in defaults),
        many,
        read_flag(reader, body, "fill"),
        None,
        description,
        reader.span(entry.key),
        allow,
    )


def _many(reader: Reader, body: Body) -> int | None:
    if "many" not in body:
        return None
    number = read_typed(reader, body["many"][1], Type.INTEGER, "`many`")
    if isinstance(number, int) and not 1 <= number <= 1000:
        reader.error(body["many"][1], "wrong-type", "`many` is a number from 1 to 1000.", "Write `many: 6`.")
        return 1
    return int(number) if isinstance(number, int) else 1


def read_settings(entries: dict[str, Entry]) -> dict[str, Setting]:
    """The settings of a book."""
    settings = {}
    for name, entry in entries.items():
        setting = _setting(entry)
        if setting is None:
            entry.reader.flaws.broken.add(("setting", name))
        else:
            settings[name] = setting
    return settings


def _setting(entry: Entry) -> Setting | None:
    reader, name = entry.reader, entry.id
    body = read_body(entry, SETTING, "A setting", f"{name}: {{type: string, default: a}}")
    type_ = read_type(entry, body)
    if type_ is None:
        return None
    values = read_values(reader, body, type_, name)
    if "default" not in body:
        mend = "Say what it is where no rule sets it."
        reader.error(entry.key, "missing-key", f"`{name}` has no `default`.", mend)
        return None
    default = read_setting_value(reader, body["default"][1], type_, values, name)
    if default is None:
        return None
    return Setting(name, type_, default, values, read_text(reader, body, "description"))


def read_setting_value(
    reader: Reader, node: Node, type_: Type, values: tuple[Scalar, ...], name: str
) -> Scalar | tuple[Scalar, ...] | None:
    """The value for a setting, or None (reported)."""
    single = ELEMENT.get(type_)
    if single is not None and not isinstance(node, SequenceNode):
        reader.error(node, "wrong-type", f"`{name}` takes a list, not {kind_of(node)}.", "Write `[a, b]`.")
        return None
    items = node.value if single is not None else [node]
    read = [read_typed(reader, item, single or type_, f"`{name}`") for item in items]
    for item, value in zip(items, read, strict=True):
        if value is not None and values and value not in values:
            names = [written(known) for known in values]
            reader.error(
                item,
                "unknown-value",
                f"`{short(written(value))}` is not one of the values of `{name}`. They are {listed(names)}.",
                reader.did_you_mean(written(value), names),
            )
            return None
    found = tuple(value for value in read if value is not None)
    if len(found) < len(read):
        return None
    return found if single is not None else found[0]
