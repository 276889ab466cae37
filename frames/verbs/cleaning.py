"""Missing cells found, filled or made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from frames.cluster.placement import Place
from frames.cluster.reorder import pick_where, starts
from frames.cluster.sending import gather
from frames.cluster.tasks import Step, absent, carry_out, derive, reduce, reduce_each
from frames.exceptions import H2OValueError
from frames.table.cells import check_company, fitting, is_table, mixed_type, put_column_masked, put_masked
from frames.table.integers import EXACT, alike, size_of
from frames.table.table import Table
from frames.verbs.crosstabs import mode
from frames.verbs.fold_columns import FOR_HOLES, chosen_seed, uniform
from frames.verbs.grouping import GroupBy
from frames.verbs.joins import join
from frames.verbs.reductions import numeric, quantile_rows
from frames.verbs.selection import sources


# ---- tasks -------------------------------------------------------------------------------------------------------
def _complete(*columns) -> np.ndarray:
    return np.flatnonzero(~np.logical_or.reduce([absent(c) for c in columns]))


def _put_in_gaps(values: np.ndarray, new: Any) -> list[np.ndarray]:
    return put_masked(values, absent(values).astype(np.float64), new)


def _put_column_in_gaps(values: np.ndarray, new: np.ndarray) -> list[np.ndarray]:
    return put_column_masked(values, absent(values).astype(np.float64), new)


def _edge(values: np.ndarray, forward: bool) -> tuple[Any, int, int]:
    """(last present value seen in the direction of filling or None, missing cells after it, all cells)."""
    values = values if forward else values[::-1]
    present = np.flatnonzero(~absent(values))
    if len(present) == 0:
        return None, len(values), len(values)
    return values[present[-1] : present[-1] + 1], len(values) - 1 - int(present[-1]), len(values)


def _fill(values: np.ndarray, carried: tuple[Any, int], forward: bool, limit: int) -> list[np.ndarray]:
    """Fill gaps of at most `limit` cells; `carried`: the value before this partition, the gap since."""
    before, gap = carried
    if before is not None:
        before, values = alike(before, values)
    ordered = values if forward else values[::-1]
    gaps = absent(ordered)
    holes, present = np.flatnonzero(gaps), np.append(-1, np.flatnonzero(~gaps))
    source = present[np.searchsorted(present, holes) - 1]  # the last present row before each hole, -1: none here
    filled = ordered.copy()
    near = (source >= 0) & (holes - source <= limit)
    filled[holes[near]] = ordered[source[near]]
    if before is not None:
        filled[holes[(source < 0) & (holes < limit - gap)]] = before
    return [filled if forward else filled[::-1].copy()]


def _fill_across(*arguments) -> list[np.ndarray]:
    """Run as a task: gaps of at most `limit` cells filled from the columns before (after)."""
    *columns, forward, limit = arguments
    filled, before, age = [], None, np.zeros(len(columns[0]), np.int64)
    for column in columns if forward else columns[::-1]:
        gaps, age = absent(column), age + 1
        if before is not None:
            column = put_column_masked(column, (gaps & (age <= limit)).astype(np.float64), before)[0]
            # What was itself filled is not carried on as new: its age goes on.
            old, fresh = alike(before, column)
            before = np.where(gaps, old, fresh)
        else:
            before = column
        age = np.where(gaps, age, 0)
        filled.append(column)
    return filled if forward else filled[::-1]


def _knock_out(values: np.ndarray, rows: int, start: int, seed: int, share: float) -> list[np.ndarray]:
    return put_masked(values, (uniform(rows, start, seed, FOR_HOLES) < share).astype(np.float64), None)


def na_omit(table: Table) -> Table:
    """Return the rows in which nothing is missing."""
    names, places, rows = table.names, table.places, table.rows
    holed = [p for p, s in zip(places, table.summaries(), strict=True) if s.missing]
    if not holed:
        return table.new(names, places)
    return table.new(names, *pick_where(places, rows, reduce(holed, rows, _complete)))


def filter_na_cols(table: Table, frac: float = 0.2) -> list[int]:
    """Positions of the columns of which less than this fraction is missing."""
    return [i for i, s in enumerate(table.summaries()) if s.missing < frac * max(s.rows, 1)]


def fillna(table: Table, method: str = "forward", axis: int = 0, maxlen: int = 1) -> Table:
    """Missing cells filled from the neighbour before (forward) or after (backward), at most `maxlen` in a run.

    `axis=0` down the rows, `axis=1` across the columns (numbers only).
    """
    if str(method).lower() not in ("forward", "backward"):
        raise H2OValueError(f"method must be 'forward' or 'backward'; got {method!r}.")
    if axis not in (0, 1) or isinstance(maxlen, bool) or not isinstance(maxlen, int) or maxlen < 0:
        raise H2OValueError(f"axis must be 0 or 1 and maxlen a whole number from 0; got {axis!r} and {maxlen!r}.")
    forward, rows = str(method).lower() == "forward", table.rows
    if maxlen == 0:
        return table.with_places(table.places)
    if axis == 1:
        places = numeric(table, "fillna across columns")
        if not places:
            return table.with_places(places)
        check_company(table.names[0], places)
        type_: Any = "time" if all(place.type == "time" for place in places) else None
        return table.with_places(
            derive(places, rows, _fill_across, types=[type_] * len(places), domains=None, arguments=(forward, maxlen))
        )
    made: list[Step | Place] = list(table.resolved)
    holes = [i for i, summary in enumerate(table.summaries()) if summary.missing]
    gappy = [table.resolved[i] for i in holes]
    for i, place, edges in zip(holes, gappy, _edges(gappy, rows, forward), strict=True):
        local = _carried(edges, forward)
        made[i] = Step(
            places=(place,),
            function=_fill,
            type=mixed_type(place),
            domain=place.domain,
            arguments=(forward, maxlen),
            local=local,
        )
    return table.with_places(carry_out(made, rows))


def impute(
    table: Table,
    column: int | str = -1,
    method: str = "mean",
    combine_method: str = "interpolate",
    by: str | int | Sequence | None = None,
    group_by_frame: Table | None = None,
    values: Sequence | None = None,
) -> tuple[Table, Any]:
    """Fill missing cells with the mean, median or mode of the column; returns the table, and the fills.

    The fills are a list, one per column of the frame, NaN where nothing was filled in. `column=-1`: all columns (enum
    columns then get their mode). `by`: within groups of these columns; returns the frame of groups and fills, and
    rows of groups without any value stay missing. `group_by_frame`: the groups and their fills, as such a call
    returned them. `values`: the fills themselves, one per column to be filled
    (None: leave). Means and medians of integers beyond 2**53 are rounded to integers. Raises H2OValueError for mean
    or median of an enum column.
    """
    if method not in ("mean", "median", "mode"):
        raise H2OValueError(f"method must be 'mean', 'median' or 'mode'; got {method!r}.")
    targets = list(range(table.ncol)) if isinstance(column, int) and column == -1 else [table.index(column)]
    if group_by_frame is not None:
        return _impute_from_groups(table, targets, by, group_by_frame)
    if by is not None:
        return _impute_by_group(table, targets, method, by)
    fills = _fills(table, targets, method, combine_method, values, whole=column == -1)
    names, places, rows = table.names, table.places, table.rows
    made: list[Step | Place] = list(places)
    for at, fill in zip(targets, fills, strict=True):
        if fill is None or fill != fill:
            continue
        place, code = fitting(names[at], table.resolved[at], fill)
        made[at] = Step((place,), _put_in_gaps, mixed_type(place), place.domain, (code,))
    told = dict(zip(targets, fills, strict=True))
    filled = table.with_places(carry_out(made, rows))
    return filled, [math.nan if told.get(at) is None else told[at] for at in range(len(names))]


def _fills(table: Table, targets, method, combine_method, values, whole) -> list[Any]:
    if values is not None:
        if len(values) != len(targets):
            raise H2OValueError(f"values must hold one fill per column ({len(targets)}); got {len(values)}.")
        return list(values)
    return [_fill_of(table, at, method, combine_method, whole) for at in targets]


def _fill_of(table: Table, at: int, method: str, combine_method: str, whole: bool) -> Any:
    place, name = table.resolved[at], table.names[at]
    if place.type in ("string", "uuid"):
        if whole:
            return None
        raise H2OValueError(f"impute() must be given a column of numbers or enum; '{name}' is {place.type}.")
    if place.type == "enum" and method != "mode" and not whole:
        raise H2OValueError(f"method must be 'mode' for the enum column '{name}'; got {method!r}.")
    summary = table.summaries()[at]
    if summary.present == 0:
        return None
    if summary.counts is not None:
        return (place.domain or ())[int(np.argmax(summary.counts))]
    column = table.pick([at])
    if method == "mode":
        return mode(column)
    found = summary.mean if method == "mean" else quantile_rows(column, (0.5,), combine_method, None)[0][0]
    # Beside integers beyond 2**53 no fraction has room; the fill is an estimate anyway.
    return round(found) if place.type == "int" and size_of(summary) > EXACT else found


def _impute_by_group(table: Table, targets: list[int], method: str, by: Any) -> tuple[Table, Table]:
    keys = table.indices(by)
    names, places, rows = table.names, table.places, table.rows
    made: list[Step | Place] = list(places)
    for at in [t for t in targets if t not in keys]:
        wish = getattr(GroupBy(table, [names[k] for k in keys]), method)(names[at], na="rm")
        fills = wish.get_frame()
        made[at] = _filled_from(table, at, keys, fills)
    return table.with_places(carry_out(made, rows)), fills


def _impute_from_groups(table: Table, targets: list[int], by: Any, groups: Any) -> tuple[Table, Table]:
    """Return fills that somebody has computed: a table of the key columns, then one fill."""
    if not is_table(groups) or by is None or len(targets) != 1:
        raise H2OValueError("group_by_frame must be a frame of groups, with by= and the one column that it fills.")
    keys = table.indices(by)
    if groups.ncol != len(keys) + 1:
        raise H2OValueError(f"group_by_frame must hold {len(keys)} key columns and the fill; got {list(groups.names)}.")
    made: list[Step | Place] = list(table.places)
    made[targets[0]] = _filled_from(table, targets[0], keys, groups)
    return table.with_places(carry_out(made, table.rows)), groups


def _filled_from(table: Table, at: int, keys: list[int], groups: Table) -> Step:
    """One column with its gaps filled from the last column of a table of groups."""
    matched = join(table, groups, keys, list(range(len(keys))), "left", looked_up=True)
    source = sources(table, matched.pick([matched.ncol - 1]), 1)[0]
    place = table.resolved[at]
    if place.is_number:
        check_company(table.names[at], [place, source])
    return Step((place, source), _put_column_in_gaps, mixed_type(place), place.domain)


def insert_missing_values(table: Table, fraction: float = 0.1, seed: int | None = None) -> Table:
    """Make this fraction of the cells missing at random."""
    if not 0 <= fraction <= 1:
        raise H2OValueError(f"fraction must be between 0 and 1; got {fraction!r}.")
    rows = table.rows
    root, made = chosen_seed(seed), []
    local = list(zip(rows, starts(rows), strict=True))
    for i, place in enumerate(table.resolved):
        arguments = (root + i, float(fraction))
        made.append(
            Step(
                places=(place,),
                function=_knock_out,
                type=place.type,
                domain=place.domain,
                arguments=arguments,
                local=local,
            )
        )
    return table.with_places(carry_out(made, rows))


def _edges(places: Sequence[Place], rows: Sequence[int], forward: bool) -> list[list[tuple]]:
    """Per column, per partition: the last present value, the gap after it, the rows."""
    return [
        [part[i] for part in parts]
        for parts in gather(reduce_each(places, rows, _edge, (forward,)))
        for i in range(len(parts[0]))
    ]


def _carried(edges: Sequence[tuple], forward: bool) -> list[tuple]:
    """Return what every partition needs of those before it (in filling's direction): a value and a gap's length."""
    carried: list[tuple] = []
    value, gap = None, 0
    for last, trailing, size in edges if forward else edges[::-1]:
        carried.append(((value, gap),))
        value, gap = (value, gap + size) if last is None else (last, trailing)
    return carried if forward else carried[::-1]
