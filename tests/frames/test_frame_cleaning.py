"""Missing cells found, filled and made; columns standardised; rows split and dealt to folds."""

import math

import numpy as np
import pandas as pd
import pytest

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def table():
    random = np.random.default_rng(21)
    table = pd.DataFrame(
        {
            "x": random.normal(size=40),
            "i": random.integers(0, 9, 40).astype(float),
            "e": np.array(["a", "b", "c"], dtype=object)[random.integers(0, 3, 40)],
        }
    )
    for column in table:
        table.loc[random.random(40) < 0.3, column] = None
    return table


@pytest.fixture
def fr(cut, table):
    return cut(table)


def same(frame, table):
    shown = frame.as_data_frame()
    for name in table.columns:
        left, right = shown[name], table[name].reset_index(drop=True)
        assert left.isna().tolist() == right.isna().tolist(), name
        assert left.dropna().tolist() == right.dropna().tolist(), name


def test_rows_with_gaps_are_left_out(fr, table):
    same(fr.na_omit(), table.dropna())
    whole = H2OFrame([[1, 2], [3, 4]])
    assert whole.na_omit().shape == (2, 2)


def test_columns_with_many_gaps_are_found():
    fr = H2OFrame({"a": [1, None, None, None], "b": [1, 2, 3, 4], "c": [None, 1, 2, 3]})
    assert fr.filter_na_cols() == [1]
    assert fr.filter_na_cols(0.5) == [1, 2]


@pytest.mark.parametrize("maxlen", [1, 2, 99])
@pytest.mark.parametrize("method", ["forward", "backward"])
def test_gaps_are_filled_over_partition_borders(table, cut, method, maxlen):
    fr = cut(table, [1, 1, 2, 9, 1, 20, 6])
    wanted = table.ffill(limit=maxlen) if method == "forward" else table.bfill(limit=maxlen)
    same(fr.fillna(method, maxlen=maxlen), wanted)


def test_gaps_are_filled_across_columns(fr, table):
    numbers = fr[["x", "i"]]
    same(numbers.fillna(axis=1), table[["x", "i"]].ffill(axis=1, limit=1))
    same(numbers.fillna(maxlen=0), table[["x", "i"]])
    for options in ({"method": "sideways"}, {"axis": 2}, {"maxlen": -1}):
        with pytest.raises(H2OValueError):
            fr.fillna(**options)


def test_impute_fills_in_place_and_returns_the_fills(fr, table):
    fills = fr.impute()
    assert fills[:2] == pytest.approx([table["x"].mean(), table["i"].mean()])
    assert fills[2] == table["e"].mode()[0]
    assert fr.nacnt() == [0, 0, 0]
    wanted = table.fillna({"x": fills[0], "i": fills[1], "e": fills[2]})
    same(fr, wanted)


def test_impute_one_column_by_median_mode_or_value(cut, table):
    fr = cut(table)
    # As in H2O, the list has an entry for every column of the frame.
    assert fr.impute("x", method="median") == pytest.approx([table["x"].median(), math.nan, math.nan], nan_ok=True)
    assert fr.impute("e", method="mode")[2] == table["e"].mode()[0]
    assert fr.impute("i", method="mode")[1] == table["i"].mode()[0]
    assert fr.nacnt() == [0, 0, 0]
    other = cut(table)
    assert other.impute(values=[0.5, 1, "c"]) == [0.5, 1, "c"]
    same(other, table.fillna({"x": 0.5, "i": 1, "e": "c"}))
    for attempt in (
        lambda: fr.impute("e", method="mean"),
        lambda: fr.impute("x", method="best"),
        lambda: fr.impute(values=[1]),
        lambda: fr.impute("x", group_by_frame=fr),
        lambda: fr.impute("nobody"),
    ):
        with pytest.raises(H2OValueError):
            attempt()


def test_impute_within_groups(fr, table):
    fills = fr.impute("x", by="e")
    assert fills.names == ["e", "mean_x"]
    means = table.groupby("e", dropna=False)["x"].transform("mean")
    np.testing.assert_allclose(fr.as_data_frame()["x"], table["x"].fillna(means))
    assert fr.as_data_frame()["i"].isna().tolist() == table["i"].isna().tolist()


def test_missing_values_are_inserted_in_place():
    fr = H2OFrame(np.arange(4000.0).reshape(1000, 4))
    assert fr.insert_missing_values(fraction=0.25, seed=7) is fr
    shares = np.array(fr.nacnt()) / 1000
    assert ((shares > 0.18) & (shares < 0.32)).all()
    assert len(set(fr.nacnt())) > 1
    again = H2OFrame(np.arange(4000.0).reshape(1000, 4)).insert_missing_values(fraction=0.25, seed=7)
    assert again.nacnt() == fr.nacnt()
    levels = H2OFrame(["a", "b"] * 50).insert_missing_values(1.0)
    assert levels.nacnt() == [100]
    assert levels.types == {"C1": "enum"}
    with pytest.raises(H2OValueError):
        fr.insert_missing_values(1.5)


