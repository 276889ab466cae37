"""Cells filled, chosen, cut, assigned, moved: plain Python says what is right, on generated columns in many pieces."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from generated import BIG, KINDS, LARGEST, alike, columns, doubles, in_many, in_one, tables
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")

law = settings(max_examples=4, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))


def check(frame, wanted):
    for found, cells in zip(columns(frame), wanted, strict=True):
        alike(found, cells)


def filled(cells, forward, limit):
    """Gaps of at most `limit` cells filled from the cell before (after)."""
    result, before, age = [], None, 0
    for cell in cells if forward else cells[::-1]:
        before, age = (before, age + 1) if cell is None else (cell, 0)
        result.append(before if cell is None and age <= limit else cell)
    return result if forward else result[::-1]


@law
@given(tables(), st.sampled_from([0, 1, 2, 20]), st.booleans())
def test_gaps_are_filled_from_their_neighbours(made, limit, forward):
    table, sizes = made
    frame, method = in_many(table, sizes), "forward" if forward else "backward"
    check(frame.fillna(method, 0, limit), [filled(cells, forward, limit) for cells in table.values()])
    whole = ["small", "long", "gone", "edge"]
    rows = [filled(row, forward, limit) for row in zip(*(table[n] for n in whole), strict=True)]
    check(frame[whole].fillna(method, 1, limit), zip(*rows, strict=True) if rows else [[]] * 4)
    kept = [row for row in zip(*(table[n] for n in ("small", "long")), strict=True) if None not in row]
    check(frame[["small", "long"]].na_omit(), zip(*kept, strict=True) if kept else [[], []])
    assert columns(frame) == list(table.values())


def test_integers_beyond_doubles_are_not_filled_into_fractions():
    frame = in_one({"id": [BIG + 1, None], "x": [None, 0.5]})
    for attempt in (
        lambda: frame.fillna(axis=1),
        lambda: frame["id"].impute("id", values=[0.5]),
        lambda: frame["x"].impute("x", values=[BIG + 1]),
        lambda: frame.__setitem__((0, "x"), BIG + 1),
        lambda: frame.__setitem__((1, "id"), 0.5),
        lambda: frame.__setitem__((1, "id"), 2**64),
        lambda: frame.__setitem__((0, "x"), 2**63 + 1),
        lambda: frame.__setitem__((frame["x"] > 0, "id"), frame["x"]),
        lambda: frame.__setitem__((frame["id"] > 0, "x"), frame["id"]),
    ):
        with pytest.raises(H2OValueError):
            attempt()
    assert columns(frame) == [[BIG + 1, None], [None, 0.5]]


@law
@given(tables(kinds=("small", "long", "double")))
def test_impute_by_mean_median_and_mode(made):
    table, sizes = made
    for method in ("mean", "median", "mode"):
        frame = in_many(table, sizes)
        fills = frame.impute(method=method)
        for cells, fill, found in zip(table.values(), fills, columns(frame), strict=True):
            own = [cell for cell in cells if cell is not None]
            if not own:
                assert math.isnan(fill)
                alike(found, cells)
                continue
            whole = all(isinstance(c, int) for c in own) and max(map(abs, own)) > BIG
            if method == "mode":
                wanted = min(own, key=lambda v: (-own.count(v), v))
            else:
                with np.errstate(all="ignore"):
                    wanted = float(getattr(np, method)(doubles(own)))
            exact = method == "mode" or (method == "median" and len(own) % 2 == 1)
            size = max(abs(c) for c in own) if all(map(math.isfinite, own)) and not exact else 0.0
            assert not whole or fill == round(fill)  # integers beyond 2**53 are filled with an integer
            assert fill == pytest.approx(wanted, rel=1e-12, abs=1e-12 * size + whole, nan_ok=True)
            if fill == fill:
                alike(found, [fill if cell is None else cell for cell in cells])


CHOICES = [("long", "edge"), ("long", 7), (BIG + 3, "small"), ("double", "long"), (None, "edge"), ("gone", "long")]


@law
@given(tables())
def test_ifelse_takes_cells_as_they_are(made):
    table, sizes = made
    frame, count = in_many(table, sizes), sum(sizes)
    for choice in CHOICES:
        cells = [table[c] if isinstance(c, str) else [c] * count for c in choice]
        chosen = [
            None if test is None else a if test != 0 else b for test, a, b in zip(table["small"], *cells, strict=True)
        ]
        mixed = any(isinstance(c, float) for side in cells for c in side)
        wanted = [None if c is None else float(c) if mixed else c for c in chosen]
        sides = [frame[c] if isinstance(c, str) else c for c in choice]
        check(frame["small"].ifelse(*sides), [wanted])
    above = [int(c is not None and c > 1) for c in table["double"]]
    check((frame["double"] > 1).ifelse(1, 0), [above])


@law
@given(tables(), st.booleans(), st.booleans())
def test_cut_finds_the_interval_exactly(made, right, lowest):
    table, sizes = made
    frame, edges = in_many(table, sizes), [-BIG - 1, -3, 0, 2.5, BIG, 2**61]
    edges = [float(e) for e in edges]

    def interval(cell):
        for i, (a, b) in enumerate(pairwise(edges)):
            inside = (a < cell <= b) if right else (a <= cell < b)
            if inside or (right and lowest and i == 0 and cell == a):
                return "abcde"[i]
        return None

    for name in KINDS:
        found = frame[name].cut(edges, labels=list("abcde"), right=right, include_lowest=lowest)
        check(found, [[None if cell is None else interval(cell) for cell in table[name]]])


def test_intervals_read_as_in_h2o():
    frame = H2OFrame([0.0, 1.0, 2.0, 2.5, 4.0])
    for options, labels in (  # the levels of H2O 3.46
        (([0, 2, 4],), ["(0.0,2.0]", "(2.0,4.0]"]),
        (([0, 2, 4], None, True), ["[0.0,2.0]", "(2.0,4.0]"]),
        (([4, 0, 2], None, True, False), ["[0.0,2.0)", "[2.0,4.0)"]),
        (([0.12345, 2.56789, 4.1],), ["(0.123,2.568]", "(2.568,4.1]"]),
        (([0, 1234567, 1e7],), ["(0.0,1234567.0]", "(1234567.0,1.0E7]"]),
        (([0.26, 10.49], None, False, True, 0), ["(0.0,10.0]"]),
        (([1.0001, 1.0002, 9],), ["(1.0001,1.0002]", "(1.0002,9.0]"]),  # H2O's would read alike: (1.0,1.0]
    ):
        assert frame.cut(*options).categories() == labels


@settings(law, max_examples=3)
@given(tables(kinds=("small", "long", "edge")), st.data())
def test_cells_are_assigned_under_masks_and_at_rows(made, data):
    table, sizes = made
    count = sum(sizes)
    marked = [c is not None and c > 0 for c in table["small"]]
    for name in ("small", "edge", "gone"):
        for value in data.draw(st.permutations([5, BIG + 1, LARGEST, None, math.nan, True]))[:2]:
            frame = in_many(table, sizes)
            frame[frame["small"] > 0, name] = value
            cell = None if value is None or value != value else int(value)
            alike(columns(frame[name])[0], [cell if m else c for m, c in zip(marked, table[name], strict=True)])
        other = data.draw(st.sampled_from(list(table)))
        frame = in_many(table, sizes)
        frame[frame["small"] > 0, name] = frame[other]
        wanted = [o if m else c for m, o, c in zip(marked, table[other], table[name], strict=True)]
        alike(columns(frame[name])[0], wanted)
        if count:
            rows = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=count, unique=True))
            new = in_one({"n": data.draw(st.lists(KINDS["long"] | st.none(), min_size=len(rows), max_size=len(rows)))})
            frame = in_many(table, sizes)
            frame[rows, name] = new
            wanted = list(table[name])
            for row, cell in zip(rows, columns(new)[0], strict=True):
                wanted[row] = cell
            alike(columns(frame[name])[0], wanted)
            assert frame[rows[0], name] == columns(new)[0][0] or columns(new)[0][0] is None


@law
@given(tables(kinds=("small", "long", "double")))
def test_columns_of_one_scale(made):
    table, sizes = made
    frame = in_many(table, sizes)
    for center, scale in ((True, True), (False, True), (True, False), ([1, 2, 3, 4], [2, 2, 2, 2])):
        found = columns(frame.scale(center, scale))
        for i, (cells, got) in enumerate(zip(table.values(), found, strict=True)):
            own = [Fraction(c) for c in cells if c is not None and math.isfinite(c) and abs(c) < 1e100]
            if len(own) < sum(c is not None for c in cells) or not own:
                continue
            mean = sum(own) / len(own)
            second = sum((c - mean) ** 2 for c in own)
            sigma = math.sqrt(second / (len(own) - 1)) if second else 1.0
            shift = mean if center is True else (i + 1 if center else 0)
            size = sigma if scale is True else (2 if scale else 1)
            wanted = [math.nan if c is None else float(Fraction(c) - shift) / size for c in cells]
            largest = float(max(map(abs, own))) / size
            np.testing.assert_allclose(doubles(got), wanted, rtol=1e-9, atol=1e-14 * largest)


@law
@given(tables(kinds=("small", "long", "edge")))
def test_rows_become_columns_and_are_handed_to_functions(made):
    table, sizes = made
    frame, rows = in_many(table, sizes), list(zip(*table.values(), strict=True))
    if rows:
        check(frame.transpose(), rows)
        found = frame.apply(lambda row: [row["long"], row[0], row["edge"]], axis=1)
        check(found, [table["long"], table["small"], table["edge"]])
    extremes = [max((c for c in cells if c is not None), default=None) for cells in table.values()]
    check(frame.apply(lambda column: column.max()), [[cell] for cell in extremes])
    check(frame.apply(lambda column: column.isna()), [[int(c is None) for c in cells] for cells in table.values()])


def test_a_function_of_rows_must_give_numbers():
    frame = H2OFrame({"x": [1, 2], "e": ["a", "b"]})
    for wrong in (lambda row: row["e"], lambda row: pd.Timestamp("2020-01-01"), lambda row: [1] * int(row["x"])):
        with pytest.raises(H2OValueError, match="function must give"):
            frame.apply(wrong, axis=1).as_data_frame()
    with pytest.raises(H2OTypeError):
        frame.apply(lambda row: pd.Timedelta(1, "s"), axis=1)


@law
@given(tables(kinds=("small",)), st.integers(2, 5))
def test_random_rows_do_not_depend_on_the_cut(made, folds):
    table, sizes = made
    one, many = in_one(table), in_many(table, sizes)
    for draw in (
        lambda f: f.runif(seed=3),
        lambda f: f.kfold_column(folds, seed=3),
        lambda f: f.modulo_kfold_column(folds),
        lambda f: f["small"].asfactor().stratified_kfold_column(folds, seed=3),
        lambda f: f["small"].asfactor().stratified_split(0.3, seed=3),
        lambda f: f.split_frame([0.4], seed=3)[0],
        lambda f: f[:, :].insert_missing_values(0.3, seed=3),
    ):
        assert columns(draw(one)) == columns(draw(many))


def test_folds_and_splits_of_levels_are_even():
    levels = pd.Series(np.random.default_rng(4).choice(list("abcd"), 500, p=[0.6, 0.3, 0.08, 0.02]))
    rare = pd.Series([f"r{i}" for i in range(40)])
    frame = H2OFrame(pd.DataFrame({"e": pd.concat([levels, rare], ignore_index=True)}), column_types=["enum"])
    folds = pd.crosstab(pd.Series(columns(frame)[0]), pd.Series(columns(frame.stratified_kfold_column(4, seed=9))[0]))
    assert ((folds.max(axis=1) - folds.min(axis=1)) <= 1).all()
    assert folds.loc[rare].sum().min() >= 3  # levels of one row do not all fall into one fold
    test = pd.Series(columns(frame.stratified_split(0.25, seed=9))[0]) == "test"
    counts = test.groupby(pd.Series(columns(frame)[0])).agg(["sum", "size"])
    assert (np.abs(counts["sum"] - counts["size"] * 0.25) < 1).all()


def test_nothing_that_is_computed_changes_the_frame_it_came_from():
    table = {"i": [3, None, BIG + 1, 5], "r": [0.5, None, 2.5, -1.0], "z": [1, 0, None, 1]}
    frame = in_many(table, [1, 0, 3])
    made = [
        frame + 1, -frame, +frame, frame == 3, ~frame, frame.round(), frame.cumsum(), frame.fillna(), frame.isna(),
        frame.fillna(maxlen=0), frame.scale(), frame.na_omit(), frame["z"].ifelse(frame["i"], 0), frame[:, :],
        frame[["i", "r"]], frame.deep_copy(), frame.cbind(frame), frame.floor(), frame["i"].difflag1(), frame.head(4),
    ]  # fmt: skip
    before = [columns(one) for one in made]
    assert columns(frame) == list(table.values())
    for one in made:
        one[0, 0] = 99
        one.impute(values=[7] * one.ncol)
        one.insert_missing_values(0.5, seed=1)
    assert columns(frame) == list(table.values())
    frame[0, "i"] = -1
    frame.insert_missing_values(1.0, seed=1)
    assert frame.nacnt() == [4, 4, 4]
    again = [+in_many(table, [1, 0, 3]), in_many(table, [1, 0, 3]).fillna()]
    assert [columns(one) for one in again] == [before[2], before[7]]


def test_times_and_spans():
    texts = ["2020-02-29 12:00", None, "1969-12-31 23:59:59.999", "2999-01-01"]
    stamps = pd.Series([pd.Timestamp(text) for text in texts], dtype="M8[ms]")
    frame = H2OFrame(pd.DataFrame({"t": stamps, "d": [86_400_000, 1, 1, None]}))
    millis = columns(frame["t"])[0]
    moved = [None if t is None or d is None else t + d for t, d in zip(millis, columns(frame["d"])[0], strict=True)]
    for found, wanted, kind in (
        (frame["t"] + frame["d"], moved, "time"),
        (frame["d"] + frame["t"], moved, "time"),
        (frame["t"] - 1, [None if t is None else t - 1 for t in millis], "time"),
        (frame["t"] - frame["t"], [None if t is None else 0 for t in millis], "int"),
        (frame["t"] - pd.Timestamp("2020-02-29"), [None if t is None else t - 1582934400000 for t in millis], "int"),
        (frame["t"] * 1001, [None if t is None else t * 1001 for t in millis], "int"),
        (frame["t"] >= pd.Timestamp("2020-02-29 12:00"), [1, 0, 0, 1], "int"),
        (frame["t"] > pd.Timestamp("2020-02-29 11:59:59.9999"), [1, 0, 0, 1], "int"),
        (frame["t"] == pd.Timestamp("2020-02-29 12:00:00.0000001"), [0, 0, 0, 0], "int"),
        (frame["t"] < pd.Timestamp("2999-01-01", tz="Asia/Tokyo"), [1, 0, 1, 0], "int"),
        ((frame["d"] > 1).ifelse(frame["t"], None), [millis[0], None, None, None], "time"),
    ):
        alike(columns(found)[0], wanted)
        assert list(found.types.values()) == [kind]
    assert (frame["t"] + 86_400_000).day().as_data_frame()["t"].tolist()[0] == 1
    for span in (pd.Timedelta(1, "D"), np.timedelta64(1, "D")):
        with pytest.raises(H2OTypeError, match="milliseconds"):
            frame["t"] + span
