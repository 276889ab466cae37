"""A frame's columns as a page shows them: what the summaries say, and a histogram of each as small bars."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from frames.exceptions import H2OValueError
from frames.frame import H2OFrame
from frames.verbs.display import shown

BINS = 20
LEVELS = 20  # of a categorical column that are drawn
PER_PAGE = 25  # columns on one page
NUMBERS = ("int", "real", "time")


class Bar(NamedTuple):
    """One bar: what it stands for, how many rows, and its height in 0..1."""

    label: str
    rows: int
    height: float


class ColumnView(NamedTuple):
    """A column in numbers and bars; cells are texts."""

    name: str
    type: str
    missing: int
    zeros: int | None
    minimum: str
    mean: str
    maximum: str
    sigma: str
    levels: int | None
    bars: tuple[Bar, ...]


def bars(labels: Sequence[str], counts: Sequence[float]) -> tuple[Bar, ...]:
    """Return counts as bars, the largest of height 1.

    >>> bars(["a", "b"], [2, 4])
    (Bar(label='a', rows=2, height=0.5), Bar(label='b', rows=4, height=1.0))
    """
    most = max(counts, default=0) or 1
    return tuple(Bar(label, int(rows), float(rows / most)) for label, rows in zip(labels, counts, strict=True))


def column_views(frame: H2OFrame, names: Sequence[str]) -> list[ColumnView]:
    """Return some columns with their summaries and histograms."""
    found = frame.summaries(names)
    return [_view(frame, name, found[name]) for name in names]


def _view(frame: H2OFrame, name: str, summary: Any) -> ColumnView:
    column = frame.schema[name]
    numbers = column.type in NUMBERS and summary.present > 0
    texts = {what: shown(getattr(summary, what), column) if numbers else "" for what in ("minimum", "maximum", "mean")}
    if numbers and column.type == "int":
        texts["mean"] = f"{summary.mean:.6g}"
    return ColumnView(
        name=name,
        type=column.type,
        missing=summary.missing,
        zeros=summary.zeros if column.type in ("int", "real") else None,
        **texts,
        sigma=f"{summary.sigma:.6g}" if numbers and column.type != "time" else "",
        levels=len(column.domain) if column.domain is not None else None,
        bars=_level_bars(column, summary) if column.domain is not None else _number_bars(frame, name, numbers),
    )


def _level_bars(column: Any, summary: Any) -> tuple[Bar, ...]:
    counts = [0] * len(column.domain) if summary.counts is None else [int(one) for one in summary.counts]
    counts += [0] * (len(column.domain) - len(counts))
    largest = sorted(range(len(counts)), key=lambda at: -counts[at])[:LEVELS]
    return bars([column.domain[at] for at in largest], [counts[at] for at in largest])


def _number_bars(frame: H2OFrame, name: str, numbers: bool) -> tuple[Bar, ...]:
    if not numbers:
        return ()
    try:
        table = frame[[name]].hist(BINS, plot=False).as_data_frame()
    except H2OValueError:  # a column with infinite cells has no bins: its numbers are told all the same
        return ()
    column = frame.schema[name]
    edges, counts = table["breaks"].tolist(), table["counts"].tolist()[1:]
    ends = [shown(edge, column) if column.type == "time" else f"{edge:.4g}" for edge in edges]
    labels = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
    return bars(labels, [0 if math.isnan(one) else one for one in counts])
