"""Metrics of the user's own: a class in H2O's form (one row at a time), or a function of whole blocks.

A metric is measured per block of rows, joined over blocks and turned into one number at the end, as the built-in ones
are, so it works on any number of workers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from frames.exceptions import H2OJobError, H2OTypeError, H2OValueError


class CustomRows(NamedTuple):
    """What a custom metric sees of some rows.

    `actual`: class codes or numbers (rows,), for an autoencoder the scaled inputs (rows, units). `predicted`:
    probabilities (rows, classes), numbers (rows,) or reconstructions (rows, units). `labels`: predicted class codes
    (rows,) of a classifier, None otherwise. `weights` and `offsets` (rows,).
    """

    actual: np.ndarray
    predicted: np.ndarray
    labels: np.ndarray | None
    weights: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class CustomMetric:
    """A metric by its name and what measures it: an object with map, reduce and metric, or a function.

    A function is called as ``f(actual, predicted, weights) -> (sum, weight)``; the metric is the quotient of both over
    all rows. It may be jitted.
    """

    name: str
    target: Any

    def measure(self, block: CustomRows) -> Any:
        """Return the partial result of a block; None for one without rows. Raises H2OJobError where the metric does."""
        if not len(block.actual):
            return None
        try:
            return self._measured(block)
        except Exception as cause:  # whatever the user's own code may raise
            said = f"{type(cause).__name__}: {cause}"
            raise H2OJobError(f"The custom metric '{self.name}' failed on {len(block.actual)} rows: {said}") from cause

    def _measured(self, block: CustomRows) -> Any:
        if not hasattr(self.target, "map"):
            total, weight = self.target(block.actual, block.predicted, block.weights)
            return float(total), float(weight)
        partial = None
        for row in _rows(block):
            partial = self.join(partial, self.target.map(*row, None))
        return partial

    def join(self, left: Any, right: Any) -> Any:
        """Return the partial result of two blocks together."""
        if left is None or right is None:
            return right if left is None else left
        if hasattr(self.target, "reduce"):
            return self.target.reduce(left, right)
        return left[0] + right[0], left[1] + right[1]

    def value(self, partial: Any) -> float:
        """Return the metric of all rows; NaN if there were none."""
        if partial is None:
            return float("nan")
        if hasattr(self.target, "metric"):
            return float(self.target.metric(partial))
        return partial[0] / partial[1] if partial[1] else float("nan")


def _rows(block: CustomRows) -> Any:
    """Yield (pred, act, weight, offset) of each row, as H2O's metrics take them: lists of floats."""
    predicted = np.atleast_2d(block.predicted.T).T.astype(float)
    if block.labels is not None:
        predicted = np.column_stack([block.labels, predicted])
    actual = np.atleast_2d(block.actual.T).T.astype(float)
    yield from zip(predicted.tolist(), actual.tolist(), block.weights.tolist(), block.offsets.tolist(), strict=True)


@dataclass(frozen=True)
class WithCustom:
    """A built-in state together with the partial result of a custom metric; merges like any state."""

    state: Any
    custom: CustomMetric
    partial: Any

    def merge(self, other: WithCustom) -> WithCustom:
        """Return both sets of rows."""
        return WithCustom(self.state.merge(other.state), self.custom, self.custom.join(self.partial, other.partial))


def custom_metric(reference: str, find: Callable[[str], Any]) -> CustomMetric:
    """Return the metric behind custom_metric_func.

    `reference` is what upload_custom_metric gave (`find` looks it up), or "package.module:function" of something that
    can be imported. Raises H2OValueError where there is no such metric, H2OTypeError where it is no function.

    >>> custom_metric("math:hypot", lambda key: None).name
    'hypot'
    """
    found = find(reference)
    if found is not None:
        if not callable(found):
            raise H2OTypeError(f"custom_metric_func {reference!r} must name a metric; it is a {type(found).__name__}.")
        name = reference.removeprefix("python:").partition("=")[0]
        return CustomMetric(name, found())
    module, _, name = reference.partition(":")
    if reference.startswith("python:") or not name:
        raise H2OValueError(
            f"custom_metric_func must be a reference from upload_custom_metric or 'module:function'; got {reference!r}."
        )
    try:
        target = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as cause:
        raise H2OValueError(f"custom_metric_func {reference!r} must be importable: {cause}.") from cause
    if not callable(target):
        raise H2OTypeError(f"custom_metric_func {reference!r} must be a function; got {type(target).__name__}.")
    return CustomMetric(name, target)
