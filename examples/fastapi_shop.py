"""A FastAPI application that shows each visitor what the rule book says.

python examples/fastapi_shop.py 8000
curl 'http://127.0.0.1:8000/?visitor=hiker'
curl 'http://127.0.0.1:8000/why?visitor=hiker&page=home'
"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from tailored import Decision, Engine
from tailored.web.starlette import Tailored

ROOT = Path(__file__).parent.parent


async def user(request: Request) -> dict[str, Any]:
    """Who is asking. A real shop would look into its session; here the address names one of the examples."""
    path = ROOT / "examples" / "requests" / f"{request.query_params.get('visitor', '').strip('./')}.json"
    return json.loads(path.read_text(encoding="utf-8"))["user"] if path.is_file() else {}


app = FastAPI()
tailored = Tailored(Engine.load(ROOT / "rules"), user)


@app.get("/", name="home")
async def home(decision: Annotated[Decision, Depends(tailored)], visitor: str = "") -> HTMLResponse:
    """The home page: the hero, and what else we recommend."""
    hero = decision["hero"]
    # Titles are HTML that the book's authors wrote, with values escaped; ids are plain text.
    parts = [f"<h1>{hero.fields['title']}</h1>"] if hero.content else []
    parts += [f"<li>{escape(item.content)}</li>" for item in decision["recommendations"].items]
    asked = escape(urlencode({"page": "home", "visitor": visitor}))
    parts.append(f'<a href="/why?{asked}">Why am I seeing this?</a>')
    return HTMLResponse("".join(parts))


@app.get("/why")
async def why(request: Request, page: str = "home") -> dict[str, str]:
    """What a visitor may be told about the hero of the page that she came from."""
    return {"hero": (await tailored.on_page(request, page)).why("hero")}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
