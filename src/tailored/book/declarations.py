"""Attributes, topics, slots and settings: what the rest of a book refers to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tailored.book.builtin import ATTRIBUTES, PURPOSES, READ_BY_THE_GUARD, SIGNALS, TOPICS
from tailored.book.collect import Entry
from tailored.book.conditions import WORDS
from tailored.book.constants import read_typed, written
from tailored.book.lexicon import tokens
from tailored.book.model import Allowance, Purpose, Setting, Slot, Topic
from tailored.book.nodes import (
    MappingNode,
    Node,
    Reader,
    SequenceNode,
    example_of,
    kind_of,
    plain_scalar,
    plain_value,
    repeated,
    short,
    words_of,
)
from tailored.book.sections import ATTRIBUTE, OTHER_WORDS, PURPOSE, SETTING, SLOT, SLOT_FINDINGS, TOPIC
from tailored.book.suggest import closest, did_you_mean, listed
from tailored.condition.tree import Attribute, Scalar
from tailored.condition.types import ELEMENT, EXAMPLE, Type

_LONGEST_NAME = 200
_LABELS = frozenset(["topic", "purpose", "not_about"])
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_FLAG = re.compile(r"(?!(?i:yes|no|on|off|none)$)[^\s.`]{1,200}")
Body = Mapping[str, tuple[Node, Node]]


def read_body(entry: Entry, keys: dict[str, str], what: str, example: str) -> Body:
    """The entries of a body by the keys that it may have; unknown ones are reported and left out."""
    body = entry.reader.mapping(entry.body, what, example)
    if body is None:
        return {}
    if body.keys() <= keys.keys():
        return body
    for name, (key, value) in body.items():
        if name not in keys:
            if isinstance(value, MappingNode) and any(word in keys for word in words_of(value)):
                hint = f"If it is a thing of its own, let it begin in the column of `{short(entry.id)}`."
            elif (meant := meant_key(name, keys)) is not None:
                hint = f"Did you mean `{meant}`?"
            else:
                hint = f"It may have {listed(keys, 20)}."
            entry.reader.error(key, "unknown-key", f"{what} has no key `{short(name)}`.", hint)
    return {name: pair for name, pair in body.items() if name in keys}


def meant_key(name: str, keys: Iterable[str]) -> str | None:
    """The key that an author most likely meant by a name that is none."""
    word = re.sub(r"[-_ ]+", " ", name).casefold()
    return next((key for key in keys if word in OTHER_WORDS.get(key, ())), None) or closest(name, keys)


def is_lacking(entry: Entry, body: Body, keys: dict[str, str], *wanted: str) -> bool:
    """Whether a body has none of the `wanted` keys, and none that may be one of them with a slip."""
    if not isinstance(entry.body, MappingNode) or any(key in body for key in wanted):
        return False
    written = set(words_of(entry.body))
    return not any(meant_key(name, keys) in wanted for name in written - keys.keys())


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
    allowed, whole = {}, body["allow"][1]
    if isinstance(whole, MappingNode) and not whole.value:
        reader.error(whole, "empty-list", "`allow` is empty.", f"Write `{example}`, or take it out.")
    for code, (key, node) in (reader.mapping(whole, "`allow`", example) or {}).items():
        if code not in findings:
            hint = did_you_mean(code, findings) or f"What can be allowed here is {listed(findings)}."
            reader.error(key, "unknown-finding", f"There is no finding `{short(code)}` to allow here.", hint)
        elif (reason := reader.text(node, f"The reason for `{code}`")) is not None:
            if _is_sentence(reason):
                allowed[code] = Allowance(reason.strip(), reader.span(key))
                continue
            said = f"`{short(reason.strip())}` is no reason" if reason.strip() else "there is no reason"
            message = f"`{code}` is allowed, and {said}: a reason is a sentence, of two words at least."
            hint = f'Say why: `allow: {{{code}: "the reason, in a sentence"}}`.'
            reader.error(node, "no-reason", message, hint)
    return allowed


def _is_sentence(text: str) -> bool:
    """Whether a text has two words at least; of a script without capitals, four letters, as it may write no
    spaces."""
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    return len(words) > 1 or sum(unicodedata.category(letter) == "Lo" for letter in text) > 3


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
    flag = _flag(reader, body, name)
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
        None if flag.casefold() == "never" else flag,
        read_text(reader, body, "description") or description,
        not (is_open and because),
        because,
        tuple(word for word, _ in words),
    )


def _flag(reader: Reader, body: Body, topic: str) -> str:
    """The name of the consent flag that opens a topic: its own unless given."""
    if "consent" not in body:
        return topic
    node = body["consent"][1]
    flag = reader.text(node, "`consent`")
    if flag is not None and not (_FLAG.fullmatch(flag) and isinstance(plain_value(plain_scalar(flag)), str)):
        message = f"`consent` names a flag of user.consents, and {kind_of(node)} is no such name."
        is_no = flag.casefold() in ("false", "no", "off", "none", "0")
        mend = f"Write `consent: {topic}`, or leave it out."
        if is_no:
            mend = "If nobody need be asked, write `sensitive: false` and say why with `because: ...`."
        reader.error(node, "wrong-kind", message, mend)
    return flag or topic


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
    is_name = bool(NAME.fullmatch(name)) and name not in WORDS and len(name) <= _LONGEST_NAME
    if not is_name:
        message = f"`{short(name)}` cannot be the name of an attribute."
        reader.error(
            entry.key,
            "bad-name",
            message,
            "Names are letters, digits and `_`, begin with a letter, and are no words of the language. "
            "If your data calls it so, give it another name and say `path:`.",
        )
    body = read_body(entry, ATTRIBUTE, "An attribute", f"{short(name)}: {{type: string}}")
    type_ = read_type(entry, body, ATTRIBUTE)
    topics, purpose, not_about = labels.read(reader, body)
    path = read_text(reader, body, "path")
    if path and not all(path.split(".")):
        reader.error(
            body["path"][1], "wrong-kind", f"`{short(path)}` is no path.", "Write it like `address.city`."
        )
    values = read_values(reader, body, type_, name)
    is_personal = read_flag(reader, body, "personal")
    description = read_text(reader, body, "description")
    if type_ is None or not is_name:
        return None
    return Attribute(
        side,
        name,
        type_,
        values,
        tuple(path.split(".")) if path else (),
        is_personal,
        topics,
        purpose,
        description,
        not_about,
    )


def read_type(entry: Entry, body: Body, keys: dict[str, str]) -> Type | None:
    """The type that a body with these keys says, or None (reported)."""
    if "type" not in body:
        if is_lacking(entry, body, keys, "type"):
            message = f"`{short(entry.key.value)}` does not say its `type`."
            entry.reader.error(entry.key, "missing-key", message, f"Types are {listed(Type)}.")
        return None
    name = entry.reader.text(body["type"][1], "`type`")
    if name is None or name in tuple(Type):
        return Type(name) if name else None
    meant = _OTHER_TYPES.get(name.casefold()) or closest(name, Type)
    hint = f"Did you mean `{meant}`?" if meant else f"Types are {listed(Type)}."
    entry.reader.error(body["type"][1], "unknown-type", f"There is no type `{short(name)}`.", hint)
    return None


_OTHER_TYPES = {
    **dict.fromkeys(("str", "text", "enum", "varchar", "char"), Type.STRING),
    **dict.fromkeys(("int", "long", "whole number"), Type.INTEGER),
    **dict.fromkeys(("float", "double", "decimal", "numeric"), Type.NUMBER),
    **dict.fromkeys(("bool", "flag", "yes/no"), Type.BOOLEAN),
    **dict.fromkeys(("time", "timestamp", "date-time", "date and time"), Type.DATETIME),
    **dict.fromkeys(("semver",), Type.VERSION),
    **dict.fromkeys(("list", "array", "strings", "string[]", "list of texts"), Type.STRINGS),
    **dict.fromkeys(("integers", "integer[]", "list of integer", "list of ints"), Type.INTEGERS),
    **dict.fromkeys(("numbers", "number[]", "list of number", "list of floats"), Type.NUMBERS),
}
"""What other languages call the types."""


def read_values(reader: Reader, body: Body, type_: Type | None, name: str) -> tuple[Scalar, ...]:
    """The values that a body declares; without a known type only their list is checked."""
    if "values" not in body:
        return ()
    node = body["values"][1]
    if not isinstance(node, SequenceNode):
        mend = f"Write `values: [{example_of(node, 'a, b')}]`."
        reader.error(node, "wrong-kind", f"`values` takes a list, not {kind_of(node)}.", mend)
        return ()
    if not node.value:
        mend = "List at least one, or take `values` out."
        reader.error(node, "empty-list", f"`{short(name)}` has an empty list of values.", mend)
    reader.warn_of_repeats(node.value)
    if type_ is None:
        return ()
    single = ELEMENT.get(type_, type_)
    values = [read_typed(reader, item, single, f"`{short(name)}`") for item in node.value]
    return tuple(value for value in values if value is not None)


def read_slots(entries: dict[str, Entry], repeated: Iterable[Entry] = ()) -> dict[str, Slot]:
    """The slots of a book. Whether their defaults exist is checked by whoever knows the content.

    `repeated` are those whose ids stand twice; where their kinds differ, it is not sure which is meant.
    """
    slots = {}
    for name, entry in entries.items():
        before = len(entry.reader.report)
        slots[name] = _slot(entry)
        if len(entry.reader.report) > before:  # of which kind it is meant to be is not sure then
            entry.reader.flaws.broken.add(("slot", name))
    for entry in repeated:
        if _slot(entry).kind != slots[entry.id].kind:
            entry.reader.flaws.broken.add(("slot", entry.id))
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
        modules = dict(read_names(reader, body["order"][1], "`order`"))
        for node in repeated(reader.items(body["order"][1])):
            message = f"`{short(node.value)}` stands in this order twice."
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
    reader.warn_of_repeats([node for _, node in defaults])
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
    type_ = read_type(entry, body, SETTING)
    values = read_values(reader, body, type_, name)
    description = read_text(reader, body, "description")
    if is_lacking(entry, body, SETTING, "default"):
        mend = "Say what it is where no rule sets it."
        reader.error(entry.key, "missing-key", f"`{short(name)}` has no `default`.", mend)
    if type_ is None or "default" not in body:
        return None
    default = read_setting_value(reader, body["default"][1], type_, values, name)
    if default is None:
        return None
    return Setting(name, type_, default, values, description, reader.span(entry.key))


def read_setting_value(
    reader: Reader, node: Node, type_: Type, values: tuple[Scalar, ...], name: str
) -> Scalar | tuple[Scalar, ...] | None:
    """The value for a setting, or None (reported)."""
    single = ELEMENT.get(type_)
    if single is not None and not isinstance(node, SequenceNode):
        mend = f"Write `[{example_of(node, EXAMPLE[single])}]`."
        reader.error(node, "wrong-type", f"`{name}` takes a list, not {kind_of(node)}.", mend)
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
