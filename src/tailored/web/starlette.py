"""A dependency for FastAPI, and a callable for Starlette: the decision for a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from starlette.requests import Request

from tailored.engine.decision import Decision
from tailored.engine.engine import Engine
from tailored.web.visitor import context_of

Facts = Mapping[str, Any]
Hook = Callable[[Request], Facts | Awaitable[Facts | None] | None]


class Tailored:
    """Decides for requests. Make one, and depend on it: `decision: Annotated[Decision, Depends(tailored)]`.

    `user` is your hook: what you know of the user of a request; None for a visitor whom you do not know.
    `context` may add to what the request tells, or put something else in its place. Both may be coroutines.
    The page is the name of the route.
    """

    def __init__(self, engine: Engine, user: Hook | None = None, context: Hook | None = None) -> None:
        self.engine, self._user, self._context = engine, user, context

    async def __call__(self, request: Request) -> Decision:
        """The decision for a request; it is made once for each."""
        return await self.on_page(request, _page(request))

    async def on_page(self, request: Request, page: str | None) -> Decision:
        """The decision for the same visitor on another page, such as the one that a route is to explain."""
        made: dict[str | None, Decision] = getattr(request.state, "tailored", {})
        if page not in made:
            context = context_of(request.headers, page, request.headers.get("host"))
            context |= await _asked(self._context, request)
            made[page] = await self.engine.evaluate_async(await _asked(self._user, request), context)
            request.state.tailored = made
        return made[page]


def _page(request: Request) -> str | None:
    route = request.scope.get("route")
    if route is None:  # Starlette names the function only
        endpoint = request.scope.get("endpoint")
        return getattr(endpoint, "__name__", None)
    return getattr(route, "name", None)


async def _asked(hook: Hook | None, request: Request) -> Facts:
    if hook is None:
        return {}
    given = hook(request)
    return (await given if isawaitable(given) else given) or {}
