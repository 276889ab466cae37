"""Drawings and reports that explain models: what they show, and what they say of names that are code elsewhere."""

import functools
import re

import matplotlib
import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.explanation import report
from daskdl.grid import H2OGridSearch
from daskdl.metrics.plot import Drawing, colours, label
from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded_throughout")

EVIL = "<script>alert(1)</script>$x_1$"


@functools.cache
def table():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"a": rng.normal(size=60), EVIL: rng.normal(size=60), "c": rng.choice(["u", "v", "w"], 60)})
    rows["when"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 60), unit="D")
    rows["y"] = 2 * rows.a - rows[EVIL] + (rows.c == "u")
    rows["two"] = np.where(rows.y > 0.5, "<b>", "_n")
    rows["three"] = rng.choice(["k", "l", "m"], 60)
    rows.loc[[3, 17], "a"] = np.nan
    rows.loc[[4, 30], "c"] = None
    return rows


@pytest.fixture(scope="module")
def frame(embedded_throughout):
    return H2OFrame(table(), column_types=dict.fromkeys(("c", "two", "three"), "enum"))


def trained(frame, y, **parameters):
    box = {"hidden": [3], "epochs": 3, "seed": 1, "stopping_rounds": 0, "activation": "Tanh", **parameters}
    return H2ODeepLearningEstimator(**box).train(x=["a", EVIL, "c", "when"], y=y, training_frame=frame)


@pytest.fixture(scope="module")
def regression(frame):
    return trained(frame, "y", model_id="numbers")


@pytest.fixture(scope="module")
def classifier(frame):
    return trained(frame, "two", model_id="<two>", nfolds=3)


def told(page):
    """A page without its pictures, whose last bits differ from one drawing to the next."""
    return re.sub(r"base64,[^\"]+", "", page)


def axes_of(drawing):
    assert isinstance(drawing, Drawing)
    assert drawing._repr_png_().startswith(b"\x89PNG")  # every text on it could be drawn
    return drawing.figure().axes[0]


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch):
    """Nothing may open a window, whatever the backend."""
    monkeypatch.setattr("daskdl.metrics.plot._open_window", lambda figure: pytest.fail("a window"))


# ---- contributions -----------------------------------------------------------------------------------------------
def test_a_summary_has_a_point_for_every_row_and_column(frame, classifier, tmp_path):
    path = tmp_path / "shap.png"
    drawing = classifier.shap_summary_plot(frame, background_frame=frame[:9, :], save_plot_path=str(path))
    axes = axes_of(drawing)
    assert path.stat().st_size > 5000
    found = classifier.predict_contributions(frame, "Compact", background_frame=frame[:9, :]).as_data_frame()
    order = found.drop(columns="BiasTerm").abs().mean().sort_values().index
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [label(name) for name in order]
    for points, name in zip(axes.collections, order, strict=True):
        shown = np.sort(np.asarray(points.get_offsets())[:, 0])
        np.testing.assert_allclose(shown, np.sort(found[name]), atol=1e-12)


def test_a_summary_takes_columns_and_samples(frame, classifier):
    few = classifier.shap_summary_plot(
        frame, columns=["a", 2], samples=20, background_frame=frame[:9, :], colormap="plasma"
    )
    assert [tick.get_text() for tick in axes_of(few).get_yticklabels()] == ["a", "c"]
    assert len(axes_of(few).collections[0].get_offsets()) == 20
    one = classifier.shap_summary_plot(frame, top_n_features=1, colorize_factors=False, background_frame=frame[:9, :])
    assert len(axes_of(one).collections) == 1


@pytest.mark.parametrize("plot_type", ["barplot", "breakdown"])
def test_one_rows_bars_are_its_contributions(frame, classifier, plot_type):
    drawing = classifier.shap_explain_row_plot(frame, 7, plot_type=plot_type, background_frame=frame[:9, :])
    axes = axes_of(drawing)
    found = classifier.predict_contributions(frame[[7], :], "Compact", background_frame=frame[:9, :]).as_data_frame()
    widths = [bar.get_width() for bar in axes.patches]
    np.testing.assert_allclose(np.sort(widths), np.sort(found.iloc[0].drop("BiasTerm")), atol=1e-12)
    assert f"{found.iloc[0].sum():.6g}" in axes.get_title()
    if plot_type == "breakdown":
        starts = [bar.get_x() for bar in axes.patches]
        assert starts[0] == pytest.approx(found["BiasTerm"][0])
        np.testing.assert_allclose(np.add(starts, widths)[:-1], starts[1:])


