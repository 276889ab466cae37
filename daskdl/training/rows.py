"""Which rows a training has: how many in each partition, in which shares of the classes, and that there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from daskdl.encoding.encoder import Encoder
from daskdl.model.apply import held
from daskdl.shell.placed import PlacedFrame
from daskdl.training.look import Overview
from daskdl.worker import tasks
from frames.cluster.sending import client_of, gather, submit
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

COUNTED = "Preparing training (counting rows)"  # the error of a wait for the counts begins so
REDRAWS = 10  # of the rows of balanced classes, where one vanished
ROW_BYTES = 25.0  # of a decoded row besides its inputs: response, weight, offset, whether it can train


def training_rows(
    job: tasks.Job, table: PlacedFrame, frame: H2OFrame
) -> tuple[tasks.Job, tuple[int, ...], tuple[float, ...] | None]:
    """Return the job, training rows per partition and, where classes are balanced, the class shares among them.

    Drawn anew, up to ten times, where balancing leaves a class without a row. Raises H2OJobError if that never ends.
    Source: docs/training.md 16.
    """
    balance = job.balance
    if balance is None:
        return job, frame.placement(frame.names[:1]).rows, None
    gone, client = np.zeros(0, np.intp), client_of(*table.parts[0])
    for draw in range(1 + REDRAWS):
        drawn = replace(job, balance=balance._replace(draw=draw))
        shared = held(drawn, client)  # once for all partitions: an encoder with many levels is large
        counts = [submit(tasks.count_training_rows, shared, list(chunks), n) for n, chunks in enumerate(table.parts)]
        counts = gather(counts, COUNTED)
        found = np.sum(counts, axis=0)
        gone = np.flatnonzero((np.array(balance.counts) > 0) & (found == 0))
        if not len(gone):
            return drawn, tuple(int(one.sum()) for one in counts), shares_of(found)
    answer = job.encoder.response
    domain = (answer.domain if answer else None) or ()
    names = ", ".join(domain[int(k)] for k in gone[:5])
    raise H2OJobError(
        f"Balanced classes must keep a row of each class; {REDRAWS} draws anew left none of {names}. Raise "
        "max_after_balance_size, or the class_sampling_factors of these classes."
    )


def bytes_of_rows(job: tasks.Job, table: PlacedFrame, rows: Sequence[int]) -> float:
    """Return about what all training rows weigh decoded; the largest partition is looked at where that may matter."""
    encoder = job.encoder
    most = sum(rows) * (8.0 * len(encoder.numbers) + 4.0 * len(encoder.levels) + ROW_BYTES)
    if most <= job.cache:
        return most
    chunks = table.parts[int(np.argmax(table.rows))]
    shared = held(job, client_of(*chunks))
    return sum(rows) * gather(submit(tasks.bytes_per_row, shared, list(chunks)), COUNTED)


def shares_of(counts: np.ndarray | None) -> tuple[float, ...] | None:
    """Return the share of each class; None without counts."""
    if counts is None or counts.sum() == 0:
        return None
    return tuple(float(n) for n in counts / counts.sum())


def require_rows(job: tasks.Job, table: PlacedFrame, frame: H2OFrame, view: Overview) -> None:
    """Raise H2OJobError where no row can train: a predictor missing under Skip, no response, or weight 0.

    Rows are only read where such reasons can meet; one reason alone, over all rows, was refused before.
    """
    encoder = job.encoder
    skipping = encoder.skip_missing and any(view.statistics.missing.get(name, 1) for name in encoder.sources)
    unsure = view.usable is None and _has_unknown(frame, encoder) and _has_zeros(frame, encoder)
    if not skipping and not unsure and view.usable != 0:
        return
    shared = held(job, client_of(*table.parts[0]))
    counts = [submit(tasks.count_usable_rows, shared, list(chunks)) for chunks in table.parts]
    if not sum(gather(counts, COUNTED)):
        raise H2OJobError(
            "No rows left in the dataset to train on: each one lacks a predictor (missing_values_handling 'Skip'), its "
            "response, or its weight. Use 'MeanImputation', leave out columns with many missing values, or fill them."
        )


def _has_unknown(frame: H2OFrame, encoder: Encoder) -> bool:
    answer = encoder.response
    return answer is not None and frame.summaries([answer.name])[answer.name].missing > 0


def _has_zeros(frame: H2OFrame, encoder: Encoder) -> bool:
    weights = encoder.weights
    return weights is not None and frame.summaries([weights])[weights].zeros > 0
