"""Content made ready to show: its texts are templates, filled with facts and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache, wraps
from typing import Any

from jinja2 import nodes
from jinja2.environment import Template
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import SandboxedEnvironment

from tailored.book.model import Content, Json
from tailored.book.templates import FILTERS, TESTS, attributes_in, is_template
from tailored.condition.tree import Value

LONGEST = 1_000_000
"""Characters that one rendered text may have."""
MOST_STEPS = 1_000_000
"""Steps that rendering one text may take: a step is a value that is touched, or 16 characters of a text."""


class FrozenDict(dict[str, Any]):
    """A dictionary that stays as it is, so that it can be shared; `json.dumps` takes it."""

    def _refuse(self, *args: object, **kwargs: object) -> Any:
        raise TypeError("This cannot be changed; copy it first: dict(...), or .to_dict() of a decision.")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)

    def __deepcopy__(self, memo: object) -> FrozenDict:
        return self


class View:
    """What templates see as `user` and `context`: facts by name, of which any may be missing."""

    __slots__ = ("steps", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.steps: dict[str, int] = {}
        """What it takes to read each list; told once, since a text may read it often."""

    def read(self, name: str) -> Any:
        """A value, in exchange for steps; KeyError where it is missing."""
        value = _seen(self.values[name])
        if name in self.steps:
            _spend(self.steps[name])
        elif isinstance(value, list):
            before = _budget.left
            _touch(value)
            self.steps[name] = before - _budget.left
        else:
            _touch(value)
        return value


def views(facts: Mapping[str, Value], consents: Mapping[str, bool]) -> dict[str, View]:
    """The two views of typed values by whole attribute names."""
    sides: dict[str, dict[str, Any]] = {"user": {"consents": View(consents)}, "context": {}}
    for key, value in facts.items():
        side, name = key.split(".", 1)
        sides[side][name] = value
    return {side: View(values) for side, values in sides.items()}


class Renderer:
    """The content of a book, ready to render. It is built once and shared by threads."""

    def __init__(self, content: Mapping[str, Content]) -> None:
        self._content = content
        self._fields: dict[str, Any] = {}
        """Compiled when first shown: compiling a template takes as long as reading a dozen rules."""
        self._reads: dict[str, frozenset[str]] = {}
        self._plain: dict[str, FrozenDict] = {
            name: _prepared(item.fields, _TEXT)
            for name, item in content.items()
            if not _has_template(item.fields)
        }

    def render(self, name: str, seen: Mapping[str, View], failed: list[str]) -> FrozenDict:
        """The fields of a content item. A text that fails is empty, and the item's name goes to `failed`."""

        def fill(template: Template) -> str:
            try:
                return _filled(template, seen)
            except Exception:  # whatever a template does to odd values, the page goes on
                failed.append(name)
                return ""

        if name in self._plain:
            return self._plain[name]
        if name not in self._fields:
            item = self._content[name]
            self._fields[name] = _prepared(item.fields, _HTML if item.escaped else _TEXT)
        fields: FrozenDict = _rendered(self._fields[name], fill)
        return fields

    def reads(self, name: str) -> frozenset[str]:
        """The whole names of the attributes that a content item's texts read."""
        found = self._reads.get(name)
        if found is None:
            found = self._reads[name] = attributes_in(self._content[name].fields)
        return found

    def is_plain(self, name: str) -> bool:
        """Whether a content item has no templates, so that it is the same for everyone."""
        return name in self._plain


class _Budget(threading.local):
    """The steps that are left to the text which this thread renders."""

    left = MOST_STEPS


_budget = _Budget()


def _spend(steps: int) -> None:
    left = _budget.left = _budget.left - steps
    if left < 0:
        raise OverflowError("too many steps")


