"""Partial dependence against scikit-learn and against predictions of changed frames; individual curves."""

import functools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence

from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.explanation.dependence import Moments
from daskdl.explanation.partial import grid_of, individual, outputs_of
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded_throughout")

NUMBERS = ["a", "b", "when"]


@functools.cache
def table():
    rng = np.random.default_rng(8)
    rows = pd.DataFrame({"a": rng.normal(size=70), "b": rng.integers(0, 4, 70), "c": rng.choice(["u", "v", "w"], 70)})
    rows["when"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 70), unit="D")
    rows["w"] = rng.random(70)
    rows["y"] = rows.a * rows.b - (rows.c == "u")
    rows["count"] = rows.y.abs().round()
    rows["two"] = np.where(rows.y > 0.5, "p", "n")
    rows["three"] = rng.choice(["k", "l", "m"], 70)
    rows.loc[[3, 17], "a"] = np.nan
    rows.loc[[4, 30], "c"] = None
    return rows


@pytest.fixture(scope="module")
def frame(embedded_throughout):
    whole = H2OFrame(table(), column_types=dict.fromkeys(("c", "two", "three"), "enum"))
    return whole[:40, :].rbind(whole[40:, :])


def trained(frame, y, **parameters):
    box = {"hidden": [5], "epochs": 4, "seed": 1, "stopping_rounds": 0, **parameters}
    return H2ODeepLearningEstimator(**box).train(x=["a", "b", "c", "when"], y=y, training_frame=frame)


@pytest.fixture(scope="module")
def regression(frame):
    return trained(frame, "y")


@pytest.fixture(scope="module")
def classifier(frame):
    return trained(frame, "two", activation="Tanh")


def predicted(model, frame, column=-1):
    return model.predict(frame).as_data_frame().iloc[:, column].to_numpy(float)


def changed(frame, **values):
    """The frame in which columns hold one value in every row."""
    other = frame[:, :]
    for name, value in values.items():
        if value is None:
            column = frame[:, name]
            column[:, 0] = None
            other[name] = column
        else:
            other[name] = value
    return other


class Numbers(RegressorMixin, BaseEstimator):
    """A model of the numeric columns, for scikit-learn; the others stay as they are in the frame."""

    def __init__(self, model, frame):
        self.model, self.frame, self.fitted_ = model, frame, True

    def fit(self, x, y):
        return self

    def predict(self, x):
        other = self.frame[:, ["c"]].cbind(H2OFrame(pd.DataFrame(x, columns=NUMBERS)))
        return predicted(self.model, other)


@pytest.mark.parametrize("column", NUMBERS)
def test_means_are_those_of_scikit_learn(frame, regression, column):
    rows = table()[NUMBERS].copy()
    rows["when"] = rows["when"].astype("datetime64[ms]").astype("int64")
    x = rows.to_numpy(float)
    (found,) = regression.partial_plot(frame, cols=[column], nbins=6, plot=False)
    values = np.array(found[column], float)
    theirs = partial_dependence(
        Numbers(regression, frame), x, [NUMBERS.index(column)], kind="average", method="brute",
        custom_values={NUMBERS.index(column): values},
    )  # fmt: skip
    np.testing.assert_allclose(found["mean_response"], theirs["average"][0], rtol=1e-5, atol=1e-5)


def test_pairs_are_the_means_of_predictions_with_both_columns_changed(frame, regression):
    (found,) = regression.partial_plot(frame, col_pairs_2dpdp=[["a", "c"]], nbins=3, plot=False)
    assert found.table_header == "2D-PartialDependence"
    assert found.col_header == ["a", "c", "mean_response", "stddev_response", "std_error_mean_response"]
    assert found["c"] == ["u", "v", "w"] * 3
    assert found["a"] == sorted(found["a"])
    wanted = [predicted(regression, changed(frame, a=a, c=c)).mean() for a, c, *_ in found.cell_values]
    np.testing.assert_allclose(found["mean_response"], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("y", "parameters"),
    [
        ("y", {"activation": "Maxout"}),
        ("two", {"categorical_encoding": "Binary"}),
        ("two", {"categorical_encoding": "Eigen"}),
        ("two", {"max_categorical_features": 2}),
        ("two", {"balance_classes": True}),
        ("count", {"distribution": "poisson", "offset_column": "w"}),
    ],
    ids=str,
)
def test_every_value_gives_the_moments_of_the_changed_frames_predictions(frame, y, parameters):
    model = trained(frame, y, **parameters)
    for found in model.partial_plot(frame, cols=["a", "b", "c"], nbins=3, include_na=True, plot=False):
        name = found.col_header[0]
        for value, mean, deviation, error in found.cell_values:
            missing = value == ".missing(NA)" or value != value
            answers = predicted(model, changed(frame, **{name: None if missing else value}))
            assert mean == pytest.approx(answers.mean(), rel=1e-4, abs=1e-5)
            assert deviation == pytest.approx(answers.std(ddof=1), rel=1e-3, abs=1e-5)
            assert error == pytest.approx(deviation / np.sqrt(70))


