"""Folds of cross-validation: which fold each row is held out in, and the weights that hide it or single it out.

A fold model trains on all rows of one frame with weight 0 on its held-out rows, so folds move no data. Source:
docs/training.md 15.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from daskdl.parameters import Resolved
from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster.sending import gather, resident, submit, submit_all, tasks_named
from frames.cluster.tasks import absent, as_float
from frames.exceptions import H2OResponseError
from frames.frame import Group, H2OFrame
from frames.verbs.fold_columns import uniform

ASSIGNMENT = "fold_assignment"  # H2O's name of the one column of a fold frame
WEIGHTS = "__internal_cv_weights__"  # H2O's name of the weights of a fold model
DEALT = "Preparing cross-validation (dealing rows to folds)"  # the error of a wait for that begins so
OWN_STREAM = 0x9E3779B97F4A7C15  # the user may have split the frame with the same seed: draw other numbers


class Folds(NamedTuple):
    """`column` is a frame of one int column, the fold 0..count-1 of each row."""

    column: H2OFrame
    count: int


@tasks_named("daskdl-folds")
def folds_of(resolved: Resolved, frame: H2OFrame) -> Folds:
    """Deal the rows of a frame to folds as the parameters say.

    Random and Stratified folds depend on seed and row numbers only, and differ by at most one row (Stratified: per
    class). A fold column gives one fold per distinct value, in order. Raises H2OResponseError where a fold, or all
    rows outside of one, have no row with a weight above 0.

    Example: ``folds_of(resolved, frame).column.table()``
    """
    actual = resolved.actual
    taken = [name for name in (WEIGHTS,) if name in frame.names]
    if taken:
        raise H2OResponseError(f"A column of the training frame must not be called '{taken[0]}' here. Rename it.")
    if actual.fold_column is not None:
        folds = _named(frame, actual.fold_column)
    elif resolved.fold_assignment == "Stratified":
        response = frame[resolved.response]
        dealt = response.stratified_kfold_column(actual.nfolds, resolved.seed % 2**63)
        folds = Folds(dealt.set_names([ASSIGNMENT]), actual.nfolds)
    else:
        deal = _dealt if resolved.fold_assignment == "Random" else _in_turn
        seed = (resolved.seed ^ OWN_STREAM) % 2**64
        folds = Folds(_column(frame, resolved.response, _deal, deal, seed, actual.nfolds), actual.nfolds)
    _check(folds, None if actual.weights_column is None else frame[[actual.weights_column]])
    return folds


@tasks_named("daskdl-folds")
def with_weights(
    frame: H2OFrame, folds: Folds, numbers: Sequence[int], weights: H2OFrame | None
) -> list[tuple[H2OFrame, H2OFrame]]:
    """Return the frame twice for each fold, with a column `WEIGHTS`: 0 on the fold, and 0 on all others; no data move.

    Rows keep their weight elsewhere: that of the one column of `weights`, or 1. All folds are asked for in one message.
    """
    pairs, at, position = _paired(folds.column, weights)
    chunks = submit_all(_split_weights, [[*pair, number] for number in numbers for pair in pairs], at, position)
    rows, count = frame.placement(frame.names[:1]).rows, len(pairs)
    schema = Schema((Column(WEIGHTS, "real"),))
    found = []
    for first in range(0, len(chunks), count):
        own = tuple(chunks[first : first + count])
        kept, held_out = (
            H2OFrame._from_groups(schema, rows, [Group(own, order)]) for order in ((WEIGHTS, "-"), ("-", WEIGHTS))
        )
        found.append((frame.cbind(kept), frame.cbind(held_out)))
    return found


# ---- how rows are dealt ------------------------------------------------------------------------------------------
def _dealt(rows: int, start: int, seed: int, folds: int) -> np.ndarray:
    """Each run of `folds` rows goes to that many different folds, in random order: random, even, and stateless."""
    if not rows:
        return np.zeros(0, np.int64)
    first, last = start // folds, (start + rows - 1) // folds
    draw = uniform((last - first + 1) * folds, first * folds, seed).reshape(-1, folds)
    return draw.argsort(axis=1).ravel()[start - first * folds :][:rows]


def _in_turn(rows: int, start: int, seed: int, folds: int) -> np.ndarray:
    return np.arange(start, start + rows) % folds


def _deal(chunk: Chunk, start: int, deal: Callable[..., np.ndarray], seed: int, folds: int) -> Chunk:
    return Chunk.pack([deal(chunk.rows, start, seed, folds)], ["int"], [None])


def _column(frame: H2OFrame, beside: str | None, task: Callable[..., Chunk], *arguments: Any) -> H2OFrame:
    """Make a fold column, partition by partition, where the chunks of column `beside` are."""
    placed = frame.placement([beside or frame.names[0]])
    starts = np.cumsum([0, *placed.rows])
    chunks = tuple(submit(task, parts[0], int(starts[p]), *arguments) for p, parts in enumerate(placed.parts))
    return _fold_frame(placed.rows, chunks)


def _fold_frame(rows: Sequence[int], chunks: tuple[Any, ...]) -> H2OFrame:
    return H2OFrame._from_groups(Schema((Column(ASSIGNMENT, "int"),)), rows, [Group(chunks, (ASSIGNMENT,))])


def _named(frame: H2OFrame, name: str) -> Folds:
    """Return number the distinct values of the user's fold column in their order."""
    placed = frame.placement([name])
    position = placed.where[name][1]
    found = gather([submit(_distinct, parts[0], position) for parts in placed.parts], DEALT)
    values = np.unique(np.concatenate(found))
    shared = resident(values, placed.client)
    chunks = tuple(submit(_numbered, parts[0], position, shared) for parts in placed.parts)
    return Folds(_fold_frame(placed.rows, chunks), len(values))


