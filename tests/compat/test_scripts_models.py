"""Scripts about many models: cross-validation, grids, checkpoints, custom metrics, effective parameters, saving."""

import os
from collections import OrderedDict

import h2o
import numpy as np
import pandas as pd
import pytest
from h2o.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from h2o.exceptions import H2OResponseError, H2OTypeError, H2OValueError
from h2o.frame import H2OFrame
from h2o.grid import H2OGridSearch as SameGridSearch
from h2o.grid.grid_search import H2OGridSearch
from h2o.two_dim_table import H2OTwoDimTable

pytestmark = [
    pytest.mark.filterwarnings("ignore:Setting optimal _epochs"),
    pytest.mark.filterwarnings("ignore:Disabling convergence-based early stopping"),
    pytest.mark.filterwarnings("ignore:Dropping bad and constant columns"),
]
X = ["displacement", "power", "weight", "acceleration", "year"]


def test_cross_validation_of_cars(locate):
    cars = h2o.import_file(path=locate("cars"))
    cars["economy_20mpg"] = cars["economy_20mpg"].asfactor()
    small = {"hidden": [4], "epochs": 1}
    basic = H2ODeepLearningEstimator(nfolds=3, fold_assignment="Modulo", **small)
    basic.train(x=X, y="economy_20mpg", training_frame=cars)
    assert basic.is_cross_validated()
    assert isinstance(basic.model_performance(xval=True).auc(), float)
    one = H2ODeepLearningEstimator(nfolds=3, fold_assignment="Random", **small)
    one.train(x=X, y="economy_20mpg", training_frame=cars)
    two = H2ODeepLearningEstimator(nfolds=3, fold_assignment="Random", **small)
    two.train(x=X, y="economy_20mpg", training_frame=cars)
    assert one.mse(xval=True) != two.mse(xval=True)
    assert one._model_json["output"]["cross_validation_predictions"] is None

    folds = h2o.H2OFrame([[k % 4] for k in range(cars.nrow)])
    folds.set_names(["fold_assignments"])
    cars = cars.cbind(folds)
    kept = H2ODeepLearningEstimator(keep_cross_validation_predictions=True, **small)
    kept.train(x=X, y="economy_20mpg", training_frame=cars, fold_column="fold_assignments")
    entries = kept._model_json["output"]["cross_validation_models"]
    assert len(entries) == 4
    assert isinstance(h2o.get_model(entries[0]["name"]), H2ODeepLearningEstimator)
    frames = kept._model_json["output"]["cross_validation_predictions"]
    assert len(frames) == 4
    assert isinstance(h2o.get_frame(frames[0]["name"]), H2OFrame)
    assert [type(one) for one in kept.cross_validation_predictions()] == [H2OFrame] * 4
    assert kept.cross_validation_holdout_predictions().nrow == cars.nrow
    assert kept.cross_validation_fold_assignment() is None
    summary = kept.cross_validation_metrics_summary()
    assert isinstance(summary, H2OTwoDimTable)
    assert list(summary.as_data_frame().columns[:3]) == ["", "mean", "sd"]
    assert len(kept.xvals) == len(kept.get_xval_models()) == len(kept.xval_keys()) == 4


def test_leave_one_out_and_no_folds_at_all(locate):
    cars = h2o.import_file(path=locate("cars"))[0:9, :]
    model = H2ODeepLearningEstimator(nfolds=cars.nrow, fold_assignment="Modulo", hidden=[2], epochs=1)
    model.train(x=X, y="economy", training_frame=cars)
    assert len(model.cross_validation_models()) == 9
    none = H2ODeepLearningEstimator(nfolds=0, hidden=[2], epochs=1)
    none.train(x=X, y="economy", training_frame=cars)
    assert none.cross_validation_models() is None
    assert none.mse(xval=True) is None
    both = H2ODeepLearningEstimator(nfolds=2, hidden=[2], epochs=1)
    both.train(x=X, y="economy", training_frame=cars, validation_frame=cars)
    assert list(both.rmse(train=True, valid=True, xval=True)) == ["train", "valid", "xval"]


def test_impossible_folds_are_environment_errors(locate):
    cars = h2o.import_file(path=locate("cars"))
    cars["f"] = h2o.H2OFrame([[k % 3] for k in range(cars.nrow)])
    for settings, column in (
        ({"nfolds": 1}, None),
        ({"nfolds": -1}, None),
        ({"nfolds": cars.nrow + 1, "fold_assignment": "Modulo"}, None),
        ({"nfolds": 3}, "f"),
        ({"fold_assignment": "Random"}, "f"),
    ):
        with pytest.raises(EnvironmentError, match=r"ERRR on field: _(nfolds|fold_)"):
            H2ODeepLearningEstimator(hidden=[2], **settings).train(
                x=X, y="economy", training_frame=cars, fold_column=column
            )
    with pytest.raises(H2OResponseError, match="nfolds must be either 0 or >1"):
        H2ODeepLearningEstimator(nfolds=1).train(x=X, y="economy", training_frame=cars)


