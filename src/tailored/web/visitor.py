"""What the head of a request tells of a visit: page, device, language, referrer, Sec-GPC."""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import urlsplit

_TABLET = re.compile(r"iPad|Tablet|PlayBook|Silk(?!.*Mobile)|Android(?!.*Mobile)", re.IGNORECASE)
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Windows Phone", re.IGNORECASE)
_LANGUAGE = re.compile(r"\s*([A-Za-z]{2,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,200}")


class Headers(Protocol):
    """The headers of a request, as every framework has them: names in any case."""

    def get(self, name: str, /) -> str | None:
        """A header, or None."""


def context_of(headers: Headers, page: str | None, host: str | None = None) -> dict[str, object]:
    """The context of a request. What is not known is left out, and a book need not declare all of it.

    `page` is the page; `device` is `mobile`, `tablet` or `desktop`; `language` is what the visitor likes
    best, such as `nb`; `referrer` is the host that a link came from, unless it is `host`, with or
    without its port; `gpc` is true where `Sec-GPC: 1` is sent (https://www.w3.org/TR/gpc/);
    `request_id` is X-Request-ID.
    """
    referrer = _host(headers.get("Referer") or "")
    request_id = headers.get("X-Request-ID") or ""
    found = {
        "page": page,
        "device": device(headers),
        "language": language(headers.get("Accept-Language") or ""),
        "referrer": referrer if referrer != _host(f"//{host or ''}") else None,
        "gpc": True if (headers.get("Sec-GPC") or "").strip() == "1" else None,
        "request_id": request_id if _REQUEST_ID.fullmatch(request_id) else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def device(headers: Headers) -> str | None:
    """The class of the device: by the client hint where there is one, else by the name of the browser."""
    agent = (headers.get("User-Agent") or "")[:1000]
    if _TABLET.search(agent):
        return "tablet"
    hint = (headers.get("Sec-CH-UA-Mobile") or "").strip()
    if hint == "?1" or _MOBILE.search(agent):
        return "mobile"
    return "desktop" if agent or hint == "?0" else None


def language(accepted: str) -> str | None:
    """The language that an Accept-Language header likes best, without its region, in lower case."""
    best, liking = None, 0.0
    for part in accepted[:1000].split(","):
        match = _LANGUAGE.fullmatch(part)
        if match is not None and (quality := float(match[2] or 1)) > liking:
            best, liking = match[1].lower(), quality
    return best


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
