"""Every accessor of h2o-py's models and metrics, by kind of model: what type comes back, and the flags' rule."""

import contextlib
import io
import json
import math

import h2o
import pandas as pd
import pytest
from h2o.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from h2o.frame import H2OFrame
from h2o.two_dim_table import H2OTwoDimTable

THRESHOLD = (
    *("F1", "F2", "F0point5", "accuracy", "error", "precision", "recall", "sensitivity", "specificity", "tpr", "tnr"),
    *("fnr", "fpr", "fallout", "missrate", "mcc", "max_per_class_error", "mean_per_class_error"),
)
EVERYWHERE = ("mse", "rmse")
NUMBERS = {
    "binomial": (*EVERYWHERE, "r2", "logloss", "auc", "aucpr", "pr_auc", "gini", "kolmogorov_smirnov"),
    "multinomial": (*EVERYWHERE, "r2", "logloss", "auc", "aucpr", "pr_auc", "mean_per_class_error"),
    "regression": (*EVERYWHERE, "r2", "mae", "rmsle", "mean_residual_deviance", "residual_deviance"),
    "autoencoder": EVERYWHERE,
}
TABLES = {
    "binomial": ("gains_lift", "thresholds_and_metric_scores"),
    "multinomial": ("hit_ratio_table", "confusion_matrix", "multinomial_auc_table", "multinomial_aucpr_table"),
    "regression": (),
    "autoencoder": (),
}
KINDS = tuple(NUMBERS)


@pytest.fixture(scope="module")
def trained(_session):
    """One small model of each kind with everything on, and a frame to use it on: {kind: (model, frame)}."""
    patients = h2o.load_dataset("prostate")
    patients["CAPSULE"] = patients["CAPSULE"].asfactor()
    patients["RACE"] = patients["RACE"].asfactor()
    iris = h2o.load_dataset("iris")
    common = {"hidden": [6], "epochs": 3, "seed": 1, "export_weights_and_biases": True, "stopping_rounds": 0}
    folds = {"nfolds": 2, "keep_cross_validation_predictions": True, "keep_cross_validation_fold_assignment": True}
    x = ["AGE", "RACE", "DPROS", "PSA", "GLEASON"]
    made = {}
    for kind, frame, y in (
        ("binomial", patients, "CAPSULE"),
        ("multinomial", iris, "class"),
        ("regression", patients, "VOL"),
        ("autoencoder", patients, None),
    ):
        train, valid = frame.split_frame([0.8], seed=1)
        if y is None:
            model = H2OAutoEncoderEstimator(**common)
        else:
            model = H2ODeepLearningEstimator(auc_type="weighted_ovr", **folds, **common)
        made[kind] = (
            model.train(x=None if kind == "multinomial" else x, y=y, training_frame=train, validation_frame=valid),
            valid,
        )
    return made


@pytest.fixture(autouse=True)
def _clean_keys():
    """Keep what the module's models need."""


@pytest.mark.parametrize("kind", KINDS)
def test_scalars_are_floats_and_follow_the_flags(trained, kind):
    model, frame = trained[kind]
    performance = model.model_performance(frame)
    for name in NUMBERS[kind]:
        ask = getattr(model, name)
        assert isinstance(ask(), float), name
        assert ask() == pytest.approx(ask(train=True), nan_ok=True), name
        assert isinstance(ask(valid=True), float), name
        both = ask(train=True, valid=True, xval=True)
        assert list(both) == ["train", "valid", "xval"], name
        assert both["train"] == pytest.approx(ask(), nan_ok=True), name
        assert (both["xval"] is None) == (kind == "autoencoder"), name
        assert getattr(performance, name)() == pytest.approx(ask(valid=True), rel=1e-6, nan_ok=True), name
    assert performance.nobs() == frame.nrow
    foreign = {name for names in NUMBERS.values() for name in names} - set(NUMBERS[kind])
    if kind != "regression":
        assert model.residual_deviance() is None
    for name in foreign - {"mean_per_class_error", "residual_deviance"}:
        with pytest.raises((ValueError, KeyError), match="must be asked of a model that has it"):
            getattr(model, name)()


