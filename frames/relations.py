"""Rows put in order, joined with those of another frame, grouped and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from distributed import Future

from frames.body import FrameBody, unique_names
from frames.cells import is_frame
from frames.conversion import to_domain
from frames.errors import H2OTypeError, H2OValueError
from frames.grouping import GroupBy, key_values
from frames.placement import Place
from frames.rows import permute, spread
from frames.tasks import absent, derive, gather, reduce, submit

if TYPE_CHECKING:
    from frames.frame import H2OFrame


# ---- tasks -------------------------------------------------------------------------------------------------------
def _keys(*columns) -> list[np.ndarray]:
    return [key_values(c) for c in columns]


def _joined(pieces: Sequence[list[np.ndarray]]) -> list[np.ndarray]:
    return [np.concatenate(column) for column in zip(*pieces, strict=True)]


def _order(ascending: Sequence[bool], *pieces) -> np.ndarray:
    """Row numbers in the order of the keys; equal keys keep their order; missing keys come first."""
    ranks = []
    for column, up in zip(_joined(pieces), ascending, strict=True):
        gap = pd.isna(column)
        rank = np.full(len(column), -1, np.int64)
        rank[~gap] = np.unique(column[~gap], return_inverse=True)[1]
        ranks.append(np.where(gap, -len(column) - 1, rank if up else -rank))
    return np.lexsort(ranks[::-1]).astype(np.int64)


def _matches(how: str, sort: bool, left: list, right: list) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the left and right frame that belong together; -1 where there is no partner."""
    tables = []
    for side, pieces in (("left", left), ("right", right)):
        columns = _joined(pieces)
        tables.append(pd.DataFrame(dict(enumerate(columns))).assign(**{side: np.arange(len(columns[0]))}))
    both = tables[0].merge(tables[1], on=list(range(len(tables[0].columns) - 1)), how=how, sort=sort)  # type: ignore[arg-type]
    return tuple(both[side].fillna(-1).to_numpy(dtype=np.int64) for side in ("left", "right"))  # type: ignore[return-value]


def _half(pair: tuple, i: int) -> Any:
    return pair[i]


def _coalesce(left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    return [np.where(absent(left), right, left)]


class Relations(FrameBody):
    """sort, merge, group_by."""

    def sort(self, by: Any, ascending: bool | Sequence[bool] = True) -> H2OFrame:
        """Rows in the order of some columns (enum: order of levels); missing first; equal rows keep their order.

        The key columns of all rows are held by one worker at a time, the other columns never are.
        """
        at = self._indices(by)
        if not at:
            raise H2OValueError("by must name at least one column.")
        up = [ascending] * len(at) if isinstance(ascending, bool | int) else list(ascending)
        if len(up) != len(at):
            raise H2OValueError(f"ascending must be a bool, or one per column of by ({len(at)}); got {len(up)}.")
        names, places, rows = self._body
        pieces = reduce([places[i] for i in at], rows, _keys)
        order = submit(_order, [bool(u) for u in up], *pieces)
        return self._new(names, *permute(places, rows, order, spread(self.nrow, max([*rows, 1]))))

    def merge(
        self,
        other: H2OFrame,
        all_x: bool = False,
        all_y: bool = False,
        by_x: Sequence | None = None,
        by_y: Sequence | None = None,
        method: str = "auto",
    ) -> H2OFrame:
        """Rows of both frames that agree in the key columns, side by side, in the order of the keys.

        `by_x`, `by_y`: key columns here and there; default the names that both have. `all_x` / `all_y` keep rows
        without a partner, whose other cells are missing. Missing keys agree with missing keys. Columns: keys, the
        rest of this frame, the rest of the other. The key columns of all rows are held by one worker at a time.
        """
        if not is_frame(other):
            raise H2OTypeError(f"merge() must be given a frame; got {type(other).__name__}.")
        if method not in ("auto", "radix", "hash"):
            raise H2OValueError(f"method must be 'auto', 'radix' or 'hash'; got {method!r}. All give the same rows.")
        how = {(False, False): "inner", (True, False): "left", (False, True): "right", (True, True): "outer"}
        left, right = self._key_columns(other, by_x, by_y)
        return self._join(other, left, right, how[bool(all_x), bool(all_y)], sort=True)

    def _key_columns(self, other: Any, by_x: Any, by_y: Any) -> tuple[list[int], list[int]]:
        if by_x is None and by_y is None:
            common = [n for n in self._body.names if n in other._body.names]
            if not common:
                raise H2OValueError("Merged frames must share a column name, or by_x and by_y must be given.")
            by_x = by_y = common
        left, right = (
            self._indices(by_x if by_x is not None else by_y),
            other._indices(by_y if by_y is not None else by_x),
        )
        if len(left) != len(right):
            raise H2OValueError(f"by_x and by_y must name equally many columns; got {len(left)} and {len(right)}.")
        return left, right

    def _join(self, other: Any, left: list[int], right: list[int], how: str, sort: bool) -> H2OFrame:
        names, _, rows = self._body
        mine, theirs = list(self._resolved()), list(other._resolved())
        for i, k in zip(left, right, strict=True):
            mine[i], theirs[k] = _comparable(names[i], mine[i], rows, theirs[k], other._body.rows)
        keys = [reduce([side[i] for i in at], cut, _keys) for side, at, cut in
                ((mine, left, rows), (theirs, right, other._body.rows))]  # fmt: skip
        pair = submit(_matches, how, sort, *keys)
        orders = [submit(_half, pair, i) for i in (0, 1)]
        wanted = spread(gather(submit(len, orders[0])), max([*rows, *other._body.rows, 1]))
        my_rest = [i for i in range(self.ncol) if i not in left]
        their_rest = [k for k in range(other.ncol) if k not in right]
        made = _permuted([mine[i] for i in [*left, *my_rest]], rows, orders[0], wanted)
        they = _permuted([theirs[k] for k in [*right, *their_rest]], other._body.rows, orders[1], wanted)
        if how in ("right", "outer"):
            for j in range(len(left)):
                pair_ = [made[j], they[j]]
                made[j] = derive(pair_, wanted, _coalesce, [made[j].type], [made[j].domain])[0]
        titles = [*[names[i] for i in [*left, *my_rest]], *[other._body.names[k] for k in their_rest]]
        return self._new(unique_names(titles), [*made, *they[len(right) :]], wanted)

    def group_by(self, by: Any) -> GroupBy:
        """Groups of rows that agree in these columns; see GroupBy.

        Example: ``fr.group_by("y").mean("x").get_frame()``.
        """
        return GroupBy(self, by)  # type: ignore[arg-type]


def _permuted(places: list[Place], rows: Sequence[int], order: Future, wanted: Sequence[int]) -> list[Place]:
    return permute(places, rows, order, wanted)[0] if places else []


def _comparable(name: str, mine: Place, rows: Any, theirs: Place, their_rows: Any) -> tuple[Place, Place]:
    """Two key columns so that equal cells have equal values."""
    if mine.type == theirs.type == "enum":
        domain = tuple(dict.fromkeys([*(mine.domain or ()), *(theirs.domain or ())]))
        return mine._replace(domain=domain), to_domain(theirs, their_rows, domain)
    if mine.type == theirs.type or {mine.type, theirs.type} <= {"int", "real"}:
        return mine, theirs
    raise H2OValueError(
        f"Key column '{name}' must have the same type in both frames; got {mine.type} and {theirs.type}. Convert one."
    )
