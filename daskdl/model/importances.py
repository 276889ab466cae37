"""Variable importances from the first two weight matrices. Source: Gedeon 1997; docs/training.md 17."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daskdl.encoding.encoder import Encoder
from daskdl.network.layout import Layout


def unit_importances(layout: Layout, weights: np.ndarray) -> np.ndarray:
    """Return the importance (inputs,) of each input unit, the largest 1.

    The share that an input has in each hidden unit's absolute weights, passed on by the share that the hidden unit
    has in each unit above it. Maxout counts both pieces.

    >>> layout = Layout(levels=0, numbers=2, hidden=(), outputs=1)
    >>> unit_importances(layout, np.array([-4.0, 2.0, 9.0], np.float32)).tolist()
    [1.0, 0.5]
    """
    first = _absolute(layout, weights, 1)
    if layout.depth == 1:
        importance = first.sum(axis=0)
    else:
        shares = first / _nonzero(first.sum(axis=1, keepdims=True))
        above = _absolute(layout, weights, 2)
        passed = (above / _nonzero(above.sum(axis=1, keepdims=True))) @ shares  # (units above, inputs)
        importance = (passed / _nonzero(passed.sum(axis=1, keepdims=True))).sum(axis=0)
    top = importance.max() if len(importance) else 0.0
    return importance / top if top > 0 else importance


def gedeon(
    layout: Layout, weights: np.ndarray, encoder: Encoder, seen_missing: Sequence[bool] = ()
) -> list[tuple[str, float, float, float]]:
    """Return (variable, relative, scaled, percentage) of every input unit by falling importance.

    The missing unit of a categorical column that had no missing value in training counts as 0; hashed ones have none.
    """
    importance = _met(layout, weights, encoder, seen_missing)
    order = np.argsort(-importance, kind="stable")
    top = float(importance.max()) if len(importance) else 0.0
    total = float(importance.sum())
    names = encoder.unit_names
    return [
        (names[k], float(importance[k]), float(importance[k]) / (top or 1.0), float(importance[k]) / (total or 1.0))
        for k in order
    ]


def of_columns(
    layout: Layout, weights: np.ndarray, encoder: Encoder, seen_missing: Sequence[bool] = ()
) -> dict[str, float]:
    """Return the share of each predictor in the importances: those of its inputs, added up.

    Inputs that several columns share, which are hashed, stand for themselves.
    """
    importance = _met(layout, weights, encoder, seen_missing)
    found = dict.fromkeys(encoder.sources, 0.0)
    if encoder.slots:
        for name in {one.column for one in encoder.levels}:
            del found[name]
        found |= dict(zip(encoder.unit_names, importance[: encoder.slots].tolist(), strict=False))
    else:
        for one in encoder.levels:
            found[one.column] += float(importance[one.start : one.start + one.width].sum())
    for k, one in enumerate(encoder.numbers):
        if one.column in found:
            found[one.column] += float(importance[encoder.level_units + k])
    total = sum(found.values())
    return {name: value / total if total > 0 else 0.0 for name, value in found.items()}


def _met(layout: Layout, weights: np.ndarray, encoder: Encoder, seen_missing: Sequence[bool]) -> np.ndarray:
    """Return the importance of each input unit, 0 for those that training never met."""
    importance = unit_importances(layout, weights)
    for one, seen in zip(() if encoder.slots else encoder.levels, seen_missing, strict=False):
        if not seen:
            importance[one.start + one.width - 1] = 0.0
    return importance


def _absolute(layout: Layout, weights: np.ndarray, layer: int) -> np.ndarray:
    """Return absolute weights (units, inputs), those of a unit's pieces added up."""
    matrix = np.abs(layout.matrix(weights, layer).astype(np.float64))
    shape = (int(layout.channels[layer]), int(layout.units[layer]), matrix.shape[1])
    return matrix.reshape(shape).sum(axis=0)


def _nonzero(sums: np.ndarray) -> np.ndarray:
    return np.where(sums > 0, sums, 1.0)
