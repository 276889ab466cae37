"""Text changed in enum columns (their levels) and string columns (their cells) alike."""

import numpy as np
import pandas as pd
import pytest

from frames.exceptions import H2OTypeError, H2OValueError
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
    assert fr.grep("^x", invert=True, output_logical=True).sum() == 8.0  # a missing text does not match


def test_wrong_columns_and_patterns_are_refused(fr):
    with pytest.raises(H2OValueError, match="ascharacter"):
        H2OFrame([1, 2]).toupper()
    with pytest.raises(H2OValueError, match="pattern"):
        fr.gsub("(", "")
    with pytest.raises(H2OValueError, match="pattern"):
        fr.strsplit("[")
    assert np.all([t in ("enum", "string") for t in fr.types.values()])


# ---- the answers of H2O 3.46.0.12 for the same texts -------------------------------------------------------------
TEXTS = ["aXbXc", None, "a.b.c", "éÉßǆ", "hello world", "aaa", ",,a,", "tab\there"]
REPLACED = {
    ("a", "<$0>"): ["<a>XbXc", None, "<a>.b.c", "éÉßǆ", "hello world", "<a><a><a>", ",,<a>,", "t<a>b\there"],
    ("([a-c])", "<$1>"): ["<a>X<b>X<c>", None, "<a>.<b>.<c>", "éÉßǆ", "hello world", "<a><a><a>", ",,<a>,",
                          "t<a><b>\there"],
    ("(a)(.)", "$2$1"): ["XabXc", None, ".ab.c", "éÉßǆ", "hello world", "aaa", ",,,a", "tba\there"],
    ("(?<q>a)", "[${q}]"): ["[a]XbXc", None, "[a].b.c", "éÉßǆ", "hello world", "[a][a][a]", ",,[a],", "t[a]b\there"],
    ("(a)|(X)", "<$2>"): ["<><X>b<X>c", None, "<>.b.c", "éÉßǆ", "hello world", "<><><>", ",,<>,", "t<>b\there"],
    ("(a)", "\\1"): ["1XbXc", None, "1.b.c", "éÉßǆ", "hello world", "111", ",,1,", "t1b\there"],
    ("(a)", "$12"): ["a2XbXc", None, "a2.b.c", "éÉßǆ", "hello world", "a2a2a2", ",,a2,", "ta2b\there"],
    ("[.]", "-"): ["aXbXc", None, "a-b-c", "éÉßǆ", "hello world", "aaa", ",,a,", "tab\there"],
    ("x*", "-"): ["-a-X-b-X-c-", None, "-a-.-b-.-c-", "-é-É-ß-ǆ-", "-h-e-l-l-o- -w-o-r-l-d-", "-a-a-a-", "-,-,-a-,-",
                  "-t-a-b-\t-h-e-r-e-"],
}  # fmt: skip
SPLIT_AT_X = ["a", None, "a.b.c", "éÉßǆ", "hello world", "aaa", ",,a,", "tab\there"]
SPLIT_AT_COMMA = [["aXbXc", None, "a.b.c", "éÉßǆ", "hello world", "aaa", "", "tab\there"]]
SPLIT = {
    "X": [SPLIT_AT_X, ["b", *[None] * 7], ["c", *[None] * 7]],
    "(X)": [SPLIT_AT_X, ["b", *[None] * 7], ["c", *[None] * 7]],
    "(?=X)": [SPLIT_AT_X, ["Xb", *[None] * 7], ["Xc", *[None] * 7]],
    ",": [*SPLIT_AT_COMMA, [*[None] * 6, "", None], [*[None] * 6, "a", None]],
    "nowhere": [TEXTS],
}


@pytest.fixture(params=["string", "enum"])
def known(request, client):
    rows = H2OFrame({"t": TEXTS, "i": list(range(8))}, column_types={"t": request.param, "i": "int"})
    return rows[0:3, "t"].rbind([rows[3:3, "t"], rows[3:, "t"]])


def columns(frame):
    """Columns as lists of Python values; None is missing."""
    found = frame.as_data_frame()
    return [[None if v != v else v for v in found[name]] for name in frame.names]


def test_replacements_are_those_of_h2o(known):
    joined = known.cbind([known.gsub(pattern, replacement) for pattern, replacement in REPLACED])
    assert columns(joined) == [TEXTS, *REPLACED.values()]
    assert columns(known.sub("a", "<$0>"))[0][4:6] == ["hello world", "<a>aa"]
    assert columns(known.gsub("A", "_", ignore_case=True))[0][0] == "_XbXc"
    assert columns(known.gsub("a", "\\$1"))[0][0] == "$1XbXc"
    assert columns(known.gsub("\\Q.\\E", ""))[0][2] == "abc"


def test_texts_are_split_as_h2o_splits_them(known):
    for pattern, wanted in SPLIT.items():
        assert columns(known.strsplit(pattern)) == wanted
    letters = known.strsplit("")
    assert columns(letters)[0] == ["a", None, "a", "é", "h", "a", ",", "t"]
    assert letters.ncol == 11
    only = known[known["t"] == ",,a,", :].gsub("a", "")
    assert columns(only.strsplit(",")) == [[None]]  # three empty parts at the end are none
    nothing = known[1:2, :].strsplit(",")
    assert nothing.nacnt() == [1] * max(nothing.ncol, 1)


def test_texts_are_measured_as_h2o_measures_them(known):
    assert columns(known.countmatches("a"))[0] == [1, None, 1, 0, 0, 3, 1, 1]
    assert columns(known.countmatches(["a", "b"]))[0] == [2, None, 2, 0, 0, 3, 1, 2]
    assert columns(known.countmatches("aa"))[0][5] == 1
    assert columns(known.countmatches(""))[0][5] == 0
    assert columns(known.nchar())[0] == [5, None, 5, 4, 11, 3, 4, 8]
    bits = [1.9219280948873625, 1.9219280948873625, 2.0, 2.8453509366224368, 0.0, 0.8112781244591328, 2.75]
    np.testing.assert_allclose(known.entropy().as_data_frame()["t"].dropna(), bits)
    assert columns(known.grep("a", invert=True))[0] == [1, 3, 4]
    assert columns(known.grep("a", output_logical=True))[0] == [1, 0, 1, 0, 0, 1, 1, 1]
    assert columns(known.toupper())[0][3] == "ÉÉSSǄ"
    assert columns(known.substring(1, 3))[0] == ["Xb", None, ".b", "Éß", "el", "aa", ",a", "ab"]
    assert columns(known.substring(3, 1))[0] == ["", None, *[""] * 6]
    assert columns(known.substring(-1, 2))[0][0] == "aX"
    assert columns(known.lstrip("a "))[0][5] == ""
    space = known.gsub("^hello", " \u00a0q \t\n")
    assert columns(space.trim())[0][4] == "\u00a0q \t\n world"
    assert columns(space.gsub(" world", "").trim())[0][4] == "\u00a0q"  # a space of Unicode is no blank, as in Java


@pytest.mark.parametrize(
    ("pattern", "replacement", "why"),
    [
        ("a", "$", r"\$ must be followed"),
        ("a", "$1", "0 groups"),
        ("a", "${q}", "no group named"),
        ("a", "x\\", "backslash"),
        ("(", "x", "unterminated"),
        ("[a-z&&[^b]]", "x", "set intersection"),
    ],
)
def test_expressions_and_replacements_that_mean_nothing_are_refused(known, pattern, replacement, why):
    with pytest.raises(H2OValueError, match=why):
        known.gsub(pattern, replacement)
    with pytest.raises(H2OTypeError):
        known.gsub("a", 3)
