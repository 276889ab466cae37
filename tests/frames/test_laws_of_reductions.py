"""Frames reduced to a few numbers, on generated columns: exact Python, NumPy and SciPy say what is right."""

import math
from fractions import Fraction

import numpy as np
import pytest
from generated import KINDS, LARGEST, alike, columns, doubles, in_many, in_one, tables
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import stats

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")

law = settings(max_examples=4, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))

# What partitions add up is rounded in another order than in one piece; relative to the largest cell.
CLOSE = 1e-12


def present(cells):
    return [cell for cell in cells if cell is not None]


def near(found, wanted, scale=0.0):
    """Equal up to rounding, NaN and infinities included; `scale` is the size of the cells that cancelled."""
    if wanted is None or wanted != wanted:
        assert found is None or found != found, (found, wanted)
    elif math.isinf(wanted):
        assert found == wanted
    else:
        assert found == pytest.approx(wanted, rel=CLOSE, abs=CLOSE * max(scale, 1e-300)), (found, wanted)


def total(cells):
    """The sum of the present cells: exact for integers, of doubles the correctly rounded one."""
    cells = present(cells)
    if any(isinstance(cell, int) for cell in cells):
        return sum(cells)
    if not all(math.isfinite(cell) for cell in cells):
        return sum(cells)
    return float(sum(map(Fraction, cells))) if cells else 0.0


def exact_moments(cells):
    """Mean, variance (n-1), skewness and kurtosis (divisor n) in fractions; NaN where there is none."""
    cells = present(cells)
    if not cells or not all(abs(cell) < 1e100 for cell in cells):
        return math.nan, math.nan, math.nan, math.nan
    n, values = len(cells), [Fraction(cell) for cell in cells]
    mean = sum(values) / n
    second, third, fourth = (sum((v - mean) ** k for v in values) for k in (2, 3, 4))
    if second == 0:
        return float(mean), (0.0 if n > 1 else math.nan), math.nan, math.nan
    unit = Fraction(second / n)
    root = math.sqrt(unit) if unit < 10**300 else math.inf
    skew = float(third / n / Fraction(root) ** 3) if math.isfinite(root) and root > 0 else math.nan
    return float(mean), float(second / (n - 1)), skew, float(fourth / n / unit**2)


@settings(law, max_examples=3)
@given(tables())
def test_sums_extremes_counts_and_truths(made):
    table, sizes = made
    frame, columns_ = in_many(table, sizes), list(table.values())
    for name, cells in table.items():
        one, own = frame[name], present(cells)
        assert one.min() == min(own) if own else math.isnan(one.min())
        assert one.max() == max(own) if own else math.isnan(one.max())
        near(one.sum(), total(cells), max([abs(c) for c in own if math.isfinite(c)], default=0))
        if all(isinstance(c, int) for c in own):
            assert one.sum() == sum(own)
            assert isinstance(one.sum(), float) or float(sum(own)) != sum(own)
        assert one.any() is (any(c != 0 for c in own) or len(own) < len(cells))
        assert one.any_na_rm() is any(c != 0 for c in own)
        assert one.all() is all(c != 0 for c in own)
        assert one.nacnt() == [len(cells) - len(own)]
        lost = len(own) < len(cells)
        assert math.isnan(one.sum(skipna=False)) or not lost
        with np.errstate(all="ignore"):
            near(one.prod(na_rm=True), float(np.prod(doubles(own))) if own else 1.0)
        assert math.isnan(one.prod()) or not lost
    sums = [total(cells) for cells in columns_]
    found = columns(frame[["small", "middle", "long", "gone"]].sum(return_frame=True))
    wanted = [s if abs(s) <= LARGEST else float(s) for s in (sums[0], sums[1], sums[2], 0)]
    for cell, right in zip(found, wanted, strict=True):
        alike(cell, [right])
    for skip in (True, False):
        for names in (["small", "middle", "long", "edge", "gone"], ["small", "double"]):
            rows = list(zip(*(table[n] for n in names), strict=True))
            exact = [math.nan if None in r and not skip else total(r) for r in rows]
            whole = "double" not in names and all(v != v or abs(v) <= LARGEST for v in exact)
            got = columns(frame[names].sum(axis=1, skipna=skip))[0]
            if whole:
                alike(got, exact)
            else:
                for cell, right in zip(got, exact, strict=True):
                    near(cell, float(right), 2.0**63 if "edge" in names else 0)


