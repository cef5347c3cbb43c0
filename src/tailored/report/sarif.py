"""Findings as SARIF 2.1.0, the format of code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from tailored.book.diagnostics import Span
from tailored.report.help import help_of
from tailored.report.outcome import Finding, Outcome
from tailored.report.places import in_repository

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(outcomes: Sequence[Outcome], folder: str) -> str:
    """A log with one run; each code is a rule, with the help that the documentation has for it."""
    findings = [finding for outcome in outcomes for finding in outcome.every_finding()]
    codes = list(dict.fromkeys(finding.code for finding in findings))
    levels = {finding.code: finding.severity for finding in reversed(findings)}
    driver = {
        "name": "tailored",
        "semanticVersion": version("tailored"),
        "rules": [_rule(code, levels[code]) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(outcomes)],
        "results": [
            _result(finding, codes.index(finding.code), next(iter(outcome.texts), None), folder)
            for outcome in outcomes
            for finding in outcome.every_finding()
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _invocation(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Whether all could run that was to run, and why the rest did not."""
    idle = [outcome for outcome in outcomes if not outcome.ran]
    said = [
        {
            "level": "error" if outcome.failing else "note",
            "message": {"text": f"{outcome.command}: {outcome.summary}"},
        }
        for outcome in idle
    ]
    ran = {"executionSuccessful": not any(outcome.failing for outcome in idle)}
    return ran | ({"toolExecutionNotifications": said} if said else {})


def _rule(code: str, level: str) -> dict[str, Any]:
    about = help_of(code)
    return {
        "id": code,
        "shortDescription": {"text": about.sentence},
        "help": {"text": about.text, "markdown": about.text},
        "defaultConfiguration": {"level": level},
    }


def _result(finding: Finding, index: int, first: str | None, folder: str) -> dict[str, Any]:
    """A finding. Code scanning takes none without a place, so one about no place is at the `first` file."""
    span = finding.span or (Span(first, 1, 1, 1, 1) if first is not None else None)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": "\n".join(filter(None, (finding.message, finding.hint, finding.details)))},
    }
    if span is not None:
        result["locations"] = [{"physicalLocation": _location(span, folder)}]
    if finding.more:
        result["properties"] = dict(finding.more)
    return result


def _location(span: Span, folder: str) -> dict[str, Any]:
    return {
        "artifactLocation": {
            "uri": quote(os.fsencode(in_repository(folder, span))),
            "uriBaseId": "%SRCROOT%",
        },
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        },
    }