def test_a_grid_over_cars_counts_every_different_setting_once(locate, capsys):
    cars = h2o.import_file(path=locate("cars"))
    parts = cars[0].runif(seed=1)
    train, valid = cars[parts > 0.2], cars[parts <= 0.2]
    space = {"activation": ["Rectifier", "Tanh"], "epochs": [1, 2, 1], "hidden": [[2], [3, 2]], "loss": ["Quadratic"]}
    grid = H2OGridSearch(H2ODeepLearningEstimator, hyper_params=space)
    assert SameGridSearch is H2OGridSearch
    same = grid.train(x=X, y="economy", training_frame=train, validation_frame=valid, seed=1)
    assert same is grid
    assert len(grid) == 8
    for model in grid:
        assert isinstance(model, H2ODeepLearningEstimator)
        assert model.params["loss"]["actual"] == "Quadratic"
    assert {tuple(model.params["hidden"]["actual"]) for model in grid.models} == {(2,), (3, 2)}
    ranked = grid.get_grid("mse")
    values = [model.mse(valid=True) for model in ranked]
    assert values == sorted(values)
    assert isinstance(ranked.sorted_metric_table(), pd.DataFrame)
    assert isinstance(grid.get_hyperparams(0), list)
    assert isinstance(grid.get_hyperparams_dict(grid.model_ids[0]), dict)
    assert set(grid.mse()) == set(grid.model_ids)
    assert isinstance(grid.predict(valid), dict)
    print(grid)
    grid.show()
    assert "Hyper-Parameter Search Summary: ordered by increasing residual_deviance" in capsys.readouterr().out
    with pytest.raises(H2OResponseError, match="Invalid argument for sort_by specified"):
        grid.get_grid(sort_by="nonsense")


def test_an_iris_grid_with_cross_validation_and_random_search():
    train = h2o.load_dataset("iris")
    space = OrderedDict()
    space["hidden"] = [[2, 3], [4]]
    space["l1"] = [0.0, 1e-4]
    grid = H2OGridSearch(H2ODeepLearningEstimator, hyper_params=space, grid_id="iris_grid")
    grid.train(x=list(range(4)), y=4, training_frame=train, nfolds=2, epochs=1)
    assert grid.grid_id == "iris_grid"
    assert grid[0].type == "classifier"
    assert [len(model.parms["hidden"]["actual_value"]) for model in grid].count(2) == 2
    assert h2o.get_grid("iris_grid").model_ids == grid.model_ids
    losses = [model.logloss(xval=True) for model in grid]
    assert losses == sorted(losses)
    first = grid[0].model_id
    h2o.remove(first)
    with pytest.raises(H2OResponseError, match="not found for argument: key"):
        h2o.get_model(first)
    searched = H2OGridSearch(
        H2ODeepLearningEstimator,
        hyper_params={"hidden": [[2], [3], [4]], "l1": [s / 1e6 for s in range(1, 101)]},
        search_criteria={"strategy": "RandomDiscrete", "max_models": 3, "max_runtime_secs": 100, "seed": 123456},
    )
    searched.train(x=train.names[:4], y="class", training_frame=train, epochs=1, distribution="multinomial")
    assert len(searched) == 3
    for model in searched:
        assert f"{model.model_id} mse: {model.mse()}"


def test_grid_failures_are_told_and_do_not_stop_it(capsys):
    train = h2o.load_dataset("iris")
    grid = H2OGridSearch(H2ODeepLearningEstimator, {"rate": [0.01], "hidden": [[2], [-3]], "adaptive_rate": [False]})
    grid.train(y="class", training_frame=train, epochs=1)
    assert len(grid) == 1
    assert len(grid.failed_params) == len(grid.failure_details) == 1
    assert "Hidden layer size must be positive" in grid.failure_details[0]
    grid.show()
    assert "Hidden layer size must be positive" in capsys.readouterr().out
    with pytest.raises(H2OResponseError, match="hyperparameters map"):
        H2OGridSearch(H2ODeepLearningEstimator(hidden=[7]), {"hidden": [[2]]}).train(y="class", training_frame=train)
    with pytest.raises(ValueError):
        H2OGridSearch(H2OAutoEncoderEstimator, {"hidden": [[2]]}).train(y="class", training_frame=train)


