"""Measurements of more than two classes: the state of a block of rows, its merge, and the metrics object made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from daskdl.metrics.base import UNNAMED, Header
from daskdl.metrics.bins import Bins, probability_keys
from daskdl.metrics.multinomial_metrics import H2OMultinomialModelMetrics
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.pairwise import AREAS, Areas, areas_table
from daskdl.metrics.registry import added, finish_all, sums_of
from daskdl.metrics.rows import ClassRows, ScoredRows, usable_classes, within_unit
from frames.exceptions import H2OValueError

MATRIX_CLASSES = 1000  # above, no confusion matrix is kept; every other number is
_AREA_BINS = 400_000  # over all classes together


@dataclass(frozen=True, eq=False)
class MultinomialState:
    """Sums over rows; labels outside the domain count in entry `classes` of `weights` and `errors` and never hit.

    weights, errors (classes + 1,): weight of each actual class and of its wrong predictions; hits
    (min(hit_ranks, classes),): weight of the rows whose actual class ranks 1st, 2nd, ...; confusion
    (classes + 1, classes) or None above 1000 classes; areas: one Bins per class when a multinomial AUC was asked for.
    """

    rows: int
    sums: dict[str, float]
    weights: np.ndarray
    errors: np.ndarray
    hits: np.ndarray
    confusion: np.ndarray | None
    areas: tuple[Bins, ...] | None

    def merge(self, other: MultinomialState) -> MultinomialState:
        """Give the state of the rows of both."""
        confusion = None if self.confusion is None or other.confusion is None else self.confusion + other.confusion
        areas = None
        if self.areas is not None and other.areas is not None:
            areas = tuple(mine.merge(theirs) for mine, theirs in zip(self.areas, other.areas, strict=True))
        return MultinomialState(
            rows=self.rows + other.rows,
            sums=added(self.sums, other.sums),
            weights=self.weights + other.weights,
            errors=self.errors + other.errors,
            hits=self.hits + other.hits,
            confusion=confusion,
            areas=areas,
        )


def measure(
    actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None, options: Options = PLAIN
) -> MultinomialState:
    """Measure rows: `actual` codes (rows,), `predicted` probabilities (rows, classes).

    A code of -1 or NaN is missing, one beyond the domain is a label that was not seen in training.
    Predicted is the class of the largest probability; among equals the one of the largest prior, then of the lowest
    code. Raises H2OValueError when the classes of the predictions are not those of `options.domain`.
    """
    predicted = np.asarray(predicted)
    if predicted.ndim != 2 or (options.domain is not None and predicted.shape[1] != len(options.domain)):
        wanted = "classes" if options.domain is None else len(options.domain)
        raise H2OValueError(f"Predictions must have shape (rows, {wanted}), one column a level; got {predicted.shape}.")
    rows = usable_classes(actual, predicted, weights)
    rows = ScoredRows(rows.actual, within_unit(rows.predicted), rows.weights)
    classes = predicted.shape[1]
    label = np.minimum(rows.actual.astype(np.intp, copy=False), classes)
    seen = label < classes
    held = np.where(seen, rows.predicted[np.arange(len(rows)), np.where(seen, label, 0)], 0.0)
    order = options.tie_order()
    chosen = _best(rows.predicted, order)
    weight = _weights_by(label, rows, classes + 1)
    right = _weights_by(np.where(chosen == label, label, classes + 1), rows, classes + 2)[: classes + 1]
    confusion = None
    if classes <= MATRIX_CLASSES:
        cells = np.bincount(label * classes + chosen, weights=rows.weights, minlength=(classes + 1) * classes)
        confusion = cells.reshape(classes + 1, classes).astype(np.float64)
    return MultinomialState(
        rows=len(rows),
        sums=sums_of("Multinomial", ClassRows(rows.actual, rows.predicted, held), rows, options),
        weights=weight,
        errors=weight - right,
        hits=_hits(rows, label, (held, seen), order, min(options.hit_ranks, classes)),
        confusion=confusion,
        areas=_areas(rows, label, seen) if options.pairwise else None,
    )


def _best(predicted: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    """Give the predicted class of each row (rows,); argmax takes the first of equals, so the order decides ties."""
    if order is None:
        return predicted.argmax(axis=1)
    return order[predicted[:, order].argmax(axis=1)]


def _weights_by(label: np.ndarray, rows: ScoredRows, size: int) -> np.ndarray:
    return np.bincount(label, weights=rows.weights, minlength=size).astype(np.float64)


def _hits(
    rows: ScoredRows, label: np.ndarray, own_class: tuple[np.ndarray, np.ndarray], order: np.ndarray | None, kept: int
) -> np.ndarray:
    """Give the weight of the rows whose actual class has rank 0 ... kept-1 among the probabilities; ties as in `_best`.

    `own_class`: the probability of each row's actual class, and whether training knew that class.
    """
    held, seen = own_class
    classes = rows.predicted.shape[1]
    place = np.arange(classes)
    if order is not None:
        place = np.empty(classes, np.intp)
        place[order] = np.arange(classes)
    own = place[np.where(seen, label, 0)]
    ahead = (rows.predicted > held[:, None]) | ((rows.predicted == held[:, None]) & (place < own[:, None]))
    rank = np.where(seen, np.minimum(np.count_nonzero(ahead, axis=1), kept), kept)
    return _weights_by(rank, rows, kept + 1)[:kept]


def _areas(rows: ScoredRows, label: np.ndarray, seen: np.ndarray) -> tuple[Bins, ...]:
    classes = rows.predicted.shape[1]
    keep = slice(None) if seen.all() else seen
    label, predicted = label[keep], rows.predicted[keep]
    weights = None if rows.weights is None else rows.weights[keep]
    limit = _AREA_BINS // classes
    return tuple(Bins.of(probability_keys(predicted[:, c]), label, weights, limit) for c in range(classes))


@dataclass(frozen=True)
class WholeMultinomial:
    """What metrics of more than two classes see when all rows are in; `areas` by auc and aucpr, if asked for."""

    state: MultinomialState
    options: Options
    scalars: dict[str, float]
    areas: Mapping[str, Areas]

    @property
    def weight(self) -> float:
        """The sum of the rows' weights."""
        return float(self.state.weights.sum())

    def variance(self) -> float:
        """Give the variance of the class code, a row of code c weighing weights[c]."""
        return _variance(self.state.weights)

    def area(self, name: str) -> float:
        """Give the mean area (auc or aucpr) that auc_type asked for, NaN where it asked for none."""
        kind = self.options.pairwise
        return self.areas[name].value(kind) if kind and name in self.areas else float("nan")


