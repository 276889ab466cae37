"""What a partition shows of its columns before an encoder can be made: moments and levels, weighted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from daskdl.encoding.decoded import as_numbers
from daskdl.encoding.moments import WeightedMoments, level_responses, level_weights, weighted_moments
from daskdl.worker.tasks import Where


class LookRequest(NamedTuple):
    """Columns to look at before an encoder can be made: numbers, categoricals with their levels, what weighs rows."""

    numbers: tuple[str, ...]
    levels: tuple[tuple[str, int], ...]
    weights: str | None
    response: str | None
    offset: str | None
    classes: int = 0  # levels of a categorical response whose weights are to be summed
    weighed: tuple[tuple[str, int], ...] = ()  # categoricals, with their levels, whose weights are to be summed


class Look(NamedTuple):
    """What one partition shows of the columns of a `LookRequest`."""

    numbers: dict[str, WeightedMoments]
    levels: dict[str, np.ndarray]
    weights: WeightedMoments
    classes: np.ndarray  # (classes,) summed weights
    weighed: dict[str, np.ndarray]  # (2, levels + 1): see moments.level_weights

    def merge(self, other: Look) -> Look:
        """Return what both show."""
        numbers = {name: one.merge(other.numbers[name]) for name, one in self.numbers.items()}
        levels = {name: one + other.levels[name] for name, one in self.levels.items()}
        weighed = {name: one + other.weighed[name] for name, one in self.weighed.items()}
        return Look(numbers, levels, self.weights.merge(other.weights), self.classes + other.classes, weighed)


def look_tasks(several: Sequence[Sequence[Any]], request: LookRequest, where: Where) -> list[Look]:
    """Return what `look_task` does of one partition of several frames."""
    return [look_task(request, chunks, where) for chunks in several]


def look_task(request: LookRequest, chunks: Sequence[Any], where: Where) -> Look:
    """Return weighted moments and level responses of one partition; a response is looked at less its offset."""

    def column(name: str) -> np.ndarray:
        group, position = where[name]
        return as_numbers(chunks[group].values(position))

    weights = np.ones(chunks[0].rows) if request.weights is None else column(request.weights)
    response = None if request.response is None else column(request.response)
    if request.response is not None and response is not None:
        group, position = where[request.response]
        if chunks[group].types[position] == "enum":
            response[response < 0] = np.nan  # a missing class is no class number
    if response is not None and request.offset is not None:
        response = response - column(request.offset)
    numbers = {}
    for name in request.numbers:
        values = response if name == request.response and response is not None else column(name)
        numbers[name] = weighted_moments(values, weights)
    levels = {}
    for name, size in request.levels:
        assert response is not None  # level responses are only asked for with a response
        levels[name] = level_responses(column(name).astype(np.int64), size, response, weights)
    classes = np.zeros(request.classes)
    if response is not None and request.classes:
        known = response >= 0
        classes = np.bincount(response[known].astype(np.int64), weights[known], request.classes)
    weighed = {
        name: level_weights(column(name).astype(np.int64), size, np.nan_to_num(weights))
        for name, size in request.weighed
    }
    return Look(numbers, levels, weighted_moments(weights, weights), classes, weighed)