@law
@given(tables(kinds=("small", "middle", "long", "double")))
def test_means_and_spreads(made):
    table, sizes = made
    frame = in_many(table, sizes)
    mean, sd, skew, kurt = frame.mean(), frame.sd(na_rm=True), frame.skewness(na_rm=True), frame.kurtosis(na_rm=True)
    for i, (name, cells) in enumerate(table.items()):
        own = present(cells)
        size = max([abs(c) for c in own if math.isfinite(c)], default=0.0)
        center, variance, third, fourth = exact_moments(cells)
        if all(math.isfinite(c) for c in own) and size < 1e100:
            near(mean[i], center, size)
            near(sd[i], math.sqrt(variance) if variance == variance else math.nan, size)
            near(frame[name].var(na_rm=True), variance, size**2)
            if variance > (size * 1e-6) ** 2:
                assert skew[i] == pytest.approx(third, rel=1e-6, abs=1e-6)
                assert kurt[i] == pytest.approx(fourth, rel=1e-6, abs=1e-6)
        if len(own) < len(cells):
            for lost in (frame[name].sd(), frame[name].skewness(), frame[name].kurtosis(), frame[name].median()):
                assert math.isnan(lost[0])
            assert math.isnan(frame[name].mean(skipna=False)[0])
            assert math.isnan(frame[name].var())
    rows = [present(row) for row in zip(table["small"], table["middle"], strict=True)]
    found = columns(frame[["small", "middle"]].mean(axis=1))[0]
    for cell, row in zip(found, rows, strict=True):
        near(cell, sum(row) / len(row) if row else math.nan, 2.0**31)


def test_an_infinite_cell_makes_the_mean_infinite_in_any_partition():
    for cells in ([math.inf, 1.0, math.inf], [math.inf, -math.inf, 1.0], [1e308, 1e308, -1e308, -1e308, 0.5]):
        whole, parts = in_one({"x": cells}), in_many({"x": cells}, [1] * len(cells))
        for frame in (whole, parts):
            wanted = sum(cells) if not math.isfinite(cells[0]) else None
            if wanted is not None:
                assert str(frame.mean()[0]) == str(float(wanted))
                assert math.isnan(frame.sd()[0])
                assert str(frame.sum()) == str(float(wanted))
    assert in_many({"x": [1e308, -1e308]}, [1, 1]).mean() == [0.0]
    assert math.isnan(H2OFrame([[math.inf, -math.inf]]).sum())  # over columns


def test_spreads_of_neighbours_beyond_doubles():
    ids = [2**60 + k for k in (0, 2, 5, 9)]
    frame = in_one({"id": ids, "x": [0, 1, 2, 3]})
    assert frame["id"].var() == pytest.approx(np.var([0, 2, 5, 9], ddof=1))
    assert frame["id"].sd() == [pytest.approx(np.std([0, 2, 5, 9], ddof=1))]
    assert frame["id"].cor(frame["x"]) == pytest.approx(np.corrcoef([0, 2, 5, 9], [0, 1, 2, 3])[0, 1])
    assert frame["id"].skewness() == [pytest.approx(stats.skew([0, 2, 5, 9]))]
    scaled = np.array([0, 2, 5, 9]) - 4
    np.testing.assert_allclose(columns(frame["id"].scale(scale=False))[0], scaled)


