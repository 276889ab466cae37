"""Two-class measurements: the state of a block of rows, its merge, and the metrics object made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daskdl.metrics.base import UNNAMED, Header, r_squared, ratio
from daskdl.metrics.binomial_metrics import H2OBinomialModelMetrics
from daskdl.metrics.bins import Bins, probability_keys
from daskdl.metrics.curve import Curve, area_under_pr, area_under_roc
from daskdl.metrics.gains import cuts, lift_of_top_group
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.rows import Rows, usable_classes, within_unit
from frames.errors import H2OValueError

LEAST_PROBABILITY = 1e-15  # logloss never takes the logarithm of less


@dataclass(frozen=True, eq=False)
class BinomialState:
    """Sums over rows and the weights per distinct probability; up to 200,000 of those are kept exactly (see `bins`).

    Rows of a class that training did not know count in `rows`, `weight` and the sums, with probability 0 for their
    class; `bins` holds only the `ranked` rows of the two known classes: the others have no place on a curve.
    """

    rows: int
    weight: float
    squared: float
    logloss: float
    bins: Bins
    ranked: int

    def merge(self, other: BinomialState) -> BinomialState:
        """Give the state of the rows of both."""
        return BinomialState(
            self.rows + other.rows,
            self.weight + other.weight,
            self.squared + other.squared,
            self.logloss + other.logloss,
            self.bins.merge(other.bins),
            self.ranked + other.ranked,
        )


def measure(
    actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None, options: Options = PLAIN
) -> BinomialState:
    """Measure rows: `actual` codes 0/1 (missing: -1, NaN), `predicted` P(class 1) (rows,) or of both classes (rows, 2).

    A code above 1 is a label that was not seen in training. Raises H2OValueError for probabilities outside [0, 1].
    """
    rows = usable_classes(actual, predicted, weights)
    first, second = _both(rows.predicted)
    second = within_unit(second)
    held = np.where(rows.actual == 1, second, within_unit(first))
    known = rows.actual <= 1
    ranked = Rows(rows.actual, second, rows.weights)
    if not known.all():
        held = np.where(known, held, 0.0)
        ranked = Rows(rows.actual[known], second[known], None if rows.weights is None else rows.weights[known])
    return BinomialState(
        len(rows),
        rows.weight,
        rows.total((1.0 - held) ** 2),
        rows.total(-np.log(np.maximum(held, LEAST_PROBABILITY))),
        Bins.of(probability_keys(ranked.predicted), ranked.actual, ranked.weights),
        len(ranked),
    )


def _both(predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if predicted.ndim == 1:
        return 1.0 - predicted, predicted
    if predicted.shape[1] == 1:
        return 1.0 - predicted[:, 0], predicted[:, 0]
    if predicted.ndim != 2 or predicted.shape[1] != 2:
        raise H2OValueError(f"Two-class predictions must have shape (rows,) or (rows, 2); got {predicted.shape}.")
    return predicted[:, 0], predicted[:, 1]


def finish(state: BinomialState, options: Options = PLAIN, header: Header = UNNAMED) -> H2OBinomialModelMetrics:
    """Make the metrics object of a state; areas, maxima and KS come from the exact curve, tables wait for a reader."""
    domain = options.levels()
    if len(domain) != 2:
        raise H2OValueError(f"A two-class measurement needs two levels; got {len(domain)}.")
    cuts(options.gainslift_bins)
    curve = Curve.of(state.bins)
    positives, negatives = curve.positives, curve.negatives
    mse = ratio(state.squared, state.weight)
    share = ratio(positives, positives + negatives)
    scalars = {
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "logloss": ratio(state.logloss, state.weight),
        "r2": r_squared(mse, share * (1.0 - share)),
        "auc": float(area_under_roc(curve.tps, curve.fps)),
        "pr_auc": float(area_under_pr(curve.tps, curve.fps)),
        "kolmogorov_smirnov": _largest_gap(curve),
        "lift_top_group": lift_of_top_group(curve, state.ranked, options.gainslift_bins)
        if state.ranked
        else float("nan"),
    }
    return H2OBinomialModelMetrics(
        header,
        state.rows,
        scalars,
        tuple(domain),
        curve=curve,
        gainslift_bins=options.gainslift_bins,
        ranked=state.ranked,
    )


def _largest_gap(curve: Curve) -> float:
    if not curve.positives:
        return float("nan")
    missed = curve.fps / curve.negatives if curve.negatives else np.zeros_like(curve.fps)
    return float((curve.tps / curve.positives - missed).max())
