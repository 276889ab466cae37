"""The named bundles of arrays that kernels take: a network, its rows and its settings.

All are NamedTuples, so that a kernel takes a handful of named things and any network depth has one compiled type.
Layers are counted from 1; index 0 of a per-layer array is the input.
"""

from typing import NamedTuple

import numpy as np


class Network(NamedTuple):
    """A network's parameters in flat float32 buffers.

    For layer `l` the dense block at `starts[l]` holds `(channels[l] * units[l], width of layer l-1)` row by row, and
    the block at `biases[l]` holds `channels[l] * units[l]` numbers. The first `levels * channels[1] * units[1]` weights
    are the table of the categorical inputs, one row per level: an active level adds its row to the first layer's sums.
    """

    weights: np.ndarray  # (size,) float32
    slots: np.ndarray  # (k, size) float32, what the optimizer keeps for each weight
    activity: np.ndarray  # (hidden units,) float32, running mean activation (sparse autoencoders)
    units: np.ndarray  # (layers + 1,) int64; units[0] counts the numeric inputs only
    channels: np.ndarray  # (layers + 1,) int64; sums that compete for one unit
    starts: np.ndarray  # (layers + 1,) int64
    biases: np.ndarray  # (layers + 1,) int64
    levels: int  # rows of the categorical table


class Rows(NamedTuple):
    """A window of encoded rows."""

    numbers: np.ndarray  # (rows, numeric inputs) float32, scaled, nothing missing
    levels: np.ndarray  # (rows, categorical columns) int32: row of the table, -1 for none
    target: np.ndarray  # (rows, 1) float32: class index or scaled response; unused by autoencoders
    weight: np.ndarray  # (rows,) float32: factor of the row's gradient; 0 skips the row
    offset: np.ndarray  # (rows,) float32: added to the net output
    identity: np.ndarray  # (rows,) int64: number of the row in the training stream (seeds its dropout masks)


class Settings(NamedTuple):
    """Numbers that steer one call of a training kernel."""

    fast_mode: bool  # leave weights alone whose input or error is zero
    stateless: bool  # plain gradient steps: a unit without error has nothing to do even out of fast mode
    autoencoder: bool  # the target is the input, the output layer has the hidden activation
    input_dropout: np.float32
    hidden_dropout: np.ndarray  # (layers + 1,) float32, 0 for input and output
    rates: np.ndarray  # (layers + 1, steps of the window) float32: what an optimizer takes for the rate of a layer
    average_activation: np.float32
    sparsity_beta: np.float32
    seed: np.uint64
