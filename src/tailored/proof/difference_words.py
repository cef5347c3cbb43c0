"""A difference for people and for machines: a paragraph for each slot and setting that changed."""

from __future__ import annotations

import json
from typing import Any

from tailored.proof.difference import CHANGED, UNPROVEN, Change, Difference
from tailored.proof.traffic import Share, Traffic


def data_of(found: Difference, seen: Traffic | None) -> dict[str, Any]:
    """What `--format json` prints."""
    data = found.to_dict()
    return data if seen is None else {**data, "traffic": seen.to_dict()}


def to_text(found: Difference, seen: Traffic | None) -> tuple[str, str]:
    """The closing line, and what stands before it."""
    every = {**found.slots, **found.settings}
    blocks = [_block(name, change, seen) for name, change in every.items() if change.status == CHANGED]
    blocks += [
        f"{name}: could not be decided; it hangs on a `logic:`"
        for name, change in every.items()
        if change.status == UNPROVEN
    ]
    if seen is not None:
        blocks.append(_shares(seen))
    changed = sum(change.status == CHANGED for change in every.values())
    same = sum(change.status not in (CHANGED, UNPROVEN) for change in every.values())
    of = f"{_count(len(found.slots), 'slot')} and {_count(len(found.settings), 'setting')}"
    if same == len(every):
        return f"No change in meaning: proven for {of}.", "\n\n".join(blocks)
    summary = f"{changed} of {of} changed in meaning; {same} proven the same."
    return summary, "\n\n".join(blocks)


def _block(name: str, change: Change, seen: Traffic | None) -> str:
    lines = [f"{name}: changed when {change.when}" if change.when else f"{name}: changed"]
    lines += [f"  old  {_answer(change.old)}", f"  new  {_answer(change.new)}"]
    if change.witness is not None:
        lines.append(f"  such as {json.dumps(change.witness.to_dict(), ensure_ascii=False)}")
    if seen is not None and name in seen.targets:
        lines.append(f"  {_share(seen.targets[name])} of the recorded requests")
    return "\n".join(lines)


def _shares(seen: Traffic) -> str:
    lines = [f"recorded requests: {_share(seen.every)} affected"]
    lines += [f"  of {name}: {_share(share)}" for name, share in seen.segments.items() if share.requests]
    if seen.unreadable:
        lines.append(f"  {_count(seen.unreadable, 'line')} held no request")
    return "\n".join(lines)


def _share(share: Share) -> str:
    return f"{share.affected:,} of {share.requests:,} ({share.share:.1%})"


def _answer(answer: Any) -> str:
    if answer is None:
        return "(nothing)"
    if answer == "hidden":
        return "(hidden)"
    if isinstance(answer, dict) and "content" in answer:
        return _content(answer)
    if isinstance(answer, list):
        return (
            ", ".join(_content(one) if isinstance(one, dict) else str(one) for one in answer) or "(nothing)"
        )
    return json.dumps(answer, ensure_ascii=False) if isinstance(answer, bool) else str(answer)


def _content(answer: dict[str, Any]) -> str:
    fields = json.dumps(answer["fields"], ensure_ascii=False)
    return f"{answer['content']} {fields if len(fields) <= 100 else fields[:99] + '…'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