def test_training_goes_on_from_a_checkpoint(locate, tmp_path):
    frame = h2o.import_file(locate("cars"))
    common = {"activation": "RectifierWithDropout", "hidden": [8, 8], "input_dropout_ratio": 0.1, "l1": 1e-5, "seed": 1}
    first = H2ODeepLearningEstimator(epochs=5, **common)
    first.train(x=X, y="economy", training_frame=frame)
    path = h2o.save_model(model=first, path=str(tmp_path), force=True)
    assert path == os.path.join(str(tmp_path), first.model_id)
    with pytest.raises(ValueError, match="File already exists"):
        h2o.save_model(first, path=str(tmp_path))
    with pytest.raises(EnvironmentError, match="Total number of epochs must be larger"):
        H2ODeepLearningEstimator(epochs=5, checkpoint=first, **common).train(x=X, y="economy", training_frame=frame)
    for asked in (first, first.model_id, first.key):
        more = H2ODeepLearningEstimator(epochs=7, checkpoint=asked, **common)
        more.train(x=X, y="economy", training_frame=frame)
        assert more.scoring_history()["epochs"].max() == pytest.approx(7, abs=0.01)
        assert more.model_id != first.model_id
    h2o.remove_all()
    with pytest.raises(ValueError, match="File not found"):
        h2o.load_model(str(tmp_path / "nothing"))
    loaded = h2o.load_model(path)
    assert loaded.model_id == first.model_id
    frame = h2o.import_file(locate("cars"))
    resumed = H2ODeepLearningEstimator(epochs=8, checkpoint=loaded.model_id, **common)
    resumed.train(x=X, y="economy", training_frame=frame)
    assert np.isfinite(resumed.predict(frame).mean()[0])
    changed = {**common, "activation": "TanhWithDropout"}
    with pytest.raises(EnvironmentError, match="Cannot change parameter: '_activation'"):
        H2ODeepLearningEstimator(epochs=8, checkpoint=loaded, **changed).train(x=X, y="economy", training_frame=frame)


@pytest.mark.parametrize("where", ["predictor", "response"])
def test_a_checkpoint_refuses_new_categories(locate, where):
    frame = h2o.upload_file(locate("weather"))
    frame["RainTomorrow"] = frame["RainTomorrow"].asfactor()
    y = "RainTomorrow" if where == "predictor" else "ChangeWindDirect"
    x = ["ChangeWindDirect", "Sunshine"] if where == "predictor" else ["Sunshine"]
    few = frame[frame["ChangeWindDirect"] != "n"]
    few["ChangeWindDirect"] = few["ChangeWindDirect"].ascharacter().asfactor()
    assert few["ChangeWindDirect"].nlevels() == [3]
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1)
    model.train(x=x, y=y, training_frame=few)
    with pytest.raises(OSError, match="Categorical factor levels of the training data must be the same"):
        H2ODeepLearningEstimator(hidden=[4], epochs=2, seed=1, checkpoint=model).train(x=x, y=y, training_frame=frame)
    if where == "predictor":
        with pytest.warns(UserWarning, match="levels not trained on"):
            model.predict(frame)


class Mae:
    """The mean absolute error as users of h2o-py write it."""

    def map(self, pred, act, w, o, model):
        return [w * abs(act[0] - pred[0]), w]

    def reduce(self, l, r):
        return [l[0] + r[0], l[1] + r[1]]

    def metric(self, l):
        return l[0] / l[1]


def test_a_custom_metric_is_computed_everywhere(locate):
    cars = h2o.import_file(locate("cars"))
    train, valid = cars.split_frame([0.7], seed=1)
    reference = h2o.upload_custom_metric(Mae, func_name="mae", func_file="mm_mae.py")
    assert isinstance(reference, str)
    model = H2ODeepLearningEstimator(
        model_id="custom", hidden=[4], epochs=1, score_training_samples=0, custom_metric_func=reference
    )
    model.train(x=X, y="economy", training_frame=train, validation_frame=valid)
    for metrics in (model.model_performance(), model.model_performance(valid=True), model.model_performance(valid)):
        assert metrics.custom_metric_name() == "mae"
        assert metrics.custom_metric_value() == pytest.approx(metrics.mae(), rel=1e-6)
        assert metrics._metric_json["custom_metric_value"] == metrics.custom_metric_value()
        assert metrics._metric_json["mae"] == metrics.mae()
    with pytest.raises(H2OResponseError, match=r"Custom metric is not supported for Autoencoder\."):
        H2OAutoEncoderEstimator(custom_metric_func=reference).train(x=X, training_frame=train)


