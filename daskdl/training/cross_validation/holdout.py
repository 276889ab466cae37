"""Held-out predictions as frames: each fold model's on its own rows, and all of them together.

A fold's frame has a row for every training row, and 0 (the first level) outside of the fold, as in H2O, so that the sum
over the folds is the prediction of every row by the model that never saw it. Source: docs/training.md 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from daskdl.encoding.adaptation import Adaptation, adapt
from daskdl.encoding.decoded import decode
from daskdl.model.apply import held, needed_columns
from daskdl.model.model import Model
from daskdl.scoring import partitions
from daskdl.scoring.partitions import Scorer
from frames.chunks.chunk import Chunk
from frames.chunks.column import Column, Type
from frames.chunks.schema import Schema
from frames.cluster.sending import resident, submit, tasks_named
from frames.frame import Group, H2OFrame

DIGITS = 8  # decimals of combined probabilities


@tasks_named("daskdl-predict")
def holdout_predictions(model: Model, frame: H2OFrame, folds: H2OFrame, number: int) -> H2OFrame:
    """Return the predictions of the rows whose fold is `number`, 0 elsewhere: rows and columns as `predict` gives.

    `folds` has one column of fold numbers, in the partitions of `frame`.
    """
    scorer = model.scorer()
    plan = adapt(model.encoder, frame.schema)
    placed = frame.placement(needed_columns(model.encoder, plan, frame.names) or frame.names[:1])
    assigned = folds.placement(folds.names)
    position = assigned.where[folds.names[0]][1]
    shared = held(scorer, placed.client)
    reading, where = resident(plan, placed.client), resident(placed.where, placed.client)
    chunks = [
        submit(_predict_fold, shared, reading, list(parts), where, own[0], position, number)
        for parts, own in zip(placed.parts, assigned.parts, strict=True)
    ]
    return _frame_of(model.prediction_columns, placed.rows, chunks)


@tasks_named("daskdl-folds")
def combined_predictions(frames: Sequence[H2OFrame]) -> H2OFrame:
    """Return the sum of the folds' frames; probabilities are rounded to 8 decimals."""
    columns = frames[0].schema.columns
    placed = [frame.placement() for frame in frames]
    digits = DIGITS if columns[0].type == "enum" else None
    chunks = [
        submit(_sum, [own.parts[p][0] for own in placed], len(columns), columns[0].levels, digits)
        for p in range(len(placed[0].rows))
    ]
    return _frame_of(columns, placed[0].rows, chunks)


def _frame_of(columns: Sequence[Column], rows: Sequence[int], chunks: Sequence[Any]) -> H2OFrame:
    names = tuple(column.name for column in columns)
    return H2OFrame._from_groups(Schema(tuple(columns)), rows, [Group(tuple(chunks), names)])


def _packed(columns: Sequence[np.ndarray], levels: int | None) -> Chunk:
    """Pack predictions: with `levels` the first column holds their codes."""
    types: list[Type] = ["real"] * len(columns)
    if levels is not None:
        types[0] = "enum"
    return Chunk.pack(list(columns), types, [levels, *[None] * (len(columns) - 1)])


def _predict_fold(
    scorer: Scorer, plan: Adaptation, chunks: list, where: dict, folds: Chunk, position: int, number: int
) -> Chunk:
    index = np.flatnonzero(folds.values(position) == number)
    found = partitions.predictions(scorer, decode(scorer.encoder, plan, chunks, where), index)
    rows = folds.rows
    if found.ndim == 1:
        return _packed([_spread(found, index, rows)], None)
    labels = np.zeros(rows, np.int32)
    labels[index] = scorer.labels(found)
    return _packed([labels, *(_spread(column, index, rows) for column in found.T)], found.shape[1])


def _spread(values: np.ndarray, index: np.ndarray, rows: int) -> np.ndarray:
    column = np.zeros(rows)
    column[index] = values
    return column


def _sum(chunks: Sequence[Chunk], width: int, levels: int | None, digits: int | None) -> Chunk:
    columns = []
    for k in range(width):
        total = np.sum([chunk.values(k) for chunk in chunks], axis=0)
        if levels is not None and k == 0:
            total = total.astype(np.int32)
        elif digits is not None:
            total = np.round(total, digits)
        columns.append(total)
    return _packed(columns, levels)
