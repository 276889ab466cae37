"""Which rows count in a metric: the actual is known, every prediction is a number, the weight is above zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from frames.exceptions import H2OValueError


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """The rows of one partition that count: float64 predictions, actuals, weights (None: every row weighs one)."""

    actual: np.ndarray
    predicted: np.ndarray
    weights: np.ndarray | None

    def __len__(self) -> int:
        return len(self.actual)

    @property
    def weight(self) -> float:
        """The sum of the weights."""
        return float(len(self.actual) if self.weights is None else self.weights.sum())

    def total(self, values: np.ndarray) -> float:
        """Give the weighted sum of one value per row."""
        return float(values.sum() if self.weights is None else values @ self.weights)


class ClassRows(NamedTuple):
    """Rows of a classification as metrics see them: codes (rows,), probabilities (rows, classes), that of the actual
    class (rows,), which is 0 for a class that training did not know."""

    actual: np.ndarray
    predicted: np.ndarray
    held: np.ndarray


def usable_classes(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None) -> ScoredRows:
    """Keep the rows that count of a classification; `actual` holds class codes (rows,), -1 or NaN where missing.

    `predicted` is (rows,) or (rows, classes). Raises H2OValueError on unequal lengths, codes that are no whole
    numbers, or negative weights.
    """
    codes = np.asarray(actual)
    if codes.dtype.kind == "f":
        known = ~np.isnan(codes)
        whole = np.where(known, codes, -1.0)
        codes = whole.astype(np.int64)
        if not np.array_equal(codes, whole):
            wrong = whole[codes != whole][0]
            raise H2OValueError(
                f"Actual classes must be codes 0, 1, 2, ...; got {wrong}. Pass the codes of the levels."
            )
    elif codes.dtype.kind not in "iub":
        raise H2OValueError(
            f"Actual classes must be codes 0, 1, 2, ...; got type {codes.dtype}. Pass the codes of the levels."
        )
    return _kept(codes, np.asarray(predicted), weights, codes >= 0)


def usable_numbers(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None) -> ScoredRows:
    """Keep the rows that count of a regression; `actual` and `predicted` are (rows,) numbers, NaN where missing."""
    numbers = np.asarray(actual, np.float64)
    fitted = np.asarray(predicted)
    if fitted.ndim == 2 and fitted.shape[1] == 1:
        fitted = fitted[:, 0]
    if fitted.ndim != 1:
        raise H2OValueError(f"Predictions of a regression must be one number per row; got shape {fitted.shape}.")
    return _kept(numbers, fitted, weights, ~np.isnan(numbers))


def _kept(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None, known: np.ndarray) -> ScoredRows:
    if actual.ndim != 1 or len(predicted) != len(actual):
        raise H2OValueError(
            f"Actual values and predictions must have one entry per row each; got shapes {actual.shape} and "
            f"{predicted.shape}."
        )
    predicted = predicted.astype(np.float64, copy=False)
    lacking = np.isnan(predicted)
    keep = known & ~(lacking if predicted.ndim == 1 else lacking.any(axis=1))
    if weights is not None:
        weights = np.asarray(weights, np.float64)
        keep &= _weighty(weights, len(actual))
    if not keep.all():
        actual, predicted = actual[keep], predicted[keep]
        weights = None if weights is None else weights[keep]
    return ScoredRows(actual, predicted, weights)


def _weighty(weights: np.ndarray, rows: int) -> np.ndarray:
    if weights.shape != (rows,):
        raise H2OValueError(f"Weights must be one number per row, shape ({rows},); got shape {weights.shape}.")
    if (weights < 0).any() or np.isinf(weights).any():
        wrong = weights[(weights < 0) | np.isinf(weights)][0]
        raise H2OValueError(f"Weights must be finite and not negative; got {wrong}. Use 0 to leave a row out.")
    return weights > 0


def within_unit(values: np.ndarray) -> np.ndarray:
    """Clip to [0, 1] what rounding pushed out of it; raises H2OValueError for probabilities further out."""
    if values.size and (values.min() < -1e-6 or values.max() > 1.0 + 1e-6):
        wrong = values.min() if values.min() < -1e-6 else values.max()
        raise H2OValueError(f"Probabilities must lie in [0, 1]; got {wrong}. Pass probabilities, not scores.")
    return np.clip(values, 0.0, 1.0)