def finish(state: MultinomialState, options: Options = PLAIN, header: Header = UNNAMED) -> H2OMultinomialModelMetrics:
    """Make the metrics object of a state; `options` as in `measure`."""
    domain = options.levels()
    if len(domain) != len(state.weights) - 1:
        raise H2OValueError(
            f"The state counts {len(state.weights) - 1} classes; got {len(domain)} levels in the domain."
        )
    areas = {}
    if options.pairwise and state.areas is not None:
        areas = {name: Areas.of(state.areas, area) for name, area in AREAS.items()}
    whole = WholeMultinomial(state, options, {}, areas)
    weight = whole.weight
    hits = np.cumsum(state.hits) / weight if weight else np.full(len(state.hits), np.nan)
    return H2OMultinomialModelMetrics(
        header,
        state.rows,
        finish_all("Multinomial", whole),
        tuple(domain),
        weights=state.weights,
        errors=state.errors,
        hits=hits,
        confusion=state.confusion,
        areas={name: areas_table(one, domain, name) for name, one in areas.items()},
    )


def _variance(weights: np.ndarray) -> float:
    """Give the variance of the class code, a row of code c weighing weights[c]."""
    total = weights.sum()
    if not total:
        return 0.0
    codes = np.arange(len(weights))
    centred = codes - weights @ codes / total
    return float(weights @ centred**2 / total)
