"""Types of columns changed and told."""

import numpy as np
import pandas as pd
import pytest

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")


def cells(frame):
    return [row[0] for row in frame.as_data_frame(use_pandas=False, header=False)]


def test_whole_numbers_become_levels_in_numeric_order(cut):
    fr = cut(pd.DataFrame({"x": [10, 2, np.nan, -1, 10, 2, 33, 2, -1, 0]}))
    factor = fr["x"].asfactor()
    assert factor.types == {"x": "enum"}
    assert factor.categories() == ["-1", "0", "2", "10", "33"]
    assert cells(factor) == ["10", "2", "", "-1", "10", "2", "33", "2", "-1", "0"]
    assert fr.types == {"x": "int"}
    assert cells(factor.asnumeric()) == cells(fr)


def test_text_becomes_levels_in_lexicographic_order(cut):
    fr = H2OFrame(["b", "A", None, "a"], column_types=["string"])
    assert fr.types == {"C1": "string"}
    factor = fr.asfactor()
    assert factor.categories() == ["A", "a", "b"]
    assert cells(factor) == ["b", "A", "", "a"]
    assert factor.asfactor().categories() == factor.categories()


def test_truth_values_become_factors():
    assert H2OFrame(np.array([True, False, True])).asfactor().categories() == ["False", "True"]
    assert (H2OFrame([1, 2, 3]) > 2).asfactor().categories() == ["0", "1"]
    assert (H2OFrame([2, 4]) / 2).asfactor().categories() == ["1", "2"]


def test_reals_cannot_be_factors():
    fr = H2OFrame({"x": [0.5, 1.5], "y": [1, 2]})
    with pytest.raises(H2OValueError, match=r"^Only 'int' or 'string' are allowed for asfactor\(\), got x:real$"):
        fr.asfactor()
    with pytest.raises(H2OValueError, match="got t:time"):
        H2OFrame(pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])})).asfactor()


def test_levels_that_are_numbers_become_these_numbers():
    fr = H2OFrame(["10", "2.5", "x", None], column_types=["enum"])
    assert cells(fr.asnumeric()) == ["10.0", "2.5", "", ""]
    assert cells(H2OFrame(["b", "a", "b"]).asnumeric()) == ["1", "0", "1"]
    strings = H2OFrame(["7", "u"], column_types=["string"])
    assert cells(strings.asnumeric()) == ["7", ""]


def test_everything_can_be_text(cut):
    table = pd.DataFrame({"i": [1, 2, np.nan, 4], "r": [0.5, 1, 2, np.nan], "e": ["u", None, "v", "u"]})
    text = cut(table, [2, 2]).ascharacter()
    assert set(text.types.values()) == {"string"}
    assert text.as_data_frame(use_pandas=False)[1:] == [
        ["1", "0.5", "u"],
        ["2", "1", ""],
        ["", "2", "v"],
        ["4", "", "u"],
    ]
    assert text.ascharacter().types == text.types


def test_text_is_read_as_dates():
    fr = H2OFrame(["2020-02-29", "nonsense", None])
    for format_ in ("%Y-%m-%d", "yyyy-MM-dd"):
        date = fr.as_date(format_)
        assert date.types == {"C1": "time"}
        assert date.as_data_frame()["C1"].tolist()[0] == pd.Timestamp("2020-02-29")
        assert date.nacnt() == [2]
    with pytest.raises(H2OValueError):
        H2OFrame([1, 2]).as_date("%Y")


def test_types_are_told_per_column():
    fr = H2OFrame({"i": [1], "r": [0.5], "e": ["a"], "s": ["x"]}, column_types={"s": "string"})
    assert fr.isfactor() == [False, False, True, False]
    assert fr.isnumeric() == [True, True, False, False]
    assert fr.isstring() == fr.ischaracter() == [False, False, False, True]
    assert fr.levels() == [[], [], ["a"], []]
    assert fr.nlevels() == [0, 0, 1, 0]
    assert fr.columns_by_type() == [0.0, 1.0]
    assert fr.columns_by_type("categorical") == [2.0]
    assert fr.columns_by_type("bad") == []
    assert fr.type("e") == "enum"
    with pytest.raises(H2OValueError):
        fr["i"].categories()
    with pytest.raises(H2OValueError):
        fr.categories()
    with pytest.raises(H2OValueError):
        fr.columns_by_type("odd")


def test_levels_are_put_in_another_order():
    fr = H2OFrame(["a", "b", "c", "c", "c", "b"])
    assert fr.relevel("b").categories() == ["b", "a", "c"]
    assert cells(fr.relevel("b")) == cells(fr)
    assert fr.relevel_by_frequency().categories() == ["c", "b", "a"]
    assert fr.relevel_by_frequency(top_n=1).categories() == ["c", "a", "b"]
    assert fr.set_levels(["x", "y", "z"]).categories() == ["x", "y", "z"]
    assert cells(fr.set_level("b")) == ["b"] * 6
    grown = fr.append_levels(["d"])
    assert grown.categories() == ["a", "b", "c", "d"]
    assert grown.summaries()["C1"].counts.tolist() == [1, 2, 3, 0]
    for attempt in (lambda: fr.relevel("z"), lambda: fr.set_levels(["x"]), lambda: fr.set_level("z")):
        with pytest.raises(H2OValueError):
            attempt()
    with pytest.raises(H2OTypeError):
        fr.append_levels(3)
    with pytest.raises(H2OValueError):
        fr.relevel_by_frequency(weights_column="w")
