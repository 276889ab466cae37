"""Groups of rows with equal keys, and what is computed of each: frame.group_by(...).mean(...).get_frame()."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.sending import gather, submit, tasks_named
from frames.cluster.tasks import absent, as_float, concatenate, reduce
from frames.exceptions import H2OValueError
from frames.table.names import unique_names
from frames.table.small import small_table
from frames.table.table import Table
from frames.verbs.keys import grouped, joined, order_of

NA_RULES = ("all", "ignore", "rm")
TALLIED = ("median", "mode")


class Wish(NamedTuple):
    """One column of the result: what of which column, and how missing cells count."""

    what: str
    column: str
    na: str


# ---- tasks -------------------------------------------------------------------------------------------------------
class GroupMoments(NamedTuple):
    """What is known of one column, group by group (groups,): of its present cells only."""

    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    mean: np.ndarray
    m2: np.ndarray  # squared deviations from the mean, summed
    least: np.ndarray  # in the dtype of the column: integers stay exact; missing without present cells
    most: np.ndarray


class Tally(NamedTuple):
    """How often which present value of one column occurs in which group."""

    group: np.ndarray
    value: np.ndarray
    count: np.ndarray


class Partial(NamedTuple):
    """The groups of one partition: their keys (columns), their rows, and what is known of the other columns."""

    keys: list[np.ndarray]
    rows: np.ndarray
    moments: dict[int, GroupMoments]
    tallies: dict[int, Tally]


def _partial(*arguments) -> Partial:
    """Half-way house of one partition; columns are counted from the first key on."""
    *columns, keys, numeric, tallied = arguments
    of_row, first = grouped(columns[:keys])
    return Partial(
        [column[first] for column in columns[:keys]],
        np.bincount(of_row, minlength=len(first)),
        {i: _moments(columns[i], of_row, len(first)) for i in numeric},
        {i: _tally(columns[i], of_row) for i in tallied},
    )


def _moments(values: np.ndarray, group: np.ndarray, groups: int) -> GroupMoments:
    keep = ~absent(values)
    values, group = values[keep], group[keep]
    numbers = as_float(values)

    def total(weights):
        return np.bincount(group, weights, groups)

    with np.errstate(all="ignore"):
        count, sums = np.bincount(group, minlength=groups), total(numbers)
        mean = sums / count
        apart = numbers - mean[group]
        slip = total(apart) / count  # what rounding took from the mean
        m2 = total(apart**2) - count * slip**2
        squares = total(numbers**2)
        mean = mean + np.where(np.isfinite(slip), slip, 0.0)
    mean, m2 = np.where(count > 0, mean, 0.0), np.where(count > 0, np.maximum(m2, 0.0), 0.0)
    least, most = (_extreme(function, values, group, count) for function in (np.minimum, np.maximum))
    return GroupMoments(count=count, total=sums, squares=squares, mean=mean, m2=m2, least=least, most=most)


def _extreme(function: np.ufunc, values: np.ndarray, group: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the least (most) present value of every group, in the dtype of the column; missing without any."""
    long = values.dtype == np.int64
    start: Any = MISSING_INTEGER if long else np.nan
    result = np.full(len(count), start, values.dtype)
    order = order_of(group)
    begin = np.cumsum(count) - count
    result[count > 0] = function.reduceat(values[order], begin[count > 0]) if len(values) else result[count > 0]
    return result


def _tally(values: np.ndarray, group: np.ndarray) -> Tally:
    keep = ~absent(values)
    values, group = values[keep], group[keep]
    of_row, first = grouped([group, values])
    return Tally(group[first], values[first], np.bincount(of_row, minlength=len(first)))


def _combine(keys: int, wishes: Sequence[tuple[str, int, str]], *partials: Partial) -> tuple[list, list]:
    """Merge the partitions: (key columns, wished columns), groups in the order of their keys, missing first."""
    found = joined([partial.keys for partial in partials])
    group, first = grouped(found)
    groups = len(first)
    rows = np.bincount(group, np.concatenate([p.rows for p in partials]), groups)
    moments = {i: _merged_moments([p.moments[i] for p in partials], group, groups) for i in partials[0].moments}
    starts = np.cumsum([0, *(len(p.rows) for p in partials)])
    tallies = {i: _merged_tally([p.tallies[i] for p in partials], group, starts) for i in partials[0].tallies}
    columns = []
    for what, i, na in wishes:
        if what == "nrow":
            columns.append(rows)
            continue
        if what in TALLIED:
            values, present = _from_tally(what, na, tallies[i], rows)
        else:
            values, present = _from_moments(what, na, moments[i], rows), moments[i].count
        columns.append(_blanked(values, rows > present) if na == "all" else values)
    return [column[first] for column in found], columns


