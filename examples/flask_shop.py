"""A Flask application that shows each visitor what the rule book says.

python examples/flask_shop.py 8000
curl 'http://127.0.0.1:8000/?visitor=hiker'
curl 'http://127.0.0.1:8000/why?visitor=hiker&page=home'
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from flask import Flask, jsonify, render_template_string, request

from tailored import Engine
from tailored.web.flask import Tailored

ROOT = Path(__file__).parent.parent
# Titles are HTML that the book's authors wrote, with values escaped: hence `safe`.
PAGE = """
{% if decision.hero.content %}<h1>{{ decision.hero.fields.title | safe }}</h1>{% endif %}
{% for item in decision.recommendations["items"] %}<li>{{ item.content }}</li>{% endfor %}
{% set asked = {"page": request.endpoint, "visitor": request.args.get("visitor")} %}
<a href="{{ url_for('why', **asked) }}">Why am I seeing this?</a>
"""


def user() -> dict[str, Any]:
    """Who is asking. A real shop would look into its session; here the address names one of the examples."""
    path = ROOT / "examples" / "requests" / f"{request.args.get('visitor', '').strip('./')}.json"
    return json.loads(path.read_text(encoding="utf-8"))["user"] if path.is_file() else {}


app = Flask(__name__)
tailored = Tailored(app, Engine.load(ROOT / "rules"), user)


@app.get("/")
def home() -> str:
    """The home page: the hero, and what else we recommend."""
    return render_template_string(PAGE)


@app.get("/why")
def why() -> Any:
    """What a visitor may be told about the hero of the page that she came from."""
    return jsonify(hero=tailored.on_page(request.args.get("page", "home")).why("hero"))


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]))
