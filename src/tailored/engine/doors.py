"""The door of a book: what each set of permissions lets through of it, worked out once for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from tailored.book.model import Purpose, Topic
from tailored.condition.tree import Attribute
from tailored.guard.permissions import Permissions, read_permissions

MOST_DOORS = 1024
"""Sets of permissions that are remembered."""
MOST_SAID, LONGEST_SAID = 32, 500
"""Consents and opt-outs of a request that is remembered, and the letters of all their names."""
NOTHING: Any = object()
"""A name that no request has."""


class Side:
    """How to get the attributes of the user, or of the context, out of a request."""

    __slots__ = ("at_once", "enough", "first", "names", "rest")

    def __init__(self, names: tuple[Any, ...]) -> None:
        self.names = names
        """The names under which attributes are read; for those hidden, one that nothing has."""
        self.first: Any = names[0] if names else NOTHING
        """That of what every book has, the id of the user or the request; many requests leave it out."""
        self.rest = rest = names[1:]
        is_whole = len(rest) > 1 and NOTHING not in rest
        self.at_once: Callable[[Any], tuple[Any, ...]] = (
            itemgetter(*rest) if is_whole else itemgetter(NOTHING)
        )
        """Gets the rest from a dictionary that has them, in less than half the time. Raises KeyError."""
        self.enough = len(rest) if is_whole else sys.maxsize
        """The entries of a dictionary from which on it may have all of them."""


@dataclass(frozen=True, slots=True)
class Door:
    """What one set of permissions lets through of a book."""

    permissions: Permissions
    user: Side
    context: Side
    nested: tuple[tuple[Any, ...], ...]
    """The paths of attributes that lie deeper."""
    own: tuple[bool, ...]
    """Whether what the guard itself reads, opt-outs and the signal, is shown to conditions, too."""
    clauses: int
    """The clauses that no label of a segment closes."""
    kept_back: int
    """The clauses of rules that a label, of their own or of their content, keeps back."""


class Doors:
    """The doors of a book. Threads may share them."""

    def __init__(
        self,
        topics: Mapping[str, Topic],
        purposes: Mapping[str, Purpose],
        attributes: Sequence[Sequence[Attribute]],
        clauses: Callable[[Permissions], int],
        kept_back: Callable[[Permissions], int] | None,
    ) -> None:
        """`attributes` are those of the user, of the context, those deeper, and the guard's own.

        `clauses` and `kept_back` tell of clauses what permissions let through, and what they keep back.
        """
        self._topics, self._purposes = topics, purposes
        self._attributes, self._clauses, self._kept_back = attributes, clauses, kept_back
        self._known: dict[Any, Door] = {}
        self._plainly: dict[Any, Door] = {}
        """The doors of requests that say plainly what they permit, by how they say it."""
        self.plain = self.read(None, None, None)[0]
        """The door of a request that says nothing of permissions."""

    def of(self, consents: object, opt_outs: object, gpc: object) -> Door | None:
        """The door of a request; None where something that it says of permissions is odd."""
        said = _plainly(consents, opt_outs, gpc)
        door = self._plainly.get(said)
        if door is None:
            door, unreadable = self.read(consents, opt_outs, gpc)
            if unreadable or not door.permissions.opt_outs <= self._purposes.keys():
                return None
            if said is not None and len(self._plainly) < MOST_DOORS:
                self._plainly[said] = door
        return door

    def read(self, consents: object, opt_outs: object, gpc: object) -> tuple[Door, list[str]]:
        """The door of any request, and the names of what it says and cannot be read."""
        permissions, unreadable = read_permissions(consents, opt_outs, gpc, self._topics, self._purposes)
        opted_out = permissions.opt_outs.intersection(self._purposes)
        known = permissions.closed, opted_out, permissions.everything  # whatever else it names
        door = self._known.get(known)
        if door is None:
            door = self._made(permissions)
            if len(self._known) < MOST_DOORS:
                self._known[known] = door
        if door.permissions != permissions:
            door = replace(door, permissions=permissions)
        return door, unreadable

    def _made(self, permissions: Permissions) -> Door:
        user, context, nested = (
            tuple((NOTHING,) if permissions.hiding(attribute) else _interned(attribute) for attribute in side)
            for side in self._attributes[:3]
        )
        own = tuple(not permissions.hiding(attribute) for attribute in self._attributes[3])
        own = (own[0] and not permissions.everything, own[1])
        return Door(
            permissions,
            Side(tuple(name for (name,) in user)),
            Side(tuple(name for (name,) in context)),
            nested,
            own,
            self._clauses(permissions),
            self._kept_back(permissions) if self._kept_back else 0,
        )


def _interned(attribute: Attribute) -> tuple[Any, ...]:
    """Where an attribute lies, by names that are found sooner in dictionaries of literals."""
    return tuple(sys.intern(name) for name in attribute.path or (attribute.name,))


def _plainly(consents: object, opt_outs: object, gpc: object) -> tuple[object, ...] | None:
    """What a request says of what it permits, as a key; None where it says it in an unusual way."""
    flags: Any = {} if consents is None else consents
    outs: Any = [] if opt_outs is None else opt_outs
    if flags.__class__ is not dict or outs.__class__ is not list or len(flags) + len(outs) > MOST_SAID:
        return None
    names = [*flags, *outs]
    if not {*map(type, names)} <= {str} or not {*map(type, flags.values())} <= {bool}:
        return None
    if sum(map(len, names)) > LONGEST_SAID:
        return None
    return tuple(flags.items()), tuple(outs), gpc is True
