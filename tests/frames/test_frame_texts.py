"""Text changed in enum columns (their levels) and string columns (their cells) alike."""

import numpy as np
import pandas as pd
import pytest

from frames.errors import H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")

WORDS = ["Ab-c", "x-y-z", None, "AB", "x-y-z", "", "hello-world", "a.b", "Aa", "zz"]


@pytest.fixture(params=["enum", "string"])
def fr(request, cut):
    words = [w if w != "" else "e" for w in WORDS]
    table = pd.DataFrame({"t": words})
    whole = H2OFrame(table, column_types={"t": request.param})
    return whole[0:4, :].rbind([whole[4:5, :], whole[5:, :]])


@pytest.fixture
def series():
    return pd.Series([w if w != "" else "e" for w in WORDS], dtype=object)


def cells(frame):
    return [None if c != c else c for c in frame.as_data_frame().iloc[:, 0].astype(object)]


def wanted(series, function):
    return [None if v is None else function(v) for v in series]


@pytest.mark.parametrize(
    ("call", "oracle"),
    [
        (lambda f: f.toupper(), str.upper), (lambda f: f.tolower(), str.lower),
        (lambda f: f.gsub("^|$", " ").trim(), str.strip),
        (lambda f: f.gsub("^|$", " "), lambda v: f" {v} "),
        (lambda f: f.lstrip(" x"), lambda v: v.lstrip(" x")), (lambda f: f.rstrip("z "), lambda v: v.rstrip("z ")),
        (lambda f: f.sub("-", "+"), lambda v: v.replace("-", "+", 1)),
        (lambda f: f.gsub("-", "+"), lambda v: v.replace("-", "+")),
        (lambda f: f.gsub("A", "_", ignore_case=True), lambda v: v.replace("A", "_").replace("a", "_")),
        (lambda f: f.substring(1, 3), lambda v: v[1:3]),
    ],
)  # fmt: skip
def test_texts_are_changed_as_python_changes_them(fr, series, call, oracle):
    found = call(fr)
    kind = fr.types["t"]
    assert found.types == {"t": kind}
    assert cells(found) == wanted(series, oracle)
    if kind == "enum":
        assert found.categories() == sorted(set(wanted(series.dropna(), oracle)))


def test_texts_are_measured(fr, series):
    assert cells(fr.nchar()) == wanted(series, len)
    assert cells(fr.countmatches("-")) == wanted(series, lambda v: v.count("-"))
    assert cells(fr.countmatches(["-", "z"])) == wanted(series, lambda v: v.count("-") + v.count("z"))
    assert fr.entropy()[3, 0] == 1.0
    assert fr.entropy().nacnt() == [1]


def test_texts_are_split(fr):
    found = fr.strsplit("-")
    assert found.names == ["C1", "C2", "C3"]
    assert set(found.types.values()) == {fr.types["t"]}
    assert found.as_data_frame(use_pandas=False)[2] == ["x", "y", "z"]
    assert found.nacnt()[2] == 8


def test_texts_are_searched(fr):
    assert fr.grep("^x").as_data_frame()["C1"].tolist() == [1, 4]
    assert fr.grep("^X", ignore_case=True, output_logical=True).sum() == 2.0
    assert fr.grep("^x", invert=True, output_logical=True).sum() == 7.0


def test_wrong_columns_and_patterns_are_refused(fr):
    with pytest.raises(H2OValueError, match="ascharacter"):
        H2OFrame([1, 2]).toupper()
    with pytest.raises(H2OValueError, match="pattern"):
        fr.gsub("(", "")
    with pytest.raises(H2OValueError, match="pattern"):
        fr.strsplit("[")
    assert np.all([t in ("enum", "string") for t in fr.types.values()])
