"""Rows put in order, joined with those of another frame, grouped and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from distributed import Future

from frames.chunks.column import Type
from frames.cluster.placement import Place
from frames.cluster.reorder import permute, spread
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import Step, absent, carry_out, concatenate, reduce
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import to_domain
from frames.table.cells import check_company, is_table
from frames.table.names import unique_names
from frames.table.table import Table
from frames.verbs.keys import combined, ordered, partners, ranks


# ---- tasks -------------------------------------------------------------------------------------------------------
def _keys(*columns) -> list[np.ndarray]:
    return list(columns)


def _order(ascending: Sequence[bool], *pieces) -> np.ndarray:
    """Row numbers in the order of the keys; equal keys keep their order; missing keys come first."""
    return ordered([ranks(*column) for column in zip(*pieces, strict=True)], ascending)


def _matches(how: str, looked_up: bool, left: list, right: list) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the left and right frame that belong together; -1 where there is no partner.

    `looked_up`: in the order of the left rows, and missing keys agree with missing ones.
    """
    sides = [list(zip(*pieces, strict=True)) for pieces in (left, right)]
    columns = [ranks(*mine, *theirs) for mine, theirs in zip(*sides, strict=True)]
    keys = combined(columns)
    rows = sum(len(piece[0]) for piece in left)
    if looked_up:
        mine, theirs = partners(keys[:rows], keys[rows:], how)
        order = np.argsort(mine, kind="stable")
        return mine[order], theirs[order]
    alone = np.logical_or.reduce([column < 0 for column in columns])
    keys = np.where(alone, -keys - 1, keys)
    return partners(keys[:rows], keys[rows:], how)


def _half(pair: tuple, i: int) -> Any:
    return pair[i]