def test_a_missing_number_is_a_missing_cell_and_a_missing_level_says_so(frame, classifier):
    number, level = classifier.partial_plot(frame, cols=["b", "c"], include_na=True, plot=False)
    assert number["b"][:4] == [0.0, 1.0, 2.0, 3.0]
    assert np.isnan(number["b"][4])
    assert number.col_types[0] == "double"
    assert level["c"] == ["u", "v", "w", ".missing(NA)"]


def test_weights_are_those_of_the_means(frame, classifier):
    (found,) = classifier.partial_plot(frame, cols="b", weight_column="w", plot=False)
    weights = table()["w"].to_numpy()
    for value, mean, deviation, _ in found.cell_values:
        answers = predicted(classifier, changed(frame, b=value))
        expected = np.average(answers, weights=weights)
        assert mean == pytest.approx(expected, rel=1e-5)
        spread = np.average((answers - expected) ** 2, weights=weights) * 70 / 69
        assert deviation == pytest.approx(np.sqrt(spread), rel=1e-4)


def test_classes_are_looked_at_by_name(frame, classifier):
    model = trained(frame, "three")
    tables = model.partial_plot(frame, cols=["b"], targets=["m", "k"], plot=False)
    for found, column in zip(tables, (3, 1), strict=True):
        wanted = [predicted(model, changed(frame, b=float(v)), column).mean() for v in range(4)]
        np.testing.assert_allclose(found["mean_response"], wanted, rtol=1e-5)
    assert "class m" in tables[0].table_description
    (first,), (second,) = (classifier.partial_plot(frame, cols=["b"], targets=[t], plot=False) for t in ("n", "p"))
    np.testing.assert_allclose(np.add(first["mean_response"], second["mean_response"]), 1.0)
    (plain,) = classifier.partial_plot(frame, cols=["b"], plot=False)
    assert plain["mean_response"] == second["mean_response"]


def test_one_row_is_its_own_prediction(frame, classifier):
    (found,) = classifier.partial_plot(frame, cols=["a"], row_index=41, nbins=3, plot=False)
    wanted = [predicted(classifier, changed(frame[[41], :], a=v))[0] for v in found["a"]]
    np.testing.assert_allclose(found["mean_response"], wanted, rtol=1e-5)
    assert found["stddev_response"] == found["std_error_mean_response"] == [0.0, 0.0, 0.0]
    assert "row 41" in found.table_description


def test_values_of_the_users_own_of_every_kind(frame, classifier):
    splits = {"a": [0, 1.5], "c": ["w", "u"], "when": ["2020-03-01", pd.Timestamp("2021-01-01", tz="UTC"), 1.6e12]}
    tables = classifier.partial_plot(frame, cols=["a", "c", "when"], user_splits=splits, plot=False)
    assert [one[one.col_header[0]] for one in tables[:2]] == [[0.0, 1.5], ["w", "u"]]
    assert tables[2]["when"] == [1583020800000.0, 1609459200000.0, 1.6e12]


def test_individual_curves_are_predictions_of_changed_rows(frame, regression):
    model = regression.model
    grid = grid_of(model, frame, ["c"], include_missing=True)
    found = individual(model, frame, grid, outputs_of(model, None)[0])
    assert found.shape == (70, 4)
    for k, (value,) in enumerate(grid.points):
        np.testing.assert_allclose(found[:, k], predicted(regression, changed(frame, c=value)), rtol=1e-5, atol=1e-5)


def test_a_frame_of_other_types_takes_the_models_values(classifier):
    rows = table().copy()
    other = H2OFrame(rows.assign(c=rows["c"].fillna("")), column_types={"c": "string", "two": "enum"})
    (found,) = classifier.partial_plot(other, cols=["c"], plot=False)
    assert found["c"] == ["u", "v", "w"]
    odd = H2OFrame(rows.assign(b=rows["b"].astype(str)), column_types={"b": "enum", "c": "enum"})
    with pytest.raises(H2OValueError, match=r"'b' must hold numbers.*it is enum.*asnumeric"):
        classifier.partial_plot(odd, cols=["b"], plot=False)


