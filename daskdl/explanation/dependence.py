"""Predictions of rows whose columns are given other values: what partial dependence and individual curves are made of.

Rows are decoded once; a value of a column is what its inputs become, for every row alike.
Source: Friedman 2001 (partial dependence); Goldstein et al. 2015 (individual conditional expectation).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from daskdl.encoding.decoded import Design, scaled
from daskdl.encoding.encoder import Encoder
from daskdl.scoring.partitions import Scorer, windows


class Setting(NamedTuple):
    """What a value of one or several columns makes of a row's inputs."""

    levels: tuple[tuple[int, int], ...] = ()  # (categorical input, its row of the table or -1)
    numbers: tuple[tuple[int, float], ...] = ()  # (numeric input, scaled value)

    def joined(self, other: Setting) -> Setting:
        """Return both settings together."""
        return Setting(self.levels + other.levels, self.numbers + other.numbers)

    @staticmethod
    def of(encoder: Encoder, column: str, value: Any) -> Setting:
        """Return the setting in which a column has a value: a level's name, a number, None for missing.

        A level that training did not know is missing, as it is in predictions.
        """
        domain = encoder.domains.get(column)
        if domain is None:
            number = math.nan if value is None else float(value)
            slots = [(slot, scaled(one, number)) for slot, one in enumerate(encoder.numbers) if one.column == column]
            return Setting((), tuple(slots))
        code = domain.index(value) if value in domain else len(domain)
        units = [(k, one.units[code], one.start) for k, one in enumerate(encoder.levels) if one.column == column]
        levels = tuple((k, unit + start if unit >= 0 else -1) for k, unit, start in units)
        looked_up = [
            (slot, scaled(one, one.values[code]))
            for slot, one in enumerate(encoder.numbers)
            if one.column == column and one.values is not None
        ]
        return Setting(levels, tuple(looked_up))


class Moments(NamedTuple):
    """Rows, sum of weights, weighted mean and sum of squared deviations; arrays of one shape, which add up."""

    rows: np.ndarray
    weight: np.ndarray
    mean: np.ndarray
    squares: np.ndarray

    @staticmethod
    def of(found: np.ndarray, weights: np.ndarray) -> Moments:
        """Return the moments of values (rows, outputs) over the rows."""
        total = weights.sum()
        mean = weights @ found / total if total > 0 else np.zeros(found.shape[1])
        squares = weights @ (found - mean) ** 2
        count = float(np.count_nonzero(weights))
        return Moments(np.full(mean.shape, count), np.full(mean.shape, total), mean, squares)

    @staticmethod
    def stacked(parts: Sequence[Moments]) -> Moments:
        """Return several as one with an axis more, in front."""
        return Moments(*(np.stack(column) for column in zip(*parts, strict=True)))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of the rows of both (Chan et al. 1983)."""
        total = self.weight + other.weight
        share = np.divide(other.weight, total, out=np.zeros_like(total), where=total > 0)
        step = other.mean - self.mean
        squares = self.squares + other.squares + step**2 * share * self.weight
        return Moments(self.rows + other.rows, total, self.mean + step * share, squares)

    def shown(self) -> np.ndarray:
        """Return (..., 3): mean, standard deviation, error of the mean; without a row NaN, of one row no spread."""
        n = self.rows
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(self.weight > 0, self.mean, np.nan)
            spread = np.sqrt(self.squares / self.weight * n / (n - 1))
            spread = np.where(n > 1, spread, np.where(n == 1, 0.0, np.nan))
            return np.stack([mean, spread, spread / np.sqrt(n)], axis=-1)


def moments(
    scorer: Scorer, design: Design, settings: Sequence[Setting], outputs: Sequence[int], weights: np.ndarray
) -> Moments:
    """Return the moments (settings, outputs) of a partition's predictions under each setting.

    `outputs` are classes; for a numeric response it is (0,). `weights` (rows,).
    """
    found: list[Moments] = [Moments.of(np.zeros((0, len(outputs))), np.zeros(0))] * len(settings)
    for index, k, predicted in _predicted(scorer, design, settings, outputs):
        found[k] = found[k].merge(Moments.of(predicted, weights[index]))
    return Moments.stacked(found)


def curves(scorer: Scorer, design: Design, settings: Sequence[Setting], outputs: Sequence[int]) -> np.ndarray:
    """Return the predictions (rows, settings, outputs) of a partition's rows under each setting."""
    found = np.zeros((design.rows, len(settings), len(outputs)))
    for index, k, predicted in _predicted(scorer, design, settings, outputs):
        found[index, k] = predicted
    return found


def _predicted(
    scorer: Scorer, design: Design, settings: Sequence[Setting], outputs: Sequence[int]
) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
    for index, rows in windows(design, None, design.width):
        for k, setting in enumerate(settings):
            changed = rows._replace(numbers=rows.numbers.copy(), levels=rows.levels.copy())
            for column, unit in setting.levels:
                changed.levels[:, column] = unit
            for slot, value in setting.numbers:
                changed.numbers[:, slot] = value
            predicted = scorer.predictor.predict(scorer.weights, changed)
            yield index, k, predicted[:, None] if predicted.ndim == 1 else predicted[:, list(outputs)]
