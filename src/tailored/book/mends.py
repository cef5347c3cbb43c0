"""What people write out of habit where the language has another way, and how it is written here."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from math import ceil, floor

from tailored.condition.tree import Op
from tailored.condition.types import Type, parse_date, parse_datetime, parse_version

_OTHER_WORDS: dict[tuple[Op, ...], str] = {
    (Op.IS, Op.CONTAINS): "=|==|===|eq|equal|equals|equal to|equals to|is equal to|only",
    (Op.IS_NOT, Op.CONTAINS_NONE): "!=|!==|<>|ne|neq|not|isnt|not equal|not equals|not equal to|"
    "is not equal to",
    (Op.ONE_OF, Op.CONTAINS_ANY): "in|among|any of|is in|is one of|either|one",
    (Op.NONE_OF, Op.CONTAINS_NONE): "nin|not in|not one of|is not in|is none of|not any of|neither",
    (Op.AT_LEAST, Op.AFTER): ">=|=>|≥|gte|ge|min|minimum|greater than or equal|greater than or equal to|"
    "greater or equal|more than or equal|from|on or after",
    (Op.MORE_THAN, Op.AFTER): ">|gt|above|over|exceeds|greater|bigger|greater than|bigger than|higher than|"
    "larger than|later than|since",
    (Op.AT_MOST, Op.BEFORE): "<=|=<|≤|lte|le|max|maximum|less than or equal|less than or equal to|"
    "less or equal|up to|on or before",
    (Op.LESS_THAN, Op.BEFORE): "<|lt|below|under|less|smaller|smaller than|fewer than|lower than|"
    "earlier than|until",
    (Op.LIKE, Op.CONTAINS): "regex|regexp|match|matches|matches regex|pattern|=~|~|glob|wildcard",
    (Op.KNOWN,): "exists|exist|present|defined|set|isset|is known|is set|is present|has value|missing|"
    "is missing|null|is null|unknown|empty|is empty",
    (Op.CONTAINS,): "includes|include|contain|has|have",
    (Op.CONTAINS_ANY, Op.ONE_OF): "any|overlaps|intersects|has any|includes any|contains any of|"
    "contains one of",
    (Op.CONTAINS_ALL,): "all|has all|includes all|contains all of|all of|superset of",
    (Op.CONTAINS_NONE,): "excludes|has none|contains none of|not contains|does not contain|contains not",
    (Op.STARTS_WITH,): "startswith|prefix|begins|begins with|start with|starts",
    (Op.ENDS_WITH,): "endswith|suffix|end with|ends",
    (Op.BETWEEN,): "range|within|in range|in between",
    (Op.AFTER, Op.MORE_THAN): "",
    (Op.BEFORE, Op.LESS_THAN): "",
    (Op.IN_THE_LAST,): "last|in last|within last|within the last|newer than|in the past",
    (Op.NOT_IN_THE_LAST,): "ago|not in last|not within the last|older than|longer ago than|more than ago",
    (Op.SIZE,): "length|len|count|number",
}
"""What other languages call an operator; where the first is not for a type, the second is meant."""

_MEANT = {
    word: ops for ops, words in _OTHER_WORDS.items() for word in (str(ops[0]), *words.split("|")) if word
}


def meant_operator(word: str, allowed: Container[str]) -> str | None:
    """The operator that is meant by a word that is none, or none for this type; None where nobody knows."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[-_]+", " ", word).casefold()
    name = " ".join(spaced.split())
    if name in allowed:
        return name
    return next((str(op) for op in _MEANT.get(name, ()) if str(op) in allowed), None)


_COMPARISON = re.compile(r"(>=|=>|≥|<=|=<|≤|!==?|<>|===?|=|>|<)\s*(\S.*)")
_RANGE = re.compile(r"(\S+?)\s*(?:-|–|—|\.\.\.?|…| to | bis )\s*(\S+)")
_UPWARDS = re.compile(r"(\d[\d.]*)\s*(?:\+|plus|and up|or more)")
_SPAN_AGO = re.compile(r"(\d+ (?:minute|hour|day|week)s?)(?: ago)?")