def test_drawings_show_levels_numbers_times_pairs_and_odd_names(frame, classifier, tmp_path):
    path = tmp_path / "plot.png"
    odd = frame[:, ["a", "b", "c", "when", "two"]]
    odd.names = ["$a", "_b$", "<c>", "when", "two"]
    model = H2ODeepLearningEstimator(hidden=[3], epochs=2, seed=1).train(y="two", training_frame=odd)
    tables = model.partial_plot(
        odd, cols=["$a", "_b$", "<c>", "when"], col_pairs_2dpdp=[["$a", "<c>"], ["when", "_b$"]], nbins=4,
        include_na=True, server=True, save_plot_path=str(path), targets=["p"],
    )  # fmt: skip
    assert path.stat().st_size > 10_000
    axes = [one for one in tables.figure().axes if one.get_title()]
    assert [one.get_title() for one in axes] == [
        rf"Partial Dependence of {name}"
        for name in (r"\$a", r" _b\$", "<c>", "when", r"\$a and <c>", r"when and  _b\$")
    ]


def test_what_cannot_be_drawn_is_refused(frame, classifier):
    ask = functools.partial(classifier.partial_plot, frame, plot=False)
    with pytest.raises(H2OValueError, match="nbins must be at least 2"):
        ask(nbins=1)
    with pytest.raises(H2OValueError, match=r"predictors of the model.*got two"):
        ask(cols=["two"])
    with pytest.raises(H2OValueError, match="pairs of different columns"):
        ask(col_pairs_2dpdp=[["a", "a"]])
    with pytest.raises(H2OValueError, match="pairs of different columns"):
        ask(col_pairs_2dpdp=["ab"])
    with pytest.raises(H2OValueError, match=r"user_splits of 'c' must be levels of it \(u, v, w\); got x"):
        ask(cols=["c"], user_splits={"c": ["x"]})
    with pytest.raises(H2OValueError, match="user_splits of 'a' must be numbers"):
        ask(cols=["a"], user_splits={"a": ["x"]})
    with pytest.raises(H2OTypeError, match="user_splits must map columns to lists"):
        ask(cols=["a"], user_splits={"a": "xy"})
    with pytest.raises(H2OValueError, match="columns that are plotted; got 'b'"):
        ask(cols=["a"], user_splits={"b": [1]})
    with pytest.raises(H2OValueError, match="weight_column must be a column"):
        ask(cols=["a"], weight_column="nope")
    with pytest.raises(H2OValueError, match="at least 0; 'a' does not"):
        ask(cols=["b"], weight_column="a")
    with pytest.raises(H2OValueError, match="0 to 69; got 70"):
        ask(cols=["a"], row_index=70)
    with pytest.raises(H2OValueError, match=r"targets must be classes \(n, p\); got q"):
        ask(cols=["a"], targets=["q"])
    with pytest.raises(H2OValueError, match="missing in every row"):
        classifier.partial_plot(changed(frame, a=None), cols=["a"], plot=False)
    auto = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1).train(x=["a", "b"], training_frame=frame)
    with pytest.raises(H2OValueError, match="autoencoder and has none"):
        auto.partial_plot(frame)


def test_the_users_frame_stays_as_it_was(frame, classifier):
    before = frame.as_data_frame()
    classifier.partial_plot(frame, include_na=True, plot=False)
    pd.testing.assert_frame_equal(frame.as_data_frame(), before)


# ---- moments -----------------------------------------------------------------------------------------------------
@given(st.lists(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0, 5)), max_size=6), min_size=1, max_size=4))
def test_moments_of_parts_merge_to_those_of_the_whole(parts):
    def of(pairs):
        rows = np.array(pairs, float).reshape(-1, 2)
        return Moments.of(rows[:, :1], rows[:, 1])

    merged = functools.reduce(Moments.merge, map(of, parts))
    whole = of([pair for part in parts for pair in part])
    for one, other in zip(merged, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-4)


def test_nothing_has_no_mean_and_one_row_no_spread():
    nothing = Moments.of(np.zeros((0, 1)), np.zeros(0))
    assert np.isnan(nothing.shown()).all()
    one = Moments.of(np.array([[2.0]]), np.ones(1))
    assert one.merge(nothing).shown().tolist() == [[2.0, 0.0, 0.0]]
    assert nothing.merge(one).shown().tolist() == [[2.0, 0.0, 0.0]]
