"""The state of a network layer by layer: H2O's table "Status of Neuron Layers", and the check for broken weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from daskdl.coordinator.stopping import LARGEST_BIAS, LayerStatistics, instability
from daskdl.kernels.optimizers import Clock, Figures
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.network.layout import Layout
from daskdl.network.state import State
from daskdl.parameters import Resolved
from daskdl.parameters.chosen import drops_units

HEADER = ("", "layer", "units", "type", "dropout", "l1", "l2", "mean_rate", "rate_rms", "momentum")
HEADER += ("mean_weight", "weight_rms", "mean_bias", "bias_rms")
PIECE = 1 << 14  # weights whose squares are summed in single precision
TYPES = ("string", "int", "int", "string", *["double"] * 10)


def layer_weights(layout: Layout, buffer: np.ndarray, layer: int) -> list[np.ndarray]:
    """Return views on the weights of a layer: the dense block, and for the first layer the table."""
    blocks = [layout.dense(buffer, layer).ravel()]
    return [*blocks, layout.level_table(buffer).ravel()] if layer == 1 and layout.levels else blocks


def layer_statistics(layout: Layout, state: State) -> list[LayerStatistics]:
    """Return means and root mean squares of each layer's weights and biases, in double precision."""
    result = []
    for layer in range(1, layout.depth + 1):
        mean, square = _moments(layer_weights(layout, state.weights, layer))
        bias_mean, bias_square = _moments([layout.bias(state.weights, layer)])
        result.append(LayerStatistics(mean, math.sqrt(square), bias_mean, math.sqrt(bias_square)))
    return result


def broken(layout: Layout, state: State) -> str | None:
    """Return what is numerically broken in a network, None for a sound one, as `stopping.instability` says it.

    After every round all weights are looked at, so first the cheap way: where none is large, no mean or root mean
    square is, and where one is NaN, so are the extremes.

    >>> layout = Layout(levels=0, numbers=2, hidden=(), outputs=1)
    >>> broken(layout, layout.empty()) is None
    True
    """
    weights = state.weights
    if len(weights) and weights.min() >= -LARGEST_BIAS and weights.max() <= LARGEST_BIAS:  # the smaller of two limits
        return None
    return instability(layer_statistics(layout, state))


def _moments(blocks: list[np.ndarray]) -> tuple[float, float]:
    count = sum(len(block) for block in blocks)
    if not count:
        return 0.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(float(block.sum(dtype=np.float64)) for block in blocks)
        squares = sum(_squared(block) for block in blocks)
    return total / count, squares / count


def _squared(block: np.ndarray) -> float:
    """Return the sum of squares; piece by piece, since a table of many levels is looked at after every round."""
    return math.fsum(float(np.dot(piece, piece)) for piece in np.split(block, range(PIECE, len(block), PIECE)))


class Trained(Protocol):
    """What the table reads of a trained model."""

    @property
    def layout(self) -> Layout: ...
    @property
    def state(self) -> State: ...
    @property
    def resolved(self) -> Resolved: ...
    @property
    def category(self) -> str: ...
    @property
    def response(self) -> str | None: ...
    @property
    def samples(self) -> int: ...
    @property
    def epochs(self) -> float: ...

    @property
    def notes(self) -> Mapping[str, Any]: ...


def status_table(model: Trained) -> H2OTwoDimTable:
    """Return the status table of a model (docs/training.md 20); "rms" columns are standard deviations, as in H2O."""
    layout, resolved = model.layout, model.resolved
    rows: list[list[Any]] = [["", 1, layout.inputs, "Input", 100.0 * resolved.input_dropout, *[None] * 9]]
    kind = resolved.activation.name
    dropping = drops_units(resolved.actual)
    for layer in range(1, layout.depth + 1):
        last = layer == layout.depth
        name = f"{kind}Dropout" if dropping else kind
        if last:
            name = kind if model.category == "AutoEncoder" else resolved.distribution.output
        dropout = None if last else 100.0 * (resolved.hidden_dropout[layer - 1] if resolved.hidden_dropout else 0.0)
        rows.append(
            [
                "",
                layer + 1,
                int(layout.units[layer]),
                name,
                dropout,
                resolved.l1,
                resolved.l2,
                *_rates(model, layer),
                *_spreads(layout, model.state, layer),
            ]
        )
    return H2OTwoDimTable("Status of Neuron Layers", description(model), HEADER, TYPES, rows)


def description(model: Trained) -> str:
    """Return the sentence above the status table."""
    resolved, size = model.resolved, model.layout.size
    target = "auto-encoder"
    if model.category != "AutoEncoder":
        kind = "regression" if model.category == "Regression" else f"{resolved.classes}-class classification"
        target = f"predicting {model.response}, {kind}"
    head = resolved.distribution
    staleness = model.notes.get("staleness")  # rows that shared a view of the weights
    shared = "" if staleness is None else f", staleness {staleness:,}"
    return (
        f"{target}, {head.name} distribution, {head.loss_name} loss, {size:,} weights/biases, "
        f"{_bytes(model.state.nbytes)}, {model.samples:,} training samples, mini-batch size "
        f"{resolved.batch:,}{shared}"
    )


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


def _rates(model: Trained, layer: int) -> Figures:
    slots = [np.concatenate(layer_weights(model.layout, slot, layer)) for slot in model.state.slots]
    resolved, passes = model.resolved, model.epochs
    clock = Clock(
        samples=model.samples,
        batch=resolved.batch,
        layers=model.layout.depth,
        target=model.samples * resolved.actual.epochs / passes if passes else 0.0,
        schedule=resolved.schedule,
    )
    return resolved.optimizer.figures(slots, layer, clock)


def _spreads(layout: Layout, state: State, layer: int) -> tuple[float, float, float, float]:
    mean, square = _moments(layer_weights(layout, state.weights, layer))
    bias_mean, bias_square = _moments([layout.bias(state.weights, layer)])
    return mean, math.sqrt(max(square - mean**2, 0.0)), bias_mean, math.sqrt(max(bias_square - bias_mean**2, 0.0))
