"""Verbs that h2o-py has beyond the usual ones, against pandas, SciPy and values of H2O 3.46.0.12 itself."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
import scipy.spatial.distance
import scipy.stats

import daskdl as h2o
from frames.exceptions import FileExists, FrameError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame


@pytest.fixture(autouse=True)
def cluster(client):
    return client


def cells(frame):
    return frame.as_data_frame()


GROUPS = {"g": ["b", "a", "b", "a", "b"], "h": [1, 1, 2, 2, 1], "x": [3.5, 1.0, None, 7.0, 2.0]}


# ---- ranks -------------------------------------------------------------------------------------------------------
def test_rows_are_ranked_within_their_groups_as_in_h2o():
    fr = H2OFrame(GROUPS, column_types={"g": "enum"})
    out = cells(fr.rank_within_group_by(["g"], ["x"]))
    assert list(out.columns) == ["g", "h", "x", "New_Rank_column"]
    assert out["g"].tolist() == ["a", "a", "b", "b", "b"]
    assert out["New_Rank_column"].fillna(-1).tolist() == [1, 2, -1, 1, 2]
    out = cells(fr.rank_within_group_by(["g", "h"], ["x"], [False], "r", True))
    assert out["x"].fillna(-1).tolist() == [-1, 7, 3.5, 2, 1]
    assert out["r"].fillna(-1).tolist() == [-1, 1, 1, 2, 1]


def test_ranks_within_groups_are_those_of_pandas_over_many_partitions(cut):
    random = np.random.default_rng(4)
    table = pd.DataFrame({"k": random.integers(0, 7, 500), "v": random.permutation(500)})
    out = cells(cut(table).rank_within_group_by("k", "v", [False]))
    expected = out.groupby("k")["v"].rank(ascending=False)
    assert out["New_Rank_column"].tolist() == expected.tolist()
    assert out["k"].is_monotonic_increasing


def test_ranking_refuses_what_it_cannot_do():
    fr = H2OFrame(GROUPS)
    with pytest.raises(H2OValueError, match=r"new_col_name must be new; 'x' is column 2"):
        fr.rank_within_group_by("g", "x", new_col_name="x")
    with pytest.raises(H2OValueError, match="a bool per column of sort_cols"):
        fr.rank_within_group_by("g", "x", [True, False])


@pytest.mark.parametrize("use", ["everything", "complete.obs"])
def test_spearman_correlations_are_those_of_scipy(use):
    fr = H2OFrame({"a": [1, 2, 2, 4, None], "b": [3, 1, 5, 2, 4], "c": [1, 8, 27, 64, 0]})
    found = cells(fr.cor(use=use, method="Spearman")).to_numpy()
    rows = slice(0, 4) if use == "complete.obs" else slice(0, 5)
    expected = scipy.stats.spearmanr([3, 1, 5, 2, 4][rows], [1, 8, 27, 64, 0][rows]).statistic
    assert found[1, 2] == pytest.approx(expected)
    assert math.isnan(found[0, 1]) == (use == "everything")
    if use == "complete.obs":
        assert found[0, 1] == pytest.approx(scipy.stats.spearmanr([1, 2, 2, 4], [3, 1, 5, 2]).statistic)
    assert fr["b"].cor(fr["c"], method="spearman") == pytest.approx(
        scipy.stats.spearmanr([3, 1, 5, 2, 4], [1, 8, 27, 64, 0]).statistic
    )


# ---- long and wide -------------------------------------------------------------------------------------------------
def test_pivot_makes_a_column_of_every_value(cut):
    table = pd.DataFrame({"i": [1, 1, 2, 2, 3, 1], "c": list("pqpqpp"), "v": [1.5, 2.5, 3.5, 4.5, 5.5, 99.0]})
    out = cut(table).pivot("i", "c", "v")
    assert out.names == ["i", "p", "q"]
    expected = table.drop_duplicates(["i", "c"]).pivot(index="i", columns="c", values="v").reset_index()
    np.testing.assert_array_equal(cells(out).to_numpy(float), expected.to_numpy(float))


def test_pivot_takes_numbers_times_and_missing_cells():
    fr = H2OFrame({"i": ["a", "b", None, "a"], "c": [10, 20, 10, None], "v": [1, 2, 3, 4]}, column_types={"i": "enum"})
    out = fr.pivot("i", "c", "v")
    assert (out.names, out.types["i"]) == (["i", "10", "20"], "enum")
    assert cells(out).fillna(-1).to_numpy().tolist() == [["a", 1, -1], ["b", -1, 2]]
    with pytest.raises(H2OValueError, match="value must be a column of numbers; 'i' is enum"):
        fr.pivot("c", "v", "i")


@pytest.mark.parametrize("skipna", [False, True])
def test_melt_gives_the_rows_of_pandas_row_by_row(cut, skipna):
    table = pd.DataFrame({"k": ["x", "y", "z"] * 4, "a": np.arange(12) + 0.5, "b": [1.0, None, 3.0] * 4})
    out = cut(table).melt("k", ["a", "b"], var_name="which", value_name="cell", skipna=skipna)
    expected = table.reset_index().melt(["index", "k"], ["a", "b"], "which", "cell").sort_values(["index", "which"])
    expected = expected.dropna() if skipna else expected
    assert out.types == {"k": "enum", "which": "enum", "cell": "real"}
    assert cells(out)["which"].tolist() == expected["which"].tolist()
    np.testing.assert_array_equal(cells(out)["cell"], expected["cell"])
    assert out.nrow == len(expected)


def test_melt_unites_levels_and_refuses_mixed_types():
    fr = H2OFrame(
        {"id": [1, 2], "p": ["u", "v"], "q": ["w", "u"], "n": [1, 2]}, column_types={"p": "enum", "q": "enum"}
    )
    out = fr.melt("id", ["p", "q"])
    assert (out["value"].levels(), cells(out)["value"].tolist()) == ([["u", "v", "w"]], ["u", "w", "v", "u"])
    with pytest.raises(H2OValueError, match="Value columns must have one type; got 'p': enum, 'q': enum, 'n': int"):
        fr.melt("id")


def test_rep_len_repeats_rows_of_one_column_and_columns_of_many():
    fr = H2OFrame({"x": [3.5, 1.0, None], "y": ["a", "b", "a"]})
    assert cells(fr["x"].rep_len(7))["C1"].fillna(-1).tolist() == [3.5, 1, -1, 3.5, 1, -1, 3.5]
    assert cells(fr["x"].rep_len(2))["C1"].tolist() == [3.5, 1]
    assert list(fr.rep_len(3).types.values()) == ["real", "enum", "real"]
    with pytest.raises(H2OValueError, match="length_out must be a whole number of at least 1; got 0"):
        fr.rep_len(0)


# ---- matrices ------------------------------------------------------------------------------------------------------
def test_products_and_distances_are_those_of_numpy_and_scipy(cut):
    random = np.random.default_rng(7)
    a, b = random.normal(size=(50, 3)), random.normal(size=(4, 3))
    fr, other = cut(pd.DataFrame(a, columns=list("abc"))), H2OFrame(b)
    np.testing.assert_allclose(cells(fr.mult(H2OFrame(b.T))), a @ b.T, rtol=1e-12)
    for measure, name in (("l1", "cityblock"), ("l2", "euclidean")):
        np.testing.assert_allclose(cells(fr.distance(other, measure)), scipy.spatial.distance.cdist(a, b, name))
    cosine = 1 - scipy.spatial.distance.cdist(a, b, "cosine")
    np.testing.assert_allclose(cells(fr.distance(other, "cosine")), cosine)
    np.testing.assert_allclose(cells(fr.distance(other, "cosine_sq")), cosine**2)
    assert fr.distance(other).names == ["C1", "C2", "C3", "C4"]
    with pytest.raises(H2OValueError, match="measure must be one of l1, l2, cosine, cosine_sq; got 'far'"):
        fr.distance(other, "far")
    with pytest.raises(H2OValueError, match="must have 3 rows, one per column; got 4"):
        fr.mult(other)


# ---- words ---------------------------------------------------------------------------------------------------------
LEFT, RIGHT = ["martha", "dwayne", "-", "abc", None], ["marhta", "duane", "a", "abc", "x"]
H2O_SAYS = {
    "lv": [2 / 3, 2 / 3, 0, 1],
    "lcs": [0.5, 0.4, 0, 1],
    "qgram": [0.4, 0.25, 0, 1],
    "jaccard": [0, 0, 0, 1],
    "jw": [0.961111111, 0.84, 0, 1],
    "soundex": [0.9, 0.9, 0, 1],
}


@pytest.mark.parametrize("measure", sorted(H2O_SAYS))
def test_texts_are_as_alike_as_h2o_says(measure):
    left, right = (H2OFrame({"t": texts}, column_types=["string"]) for texts in (LEFT, RIGHT))
    left = left.gsub("-", "")  # an empty text: what is given empty is missing
    found = cells(left.strdistance(right, measure))["C1"].tolist()
    assert found[:4] == pytest.approx(H2O_SAYS[measure])
    assert math.isnan(found[4])
    none_empty = cells(left.strdistance(right, measure, compare_empty=False))["C1"]
    assert none_empty.isna().tolist() == [False, False, True, False, True]


def test_texts_are_compared_across_other_partitions_and_levels(cut):
    words = pd.DataFrame({"w": ["one", "two", "three"] * 20})
    other = H2OFrame({"w": ["one", "tow", "there"] * 20}, column_types=["enum"])
    found = cells(cut(words).strdistance(other, "lv"))["C1"].tolist()
    assert found[:3] == pytest.approx([1, 1 / 3, 0.6])
    with pytest.raises(H2OValueError, match="measure must be one of lv, lcs"):
        other.strdistance(other, "l2")


def test_tokens_stand_below_one_another_with_a_gap_after_each_row(cut):
    table = pd.DataFrame({"s": ["a b", "c  d e", None, "f"] * 5, "t": ["x", "y z", "q", None] * 5})
    out = cells(cut(table, types={"s": "string", "t": "string"}).tokenize(" "))
    first = ["a", "b", "x", None, "c", "", "d", "e", "y", "z", None, "q", None, "f", None]
    assert [None if v != v else v for v in out["C1"].tolist()] == first * 5
    with pytest.raises(H2OValueError, match="must be asked of string columns; 'n' is int"):
        H2OFrame({"n": [1]}).tokenize(" ")


def test_substrings_that_are_words_are_counted(tmp_path):
    (tmp_path / "words.txt").write_text("art\nwayne\nmart\na\n")
    fr = H2OFrame({"w": ["martha", "dwayne", "xyz", None]}, column_types=["string"])
    out = cells(fr.num_valid_substrings(str(tmp_path / "words.txt")))["C1"]
    assert out.fillna(-1).tolist() == [2, 1, 0, -1]
    with pytest.raises(FrameError, match="path_to_words must be a file of words"):
        fr.num_valid_substrings(str(tmp_path / "none.txt"))


# ---- series, times, types ------------------------------------------------------------------------------------------
def test_isax_words_are_intervals_of_the_standardised_means():
    rows = np.array([[1.0, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1], [2, 2, 2, 2, 2, 2, 2, 2]])
    out = cells(H2OFrame(rows).isax(4, 5))
    assert out["iSax_index"].tolist() == ["0^5_1^5_3^5_4^5", "4^5_3^5_1^5_0^5", "2^5_2^5_2^5_2^5"]
    standard = (rows[0] - rows[0].mean()) / rows[0].std(ddof=1)
    means = standard.reshape(4, 2).mean(axis=1)
    assert out.iloc[0, 1:].tolist() == np.searchsorted(scipy.stats.norm.ppf([0.2, 0.4, 0.6, 0.8]), means).tolist()


def test_isax_with_optimize_card_counts_only_the_symbols_that_occur():
    rows = np.array([[1.0, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1], [2, 2, 2, 2, 2, 2, 2, 2]])
    plain = cells(H2OFrame(rows).isax(4, 50))
    few = cells(H2OFrame(rows).isax(4, 50, optimize_card=True))
    for name in ("c0", "c1", "c2", "c3"):
        assert few[name].tolist() == (plain[name].rank(method="dense") - 1).tolist()
    assert few["iSax_index"].tolist() == ["0^3_0^3_2^3_2^3", "2^3_2^3_0^3_0^3", "1^3_1^3_1^3_1^3"]


def test_times_are_made_of_parts():
    assert H2OFrame.moment(2020, 2, 3, 4, 5, 6, 7)[0, 0] == 1580702706007  # what H2O gives
    assert H2OFrame.mktime(2020, 1, 2, 4, 5, 6, 7)[0, 0] == 1580702706007
    years = H2OFrame({"y": [2020, 2021, None, 2023], "m": [2, 13, 1, 2]})
    out = H2OFrame.moment(years["y"], years["m"], 29)
    assert (out.names, out.types) == (["name"], {"name": "time"})
    assert cells(out)["name"].tolist()[0] == pd.Timestamp("2020-02-29")
    assert cells(out)["name"].isna().tolist() == [False, True, True, True]
    assert H2OFrame.moment(date=dt.date(2020, 2, 3), time=dt.time(4, 5, 6, 7000))[0, 0] == 1580702706007
    assert cells(H2OFrame.mktime(years["y"], years["m"]))["name"].tolist()[0] == pd.Timestamp("2020-03-01")
    with pytest.raises(H2OValueError, match="by its parts, not both"):
        H2OFrame.moment(2020, date=dt.date(2020, 1, 1))
    with pytest.raises(H2OTypeError, match="month must be a number or a frame"):
        H2OFrame.moment(2020, "May")


def test_types_are_told_for_numpy():
    fr = H2OFrame({"x": [1.5, 2], "n": [1, 2], "g": [1, None], "t": ["a", "b"]})
    assert [fr[c].dtype for c in fr.names] == [np.dtype("f8"), np.dtype("i8"), np.dtype("f8"), np.dtype("O")]
    assert (fr.anyfactor(), fr[["x", "n"]].anyfactor()) == (True, False)
    with pytest.raises(H2OValueError, match="dtype must be asked of one column"):
        _ = fr.dtype


def test_the_top_and_the_bottom_are_one_call():
    fr = H2OFrame({"a": [5, 3, 9, 1, 7, 2, 8, 4, 6, 10]})
    assert cells(fr.topNBottomN(0, 20, 1))["a"].tolist() == [10, 9]
    assert cells(fr.topNBottomN(0, 20, -1))["a"].tolist() == [1, 2]


def test_match_takes_its_list_by_h2os_keyword():
    assert cells(H2OFrame({"y": ["no", "yes"]}, column_types=["enum"]).match(table=["yes"], nomatch=0))[
        "y"
    ].tolist() == [0, 1]


def test_the_counts_of_reals_are_a_table():
    out = cells(H2OFrame({"r": [1.5, 2.5, 1.5, None]}).table())
    assert out.to_numpy().tolist() == [[1.5, 2], [2.5, 1]]


# ---- filling -------------------------------------------------------------------------------------------------------
def test_fills_of_groups_may_come_from_a_frame():
    fr = H2OFrame({"k": ["a", "b", "a", "b"], "x": [1.0, None, None, 4.0]}, column_types={"k": "enum"})
    fills = H2OFrame({"k": ["a", "b"], "fill": [10.0, 20.0]}, column_types={"k": "enum"})
    given = fr.impute("x", by="k", group_by_frame=fills)
    assert cells(fr)["x"].tolist() == [1, 20, 10, 4]
    assert given.names == ["k", "fill"]
    with pytest.raises(H2OValueError, match="group_by_frame must be a frame of groups"):
        fr.impute("x", group_by_frame=fills)


def test_each_column_may_have_its_own_fill():
    fr = H2OFrame({"a": [1, None, 3], "b": [None, 2, 2]})
    assert fr.impute(-1, values=[9, 8]) == [9, 8]
    assert cells(fr).to_numpy().tolist() == [[1, 8], [9, 2], [3, 2]]


# ---- what is shown -------------------------------------------------------------------------------------------------
def test_a_summary_is_told_as_a_dict():
    fr = H2OFrame(
        {"x": [1.0, math.inf, None], "k": ["a", "b", "a"], "s": ["p", "q", "r"]}, column_types={"s": "string"}
    )
    told = fr.get_summary()
    assert list(told) == ["x", "k", "s"]
    assert str(told) == str(fr.summary(return_data=True))  # as texts: NaN equals nothing
    assert (told["x"]["missing_count"], told["x"]["positive_infinity_count"], told["x"]["mins"]) == (1, 1, [1.0])
    assert (told["k"]["domain"], told["k"]["mean"]) == (["a", "b"], pytest.approx(1 / 3))
    assert told["s"]["string_data"] == ["p", "q", "r"]


def test_a_frame_is_written_as_text_and_html(capsys):
    fr = H2OFrame({"x": list(range(30)), "<b>": ["&"] * 30})
    assert "[30 rows x 2 columns]" in fr.to_str(rows=3)
    assert len(fr.to_str(rows=3).splitlines()) == 6
    page = fr.to_html(rows=2)
    assert "&lt;b&gt;" in page
    assert "[30 rows x 2 columns]" in page
    fr.show(verbosity="short")
    assert capsys.readouterr().out == "[30 rows x 2 columns]\n"
    fr.show(fmt="html")
    assert "<table" in capsys.readouterr().out
    with pytest.raises(H2OValueError, match="fmt must be one of plain, pretty, html; got 'pdf'"):
        fr.show(fmt="pdf")
    fr.show_summary()
    assert "mins" in capsys.readouterr().out


def test_a_histogram_may_be_saved_as_a_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    H2OFrame({"x": [1, 2, 2, 3]}).hist(plot=False, save_plot_path=str(tmp_path / "bars.png"))
    assert (tmp_path / "bars.png").read_bytes()[:4] == b"\x89PNG"


# ---- stored frames and databases -----------------------------------------------------------------------------------
def test_a_frame_is_saved_compressed_and_loaded_as_it_was(tmp_path, cut):
    table = pd.DataFrame({"x": np.arange(100) / 7, "n": 2**60 + np.arange(100), "k": ["a", None, "c", "d"] * 25})
    fr = cut(table, types={"k": "enum"})
    path = fr.save(str(tmp_path / "kept"))
    again = h2o.load_frame("mine", path)
    assert (again.frame_id, again.types, again["k"].levels()) == ("mine", fr.types, fr["k"].levels())
    pd.testing.assert_frame_equal(cells(again), cells(fr))
    assert cells(h2o.load_frame(path)).shape == (100, 3)
    fr.save(path)
    with pytest.raises(FileExists):
        fr.save(path, force=False)
    with pytest.raises(H2OValueError, match="frame_id must be new"):
        h2o.load_frame("mine", path, force=False)


def test_folders_that_hold_no_frame_are_refused(tmp_path):
    with pytest.raises(FrameError, match="holds no frame"):
        h2o.load_frame(str(tmp_path))
    path = H2OFrame({"x": [1, 2]}).save(tmp_path / "f")
    chunk = next((tmp_path / "f").glob("*.chunk"))
    chunk.write_bytes(chunk.read_bytes()[:-3])
    with pytest.raises(FrameError, match="cut or damaged"):
        h2o.load_frame("broken", path).as_data_frame()
    chunk.unlink()
    with pytest.raises(FrameError, match="is gone"):
        h2o.load_frame("gone", path).as_data_frame()


@pytest.fixture
def shop(tmp_path):
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="databases need SQLAlchemy")
    address = f"sqlite:///{tmp_path}/shop.db"
    engine = sqlalchemy.create_engine(address)
    orders = pd.DataFrame(
        {"id": range(250), "total": [i / 4 if i % 9 else None for i in range(250)], "who": ["ann", "bob"] * 125}
    )
    orders.to_sql("orders", engine, index=False)
    engine.dispose()
    return address, orders


def test_a_table_of_a_database_is_a_frame(shop, monkeypatch):
    monkeypatch.setattr("frames.parse.sql.ROWS", 60)
    address, orders = shop
    fr = h2o.import_sql_table(address, "orders")
    assert fr.types == {"id": "int", "total": "real", "who": "enum"}
    pd.testing.assert_frame_equal(cells(fr), orders, check_dtype=False)
    assert h2o.import_sql_table(address, "orders", columns=["who", "id"]).names == ["who", "id"]
    few = h2o.import_sql_select(address, "SELECT who, count(*) AS n FROM orders WHERE id < 11 GROUP BY who")
    assert cells(few).to_numpy().tolist() == [["ann", 6], ["bob", 5]]
    assert h2o.import_sql_select("jdbc:" + address.replace(":///", ":"), "SELECT id FROM orders WHERE id < 0").nrow == 0


def test_databases_that_cannot_answer_say_why(shop):
    address, _ = shop
    with pytest.raises(FrameError, match="there is no 'nothing'"):
        h2o.import_sql_table(address, "nothing")
    with pytest.raises(H2OValueError, match="columns must be of table orders; got 'price'"):
        h2o.import_sql_table(address, "orders", columns=["price"])
    with pytest.raises(H2OValueError, match="select_query must be a SELECT statement; got 'DROP TABLE orders'"):
        h2o.import_sql_select(address, "DROP TABLE orders")
    with pytest.raises(FrameError, match="The database must answer the query; it said: no such table"):
        h2o.import_sql_select(address, "SELECT * FROM nowhere")
    with pytest.raises(H2OValueError, match="connection_url must be an address"):
        h2o.import_sql_table("orders.db", "orders")
