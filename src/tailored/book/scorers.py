"""Scorers as a book declares them: their kind, what they may read, and what happens when they fail."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from tailored.book.catalogs import CatalogReader, attribute_of_items
from tailored.book.collect import Entry
from tailored.book.conditions import Names, find_attribute
from tailored.book.constants import read_typed
from tailored.book.counts import read_counts
from tailored.book.declarations import Body, Labels, read_names, read_text
from tailored.book.diagnostics import Span, split_lines
from tailored.book.items import MOST_FINDINGS
from tailored.book.kinds import KINDS, Kind, Setting
from tailored.book.model import Json, Scorer
from tailored.book.nodes import (
    MappingNode,
    Node,
    Reader,
    ScalarNode,
    SequenceNode,
    kind_of,
    plain_value,
    short,
)
from tailored.book.sections import SCORER
from tailored.book.suggest import did_you_mean, listed
from tailored.book.tables import Unusable, columns_of, interaction_columns
from tailored.condition.tree import Attribute
from tailored.condition.types import A_VALUE, Type

DEFAULT_TIMEOUT = 0.025
"""Seconds."""
_LONGEST_TIMEOUT = 10.0
TryModel: TypeAlias = Callable[[Scorer, str], str | None]
"""Why the model of a scorer cannot be used, given the folder of its book; None where it can. May raise
ImportError."""
_KEPT_IN = {"together": "file", "onnx": "file", "bandit": "state"}
"""The setting that names the file of what a scorer learnt, by kind."""
_LONGEST_REST = 3600.0
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(m(?:illi)?s(?:econds?)?|s(?:econds?)?|minutes?)", re.ASCII)


@dataclass(frozen=True)
class ScorerReader:
    """Reads scorers against everything else in the book."""

    names: Names
    labels: Labels
    catalogs: CatalogReader
    declared: Mapping[str, Entry]
    folder: str | None = None
    texts: dict[str, str] = field(default_factory=dict)
    """Takes in the files that findings point into."""
    try_model: TryModel | None = None

    def read(self, entry: Entry) -> Scorer | None:
        """The scorer that an entry writes; None where its kind is not known."""
        reader, name = entry.reader, entry.id
        body = reader.mapping(entry.body, "A scorer", f"{name}: {{kind: popularity, file: counts.csv}}")
        kind = self._kind(entry, body) if body is not None else None
        if body is None or kind is None:
            reader.flaws.broken.add(("scorer", name))
            return None
        known = {**SCORER, **KINDS[kind].settings}
        for key, (node, _) in body.items():
            if key not in known:
                hint = did_you_mean(key, known) or f"It may have {listed(known, 20)}."
                message = f"A scorer of the kind {kind} has no key `{short(key)}`."
                reader.error(node, "unknown-key", message, hint)
        topics, purpose, not_about = self.labels.read(reader, body)
        features = self._features(reader, body)
        before = len(reader.report)
        settings = self._settings(entry, body, KINDS[kind], features)
        scorer = Scorer(
            name,
            kind,
            tuple(features.values()),
            self._timeout(reader, body),
            self._fallback(reader, body),
            settings,
            topics,
            purpose,
            not_about,
            read_text(reader, body, "description"),
            read_text(reader, body, "owner"),
            reader.span(entry.key),
        )
        fine = all(one.severity != "error" for one in reader.report[before:])
        if kind in _KEPT_IN and self.folder is not None and fine:
            self._check_model(entry, body, scorer, self.folder)
        return scorer

    def _check_model(self, entry: Entry, body: Body, scorer: Scorer, folder: str) -> None:
        """Reports what was not learnt yet, and, where that is tried, what was learnt and cannot be used."""
        reader, key = entry.reader, _KEPT_IN[scorer.kind]
        path = str(scorer.settings.get(key) or model_file(scorer.id, scorer.settings))
        node = body[key][1] if key in body else entry.key
        train = f"`tailored train {scorer.id}` makes it."
        if not os.path.exists(os.path.join(folder, path)):
            if scorer.kind != "bandit":  # which makes its own
                message = f"There is no file `{short(path)}`. The scorer falls back."
                mend = train if scorer.kind == "together" else "Train the model first."
                reader.warn(node, "untrained", message, mend)
        elif self.try_model is not None:
            try:
                why = self.try_model(scorer, folder)
            except ImportError as error:
                said = f"Models are not tried: the library {error.name} is not installed here."
                if not any(one.message == said for one in reader.report):
                    reader.warn(
                        node, "untried-model", said, "Install it with `pip install 'tailored[scoring]'`."
                    )
                return
            if why is not None:
                mends = {
                    "together": train,
                    "onnx": "Mend the model, or `features`.",
                    "bandit": "Mend it, or move it away: the scorer then begins anew.",
                }
                reader.error(node, "wrong-model", f"`{scorer.id}` cannot be used: {why}.", mends[scorer.kind])

    def _kind(self, entry: Entry, body: Body) -> str | None:
        if "kind" not in body:
            mend = f"Write `kind:` and one of {listed(KINDS)}."
            entry.reader.error(entry.key, "missing-key", f"`{entry.id}` does not say its `kind`.", mend)
            return None
        name = entry.reader.text(body["kind"][1], "`kind`")
        if name is None or name in KINDS:
            return name
        hint = did_you_mean(name, KINDS) or f"Kinds are {listed(KINDS)}."
        entry.reader.error(body["kind"][1], "unknown-kind", f"There is no kind `{short(name)}`.", hint)
        return None

    def _features(self, reader: Reader, body: Body) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        named = read_names(reader, body["features"][1], "`features`") if "features" in body else []
        reader.warn_of_repeats([node for _, node in named])
        for name, node in named:
            attribute = self.attribute(reader, node, name)
            if attribute is not None:
                found[attribute.key] = attribute
        return found

    def attribute(self, reader: Reader, node: Node, name: str) -> Attribute | None:
        """The attribute of the request, or of items (`item.price`), that a name means, or None (reported)."""
        if name.startswith("item."):
            return attribute_of_items(reader, node, name, self.catalogs.attributes)
        return find_attribute(reader, node, name, self.names)

    def scorer(self, reader: Reader, node: Node, name: str) -> str | None:
        """The name of a scorer, or None (reported) where there is none."""
        if name in self.declared:
            return name
        reader.unknown(node, "scorer", name, self.declared)
        return None

    def _fallback(self, reader: Reader, body: Body) -> str | None:
        name = read_text(reader, body, "fallback")
        return self.scorer(reader, body["fallback"][1], name) if name else None

    def _timeout(self, reader: Reader, body: Body) -> float:
        if "timeout" not in body:
            return DEFAULT_TIMEOUT
        seconds = read_time(reader, body["timeout"][1], "`timeout`", _LONGEST_TIMEOUT)
        return DEFAULT_TIMEOUT if seconds is None else seconds

    def _settings(
        self, entry: Entry, body: Body, kind: Kind, features: dict[str, Attribute]
    ) -> dict[str, Json]:
        reader = entry.reader
        before = len(reader.report)
        settings: dict[str, Json] = {}
        for name, setting in kind.settings.items():
            if name in body:
                value = _READ[setting.takes](self, reader, body[name][1], f"`{name}`", setting, features)
                if value is not None:
                    settings[name] = value
            elif setting.required:
                reader.error(
                    entry.key,
                    "missing-key",
                    f"`{entry.id}` does not say its `{name}`.",
                    f"{setting.sentence}.",
                )
        for group in kind.either:
            given = [name for name in group if name in body]
            if len(given) != 1 and body:
                node = body[given[1]][0] if given else entry.key
                said = (
                    f"says both {' and '.join(f'`{one}`' for one in given)}" if given else "says none of them"
                )
                message = f"`{entry.id}` takes either {' or '.join(f'`{one}`' for one in group)}, and {said}."
                reader.error(node, "missing-key", message, "Give one of them.")
        if "sql" in body and "database" not in body and "file" not in body:
            message = f"`{entry.id}` has a query, and no `database` that is asked."
            reader.error(body["sql"][0], "missing-key", message, "Write `database:` and its file.")
        for name, other in kind.beside.items():
            if name in body and other not in body:
                message = f"`{name}` says nothing without `{other}`."
                reader.error(body[name][0], "missing-key", message, f"Write `{other}:`, or take it out.")
        if kind is KINDS["popularity"] and len(reader.report) == before:
            self._check_counts(entry, body, settings, features)
        if kind is KINDS["together"] and len(reader.report) == before:
            self._check_interactions(entry, body, settings)
        return settings

    def _check_interactions(self, entry: Entry, body: Body, settings: Mapping[str, Json]) -> None:
        """Reports where a table to learn from lacks a column, or is missing, which only training minds."""
        if self.folder is None:
            return
        path = str(settings["interactions"])
        try:
            interaction_columns(path, columns_of(path, self.folder), settings)
        except Unusable as error:
            node = body["interactions"][1]
            if error.code == "missing-file":
                message = f"{error.message[:-1]}, which `tailored train {entry.id}` reads."
                entry.reader.warn(node, error.code, message, error.hint)
            elif error.code != "missing-extra":  # training will say so
                entry.reader.error(node, error.code, error.message, error.hint)

    def _check_counts(
        self, entry: Entry, body: Body, settings: Mapping[str, Json], features: Mapping[str, Attribute]
    ) -> None:
        """Reports what is wrong with a table of counts, row by row."""
        if self.folder is None:
            return
        by = settings.get("by")
        group = None if by is None else str(settings.get("group") or features[str(by)].name)
        reader = entry.reader
        node = body["file" if "file" in body else "sql"][1]
        every, _, table, found = read_counts(settings, group, self.folder)
        if not found and not every.chosen:
            message = f"`{entry.id}` has nothing to count: its table has no rows."
            reader.warn(node, "empty-source", message, "It falls back until there are some.")
        for code, message, hint, row in found[:MOST_FINDINGS]:
            if row is not None and table is not None and table.text is not None:
                self.texts[table.path] = table.text
                line = split_lines(table.text)[row - 1]
                reader.error(Span(table.path, row, 1, row, len(line) + 1), code, message, hint)
            else:
                message = message if row is None else f"Row {row}: {message[0].lower()}{message[1:]}"
                reader.error(node, code, message, hint)
        if len(found) > MOST_FINDINGS:
            message = f"`{entry.id}` has {len(found) - MOST_FINDINGS} more things like these."
            reader.error(node, "unreadable-row", message)


def read_scorers(reader: ScorerReader) -> dict[str, Scorer]:
    """The scorers of a book; their fallbacks and what blends join must not go in circles."""
    scorers = {}
    for name, entry in reader.declared.items():
        if (scorer := reader.read(entry)) is not None:
            scorers[name] = scorer
    _check_circles(reader.declared, scorers)
    return scorers


def named_by(scorer: Scorer) -> list[str]:
    """The scorers that one asks: its fallback, and those that it blends."""
    return [*([scorer.fallback] if scorer.fallback else []), *joined_by(scorer)]


def model_file(name: str, settings: Mapping[str, Json]) -> str:
    """The path of a trained scorer's model, relative to the folder of its book."""
    return str(settings.get("file") or f"models/{name}.npz")


