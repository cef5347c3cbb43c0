"""A model in the ONNX format, run by onnxruntime: the features of all candidates in one call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from tailored.book.model import Scorer as Declared
from tailored.book.scorers import model_file
from tailored.condition.tree import Attribute, Value
from tailored.condition.types import A_VALUE, Type
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

_NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
_TEXT = "tensor(string)"
_AS_NUMBERS = frozenset((Type.INTEGER, Type.NUMBER, Type.BOOLEAN, Type.DATE, Type.DATETIME))


class Onnx:
    """An exported model. It takes one input of all features, [candidates, features], or one for each feature.

    Booleans are 0 and 1, dates days and datetimes seconds since 1970; a missing text is empty. Of an output
    with several columns, such as the probabilities of two classes, the last one is the score.
    """

    steady = True

    def __init__(
        self, session: Any, features: Sequence[Attribute], output: str | None, missing: float
    ) -> None:
        self._session, self._features, self._missing = session, features, missing
        self._inputs = session.get_inputs()
        names = [one.name for one in session.get_outputs()]
        self._output = output or names[-1]
        if self._output not in names:
            raise NotReady(f"its model has no output `{self._output}`, only {', '.join(names)}")
        if len(self._inputs) not in (1, len(features)):
            raise NotReady(
                f"its model takes {len(self._inputs)} inputs, and `features` names {len(features)} attributes"
            )
        wide = self._inputs[0].shape[1:2]
        if len(self._inputs) == 1 and wide and isinstance(wide[0], int) and wide[0] != len(features):
            raise NotReady(f"its model takes {wide[0]} features, and `features` names {len(features)}")
        for place, feature in enumerate(features):
            kind = self._inputs[place if len(self._inputs) > 1 else 0].type
            if kind != _TEXT and kind not in _NUMBERS:
                raise NotReady(f"its model takes a {kind}, which attributes cannot give")
            if kind == _TEXT and feature.type is not Type.STRING:
                raise NotReady(f"its model takes texts, and `{feature.key}` is {A_VALUE[feature.type]}")
            if kind != _TEXT and feature.type not in _AS_NUMBERS:
                raise NotReady(f"its model takes numbers, and `{feature.key}` is {A_VALUE[feature.type]}")

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """What the model says of each candidate."""
        if not candidates:
            return []
        columns = [self._column(feature, facts, candidates) for feature in self._features]
        if len(self._inputs) == 1:
            feeds = {self._inputs[0].name: _array(columns, self._inputs[0].type).T}
        else:
            feeds = {
                one.name: _array(column, one.type).reshape(-1, *[1] * (len(one.shape) - 1))
                for one, column in zip(self._inputs, columns, strict=True)
            }
        (found,) = self._session.run([self._output], feeds)
        scores = np.asarray(found, dtype=np.float64)
        scores = scores.reshape(len(scores), -1)[:, -1] if scores.size else scores.reshape(-1)
        listed: list[float] = scores.tolist()
        return listed

    def _column(
        self, feature: Attribute, facts: FactValues, candidates: Sequence[Candidate]
    ) -> list[float | str]:
        if feature.side == "item":
            return [self._number(one.attributes.get(feature.name), feature) for one in candidates]
        return [self._number(facts.get(feature.key), feature)] * len(candidates)

    def _number(self, value: Value | None, feature: Attribute) -> float | str:
        if feature.type is Type.STRING:
            return value if isinstance(value, str) else ""
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, date):
            return float((value - date(1970, 1, 1)).days)
        return value if isinstance(value, int | float) else self._missing


def _array(values: Any, kind: str) -> Any:
    return np.array(values, dtype=object if kind == _TEXT else _NUMBERS[kind])


def load(declared: Declared, surroundings: Surroundings) -> Onnx:
    """The model in the file that the book names. Raises NotReady, also where it does not run."""
    return opened(declared, surroundings.folder())


def opened(declared: Declared, folder: Path) -> Onnx:
    """The same, of a book in a folder.

    It runs in one thread, in the one that asks, so that a page's process is not swamped.
    """
    if not declared.features:
        raise NotReady("its `features` name no attribute")
    path = folder / model_file(declared.id, declared.settings)
    if not path.is_file():
        raise NotReady(f"there is no file `{declared.settings['file']}`")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    missing = declared.settings.get("missing", 0.0)
    assert isinstance(missing, int | float)
    output = declared.settings.get("output")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise NotReady(f"`{declared.settings['file']}` is no model that onnxruntime reads") from error
    model = Onnx(session, declared.features, str(output) if output else None, float(missing))
    try:
        tried = model.score({}, [Candidate("a"), Candidate("b")])
    except Exception as error:
        raise NotReady("its model does not take two candidates in one call") from error
    if len(tried) != 2:
        raise NotReady(f"its model gave {len(tried)} scores for two candidates")
    return model
