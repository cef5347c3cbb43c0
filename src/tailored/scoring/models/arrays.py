"""Trained models as plain arrays: their files, in which nothing is ever run as code, and sums of scores."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

Array = Any  # of numpy, whose dtypes change nothing here
UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile, TypeError, AttributeError)
"""What comes of a file that is there and is no model, from reading it to using its arrays."""


def save(path: Path, arrays: dict[str, Array]) -> None:
    """Writes a model beside, and puts it in the place of the old one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def read(path: Path) -> dict[str, Array]:
    """The arrays of a model. Raises FileNotFoundError where there is none, or one of UNREADABLE."""
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def added(one: Array, other: Array) -> Array:
    """Two arrays of scores, [..., items], added up: each less its mean, in its standard deviations."""
    return _standardised(one) + _standardised(other)


def _standardised(scores: Array) -> Array:
    return (scores - scores.mean(axis=-1, keepdims=True)) / spread(scores)


def spread(scores: Array) -> Array:
    """The standard deviation of scores over items, [..., 1]; 1 where all are the same."""
    deviation = scores.std(axis=-1, keepdims=True)
    return np.where(deviation > 0, deviation, 1.0)
