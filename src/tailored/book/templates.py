"""Templates in content: what they may say, and the exact place of everything that they may not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer, newline_re
from jinja2.parser import Parser

from tailored.book.kept import kept
from tailored.book.suggest import closest, did_you_mean, listed
from tailored.condition.tree import Attribute
from tailored.condition.types import Type

FILTERS = frozenset(
    [
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "e",
        "escape",
        "first",
        "float",
        "int",
        "join",
        "last",
        "length",
        "lower",
        "max",
        "min",
        "replace",
        "reverse",
        "round",
        "sort",
        "sum",
        "title",
        "trim",
        "truncate",
        "unique",
        "upper",
        "urlencode",
        "wordcount",
    ]
)
"""The filters of Jinja that templates have: none that is random, unsafe, or makes much out of little."""
TESTS = frozenset(
    [
        "boolean",
        "defined",
        "divisibleby",
        "eq",
        "even",
        "false",
        "float",
        "ge",
        "gt",
        "in",
        "integer",
        "le",
        "lower",
        "lt",
        "ne",
        "none",
        "number",
        "odd",
        "string",
        "true",
        "undefined",
        "upper",
    ]
)
"""The tests of Jinja that templates have, after `is`."""
LONGEST = 65_536
"""Characters that a template may have."""

_DEEPEST = 50
_MOST_BRACKETS = 20
_LONGEST_ARGUMENT = 100
_ARGUMENTS = {"default": 2, "d": 2, "join": 1, "replace": 2, "round": 2, "truncate": 4, "int": 1, "float": 1}
_ARGUMENTS |= {"sort": 1, "trim": 1}
"""How many arguments a filter takes; those not named here take none."""
_KEYWORDS = frozenset(
    ["default_value", "boolean", "default", "reverse", "length", "end", "killwords", "leeway", "precision"]
)
_COUNTS = frozenset(["abs", "count", "float", "int", "length", "round", "sum", "wordcount"])
_LOOP = frozenset(["index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"])
_WORD = re.compile(r"\w+")
_TAGS = "Templates have `if`, `elif`, `else`, `endif`, `for` and `endfor`."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a template, and which characters of the text it is about (the end is exclusive)."""

    code: str
    message: str
    hint: str
    start: int
    end: int
    attribute: str = ""
    """The name that no attribute has, for `unknown-attribute`."""
    is_slip: bool = False
    """Whether it is close to the name of one."""


def is_template(text: str) -> bool:
    """Whether a text holds marks of a template, so that it must be rendered."""
    return "{{" in text or "{%" in text or "{#" in text


def template_problems(text: str, attributes: Mapping[str, Attribute]) -> list[Problem]:
    """Everything that is wrong with a template that may read these attributes (by their whole names)."""
    if len(text) > LONGEST:
        hint = "Put long texts where the application can fetch them, and name them here."
        return [Problem("bad-template", f"This template has more than {LONGEST:,} letters.", hint, 0, 1)]
    try:
        return list(_Check(text, attributes).walk(_parsed(text), frozenset(), 0))
    except TemplateSyntaxError as error:
        return [_syntax(text, error)]
    except RecursionError:
        return [
            Problem("bad-template", "This template nests too deeply.", "Write it in simpler parts.", 0, 1)
        ]
    except ValueError:  # Python refuses to read whole numbers of thousands of digits
        return [Problem("bad-template", "A number in this template is too long.", "Shorten it.", 0, 1)]


def attributes_in(texts: object) -> frozenset[str]:
    """The whole names of what the templates in a content item's fields read, `user.consents` included.

    `texts` is any JSON data; its templates must be without problems.
    """
    if isinstance(texts, str):
        return _attributes_in(texts) if is_template(texts) else frozenset()
    if isinstance(texts, Mapping):
        texts = tuple(texts.values())
    if isinstance(texts, tuple | list):
        return frozenset().union(*map(attributes_in, texts))
    return frozenset()


def _parsed(text: str) -> nodes.Template:
    """The tree of a template. Raises TemplateSyntaxError, RecursionError or ValueError."""
    return kept(text, "template", lambda: Parser(_PARSING, text).parse())


