"""Counts of values: table(), hist(), mode, and enum columns crossed with one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from frames.cluster.placement import Place
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import absent, as_float, derive, reduce
from frames.exceptions import H2OValueError
from frames.table.casts import double_text
from frames.table.integers import plain
from frames.table.names import unique_names
from frames.table.small import small_table
from frames.table.table import Named, Table
from frames.verbs.binding import cbind
from frames.verbs.grouping import stored
from frames.verbs.keys import grouped, joined
from frames.verbs.reductions import _counts, merged_counts, quantile_rows

MAX_BINS = 1_000_000


# ---- tasks -------------------------------------------------------------------------------------------------------
class Pairs(NamedTuple):
    """Combinations of present values that occur: columns of values, in their order, and how often each occurs."""

    values: list[np.ndarray]
    counts: np.ndarray


def _pairs(*columns) -> Pairs:
    """Run as a task: the combinations of one partition."""
    gaps = np.logical_or.reduce([absent(column) for column in columns])
    present = [column[~gaps] for column in columns] if gaps.any() else list(columns)
    return _counted(present, np.ones(len(present[0]), np.int64))


def _counted(columns: list[np.ndarray], counts: np.ndarray) -> Pairs:
    of_row, first = grouped(columns)
    totals = np.zeros(len(first), np.int64)
    np.add.at(totals, of_row, counts)
    return Pairs([column[first] for column in columns], totals)


def _all_pairs(*pieces: Pairs) -> Pairs:
    """Run as a task: the combinations of all partitions."""
    return _counted(joined([piece.values for piece in pieces]), np.concatenate([piece.counts for piece in pieces]))


def _histogram(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts and sums of present values in (edge, next edge], the first closed below; others are left out."""
    values = as_float(values)
    values = values[(values >= edges[0]) & (values <= edges[-1])]
    at = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    size = len(edges) - 1
    return np.bincount(at, minlength=size), np.bincount(at, values, size)


def _crossed(*arguments) -> list[np.ndarray]:
    """Run as a task: the level of every combination of codes: that at its place in `known`, else `other`."""
    *codes, sizes, known, levels, other = arguments
    gap = np.logical_or.reduce([c < 0 for c in codes])
    combined = np.ravel_multi_index([np.where(gap, 0, c) for c in codes], sizes)
    at = np.searchsorted(known, combined)
    hit = np.append(known, -1)[at] == combined
    return [np.where(gap, -1, np.where(hit, np.append(levels, other)[at], other)).astype(np.int32)]


def counts_of(table: Table, data2: Table | None = None, dense: bool = True) -> Table:
    """How often every value (or pair of values) of one or two columns occurs, in their order; missing left out.

    One column: frame `<col>`, `Count`. Two: `<col1>`, `<col2>`, `Counts`, pairs that occur; with `dense=False` one
    row per value of the first and one column per value of the second.
    """
    frame = table if data2 is None else cbind(table, data2)
    if frame.ncol not in (1, 2):
        raise H2OValueError(f"table() must be given one or two columns; got {frame.ncol}.")
    places, rows = frame.resolved, frame.rows
    found = _tallied(places, rows)
    if frame.ncol == 2 and not dense:
        return _spread_out(frame, places, found)
    types, domains = [p.type for p in places], [p.domain for p in places]
    arrays = [stored(v, p.type) for v, p in zip(found.values, places, strict=True)]
    title = "Count" if frame.ncol == 1 else "Counts"
    return small_table([*frame.names, title], [*arrays, found.counts], [*types, "int"], [*domains, None])


def mode(table: Table) -> float:
    """Return the most frequent number of a one-column frame (the smallest of several); NaN without any."""
    place = table.only("The mode")
    pieces = gather(reduce([place], table.rows, _counts))
    found, counts = merged_counts(pieces)
    return plain(found[np.argmax(counts)].item()) if len(found) else math.nan


def hist(table: Table, breaks: Any = "sturges", plot: bool = True, save_plot_path: str | None = None) -> Table:
    """Return a histogram of one column of numbers: frame breaks, counts, mids_true (means of the bins), mids.

    `breaks`: sturges, rice, sqrt, doane, fd, scott, a number of bins, or the edges (cells outside are not
    counted). `plot=True` also draws it, `save_plot_path` writes the picture there. Raises H2OValueError where a cell is
    infinite and no edges are given.
    """
    place = table.only("hist()")
    if place.type not in ("int", "real", "time"):
        raise H2OValueError(f"hist() must be asked of a column of numbers; got {place.type}.")
    edges = _edges(table, breaks)
    pieces = gather(reduce([place], table.rows, _histogram, (edges,)))
    counts, sums = (np.sum([p[i] for p in pieces], axis=0) for i in (0, 1))
    with np.errstate(all="ignore"):
        means = np.where(counts > 0, sums / counts, 0.0)
    mids = (edges[:-1] + edges[1:]) / 2
    columns = [edges, *[np.append(np.nan, c) for c in (counts, means, mids)]]
    if plot or save_plot_path is not None:
        _draw(edges, counts, table.names[0], plot, save_plot_path)
    return small_table(["breaks", "counts", "mids_true", "mids"], columns)


def _edges(table: Table, breaks: Any) -> np.ndarray:
    if isinstance(breaks, list | tuple | np.ndarray):
        edges = np.unique(np.asarray(breaks, dtype=float))
        if len(edges) < 2:
            raise H2OValueError(f"breaks must hold at least two different numbers; got {breaks!r}.")
        return edges
    summary = table.summaries()[0]
    if not summary.present:
        raise H2OValueError("hist() must be asked of a column with at least one present value.")
    low, high = float(summary.minimum), float(summary.maximum)
    if not math.isfinite(high - low):
        raise H2OValueError(f"hist() must be given its breaks for a column from {low:g} to {high:g}.")
    bins = breaks if isinstance(breaks, int) and not isinstance(breaks, bool) else _bins(table, breaks, summary)
    if not 1 <= bins <= MAX_BINS:
        raise H2OValueError(f"breaks must give 1 to {MAX_BINS} bins; got {bins}.")
    return np.linspace(low, high if high > low else low + max(1.0, abs(low) * 1e-6), bins + 1)


