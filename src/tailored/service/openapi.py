"""The OpenAPI document of the service (https://spec.openapis.org/oas/v3.1.0), made for its book."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from tailored.service.flags import REASONS
from tailored.service.problems import TITLES
from tailored.service.requests import Limits

Json = dict[str, Any]

JSON = "application/json"
LINES = "application/x-ndjson"
_OBJECT: Json = {"type": "object"}
_TEXT: Json = {"type": "string"}
_REQUEST: Json = {"user": {"id": "u-1"}, "context": {}}
_CONTEXT: Json = {"context": {"targetingKey": "u-1"}}


def openapi(names: Iterable[str] | None, has_keys: bool, limits: Limits) -> Json:
    """The document. `names` are the slots and settings that it may tell, None where it must not."""
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Tailored",
            "version": version("tailored"),
            "description": "Decides what each user sees, by the rule book that is served.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(limits),
        "components": {"schemas": _schemas(names), "responses": _problems()},
    }
    if has_keys:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            scope = operation.pop("x-scope", None)
            if scope is None:
                continue
            operation["description"] = f"{operation.get('description', '')} Scope: `{scope}`.".strip()
            operation["responses"] |= {"429": _ref("responses", "too-many-requests")}
            if has_keys:
                operation["security"] = [{"bearer": []}, {"key": []}]
                operation["responses"] |= {
                    "401": _ref("responses", "unauthorized"),
                    "403": _ref("responses", "forbidden"),
                }
            else:
                operation["responses"] |= {"421": _ref("responses", "wrong-host")}
            if "requestBody" in operation and "parameters" not in operation and "ofrep" not in path:
                operation["responses"].setdefault("400", _ref("responses", "bad-request"))
    return document


def _paths(limits: Limits) -> Json:
    read = {name: _ref("responses", name) for name in ("too-slow", "too-large", "unsupported-media-type")}
    body_problems = {
        "408": read["too-slow"],
        "413": read["too-large"],
        "415": read["unsupported-media-type"],
    }
    return {
        "/v1/evaluate": {
            "post": {
                "operationId": "evaluate",
                "summary": "What one user sees",
                "x-scope": "evaluate",
                "requestBody": _body("Request", _REQUEST),
                "responses": {"200": _json("The decision", _ref("schemas", "Decision")), **body_problems},
            }
        },
        "/v1/evaluate/batch": {
            "post": {
                "operationId": "evaluateBatch",
                "summary": "What many users see",
                "description": "Each line is a request, answered while they arrive by a line with a decision "
                f"or a problem, in the same order. A line has at most {limits.body:,} bytes. A JSON list of "
                "requests is answered as a whole, by a list of decisions.",
                "x-scope": "evaluate",
                "requestBody": {
                    "required": True,
                    "content": {
                        JSON: {"schema": _list(_ref("schemas", "Request")), "example": [_REQUEST]},
                        LINES: {"schema": _TEXT},
                    },
                },
                "responses": {
                    "200": {
                        "description": "A line for each line, or a decision for each request",
                        "content": {
                            LINES: {"schema": _TEXT},
                            JSON: {"schema": _list(_ref("schemas", "Decision"))},
                        },
                    },
                    **body_problems,
                },
            }
        },
        "/v1/explain": {
            "post": {
                "operationId": "explain",
                "summary": "Why one user sees what they see",
                "description": "It tells values of the request, for people who may know them.",
                "x-scope": "explain",
                "requestBody": _body("Request", _REQUEST),
                "responses": {
                    "200": _json("The decision, with the fate of each rule", _ref("schemas", "Decision")),
                    **body_problems,
                },
            }
        },
        "/v1/book": {
            "get": {
                "operationId": "book",
                "summary": "The book that is served, and what the validator says of it",
                "x-scope": "admin",
                "responses": {"200": _json("The book", _ref("schemas", "Book"))},
            }
        },
        "/v1/book/reload": {
            "post": {
                "operationId": "reload",
                "summary": "Read the book again",
                "description": "A book with errors is refused, and the old one goes on.",
                "x-scope": "admin",
                "responses": {
                    "200": _json("The book that is served now", _ref("schemas", "Reloaded")),
                    "409": _ref("responses", "book-refused"),
                },
            }
        },
        "/ofrep/v1/evaluate/flags/{key}": {
            "post": {
                "operationId": "evaluateFlag",
                "summary": "One slot or setting, as OFREP has it",
                "x-scope": "evaluate",
                "parameters": [{"name": "key", "in": "path", "required": True, "schema": _key_schema()}],
                "requestBody": _body("FlagRequest", _CONTEXT),
                "responses": {
                    "200": _json("The flag", _ref("schemas", "Flag")),
                    "400": _json("The context cannot be used", _ref("schemas", "FlagFailure")),
                    "404": _json("There is no such flag", _ref("schemas", "FlagFailure")),
                    **body_problems,
                },
            }
        },
        "/ofrep/v1/evaluate/flags": {
            "post": {
                "operationId": "evaluateFlags",
                "summary": "All slots and settings, as OFREP has it",
                "x-scope": "evaluate",
                "parameters": [{"name": "If-None-Match", "in": "header", "required": False, "schema": _TEXT}],
                "requestBody": _body("FlagRequest", _CONTEXT),
                "responses": {
                    "200": {
                        **_json("The flags", _ref("schemas", "Flags")),
                        "headers": {"ETag": {"required": True, "schema": _TEXT}},
                    },
                    "304": {
                        "description": "They are as they were",
                        "headers": {"ETag": {"required": True, "schema": _TEXT}},
                    },
                    "400": _json("The context cannot be used", _ref("schemas", "BulkFailure")),
                    **body_problems,
                },
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Counts, for Prometheus",
                "x-scope": "admin",
                "responses": {
                    "200": {
                        "description": "Prometheus or OpenMetrics text, by the Accept header",
                        "content": {
                            "text/plain": {"schema": _TEXT},
                            "application/openmetrics-text": {"schema": _TEXT},
                        },
                    }
                },
            }
        },
        "/healthz": {"get": _open("health", "Whether the process lives", "status")},
        "/readyz": {"get": _open("ready", "Whether it can decide", "status", "book")},
    }


def _open(name: str, summary: str, *fields: str) -> Json:
    schema = {"type": "object", "required": list(fields), "properties": dict.fromkeys(fields, _TEXT)}
    return {"operationId": name, "summary": summary, "responses": {"200": _json("Yes", schema)}}


def _key_schema() -> Json:
    return {"type": "string", "minLength": 1}


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _body(name: str, example: Json) -> Json:
    return {"required": True, "content": {JSON: {"schema": _ref("schemas", name), "example": example}}}


def _problems() -> Json:
    responses = {}
    for name, (_, title) in TITLES.items():
        response: Json = {
            "description": title,
            "content": {"application/problem+json": {"schema": _ref("schemas", "Problem")}},
        }
        if name == "too-many-requests":
            response["headers"] = {
                "Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}
            }
        if name == "unauthorized":
            response["headers"] = {"WWW-Authenticate": {"required": True, "schema": _TEXT}}
        responses[name] = response
    return responses


def _record(properties: Json, required: Iterable[str] | None = None, **more: Any) -> Json:
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": needed, **more}


def _list(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def _schemas(names: Iterable[str] | None) -> Json:
    maybe_text = {"type": ["string", "null"]}
    name = _TEXT if names is None else {"type": "string", "enum": list(names)}
    told = "Only these slots and settings; all where it is left out"
    slots: Json = {**_list(name), "minItems": 1, "description": told}
    if names is not None and not name["enum"]:
        slots = {"type": "array", "maxItems": 0}
    now = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    placement = _record(
        {
            "reason": {"type": "string", "description": "rule, default, hidden; treat others as default"},
            "rule": maybe_text,
            "content": maybe_text,
            "fields": _OBJECT,
            "items": _list(_record({"content": _TEXT, "fields": _OBJECT, "rule": maybe_text})),
            "order": _list(_TEXT),
        },
        ["reason"],
    )
    failure = {"errorCode": _TEXT, "errorDetails": _TEXT}
    count = {"type": "integer", "minimum": 0}
    return {
        "Request": _record(
            {
                "user": {**_OBJECT, "description": "What is known of the user, by the book's attributes"},
                "context": {**_OBJECT, "description": "Where and when they are"},
                "now": {**now, "description": "The moment to decide for; the clock's, unless given"},
                "slots": slots,
            },
            ["user", "context"],
            additionalProperties=False,
        ),
        "Decision": _record(
            {
                "book": {**_TEXT, "description": "The version of the book that decided"},
                "slots": {"type": "object", "additionalProperties": placement},
                "settings": {
                    "type": "object",
                    "additionalProperties": _record({"value": {}, "rule": maybe_text}),
                },
                "withheld": _list(_record({"kind": _TEXT, "id": _TEXT}, ["kind", "id"])),
                "warnings": _list(_record({"code": _TEXT, "attribute": maybe_text, "message": _TEXT})),
            }
        ),
        "Book": _record(
            {
                "version": _TEXT,
                "loaded_at": {"type": "string", "format": "date-time"},
                "counts": {"type": "object", "additionalProperties": count},
                "diagnostics": _list(_OBJECT),
                "errors": count,
                "warnings": count,
                "notes": count,
                "refused": {
                    "anyOf": [
                        {"type": "null"},
                        _record({"at": _TEXT, "reason": _TEXT, "diagnostics": _list(_OBJECT)}),
                    ]
                },
            }
        ),
        "Reloaded": _record(
            {"outcome": {"type": "string", "enum": ["changed", "unchanged", "refreshed"]}, "version": _TEXT}
        ),
        "FlagRequest": _record(
            {
                "context": _record(
                    {"targetingKey": {"type": ["string", "null"], "description": "The id of the user"}},
                    [],
                    description="Attributes by their names, whole (`context.page`) or short (`page`)",
                )
            },
            [],
        ),
        "Flag": _record(
            {
                "key": _TEXT,
                "value": {"description": "An object for a slot; for a setting, a value of its type"},
                "reason": {"type": "string", "enum": sorted({*REASONS.values(), "DEFAULT"})},
                "variant": _TEXT,
                "metadata": {
                    "type": "object",
                    "additionalProperties": {"type": ["string", "boolean", "number"]},
                },
            }
        ),
        "Flags": _record({"flags": _list(_ref("schemas", "Flag")), "metadata": _OBJECT}),
        "FlagFailure": _record({"key": _TEXT, **failure}),
        "BulkFailure": _record(failure),
        "Problem": _record(
            {
                "type": {"type": "string", "format": "uri"},
                "title": _TEXT,
                "status": {"type": "integer"},
                "detail": _TEXT,
                "errors": _list(
                    _record(
                        {
                            "field": {**_TEXT, "description": "A JSON Pointer into the body"},
                            "message": _TEXT,
                        }
                    )
                ),
            },
            ["type", "title", "status", "detail"],
        ),
    }