def test_effective_parameters_follow_the_switch():
    frame = h2o.load_dataset("prostate")
    frame = frame.drop("ID")
    frame["CAPSULE"] = frame["CAPSULE"].asfactor()
    switch = '(setproperty "sys.ai.h2o.algos.evaluate_auto_model_parameters" "{}")'
    settings = {"hidden": [3], "epochs": 1, "seed": 1}
    try:
        h2o.rapids(switch.format("true"))
        on = H2ODeepLearningEstimator(**settings)
        on.train(x=list(range(1, 7)), y="CAPSULE", training_frame=frame)
        h2o.rapids(switch.format("false"))
        off = H2ODeepLearningEstimator(nfolds=2, **settings)
        off.train(x=list(range(1, 7)), y="CAPSULE", training_frame=frame)
    finally:
        h2o.rapids(switch.format("true"))
    folded = H2ODeepLearningEstimator(nfolds=2, **settings)
    folded.train(x=list(range(1, 7)), y="CAPSULE", training_frame=frame)
    expected = {"stopping_metric": "logloss", "distribution": "bernoulli", "categorical_encoding": "OneHotInternal"}
    for name, value in expected.items():
        assert on.parms[name]["input_value"] == "AUTO"
        assert on.parms[name]["actual_value"] == value
        assert off.parms[name]["input_value"] == off.parms[name]["actual_value"]
    assert on.parms["fold_assignment"]["actual_value"] is None
    assert folded.parms["fold_assignment"]["actual_value"] == "Random"
    assert folded.parms["stopping_metric"]["actual_value"] is None


def test_settings_are_checked_when_given_and_when_training_starts():
    with pytest.raises(H2OTypeError, match=r"Argument `hidden` should be a \?list\(integer\), got string a"):
        H2ODeepLearningEstimator(hidden="a")
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        H2ODeepLearningEstimator(nonsense=1)
    model = H2ODeepLearningEstimator()
    with pytest.raises(H2OTypeError, match="epochs"):
        model.epochs = "many"
    model.epochs = 1
    model.activation = "tanh_with_dropout"
    assert model.epochs == 1
    frame = h2o.load_dataset("iris")
    with pytest.raises(H2OResponseError, match=r"(?s)Illegal argument\(s\) for DeepLearning model.*ERRR on field: _l1"):
        H2ODeepLearningEstimator(rho=0, l1=-1).train(y="class", training_frame=frame)
    with pytest.raises(H2OValueError, match="Column nope not in the training frame"):
        model.train(x=["nope"], y="class", training_frame=frame)
    with pytest.raises(H2OValueError, match="Column nope does not exist in the training frame"):
        model.train(y="nope", training_frame=frame)
    with pytest.raises(H2OResponseError, match="Missing training frame"):
        model.train(y="class")
    with pytest.raises(ValueError, match="No model available"):
        model.auc()
    assert str(model) == "No model available"
    with pytest.warns(RuntimeWarning, match="rate_decay cannot be specified if adaptive_rate is enabled"):
        H2ODeepLearningEstimator(hidden=[2], epochs=1, rate_decay=0.5).train(y="class", training_frame=frame)
    with pytest.warns(RuntimeWarning, match="Diagnostics are always enabled"):
        H2ODeepLearningEstimator(hidden=[2], epochs=1, diagnostics=False).train(y="class", training_frame=frame)
    with pytest.warns(RuntimeWarning, match="Stopping metric is ignored for _stopping_rounds=0"):
        H2ODeepLearningEstimator(hidden=[2], epochs=1, stopping_rounds=0, stopping_metric="misclassification").train(
            y="class", training_frame=frame
        )


def test_predictors_and_response_may_be_given_as_frames():
    frame = h2o.load_dataset("iris")
    settings = {"hidden": [2], "epochs": 1, "seed": 1, "reproducible": True}
    one = H2ODeepLearningEstimator(**settings).train(x=frame[0:3], y=frame["class"], training_frame=frame)
    two = H2ODeepLearningEstimator(**settings).train(x=frame.names[:3], y="class", training_frame=frame)
    assert one.logloss() == two.logloss()
    assert set(one._model_json["output"]["names"]) == {*frame.names[:3], "class"}


def test_a_folder_for_models_is_tried_before_training(tmp_path):
    frame = h2o.load_dataset("iris")
    (tmp_path / "file").write_text("x")
    with pytest.raises(EnvironmentError, match="ERRR on field: _export_checkpoints_dir"):
        H2ODeepLearningEstimator(export_checkpoints_dir=str(tmp_path / "file")).train(y="class", training_frame=frame)
    model = H2ODeepLearningEstimator(hidden=[2], epochs=1, export_checkpoints_dir=str(tmp_path / "new" / "models"))
    model.train(y="class", training_frame=frame)
    assert h2o.load_model(str(tmp_path / "new" / "models" / model.model_id)).logloss() == model.logloss()


def test_an_unstable_model_says_what_to_do(locate):
    """H2O fails here; the last sound weights are kept instead, and the advice is the same."""
    cars = h2o.import_file(locate("cars"))
    wild = H2ODeepLearningEstimator(
        hidden=[20, 20], epochs=20, adaptive_rate=False, rate=1e6, seed=1, standardize=False
    )
    with pytest.warns(RuntimeWarning, match=r"numerically unstable.*bounded activation"):
        wild.train(x=X, y="economy", training_frame=cars)
