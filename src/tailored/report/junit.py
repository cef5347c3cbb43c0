"""Cases and findings as JUnit XML, which every CI server reads: a suite per command.

The form is the one that Jenkins and GitLab document; a command without cases has one for each file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tailored.report.outcome import Case, Finding, Outcome
from tailored.report.places import in_repository, in_terminal

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(outcomes: Sequence[Outcome], folder: str) -> str:
    """An XML document."""
    root = Element("testsuites", name="tailored")
    suites = [_suite(root, outcome, folder) for outcome in outcomes]
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _suite(root: Element, outcome: Outcome, folder: str) -> Element:
    if not outcome.ran:
        return _not_run(root, outcome)
    cases = [*outcome.cases, *_of_findings(outcome)]
    failed = sum(any(_fails(finding, outcome.failing) for finding in case.failures) for case in cases)
    suite = SubElement(
        root,
        "testsuite",
        name=outcome.command,
        tests=str(len(cases)),
        failures=str(failed),
        errors="0",
        skipped="0",
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        element = SubElement(
            suite, "testcase", name=_text(case.name), classname=_text(case.group), time=f"{case.seconds:.3f}"
        )
        if case.span is not None:
            element.set("file", _text(in_repository(folder, case.span)))
            element.set("line", str(case.span.line))
        _failures(element, case.failures, folder, outcome.failing)
    return suite


def _not_run(root: Element, outcome: Outcome) -> Element:
    """A command that could not run as an error, and one that was not to run as skipped: it never passed."""
    what, count = ("error", "errors") if outcome.failing else ("skipped", "skipped")
    counts = {"tests": "1", "failures": "0", "errors": "0", "skipped": "0", count: "1", "time": "0.000"}
    suite = SubElement(root, "testsuite", counts, name=outcome.command)
    case = SubElement(suite, "testcase", name=outcome.command, classname=outcome.command, time="0.000")
    SubElement(case, what, message=_text(outcome.summary))
    return suite


def _of_findings(outcome: Outcome) -> list[Case]:
    """The findings outside of cases, as cases: one for each file, or one of the command as a whole."""
    if outcome.cases and not outcome.findings:
        return []
    by_file: dict[str, list[Finding]] = {}
    if not outcome.cases:
        by_file = {path: [] for path in outcome.texts}
    for finding in outcome.findings:
        by_file.setdefault(finding.span.path if finding.span else outcome.command, []).append(finding)
    if not by_file:
        by_file[outcome.command] = []
    return [Case(name, outcome.command, None, tuple(found)) for name, found in by_file.items()]


def _fails(finding: Finding, failing: bool) -> bool:
    """Whether a finding fails its case: an error, or a warning where it is what the command fails by."""
    return finding.severity == "error" or (failing and finding.severity == "warning")


def _failures(element: Element, findings: Sequence[Finding], folder: str, failing: bool) -> None:
    errors = [finding for finding in findings if _fails(finding, failing)]
    others = [finding for finding in findings if not _fails(finding, failing)]
    if errors:
        message = errors[0].message if len(errors) == 1 else f"{len(errors)} errors"
        failure = SubElement(element, "failure", message=_text(message), type=errors[0].code)
        failure.text = _text("\n\n".join(_said(finding, folder) for finding in errors))
    if others:
        SubElement(element, "system-out").text = _text("\n\n".join(_said(one, folder) for one in others))


def _said(finding: Finding, folder: str) -> str:
    place = f"{in_terminal(folder, finding.span)}  " if finding.span else ""
    lines = [f"{place}{finding.severity} {finding.code}", finding.message, finding.hint, finding.details]
    return "\n".join(filter(None, lines))


def _text(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
