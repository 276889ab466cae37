"""Values looked up in lists, rows that are not 0, rows without repetition: against pandas."""

import numpy as np
import pandas as pd
import pytest

from frames.exceptions import H2OValueError

TABLE = pd.DataFrame(
    {
        "n": [3.0, 1.0, np.nan, 3.0, 0.0, 7.5, 1.0, 0.0, 3.0, np.nan],
        "k": [1, 2, 3, 1, 2, 3, 1, 2, 3, 1],
        "e": ["b", "a", "a", None, "c", "b", "a", "c", "b", "a"],
    }
)


def test_cells_that_are_in_a_list(cut):
    frame = cut(TABLE)
    for column, wanted in (("n", [3, 7.5]), ("k", [2]), ("e", ["a", "c", "nope"])):
        found = frame[column].isin(wanted)
        assert found.names == [column]
        assert (found.as_data_frame()[column] == TABLE[column].isin(wanted)).all()
    whole = frame.isin(["a", 1]).as_data_frame()
    assert (whole == TABLE.isin(["a", 1])).all().all()
    assert frame["n"].isin(3).sum() == 3
    words = frame["e"].ascharacter()
    assert (words.isin("a").as_data_frame()["e"] == (TABLE["e"] == "a")).all()


def test_places_in_a_list_count_from_one(cut):
    frame = cut(TABLE)
    expected = TABLE["e"].map({"c": 1, "a": 2})
    assert frame["e"].match(["c", "a", "c"]).as_data_frame()["e"].equals(expected)
    assert frame["e"].match(["c", "a", "c"], nomatch=0).as_data_frame()["e"].tolist() == expected.fillna(0).tolist()
    zero_based = frame["k"].match([3, 9], nomatch=-1, start_index=0).as_data_frame()["k"]
    assert (zero_based == np.where(TABLE["k"] == 3, 0, -1)).all()


def test_integers_beyond_what_doubles_hold_are_looked_up_exactly_whatever_stands_beside_them(cut):
    edge = 2**53
    frame = cut(pd.DataFrame({"x": pd.array([edge, edge + 1, -edge - 1, 5, None], dtype="Int64")}), [2, 3])
    for wanted, found in (
        ([edge + 1], [0, 1, 0, 0, 0]), (np.array([edge + 1]), [0, 1, 0, 0, 0]), ([edge + 1, 0.5], [0, 1, 0, 0, 0]),
        ([edge, "a", None], [1, 0, 0, 0, 1]), ([5.0, True], [0, 0, 0, 1, 0]), ([2**70, -(2**63)], [0] * 5),
        ([], [0] * 5), (float("nan"), [0, 0, 0, 0, 1]), ([-edge - 1, -edge], [0, 0, 1, 0, 0]),
    ):  # fmt: skip
        assert frame.isin(wanted).as_data_frame()["x"].tolist() == found, wanted
    assert frame["x"].match([edge + 1, edge, 0.5], nomatch=-1).as_data_frame()["x"].tolist() == [2, 1, -1, -1, -1]


def test_rows_that_are_not_zero(cut):
    frame = cut(TABLE)
    found = frame["n"].which()
    assert found.names == ["C1"]
    assert found.as_data_frame()["C1"].tolist() == [0, 1, 3, 5, 6, 8]
    assert (frame["k"] > 5).which().nrow == 0
    with pytest.raises(H2OValueError, match="numbers"):
        frame["e"].which()


@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("by", [["e"], ["n", "k"], ["n"], ["n", "k", "e"]])
def test_repeated_rows_are_dropped(cut, keep, by):
    found = cut(TABLE).drop_duplicates(by, keep=keep).as_data_frame()
    expected = TABLE.drop_duplicates(by, keep=keep).reset_index(drop=True)
    assert found["k"].tolist() == expected["k"].tolist()
    assert np.allclose(found["n"], expected["n"], equal_nan=True)


def test_impossible_requests_are_refused(cut):
    frame = cut(TABLE)
    with pytest.raises(H2OValueError, match="keep"):
        frame.drop_duplicates("n", keep="any")
    with pytest.raises(H2OValueError, match="at least one"):
        frame.drop_duplicates([])