def test_columns_are_standardised(fr, table):
    found = fr.scale().as_data_frame()
    numbers = table[["x", "i"]]
    np.testing.assert_allclose(found[["x", "i"]], (numbers - numbers.mean()) / numbers.std())
    assert found["e"].dropna().tolist() == table["e"].dropna().tolist()
    np.testing.assert_allclose(fr.scale(scale=False).as_data_frame()["x"], table["x"] - table["x"].mean())
    np.testing.assert_allclose(fr.scale(center=[1, 2], scale=[2, 4]).as_data_frame()["i"], (table["i"] - 2) / 4)
    assert H2OFrame([3, 3]).scale().sum() == 0
    for options in ({"center": [1]}, {"scale": [0, 1]}):
        with pytest.raises(H2OValueError):
            fr.scale(**options)


# ---- splits and folds
def test_a_split_deals_every_row_to_one_part(cut):
    table = pd.DataFrame({"id": np.arange(2000), "e": ["a", "b"] * 1000})
    fr = cut(table)
    parts = fr.split_frame([0.6, 0.2], destination_frames=["s1", "s2", "s3"], seed=42)
    assert [p.frame_id for p in parts] == ["s1", "s2", "s3"]
    ids = [p.as_data_frame()["id"].tolist() for p in parts]
    assert sorted(np.concatenate(ids)) == list(range(2000))
    assert [len(i) for i in ids] == pytest.approx([1200, 400, 400], abs=80)
    again = cut(table, [500, 1500]).split_frame([0.6, 0.2], seed=42)
    assert [p.as_data_frame()["id"].tolist() for p in again] == ids
    assert len(fr.split_frame()) == 2
    assert fr.split_frame(seed=1)[0].nrow != fr.split_frame(seed=2)[0].nrow
    for wrong in ([1.0], [0.6, 0.5], [-0.1], [0], []):
        with pytest.raises(H2OValueError):
            fr.split_frame(wrong)
    with pytest.raises(H2OValueError):
        fr.split_frame([0.5], destination_frames=["a"])
    with pytest.raises(H2OTypeError):
        fr.split_frame([0.5], seed=1.5)


def test_uniform_numbers_depend_on_the_seed_alone(cut):
    table = pd.DataFrame({"x": np.arange(500)})
    first, second = cut(table).runif(seed=3), cut(table, [1, 499]).runif(seed=3)
    assert first.names == ["rnd"]
    values = first.as_data_frame()["rnd"]
    assert values.tolist() == second.as_data_frame()["rnd"].tolist()
    assert values.between(0, 1, inclusive="left").all()
    assert abs(values.mean() - 0.5) < 0.06
    assert cut(table).runif()[0, 0] != cut(table).runif()[0, 0]


def test_folds(cut):
    table = pd.DataFrame({"y": ["a"] * 80 + ["b"] * 20})
    fr = cut(table)
    fold = fr.modulo_kfold_column(3)
    assert fold.names == ["C1"]
    assert fold.as_data_frame()["C1"].tolist() == [k % 3 for k in range(100)]
    drawn = fr.kfold_column(4, seed=1).as_data_frame()["C1"]
    assert sorted(set(drawn)) == [0, 1, 2, 3]
    even = fr["y"].stratified_kfold_column(5, seed=1).as_data_frame()["C1"]
    assert pd.crosstab(table["y"], even.to_numpy()).to_numpy().tolist() == [[16] * 5, [4] * 5]
    split = fr["y"].stratified_split(0.25, seed=1)
    assert split.names == ["test_train_split"]
    counts = pd.crosstab(table["y"], split.as_data_frame()["test_train_split"].to_numpy())
    assert counts["test"].tolist() == [20, 5]
    for attempt in (
        lambda: fr.kfold_column(1),
        lambda: fr["y"].stratified_split(1.5),
        lambda: fr.modulo_kfold_column("3"),
    ):
        with pytest.raises(H2OValueError):
            attempt()


def test_nothing_to_impute_leaves_a_column_alone():
    fr = H2OFrame({"x": [None, None], "y": [1.5, 2.0]}, column_types={"x": "real"})
    fills = fr.impute()
    assert math.isnan(fills[0])
    assert fr.nacnt() == [2, 0]
