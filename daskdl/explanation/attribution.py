"""Contributions of a partition's rows: pairs of rows compared in tiles, and what is said of each column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from daskdl.encoding.decoded import Design
from daskdl.encoding.encoder import Encoder
from daskdl.explanation.deepshap import CELLS_AT_ONCE, Network, Pairs, Traced
from daskdl.kernels.structs import Rows
from daskdl.scoring.partitions import windows
from frames.table.names import unique_names

ORIGINAL, COMPACT = "Original", "Compact"
FORMATS = (ORIGINAL, COMPACT)
BIAS, ROW, OTHER = "BiasTerm", "RowIdx", "BackgroundRowIdx"  # columns that stand beside those of the features


class Background(NamedTuple):
    """The encoded rows that all others are compared with."""

    numbers: np.ndarray  # (rows, numeric inputs) float32
    levels: np.ndarray  # (rows, categorical columns) int32

    def traced(self, network: Network) -> Traced:
        """Return them carried through a network."""
        count = len(self.numbers)
        nothing = np.zeros(count, np.float32)
        rows = Rows(
            numbers=self.numbers,
            levels=self.levels,
            target=nothing[:, None],
            weight=nothing,
            offset=nothing,
            identity=np.zeros(count, np.int64),
        )
        return network.trace(rows)

    @staticmethod
    def joined(parts: list[Background]) -> Background:
        """Return the rows of several partitions together."""
        return Background(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Features:
    """What contributions are said of: every input (`levels_at` None), or every column of the training frame."""

    names: tuple[str, ...]
    numbers_at: np.ndarray  # (numeric inputs,) where each one's contribution goes
    levels_at: np.ndarray | None  # (categorical columns,)

    @staticmethod
    def of(encoder: Encoder, output_format: str) -> Features:
        """Return the features in an output format; columns stand in the order of the inputs."""
        if output_format == ORIGINAL:
            names = _beside(encoder.unit_names)
            return Features(names, encoder.level_units + np.arange(len(encoder.numbers)), None)
        columns = [one.column for one in (*encoder.levels, *encoder.numbers)]
        places = {name: k for k, name in enumerate(dict.fromkeys(columns))}
        at = np.array([places[one] for one in columns], int)
        return Features(_beside(list(places)), at[len(encoder.levels) :], at[: len(encoder.levels)])

    def mean(self, pairs: Pairs, x: np.ndarray, r: np.ndarray, out: np.ndarray) -> None:
        """Add sums over the background to `out` (rows, features); `x` and `r` are the levels of both sides."""
        _add(out, self.numbers_at, pairs.numbers.sum(axis=1))
        if self.levels_at is not None:
            _add(out, self.levels_at, (pairs.gained + pairs.lost).sum(axis=1))
            return
        every = np.arange(len(x))
        for k in range(x.shape[1]):
            has = x[:, k] >= 0
            out[every[has], x[has, k]] += pairs.gained[has, :, k].sum(axis=1)
            for unit in np.unique(r[r[:, k] >= 0, k]):
                out[:, unit] += pairs.lost[:, r[:, k] == unit, k].sum(axis=1)

    def single(self, pairs: Pairs, x: np.ndarray, r: np.ndarray, out: np.ndarray) -> None:
        """Write the contributions of every pair to `out` (rows, background, features), which is zero."""
        _add(out, self.numbers_at, pairs.numbers)
        if self.levels_at is not None:
            _add(out, self.levels_at, pairs.gained + pairs.lost)
            return
        rows, others = np.ogrid[: out.shape[0], : out.shape[1]]
        for k in range(x.shape[1]):
            # a level that is missing (-1) contributes 0, so the last feature may bear it
            out[rows, others, x[:, None, k]] += pairs.gained[:, :, k]
            out[rows, others, r[None, :, k]] += pairs.lost[:, :, k]


def _beside(names: list[str]) -> tuple[str, ...]:
    """Return names of features, changed where they are those of the columns beside them."""
    return unique_names((BIAS, ROW, OTHER, *names))[3:]


def _add(out: np.ndarray, at: np.ndarray, values: np.ndarray) -> None:
    """Add the last axis of `values` to places of the last axis of `out`; a place may occur several times."""
    if len(set(at.tolist())) == len(at):
        out[..., at] += values
    else:
        np.add.at(np.moveaxis(out, -1, 0), at, np.moveaxis(values, -1, 0))


def averaged(network: Network, features: Features, design: Design, background: Background) -> np.ndarray:
    """Return the mean contributions over a background (rows, features + 1) of a partition, last the bias term.

    A row's numbers add up to its prediction; the bias term is the mean prediction of the background, with the row's
    offset.
    """
    other = background.traced(network)
    count = len(other.net)
    found = np.zeros((design.rows, len(features.names) + 1))
    for index, rows, offset in _traced(network, design):
        for low, high, start, end in _tiles(network, len(index), count):
            x, r = rows.part(low, high), other.part(start, end)
            pairs = network.pairs(x, r, offset[low:high])
            found[index[low:high], :-1] += _summed(features, pairs, x, r)
        found[index, :-1] /= count
        found[index, -1] = _bias(network, other, offset).mean(axis=1)
    return found


def referenced(
    network: Network, features: Features, design: Design, background: Background, index: np.ndarray
) -> np.ndarray:
    """Return the contributions of rows `index` beside each background row (rows * background, features + 1).

    The bias term of a pair, in the last column, is the prediction of the background row, with the row's offset.
    """
    other = background.traced(network)
    count = len(other.net)
    found = np.zeros((len(index), count, len(features.names) + 1))
    done = 0
    for chosen, rows, offset in _traced(network, design, index):
        whole = found[done : done + len(chosen)]
        for low, high, start, end in _tiles(network, len(chosen), count):
            x, r = rows.part(low, high), other.part(start, end)
            pairs = network.pairs(x, r, offset[low:high])
            features.single(pairs, x.levels, r.levels, whole[low:high, start:end, :-1])
        whole[:, :, -1] = _bias(network, other, offset)
        done += len(chosen)
    return found.reshape(len(index) * count, -1)


def encoded(design: Design) -> Background:
    """Return the rows of a partition as a background."""
    numbers = np.zeros((design.rows, design.width), np.float32)
    for index, rows in windows(design, None, design.width):
        numbers[index] = rows.numbers
    return Background(numbers, design.levels)


def _summed(features: Features, pairs: Pairs, x: Traced, r: Traced) -> np.ndarray:
    out = np.zeros((len(x.net), len(features.names)))
    features.mean(pairs, x.levels, r.levels, out)
    return out


def _traced(
    network: Network, design: Design, index: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, Traced, np.ndarray]]:
    for chosen, rows in windows(design, index, max(design.width, network.widest())):
        yield chosen, network.trace(rows), rows.offset.astype(np.float64)


def _bias(network: Network, other: Traced, offset: np.ndarray) -> np.ndarray:
    """Return the explained number of each background row with each row's offset (rows, background)."""
    return np.broadcast_to(network.explained(other, offset[:, None]), (len(offset), len(other.net)))


def _tiles(network: Network, rows: int, background: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first row, end, first background row, end): few enough pairs that a layer of them stays in the cache."""
    pairs = max(1, CELLS_AT_ONCE // network.widest())
    wide = min(background, pairs)
    high = max(1, pairs // wide)
    for low in range(0, rows, high):
        for start in range(0, background, wide):
            yield low, min(low + high, rows), start, min(start + wide, background)
