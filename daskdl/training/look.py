"""One look at the training data before an encoder is made: summaries where they suffice, one pass where they do not."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from daskdl.encoding.encoder import Moments, Response, Statistics
from daskdl.parameters import Resolved
from daskdl.worker.looks import Look, LookRequest, look_tasks
from frames.chunks.column import Column
from frames.chunks.summary import Summary
from frames.cluster.sending import gather, submit_all
from frames.frame import H2OFrame

LOOKED = "Preparing training (statistics of columns)"  # the error of a wait for them begins so


class Overview(NamedTuple):
    """What training needs to know of its data besides the rows."""

    statistics: Statistics
    response: Response | None
    class_counts: np.ndarray | None  # (classes,) rows per class, each as often as its weight
    mean_weight: float  # over rows with a weight above 0
    usable: int | None = None  # rows with a weight above 0 and a known response, where somebody has looked


def look(frame: H2OFrame, resolved: Resolved) -> Overview:
    """Return statistics of predictors and response; rows are read only where weights, offsets or an encoding ask."""
    return looks([frame], resolved)[0]


def looks(frames: Sequence[H2OFrame], resolved: Resolved) -> list[Overview]:
    """Return what `look` does of each of several frames; their rows are asked for in one message.

    They have the same columns and partitions, such as the folds of one frame.
    """
    actual, schema = resolved.actual, frames[0].schema
    columns = [schema[name] for name in resolved.predictors]
    answer = None if resolved.response is None else schema[resolved.response]
    ranked = actual.categorical_encoding == "SortByResponse" and answer is not None
    if not (actual.weights_column or actual.offset_column or ranked):
        return [_overview(frame, resolved, columns, answer, seen=None) for frame in frames]
    found = _one_pass(frames, resolved, columns, answer, ranked)
    pairs = zip(frames, found, strict=True)
    return [_overview(frame, resolved, columns, answer, seen) for frame, seen in pairs]


def _overview(
    frame: H2OFrame, resolved: Resolved, columns: Sequence[Column], answer: Column | None, seen: Look | None
) -> Overview:
    """Return an overview from the summaries of a frame, and from what was `seen` of its rows."""
    actual, schema = resolved.actual, frame.schema
    summaries = frame.summaries([*resolved.predictors, *([answer.name] if answer else [])])
    moments = {name: _moments(one) for name, one in summaries.items() if schema[name].type != "enum"}
    counts = {c.name: _counts(summaries[c.name], c) for c in columns if c.type == "enum"}
    missing: dict[str, float] = {c.name: summaries[c.name].missing for c in columns}
    mean_response: dict[str, np.ndarray] = {}
    rows: dict[str, np.ndarray] = {}
    mean_weight, usable = 1.0, None
    class_counts = _counts(summaries[answer.name], answer) if answer is not None and answer.type == "enum" else None
    if seen is not None:
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


def _mean_positive(seen: Look) -> float:
    return seen.weights.weight / seen.weights.count if seen.weights.count else 1.0


def _usable(seen: Look, resolved: Resolved, answer: Column | None) -> int | None:
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
    frames: Sequence[H2OFrame], resolved: Resolved, columns: Sequence[Column], answer: Column | None, ranked: bool
) -> list[Look]:
    """Return what a pass over the rows of each frame shows."""
    request = _request(resolved, columns, answer, ranked)
    levels = [name for name, _ in (*request.levels, *request.weighed)]
    names = [*request.numbers, *levels, request.weights, request.response, request.offset]
    names = list(dict.fromkeys(name for name in names if name is not None))
    placed = [frame.placement(names) for frame in frames]
    items = [[list(parts) for parts in several] for several in zip(*[one.parts for one in placed], strict=True)]
    found = gather(submit_all(look_tasks, items, request, placed[0].where), LOOKED)
    return [functools.reduce(Look.merge, of_one) for of_one in zip(*found, strict=True)]


def _request(resolved: Resolved, columns: Sequence[Column], answer: Column | None, ranked: bool) -> LookRequest:
    actual = resolved.actual
    weighted = actual.weights_column is not None and not actual.autoencoder  # its scaling goes by range
    numbers = [c.name for c in columns if c.type != "enum" and weighted]
    categoricals = tuple((c.name, c.levels or 0) for c in columns if c.type == "enum")
    if answer is not None and answer.type != "enum":
        numbers.append(answer.name)
    identity = resolved.distribution.has_identity_link
    return LookRequest(
        numbers=tuple(numbers),
        levels=categoricals if ranked else (),
        weights=actual.weights_column,
        response=answer.name if answer is not None else None,
        offset=actual.offset_column if identity else None,
        classes=(answer.levels or 0) if answer is not None and answer.type == "enum" else 0,
        weighed=categoricals if weighted else (),
    )