def joined_by(scorer: Scorer) -> tuple[str, ...]:
    """The scorers that a blend joins; none of any other kind."""
    parts = scorer.settings.get("weights") or scorer.settings.get("ranks") or ()
    return tuple(map(str, parts)) if isinstance(parts, Iterable) and scorer.kind == "blend" else ()


def readable(name: str, scorers: Mapping[str, Scorer]) -> frozenset[str]:
    """What a scorer may read, by whole names: its features, and those of the scorers that it joins."""
    own = frozenset(one.key for one in scorers[name].features)
    return own.union(*(readable(other, scorers) for other in joined_by(scorers[name]) if other in scorers))


def _check_circles(entries: Mapping[str, Entry], scorers: Mapping[str, Scorer]) -> None:
    done: set[str] = set()

    def follow(name: str, way: list[str]) -> None:
        if name in way:
            circle = [*way[way.index(name) :], name]
            entry = entries[min(circle, key=list(entries).index)]
            message = f"`{entry.id}` ends at itself: {' → '.join(circle)}."
            entry.reader.error(entry.key, "scorer-cycle", message, "Take one of these steps out.")
            done.update(circle)
        elif name not in done and name in scorers:
            for other in named_by(scorers[name]):
                follow(other, [*way, name])
            done.add(name)

    for name in scorers:
        follow(name, [])


