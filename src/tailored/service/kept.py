"""JSON data that outlives the worker that keeps it, in files that are whole at any moment."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any


def keep(place: Path, data: Any) -> None:
    """Writes JSON data to a file, in one step for whoever reads it.

    Where that cannot be done, what was kept before stays: a full disk costs nobody an answer.
    """
    new = place.with_name(f"{place.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        new.write_text(json.dumps(data))
        new.replace(place)


def kept(place: Path) -> Any:
    """What a file keeps; None where there is nothing that can be read."""
    try:
        return json.loads(place.read_text())
    except (OSError, ValueError):
        return None