def mended_comparison(text: str, type_: Type, allowed: Container[str]) -> str:
    """The mend for a comparison in signs: `>= 3` is `{at least: 3}`; empty where it is none."""
    if match := _COMPARISON.fullmatch(text.strip()):
        operator = meant_operator(match.group(1), allowed)
        value = match.group(2).strip("\"' ")
        if operator is not None and _is(value, type_):
            return f"Write `{{{operator}: {value}}}`."
    if str(Op.AT_LEAST) in allowed and (match := _UPWARDS.fullmatch(text)) and _is(match.group(1), type_):
        return f"Write `{{at least: {match.group(1)}}}`."
    if str(Op.IN_THE_LAST) in allowed and (match := _SPAN_AGO.fullmatch(text)):
        return f"Write `{{in the last: {match.group(1)}}}`."
    if str(Op.BETWEEN) in allowed and (match := _RANGE.fullmatch(text)):
        low, high = match.groups()
        if _is(low, type_) and _is(high, type_):
            return f"Write `{{between: [{low}, {high}]}}`."
    return ""


def _is(text: str, type_: Type) -> bool:
    """Whether a text writes a value of a type."""
    if type_ is Type.INTEGER:
        return re.fullmatch(r"-?\d+", text) is not None
    if type_ is Type.NUMBER:
        return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
    parse = {Type.DATE: parse_date, Type.DATETIME: _parse_time, Type.VERSION: parse_version}.get(type_)
    return parse is None or parse(text) is not None


def _parse_time(text: str) -> object:
    return parse_date(text) or parse_datetime(text)


def mended_value(text: str, type_: Type) -> str:
    """The mend for a value as it is written elsewhere: `1,5` is `1.5`; empty where none is known."""
    mend = _MENDED.get(type_)
    return mend(text.strip()) if mend is not None and len(text) <= 60 else ""


_MONEY = re.compile(r"(?:[€$£]|EUR|USD)?\s*(-?\d+(?:[.,]\d+)?)\s*(?:[€$£%]|EUR|USD|percent)?")
_GROUPED = re.compile(r"-?\d{1,3}(?:([ _',.])\d{3})(?:\1\d{3})*(?:[.,]\d+)?")


def _number(text: str) -> str:
    if match := _GROUPED.fullmatch(text):
        sign = match.group(1)
        last = text.rfind("." if sign == "," else ",")
        whole, rest = (text[:last], "." + text[last + 1 :]) if last > text.rfind(sign) else (text, "")
        plain = re.sub(r"[^\d-]", "", whole) + rest
        if sign == "," and not rest and text.count(",") == 1:
            return f"Write `{plain}`, or `{text.replace(',', '.')}`, as you mean it."
        return f"Write `{plain}`."
    if match := _MONEY.fullmatch(text):
        number = match.group(1).replace(",", ".")
        return f"Write `{number}`." if match.group(1) == text else f"Write the number alone: `{number}`."
    return ""


def _integer(text: str) -> str:
    """As for a number, but a fraction is between two whole ones."""
    mend = _number(text)
    if (first := re.search("`(.+?)`", mend)) is None:
        return mend
    number = float(first.group(1))
    if number.is_integer():
        return f"Write `{first.group(1)}`." if "`, or `" in mend else mend
    return f"Write it like `{floor(number)}` or `{ceil(number)}`."


_PARTS = re.compile(r"(\d{1,4})\s*([./-])\s*(\d{1,2})\s*\2\s*(\d{1,4})")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAMED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?\.?\s+)?([A-Za-z]{3})[a-z]*\.?(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?,?\s+(\d{4})"
)


def _date(text: str) -> str:
    days = _days(text)
    if days:
        return f"Write `{'` or `'.join(days)}`, the year first."
    if parse_datetime(text) is not None:
        return f"Write the day alone: `{text[:10]}`."
    return _no_such_day(text)


