"""What a request permits: the topics it consents to, the purposes it opts out of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from tailored.book.builtin import GPC, PERSONALIZATION, is_personal
from tailored.book.model import Purpose, Topic
from tailored.condition.tree import Attribute
from tailored.condition.types import Type
from tailored.condition.values import LONGEST_LIST, TooLarge, WrongType, read_text, read_value


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the guard asks. `consents` holds the flags that are literally true or false."""

    consents: Mapping[str, bool]
    closed: frozenset[str]
    """The sensitive topics of the book without consent."""
    opt_outs: frozenset[str]
    """The purposes that the user opted out of, by name or by a signal that they honour."""
    everything: bool = False
    """Whether the request opts out of every purpose, since its opt-outs cannot be read."""
    gates: tuple[frozenset[str], frozenset[str], bool] = field(init=False, repr=False, compare=False)
    """All that gates ask: the same for requests that are told apart by the names of consents only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "gates", (self.closed, self.opt_outs, self.everything))

    def opted_out(self, purpose: str) -> bool:
        """Whether things with this purpose are asleep."""
        return self.everything or purpose in self.opt_outs

    def held_back(self, topics: Iterable[str], purpose: str | None) -> Iterator[tuple[str, str]]:
        """The labels among these that are not permitted, as ("topic" or "purpose", its id)."""
        for topic in topics:
            if topic in self.closed:
                yield ("topic", topic)
        if purpose is not None and self.opted_out(purpose):
            yield ("purpose", purpose)

    def hiding(self, attribute: Attribute) -> tuple[tuple[str, str], ...]:
        """The labels for which an attribute counts as missing: the gate at the door."""
        labels = tuple(self.held_back(attribute.topics, attribute.purpose))
        if is_personal(attribute) and self.opted_out(PERSONALIZATION):
            return (*labels, ("purpose", PERSONALIZATION))
        return labels


def read_permissions(
    consents: object,
    opt_outs: object,
    gpc: object,
    topics: Mapping[str, Topic],
    purposes: Mapping[str, Purpose],
) -> tuple[Permissions, list[str]]:
    """What `user.consents`, `user.opt_outs` and `context.gpc` permit, and the names of what cannot be read.

    It fails closed: only a literal true is consent, and opt-outs that cannot be read are out of everything.
    A `gpc` that is literally true opts out of the purposes that honour it, and is nothing else.
    """
    flags: dict[str, bool] = {}
    opted: frozenset[str] = frozenset()
    everything = False
    unreadable = []
    if consents is not None:
        try:
            flags, odd = _flags(consents, {topic.consent for topic in topics.values() if topic.sensitive})
            unreadable += [f"user.consents.{flag}" for flag in odd]
        except Exception:  # a foreign object may raise anything from its methods
            unreadable.append("user.consents")
    if opt_outs is not None:
        try:
            opted = frozenset(read_value(opt_outs, Type.STRINGS))  # type: ignore[arg-type]
        except (WrongType, TooLarge):
            everything = True
            unreadable.append("user.opt_outs")
    if gpc is True:
        opted |= {purpose.id for purpose in purposes.values() if GPC in purpose.honours}
    closed = frozenset(
        topic.id for topic in topics.values() if topic.sensitive and not flags.get(topic.consent or "")
    )
    return Permissions(flags, closed, opted, everything), unreadable


def _flags(consents: object, asked: set[str | None]) -> tuple[dict[str, bool], list[str]]:
    """The flags that are literally true or false, and those `asked` for that are something else."""
    if not isinstance(consents, Mapping) or len(consents) > LONGEST_LIST:
        raise WrongType
    flags: dict[str, bool] = {}
    odd = []
    for flag, value in islice(consents.items(), LONGEST_LIST):
        if not isinstance(flag, str):
            continue
        try:
            flag = read_text(flag)
        except (TooLarge, ValueError):  # the name of no consent: it takes no other away
            continue
        if value is True or value is False:
            flags[flag] = value
        elif value is not None and flag in asked:
            odd.append(flag)
    return flags, sorted(odd)