def read_time(reader: Reader, node: Node, what: str, longest: float) -> float | None:
    """The seconds that `25 ms`, `0.5 s` or `2 minutes` write, up to `longest`, or None (reported)."""
    text = reader.text(node, what)
    if text is None:
        return None
    seconds = _seconds(text.strip())
    if seconds is None:
        message = f"{what} takes a time with its unit, and {kind_of(node)} is none."
        meant = re.sub(r"^\.", "0.", text.strip().lower().replace(",", "."))
        mend = "Write `25 ms`, or `2 s` for seconds."
        if _seconds(meant) is not None:
            mend = f"Write `{meant}`."
        elif _seconds(f"{meant} ms") is not None:
            mend = f"Write `{meant} ms`, or `s` for seconds."
        reader.error(node, "wrong-time", message, mend)
        return None
    if not 0 < seconds <= longest:
        message = f"{what} lies between 0 and {longest:g} seconds, and {short(text)} does not."
        usual = "25 ms is usual: a page waits for it." if what == "`timeout`" else "30 s is usual."
        reader.error(node, "out-of-range", message, usual)
        return None
    return seconds


def _seconds(text: str) -> float | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    unit = 0.001 if match[2].startswith(("ms", "milli")) else 60 if match[2].startswith("m") else 1
    return float(match[1]) * unit


