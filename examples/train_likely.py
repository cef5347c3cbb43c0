"""Trains a small model of the example shop, and exports it to ONNX: what people are likely to take along.

    python examples/train_likely.py              # writes rules/models/likely.onnx

Its four inputs are `item.price`, `item.rating`, `user.average_basket` and `user.visits_last_30_days`; missing
ones are 0. People mostly take along what is well rated and small beside what they usually spend. Samples are
drawn by that rule, seeded; the model is a logistic regression on three features of them, which its graph
works out. It needs numpy and onnx.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILE = Path(__file__).parent.parent / "rules" / "models" / "likely.onnx"
SEED = 20261124
SAMPLES = 20_000
TRUTH = np.array([-1.2, -2.0, 1.1, 0.25])
"""Of the samples: a constant, the price beside the usual basket, the rating above 4, visits."""


def features(inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The price beside the basket (50 where that is unknown), the rating above 4, and visits up to ten."""
    price, rating, basket, visits = inputs.T
    ratio = np.minimum(price / np.where(basket > 0, basket, 50), 5)
    return np.stack([ratio, rating - 4, np.minimum(visits, 10) / 10], axis=1)


def train() -> np.ndarray[Any, Any]:
    """The constant and the three weights, by Newton's method."""
    source = np.random.default_rng(SEED)
    inputs = np.stack(
        [
            source.gamma(2, 60, SAMPLES),
            source.triangular(2.8, 4.3, 5, SAMPLES),
            source.gamma(3, 40, SAMPLES) * (source.random(SAMPLES) < 0.8),
            source.poisson(3, SAMPLES),
        ],
        axis=1,
    )
    known = np.column_stack([np.ones(SAMPLES), features(inputs)])
    taken = source.random(SAMPLES) < 1 / (1 + np.exp(-known @ TRUTH))
    weights = np.zeros(4)
    for _ in range(12):
        likely = 1 / (1 + np.exp(-known @ weights))
        spread = known * (likely * (1 - likely))[:, None]
        weights += np.linalg.solve(spread.T @ known + 1e-6 * np.eye(4), known.T @ (taken - likely))
    return weights.round(4)


def exported(weights: np.ndarray[Any, Any]) -> onnx.ModelProto:
    """The model as a graph: `features` [N, 4] to `score` [N, 1]."""
    numbers = {
        **{f"column{number}": np.array([number]) for number in range(4)},
        "nothing": np.float32([[0]]), "usual": np.float32([[50]]), "most": np.float32([[5]]),
        "four": np.float32([[4]]), "ten": np.float32([[10]]),
        "weights": weights[1:].astype(np.float32)[:, None], "constant": weights[:1].astype(np.float32),
    }  # fmt: skip
    nodes = [helper.make_node("Gather", ["features", f"column{n}"], [f"input{n}"], axis=1) for n in range(4)]
    steps = [
        ("Greater", ["input2", "nothing"], "has_basket"),
        ("Where", ["has_basket", "input2", "usual"], "basket"),
        ("Div", ["input0", "basket"], "beside"),
        ("Min", ["beside", "most"], "ratio"),
        ("Sub", ["input1", "four"], "rating"),
        ("Min", ["input3", "ten"], "few"),
        ("Div", ["few", "ten"], "visits"),
    ]
    nodes += [helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps]
    nodes += [
        helper.make_node("Concat", ["ratio", "rating", "visits"], ["known"], axis=1),
        helper.make_node("Gemm", ["known", "weights", "constant"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["score"]),
    ]
    graph = helper.make_graph(
        nodes,
        "likely",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", 1])],
        [numpy_helper.from_array(value, name) for name, value in numbers.items()],
    )
    model = helper.make_model(graph, producer_name="tailored", opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main(path: Path = FILE) -> None:
    """Writes the model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(exported(train()).SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
