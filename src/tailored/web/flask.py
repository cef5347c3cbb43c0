"""A helper for Flask: the decision for the current request, in views and in templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, g, request
from werkzeug.local import LocalProxy

from tailored.engine.decision import Decision
from tailored.engine.engine import Engine
from tailored.web.visitor import context_of

Facts = Mapping[str, Any]
Hook = Callable[[], Facts | None]


class Tailored:
    """Decides for requests. Make one, and call it in a view: `tailored()["hero"]`.

    `user` is your hook: what you know of the current user; None for a visitor whom you do not know. `context`
    may add to what the request tells, or put something else in its place. The page is the name of the
    endpoint. Templates of `app` know `decision`.
    """

    def __init__(
        self,
        app: Flask,
        engine: Engine,
        user: Hook | None = None,
        context: Hook | None = None,
    ) -> None:
        self.engine, self._user, self._context = engine, user, context
        app.context_processor(lambda: {"decision": LocalProxy(self)})

    def __call__(self) -> Decision:
        """The decision for the current request; it is made once for each."""
        return self.on_page(request.endpoint)

    def on_page(self, page: str | None) -> Decision:
        """The decision for the same visitor on another page, such as the one that a view is to explain."""
        made: dict[str | None, Decision] = g.setdefault("tailored", {})
        if page not in made:
            context = context_of(request.headers, page, request.host)
            context |= (self._context() if self._context is not None else None) or {}
            user = (self._user() if self._user is not None else None) or {}
            made[page] = self.engine.evaluate(user, context)
        return made[page]
