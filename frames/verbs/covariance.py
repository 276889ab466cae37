"""How columns vary together: variances, covariances, correlations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from frames.cluster.reorder import recut
from frames.cluster.sending import gather
from frames.cluster.tasks import reduce
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.cells import is_table
from frames.table.integers import distances
from frames.table.small import small_table
from frames.table.table import Table
from frames.verbs.binding import cbind
from frames.verbs.cleaning import na_omit
from frames.verbs.ranking import ranked
from frames.verbs.reductions import numeric


def _moments(*arguments) -> tuple[np.ndarray, np.ndarray, int]:
    """Return sums of products of shifted columns over complete rows, sums, and their number."""
    *columns, shifts = arguments
    table = np.stack([distances(c, shift) for c, shift in zip(columns, shifts, strict=True)])
    table = table[:, ~np.isnan(table).any(axis=0)]
    return table @ table.T, table.sum(axis=1), table.shape[1]


def _covariance(
    table: Table, y: Any, na_rm: bool, use: str | None, call: str
) -> tuple[np.ndarray, list[str], list[str]]:
    use = use or ("complete.obs" if na_rm else "everything")
    if use not in ("everything", "all.obs", "complete.obs"):
        raise H2OValueError(f"use must be everything, all.obs or complete.obs; got {use!r}.")
    if y is not None and not is_table(y):
        raise H2OTypeError(f"y of {call}() must be a frame; got {type(y).__name__}.")
    left, both = numeric(table, call), table
    if y is not None:
        if y.nrow != table.nrow:
            raise H2OValueError(f"Frames under {call}() must have the same number of rows; got {table.nrow}, {y.nrow}.")
        both = table.with_places(
            [*left, *recut(numeric(y, call), y.rows, table.rows)],
            [f"C{i}" for i in range(table.ncol + y.ncol)],
        )
    found = both.summaries()
    gaps = np.array([s.missing > 0 for s in found], dtype=bool)
    if gaps.any() and use == "all.obs":
        raise H2OValueError(f"{call}() with use='all.obs' must be given no missing cells. Use 'complete.obs'.")
    # "everything": columns without gaps over all rows. Otherwise the rows that are complete in all columns.
    at = np.flatnonzero(~gaps) if use == "everything" else np.arange(len(found))
    result = np.full((len(found), len(found)), math.nan)
    if len(at):
        shifts = [found[i].mean if math.isfinite(found[i].mean) else 0.0 for i in at]
        pieces = gather(reduce([both.resolved[i] for i in at], table.rows, _moments, (shifts,)))
        products, sums, count = (sum(part) for part in zip(*pieces, strict=True))
        with np.errstate(all="ignore"):
            centred = products - np.outer(sums, sums) / np.float64(count)
            result[np.ix_(at, at)] = centred / np.float64(count - 1) if count > 1 else math.nan
    return result, list(table.names), list(table.names if y is None else y.names)


def var(table: Table, y: Table | None = None, na_rm: bool = False, use: str | None = None) -> Any:
    """Variance of one column as a float, or the covariances of several columns (or with those of `y`) as a frame.

    `use`: "everything" (NaN for a column in which something is missing, the others over all their rows), "all.obs"
    (missing is an error), "complete.obs" (only rows in which no column is missing; the default with `na_rm`).
    """
    found, rows, columns = _covariance(table, y, na_rm, use, "var")
    return _matrix(found if y is None else found[: len(rows), len(rows) :], columns)


def cor(
    table: Table, y: Table | None = None, na_rm: bool = False, use: str | None = None, method: str = "Pearson"
) -> Any:
    """Correlations of Pearson or Spearman: a float for one column with one, else a frame; arguments as for var().

    Spearman's are Pearson's of ranks, equal cells sharing the mean of theirs, among the rows that `use` takes.
    """
    if str(method).lower() not in ("pearson", "spearman"):
        raise H2OValueError(f"method must be 'Pearson' or 'Spearman'; got {method!r}.")
    if str(method).lower() == "spearman":
        table, y = _in_ranks(table, y, use or ("complete.obs" if na_rm else "everything"))
    found, rows, columns = _covariance(table, y, na_rm, use, "cor")
    scale = np.sqrt(np.diag(found))
    with np.errstate(all="ignore"):
        found = np.clip(found / np.outer(scale, scale), -1.0, 1.0)
    return _matrix(found if y is None else found[: len(rows), len(rows) :], columns)


def _in_ranks(table: Table, y: Table | None, use: str) -> tuple[Table, Table | None]:
    """Both tables with ranks in place of cells; only rows that are complete in both where `use` says so."""
    both = table if y is None else cbind(table, y)
    if use == "complete.obs":
        both = na_omit(both)
    both = ranked(both)
    width = table.ncol
    return both.pick(range(width)), None if y is None else both.pick(range(width, both.ncol))


def _matrix(table: np.ndarray, columns: Sequence[str]) -> Any:
    return float(table[0, 0]) if table.shape == (1, 1) else small_table(columns, list(table.T))
