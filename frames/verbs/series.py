"""Rows as series of numbers, written in few symbols: iSAX (Shieh and Keogh 2008)."""

from __future__ import annotations

from numbers import Integral
from statistics import NormalDist
from typing import Any

import numpy as np

from frames.cluster.sending import gather
from frames.cluster.tasks import as_float, derive, reduce
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.table import Table
from frames.verbs.reductions import numeric


def _symbols(*arguments) -> np.ndarray:
    """Compute the mean of each stretch of the standardised rows, as the number of the interval that it is in."""
    *columns, count, cuts = arguments
    rows = np.stack([as_float(column) for column in columns], axis=1)
    with np.errstate(all="ignore"):
        spread = rows.std(axis=1, ddof=1, keepdims=True) if rows.shape[1] > 1 else np.zeros((len(rows), 1))
        rows = np.where(spread > 0, (rows - rows.mean(axis=1, keepdims=True)) / spread, rows * 0.0)
    means = np.stack([part.mean(axis=1) for part in np.array_split(rows, count, axis=1)], axis=1)
    symbols = np.searchsorted(cuts, means, side="right").astype(np.float64)
    symbols[np.isnan(means)] = np.nan
    return symbols


def _occurring(*arguments) -> list[np.ndarray]:
    """Run as a task: the symbols that occur in each place of a partition's words, sorted."""
    return [np.unique(symbols[~np.isnan(symbols)]) for symbols in _symbols(*arguments).T]


def _words(*arguments) -> list[np.ndarray]:
    """Run as a task: words of the symbols `used` in each place, numbered from 0, and the words as text."""
    *rest, used = arguments
    symbols = _symbols(*rest)
    for place, own in enumerate(used):
        there = ~np.isnan(symbols[:, place])
        symbols[there, place] = np.searchsorted(own, symbols[there, place])
    index = [
        None
        if np.isnan(row).any()
        else "_".join(f"{int(symbol)}^{len(own)}" for symbol, own in zip(row, used, strict=True))
        for row in symbols
    ]
    return [np.array(index, object), *symbols.T]


def isax(table: Table, num_words: int, max_cardinality: int, optimize_card: bool = False) -> Table:
    """Return the iSAX word of every row, a series from left to right: column `iSax_index`, then the symbols c0, c1, ...

    The series is standardised, cut in `num_words` stretches of equal length, and the mean of each becomes one of
    `max_cardinality` symbols of equal chance under a normal distribution. A row that misses a cell has no word.
    `optimize_card`: in each place of the words only the symbols that occur in some row count, numbered anew from 0.

    Raises H2OValueError for columns that hold no numbers, for fewer columns than words, and fewer than 2 symbols.

    Example: ``series.isax(num_words=4, max_cardinality=8)``.
    """
    places = numeric(table, "isax")
    for name, value, least in (("num_words", num_words, 1), ("max_cardinality", max_cardinality, 2)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise H2OValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")
    if not isinstance(optimize_card, bool):
        raise H2OTypeError(f"optimize_card must be True or False; got {optimize_card!r}.")
    if num_words > table.ncol:
        raise H2OValueError(f"num_words must be at most the number of columns ({table.ncol}); got {num_words}.")
    cuts = np.array([NormalDist().inv_cdf(i / max_cardinality) for i in range(1, max_cardinality)])
    arguments = (int(num_words), cuts)
    used = [np.arange(float(max_cardinality))] * num_words
    if optimize_card:
        found = gather(reduce(places, table.rows, _occurring, arguments))
        used = [np.unique(np.concatenate(own)) for own in zip(*found, strict=True)]
    types: list[Any] = ["string", *["int"] * num_words]
    made = derive(places, table.rows, _words, types=types, arguments=(*arguments, used))
    return table.new(["iSax_index", *(f"c{i}" for i in range(num_words))], made)