@pytest.mark.parametrize("kind", KINDS)
def test_tables_are_two_dim_tables(trained, kind):
    model, frame = trained[kind]
    for name in TABLES[kind]:
        for found in (getattr(model, name)(), getattr(model, name)(valid=True), getattr(model, name)(xval=True)):
            assert isinstance(found, H2OTwoDimTable), name
            assert isinstance(found.as_data_frame(), pd.DataFrame)
            assert found[found.col_header[-1]] == [row[-1] for row in found.cell_values]
        assert isinstance(getattr(model.model_performance(frame), name)(), H2OTwoDimTable)
    for found in (model.summary(), model.get_summary(), model.scoring_history(as_data_frame=False)):
        assert isinstance(found, H2OTwoDimTable)
    assert isinstance(model.scoring_history(), pd.DataFrame)


@pytest.mark.parametrize("name", THRESHOLD)
def test_two_class_metrics_are_pairs_of_threshold_and_value(trained, name):
    model, frame = trained["binomial"]
    for found in (getattr(model, name)(), getattr(model, name)(valid=True), getattr(model, name)(xval=True)):
        assert isinstance(found, list)
        assert len(found) == 1
        assert [type(one) for one in found[0]] == [float, float]
        assert found.value == found[0][1]
    performance = model.model_performance(frame)
    assert getattr(performance, name)()[0] == pytest.approx(getattr(model, name)(valid=True)[0])
    every = getattr(model, name)(thresholds="all")
    assert len(every) == len(model.thresholds_and_metric_scores().cell_values)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        some = getattr(model, name)(thresholds=[0.3, 0.6])
    assert [len(pair) for pair in some] == [2, 2]
    assert "Could not find exact threshold" in said.getvalue()


def test_two_class_extras(trained):
    model, frame = trained["binomial"]
    matrix = model.confusion_matrix()
    assert isinstance(matrix.table, H2OTwoDimTable)
    counts = matrix.to_list()
    assert sum(map(sum, counts)) == model.model_performance().nobs()
    assert len(model.confusion_matrix(metrics=["f1", "accuracy"])) == 2
    assert model.confusion_matrix(thresholds=0.5) is not None
    assert [len(one) for one in model.roc()] == [len(model.roc()[0])] * 2
    assert isinstance(model.roc(), tuple)
    assert isinstance(model.find_threshold_by_max_metric("f1"), float)
    assert model.F1(thresholds=[model.find_threshold_by_max_metric("f1")])[0] == model.F1()[0]
    assert isinstance(model.find_idx_by_threshold(model.F1()[0][0]), int)
    assert isinstance(model.default_threshold(), float)
    assert model.metric("f1")[0] == model.F1()[0]
    guess = model.predict(frame).as_data_frame()
    assert ((guess["p1"] >= model.default_threshold()).astype(int) == guess["predict"].astype(int)).all()
    assert model.model_performance(frame).plot(type="roc", server=True) is not None
    assert model.model_performance(frame).plot(type="pr", server=True) is not None
    assert model.gains_lift_plot(server=True).figure() is not None


@pytest.mark.parametrize("kind", KINDS)
def test_frames_come_out_of_frames(trained, kind):
    model, frame = trained[kind]
    found = [model.predict(frame), model.deepfeatures(frame, 0)]
    if kind == "autoencoder":
        found += [model.anomaly(frame), model.anomaly(frame, per_feature=True)]
    for one in found:
        assert isinstance(one, H2OFrame)
        assert one.nrow == frame.nrow
    assert isinstance(model.weights(), H2OFrame)
    assert isinstance(model.biases(vector_id=1), H2OFrame)
    for name, kind_of in (("normmul", list), ("normsub", list), ("catoffsets", list)):
        assert isinstance(getattr(model, name)(), kind_of), name
    scaled = list if kind == "regression" else type(None)
    assert isinstance(model.respmul(), scaled)
    assert isinstance(model.respsub(), scaled)
    with pytest.raises(ValueError, match="test_data must be an instance of H2OFrame"):
        model.predict("a table")


