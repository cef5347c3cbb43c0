"""A helper for Django: the decision for a request, in views and in templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tailored.engine.decision import Decision
from tailored.engine.engine import Engine
from tailored.web.visitor import context_of

Facts = Mapping[str, Any]
Hook = Callable[[Any], Facts | None]
_KNOWN = "_tailored_decisions"


class Tailored:
    """Decides for requests. Make one, and call it in a view: `tailored(request)["hero"]`.

    `user` is your hook: what you know of the user of a request; None for a visitor whom you do not know.
    `context` may add to what the request tells, or put something else in its place. The page is the name of
    the URL pattern. Name `context_processor` in the options of your templates, and they know the `decision`.
    """

    def __init__(self, engine: Engine, user: Hook | None = None, context: Hook | None = None) -> None:
        self.engine, self._user, self._context = engine, user, context

    def __call__(self, request: Any) -> Decision:
        """The decision for an HttpRequest; it is made once for each."""
        match = request.resolver_match
        return self.on_page(request, match.url_name if match is not None else None)

    def on_page(self, request: Any, page: str | None) -> Decision:
        """The decision for the same visitor on another page, such as the one that a view is to explain."""
        made: dict[str | None, Decision] = getattr(request, _KNOWN, {})
        if page not in made:
            context = context_of(request.headers, page, request.META.get("HTTP_HOST"))
            context |= (self._context(request) if self._context is not None else None) or {}
            user = (self._user(request) if self._user is not None else None) or {}
            made[page] = self.engine.evaluate(user, context)
            setattr(request, _KNOWN, made)
        return made[page]

    def context_processor(self, request: Any) -> dict[str, Callable[[], Decision]]:
        """What templates know; it is decided only where one asks."""
        return {"decision": lambda: self(request)}
