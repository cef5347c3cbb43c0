"""A helper for Django: the decision for a request, in views and in templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tailored.engine.decision import Decision
from tailored.engine.engine import Engine
from tailored.web.visitor import context_of

Facts = Mapping[str, Any]
Hook = Callable[[Any], Facts]
_KNOWN = "_tailored_decision"


class Tailored:
    """Decides for requests. Make one, and call it in a view: `tailored(request)["hero"]`.

    `user` is your hook: what you know of the user of a request. `context` may add to what the request tells,
    or put something else in its place. The page is the name of the URL pattern. Name
    `context_processor` in the options of your templates, and they know the `decision`.
    """

    def __init__(self, engine: Engine, user: Hook | None = None, context: Hook | None = None) -> None:
        self.engine, self._user, self._context = engine, user, context

    def __call__(self, request: Any) -> Decision:
        """The decision for an HttpRequest; it is made once for each."""
        known = getattr(request, _KNOWN, None)
        if isinstance(known, Decision):
            return known
        match = request.resolver_match
        page = match.url_name if match is not None else None
        context = context_of(request.headers, page, request.META.get("HTTP_HOST"))
        context |= self._context(request) if self._context is not None else {}
        decision = self.engine.evaluate(self._user(request) if self._user is not None else {}, context)
        setattr(request, _KNOWN, decision)
        return decision

    def context_processor(self, request: Any) -> dict[str, Callable[[], Decision]]:
        """What templates know; it is decided only where one asks."""
        return {"decision": lambda: self(request)}
