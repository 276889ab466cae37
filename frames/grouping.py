"""Groups of rows with equal keys, and what is computed of each: frame.group_by(...).mean(...).get_frame()."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from frames.errors import H2OValueError
from frames.reductions import _quantile
from frames.tasks import absent, as_float, gather, reduce, submit

if TYPE_CHECKING:
    from frames.frame import H2OFrame

NA_RULES = ("all", "ignore", "rm")


class Wish(NamedTuple):
    """One column of the result: what of which column, and how missing cells count."""

    what: str
    column: str
    na: str


def key_values(values: np.ndarray) -> np.ndarray:
    """A decoded key column so that pandas groups it: missing is NaN."""
    if values.dtype == object:
        return np.where(absent(values), np.nan, values)
    if values.dtype == np.int32:
        return np.where(values < 0, np.nan, values.astype(np.float64))
    return as_float(values)


# ---- tasks -------------------------------------------------------------------------------------------------------
def _by(table: pd.DataFrame, keys: int) -> Any:
    return table.groupby(list(range(keys)), dropna=False, sort=True)


def _partial(*arguments) -> tuple[pd.DataFrame, dict[int, pd.DataFrame]]:
    """Half-way house of one partition: moments per group, and distinct values with counts where these are wanted."""
    *columns, keys, distinct = arguments
    table = pd.DataFrame({i: key_values(c) for i, c in enumerate(columns)})
    groups = _by(table, keys)
    moments = {"rows": groups.size()}
    for i in range(keys, len(columns)):
        if table[i].dtype == object:
            continue
        one = groups[i]
        n, mean = one.count(), one.mean()
        moments |= {f"n{i}": n, f"mean{i}": mean, f"m2{i}": (one.var() * (n - 1)).fillna(0.0)}
        moments |= {f"min{i}": one.min(), f"max{i}": one.max(), f"sum{i}": one.sum()}
        moments[f"ss{i}"] = table[i].pow(2).groupby([table[k] for k in range(keys)], dropna=False, sort=True).sum()
    tallies = {}
    for i in distinct:
        present = table[[*range(keys), i]][table[i].notna()]
        tallies[i] = present.groupby([*range(keys), i], dropna=False).size().rename("count").reset_index()
    return pd.DataFrame(moments).reset_index(), tallies


def _combine(keys: int, wishes: Sequence[tuple[str, int, str]], *partials) -> tuple[list, list]:
    """Merge the partitions: (key columns, wished columns), groups in the order of their keys."""
    table = pd.concat([p[0] for p in partials], ignore_index=True)
    groups = _by(table, keys)
    total = {"rows": groups["rows"].sum()}
    for i in sorted({i for _, i, _ in wishes if f"n{i}" in table}):
        n, sums = groups[f"n{i}"].sum(), groups[f"sum{i}"].sum()
        with np.errstate(all="ignore"):
            mean = (table[f"n{i}"] * table[f"mean{i}"].fillna(0.0)).groupby(
                [table[k] for k in range(keys)], dropna=False, sort=True
            ).sum() / n
        centre = table[list(range(keys))].merge(mean.rename("centre").reset_index(), on=list(range(keys)), how="left")
        gap = (table[f"mean{i}"] - centre["centre"]).fillna(0.0)
        m2 = (
            (table[f"m2{i}"] + table[f"n{i}"] * gap**2)
            .groupby([table[k] for k in range(keys)], dropna=False, sort=True)
            .sum()
        )
        total |= {f"n{i}": n, f"mean{i}": mean, f"m2{i}": m2, f"sum{i}": sums, f"ss{i}": groups[f"ss{i}"].sum()}
        total |= {f"min{i}": groups[f"min{i}"].min(), f"max{i}": groups[f"max{i}"].max()}
    merged = pd.DataFrame(total)
    tallies = {
        i: pd.concat([p[1][i] for p in partials], ignore_index=True)
        for i in {i for what, i, _ in wishes if what in ("median", "mode")}
    }
    columns = [_column(what, i, na, merged, tallies.get(i), keys) for what, i, na in wishes]
    index = merged.index.to_frame(index=False)
    return [index.iloc[:, k].to_numpy() for k in range(keys)], columns


def _column(what: str, i: int, na: str, merged: pd.DataFrame, tally: pd.DataFrame | None, keys: int) -> np.ndarray:
    if what == "nrow":
        return merged["rows"].to_numpy(dtype=np.float64)
    if what in ("median", "mode"):
        values, gaps = _from_tally(what, merged, tally, keys, i)
    else:
        values, gaps = _from_moments(what, i, na, merged)
    return np.where(gaps, np.nan, values) if na == "all" else values


def _from_moments(what: str, i: int, na: str, merged: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    n, rows = merged[f"n{i}"], merged["rows"]
    with np.errstate(all="ignore"):
        variance = np.where(n > 1, merged[f"m2{i}"] / (n - 1), np.nan)
        values = {
            "mean": merged[f"sum{i}"] / (rows if na == "ignore" else n),
            "sum": merged[f"sum{i}"], "min": merged[f"min{i}"], "max": merged[f"max{i}"],
            "var": variance, "sdev": np.sqrt(variance), "sumSquares": merged[f"ss{i}"],
        }[what]  # fmt: skip
    return np.asarray(values, dtype=np.float64), (rows > n).to_numpy()


def _from_tally(what, merged, tally, keys, i) -> tuple[np.ndarray, np.ndarray]:
    """Median or mode of every group from distinct values with counts; the smallest of equally frequent modes."""
    counts = tally.groupby([*range(keys), i], dropna=False, sort=True)["count"].sum().reset_index()
    number = counts.groupby(list(range(keys)), dropna=False, sort=False).ngroup().to_numpy()
    index = merged.index.to_frame(index=False)
    index.columns = list(range(keys))
    firsts = counts.groupby(list(range(keys)), dropna=False, sort=False).head(1)[list(range(keys))]
    at = index.reset_index(names="at").merge(
        firsts.assign(number=np.arange(len(firsts))), on=list(range(keys)), how="inner"
    )
    values, present = np.full(len(merged), np.nan), np.zeros(len(merged))
    bounds = np.searchsorted(number, np.arange(len(firsts) + 1))  # rows of a group lie together
    cells, tallied = counts[i].to_numpy(), counts["count"].to_numpy()
    for row, group in zip(at["at"], at["number"], strict=True):
        own = slice(bounds[group], bounds[group + 1])
        found, often = cells[own], tallied[own]
        values[row] = found[np.argmax(often)] if what == "mode" else _quantile(found, np.cumsum(often), 0.5, "")
        present[row] = often.sum()
    return values, merged["rows"].to_numpy() > present


class GroupBy:
    """Wishes about the groups of a frame; nothing is computed before get_frame().

    `na` of every wish: "all" (a missing cell makes the result missing), "rm" (missing cells are left out), "ignore"
    (as rm, but means divide by all rows of the group).

    Example: ``fr.group_by("species").mean("petal_len").count().get_frame()`` has columns species, mean_petal_len, nrow.
    """

    def __init__(self, frame: H2OFrame, by: Any) -> None:
        self._frame, self._keys = frame, frame._indices(by)
        self._wishes: list[Wish] = []
        self._result: H2OFrame | None = None
        if not self._keys:
            raise H2OValueError("group_by() must be given at least one column.")

    def _wish(self, what: str, col: Any, na: str) -> GroupBy:
        if na not in NA_RULES:
            raise H2OValueError(f"na must be one of {NA_RULES}; got {na!r}.")
        places, names = self._frame._resolved(), self._frame._body.names
        fit = ("int", "real", "time", "enum") if what == "mode" else ("int", "real", "time")
        if col is None or col == [] or col == ():
            chosen = [i for i, p in enumerate(places) if i not in self._keys and p.type in fit]
        else:
            chosen = self._frame._indices(col)
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

    def get_frame(self) -> H2OFrame:
        """One row per group in the order of the keys: keys, then the wishes (`mean_x`, `sdev_x`, `nrow`, ...)."""
        if self._result is None:
            self._result = self._compute(self._wishes or [Wish("nrow", "", "all")])
        return self._result

    frame = property(get_frame)

    def _compute(self, wishes: Sequence[Wish]) -> H2OFrame:
        frame, keys = self._frame, len(self._keys)
        needed = list(dict.fromkeys(frame._index(w.column) for w in wishes if w.column))
        places = [frame._resolved()[i] for i in [*self._keys, *needed]]
        at = {frame._body.names[i]: keys + k for k, i in enumerate(needed)}
        asked = [(w.what, at.get(w.column, -1), w.na) for w in wishes]
        distinct = sorted({i for what, i, _ in asked if what in ("median", "mode")})
        partials = reduce(places, frame._body.rows, _partial, (keys, distinct))
        found, columns = gather(submit(_combine, keys, asked, *partials))
        names = [frame._body.names[k] for k in self._keys]
        types, domains = [p.type for p in places[:keys]], [p.domain for p in places[:keys]]
        for w, i in zip(wishes, (i for _, i, _ in asked), strict=True):
            names.append("nrow" if w.what == "nrow" else f"{w.what}_{w.column}")
            enum = w.what == "mode" and places[i].type == "enum"
            types.append("enum" if enum else None)
            domains.append(places[i].domain if enum else None)
        arrays = [stored(c, t) for c, t in zip([*found, *columns], types, strict=True)]
        return frame._small(names, arrays, types, domains)

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
    """A key or result column as `Chunk.pack` wants it."""
    if type_ == "enum":
        return np.where(pd.isna(values), -1, values).astype(np.int32)
    if type_ in ("string", "uuid"):
        return np.array([None if v != v else v for v in values], dtype=object)
    return np.asarray(values, dtype=np.float64)
