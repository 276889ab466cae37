"""The weights that training starts from: drawn, given, or taken from an autoencoder. Source: docs/training.md 3, 19."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from daskdl.encoding.encoder import Encoder
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.network.state import State
from daskdl.parameters import Resolved
from frames.exceptions import H2OJobError


def first_state(
    resolved: Resolved,
    layout: Layout,
    encoder: Encoder,
    seen_missing: Sequence[bool],
    weights: Sequence[np.ndarray | None] = (),
    biases: Sequence[np.ndarray | None] = (),
) -> State:
    """Return the state before the first sample.

    `weights[l]` (channels * units, inputs) and `biases[l]` (channels * units,) replace drawn ones where given, each
    independently; a missing number in them leaves the drawn one (`gaps` says so). The missing unit of a column that
    never misses a value starts at zero, so that an unseen level adds nothing. Raises H2OJobError for a wrong shape and
    for infinite numbers.
    """
    actual = resolved.actual
    start = FirstWeights(
        actual.initial_weight_distribution,
        actual.initial_weight_scale,
        resolved.activation.first_bias,
    )
    state = initialise(layout, start, resolved.seed)
    if layout.levels and not encoder.slots:
        table = layout.level_table(state.weights)
        for one, seen in zip(encoder.levels, seen_missing, strict=True):
            if not seen:
                table[one.start + one.width - 1] = 0
    for layer, matrix in enumerate(weights, start=1):
        if matrix is not None:
            below = layout.inputs if layer == 1 else int(layout.units[layer - 1])
            _fits("initial_weights", layer, matrix, (int(layout.heights[layer]), below))
            drawn = layout.matrix(state.weights, layer)
            layout.set_matrix(state.weights, layer, np.where(np.isnan(matrix), drawn, matrix).astype(np.float32))
    for layer, vector in enumerate(biases, start=1):
        if vector is not None:
            _fits("initial_biases", layer, vector, (int(layout.heights[layer]),))
            drawn = layout.bias(state.weights, layer)
            drawn[:] = np.where(np.isnan(vector), drawn, vector)
    return state


def given_arrays(resolved: Resolved) -> tuple[list[np.ndarray | None], list[np.ndarray | None]]:
    """Return the frames of the user's first weights and biases as arrays; H2OJobError for one that holds texts."""

    def array(name: str, frame: Any) -> np.ndarray | None:
        if frame is None:
            return None
        text = [column.name for column in frame.schema.columns if not column.is_number]
        if text:
            raise H2OJobError(
                f"A frame of {name} must hold numbers only; its column '{text[0]}' is {frame.schema[text[0]].type}. "
                "Convert it with asnumeric()."
            )
        return np.asarray(frame.as_data_frame().to_numpy(float))

    weights = [array("initial_weights", one) for one in resolved.actual.initial_weights or ()]
    biases = [array("initial_biases", one) for one in resolved.actual.initial_biases or ()]
    return weights, [None if one is None else one.ravel() for one in biases]


def gaps(name: str, arrays: Sequence[np.ndarray | None]) -> list[str]:
    """Return a sentence for each array of `initial_weights` or `initial_biases` (`name`) that misses numbers.

    >>> gaps("initial_biases", [None, np.array([1.0, np.nan])])
    ['initial_biases number 1 misses 1 of its 2 numbers: those keep their random start.']
    """
    counts = [(k, int(np.isnan(array).sum()), array.size) for k, array in enumerate(arrays) if array is not None]
    return [
        f"{name} number {k} misses {missing:,} of its {size:,} numbers: those keep their random start."
        for k, missing, size in counts
        if missing
    ]


def _fits(name: str, layer: int, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise H2OJobError(
            f"Dimensionality mismatch: {name} number {layer - 1} must have shape {shape} (units, inputs); "
            f"got {array.shape}."
        )
    if np.isinf(array).any():
        raise H2OJobError(
            f"{name} number {layer - 1} must hold finite numbers; one is infinite. Replace it, or make it missing and "
            "so drawn at random."
        )


def adopt_autoencoder(state: State, layout: Layout, other: State, other_layout: Layout) -> State:
    """Return a copy of `state` whose hidden layers are those of a trained autoencoder.

    Raises H2OJobError where columns, levels or hidden sizes differ.
    """
    same = (layout.levels, layout.numbers, layout.hidden, layout.pieces)
    theirs = (other_layout.levels, other_layout.numbers, other_layout.hidden, other_layout.pieces)
    if same != theirs:
        raise H2OJobError(
            "Mismatch between weights in pretrained model and the model to be trained: both need the same columns, "
            f"levels, use_all_factor_levels and hidden layers; got (levels, numbers, hidden, channels) {theirs} "
            f"and {same}."
        )
    result = state.copy()
    for layer in range(1, layout.depth):
        layout.set_matrix(result.weights, layer, other_layout.matrix(other.weights, layer))
        layout.bias(result.weights, layer)[:] = other_layout.bias(other.weights, layer)
    return result