def test_one_rows_bars_may_be_few(frame, classifier):
    ask = functools.partial(classifier.shap_explain_row_plot, frame, 7, background_frame=frame[:9, :])
    assert all(bar.get_width() >= 0 for bar in axes_of(ask(contribution_type="positive")).patches)
    assert len(axes_of(ask(columns=["a"])).patches) == 1
    rest = axes_of(ask(plot_type="breakdown", top_n_features=1))
    assert next(tick.get_text() for tick in rest.get_yticklabels()) == "Remaining Features"
    assert len(rest.patches) == 2


# ---- effects -----------------------------------------------------------------------------------------------------
def test_a_curve_is_the_partial_dependence(frame, regression, classifier):
    axes = axes_of(regression.pd_plot(frame, "a", nbins=7))
    (found,) = regression.partial_plot(frame, cols=["a"], nbins=7, plot=False)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), found["mean_response"])
    np.testing.assert_allclose(axes.lines[0].get_xdata(), found["a"])
    odds = axes_of(classifier.pd_plot(frame, "a", binary_response_scale="logodds", nbins=7))
    (found,) = classifier.partial_plot(frame, cols=["a"], nbins=7, plot=False)
    p = np.array(found["mean_response"])
    np.testing.assert_allclose(odds.lines[0].get_ydata(), np.log(p / (1 - p)))


@pytest.mark.parametrize("column", ["a", EVIL, "c", "when"])
def test_every_kind_of_column_is_drawn(frame, classifier, regression, column):
    axes_of(classifier.pd_plot(frame, column, nbins=4))
    axes_of(classifier.pd_plot(frame, column, row_index=5, nbins=4))
    axes_of(classifier.ice_plot(frame, column, nbins=4, binary_response_scale="logodds"))
    axes_of(regression.ice_plot(frame, column, nbins=4, centered=True, show_rug=False))
    axes_of(h2o.pd_multi_plot([regression, regression], frame, column, row_index=3))


def test_curves_of_eleven_rows_are_their_predictions(frame, regression):
    axes = axes_of(regression.ice_plot(frame, "a", nbins=3, show_pdp=False))
    curves = [line for line in axes.lines if str(line.get_label()).endswith("Percentile")]
    assert len(curves) == 11
    order = table()["y"].argsort().to_numpy()
    for line, row in zip((curves[0], curves[10]), (int(order[0]), int(order[-1])), strict=True):
        (found,) = regression.partial_plot(frame, cols=["a"], nbins=3, row_index=row, plot=False)
        np.testing.assert_allclose(line.get_ydata(), found["mean_response"], rtol=1e-5)


def test_groups_are_drawn_apart(frame, regression, tmp_path):
    found = regression.pd_plot(frame, "a", grouping_column="c", nbins=3, save_plot_path=str(tmp_path / "g.png"))
    assert ["c = u" in axes_of(one).get_title() for one in found] == [True, False, False]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g_0.png", "g_1.png", "g_2.png"]
    assert len(regression.ice_plot(frame, "a", grouping_column="c", nbins=3)) == 3


def test_rare_levels_are_left_out_but_for_that_of_the_row(frame, regression):
    row = int(np.flatnonzero(table()["c"] == table()["c"].value_counts().index[-1])[0])
    most = table()["c"].value_counts().index[0]
    ticks = [tick.get_text() for tick in axes_of(regression.pd_plot(frame, "c", max_levels=1)).get_xticklabels()]
    assert ticks == [most]
    both = axes_of(regression.pd_plot(frame, "c", max_levels=1, row_index=row)).get_xticklabels()
    assert {tick.get_text() for tick in both} == {most, table()["c"][row]}


# ---- residuals and learning --------------------------------------------------------------------------------------
def test_residuals_are_actual_less_predicted(frame, regression, classifier):
    axes = axes_of(regression.residual_analysis_plot(frame))
    predicted = regression.predict(frame).as_data_frame()["predict"]
    points = np.asarray(axes.collections[0].get_offsets())
    np.testing.assert_allclose(points[:, 0], predicted)
    np.testing.assert_allclose(points[:, 1], table()["y"] - predicted)
    with pytest.raises(H2OValueError, match="need a model of numbers"):
        classifier.residual_analysis_plot(frame)
    with pytest.raises(H2OValueError, match="must have the response 'y'"):
        regression.residual_analysis_plot(frame.drop("y"))


def test_learning_curves_show_the_history_and_the_folds(frame, classifier):
    axes = axes_of(classifier.learning_curve_plot("misclassification"))
    history = classifier.scoring_history().dropna(subset=["training_classification_error"])
    line = next(one for one in axes.lines if one.get_label() == "Training")
    np.testing.assert_allclose(line.get_ydata(), history["training_classification_error"])
    for more in ({"cv_ribbon": True}, {"cv_lines": True, "cv_ribbon": False}, {"colormap": "plasma"}):
        named = {one.get_label() for one in axes_of(classifier.learning_curve_plot(**more)).lines}
        assert {"Training", "Training (CV Models)", "Selected epochs"} <= named
    with pytest.raises(H2OValueError, match="metric of a Binomial model must be AUTO or one of"):
        classifier.learning_curve_plot("deviance")


