"""The weights that a network starts with, drawn from a seed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from daskdl.network.layout import Layout
from daskdl.network.state import State


class FirstWeights(NamedTuple):
    """How weights begin. Source: docs/training.md 3, without its factor 4 on a classifier's output layer.

    That factor cost half a percent of error on digits, and the small tables were worse with it too (h2o_differences).
    """

    distribution: str = "UniformAdaptive"  # or Uniform, Normal
    scale: float = 1.0
    hidden_bias: tuple[float, float] = (0.5, 1.0)  # first hidden layer, later ones; (0, 0) for tanh


def initialise(layout: Layout, start: FirstWeights, seed: int) -> State:
    """Return a fresh state; the same seed gives the same weights on every machine.

    >>> layout = Layout(levels=0, numbers=2, hidden=(), outputs=1)
    >>> initialise(layout, FirstWeights("Uniform", 0.5), seed=1).weights.shape
    (3,)
    """
    state = layout.empty()
    for layer in range(1, layout.depth + 1):
        key = np.array([seed & 0xFFFF_FFFF_FFFF_FFFF, layer], np.uint64)  # a list would turn negative seeds into floats
        rng = np.random.Generator(np.random.Philox(key=key))
        below = layout.inputs if layer == 1 else int(layout.units[layer - 1])
        shape = (int(layout.heights[layer]), below)
        layout.set_matrix(state.weights, layer, _draw(rng, start, shape, int(layout.units[layer])))
        if layer < layout.depth:
            layout.bias(state.weights, layer)[:] = start.hidden_bias[0 if layer == 1 else 1]
    return state


def _draw(rng: np.random.Generator, start: FirstWeights, shape: tuple[int, int], units: int) -> np.ndarray:
    if start.distribution == "Normal":
        return start.scale * rng.standard_normal(shape, dtype=np.float32)
    reach = start.scale if start.distribution == "Uniform" else math.sqrt(6.0 / (shape[1] + units))
    return (rng.random(shape, dtype=np.float32) * np.float32(2) - np.float32(1)) * np.float32(reach)