def read_number(reader: Reader, node: Node, what: str, low: float, high: float) -> float | None:
    """A number from `low` to `high`, or None (reported)."""
    value = read_typed(reader, node, Type.NUMBER, what)
    if not isinstance(value, int | float):
        return None
    if not low <= value <= high:
        bounds = [f"{bound:,.12g}" for bound in (low, high)]
        message = f"{what} lies between {' and '.join(bounds)}, and {short(str(node.value))} does not."
        reader.error(node, "out-of-range", message, f"Write a number from {' to '.join(bounds)}.")
        return None
    return value


def check_file(reader: Reader, node: Node, path: str, folder: str | None) -> bool:
    """Whether a file of the book's folder is there; if not, that is reported, unless there is no folder."""
    if folder is None or os.path.isfile(os.path.join(folder, path)):
        return True
    near = did_you_mean(path, _files_near(folder, path))
    message = f"There is no file `{short(path)}`."
    reader.error(node, "missing-file", message, near or "Paths begin at the book's folder.")
    return False


def _files_near(folder: str, path: str) -> list[str]:
    """The files beside the one that is missing, named like it."""
    place = os.path.dirname(path)
    try:
        found = sorted(os.listdir(os.path.join(folder, place)))[:1000]
    except OSError:
        return []
    return [os.path.join(place, name) if place else name for name in found]


