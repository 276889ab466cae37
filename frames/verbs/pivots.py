"""Long tables made wide and wide ones long: pivot, melt, rep_len."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from frames.chunks.column import Type
from frames.cluster.placement import Place
from frames.cluster.reorder import pick_numbers, spread, starts
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import absent, as_float, concatenate, derive, reduce
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import double_text, to_domain
from frames.table.cells import check_company
from frames.table.names import unique_names
from frames.table.table import Table
from frames.verbs.keys import grouped, joined

MAX_PIVOTED = 10_000
"""Values that may become columns."""


# ---- tasks -------------------------------------------------------------------------------------------------------
def _columns(*columns) -> list[np.ndarray]:
    return list(columns)


def _pivoted(*pieces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(values of the index, values of the column, cells (columns, rows)) of rows whose index and column are there."""
    index, column, cells = joined(pieces)
    keep = ~(absent(index) | absent(column))
    index, column, cells = index[keep], column[keep], as_float(cells)[keep]
    row, first_rows = grouped([index])
    at, first_columns = grouped([column])
    wide = np.full((len(first_columns), len(first_rows)), np.nan)
    _, first = np.unique(at * len(first_rows) + row, return_index=True)
    wide[at[first], row[first]] = cells[first]
    return index[first_rows], column[first_columns], wide


def _titles(found: tuple) -> tuple[np.ndarray, int]:
    return found[1], len(found[0])


def _cut(low: int, count: int, found: tuple) -> list[np.ndarray]:
    index, _, wide = found
    return [index[low : low + count], *wide[:, low : low + count]]


def _melted(*arguments) -> list[np.ndarray]:
    """Rows of one partition repeated once per value column, in the order of the rows."""
    *columns, ids, skip = arguments
    kept, values = columns[:ids], columns[ids:]
    count = len(values)
    stacked = concatenate(list(values))
    order = np.arange(len(stacked)).reshape(count, -1).T.ravel()  # row by row
    cells, names = stacked[order], np.tile(np.arange(count, dtype=np.int32), len(values[0]))
    keep = ~absent(cells) if skip else slice(None)
    return [*[np.repeat(column, count)[keep] for column in kept], names[keep], cells[keep]]


def _melted_rows(*arguments) -> int:
    return len(_melted(*arguments)[-1])


def pivot(table: Table, index: str | int, column: str | int, value: str | int) -> Table:
    """One row per value of `index`, one column per value of `column`, the cells of `value` in them.

    A combination that no row has is missing; of several rows the first counts. Rows whose index or column is missing
    are left out. Rows and columns are in the order of their values. Raises H2OValueError where `value` holds no
    numbers, or more than 10,000 columns would come out. The three columns are held by one worker.

    Example: ``fr.pivot("day", "sensor", "temperature")``.
    """
    at = [table.index(one) for one in (index, column, value)]
    places = [table.resolved[i] for i in at]
    if places[2].type not in ("int", "real", "time"):
        raise H2OValueError(f"value must be a column of numbers; '{table.names[at[2]]}' is {places[2].type}.")
    for place, i in zip(places[:2], at, strict=False):
        if place.type not in ("int", "enum", "time", "string"):
            raise H2OValueError(
                f"index and column must hold integers, levels, times or strings; '{table.names[i]}' is {place.type}."
            )
    found = submit(_pivoted, *reduce(places, table.rows, _columns))
    values, count = gather(submit(_titles, found))
    if len(values) > MAX_PIVOTED:
        raise H2OValueError(f"column must have at most {MAX_PIVOTED} values; got {len(values)}.")
    rows = spread(count, max([*table.rows, 1]))
    cell = places[2].type if places[2].type == "time" else None
    types: tuple[Type | None, ...] = (places[0].type, *[cell for _ in values])
    domains = [places[0].domain, *[None] * len(values)]
    made = derive(
        [],
        rows,
        _cut,
        types=types,
        domains=domains,
        arguments=(found,),
        local=list(zip(starts(rows), rows, strict=True)),
    )
    names = [table.names[at[0]], *(_title(one, places[1]) for one in values.tolist())]
    return Table(unique_names(names), tuple(made), tuple(rows))


def _title(value: Any, place: Place) -> str:
    if place.domain is not None:
        return place.domain[value]
    return value if isinstance(value, str) else double_text(value).removesuffix(".0")


def melt(
    table: Table,
    id_vars: Any,
    value_vars: Any = None,
    var_name: str = "variable",
    value_name: str = "value",
    skipna: bool = False,
) -> Table:
    """One row per row and value column: the id columns, the name of the column (enum), and its cell.

    `value_vars`: default all columns that are no id. `skipna`: rows whose cell is missing are left out. The value
    columns must all hold numbers, all levels (their domains are united), or be all of one other type; raises
    H2OValueError otherwise.

    Example: ``fr.melt(["id"], ["before", "after"], var_name="when")``.
    """
    ids = table.indices(id_vars)
    values = table.indices(value_vars) if value_vars is not None else [i for i in range(table.ncol) if i not in ids]
    if not values:
        raise H2OValueError("value_vars must name at least one column.")
    for name in (var_name, value_name):
        if not isinstance(name, str):
            raise H2OTypeError(f"var_name and value_name must be strings; got {name!r}.")
    sources, type_, domain = _alike(table, values)
    kept = [table.resolved[i] for i in ids]
    options = (len(ids), bool(skipna))
    rows = tuple(n * len(values) for n in table.rows)
    if skipna:
        rows = tuple(gather(reduce([*kept, *sources], table.rows, _melted_rows, options)))
    types = [*[place.type for place in kept], "enum", type_]
    domains = [*[place.domain for place in kept], tuple(table.names[i] for i in values), domain]
    made = derive([*kept, *sources], table.rows, _melted, types=types, domains=domains, arguments=options)
    return Table(unique_names([*(table.names[i] for i in ids), var_name, value_name]), tuple(made), rows)


def _alike(table: Table, at: Sequence[int]) -> tuple[list[Place], Type | None, tuple[str, ...] | None]:
    """Return the value columns under one type and domain."""
    places = [table.resolved[i] for i in at]
    types: set[Type | None] = {place.type for place in places}
    if types == {"enum"}:
        domain = tuple(dict.fromkeys(level for place in places for level in place.domain or ()))
        return [to_domain(place, table.rows, domain) for place in places], "enum", domain
    if types <= {"int", "real"}:
        check_company(table.names[at[0]], places)
        return places, None, None
    if len(types) == 1:
        return places, types.pop(), None
    told = ", ".join(f"'{table.names[i]}': {place.type}" for i, place in zip(at, places, strict=True))
    raise H2OValueError(f"Value columns must have one type; got {told[:200]}. Convert them first.")


def rep_len(table: Table, length_out: int) -> Table:
    """One column repeated (or cut) to so many rows; of several columns, so many columns. Names are C1, C2, ...

    Example: ``fr["x"].rep_len(1000)``.
    """
    if isinstance(length_out, bool) or not isinstance(length_out, Integral) or length_out < 1:
        raise H2OValueError(f"length_out must be a whole number of at least 1; got {length_out!r}.")
    if not table.ncol or not table.nrow:
        raise H2OValueError("rep_len() must be asked of a frame that has cells.")
    if table.ncol > 1:
        places = [table.places[i % table.ncol] for i in range(length_out)]
        return table.new([f"C{i + 1}" for i in range(length_out)], places)
    return table.new(["C1"], *pick_numbers(table.places, table.rows, np.arange(length_out) % table.nrow))