def _touch(value: Any) -> None:
    """Takes the steps for a value that is used, as it goes through it."""
    if isinstance(value, str):
        _spend(1 + len(value) // 16)
    elif isinstance(value, list | tuple):
        _spend(1 + len(value))
        for one in value:
            _touch(one)
    else:
        _spend(1)


def _filled(template: Template, seen: Mapping[str, View]) -> str:
    _budget.left = MOST_STEPS
    pieces, length = [], 0
    for piece in template.generate(seen):
        pieces.append(piece)
        length += len(piece)
        if length > LONGEST:
            raise OverflowError
    return "".join(pieces)


def _prepared(value: Json, environment: _Environment) -> Any:
    """A field with its templates compiled; what holds none is frozen here, once."""
    if isinstance(value, str):
        return _compiled(value, environment) if is_template(value) else value
    if isinstance(value, Mapping):
        return FrozenDict({key: _prepared(one, environment) for key, one in value.items()})
    if isinstance(value, tuple | list):
        return tuple(_prepared(one, environment) for one in value)
    return value


def _has_template(value: Json) -> bool:
    if isinstance(value, str):
        return is_template(value)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return any(map(_has_template, parts))


def _rendered(value: Any, fill: Callable[[Template], str]) -> Any:
    if isinstance(value, Template):
        return fill(value)
    if isinstance(value, FrozenDict):
        return FrozenDict({key: _rendered(one, fill) for key, one in value.items()})
    if isinstance(value, tuple):
        return tuple(_rendered(one, fill) for one in value)
    return value


class Missing(Undefined):
    """What a template finds where a value is missing: nothing, false, empty, equal to nothing."""

    __slots__ = ()

    def _nothing(self, *args: object) -> Missing:
        return self

    def _never(self, other: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _nothing  # type: ignore[assignment]
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __neg__ = __getitem__ = _nothing  # type: ignore[assignment]
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]
    __hash__ = Undefined.__hash__

    def __contains__(self, item: object) -> bool:
        return False


class _Environment(SandboxedEnvironment):
    """Jinja with nothing in it but what the language of templates has (book/templates.py)."""

    intercepted_binops = frozenset(["*", "%", "+"])

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(undefined=Missing, autoescape=autoescape, finalize=shown, cache_size=0)
        self.globals.clear()
        self.tests = {name: self.tests[name] for name in TESTS}
        self.filters = {name: _missing_through(name, self.filters[name]) for name in FILTERS} | {
            "shown": shown,
            "looped": _looped,
        }

    def compiled(self, text: str) -> Template:
        """The template that a text is, with every piece of a `~` shown as it would be on its own.

        Each loop is told how much stands in it, so that the steps of all its rounds can be counted at once.
        """
        _budget.left = MOST_STEPS  # Jinja works out what is constant, here and now
        tree = self.parse(text)
        for loop in tree.find_all(nodes.For):
            size = nodes.Const(sum(1 for _ in loop.find_all(nodes.Node)))
            loop.iter = nodes.Filter(loop.iter, "looped", [size], [], None, None)
        for joined in tree.find_all(nodes.Concat):
            joined.nodes = [nodes.Filter(part, "shown", [], [], None, None) for part in joined.nodes]
        for node in tree.find_all(nodes.Filter):
            node.set_lineno(1).set_environment(self)
        return self.template_class.from_code(self, self.compile(tree), self.make_globals(None))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, View):
            return obj.read(attribute) if attribute in obj.values else self.undefined(name=attribute)
        return super().getattr(obj, attribute) if isinstance(obj, LoopContext) else self.undefined()

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, View) and isinstance(argument, str):
            return self.getattr(obj, argument)
        if isinstance(obj, list | str) and isinstance(argument, int | slice):
            return super().getitem(obj, argument)
        return self.undefined()

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic is for numbers: a text times a number could fill the memory. `+` is for texts, too."""
        if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
            if operator != "+":
                raise TypeError(f"`{operator}` is for numbers")
            _touch(left)
            _touch(right)
        return super().call_binop(context, operator, left, right)


def shown(value: Any) -> Any:
    """A value as people read it."""
    if isinstance(value, str):
        _spend(1 + len(value) // 16)
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        _spend(1 + len(value))
        return ", ".join(str(shown(one)) for one in value)
    return "" if value is None else value


def _looped(value: Any, size: int) -> Any:
    """What a loop with so many nodes in it goes through; the steps of all its rounds are taken at once."""
    _spend(size * len(value) if isinstance(value, str | list | tuple) else size)
    return value


def _seen(value: Value) -> Any:
    """A fact as templates see it: times and versions are texts, whole seconds without a fraction."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | int | float) else str(value)


_TAKE_MISSING = {"default", "d", "length", "count", "join", "sum", "sort", "unique", "list", "reverse"}
"""The filters for which a missing value is an empty one; through all others it stays missing."""
_SLOW = {"title", "urlencode", "wordcount"}
"""The filters that go through a text letter by letter, and so take eight times the steps."""


def _missing_through(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    takes_missing = name in _TAKE_MISSING
    place = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def through(*args: Any, **kwargs: Any) -> Any:
        if not takes_missing and isinstance(args[place], Missing):
            return args[place]
        _touch(args[place])
        if name in _SLOW and isinstance(args[place], str):
            _spend(len(args[place]) // 2)
        result = function(*args, **kwargs)
        # `reverse` and `unique` give iterators, which would be shown by their addresses
        return list(result) if isinstance(result, Iterator) else result

    return through


_HTML, _TEXT = _Environment(autoescape=True), _Environment(autoescape=False)


@lru_cache(maxsize=1024)
def _compiled(text: str, environment: _Environment) -> Template:
    return environment.compiled(text)