# ---- several models ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def grid(frame):
    made = H2OGridSearch(
        H2ODeepLearningEstimator(hidden=[3], epochs=2, seed=1, stopping_rounds=0),
        {"l1": [0.0, 1e-3, 1e-2]},
        grid_id="g",
    )
    made.train(x=["a", EVIL, "c"], y="y", training_frame=frame)
    return made


def test_importances_of_columns_are_sums_of_those_of_their_inputs(frame, classifier, grid):
    shares = classifier.model.column_importances()
    rows = {name: share for name, _, _, share in classifier.varimp()}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["a"] == pytest.approx(rows["a"])
    assert shares["c"] == pytest.approx(sum(share for name, share in rows.items() if name.startswith("c.")))
    found = h2o.varimp(grid, cluster=False)
    assert list(found.columns) == grid.model_ids
    assert sorted(found.index) == sorted(["a", EVIL, "c"])
    np.testing.assert_allclose(found.sum(), 1.0)
    clustered = h2o.varimp(grid, num_of_features=2)
    assert clustered.shape == (2, 3)
    cells, models, names = h2o.varimp(list(grid), use_pandas=False)
    assert cells.shape == (3, 3)
    assert sorted(models) == sorted(grid.model_ids)
    assert sorted(names) == sorted(["a", EVIL, "c"])
    axes_of(h2o.varimp_heatmap(grid))


def test_predictions_of_models_are_correlated_or_agree(frame, classifier, grid):
    found = h2o.model_correlation(grid, frame, cluster_models=False)
    wanted = np.corrcoef([model.predict(frame).as_data_frame()["predict"] for model in grid])
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    axes_of(h2o.model_correlation_heatmap(grid, frame))
    other = trained(frame, "two", epochs=1, seed=9)
    like = h2o.model_correlation([classifier, other], frame, cluster_models=False)
    labels = [model.predict(frame).as_data_frame()["predict"] for model in (classifier, other)]
    assert like.iloc[0, 1] == pytest.approx((labels[0] == labels[1]).mean())
    with pytest.raises(H2OValueError, match="of one kind"):
        h2o.model_correlation([classifier, grid[0]], frame)


def test_models_come_as_a_list_a_grid_names_or_a_frame(frame, regression, grid):
    ids = H2OFrame({"model_id": grid.model_ids}, column_types={"model_id": "string"})
    for models in (grid, list(grid), grid.model_ids, ids):
        drawing = h2o.pd_multi_plot(models, frame, "c")
        assert len(axes_of(drawing).get_legend().get_texts()) == 3
    assert len(axes_of(h2o.pd_multi_plot(grid, frame, "a", best_of_family=True)).get_legend().get_texts()) == 1
    with pytest.raises(H2OValueError, match="column model_id"):
        h2o.explain(frame, frame)
    with pytest.raises(H2OTypeError, match="should be a model"):
        h2o.explain(3, frame)
    with pytest.raises(H2OValueError, match="must be a model to explain"):
        h2o.explain([], frame)
    with pytest.raises(H2OValueError, match="column must be a predictor"):
        h2o.pd_multi_plot(grid, frame, "two")


# ---- reports -----------------------------------------------------------------------------------------------------
def test_a_models_report_has_its_parts_and_a_page_that_is_safe(frame, classifier):
    found = classifier.explain(
        frame, background_frame=frame[:9, :], plot_overrides={"pdp": {"nbins": 3}}, figsize=(6, 4)
    )
    assert list(found) == ["confusion_matrix", "learning_curve", "varimp", "shap_summary", "pdp"]
    assert isinstance(found["confusion_matrix"]["plots"]["<two>"].table, H2OTwoDimTable)
    assert set(found["pdp"]["plots"]) == set(classifier.model.x)
    line = axes_of(found["pdp"]["plots"]["a"]).lines[0]
    assert len(line.get_xdata()) == 3
    page = found.to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<two>" not in page
    assert page.count("data:image/png;base64,") == 7
    assert told(found._repr_html_()) == told(page)
    said = str(found)
    assert said.startswith("Confusion Matrix: Rows are the actual classes")
    assert EVIL in said


def test_a_regressions_report_shows_residuals_and_curves(frame, regression):
    found = h2o.explain(regression, frame, columns=["c"], exclude_explanations="learning_curve", figsize=(6, 4))
    assert list(found) == ["residual_analysis", "varimp", "pdp", "ice"]
    assert list(found["ice"]["plots"]) == ["c"]
    axes_of(found["ice"]["plots"]["c"]["numbers"])