def _coalesce(left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    both = concatenate([left, right])  # under one dtype: a missing cell is spelled the same on both sides
    left, right = both[: len(left)], both[len(left) :]
    return [np.where(absent(left), right, left)]


def sort(table: Table, by: Any, ascending: bool | Sequence[bool] = True) -> Table:
    """Rows in the order of some columns (enum: order of levels); equal rows keep their order.

    Missing cells come first, ascending or not, as in H2O. `ascending`: one for all, or one per column of `by`
    (an empty list: all ascending). The key columns of all rows are held by one worker at a time, the other columns
    never are.
    """
    at = table.indices(by)
    if not at:
        raise H2OValueError("by must name at least one column.")
    up = [ascending] * len(at) if isinstance(ascending, bool | int) else list(ascending) or [True] * len(at)
    if len(up) != len(at):
        raise H2OValueError(f"ascending must be a bool, or one per column of by ({len(at)}); got {len(up)}.")
    names, places, rows = table.names, table.resolved, table.rows
    pieces = reduce([places[i] for i in at], rows, _keys)
    order = submit(_order, [bool(u) for u in up], *pieces)
    return table.new(names, *permute(places, rows, order, spread(table.nrow, max([*rows, 1]))))


def merge(
    table: Table,
    other: Table,
    all_x: bool = False,
    all_y: bool = False,
    by_x: Sequence | None = None,
    by_y: Sequence | None = None,
    method: str = "auto",
) -> Table:
    """Rows of both frames that agree in the key columns, side by side, in the order of the keys.

    `by_x`, `by_y`: key columns here and there; default the names that both have. `all_x` / `all_y` keep rows
    without a partner, whose other cells are missing. A missing key agrees with no other, and comes first. Levels
    agree by name, numbers by value, integers exactly. Columns: keys (with the levels of this frame; with `all_y`
    those of the other, with both united), the rest of this frame, the rest of the other, told apart by a number
    where names are equal. The key columns of all rows are held by one worker at a time.

    Raises H2OValueError where no column is a key, keys have types that do not agree, or an outer key column would
    round integers beyond 2**53.
    """
    if not is_table(other):
        raise H2OTypeError(f"merge() must be given a frame; got {type(other).__name__}.")
    if method not in ("auto", "radix", "hash"):
        raise H2OValueError(f"method must be 'auto', 'radix' or 'hash'; got {method!r}. All give the same rows.")
    how = {(False, False): "inner", (True, False): "left", (False, True): "right", (True, True): "outer"}
    left, right = _key_columns(table, other, by_x, by_y)
    return join(table, other, left, right, how[bool(all_x), bool(all_y)])


def _key_columns(table: Table, other: Any, by_x: Any, by_y: Any) -> tuple[list[int], list[int]]:
    if by_x is None and by_y is None:
        common = [n for n in table.names if n in other.names]
        if not common:
            raise H2OValueError("Merged frames must share a column name, or by_x and by_y must be given.")
        by_x = by_y = common
    left, right = (
        table.indices(by_x if by_x is not None else by_y),
        other.indices(by_y if by_y is not None else by_x),
    )
    if not left or len(left) != len(right):
        raise H2OValueError(
            f"by_x and by_y must name equally many columns, at least one; got {len(left)} and {len(right)}."
        )
    return left, right


def join(table: Table, other: Any, left: list[int], right: list[int], how: str, looked_up: bool = False) -> Table:
    """Return the rows of both tables whose keys agree; `looked_up`: in the order of the left rows."""
    names, rows, other_names, other_rows = table.names, table.rows, other.names, other.rows
    mine, theirs = table.resolved, other.resolved
    agreed = [
        _comparable(names[i], mine[i], rows, theirs=theirs[k], their_rows=other_rows, how=how)
        for i, k in zip(left, right, strict=True)
    ]
    keys = [reduce([both[n] for both in agreed], cut, _keys) for n, cut in enumerate((rows, other_rows))]
    pair = submit(_matches, how, looked_up, *keys)
    orders = [submit(_half, pair, n) for n in (0, 1)]
    wanted = spread(gather(submit(len, orders[0])), max([*rows, *other_rows, 1]))
    my_rest = [i for i in range(table.ncol) if i not in left]
    their_rest = [k for k in range(other.ncol) if k not in right]
    shown = {
        "outer": ([both[0] for both in agreed], [both[1] for both in agreed]),
        "right": ([], [theirs[k] for k in right]),
    }.get(how, ([mine[i] for i in left], []))
    own, first = _moved(shown[0], [mine[i] for i in my_rest], rows, orders[0], wanted)
    foreign, second = _moved(shown[1], [theirs[k] for k in their_rest], other_rows, orders[1], wanted)
    found = own or foreign
    if how == "outer":
        pairs = list(zip(own, foreign, strict=True))
        found = carry_out([Step(both, _coalesce, _either(*both), both[0].domain) for both in pairs], wanted)
    titles = [names[i] for i in [*left, *my_rest]] + [other_names[k] for k in their_rest]
    return table.new(unique_names(titles), [*found, *first, *second], wanted)


def _moved(
    keys: list[Place], rest: list[Place], rows: Sequence[int], order: Future, wanted: Sequence[int]
) -> tuple[list[Place], list[Place]]:
    """Key columns and other columns of one frame, their rows in another order."""
    places = permute([*keys, *rest], rows, order, wanted)[0] if keys or rest else []
    return places[: len(keys)], places[len(keys) :]


def _either(left: Place, right: Place) -> Type | None:
    """Return the type of a column that has cells of both; numbers are looked at again where their types differ."""
    return left.type if left.type == right.type else None


def _comparable(name: str, mine: Place, rows: Any, theirs: Place, their_rows: Any, how: str) -> tuple[Place, Place]:
    """Two key columns so that equal cells have equal values; levels in the order of the frame whose order is kept."""
    if mine.type == theirs.type == "enum":
        first, second = (theirs, mine) if how == "right" else (mine, theirs)
        domain = tuple(dict.fromkeys([*(first.domain or ()), *(second.domain or ())]))
        return to_domain(mine, rows, domain), to_domain(theirs, their_rows, domain)
    if mine.type == theirs.type or {mine.type, theirs.type} == {"int", "real"}:
        if how == "outer" and mine.type != theirs.type:
            check_company(name, [mine, theirs])
        return mine, theirs
    raise H2OValueError(
        f"Key column '{name}' must have the same type in both frames; got {mine.type} and {theirs.type}. Convert one."
    )
