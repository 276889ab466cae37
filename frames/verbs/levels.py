"""Levels of enum columns: what they are, in which order, and renamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from frames.cluster.placement import Place, summaries_at
from frames.cluster.sending import gather
from frames.cluster.tasks import as_float, derive, reduce
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import to_domain
from frames.table.table import Table


# ---- tasks -------------------------------------------------------------------------------------------------------
def _weighted(codes: np.ndarray, weights: np.ndarray, levels: int) -> np.ndarray:
    """Run as a task: the sum of the weights of every level."""
    return np.bincount(codes + 1, as_float(weights), levels + 1)[1:]


def _constant_code(codes: np.ndarray, code: int) -> list[np.ndarray]:
    return [np.full(len(codes), code, np.int32)]


def _picked(domain: tuple[str, ...], order: Sequence[int]) -> tuple[str, ...]:
    return tuple([domain[k] for k in order])


def levels(table: Table) -> list[list[str]]:
    """Return the domain of every column, empty where it is not enum."""
    return [list(place.domain or ()) for place in table.places]


def nlevels(table: Table) -> list[int]:
    """Return number of levels of every column, 0 where it is not enum."""
    return [len(place.domain or ()) for place in table.places]


def categories(table: Table) -> list[str]:
    """Return the domain of a one-column enum frame. Raises H2OValueError for other columns."""
    place = table.only("categories()")
    if place.type != "enum":
        raise H2OValueError(f"categories() must be asked of an enum column; got {place.type}. Use asfactor() first.")
    return list(place.domain or ())


def relevel(table: Table, y: str) -> Table:
    """Return a one-column enum frame whose first level is `y`, the others in their order."""
    place = table.only("relevel()")
    if place.type != "enum" or y not in (place.domain or ()):
        raise H2OValueError(f"relevel() must be given a level of an enum column {list(place.domain or ())}; got {y!r}.")
    return set_levels_order(table, [y, *(level for level in place.domain or () if level != y)])


def relevel_by_frequency(table: Table, weights_column: str | None = None, top_n: int = -1) -> Table:
    """Every enum column with its most frequent levels first (all, or only the `top_n` first); others as they are.

    `weights_column`: a column of this frame; a row counts as often as its weight says. Levels of equal frequency
    keep their order. Raises H2OValueError for weights that are missing, negative or no numbers.
    """
    places, rows = table.resolved, table.rows
    weights = None if weights_column is None else _weights(table, weights_column)
    made = list(places)
    for i, place in enumerate(places):
        if place.type == "enum":
            if weights is None:
                counts: Any = summaries_at([place])[0].counts
            else:
                counts = np.sum(gather(reduce([place, weights], rows, _weighted, (place.levels,))), axis=0)
            order = np.argsort(-np.asarray(counts), kind="stable").tolist()
            front = order if top_n < 0 else order[:top_n]
            order = [*front, *sorted(set(order) - set(front))]
            made[i] = to_domain(place, rows, _picked(place.domain or (), order))
    return table.with_places(made)


def _weights(table: Table, column: str) -> Place:
    at = table.index(column)
    place, summary = table.resolved[at], table.summaries()[at]
    if place.type not in ("int", "real") or summary.missing or summary.minimum < 0:
        raise H2OValueError(
            f"Weights must be numbers from 0, none missing; '{column}' is {place.type}, with {summary.missing} "
            f"missing cells and the least value {summary.minimum}."
        )
    return place


def set_levels_order(table: Table, levels: Sequence[str]) -> Table:
    """Return a one-column enum frame with the same levels in another order."""
    place = table.only("set_levels_order()")
    if sorted(levels) != sorted(place.domain or ()):
        raise H2OValueError(f"The order must name every level once: {list(place.domain or ())}; got {list(levels)}.")
    return table.with_places([to_domain(place, table.rows, tuple(levels))])


def set_levels(table: Table, levels: Sequence[str]) -> Table:
    """Return a one-column enum frame whose levels read otherwise: one new name per level."""
    place = table.only("set_levels()")
    if place.type != "enum" or len(levels) != len(place.domain or ()) or len(set(levels)) != len(levels):
        raise H2OValueError(
            f"set_levels() needs a distinct name for each level of {list(place.domain or ())}; got {list(levels)}."
        )
    return table.with_places([place._replace(domain=tuple(map(str, levels)))])


def set_level(table: Table, level: str) -> Table:
    """Return a one-column enum frame in which every row has this one level of the domain."""
    place = table.only("set_level()")
    if place.type != "enum" or level not in (place.domain or ()):
        raise H2OValueError(
            f"set_level() must be given a level of an enum column {list(place.domain or ())}; got {level!r}."
        )
    code = (place.domain or ()).index(level)
    return table.with_places(
        derive([place], table.rows, _constant_code, types=["enum"], domains=[place.domain], arguments=(code,))
    )


def append_levels(table: Table, levels: Sequence[str]) -> Table:
    """Return a one-column enum frame with more levels (a list) at the end of its domain; those it has are left out."""
    place = table.only("append_levels()")
    levels = [levels] if isinstance(levels, str) else levels
    if place.type != "enum" or not isinstance(levels, list | tuple) or not all(isinstance(v, str) for v in levels):
        raise H2OTypeError(f"append_levels() must be given a list of strings, on an enum column; got {levels!r}.")
    return table.with_places([place._replace(domain=tuple(dict.fromkeys([*(place.domain or ()), *levels])))])