def _blanked(values: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    return np.where(gaps, MISSING_INTEGER if values.dtype == np.int64 else np.nan, values)


def _merged_moments(parts: Sequence[GroupMoments], group: np.ndarray, groups: int) -> GroupMoments:
    """Return the moments of groups whose rows lie in several partitions (Chan, Golub and LeVeque 1979)."""
    count, total, squares, mean, m2 = (np.concatenate(part) for part in list(zip(*parts, strict=True))[:5])
    least, most = (concatenate([getattr(p, name) for p in parts]) for name in ("least", "most"))
    present = np.bincount(group, count, groups)
    with np.errstate(all="ignore"):
        centre = np.where(present > 0, np.bincount(group, count * mean, groups) / present, 0.0)
        m2 = m2 + count * (mean - centre[group]) ** 2
    some = count > 0
    parts_of = np.bincount(group[some], minlength=groups)
    total, squares, m2 = (np.bincount(group, column, groups) for column in (total, squares, m2))
    least = _extreme(np.minimum, least[some], group[some], parts_of)
    most = _extreme(np.maximum, most[some], group[some], parts_of)
    return GroupMoments(count=present, total=total, squares=squares, mean=centre, m2=m2, least=least, most=most)


def _merged_tally(parts: Sequence[Tally], group: np.ndarray, starts: np.ndarray) -> Tally:
    """Return the tally of all partitions, by group and value; `starts`: where the groups of each partition begin."""
    own = np.concatenate([group[p.group + start] for p, start in zip(parts, starts, strict=False)])
    values = concatenate([p.value for p in parts])
    of_row, first = grouped([own, values])
    return Tally(own[first], values[first], np.bincount(of_row, np.concatenate([p.count for p in parts]), len(first)))


def _from_moments(what: str, na: str, found: GroupMoments, rows: np.ndarray) -> np.ndarray:
    count, m2 = found.count, found.m2
    with np.errstate(all="ignore"):
        mean = np.where(count > 0, found.mean, np.nan)
        if na == "ignore":  # as if missing cells held 0
            m2 = m2 + count * found.mean**2 * ((rows - count) / rows)
            count, mean = rows, found.total / rows
        variance = np.where(count > 1, m2 / (count - 1), np.nan)
        return {
            "mean": mean, "sum": found.total, "min": found.least, "max": found.most,
            "var": variance, "sdev": np.sqrt(variance), "sumSquares": found.squares,
        }[what]  # fmt: skip


def _from_tally(what: str, na: str, tally: Tally, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(median or mode, present cells) of every group; the smallest of equally frequent modes."""
    present = np.bincount(tally.group, tally.count, len(rows))
    if what == "mode":
        order = np.lexsort([-tally.count, tally.group])
        _, first = np.unique(tally.group[order], return_index=True)
        chosen = order[first]
        values = np.full(len(rows), np.nan) if tally.value.dtype != np.int64 else np.full(len(rows), MISSING_INTEGER)
        values[tally.group[chosen]] = tally.value[chosen]
        return values, present
    gaps = rows - present if na == "ignore" else np.zeros(len(rows))  # missing cells stand before the others
    size = present + gaps
    low, high = (_at_rank(tally, present, half((size - 1) / 2) - gaps) for half in (np.floor, np.ceil))
    with np.errstate(all="ignore"):
        return np.where(low == high, low, low + (high - low) / 2), present


def _at_rank(tally: Tally, present: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the cell of every group that has `position` smaller cells before it; missing where there is none."""
    ends = np.cumsum(tally.count)
    before = np.cumsum(present) - present
    inside = (position >= 0) & (position < present)
    at = np.searchsorted(ends, np.where(inside, before + position, 0), side="right")
    return np.where(inside, np.append(as_float(tally.value), np.nan)[at], np.nan)


class GroupBy:
    """Wishes about the groups of a table; nothing is computed before get_frame(), whose table goes through `show`.

    `na` of every wish: "all" (a missing cell makes the result missing), "rm" (missing cells are left out), "ignore"
    (mean, var and sd take missing cells for 0, the median puts them before the others, the rest leaves them out).
    Rows whose key is missing are a group, the first one. Keys, min, max and mode of integers are exact.

    Example: ``fr.group_by("species").mean("petal_len").count().get_frame()`` has columns species, mean_petal_len, nrow.
    """

    def __init__(self, table: Table, by: Any, show: Callable[[Table], Any] = lambda table: table) -> None:
        self._table, self._keys, self._show = table, table.indices(by), show
        self._wishes: list[Wish] = []
        self._result: Table | None = None
        if not self._keys:
            raise H2OValueError("group_by() must be given at least one column.")

    def _wish(self, what: str, col: Any, na: str) -> GroupBy:
        if na not in NA_RULES:
            raise H2OValueError(f"na must be one of {NA_RULES}; got {na!r}.")
        places, names = self._table.resolved, self._table.names
        fit = ("int", "real", "time", "enum") if what == "mode" else ("int", "real", "time")
        if col is None or col == [] or col == ():
            chosen = [i for i, p in enumerate(places) if i not in self._keys and p.type in fit]
        else:
            chosen = self._table.indices(col)
            for i in chosen:
                if places[i].type not in fit:
                    raise H2OValueError(
                        f"{what} of groups must be asked of columns of numbers; '{names[i]}' is {places[i].type}."
                    )
        self._wishes += [Wish(what, names[i], na) for i in chosen]
        self._result = None
        return self

    def count(self, na: str = "all") -> GroupBy:
        """Rows of every group: column `nrow`."""
        if na not in NA_RULES:
            raise H2OValueError(f"na must be one of {NA_RULES}; got {na!r}.")
        self._wishes.append(Wish("nrow", "", na))
        self._result = None
        return self

    @tasks_named("frames-group-by")
    def get_frame(self) -> Any:
        """One row per group in the order of the keys: keys, then the wishes (`mean_x`, `sdev_x`, `nrow`, ...)."""
        if self._result is None:
            self._result = self._compute(self._wishes or [Wish("nrow", "", "all")])
        return self._show(self._result)

    frame = property(get_frame)

    def _compute(self, wishes: Sequence[Wish]) -> Table:
        table, keys = self._table, len(self._keys)
        needed = list(dict.fromkeys(table.index(w.column) for w in wishes if w.column))
        places = [table.resolved[i] for i in [*self._keys, *needed]]
        at = {table.names[i]: keys + k for k, i in enumerate(needed)}
        asked = [(w.what, at.get(w.column, -1), w.na) for w in wishes]
        tallied = sorted({i for what, i, _ in asked if what in TALLIED})
        numeric = sorted({i for what, i, _ in asked if what not in (*TALLIED, "nrow")})
        partials = reduce(places, table.rows, _partial, (keys, numeric, tallied))
        found, columns = gather(submit(_combine, keys, asked, *partials))
        names = [table.names[k] for k in self._keys]
        types, domains = [p.type for p in places[:keys]], [p.domain for p in places[:keys]]
        for w, i in zip(wishes, (i for _, i, _ in asked), strict=True):
            names.append("nrow" if w.what == "nrow" else f"{w.what}_{w.column}")
            enum = w.what == "mode" and places[i].type == "enum"
            types.append("enum" if enum else "int" if w.what == "nrow" else None)
            domains.append(places[i].domain if enum else None)
        arrays = [stored(c, t) for c, t in zip([*found, *columns], types, strict=True)]
        return small_table(unique_names(names), arrays, types, domains)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.get_frame(), name)


def _method(name: str, what: str, sentence: str) -> Callable:
    def method(self: GroupBy, col: Any = None, na: str = "all") -> GroupBy:
        return self._wish(what, col, na)

    method.__name__, method.__qualname__ = name, f"GroupBy.{name}"
    method.__doc__ = f"{sentence} of every group, of `col` (name, number, list; default all that fit): `{what}_<col>`."
    return method


for _name, _what, _sentence in (
    ("mean", "mean", "Mean"), ("sum", "sum", "Sum"), ("ss", "sumSquares", "Sum of squares"),
    ("min", "min", "Smallest value"), ("max", "max", "Largest value"),
    ("sd", "sdev", "Standard deviation (n-1)"), ("var", "var", "Variance (n-1)"),
    ("median", "median", "Exact median"), ("mode", "mode", "Most frequent value (the smallest of several)"),
):  # fmt: skip
    setattr(GroupBy, _name, _method(_name, _what, _sentence))


def stored(values: np.ndarray, type_: str | None) -> np.ndarray:
    """Return a key or result column as `Chunk.pack` wants it."""
    if type_ == "enum":
        return np.where(np.isnan(values), -1, values).astype(np.int32)
    if type_ in ("string", "uuid"):
        return values
    return values if values.dtype == np.int64 else np.asarray(values, dtype=np.float64)
