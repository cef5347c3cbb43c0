"""Makes a witness small: what it does not need is left out, as long as it replays the same."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tailored.proof.solving import Happens
from tailored.proof.symbols import Request


def smaller(request: Request, happens: Happens) -> Request:
    """A request with which the same happens, and from which nothing can be left out alone."""
    sides = {"user": deepcopy(request.user), "context": deepcopy(request.context)}

    def still() -> bool:
        return happens(Request(sides["user"], sides["context"], request.now))

    for side in sides.values():
        _shrink_mapping(side, still)
    return Request(sides["user"], sides["context"], request.now)


def _shrink_mapping(holder: dict[str, Any], still: Any) -> None:
    for key in list(holder):
        value = holder.pop(key)
        if still():
            continue
        holder[key] = value
        if isinstance(value, dict):
            _shrink_mapping(value, still)
        elif isinstance(value, list) and value:
            _shrink_list(holder, key, still)


def _shrink_list(holder: dict[str, Any], key: str, still: Any) -> None:
    """Leaves out runs of elements, long runs first."""
    width = len(holder[key])
    while width:
        start = 0
        while start < len(holder[key]):
            whole = holder[key]
            holder[key] = whole[:start] + whole[start + width :]
            if not still():
                holder[key] = whole
                start += width
        width //= 2
