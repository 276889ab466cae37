"""Key columns: equal cells get equal numbers, in the order of their values, exactly.

Sorting, joining, grouping and counting look at ranks only, so that integers beyond 2**53, doubles, levels and texts
follow one rule: two cells are equal where their values are, and a missing cell has rank -1, before all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from frames.cluster.tasks import absent, concatenate

DENSE_BELOW = 2**62
"""Ranks of several columns are combined to one number below this; before it would be passed, they are made dense."""


def ranks(*pieces: np.ndarray) -> np.ndarray:
    """Return the ranks (rows,) of a decoded column given in pieces, one below the other; -1 where missing.

    Equal cells have equal ranks and smaller ones smaller ranks; texts are ordered by code points. int32 codes are
    their own ranks.

    >>> ranks(np.array([2.5, np.nan]), np.array([2**60 + 1, 2**60]))
    array([ 0, -1,  2,  1])
    """
    if pieces[0].dtype == np.int32:
        return np.concatenate(pieces).astype(np.int64)
    if {piece.dtype for piece in pieces} == {np.dtype(np.float64), np.dtype(np.int64)}:
        return _ranks_of_mixed(pieces)
    column = np.concatenate(pieces)
    if column.dtype == object:
        return _ranks_of_texts(column)
    gaps = absent(column)
    found, result = np.unique(column, return_inverse=True)  # missing integers are first, missing doubles last
    if not gaps.any():
        return result
    return np.where(gaps, -1, result - 1 if found.dtype == np.int64 else result)


def _ranks_of_texts(column: np.ndarray) -> np.ndarray:
    codes, found = pd.factorize(column)
    rank = np.empty(len(found) + 1, np.int64)
    rank[np.argsort(found, kind="stable")] = np.arange(len(found))
    rank[-1] = -1  # what the code of missing finds
    return rank[codes]


def _ranks_of_mixed(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Ranks of doubles beside integers that doubles cannot hold: by whole part, then by what is left."""
    parts = [_whole_and_rest(piece) for piece in pieces]
    whole, rest = (np.concatenate(side) for side in zip(*parts, strict=True))
    gaps = np.concatenate([absent(piece) for piece in pieces])
    order = np.lexsort([rest, whole, ~gaps])
    new = np.ones(len(order), bool)
    whole, rest = whole[order], rest[order]
    new[1:] = (whole[1:] != whole[:-1]) | (rest[1:] != rest[:-1])
    new[: gaps.sum()] = False
    result = np.empty(len(order), np.int64)
    result[order] = np.cumsum(new) - 1
    result[gaps] = -1
    return result