def _attributes_in(text: str) -> frozenset[str]:
    paths = map(_path, _parsed(text).find_all((nodes.Getattr, nodes.Getitem)))
    return frozenset(".".join(path[:2]) for path in paths if len(path) > 1 and path[0] in ("user", "context"))


class _PlacingLexer(Lexer):
    """Jinja's lexer, which gives each token the place of its first letter instead of its line."""

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        text = newline_re.sub("\n", source)
        place = brackets = 0
        try:
            for _, token, value in super().tokeniter(source, name, filename, state):
                # what Jinja leaves out between two tokens is white space
                found = text.find(value, place)
                if token == "operator" and value in "()[]{}":
                    brackets += 1 if value in "([{" else -1
                if brackets > _MOST_BRACKETS:
                    raise RecursionError
                yield found, token, value
                place = found + len(value)
        except TemplateSyntaxError as error:
            error.lineno = min(place, max(0, len(text) - 1))
            raise


class _PlacingEnvironment(Environment):
    lexer = cached_property(lambda self: _PlacingLexer(self))


_PARSING = _PlacingEnvironment()

_SYNTAX = (
    ("end of comment tag", "A comment `{#` is opened and never closed.", "Close it with `#}`."),
    ("end of raw", "`{% raw %}` is opened and never closed.", "Close it with `{% endraw %}`."),
    ("needs to be closed is 'if'", "An `if` is opened and never closed.", "Write `{% endif %}`."),
    (
        "block that needs to be closed is 'for'",
        "A `for` is opened and never closed.",
        "Write `{% endfor %}`.",
    ),
    ("unknown tag 'end", "This closes something that was never opened.", _TAGS),
    ("unknown tag 'el", "This stands outside any `if`.", "Write `{% if ... %}` before it."),
    ("unknown tag", "", ""),
    ("end of template", "Something is opened here and never closed.", "Close it with `}}` or `%}`."),
    ("expected token 'end of print statement'", "This is not expected here.", "Close with `}}` before it."),
    ("expected token 'end of statement block'", "This is not expected here.", "Close with `%}` before it."),
    ("'end of print statement'", "A value is missing here.", "Write it like `{{ user.first_name }}`."),
    ("'end of statement block'", "A value is missing here.", "Write it like `{% if user.first_name %}`."),
    ("expected an expression", "A value is missing here.", "Write it like `{{ user.first_name }}`."),
    ("unexpected char", "A template cannot have this sign here.", "If it is text, put it in quotes."),
    ("unexpected", "This is not expected here.", "Check that every bracket and quote before it is closed."),
)


def _syntax(text: str, error: TemplateSyntaxError) -> Problem:
    said = error.message or "it cannot be read"
    unknown = f"This is no valid template: {said.rstrip('.')}."
    message, hint = next(
        ((message, hint) for sign, message, hint in _SYNTAX if sign in said.lower()), (unknown, "")
    )
    place = min(error.lineno, max(0, len(text) - 1))
    if "unknown tag" in said and not message:
        return _no_tag(text, place)
    return Problem("bad-template", message, hint, place, place + 1)


def _no_tag(text: str, place: int) -> Problem:
    word = _WORD.match(text, place)
    shown = f"`{{% {word.group()} %}}`" if word else "such tag"
    return Problem(
        "bad-template", f"A template has no {shown}.", _TAGS, place, word.end() if word else place + 1
    )


_Scope: TypeAlias = frozenset[str]
_Found: TypeAlias = Iterator[Problem]


