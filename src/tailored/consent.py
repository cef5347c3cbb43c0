"""Consent as given elsewhere: what an IAB TCF v2 string permits, as consent flags and opt-outs of a user."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from tailored.book.consent import SPECIAL_FEATURE, TCF_ITEMS
from tailored.book.model import Tcf, TcfItem

LONGEST = 20_000
"""Characters that a consent string may have; real ones, with every vendor, have a few thousand."""

_SEGMENTS = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BEFORE_VENDORS = 213

Plain: TypeAlias = Mapping[str, Mapping[str, Sequence[TcfItem]]]


class Given(TypedDict):
    """What somebody permits, in the words of a request's `user`."""

    consents: dict[str, bool]
    opt_outs: list[str]


def from_tcf(string: object, mapping: Tcf | Plain) -> Given:
    """The consent flags and opt-outs that follow from an IAB TCF v2 string.

    `mapping` is a book's (`engine.book.tcf`), or the same as plain data: `{"consents": {"health": [1, 3]},
    "opt_outs": {"recommendations": [4]}}`. A flag is true where consent is given for everything that it
    names, a purpose is opted out of unless that is so. What is no whole TCF v2 string is no consent: every
    flag is false, every purpose is opted out of. Nothing that `string` may be raises.

    Raises ImportError where the extra `consent` is not installed, ValueError for a mapping that is none.
    """
    tcf = mapping if isinstance(mapping, Tcf) else _mapped(mapping)
    given = _given(string)

    def covers(needs: tuple[TcfItem, ...]) -> bool:
        return bool(needs) and given.issuperset(needs)

    return {
        "consents": {flag: covers(needs) for flag, needs in tcf.consents.items()},
        "opt_outs": [purpose for purpose, needs in tcf.opt_outs.items() if not covers(needs)],
    }


def add_to(user: Mapping[str, object], given: Given) -> dict[str, object]:
    """A user with what was given: the given flags replace those of the same names, the opt-outs add up."""
    consents, opt_outs = user.get("consents"), user.get("opt_outs")
    flags = {**consents, **given["consents"]} if isinstance(consents, Mapping) else dict(given["consents"])
    if opt_outs is None:
        opted: object = given["opt_outs"]
    elif isinstance(opt_outs, list | tuple):
        opted = [*opt_outs, *(purpose for purpose in given["opt_outs"] if purpose not in opt_outs)]
    else:
        opted = opt_outs  # what cannot be read opts out of everything, and must go on doing so
    return {**user, "consents": flags, "opt_outs": opted}


def _mapped(mapping: Plain) -> Tcf:
    try:
        tcf = Tcf(**{part: {name: tuple(needs) for name, needs in mapping[part].items()} for part in mapping})
    except (TypeError, AttributeError):
        raise ValueError("A mapping has `consents` and `opt_outs`, with lists of TCF purposes.") from None
    for name, needs in (*tcf.consents.items(), *tcf.opt_outs.items()):
        if not needs or any(type(item) is bool or item not in TCF_ITEMS for item in needs):
            raise ValueError(f"{name}: write TCF purposes, such as [1, 3] or ['{SPECIAL_FEATURE}1'].")
    return tcf


def _given(string: object) -> frozenset[TcfItem]:
    """The purposes and special features with consent; none where the string is no whole TCF v2 string."""
    decode = _decoder()
    if not isinstance(string, str) or len(string) > LONGEST or not _SEGMENTS.fullmatch(string):
        return frozenset()
    core, *others = string.split(".")
    if not _is_core(_bits(core)) or not _are_whole([_bits(segment) for segment in others]):
        return frozenset()
    try:
        consent = decode(core)
    except Exception:  # the decoder promises nothing about strings that are none
        return frozenset()
    purposes = {number for number, yes in consent.purposes_consent.items() if yes is True}
    features = {f"{SPECIAL_FEATURE}{n}" for n, yes in consent.special_features_optin.items() if yes is True}
    return frozenset(purposes | features)


def _decoder() -> Any:
    try:
        from iab_tcf import decode_v2
    except ImportError:
        raise ImportError(
            "Consent strings are read with the package iab-tcf: pip install 'tailored[consent]'."
        ) from None
    return decode_v2


def _bits(segment: str) -> str:
    return "".join(f"{_DIGITS.index(digit):06b}" for digit in segment)


def _is_core(bits: str) -> bool:
    """Whether a core segment is of version 2, and as long as it claims to be.

    The decoder reads bits beyond the end as set, which would make consent of a string that was cut, and
    looks for as many vendors as a string claims. The layout: IAB "Consent string and vendor list formats v2".
    """
    if bits[:6] != f"{2:06b}":
        return False
    place = _vendors_end(bits, _vendors_end(bits, _BEFORE_VENDORS))
    restrictions, place = _number(bits, place, 12), place + 12
    for _ in range(restrictions):
        place = _ranges_end(bits, place + 8)
        if place > len(bits):
            return False
    return _ends(bits, place)


def _are_whole(segments: Sequence[str]) -> bool:
    """Whether all segments behind the core are of known types, no two alike, and as long as they claim."""
    kinds = [_number(bits, 0, 3) for bits in segments]
    if len(set(kinds)) < len(kinds):
        return False
    return all(
        kind in _SEGMENT_ENDS and _ends(bits, _SEGMENT_ENDS[kind](bits))
        for kind, bits in zip(kinds, segments, strict=True)
    )


def _ends(bits: str, place: int) -> bool:
    """Whether a segment ends at a place: what follows are zeros that fill up a byte, or a group of three.

    Encoders do either. In base64url the bits behind the last whole byte belong to none.
    """
    whole = len(bits) // 8 * 8
    filled = place <= whole and len(bits) <= -(-place // 24) * 24
    return filled and len(bits) % 24 != 6 and "1" not in bits[place:]


def _number(bits: str, place: int, size: int) -> int:
    return int(bits[place : place + size] or "0", 2)


def _vendors_end(bits: str, place: int) -> int:
    """Where a list of vendors ends: a bit for each up to the highest, or ranges."""
    highest, is_ranges = _number(bits, place, 16), bits[place + 16 : place + 17] == "1"
    return _ranges_end(bits, place + 17) if is_ranges else place + 17 + highest


def _publisher_end(bits: str) -> int:
    """Where a publisher's segment ends: 24 purposes twice, and twice as many custom ones as it has."""
    return 57 + 2 * _number(bits, 51, 6)


def _ranges_end(bits: str, place: int) -> int:
    """Where a list of ranges ends: a bit, and one vendor or two."""
    ranges, place = _number(bits, place, 12), place + 12
    for _ in range(ranges):
        place += 33 if bits[place : place + 1] == "1" else 17
    return place


_DISCLOSED_VENDORS, _ALLOWED_VENDORS, _PUBLISHER = 1, 2, 3
_SEGMENT_ENDS: Mapping[int, Callable[[str], int]] = {
    _DISCLOSED_VENDORS: lambda bits: _vendors_end(bits, 3),
    _ALLOWED_VENDORS: lambda bits: _vendors_end(bits, 3),
    _PUBLISHER: _publisher_end,
}
"""From the type of a segment, its first three bits, to where it says that it ends."""
