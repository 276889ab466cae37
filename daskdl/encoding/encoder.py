"""Where each column lands in the network's input, with which scale, and what a missing value becomes.

Frozen at training. Source: docs/training.md 1. The layout is categorical units first (by falling number of levels),
then numbers in frame order. One rule for missing values in training and in scoring: a missing number is the training
mean, a missing or unseen level is the column's missing unit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from daskdl.encoding.categories import ENCODINGS, LevelInput, Levels, LookedUp, by_falling_size, hashed
from frames.chunks.column import Column


class Moments(NamedTuple):
    """What scaling needs to know of a column: mean, sample standard deviation and extremes over present values."""

    mean: float
    sigma: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class NumberInput:
    """One numeric input: `(value - sub) * mul`; `fill` replaces a missing value before scaling.

    `values` holds a number per training level (last: missing) where the input comes from a categorical column.
    """

    name: str
    column: str
    sub: float
    mul: float
    fill: float
    values: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Response:
    """The response column: its classes, or the scale `(y - sub) * mul` in which training sees it."""

    name: str
    domain: tuple[str, ...] | None
    sub: float = 0.0
    mul: float = 1.0


@dataclass(frozen=True)
class Encoder:
    """The map from a frame's columns to the network's input row."""

    levels: tuple[LevelInput, ...]
    numbers: tuple[NumberInput, ...]
    columns: tuple[Column, ...]  # the training frame's predictors, as typed then
    response: Response | None
    weights: str | None = None
    offset: str | None = None
    skip_missing: bool = False  # leave out rows with a missing predictor in training
    slots: int = 0  # units that all categorical columns share when hashed; 0: not hashed

    @property
    def level_units(self) -> int:
        """Number of categorical units (rows of the table)."""
        return self.slots or sum(one.width for one in self.levels)

    @property
    def width(self) -> int:
        """Number of input units."""
        return self.level_units + len(self.numbers)

    @cached_property
    def unit_names(self) -> list[str]:
        """Names of all input units, in order: `column.level`, `column.missing(NA)`, numeric names."""
        return [label for one in self.levels for label in one.labels] + [one.name for one in self.numbers]

    @property
    def sources(self) -> list[str]:
        """The predictor columns that a frame must offer, in the training frame's order."""
        return [column.name for column in self.columns]

    @cached_property
    def domains(self) -> dict[str, tuple[str, ...]]:
        """Training levels of each categorical predictor."""
        return {c.name: c.domain for c in self.columns if c.domain is not None}

    @cached_property
    def offsets(self) -> list[int]:
        """Where each categorical column's units begin, and where numbers begin (H2O's catoffsets)."""
        return [one.start for one in self.levels] + [self.level_units]

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as JSON; NaN appears as None."""
        record = dataclasses.asdict(self)
        record["columns"] = [list(column) for column in self.columns]
        for one in record["numbers"]:
            if one["values"] is not None:
                one["values"] = [None if math.isnan(v) else v for v in one["values"]]
        return record

    @staticmethod
    def from_dict(record: Mapping[str, Any]) -> Encoder:
        """Return the encoder that `to_dict` described."""
        values = dict(record)
        values["levels"] = tuple(
            LevelInput(o["name"], o["column"], tuple(o["units"]), tuple(o["labels"]), o["start"])
            for o in record["levels"]
        )
        values["numbers"] = tuple(NumberInput(**{**o, "values": _numbers(o["values"])}) for o in record["numbers"])
        values["columns"] = tuple(Column(n, t, None if d is None else tuple(d)) for n, t, d in record["columns"])
        if record["response"] is not None:
            answer = dict(record["response"])
            answer["domain"] = None if answer["domain"] is None else tuple(answer["domain"])
            values["response"] = Response(**answer)
        return Encoder(**values)


def _numbers(values: Sequence[float | None] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(math.nan if v is None else float(v) for v in values)


class Scaling(NamedTuple):
    """How numbers are scaled (docs/training.md 1.3)."""

    standardize: bool = True
    by_range: bool = False  # autoencoders divide by the range instead of the deviation


class Statistics(NamedTuple):
    """What one look at the training data gave: moments of numbers, levels of categoricals."""

    moments: Mapping[str, Moments]  # numeric predictors and a numeric response
    counts: Mapping[str, np.ndarray]  # rows per level of categorical predictors
    missing: Mapping[str, float]  # missing values per predictor
    mean_response: Mapping[str, np.ndarray]  # mean response per level, where the encoding asks for it
    rows: Mapping[str, np.ndarray] = {}  # (levels + 1,) rows behind counts that are sums of weights, missing last


def scale_of(moments: Moments, scaling: Scaling) -> tuple[float, float]:
    """Return `(sub, mul)` of a numeric input.

    >>> scale_of(Moments(5.0, 2.0, 0.0, 10.0), Scaling())
    (5.0, 0.5)
    """
    if not scaling.standardize:
        return 0.0, 1.0
    spread = moments.maximum - moments.minimum if scaling.by_range else moments.sigma
    # the deviation of a constant column may be rounding noise, and the inverse of a denormal spread is infinite
    varied = spread > 0 and moments.maximum > moments.minimum
    mul = 1.0 / spread if varied and math.isfinite(spread) and math.isfinite(1.0 / spread) else 1.0
    return (moments.mean if math.isfinite(moments.mean) else 0.0), mul


def fit(
    columns: Sequence[Column],
    statistics: Statistics,
    response: Response | None,
    *,
    scaling: Scaling,
    encoding: str = "OneHotInternal",
    use_all: bool = True,
    slots: int | None = None,
    seed: int = 0,
    weights: str | None = None,
    offset: str | None = None,
    skip_missing: bool = False,
) -> Encoder:
    """Return the encoder of these predictor columns (in frame order).

    `slots` is max_categorical_features: with more categorical units than that, units are hashed into so many.
    """
    levels: list[LevelInput] = []
    sizes: list[int] = []
    numbers: list[NumberInput] = []
    late: list[NumberInput] = []
    for column in columns:
        if column.type != "enum":
            numbers.append(_plain(column.name, statistics.moments[column.name], scaling))
            continue
        domain = column.domain or ()
        known = Levels(
            name=column.name,
            domain=domain,
            counts=statistics.counts[column.name],
            missing=statistics.missing[column.name],
            mean_response=statistics.mean_response.get(column.name),
            rows=statistics.rows.get(column.name),
        )
        for made in ENCODINGS[encoding](known, use_all):
            if isinstance(made, LevelInput):
                levels.append(made)
                sizes.append(len(made.labels))
            else:
                late.append(_looked_up(made, known, scaling))
    levels = by_falling_size(levels, sizes)
    total = sum(one.width for one in levels)
    shared = slots if slots is not None and slots < total else 0
    return Encoder(
        levels=tuple(hashed(levels, shared, seed) if shared else _placed(levels)),
        numbers=(*numbers, *late),
        columns=tuple(columns),
        response=response,
        weights=weights,
        offset=offset,
        skip_missing=skip_missing,
        slots=shared,
    )


def _placed(levels: list[LevelInput]) -> list[LevelInput]:
    start, placed = 0, []
    for one in levels:
        placed.append(dataclasses.replace(one, start=start))
        start += one.width
    return placed


def _plain(name: str, moments: Moments, scaling: Scaling) -> NumberInput:
    sub, mul = scale_of(moments, scaling)
    return NumberInput(name, name, sub, mul, moments.mean if math.isfinite(moments.mean) else 0.0)


def _looked_up(made: LookedUp, known: Levels, scaling: Scaling) -> NumberInput:
    """Return a numeric input made from levels; its moments are those of the training rows, by weight if weighted."""
    values = np.array(made.values)
    counts = np.append(known.counts, known.missing).astype(float)
    counts[np.isnan(values)] = 0
    present = np.where(np.isnan(values), 0.0, values)
    total = counts.sum()
    mean = float(counts @ present / total) if total else 0.0
    # a weighted spread counts rows in its n / (n - 1)
    rows = float(total if known.rows is None else known.rows[~np.isnan(values)].sum())
    sigma = math.sqrt(counts @ (present - mean) ** 2 / total * rows / (rows - 1)) if rows > 1 else math.nan
    seen = values[counts > 0]
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0)
    sub, mul = scale_of(Moments(mean, sigma, low, high), scaling)
    return NumberInput(name=made.name, column=made.column, sub=sub, mul=mul, fill=mean, values=made.values)
