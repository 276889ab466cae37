"""New levels for a trained network: each gets an input unit that starts as the column's missing unit.

So the first prediction for a new level is the one it got before, when it counted as missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from daskdl.encoding.categories import LevelInput
from daskdl.encoding.encoder import Encoder
from daskdl.network.layout import Layout
from daskdl.network.state import State
from frames.exceptions import H2OValueError


class Growth(NamedTuple):
    """An encoder with more levels; `origin[u]` (input units,) int64 is the old unit that new unit u starts as, and
    `fresh` (input units,) bool says which units there were not."""

    encoder: Encoder
    origin: np.ndarray
    fresh: np.ndarray


def grow(encoder: Encoder, levels: Mapping[str, Sequence[str]]) -> Growth:
    """Return the encoder with `levels` (new ones by column) after the old ones of each column.

    Where rare levels share a unit (EnumLimited), new ones share it too. Raises H2OValueError for columns whose levels
    are numbers or hashed: there is no unit to add.
    """
    looked_up = {one.column for one in encoder.numbers if one.values is not None}
    unable = sorted(name for name in levels if encoder.slots or name in looked_up)
    if unable:
        raise H2OValueError(
            f"New levels can only be added to columns with a unit per level; got {', '.join(unable)}, whose levels are "
            "hashed or numbers. Use categorical_encoding OneHotInternal, SortByResponse or EnumLimited without "
            "max_categorical_features, or train a new model."
        )
    grown: list[LevelInput] = []
    origin: list[int] = []
    fresh: list[bool] = []
    for one in encoder.levels:
        inputs, units, new = _with_levels(one, levels.get(one.column, ()), start=len(origin))
        grown.append(inputs)
        origin += units
        fresh += new
    numbers = range(encoder.level_units, encoder.width)
    columns = tuple(
        column._replace(domain=(*(column.domain or ()), *levels[column.name])) if column.name in levels else column
        for column in encoder.columns
    )
    return Growth(
        replace(encoder, levels=tuple(grown), columns=columns),
        np.array([*origin, *numbers], np.int64),
        np.array([*fresh, *(False for _ in numbers)], bool),
    )


def _with_levels(one: LevelInput, names: Sequence[str], start: int) -> tuple[LevelInput, list[int], list[bool]]:
    """Return the inputs of a column with more levels, the old unit behind each unit, and which units are new."""
    old = [one.start + unit for unit in range(one.width)]
    missing = one.units[-1]
    if one.name != one.column and len(one.labels) > 1:  # only the frequent levels have units; "other" is the last
        other = len(one.labels) - 2
        return (
            replace(one, units=(*one.units[:-1], *[other] * len(names), missing), start=start),
            old,
            [False] * len(old),
        )
    added = range(missing, missing + len(names))
    labels = (*one.labels[:-1], *(f"{one.column}.{name}" for name in names), *one.labels[-1:])
    units = (*one.units[:-1], *added, missing + len(names))
    behind = [*old[:-1], *[old[-1]] * len(names), old[-1]]
    new = [False] * (len(old) - 1) + [True] * len(names) + [False]
    return replace(one, units=units, labels=labels, start=start), behind, new


def grown_state(state: State, before: Layout, after: Layout, growth: Growth) -> State:
    """Return a copy of a state for the larger network; optimizer slots of new weights are zero, as at the start.

    An autoencoder (as many outputs as inputs, and both grow) also gets the outputs of the new units.
    """
    result = after.empty()
    buffers = zip((state.weights, *state.slots), (result.weights, *result.slots), strict=True)
    for position, (old, new) in enumerate(buffers):
        for layer in range(1, before.depth + 1):
            matrix, bias = before.matrix(old, layer), before.bias(old, layer).copy()
            if layer == 1:
                matrix = matrix[:, growth.origin]
                if position:
                    matrix[:, growth.fresh] = 0
            if layer == before.depth and after.outputs != before.outputs:
                matrix, bias = matrix[growth.origin], bias[growth.origin]
                if position:
                    matrix[growth.fresh], bias[growth.fresh] = 0, 0
            after.set_matrix(new, layer, matrix)
            after.bias(new, layer)[:] = bias
    result.activity[:] = state.activity
    return result