@pytest.mark.parametrize("kind", KINDS)
def test_cross_validation_accessors(trained, kind):
    model, _ = trained[kind]
    folded = kind != "autoencoder"
    assert model.is_cross_validated() is folded
    for name, wanted in (
        ("cross_validation_models", list),
        ("cross_validation_predictions", list),
        ("cross_validation_holdout_predictions", H2OFrame),
        ("cross_validation_fold_assignment", H2OFrame),
        ("cross_validation_metrics_summary", H2OTwoDimTable),
        ("xval_keys", list),
        ("get_xval_models", list),
    ):
        assert isinstance(getattr(model, name)(), wanted if folded else type(None)), name
    if folded:
        assert model.cross_validation_models()[0].predict(trained[kind][1]).nrow == trained[kind][1].nrow


@pytest.mark.parametrize("kind", KINDS)
def test_reports_in_text_and_html(trained, kind, capsys):
    model, frame = trained[kind]
    model.show()
    print(model)
    model.show_summary()
    said = capsys.readouterr().out
    title = "H2OAutoEncoderEstimator" if kind == "autoencoder" else "H2ODeepLearningEstimator"
    assert said.startswith(f"Model Details\n=============\n{title} : Deep Learning\nModel Key: {model.model_id}\n")
    order = ["Status of Neuron Layers", "Reported on train data", "Reported on validation data"]
    order += [] if kind == "autoencoder" else ["Reported on cross-validation data", "Cross-Validation Metrics Summary"]
    order += ["Scoring History", "Variable Importances"]
    places = [said.index(one) for one in order]
    assert places == sorted(places)
    assert repr(model) == str(model)
    assert "<table" in model._repr_html_()
    performance = model.model_performance(frame)
    assert "** Reported on test data. **" in str(performance)
    assert "MSE" in performance._repr_html_()


@pytest.mark.parametrize("kind", KINDS)
def test_drawings_and_importances(trained, kind, tmp_path):
    model, _ = trained[kind]
    metric = {"regression": "mae", "autoencoder": "rmse"}.get(kind, "classification_error")
    model.plot(timestep="epochs", metric=metric, server=True, save_plot_path=str(tmp_path / "a.png"))
    model.plot(timestep="duration", server=True)
    model.learning_curve_plot(save_plot_path=str(tmp_path / "b.png"))
    model.varimp_plot(num_of_features=3, server=True, save_plot_path=str(tmp_path / "c.png"))
    assert all((tmp_path / f"{one}.png").stat().st_size > 1000 for one in "abc")
    rows = model.varimp()
    assert [type(one) for one in rows[0]] == [str, float, float, float]
    assert sum(row[3] for row in rows) == pytest.approx(1)
    with pytest.raises(ValueError, match="timestep"):
        model.plot(timestep="seconds")


def test_permutation_importance_finds_the_column_that_matters():
    frame = h2o.create_frame(rows=300, cols=4, integer_fraction=0, categorical_fraction=0, binary_fraction=0,
                             missing_fraction=0, real_range=1, seed=3)  # fmt: skip
    frame["y"] = frame["C2"] * 3 + frame["C1"] * 0.5
    model = H2ODeepLearningEstimator(hidden=[10], epochs=30, seed=1, reproducible=True)
    model.train(y="y", training_frame=frame)
    before = frame.as_data_frame()
    table = model.permutation_importance(frame, seed=1)
    assert isinstance(table, H2OTwoDimTable)
    assert table.col_header == ["Variable", "Relative Importance", "Scaled Importance", "Percentage"]
    assert table["Variable"][:2] == ["C2", "C1"]
    assert table.as_data_frame()["Percentage"].sum() == pytest.approx(1)
    assert frame.as_data_frame().equals(before)
    several = model.permutation_importance(frame, metric="MSE", n_repeats=2, features=["C1", "C2"], use_pandas=True)
    assert list(several.columns) == ["Variable", "Run 1", "Run 2"]
    assert len(model.permutation_importance(frame, n_samples=50, features=["C3"])) == 1
    for wrong in ({"metric": "auc"}, {"features": ["y"]}, {"n_repeats": 0}):
        with pytest.raises(ValueError):
            model.permutation_importance(frame, **wrong)


