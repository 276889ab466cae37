"""Rows divided at random or regularly: uniform numbers, splits, folds. One seed gives the same rows, however cut."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from frames.cluster.placement import Place, client_at
from frames.cluster.reorder import deal, starts
from frames.cluster.sending import gather, key_of
from frames.cluster.tasks import derive, reduce
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import to_enum
from frames.table.table import Named, Table

FOR_ROWS, FOR_FOLDS, FOR_HOLES = 1, 2, 3  # what random numbers are drawn for
SPLIT_BLOCK = 20  # rows of a level that are divided together


def chosen_seed(seed: int | None) -> int:
    """Return the seed itself, or a fresh one for None and -1."""
    if seed is None or seed == -1:
        return secrets.randbits(63)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise H2OTypeError(f"seed must be a whole number, or None or -1 for a fresh one; got {seed!r}.")
    return int(seed) % 2**64


def uniform(rows: int, start: int, seed: int, purpose: int = FOR_ROWS, *stream: int) -> np.ndarray:
    """Uniform numbers in [0, 1) of the rows start..start+rows: one draw per row of the whole frame.

    Each purpose (and each `stream` of one) has streams of its own, and none is NumPy's stream of the same seed: a split
    must not follow the holes, the folds or the user's own random data that were made with this seed.
    """
    bits = np.random.PCG64([seed, purpose, *stream])
    bits.advance(start)
    return np.random.Generator(bits).random(rows)


def _uniform(rows: int, start: int, seed: int) -> list[np.ndarray]:
    return [uniform(rows, start, seed)]


def _drawn_fold(rows: int, start: int, seed: int, folds: int) -> list[np.ndarray]:
    return [np.minimum((uniform(rows, start, seed, FOR_FOLDS) * folds).astype(np.int64), folds - 1)]


def _regular_fold(rows: int, start: int, folds: int) -> list[np.ndarray]:
    return [np.arange(start, start + rows) % folds]


def _rows_between(rows: int, start: int, seed: int, low: float, high: float) -> np.ndarray:
    drawn = uniform(rows, start, seed)
    return np.flatnonzero((drawn >= low) & (drawn < high))


def _counts_between(rows: int, start: int, seed: int, bounds: Sequence[float]) -> list[int]:
    drawn = uniform(rows, start, seed)
    below = [int(np.count_nonzero(drawn < bound)) for bound in bounds]
    return [high - low for low, high in pairwise(below)]


def _level_counts(codes: np.ndarray, levels: int) -> np.ndarray:
    return np.bincount(codes + 1, minlength=levels + 1)


def _dealt(codes: np.ndarray, offsets: np.ndarray, seed: int, size: int, totals: np.ndarray):
    """Random ranks of the rows inside blocks of `size` rows of one level, so that no cut of the frame changes them.

    `offsets` (levels + 1,): rows of each level (missing first) before this partition, `totals` those of the frame.
    Returns the rank (rows,) of every row among the rows of its block, and its number (rows,) inside its level.
    """
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(-1, len(offsets)))
    ranks, numbers = np.empty(len(codes), np.int64), np.empty(len(codes), np.int64)
    for level in np.flatnonzero(np.diff(bounds)):
        rows, start = order[bounds[level] : bounds[level + 1]], int(offsets[level])
        first, last = start // size, (start + len(rows) - 1) // size
        draw = uniform((last - first + 1) * size, first * size, seed, FOR_FOLDS, int(level))
        draw[int(totals[level]) - first * size :] = 2.0  # the last block may have fewer rows
        ranked = draw.reshape(-1, size).argsort(axis=1).argsort(axis=1).ravel()
        ranks[rows] = ranked[start - first * size :][: len(rows)]
        numbers[rows] = np.arange(start, start + len(rows))
    return ranks, numbers


def _level_folds(codes: np.ndarray, offsets: np.ndarray, seed: int, folds: int, totals: np.ndarray) -> list[np.ndarray]:
    # Full blocks throughout: which folds the rows of a last, short one go to is drawn, too.
    return [_dealt(codes, offsets, seed, folds, np.full(len(totals), totals.sum() + folds))[0]]


def _level_split(
    codes: np.ndarray, offsets: np.ndarray, seed: int, share: float, totals: np.ndarray
) -> list[np.ndarray]:
    ranks, numbers = _dealt(codes, offsets, seed, SPLIT_BLOCK, totals)
    start = numbers - numbers % SPLIT_BLOCK
    end = np.minimum(start + SPLIT_BLOCK, totals[codes + 1])
    # A block gives as many test rows as its ends pass whole numbers of share: the count of a level is exact.
    wanted = np.floor(end * share + 1e-9) - np.floor(start * share + 1e-9)
    return [np.where(ranks < wanted, 1, 0).astype(np.int32)]


def _sized(table: Table) -> list[tuple[int, int]]:
    """(rows, first row) of every partition."""
    return list(zip(table.rows, starts(table.rows), strict=True))


def _drawn(table: Table, seed: int | None) -> Place:
    return derive(
        [], table.rows, _uniform, types=["real"], domains=None, arguments=(chosen_seed(seed),), local=_sized(table)
    )[0]


def runif(table: Table, seed: int | None = None) -> Table:
    """Return a column `rnd` of uniform numbers in [0, 1), one per row."""
    return table.new(["rnd"], [_drawn(table, seed)])


def split_frame(
    table: Table,
    ratios: Sequence[float] | None = None,
    destination_frames: Sequence[str] | None = None,
    seed: int | None = None,
) -> list[Named]:
    """Rows dealt at random to len(ratios) + 1 frames; the last gets what the ratios leave (sizes are approximate).

    `ratios`: default [0.75]; each above 0, together below 1. Raises H2OValueError otherwise.
    Example: ``train, valid, test = fr.split_frame([0.6, 0.2], seed=1)``.
    """
    ratios = [0.75] if ratios is None else list(np.atleast_1d(ratios))
    if not ratios or not all(0 < r < 1 for r in ratios) or sum(ratios) >= 1:
        raise H2OValueError(f"ratios must each be above 0 and together below 1; got {[float(r) for r in ratios]}.")
    if destination_frames is not None and len(destination_frames) != len(ratios) + 1:
        raise H2OValueError(f"destination_frames must hold {len(ratios) + 1} names; got {len(destination_frames)}.")
    names, places, rows = table.names, table.places, table.rows
    own, sized = chosen_seed(seed), _sized(table)
    bounds = [0.0, *map(float, np.cumsum(ratios)), 1.0]
    # Tasks draw their numbers where they need them: kept, they would weigh as much as a column, and lie elsewhere.
    client = client_at(places)
    submit = partial(client.submit, _counts_between, pure=False)
    counted = [submit(*one, own, bounds, key=key_of(_counts_between)) for one in sized]
    counts = zip(*gather(counted), strict=True)
    picks = [[partial(_rows_between, *one, own, *ends) for one in sized] for ends in pairwise(bounds)]
    parts = [table.new(names, *found) for found in deal(places, rows, picks, [list(many) for many in counts])]
    return [Named(key, part) for key, part in zip(destination_frames or [None] * len(parts), parts, strict=True)]


def kfold_column(table: Table, n_folds: int = 3, seed: int | None = -1) -> Table:
    """Return a column `C1` with a random fold 0..n_folds-1 for every row."""
    arguments = (chosen_seed(seed), _folds(n_folds))
    return table.new(
        ["C1"],
        derive([], table.rows, _drawn_fold, types=["int"], domains=None, arguments=arguments, local=_sized(table)),
    )


def modulo_kfold_column(table: Table, n_folds: int = 3) -> Table:
    """Return a column `C1` with fold = row number modulo n_folds."""
    made = derive(
        [], table.rows, _regular_fold, types=["int"], domains=None, arguments=(_folds(n_folds),), local=_sized(table)
    )
    return table.new(["C1"], made)


def stratified_kfold_column(table: Table, n_folds: int = 3, seed: int | None = -1) -> Table:
    """Return a column `C1` of random folds in which every level of this one enum (or int) column is spread evenly."""
    return table.new(
        ["C1"],
        _by_level(table, "stratified_kfold_column", _level_folds, seed=seed, option=_folds(n_folds), type_="int"),
    )


def stratified_split(table: Table, test_frac: float = 0.2, seed: int | None = -1) -> Table:
    """Return a column `test_train_split` (enum train, test): every level gives the same share of its rows to test."""
    if not 0 < test_frac < 1:
        raise H2OValueError(f"test_frac must be above 0 and below 1; got {test_frac!r}.")
    domain = ("train", "test")
    made = _by_level(
        table, "stratified_split", _level_split, seed=seed, option=float(test_frac), type_="enum", domain=domain
    )
    return table.new(["test_train_split"], made)


def _by_level(table: Table, call, function, seed, option, type_, domain=None) -> list[Place]:
    rows = table.rows
    place = to_enum(table.names, [table.only(f"{call}()")], rows)[0]
    counts = gather(reduce([place], rows, _level_counts, (place.levels,)))
    offsets = np.cumsum([np.zeros_like(counts[0]), *counts[:-1]], axis=0)
    local = [(offset,) for offset in offsets]
    arguments = (chosen_seed(seed), option, np.sum(counts, axis=0))
    return derive([place], rows, function, types=[type_], domains=[domain], arguments=arguments, local=local)


def _folds(n_folds: int) -> int:
    if isinstance(n_folds, bool) or not isinstance(n_folds, int | np.integer) or n_folds < 2:
        raise H2OValueError(f"n_folds must be a whole number of at least 2; got {n_folds!r}.")
    return int(n_folds)