def _text(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    return reader.text(node, what)


def _file(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    path = reader.text(node, what)
    if path is not None:
        check_file(reader, node, path, self.folder)
    return path


def _number(self: ScorerReader, reader: Reader, node: Node, what: str, setting: Setting, *_: Any) -> Json:
    return read_number(reader, node, what, setting.low, setting.high)


def _whole(self: ScorerReader, reader: Reader, node: Node, what: str, setting: Setting, *_: Any) -> Json:
    number = read_typed(reader, node, Type.INTEGER, what)
    if not isinstance(number, int):
        return None
    return read_number(reader, node, what, setting.low, setting.high)


def _duration(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    return read_time(reader, node, what, _LONGEST_REST)


def _choice(self: ScorerReader, reader: Reader, node: Node, what: str, setting: Setting, *_: Any) -> Json:
    name = reader.text(node, what)
    if name is None or name in setting.choices:
        return name
    hint = did_you_mean(name, setting.choices) or f"Write one of {listed(setting.choices)}."
    reader.error(node, "unknown-value", f"{what} cannot be `{short(name)}`.", hint)
    return None


def _url(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    text = reader.text(node, what)
    try:
        parts = urlsplit(text or "http://x")
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
        secret = bool(parts.password or parts.username)
    except ValueError:
        fine, secret = False, False
    if not fine:
        mend = "Write `https://` and the host, such as `https://scorer.example/score`."
        reader.error(node, "wrong-type", f"{what} takes an address, and {kind_of(node)} is none.", mend)
    elif secret:
        mend = "Take it out, and name an environment variable with `token:`."
        reader.error(node, "secret", f"{what} holds a password, which does not belong into a book.", mend)
    return text


def _environment(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    text = reader.text(node, what)
    if text is not None and not re.fullmatch(r"[A-Z][A-Z0-9_]*", text):
        message = f"{what} takes the name of an environment variable, such as SCORER_TOKEN."
        reader.error(node, "secret", message, "Put the token itself where the application runs.")
        return None
    return text


def _attribute(
    self: ScorerReader, reader: Reader, node: Node, what: str, _: Setting, features: dict[str, Attribute]
) -> Json:
    if isinstance(node, SequenceNode):
        mend = "Name one. What joins two, such as a country and an age group, is an attribute of its own."
        reader.error(node, "wrong-kind", f"{what} takes one attribute, not a list.", mend)
        return None
    name = reader.text(node, what)
    attribute = self.attribute(reader, node, name) if name is not None else None
    if attribute is None:
        return None
    features.setdefault(attribute.key, attribute)
    return attribute.key


def _histories(
    self: ScorerReader, reader: Reader, node: Node, what: str, _: Setting, features: dict[str, Attribute]
) -> Json:
    found = []
    for name, item in read_names(reader, node, what):
        attribute = self.attribute(reader, item, name)
        if attribute is not None and attribute.type is not Type.STRINGS:
            message = f"{what} takes lists of item ids, and `{short(name)}` is {A_VALUE[attribute.type]}."
            reader.error(item, "wrong-type", message, "Name an attribute of the type `list of strings`.")
        elif attribute is not None:
            features.setdefault(attribute.key, attribute)
            found.append(attribute.key)
    return tuple(found) or None


def _of_items(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    known = self.catalogs.attributes
    found = [attribute_of_items(reader, item, name, known) for name, item in read_names(reader, node, what)]
    return tuple(attribute.key for attribute in found if attribute is not None) or None


def _scorers(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    named = read_names(reader, node, what)
    reader.warn_of_repeats([item for _, item in named])
    found = [self.scorer(reader, item, name) for name, item in named]
    return tuple(dict.fromkeys(name for name in found if name is not None)) or None


def _weights(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    entries = reader.mapping(node, what, "weights: {similar: 2, popular: 1}") or {}
    weights: dict[str, Json] = {}
    for name, (key, value) in entries.items():
        if self.scorer(reader, key, name) is not None:
            number = read_number(reader, value, f"The weight of `{name}`", 0, 1_000_000)
            if number is not None:
                weights[name] = number
    if isinstance(node, MappingNode) and not entries:
        reader.error(node, "empty-list", f"{what} names no scorer.", "Name at least one.")
    elif weights and not any(weights.values()):
        reader.error(node, "out-of-range", f"All of {what} are 0.", "Give one of them more.")
    return weights or None


def _texts(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    entries = reader.mapping(node, what, "names: {NO: Norway}") or {}
    return {name: reader.text(value, f"`{name}`") or "" for name, (_, value) in entries.items()} or None


def _pair(self: ScorerReader, reader: Reader, node: Node, what: str, *_: Any) -> Json:
    values = (
        [plain_value(one) for one in node.value if isinstance(one, ScalarNode)]
        if isinstance(node, SequenceNode)
        else []
    )
    numbers = [
        one for one in values if isinstance(one, int | float) and not isinstance(one, bool) and 0 < one <= 1e6
    ]
    if len(numbers) != 2 or len(node.value) != 2:
        message = f"{what} takes two numbers above 0 and up to 1,000,000, in a list."
        reader.error(node, "wrong-type", message, "Write `[1, 1]`.")
        return None
    return tuple(numbers)


_READ: dict[str, Callable[..., Json]] = {
    "attribute": _attribute,
    "attributes of items": _of_items,
    "choice": _choice,
    "column": _text,
    "duration": _duration,
    "environment": _environment,
    "file": _file,
    "histories": _histories,
    "new file": _text,
    "number": _number,
    "pair": _pair,
    "scorers": _scorers,
    "text": _text,
    "texts": _texts,
    "training file": _text,
    "url": _url,
    "weights": _weights,
    "whole": _whole,
}
"""From what a setting takes to what reads it."""