def test_partial_plots_follow_the_slope_and_the_levels(trained, tmp_path):
    model, frame = trained["binomial"]
    tables = model.partial_plot(
        frame, cols=["AGE", "RACE"], nbins=5, server=True, include_na=True, save_plot_path=str(tmp_path / "p.png")
    )
    assert (tmp_path / "p.png").stat().st_size > 1000
    assert [one.col_header[0] for one in tables] == ["AGE", "RACE"]
    assert tables[0].col_header[1:] == ["mean_response", "stddev_response", "std_error_mean_response"]
    assert len(tables[0]) == 6
    assert tables[1]["RACE"] == ["0", "1", "2", ".missing(NA)"]
    fixed = frame[:, :]
    fixed["RACE"] = "1"
    assert tables[1]["mean_response"][1] == pytest.approx(model.predict(fixed)["p1"].mean()[0], rel=1e-9)
    split = model.partial_plot(frame, cols="PSA", plot=False, user_splits={"PSA": [1.0, 5.0]}, row_index=0)
    assert split[0]["PSA"] == [1.0, 5.0]
    assert split.figure() is None
    many, flowers = trained["multinomial"]
    assert (
        len(many.partial_plot(flowers, cols=["petal_len"], targets=["Iris-setosa", "Iris-virginica"], plot=False)) == 2
    )
    with pytest.raises(ValueError, match="targets"):
        many.partial_plot(flowers, plot=False)
    with pytest.raises(ValueError, match="autoencoder"):
        trained["autoencoder"][0].partial_plot(frame, plot=False)


def test_contributions_stand_in_h2os_columns(trained):
    model, frame = trained["binomial"]
    found = model.predict_contributions(frame, background_frame=frame[:10, :])
    assert isinstance(found, H2OFrame)
    assert found.names == [*model.model.encoder.unit_names, "BiasTerm"]
    assert found.nrow == frame.nrow
    compact = model.predict_contributions(frame, "Compact", None, None, False, frame[:10, :], True, True)
    assert compact.names == ["RACE", "AGE", "DPROS", "PSA", "GLEASON", "BiasTerm", "RowIdx", "BackgroundRowIdx"]
    assert compact.nrow == 10 * frame.nrow


def test_explanations_stand_under_h2os_names(trained):
    model, frame = trained["binomial"]
    found = model.explain(frame, columns=["AGE"], include_explanations=["confusion_matrix", "pdp"], figsize=(5, 3))
    assert list(found) == ["confusion_matrix", "pdp"]
    assert set(found["pdp"]) == {"header", "description", "plots"}
    assert found["pdp"]["plots"]["AGE"].figure() is not None
    both = h2o.explain([model, model], frame, include_explanations="leaderboard")
    assert isinstance(both["leaderboard"]["data"], H2OTwoDimTable)
    assert h2o.explain_row(model, frame, 0, ["AGE"], figsize=(5, 3))["ice"]["plots"]["AGE"].figure() is not None


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_and_the_raw_record(trained, kind, tmp_path):
    model, _ = trained[kind]
    assert model.type == {"regression": "regressor", "autoencoder": "unsupervised"}.get(kind, "classifier")
    assert model.key == model.model_id
    assert model.end_time - model.start_time == model.run_time > 0
    assert set(model.params["epochs"]) == {"default", "actual", "input"}
    assert set(model.parms["epochs"]) >= {"default_value", "actual_value", "input_value", "help", "type", "values"}
    assert model.full_parameters.keys() == model.parms.keys() == model.actual_params.keys()
    assert model.have_mojo is True
    assert model.have_pojo is True
    output = model._model_json["output"]
    for name in ("model_summary", "scoring_history", "variable_importances"):
        assert isinstance(output[name], H2OTwoDimTable)
    assert output["training_metrics"].mse() == model.mse()
    assert output["model_category"].lower() == kind
    history = output["scoring_history"].as_data_frame()
    assert history["epochs"].iloc[-1] == pytest.approx(3, abs=0.02)
    path = model.save_model_details(str(tmp_path))
    with open(path, encoding="utf-8") as file:
        assert json.load(file)["model_id"]["name"] == model.model_id
    assert h2o.load_model(model.download_model(str(tmp_path), filename="copy")).mse() == model.mse()
    assert not hasattr(model, "train_segments")
    with pytest.raises(AttributeError, match="train one estimator per part"):
        model.train_segments


def test_performance_without_the_response_says_so(trained, capsys):
    model, frame = trained["binomial"]
    assert model.model_performance(frame.drop("CAPSULE")) is None
    assert "WARNING" in capsys.readouterr().out
    assert math.isfinite(model.model_performance(frame, auc_type="macro_ovr").auc())
