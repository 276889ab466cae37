"""Two-class measurements: the state of a block of rows, its merge, and the metrics object made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daskdl.metrics.base import UNNAMED, Header, ratio
from daskdl.metrics.binomial_metrics import H2OBinomialModelMetrics
from daskdl.metrics.bins import Bins, probability_keys
from daskdl.metrics.curve import Curve
from daskdl.metrics.gains import cuts
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.registry import added, finish_all, sums_of
from daskdl.metrics.rows import ClassRows, ScoredRows, usable_classes, within_unit
from frames.exceptions import H2OValueError


@dataclass(frozen=True, eq=False)
class BinomialState:
    """Sums over rows and the weights per distinct probability; up to 200,000 of those are kept exactly (see `bins`).

    Rows of a class that training did not know count in `rows`, `weight` and the sums, with probability 0 for their
    class; `bins` holds only the `ranked` rows of the two known classes: the others have no place on a curve.
    """

    rows: int
    weight: float
    sums: dict[str, float]
    bins: Bins
    ranked: int

    def merge(self, other: BinomialState) -> BinomialState:
        """Give the state of the rows of both."""
        return BinomialState(
            self.rows + other.rows,
            self.weight + other.weight,
            added(self.sums, other.sums),
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
    second, first = within_unit(second), within_unit(first)
    held = np.where(rows.actual == 1, second, first)
    known = rows.actual <= 1
    ranked = ScoredRows(rows.actual, second, rows.weights)
    if not known.all():
        held = np.where(known, held, 0.0)
        ranked = ScoredRows(rows.actual[known], second[known], None if rows.weights is None else rows.weights[known])
    return BinomialState(
        len(rows),
        rows.weight,
        sums_of("Binomial", ClassRows(rows.actual, np.stack([first, second], axis=1), held), rows, options),
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


@dataclass(frozen=True)
class WholeBinomial:
    """What metrics of two classes see when all rows are in."""

    state: BinomialState
    options: Options
    scalars: dict[str, float]
    curve: Curve

    @property
    def weight(self) -> float:
        """The sum of the rows' weights."""
        return self.state.weight

    def variance(self) -> float:
        """Give the variance of the 0/1 response."""
        share = ratio(self.curve.positives, self.curve.positives + self.curve.negatives)
        return share * (1.0 - share)


def finish(state: BinomialState, options: Options = PLAIN, header: Header = UNNAMED) -> H2OBinomialModelMetrics:
    """Make the metrics object of a state; areas, maxima and KS come from the exact curve, tables wait for a reader."""
    domain = options.levels()
    if len(domain) != 2:
        raise H2OValueError(f"A two-class measurement needs two levels; got {len(domain)}.")
    cuts(options.gainslift_bins)
    whole = WholeBinomial(state, options, {}, Curve.of(state.bins))
    return H2OBinomialModelMetrics(
        header,
        state.rows,
        finish_all("Binomial", whole),
        tuple(domain),
        curve=whole.curve,
        gainslift_bins=options.gainslift_bins,
        ranked=state.ranked,
    )