@law
@given(tables(kinds=("small", "middle", "double")))
def test_covariances_and_correlations(made):
    table, sizes = made
    table = {name: [c if c is None or abs(c) < 1e100 else None for c in cells] for name, cells in table.items()}
    frame, values = in_many(table, sizes), np.array([doubles(cells) for cells in table.values()])
    whole = ~np.isnan(values).any(axis=1)
    complete = values[:, ~np.isnan(values).any(axis=0)]
    with np.errstate(all="ignore"):
        everything = np.full((4, 4), np.nan)
        if whole.any() and sum(sizes) > 1:
            everything[np.ix_(whole, whole)] = np.cov(values[whole])
        rows = np.cov(complete) if complete.shape[1] > 1 else np.full((4, 4), np.nan)
    size = np.nanmax(np.abs(np.append(values, 1.0))) ** 2
    for options, wanted in (({}, everything), ({"na_rm": True}, rows), ({"use": "complete.obs"}, rows)):
        found = np.array([doubles(cells) for cells in columns(frame.var(**options))]).T
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * size)
        with np.errstate(all="ignore"):
            spread = np.sqrt(np.diag(found))
            correlated = found / np.outer(spread, spread)
        got = np.array([doubles(cells) for cells in columns(frame.cor(**options))]).T
        np.testing.assert_allclose(got, np.clip(correlated, -1, 1), rtol=1e-9)


METHODS = {"interpolate": "linear", "low": "lower", "high": "higher", "average": "midpoint"}


@law
@given(tables(), st.lists(st.integers(0, 3), min_size=9, max_size=9), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]))
def test_quantiles_of_rows_and_of_weighted_rows(made, weights, probability):
    table, sizes = made
    frame = in_many({**table, "w": weights[: sum(sizes)]}, sizes)
    names = [*KINDS, "gone"]
    for method, numpys in METHODS.items():
        plain = columns(frame[names].quantile([probability], combine_method=method))
        weighted = columns(frame.quantile([probability], combine_method=method, weights_column="w"))
        for i, name in enumerate(names):
            own = doubles(present(table[name]))
            repeated = doubles(
                [c for c, w in zip(table[name], weights, strict=False) for _ in range(w) if c is not None]
            )
            size = max([abs(c) for c in own if math.isfinite(c)], default=0.0)
            for found, cells in ((plain[i + 1][0], own), (weighted[i + 1][0], repeated)):
                with np.errstate(all="ignore"):
                    near(found, float(np.quantile(cells, probability, method=numpys)) if len(cells) else None, size)
    medians = frame[names].median(na_rm=True)
    for found, name in zip(medians, names, strict=True):
        own = doubles(present(table[name]))
        with np.errstate(all="ignore"):
            near(found, float(np.median(own)) if len(own) else math.nan, 1e300)


def test_weights_must_be_weights():
    frame = H2OFrame({"x": [1.0, 2.0, 3.0], "w": [1, -1, 2], "e": ["a", "b", "c"]})
    for wrong in ("w", "e", H2OFrame([1, 2])):
        with pytest.raises(H2OValueError):
            frame.quantile([0.5], weights_column=wrong)
    with pytest.raises(H2OTypeError):
        frame.quantile([0.5], weights_column=[1, 2, 3])
    with pytest.raises(H2OTypeError):
        frame["x"].var([1, 2, 3])


@law
@given(tables())
def test_where_the_extremes_are(made):
    table, sizes = made
    frame = in_many(table, sizes)
    for largest, call in ((True, "idxmax"), (False, "idxmin")):
        best = max if largest else min
        down = [None if not present(c) else c.index(best(present(c))) for c in table.values()]
        alike([c[0] for c in columns(getattr(frame, call)())], down)
        for skip in (True, False):
            rows = list(zip(*table.values(), strict=True))
            wanted = [r.index(best(present(r))) if present(r) and (skip or None not in r) else None for r in rows]
            alike(columns(getattr(frame, call)(axis=1, skipna=skip))[0], wanted)
        lost = [None if None in c or not c else c.index(best(c)) for c in table.values()]
        alike([c[0] for c in columns(getattr(frame, call)(skipna=False))], lost)
