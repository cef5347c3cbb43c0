"""A Django application, in one file, that shows each visitor what the rule book says.

python examples/django_shop.py 8000
curl 'http://127.0.0.1:8000/?visitor=hiker'
curl 'http://127.0.0.1:8000/why?visitor=hiker&page=home'
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path

from tailored import Engine
from tailored.web.django import Tailored

ROOT = Path(__file__).parent.parent
# Titles are HTML that the book's authors wrote, with values escaped: hence `safe`.
PAGE = """
{% if decision.hero.content %}<h1>{{ decision.hero.fields.title|safe }}</h1>{% endif %}
{% for item in decision.recommendations.items %}<li>{{ item.content }}</li>{% endfor %}
<a href="{{ why }}">Why am I seeing this?</a>
"""


def user(request: HttpRequest) -> dict[str, Any]:
    """Who is asking. A real shop would look into its session; here the address names one of the examples."""
    file = ROOT / "examples" / "requests" / f"{request.GET.get('visitor', '').strip('./')}.json"
    return json.loads(file.read_text(encoding="utf-8"))["user"] if file.is_file() else {}


tailored = Tailored(Engine.load(ROOT / "rules"), user)
known_to_templates = tailored.context_processor


def home(request: HttpRequest) -> HttpResponse:
    """The home page: the hero, and what else we recommend."""
    asked = urlencode({"page": "home", "visitor": request.GET.get("visitor", "")})
    return HttpResponse(engines["django"].from_string(PAGE).render({"why": f"/why?{asked}"}, request))


def why(request: HttpRequest) -> JsonResponse:
    """What a visitor may be told about the hero of the page that she came from."""
    return JsonResponse({"hero": tailored.on_page(request, request.GET.get("page", "home")).why("hero")})


urlpatterns = [path("", home, name="home"), path("why", why, name="why")]

if __name__ == "__main__":
    settings.configure(
        ROOT_URLCONF="__main__",
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        SECRET_KEY="only for this example",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"context_processors": ["__main__.known_to_templates"]},
            }
        ],
    )
    django.setup()
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", f"127.0.0.1:{sys.argv[1]}"])