def _bins(table: Table, rule: Any, summary: Any) -> int:
    n, width = summary.present, summary.maximum - summary.minimum
    rule = str(rule).lower()
    if rule == "sturges":
        return math.ceil(math.log2(n) + 1)
    if rule == "rice":
        return math.ceil(2 * n ** (1 / 3))
    if rule == "sqrt":
        return math.ceil(math.sqrt(n))
    if rule == "scott" and summary.sigma > 0:
        return max(1, math.ceil(width / (3.5 * summary.sigma / n ** (1 / 3))))
    if rule == "doane" and n > 2 and summary.sigma > 0:
        skew = abs(_skewness(table, summary)) / math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
        return math.ceil(1 + math.log2(n) + math.log2(1 + skew))
    if rule == "fd":
        low, high = quantile_rows(table, (0.25, 0.75), "interpolate", None)[0]
        return max(1, math.ceil(width / (2 * (high - low) / n ** (1 / 3)))) if high > low else 1
    if rule in ("scott", "doane"):
        return 1
    raise H2OValueError(
        f"breaks must be sturges, rice, sqrt, doane, fd, scott, a number of bins or a list of edges; got {rule!r}."
    )


def _skewness(table: Table, summary: Any) -> float:
    thirds = gather(reduce([table.resolved[0]], table.rows, _third_moment, (summary.mean,)))
    return sum(thirds) / summary.present / (summary.m2 / summary.present) ** 1.5


def interaction(
    table: Table,
    factors: Any,
    pairwise: bool = False,
    max_factors: int = 100,
    min_occurrence: int = 1,
    destination_frame: str | None = None,
) -> Named:
    """Enum columns crossed: column `a_b` with levels `left_right`; with `pairwise` one column per pair.

    The `max_factors` most frequent combinations of at least `min_occurrence` rows are levels, the rest is `other`.
    """
    at = table.indices(factors)
    if len(at) < 2 or max_factors < 1 or min_occurrence < 1:
        raise H2OValueError("interaction() needs two columns or more, and max_factors and min_occurrence from 1.")
    groups = [(a, b) for k, a in enumerate(at) for b in at[k + 1 :]] if pairwise else [tuple(at)]
    names = ["_".join(table.names[i] for i in group) for group in groups]
    made = [_cross(table, [_enum(table, i) for i in group], max_factors, min_occurrence) for group in groups]
    return Named(destination_frame, table.new(names, made))


def _enum(table: Table, at: int) -> Place:
    place = table.resolved[at]
    if place.type != "enum":
        raise H2OValueError(
            f"interaction() must be given enum columns; '{table.names[at]}' is {place.type}. Use asfactor()."
        )
    return place


def _cross(table: Table, places: list[Place], most: int, least: int) -> Place:
    found = _tallied(places, table.rows)
    sizes = tuple(max(place.levels or 0, 1) for place in places)
    if math.prod(sizes) >= 2**63:
        raise H2OValueError(f"interaction() must be given fewer levels; got {' x '.join(map(str, sizes))}.")
    order = np.argsort(-found.counts, kind="stable")
    order = order[found.counts[order] >= least][:most]
    texts = [np.array([*(p.domain or ())], object)[v[order]] for p, v in zip(places, found.values, strict=True)]
    domain = unique_names("_".join(key) for key in zip(*texts, strict=True))
    known = np.ravel_multi_index([values[order] for values in found.values], sizes)
    by_number = np.argsort(known)
    arguments = (sizes, known[by_number], by_number, len(domain))
    if len(order) < len(found.counts):
        domain = (*domain, "other")
    return derive(places, table.rows, _crossed, types=["enum"], domains=[domain], arguments=arguments)[0]


def _tallied(places: Sequence[Place], rows: Sequence[int]) -> Pairs:
    return gather(submit(_all_pairs, *reduce(places, rows, _pairs)))


def _third_moment(values: np.ndarray, mean: float) -> float:
    return float(np.nansum((as_float(values) - mean) ** 3))


def _spread_out(frame: Table, places: Any, found: Pairs) -> Table:
    """Return a cross table: one row per value of the first column, one column per value of the second."""
    (rows, first), (columns, second) = (grouped([values]) for values in found.values)
    wide = np.zeros((len(second), len(first)))
    wide[columns, rows] = found.counts
    values, place = found.values[1][second], places[1]
    titles = [_title(value, place) for value in values.tolist()]
    names = unique_names([frame.names[0], *titles])
    types, domains = [places[0].type, *["int"] * len(titles)], [places[0].domain, *[None] * len(titles)]
    return small_table(names, [stored(found.values[0][first], places[0].type), *wide], types, domains)


def _title(value: Any, place: Place) -> str:
    """Return what a value is called as a column: numbers as doubles, as in H2O."""
    if place.domain is not None:
        return place.domain[value]
    return value if isinstance(value, str) else double_text(value)


def _draw(edges: np.ndarray, counts: np.ndarray, name: str, plot: bool, path: str | None) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", edgecolor="white")
    axes.set(title=f"Histogram of {name}", xlabel=name, ylabel="Frequency")
    if path is not None:
        figure.savefig(path)
    if plot:
        plt.show()
    plt.close(figure)