def _distinct(chunk: Chunk, position: int) -> np.ndarray:
    return np.unique(np.asarray(chunk.values(position)))


def _numbered(chunk: Chunk, position: int, values: np.ndarray) -> Chunk:
    return Chunk.pack([np.searchsorted(values, np.asarray(chunk.values(position)))], ["int"], [None])


# ---- weights and counts ------------------------------------------------------------------------------------------
def _paired(folds: H2OFrame, weights: H2OFrame | None) -> tuple[list[list[Any]], int, int]:
    """Return [fold chunk, weight chunk or None] of every partition, and the position of the column in each."""
    mine = folds.placement()
    at = mine.where[folds.names[0]][1]
    if weights is None:
        return [[own[0], None] for own in mine.parts], at, 0
    theirs = weights.placement()
    pairs = [[own[0], parts[0]] for own, parts in zip(mine.parts, theirs.parts, strict=True)]
    return pairs, at, theirs.where[weights.names[0]][1]


def _weights(chunk: Chunk | None, position: int, rows: int) -> np.ndarray:
    if chunk is None:
        return np.ones(rows)
    values = np.asarray(chunk.values(position))
    return np.where(absent(values), 0.0, as_float(values))


def _split_weights(item: tuple[Chunk, Chunk | None, int], at: int, position: int) -> Chunk:
    folds, chunk, number = item
    held_out = folds.values(at) == number
    weights = _weights(chunk, position, folds.rows)
    return Chunk.pack(
        [np.where(held_out, 0.0, weights), np.where(held_out, weights, 0.0)], ["real", "real"], [None, None]
    )


def _count(item: tuple[Chunk, Chunk | None], at: int, position: int, count: int) -> np.ndarray:
    folds, chunk = item
    counted = _weights(chunk, position, folds.rows) > 0
    return np.bincount(folds.values(at).astype(np.int64)[counted], minlength=count)


def _check(folds: Folds, weights: H2OFrame | None) -> None:
    pairs, *positions = _paired(folds.column, weights)
    counts = np.sum(gather(submit_all(_count, pairs, *positions, folds.count), DEALT), axis=0)
    empty = [number + 1 for number, rows in enumerate(counts) if rows == 0 or rows == counts.sum()]
    if empty or folds.count < 2:
        shown = ", ".join(map(str, empty[:10])) + (", ..." if len(empty) > 10 else "")
        raise H2OResponseError(
            f"Not enough data to create {folds.count} random cross-validation splits: fold {shown} holds no row that "
            "counts, or all of them. Either reduce nfolds, specify a larger dataset (or specify another random number "
            "seed, if applicable)."
        )
