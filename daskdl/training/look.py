"""One look at the training data before an encoder is made: summaries where they suffice, one pass where they do not."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from daskdl.encoding.encoder import Moments, Response, Statistics
from daskdl.parameters import Resolved
from daskdl.worker import tasks
from frames.chunks.column import Column
from frames.chunks.summary import Summary
from frames.cluster.sending import gather, resident, submit
from frames.frame import H2OFrame


class Overview(NamedTuple):
    """What training needs to know of its data besides the rows."""

    statistics: Statistics
    response: Response | None
    class_counts: np.ndarray | None  # (classes,) rows per class, each as often as its weight
    mean_weight: float  # over rows with a weight above 0
    usable: int | None = None  # rows with a weight above 0 and a known response, where somebody has looked


def look(frame: H2OFrame, resolved: Resolved) -> Overview:
    """Return statistics of predictors and response; rows are read only where weights, offsets or an encoding ask."""
    actual, schema = resolved.actual, frame.schema
    columns = [schema[name] for name in resolved.predictors]
    answer = None if resolved.response is None else schema[resolved.response]
    names = [*resolved.predictors, *([answer.name] if answer else [])]
    summaries = frame.summaries(names)
    moments = {name: _moments(one) for name, one in summaries.items() if schema[name].type != "enum"}
    counts = {c.name: _counts(summaries[c.name], c) for c in columns if c.type == "enum"}
    missing: dict[str, float] = {c.name: summaries[c.name].missing for c in columns}
    mean_response: dict[str, np.ndarray] = {}
    rows: dict[str, np.ndarray] = {}
    mean_weight, usable = 1.0, None
    class_counts = _counts(summaries[answer.name], answer) if answer is not None and answer.type == "enum" else None
    ranked = actual.categorical_encoding == "SortByResponse" and answer is not None
    if actual.weights_column or actual.offset_column or ranked:
        seen = _one_pass(frame, resolved, columns, answer, ranked)
        if actual.weights_column:
            mean_weight, usable = _mean_positive(seen), _usable(seen, resolved, answer)
            class_counts = None if class_counts is None else seen.classes
        moments |= {name: one.moments() for name, one in seen.numbers.items()}
        for name, (having, sums) in seen.weighed.items():
            counts[name], missing[name], rows[name] = sums[:-1], float(sums[-1]), having
        with np.errstate(invalid="ignore"):
            mean_response = {name: sums[1] / sums[0] for name, sums in seen.levels.items()}
    statistics = Statistics(moments, counts, missing, mean_response, rows)
    response = None if answer is None else _response(answer, resolved, moments)
    return Overview(statistics, response, class_counts, mean_weight, usable)


def _moments(summary: Summary) -> Moments:
    return Moments(summary.mean, summary.sigma, summary.minimum, summary.maximum)


def _counts(summary: Summary, column: Column) -> np.ndarray:
    return np.zeros(column.levels or 0, np.int64) if summary.counts is None else summary.counts


def _mean_positive(seen: tasks.Look) -> float:
    return seen.weights.weight / seen.weights.count if seen.weights.count else 1.0


def _usable(seen: tasks.Look, resolved: Resolved, answer: Column | None) -> int | None:
    """Return how many rows count and have a response; None where the look did not take in all that decides it."""
    if answer is None or (resolved.actual.offset_column and not resolved.distribution.has_identity_link):
        return None
    if answer.type == "enum":
        return int(np.ceil(seen.classes.sum()))
    return seen.numbers[answer.name].count


def _response(answer: Column, resolved: Resolved, moments: dict[str, Moments]) -> Response:
    """Return the response; an identity-link one is standardised along with the inputs (docs/training.md 1.4)."""
    if answer.type == "enum":
        return Response(answer.name, answer.domain)
    found = moments[answer.name]
    if not resolved.distribution.has_identity_link or not resolved.actual.standardize or not found.sigma > 0:
        return Response(answer.name, None)
    return Response(answer.name, None, found.mean, 1.0 / found.sigma)


def _one_pass(
    frame: H2OFrame, resolved: Resolved, columns: Sequence[Column], answer: Column | None, ranked: bool
) -> tasks.Look:
    actual = resolved.actual
    weighted = actual.weights_column is not None and not actual.autoencoder  # its scaling goes by range
    numbers = [c.name for c in columns if c.type != "enum" and weighted]
    categoricals = tuple((c.name, c.levels or 0) for c in columns if c.type == "enum")
    if answer is not None and answer.type != "enum":
        numbers.append(answer.name)
    identity = resolved.distribution.has_identity_link
    request = tasks.LookRequest(
        numbers=tuple(numbers),
        levels=categoricals if ranked else (),
        weights=actual.weights_column,
        response=answer.name if answer is not None else None,
        offset=actual.offset_column if identity else None,
        classes=(answer.levels or 0) if answer is not None and answer.type == "enum" else 0,
        weighed=categoricals if weighted else (),
    )
    levels = [name for name, _ in (*request.levels, *request.weighed)]
    names = [*numbers, *levels, request.weights, request.response, request.offset]
    placed = frame.placement(list(dict.fromkeys(name for name in names if name is not None)))
    shared, where = resident(request, placed.client), resident(placed.where, placed.client)
    looks = [submit(tasks.look_task, shared, list(parts), where) for parts in placed.parts]
    return functools.reduce(tasks.Look.merge, gather(looks, "Preparing training (statistics of columns)"))
