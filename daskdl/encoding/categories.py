"""The encodings of categories: each says which inputs a column becomes. Source: docs/training.md 1.2, 1.8, 1.9.

A column becomes either table units (`LevelInput`: one active unit per row) or numbers looked up by level (`LookedUp`).
`ENCODINGS` is the registry; an encoder never asks which one it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from frames.exceptions import H2OResponseError

MISSING_UNIT = "missing(NA)"
FREQUENT = 10  # levels that enum_limited keeps
EIGEN_LEVELS = 1024  # above this the eigen encoding would need a matrix of 8 MB and more; rarer levels share a number


@dataclass(frozen=True)
class LevelInput:
    """A categorical column as units of the table: `units[code]` is the unit of a training level, -1 for none.

    The last entry of `units` belongs to a missing or unseen level. `labels` names the units, `start` is where the
    column's units begin in the table. A missing unit that training never activates starts at zero weights.
    """

    name: str
    column: str
    units: tuple[int, ...]
    labels: tuple[str, ...]
    start: int = 0

    @property
    def width(self) -> int:
        """Number of units."""
        return len(self.labels)


@dataclass(frozen=True)
class LookedUp:
    """A number per training level; the last value belongs to a missing or unseen level (NaN: take the mean)."""

    name: str
    column: str
    values: tuple[float, ...]


class Levels(NamedTuple):
    """What an encoding may know of a categorical column."""

    name: str
    domain: tuple[str, ...]
    counts: np.ndarray  # (levels,) training rows per level, or their summed weights
    missing: float  # training rows without a level, or their summed weights
    mean_response: np.ndarray | None  # (levels,) for sort_by_response
    rows: np.ndarray | None = None  # (levels + 1,) where rows are weighted: how many weigh more than 0, missing last


def one_hot(levels: Levels, use_all: bool, names: Sequence[str] | None = None) -> LevelInput:
    """One unit per level and one for missing; without `use_all` the first level has none.

    >>> one_hot(Levels("size", ("l", "s"), np.ones(2), 0, None), use_all=False).labels
    ('size.s', 'size.missing(NA)')
    """
    labels = [f"{levels.name}.{label}" for label in (names or levels.domain)]
    skip = 0 if use_all else 1
    units = tuple(range(-skip, len(labels) - skip))
    units = tuple(max(u, -1) for u in units)
    kept = labels[skip:]
    return LevelInput(levels.name, levels.name, (*units, len(kept)), (*kept, f"{levels.name}.{MISSING_UNIT}"))


def _one_hot(levels: Levels, use_all: bool) -> list[LevelInput | LookedUp]:
    return [one_hot(levels, use_all)]


def _sort_by_response(levels: Levels, use_all: bool) -> list[LevelInput | LookedUp]:
    if levels.mean_response is None:
        raise H2OResponseError(
            "categorical_encoding SortByResponse needs a response; there is none. Use another encoding."
        )
    order = np.argsort(np.where(np.isnan(levels.mean_response), np.inf, levels.mean_response), kind="stable")
    plain = one_hot(levels, use_all, [levels.domain[i] for i in order])
    position = np.empty(len(order), int)
    position[order] = np.arange(len(order))
    units = tuple(plain.units[position[code]] for code in range(len(order)))
    return [LevelInput(plain.name, plain.column, (*units, plain.units[-1]), plain.labels)]


def _enum_limited(levels: Levels, use_all: bool) -> list[LevelInput | LookedUp]:
    name = f"{levels.name}.top_{FREQUENT}_levels"
    if len(levels.domain) <= FREQUENT:
        return [one_hot(levels, use_all)]
    kept = sorted(np.argsort(-levels.counts, kind="stable")[:FREQUENT])
    labels = [levels.domain[i] for i in kept] + ["other"]
    plain = one_hot(levels._replace(name=name), use_all, labels)
    place = {code: position for position, code in enumerate(kept)}
    units = tuple(plain.units[place.get(code, FREQUENT)] for code in range(len(levels.domain)))
    return [LevelInput(name, levels.name, (*units, plain.units[-1]), plain.labels)]


def _binary(levels: Levels, use_all: bool) -> list[LevelInput | LookedUp]:
    width = 1 + int(math.log2(max(len(levels.domain), 1)))
    codes = [*range(1, len(levels.domain) + 1), 0]
    return [
        LookedUp(f"{levels.name}:{bit}", levels.name, tuple(float(code >> bit & 1) for code in codes))
        for bit in range(width)
    ]


def _label(levels: Levels, use_all: bool) -> list[LevelInput | LookedUp]:
    return [LookedUp(levels.name, levels.name, (*map(float, range(len(levels.domain))), math.nan))]


def _eigen(levels: Levels, use_all: bool) -> list[LevelInput | LookedUp]:
    return [LookedUp(f"{levels.name}.Eigen", levels.name, (*leading_eigenvector(levels.counts), math.nan))]


def leading_eigenvector(counts: np.ndarray) -> tuple[float, ...]:
    """Return one number per level: the leading eigenvector of the correlation of the level indicators.

    The matrix has entries (n c_i [i=j] - c_i c_j) / (n sqrt(c_i c_j)); levels that never occur get 0. The sign is fixed
    so that the largest entry is positive. Source: docs/training.md 1.9.

    >>> [round(v, 3) for v in leading_eigenvector(np.array([9, 16]))]
    [0.8, -0.6]
    """
    values = np.zeros(len(counts))
    kept = np.flatnonzero(counts)
    if len(kept) > EIGEN_LEVELS:
        kept = np.sort(np.argsort(-counts, kind="stable")[:EIGEN_LEVELS])
    c = counts[kept].astype(float)
    if len(c) == 0:
        return tuple(values)
    matrix = np.eye(len(c)) - np.sqrt(np.outer(c, c)) / c.sum()
    vector = np.linalg.eigh(matrix)[1][:, -1]
    values[kept] = vector * np.sign(vector[np.argmax(np.abs(vector))])
    return tuple(float(np.float32(v)) for v in values)


Encoding = Callable[[Levels, bool], list[LevelInput | LookedUp]]
ENCODINGS: dict[str, Encoding] = {
    "OneHotInternal": _one_hot,
    "Binary": _binary,
    "Eigen": _eigen,
    "LabelEncoder": _label,
    "SortByResponse": _sort_by_response,
    "EnumLimited": _enum_limited,
}


def by_falling_size(inputs: list[LevelInput], sizes: Sequence[int]) -> list[LevelInput]:
    """Return inputs by falling number of levels, with H2O's swaps: ties may be permuted (docs/training.md 1.2)."""
    order, size = list(inputs), list(sizes)
    for i in range(len(order)):
        for j in range(i + 1, len(order)):
            if size[i] < size[j]:
                order[i], order[j] = order[j], order[i]
                size[i], size[j] = size[j], size[i]
    return order


def hashed(inputs: list[LevelInput], slots: int, seed: int) -> list[LevelInput]:
    """Return the inputs with their units hashed into `slots` shared ones named `hash.k` (docs/training.md 1.8)."""
    result, start = [], 0
    for one in inputs:
        units = tuple(-1 if u < 0 else abs(_murmur(start + u, seed)) % slots for u in one.units)
        result.append(LevelInput(one.name, one.column, units, ()))
        start += one.width
    labels = tuple(f"hash.{k}" for k in range(slots))
    return [LevelInput(r.name, r.column, r.units, labels if k == 0 else (), 0) for k, r in enumerate(result)]


def _murmur(value: int, seed: int) -> int:
    """Return the signed 32-bit MurmurHash2 of the four big-endian bytes of `value`."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (seed & mask) ^ 4
    k = int.from_bytes(value.to_bytes(4, "big"), "little")
    k = k * m & mask
    k = (k ^ k >> 24) * m & mask
    h = (h * m & mask) ^ k
    h = (h ^ h >> 13) * m & mask
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h