def test_several_models_are_compared(frame, grid):
    found = h2o.explain(grid, frame, top_n_features=1, figsize=(6, 4), exclude_explanations=["ice", "learning_curve"])
    wanted = ["leaderboard", "residual_analysis", "varimp", "varimp_heatmap", "model_correlation_heatmap", "pdp"]
    assert list(found) == wanted
    board = found["leaderboard"]["data"].as_data_frame().set_index("model_id")
    assert board.loc[grid[0].model_id, "mse"] == pytest.approx(grid[0].model_performance(frame).mse())
    assert len(found["pdp"]["plots"]) == 1
    assert "<table" in found.to_html()


def test_three_classes_have_a_drawing_each(frame):
    model = trained(frame, "three")
    found = model.explain(frame, columns=["c"], include_explanations=["pdp"], figsize=(6, 4))
    assert list(found) == ["pdp"]
    assert list(found["pdp"]["plots"]["c"]) == ["k", "l", "m"]
    row = model.explain_row(frame, 3, columns=["c"], figsize=(6, 4))
    assert list(row["ice"]["plots"]["c"]) == ["k", "l", "m"]


def test_one_row_is_explained(frame, classifier, grid):
    found = classifier.explain_row(frame, 2, columns=["a", "c"], background_frame=frame[:9, :], figsize=(6, 4))
    assert list(found) == ["shap_explain_row", "ice"]
    assert list(found["ice"]["plots"]) == ["a", "c"]
    several = h2o.explain_row(grid, frame, 2)
    assert list(several) == ["leaderboard"]
    board = several["leaderboard"]["data"].as_data_frame()
    np.testing.assert_allclose(board["predict"], [one.predict(frame).as_data_frame()["predict"][2] for one in grid])


def test_a_notebook_shows_a_report_once(frame, regression, monkeypatch):
    shown = []
    monkeypatch.setattr(report, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda page: shown.append(page.data))
    found = regression.explain(frame, include_explanations=["varimp"], figsize=(4, 3))
    assert len(shown) == 1
    assert found._repr_html_() == ""  # the value of the same cell
    assert told(found._repr_html_()) == told(shown[0]) == told(found.to_html())
    regression.explain(frame, include_explanations=["varimp"], render=False)
    assert len(shown) == 1


def test_what_cannot_be_explained_is_refused(frame, regression, classifier):
    for ask, said in (
        (lambda: classifier.shap_summary_plot(frame), "shap_summary_plot.. needs a background_frame"),
        (lambda: classifier.pd_plot(frame, "two"), "column must be a predictor of"),
        (lambda: classifier.pd_plot(frame, "a", output_graphing_data=True), "partial_plot.. gives the numbers"),
        (lambda: classifier.pd_plot(frame, "a", colormap="nope"), "colormap must be one of matplotlib's.*'nope'"),
        (lambda: classifier.pd_plot(frame, "a", figsize=(1, 2, 3)), "figsize must be two numbers"),
        (lambda: classifier.pd_plot(frame, "a", binary_response_scale="odds"), "must be one of response, logodds"),
        (lambda: regression.pd_plot(frame, "a", binary_response_scale="logodds"), "needs a model of two classes"),
        (lambda: classifier.pd_plot(frame, "a", target=["_n", "<b>"]), "target must be one class"),
        (lambda: classifier.ice_plot(frame, "a", grouping_column="a"), "grouping_column must be a factor"),
        (lambda: classifier.explain(frame, include_explanations=["nope"]), "Explanations must be some of"),
        (lambda: classifier.explain(frame, include_explanations="pdp", exclude_explanations="ice"), "Give either"),
        (lambda: classifier.explain(frame, columns=["nope"]), "columns must be predictors"),
        (lambda: classifier.explain_row(frame, 60), "row_index must be a row of the frame, 0 to 59"),
        (lambda: classifier.shap_explain_row_plot(frame, 0, plot_type="pie", background_frame=frame), "plot_type"),
    ):
        with pytest.raises(H2OValueError, match=said):
            ask()
    with pytest.raises(H2OTypeError, match="`frame` should be an H2OFrame"):
        classifier.explain(table())
    auto = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1).train(x=["a"], training_frame=frame)
    with pytest.raises(H2OValueError, match="autoencoder"):
        auto.explain(frame)


def test_colours_of_lists_repeat_and_those_of_scales_spread():
    dark = matplotlib.colormaps["Dark2"].colors
    assert colours("Dark2", 9) == [*dark, dark[0]]
    assert colours("plasma", 2)[0] != colours("plasma", 2)[1]
    assert colours("plasma", 1) == [matplotlib.colormaps["plasma"](0.0)]
