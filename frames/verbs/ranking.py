"""Ranks of rows: within groups, and of single columns as Spearman's correlation needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from frames.cluster.placement import Place
from frames.cluster.reorder import starts
from frames.cluster.sending import submit
from frames.cluster.tasks import absent, derive, reduce
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.table import Table
from frames.verbs.joins import sort
from frames.verbs.keys import grouped, joined, ranks


# ---- tasks -------------------------------------------------------------------------------------------------------
def _columns(*columns) -> list[np.ndarray]:
    return list(columns)


def _within(keys: int, *pieces) -> np.ndarray:
    """Ranks 1, 2, ... of rows that are in order already, in each group of the first `keys` columns."""
    columns = joined(pieces)
    gaps = np.logical_or.reduce([absent(column) for column in columns])
    group = pd.Series(grouped(columns[:keys]).of_row[~gaps])
    result = np.full(len(gaps), np.nan)
    result[~gaps] = group.groupby(group).cumcount().to_numpy() + 1.0
    return result


def _average(*pieces) -> np.ndarray:
    """Ranks 1, 2, ... of one column; equal cells share the mean of theirs, missing cells have none."""
    own = ranks(*pieces)
    result = np.full(len(own), np.nan)
    result[own >= 0] = pd.Series(own[own >= 0]).rank().to_numpy()
    return result


def _only(values: np.ndarray) -> np.ndarray:
    return values


def _part(low: int, count: int, found: np.ndarray) -> list[np.ndarray]:
    return [found[low : low + count]]


def _spread_over(found: Any, rows: Sequence[int]) -> Place:
    """Return a column of numbers that a worker holds whole, cut in partitions."""
    return derive(
        [],
        rows,
        _part,
        types=[None],
        domains=None,
        arguments=(found,),
        local=list(zip(starts(rows), rows, strict=True)),
    )[0]


def rank_within_group_by(
    table: Table,
    group_by_cols: Any,
    sort_cols: Any,
    ascending: Sequence[bool] = (),
    new_col_name: str = "New_Rank_column",
    sort_cols_sorted: bool = False,
) -> Table:
    """Return number the rows of each group 1, 2, ... in the order of some columns; the rows come out in that order.

    `ascending`: one bool per column of `sort_cols` (none: all ascending). Groups ascend, and lie together unless
    `sort_cols_sorted` asks for the rows of all groups in the order of `sort_cols`. A row that misses a cell in one of
    these columns has no rank. The key columns of all rows are held by one worker at a time. Raises H2OValueError for no
    column, a wrong number of directions, and a name that is taken.

    Example: ``fr.rank_within_group_by(["class"], ["sepal_len"], [False], "place")``.
    """
    by, within = table.indices(group_by_cols), table.indices(sort_cols)
    if not by or not within:
        raise H2OValueError("group_by_cols and sort_cols must each name at least one column.")
    up = [ascending] if isinstance(ascending, bool) else list(ascending) or [True] * len(within)
    if len(up) != len(within) or not all(isinstance(one, bool | int) for one in up):
        raise H2OValueError(f"ascending must hold a bool per column of sort_cols ({len(within)}); got {ascending!r}.")
    if not isinstance(new_col_name, str):
        raise H2OTypeError(f"new_col_name must be a string; got {new_col_name!r}.")
    if new_col_name in table.names:
        raise H2OValueError(f"new_col_name must be new; '{new_col_name}' is column {table.index(new_col_name)}.")
    ordered = sort(table, [*by, *within], [*[True] * len(by), *map(bool, up)])
    pieces = reduce([ordered.resolved[i] for i in [*by, *within]], ordered.rows, _columns)
    rank = _spread_over(submit(_within, len(by), *pieces), ordered.rows)
    ranked = ordered.new([*ordered.names, new_col_name], [*ordered.places, rank])
    return sort(ranked, within, list(map(bool, up))) if sort_cols_sorted else ranked


def ranked(table: Table) -> Table:
    """Return every column of numbers or levels as the ranks of its present cells, equal ones sharing their mean."""
    places = []
    for name, place in zip(table.names, table.resolved, strict=True):
        if place.type not in ("int", "real", "time", "enum"):
            raise H2OValueError(f"Ranks must be asked of numbers or levels; column '{name}' is {place.type}.")
        places.append(_spread_over(submit(_average, *reduce([place], table.rows, _only)), table.rows))
    return table.with_places(places)