def _whole_and_rest(piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if piece.dtype == np.int64:
        return piece, np.zeros(len(piece))
    inside = np.abs(piece) < 2.0**63
    whole = np.floor(np.where(inside, piece, 0.0))
    edge = np.where(piece > 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min)
    # Beyond all int64 the value itself is what is left: it orders these cells among themselves.
    rest = np.where(inside, piece - whole, np.where(np.isnan(piece), 0.0, piece))
    return np.where(inside, whole.astype(np.int64), edge), rest


def combined(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return one number (rows,) per row for the ranks of several columns: in their order, the first column leading.

    Missing counts as a value of its own, before the others.

    >>> combined([np.array([0, 0, -1]), np.array([1, 0, 5])])
    array([9, 8, 6])
    """
    result, size = columns[0] + 1, _size(columns[0])
    for column in columns[1:]:
        width = _size(column)
        if size * width >= DENSE_BELOW:
            result, size = dense(result)
            column, width = dense(column + 1)
            column -= 1
        result = result * width + column + 1
        size *= width
    return result


def _size(ranks_: np.ndarray) -> int:
    return int(ranks_.max()) + 2 if len(ranks_) else 1


def dense(numbers: np.ndarray) -> tuple[np.ndarray, int]:
    """Return numbers (from 0) replaced by 0, 1, 2, ... in their order, and how many differ.

    >>> dense(np.array([7, 0, 7]))
    (array([1, 0, 1]), 2)
    """
    top = int(numbers.max(initial=-1)) + 1
    if top <= 4 * len(numbers) + 1000:
        seen = np.zeros(top, bool)
        seen[numbers] = True
        place = np.cumsum(seen) - 1
        return place[numbers], int(seen.sum())
    found, place = np.unique(numbers, return_inverse=True)
    return place, len(found)


def order_of(numbers: np.ndarray) -> np.ndarray:
    """Return row numbers (int64) in the order of numbers (from 0); rows of equal numbers keep their order.

    >>> order_of(np.array([3, 0, 3]))
    array([1, 0, 2])
    """
    rows = max(len(numbers), 1)
    if int(numbers.max(initial=0)) >= DENSE_BELOW // rows:
        numbers, _ = dense(numbers)
    # Numbers that all differ are sorted several times faster than a stable sort of equal ones.
    return np.sort(numbers * rows + np.arange(len(numbers))) % rows


class Groups(NamedTuple):
    """Rows that agree in some key columns: the group (rows,) of every row, and the first row (groups,) of each.

    Groups are numbered in the order of their keys, missing first.
    """

    of_row: np.ndarray
    first: np.ndarray


def grouped(columns: Sequence[np.ndarray]) -> Groups:
    """Return the groups of rows that agree in decoded columns; missing agrees with missing.

    >>> grouped([np.array([3.0, 1.0, 3.0, np.nan])])
    Groups(of_row=array([2, 1, 2, 0]), first=array([3, 1, 0]))
    """
    of_row, count = dense(combined([ranks(column) for column in columns]))
    first = np.empty(count, np.int64)
    first[of_row[::-1]] = np.arange(len(of_row))[::-1]  # written last, the first row of a group stands
    return Groups(of_row, first)


def joined(pieces: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Return the columns of a frame from those of its partitions, as they are: int64 stays exact."""
    return [concatenate(column) for column in zip(*pieces, strict=True)]


def ordered(columns: Sequence[Any], ascending: Sequence[bool]) -> np.ndarray:
    """Return row numbers (int64) in the order of ranks; missing first either way; equal rows keep their order.

    >>> ordered([np.array([1, -1, 2, 1])], [False])
    array([1, 2, 0, 3])
    """
    turned = [
        column if up else np.where(column < 0, -1, column.max(initial=0) - column)
        for column, up in zip(columns, ascending, strict=True)
    ]
    return order_of(combined(turned))


def partners(left: np.ndarray, right: np.ndarray, how: str) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers of two tables whose keys agree, side by side; -1 where there is no partner.

    left, right   one number per row from `combined`, over both tables together; negative: agrees with none, and
                  stands at -number - 1 in the order of the keys
    how           inner, left, right or outer: which rows without a partner are kept

    Rows come in the order of keys, then of rows of the left table (with right: of the right one).

    >>> partners(np.array([5, 2, 5]), np.array([5, 3]), "outer")
    (array([ 1, -1,  0,  2]), array([-1,  1,  0,  0]))
    """
    if how == "right":
        theirs, mine = partners(right, left, "left")
        return mine, theirs
    left_key, right_key = _unmarked(left), _unmarked(right)
    count = int(max(left_key.max(initial=0), right_key.max(initial=0))) + 1
    there = np.bincount(right[right >= 0], minlength=count)
    begin = np.cumsum(there) - there
    order = order_of(left_key)
    found = np.where(left[order] < 0, 0, there[left_key[order]])
    times = found if how == "inner" else np.maximum(found, 1)
    mine = np.repeat(order, times)
    within = np.arange(len(mine)) - np.repeat(np.cumsum(times) - times, times)
    by_key = np.flatnonzero(right >= 0)
    by_key = np.append(by_key[order_of(right[by_key])], -1)
    theirs = by_key[np.where(np.repeat(found, times) > 0, np.repeat(begin[left_key[order]], times) + within, -1)]
    if how == "outer":
        here = np.bincount(left[left >= 0], minlength=count)
        alone = np.flatnonzero((right < 0) | (here[right_key] == 0))
        again = order_of(np.append(left_key[mine], right_key[alone]))
        mine = np.append(mine, np.full(len(alone), -1))[again]
        theirs = np.append(theirs, alone)[again]
    return mine, theirs


def _unmarked(numbers: np.ndarray) -> np.ndarray:
    return np.where(numbers < 0, -numbers - 1, numbers)