class _Check:
    """Walks the tree of one template. A node's `lineno` is its place in the text."""

    def __init__(self, text: str, attributes: Mapping[str, Attribute]) -> None:
        self.text = newline_re.sub("\n", text)
        self.attributes = attributes
        self.sides = ("user", "context", *["item"] * any(key.startswith("item.") for key in attributes))

    def walk(self, node: nodes.Node, scope: _Scope, depth: int) -> _Found:
        """The problems of a node and what is below it. `scope` holds the names of the loops around it."""
        if depth > _DEEPEST:
            raise RecursionError
        if type(node) in _PLAIN:
            for child in node.iter_child_nodes():
                yield from self.walk(child, scope, depth + 1)
        elif check := _CHECKS.get(type(node)):
            yield from check(self, node, scope, depth)
        elif said := _REFUSED.get(type(node)):
            yield self._bad(node, *said)
        else:
            yield _no_tag(self.text, node.lineno or 0)

    def _bad(self, node: nodes.Node, message: str, hint: str, end: int = 0) -> Problem:
        start = _start(node)
        return Problem("bad-template", message, hint, start, max(end, start + 1))

    def read(self, node: nodes.Expr, scope: _Scope, depth: int) -> _Found:
        """Names and what is reached through them: attributes, consents, the variables of loops."""
        path = _path(node)
        if not path or (len(path) == 1 and isinstance(node, nodes.Getitem)):
            yield from self._item(node, scope, depth)
            return
        root, whole = path[0], ".".join(path)
        start, end = _start(node), self._end(node, path[-1])
        if root in scope:
            if root == "loop" and len(path) == 2 and path[1] in _LOOP:
                return
            if len(path) > 1 or root == "loop":
                yield self._no_part(path, start, end)
        elif root not in self.sides:
            near = closest(root, self.sides) if len(path) > 1 else None
            mend = f"Did you mean `{near}.{'.'.join(path[1:])}`?" if near else self._meant(root)
            yield self._unknown(root, whole, mend, start, end)
        elif len(path) == 1 or path == ["user", "consents"]:
            example = f"{root}.{next((a.name for a in self.attributes.values() if a.side == root), 'name')}"
            hint = f"Name one part of it, such as `{example if len(path) == 1 else whole + '.health'}`."
            yield Problem("bad-template", f"A template cannot read the whole of `{whole}`.", hint, start, end)
        elif path[:2] == ["user", "consents"]:
            if len(path) > 3:
                yield self._no_part(path, start, end)
        elif ".".join(path[:2]) not in self.attributes:
            mend = self._by_path(path) or self._meant(path[1], root)
            yield self._unknown(".".join(path[:2]), whole, mend, start, end)
        elif len(path) > 2:
            yield self._no_part(path, start, end)

    def _no_part(self, path: list[str], start: int, end: int) -> Problem:
        whole, part = ".".join(path[:-1]), path[-1]
        hint = f"Write `{whole} | {part}`." if part in FILTERS else "Leave it out."
        return Problem("bad-template", f"`{whole or part}` has no `{part}` to read.", hint, start, end)

    def _meant(self, name: str, side: str = "") -> str:
        """The mend for a name that is not written whole, or slipped; `side` is what it was looked for in."""
        sides: dict[str, str] = {}
        for key, attribute in self.attributes.items():
            if attribute.side == side or attribute.name not in sides:
                sides[attribute.name] = key
        if name in sides:
            return f"Write `{sides[name]}`."
        if (near := closest(name, sides)) is not None:
            return f"Did you mean `{sides[near]}`?"
        return ""

    def _unknown(self, name: str, whole: str, mend: str, start: int, end: int) -> Problem:
        hint = mend or f"Templates may read {listed(self.attributes)}; text stands in quotes."
        message = f"There is no attribute `{whole}`."
        return Problem("unknown-attribute", message, hint, start, end, name, bool(mend))

    def _by_path(self, path: list[str]) -> str:
        """The mend for a name that says where nested data holds an attribute, not how it is called."""
        for key, attribute in self.attributes.items():
            if attribute.side == path[0] and attribute.path == tuple(path[1:]):
                return f"Write `{key}`."
        return ""

    def _end(self, node: nodes.Expr, last: str) -> int:
        begin = _start(node) if isinstance(node, nodes.Name) else node.lineno
        found = self.text.find(last, begin)
        return (found if found >= 0 else begin) + len(last) + (2 if isinstance(node, nodes.Getitem) else 0)

    def _item(self, node: nodes.Expr, scope: _Scope, depth: int) -> _Found:
        """One element, or a run of elements, of a text or a list: only numbers may say which."""
        if not isinstance(node, nodes.Getitem):
            yield self._bad(node, "Attributes are read by their names only.", "Write `user.first_name`.")
            return
        numbers = [node.arg]
        if isinstance(node.arg, nodes.Slice):
            numbers = [part for part in (node.arg.start, node.arg.stop, node.arg.step) if part is not None]
        if all(isinstance(_literal(number), int) for number in numbers):
            yield from self.walk(node.node, scope, depth + 1)
        else:
            hint = "Write a number, such as `user.first_name[0]`."
            yield self._bad(node, "Only a number may stand between `[` and `]`.", hint)

    def filter(self, node: nodes.Filter, scope: _Scope, depth: int) -> _Found:
        """A filter of the list, with arguments that cannot make the text explode."""
        name, end = node.name, node.lineno + len(node.name)
        problem = None
        if name not in FILTERS:
            problem = f"There is no filter `{name}`.", _offer(name, FILTERS, "Filters")
        elif node.dyn_args or node.dyn_kwargs or len(node.args) > _ARGUMENTS.get(name, 0):
            problem = f"`{name}` does not take what stands in its brackets.", "Take it out."
        elif odd := next((pair.key for pair in node.kwargs if pair.key not in _KEYWORDS), None):
            problem = f"`{name}` takes no `{odd}`.", "Take it out."
        elif name not in ("default", "d"):
            problem = _argument_problem(name, [*node.args, *(pair.value for pair in node.kwargs)])
        if node.node is not None:
            yield from self.walk(node.node, scope, depth + 1)
        if problem is not None:
            yield Problem("bad-template", *problem, node.lineno, end)
            return
        for part in (*node.args, *(pair.value for pair in node.kwargs)):
            yield from self.walk(part, scope, depth + 1)

    def test(self, node: nodes.Test, scope: _Scope, depth: int) -> _Found:
        """A test of the list."""
        if node.name not in TESTS:
            hint = _offer(node.name, TESTS, "Tests")
            place = max(self.text.find(node.name, node.lineno), node.lineno)
            message = f"There is no test `{node.name}`."
            yield Problem("bad-template", message, hint, place, place + len(node.name))
            return
        for child in node.iter_child_nodes():
            yield from self.walk(child, scope, depth + 1)

    def loop(self, node: nodes.For, scope: _Scope, depth: int) -> _Found:
        """A loop that goes once through something; loops in loops would multiply without bound."""
        if "loop" in scope or node.recursive:
            yield self._bad(node, "A loop cannot stand in a loop.", "Write the two one after the other.")
            return
        if not isinstance(node.target, nodes.Name):
            yield self._bad(node.target, "A loop has one name.", "Write `{% for item in user.items %}`.")
            return
        name = node.target.name
        if name in (*self.sides, "loop"):
            yield self._bad(
                node.target, f"A loop cannot call its items `{name}`.", "Take another name.", node.lineno
            )
            return
        yield from self.walk(node.iter, scope, depth + 1)
        inner = scope | {name, "loop"}
        for child in (*node.body, *([node.test] if node.test is not None else [])):
            yield from self.walk(child, inner, depth + 1)
        for child in node.else_:
            yield from self.walk(child, scope, depth + 1)

    def product(self, node: nodes.BinExpr, scope: _Scope, depth: int) -> _Found:
        """`*` and `%` are for numbers: with texts and lists they repeat and pad without bound."""
        for side in (node.left, node.right):
            if not self._is_number(side):
                hint = "Multiply attributes that are numbers; `| int` and `| float` make numbers."
                yield self._bad(side, f"`{node.operator}` is for numbers, and this may be none.", hint)
            yield from self.walk(side, scope, depth + 1)

    def _is_number(self, node: nodes.Expr) -> bool:
        if isinstance(node, nodes.Const):
            return isinstance(node.value, int | float)
        if isinstance(node, nodes.Add | nodes.Sub | nodes.Mul | nodes.Div | nodes.FloorDiv | nodes.Mod):
            return self._is_number(node.left) and self._is_number(node.right)
        if isinstance(node, nodes.Neg | nodes.Pos):
            return self._is_number(node.node)
        if isinstance(node, nodes.Filter):
            of_default = node.name in ("default", "d") and bool(node.args)
            inner = node.node is not None and self._is_number(node.node)
            return node.name in _COUNTS or (of_default and inner and self._is_number(node.args[0]))
        attribute = self.attributes.get(".".join(_path(node)))
        return attribute is not None and attribute.type in (Type.INTEGER, Type.NUMBER)

    def call(self, node: nodes.Call, scope: _Scope, depth: int) -> _Found:
        """Nothing can be called; a method that is a filter gets that as its mend."""
        path = _path(node.node)
        method = path[-1] if len(path) > 1 else ""
        hint = "Use filters, such as `{{ user.first_name | upper }}`."
        if method in FILTERS:
            hint = f"Write `{'.'.join(path[:-1])} | {method}`."
        yield self._bad(node, "A template calls no functions.", hint, node.lineno + 1)


