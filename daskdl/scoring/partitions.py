"""Predictions, errors and metric states of decoded partitions: pure functions that workers run.

Source: docs/training.md 11, 16, 18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from daskdl import metrics
from daskdl.encoding.decoded import Design, empty_window
from daskdl.encoding.encoder import Encoder
from daskdl.kernels.structs import Rows
from daskdl.scoring.predictor import Predictor

ROWS_AT_ONCE = 4096  # 12 MB of gathered MNIST rows
TOGETHER = 8  # metric states that one task merges: a state may keep 200,000 probabilities, 3.6 MB
CELLS_AT_ONCE = 1 << 24  # an expanded window of an autoencoder with many levels stays under 64 MB


@dataclass(frozen=True)
class Scorer:
    """All that a worker needs to use a model: how to read rows, how to predict, the weights, how to measure.

    `threshold` decides between the two classes of a binomial model; `priors` between equally probable classes.
    """

    encoder: Encoder
    predictor: Predictor
    weights: np.ndarray
    options: metrics.Options = metrics.PLAIN
    threshold: float = 0.5
    priors: tuple[float, ...] | None = None
    custom: metrics.CustomMetric | None = None

    def labels(self, p: np.ndarray) -> np.ndarray:
        """Return the predicted class codes (rows,) int32 for probabilities (rows, classes).

        Two classes: the second if its probability reaches the threshold. More: the most probable; among equals the one
        with the largest prior, then the lowest index.
        """
        if self.predictor.category == "Binomial":
            return (p[:, 1] >= self.threshold).astype(np.int32)
        if self.priors is None:
            return p.argmax(axis=1).astype(np.int32)
        order = np.argsort(-np.array(self.priors), kind="stable")
        return order[p[:, order].argmax(axis=1)].astype(np.int32)


def windows(design: Design, index: np.ndarray | None, inputs: int) -> Iterator[tuple[np.ndarray, Rows]]:
    """Yield row numbers and gathered rows of a partition, a few thousand at a time."""
    index = np.arange(design.rows) if index is None else index
    step = max(1, min(ROWS_AT_ONCE, CELLS_AT_ONCE // max(inputs, 1)))
    window = empty_window(min(step, max(len(index), 1)), design)
    for low in range(0, len(index), step):
        chosen = index[low : low + step]
        rows = Rows(*(array[: len(chosen)] for array in window))
        design.window(chosen, np.arange(len(chosen)), rows)
        yield chosen, rows


def predictions(scorer: Scorer, design: Design, index: np.ndarray | None = None) -> np.ndarray:
    """Return predictions of a partition: (rows, classes), (rows,) or, for an autoencoder, (rows, units)."""
    found = [scorer.predictor.predict(scorer.weights, rows) for _, rows in _windows(scorer, design, index)]
    return np.concatenate(found) if found else _nothing(scorer.predictor)


def squared_errors(scorer: Scorer, design: Design, index: np.ndarray | None = None) -> np.ndarray:
    """Return squared reconstruction errors (rows, units) of an autoencoder, in scaled and expanded space."""
    found = []
    for _, rows in _windows(scorer, design, index):
        outputs = scorer.predictor.predict(scorer.weights, rows)
        found.append((outputs - scorer.predictor.clean_input(rows)) ** 2)
    return np.concatenate(found) if found else _nothing(scorer.predictor)


def row_errors(scorer: Scorer, design: Design, index: np.ndarray | None = None) -> np.ndarray:
    """Return the reconstruction MSE (rows,) of each row."""
    found = []
    for _, rows in _windows(scorer, design, index):
        outputs = scorer.predictor.predict(scorer.weights, rows)
        found.append(((outputs - scorer.predictor.clean_input(rows)) ** 2).mean(axis=1))
    return np.concatenate(found) if found else np.zeros(0)


def deep_features(scorer: Scorer, design: Design, layer: int) -> np.ndarray:
    """Return the values (rows, units) of hidden layer `layer` (1-based)."""
    found = [scorer.predictor.hidden_values(scorer.weights, rows, layer) for _, rows in _windows(scorer, design, None)]
    return np.concatenate(found) if found else np.zeros((0, scorer.predictor.layout.hidden[layer - 1]), np.float32)


def measure(scorer: Scorer, design: Design, index: np.ndarray | None = None) -> metrics.State:
    """Return the metric state of a partition, or of its rows `index`; with the user's own metric if there is one."""
    chosen = slice(None) if index is None else index
    weight = design.weight[chosen]
    category = scorer.predictor.category
    if category == "AutoEncoder":
        state = metrics.measure(category, None, row_errors(scorer, design, index), weight, scorer.options)
        return (
            state
            if scorer.custom is None
            else metrics.WithCustom(state, scorer.custom, _rebuilt(scorer, design, index))
        )
    found = predictions(scorer, design, index)
    actual = design.target[chosen]
    if category == "Regression":
        actual = actual / scorer.predictor.mul + scorer.predictor.sub
    state = metrics.measure(category, actual, found, weight, scorer.options)
    if scorer.custom is None:
        return state
    kept = ~np.isnan(actual) & (weight > 0)
    labels = None if category == "Regression" else scorer.labels(found[kept])
    block = metrics.CustomRows(actual[kept], found[kept], labels, weight[kept], design.offset[chosen][kept])
    return metrics.WithCustom(state, scorer.custom, scorer.custom.measure(block))


def merged_in_groups(
    states: Sequence[Any], send: Callable[[Callable[..., metrics.State], list[Any], int], Any]
) -> Sequence[Any]:
    """Return futures of few metric states, merged on the workers from those of many partitions.

    `send(function, futures, priority)` gives the future of a merged state: those of higher priority go first, so that
    states of partitions go before there are many. The groups follow from the number of partitions alone.
    """
    depth = 0
    while len(states) > TOGETHER:
        depth += 1
        states = [send(metrics.merged, list(states[k : k + TOGETHER]), depth) for k in range(0, len(states), TOGETHER)]
    return states


def merged(states: Sequence[metrics.State]) -> metrics.State:
    """Return the state of all partitions, to the bit what `merged_in_groups` leads to."""
    return metrics.merged(merged_in_groups(states, lambda merge, some, _: merge(some)))


def _rebuilt(scorer: Scorer, design: Design, index: np.ndarray | None) -> Any:
    """Return the partial result of a custom metric on inputs and reconstructions, window by window."""
    assert scorer.custom is not None  # the caller has looked
    partial = None
    for chosen, rows in _windows(scorer, design, index):
        made = scorer.predictor.predict(scorer.weights, rows)
        clean = scorer.predictor.clean_input(rows).astype(np.float64)
        block = metrics.CustomRows(clean, made, None, design.weight[chosen], design.offset[chosen])
        partial = scorer.custom.join(partial, scorer.custom.measure(block))
    return partial


def _windows(scorer: Scorer, design: Design, index: np.ndarray | None) -> Iterator[tuple[np.ndarray, Rows]]:
    wide = scorer.predictor.layout.inputs if scorer.predictor.category == "AutoEncoder" else design.width
    return windows(design, index, wide)


def _nothing(predictor: Predictor) -> np.ndarray:
    return np.zeros(0 if predictor.category == "Regression" else (0, predictor.layout.outputs))
