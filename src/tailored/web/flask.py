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


class Tailored:
    """Decides for requests. Make one, and call it in a view: `tailored()["hero"]`.

    `user` is your hook: what you know of the current user. `context` may add to what the request tells, or
    put something else in its place. The page is the name of the endpoint. Templates of `app` know `decision`.
    """

    def __init__(
        self,
        app: Flask,
        engine: Engine,
        user: Callable[[], Facts] | None = None,
        context: Callable[[], Facts] | None = None,
    ) -> None:
        self.engine, self._user, self._context = engine, user, context
        app.context_processor(lambda: {"decision": LocalProxy(self)})

    def __call__(self) -> Decision:
        """The decision for the current request; it is made once for each."""
        known = g.get("tailored")
        if isinstance(known, Decision):
            return known
        context = context_of(request.headers, request.endpoint, request.host)
        context |= self._context() if self._context is not None else {}
        g.tailored = self.engine.evaluate(self._user() if self._user is not None else {}, context)
        decision: Decision = g.tailored
        return decision