def _offer(name: str, names: frozenset[str], what: str) -> str:
    every = sorted(names)
    return did_you_mean(name, every) or f"{what} are {listed(every, 40)}."


def _argument_problem(name: str, arguments: list[nodes.Expr]) -> tuple[str, str] | None:
    values = [_literal(argument) for argument in arguments]
    if any(value is None or len(str(value)) > _LONGEST_ARGUMENT for value in values):
        return f"`{name}` takes short texts and numbers that are written out.", "Write them in the brackets."
    if name == "replace":
        old, new = ([*values, "", ""])[:2]
        if not isinstance(old, str) or not isinstance(new, str) or not old or len(new) > len(old):
            return "`replace` takes two texts, the second not longer than the first.", "Shorten the second."
    if name == "round" and not all(isinstance(value, str) or 0 <= value <= 10 for value in values if value):
        return "`round` takes a number of digits from 0 to 10.", "Write `round(2)`."
    return None


def _literal(node: nodes.Expr) -> str | int | float | None:
    """The text or number that an expression writes out, or None."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str | int | float):
        return node.value
    if isinstance(node, nodes.Neg) and isinstance(value := _literal(node.node), int | float):
        return -value
    return None


def _path(node: nodes.Node) -> list[str]:
    """The names of `user.first_name` or `user['first_name']`; empty where it is something else."""
    if isinstance(node, nodes.Name):
        return [node.name]
    if isinstance(node, nodes.Getattr):
        inner = _path(node.node)
        return [*inner, node.attr] if inner else []
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        inner = _path(node.node)
        return [*inner, node.arg.value] if inner and isinstance(node.arg.value, str) else []
    return []


def _start(node: nodes.Node) -> int:
    """Where a node begins: with its leftmost part."""
    if isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Call):
        return _start(node.node)
    if isinstance(node, nodes.BinExpr):
        return _start(node.left)
    if isinstance(node, nodes.Tuple) and node.items:
        return _start(node.items[0])
    return node.lineno


_PLAIN = frozenset(
    {
        *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.List, nodes.Tuple, nodes.If),
        *(nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat),
        *(nodes.Add, nodes.Sub, nodes.Div, nodes.FloorDiv, nodes.Neg, nodes.Pos),
    }
)
"""The nodes of Jinja that are fine when everything below them is."""

_CHECKS: dict[type[nodes.Node], Callable[..., _Found]] = {
    nodes.Name: _Check.read,
    nodes.Getattr: _Check.read,
    nodes.Getitem: _Check.read,
    nodes.Filter: _Check.filter,
    nodes.Test: _Check.test,
    nodes.For: _Check.loop,
    nodes.Mul: _Check.product,
    nodes.Mod: _Check.product,
    nodes.Call: _Check.call,
}

_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Dict: ("A template has no mappings.", "Take out the `{...}` inside the expression."),
    nodes.Pow: ("A template has no `**`.", "Write the product out with `*`."),
}