def _datetime(text: str) -> str:
    if days := _days(text):
        return f"Write `{'` or `'.join(days)}`, the year first."
    day, _, clock = text.replace("T", " ").partition(" ")
    if clock and (match := re.fullmatch(r"(\d):(\d\d)(.*)", clock.strip())):
        mended = f"{day}T0{match.group(1)}:{match.group(2)}{match.group(3)}"
        if parse_datetime(mended) is not None:
            return f"Write `{mended}`."
    if clock and (days := _days(day)) and parse_datetime(f"{days[0]}T{clock}") is not None:
        return f"Write `{'` or `'.join(f'{one}T{clock}' for one in days)}`, the year first."
    return _no_such_day(day)


def _no_such_day(text: str) -> str:
    is_date = re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None and parse_date(text) is None
    return "There is no such day." if is_date else ""


def _days(text: str) -> list[str]:
    """The days that a text may name in another order, as ISO 8601 dates."""
    if match := _NAMED.fullmatch(text):
        before, month, after, year = match.groups()
        if month.casefold() not in _MONTHS or not (before or after):
            return []
        orders = [(year, _MONTHS.index(month.casefold()) + 1, before or after)]
    elif match := _PARTS.fullmatch(text):
        first, sign, second, third = match.groups()
        if len(first) == 4:
            orders = [(first, int(second), third)]
        elif len(third) == 4:
            orders = [(third, int(second), first)]
            if sign == "/" and first != second:
                orders.append((third, int(first), second))
        else:
            return []
    else:
        return []
    found = [f"{year}-{month:02}-{int(day):02}" for year, month, day in orders]
    return [day for day in found if parse_date(day) is not None]


def _version(text: str) -> str:
    if text[:1] in ("v", "V") and parse_version(text[1:]) is not None:
        return f"Write `{text[1:]}`."
    if re.fullmatch(r"\d+(\.\d+){3,}", text):
        return f"A version has at most three numbers: write `{'.'.join(text.split('.')[:3])}`."
    if re.fullmatch(r"\d+(,\d+){1,2}", text):
        text = text.replace(",", ".")
        return f"Write `{text}`." if parse_version(text) is not None else ""
    shorter = re.sub(r"(?<![\d])0+(?=\d)", "", text)
    return f"Write `{shorter}`." if shorter != text and parse_version(shorter) is not None else ""


_MENDED: dict[Type, Callable[[str], str]] = {
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.DATE: _date,
    Type.DATETIME: _datetime,
    Type.VERSION: _version,
}

_LENGTHS = {
    "s": ("minutes", 0),
    "min": ("minutes", 1),
    "h": ("hours", 1),
    "d": ("days", 1),
    "w": ("weeks", 1),
    "mo": ("days", 30),
    "y": ("days", 365),
}
_SPAN = re.compile(
    r"P?T?(\d{1,5}|an?)\s*(min|mo|s|h|d|w|y|M|D|W|Y|H)(?:s|in|ins|inutes?|onths?|o|os|ec|ecs|econds?|rs?|ours?|ays?|eeks?|ears?|utes?|nths?)?"
    r"(?: ago)?",
)


def mended_span(text: str) -> str:
    """The mend for a text that is no span of time: `30d` is `30 days`; empty where none is known."""
    text = text.strip()
    if re.fullmatch(r"\d{1,5}", text):
        return f"Write `{text} days`, or whatever it counts."
    if (match := _SPAN.fullmatch(text)) is None:
        return ""
    count = 1 if match.group(1).startswith("a") else int(match.group(1))
    sign = match.group(2)
    sign = "mo" if sign in ("M", "mo") else sign.casefold()
    unit, times = _LENGTHS[sign]
    number = max(1, count * times)
    return f"Write `{number} {unit if number > 1 else unit[:-1]}`."
