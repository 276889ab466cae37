"""Regression scripts in the style of H2O's own tests: distributions, offsets, weights, deviances, weight matrices."""

import h2o
import numpy as np
import pytest
from h2o.estimators.deeplearning import H2ODeepLearningEstimator
from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance, mean_tweedie_deviance


def insurance(locate):
    frame = h2o.import_file(locate("insurance"))
    frame["District"] = frame["District"].asfactor()
    assert frame.types["Group"] == "enum"
    return frame


X = ["District", "Group", "Age"]


@pytest.mark.parametrize(
    ("distribution", "extra"),
    [
        ("gaussian", {}),
        ("poisson", {}),
        ("gamma", {}),
        ("tweedie", {"tweedie_power": 1.5}),
        ("laplace", {}),
        ("quantile", {"quantile_alpha": 0.2}),
        ("huber", {"huber_alpha": 0.9}),
    ],
)
def test_every_distribution_learns_and_reports_its_deviance(locate, distribution, extra):
    frame = insurance(locate)
    frame["Claims"] = frame["Claims"] + 1
    model = H2ODeepLearningEstimator(
        distribution=distribution, hidden=[10], epochs=20, seed=1, score_training_samples=0, **extra
    )
    assert model.train(x=[*X, "Holders"], y="Claims", training_frame=frame) is model
    assert model.type == "regressor"
    assert model.params["distribution"]["actual"] == distribution
    guess = model.predict(frame)
    assert guess.names == ["predict"]
    y, f = frame["Claims"].as_data_frame().to_numpy()[:, 0], guess.as_data_frame().to_numpy()[:, 0]
    expected = {
        "gaussian": lambda: np.mean((y - f) ** 2),
        "poisson": lambda: mean_poisson_deviance(y, f),
        "gamma": lambda: mean_gamma_deviance(y, f),
        "tweedie": lambda: mean_tweedie_deviance(y, f, power=1.5),
        "laplace": lambda: np.mean(abs(y - f)),
        "quantile": lambda: np.mean(np.where(y > f, 0.2 * (y - f), 0.8 * (f - y))),
        "huber": lambda: _huber(y, f, 0.9),
    }[distribution]()
    performance = model.model_performance(frame)
    assert performance.mean_residual_deviance() == pytest.approx(expected, rel=1e-5)
    assert model.mean_residual_deviance(train=True) == pytest.approx(expected, rel=1e-4)
    assert performance.mse() == pytest.approx(np.mean((y - f) ** 2), rel=1e-9)
    assert performance.mae() == pytest.approx(np.mean(abs(y - f)), rel=1e-9)
    if f.min() > -1:
        assert performance.rmsle() == pytest.approx(np.sqrt(np.mean((np.log1p(y) - np.log1p(f)) ** 2)), rel=1e-6)
    else:
        assert np.isnan(performance.rmsle())
    assert model.null_deviance() is None


def _huber(y, f, alpha):
    gap = abs(y - f)
    delta = np.quantile(gap, alpha)
    return np.mean(np.where(gap <= delta, gap**2, (2 * gap - delta) * delta))


def test_poisson_with_the_logarithm_of_the_holders_as_offset(locate):
    frame = insurance(locate)
    offset = frame["Holders"].log()
    assert offset.names == ["log(Holders)"]
    frame = frame.cbind(offset)
    frame.set_name(frame.ncol - 1, "Offset")
    settings = {"distribution": "poisson", "hidden": [5], "epochs": 15, "seed": 1, "reproducible": True}
    model = H2ODeepLearningEstimator(**settings)
    model.train(x=X, y="Claims", training_frame=frame, offset_column="Offset")
    plain = H2ODeepLearningEstimator(**settings)
    plain.train(x=X, y="Claims", training_frame=frame)
    assert model.mean_residual_deviance() < plain.mean_residual_deviance()
    assert model.predict(frame).mean(return_frame=True).getrow()[0] > 0
    assert model.params["offset_column"]["actual"] == {"column_name": "Offset"}
    other = H2ODeepLearningEstimator(offset_column="Holders", **settings)
    with pytest.warns(UserWarning, match="offset_column"):
        other.train(x=X, y="Claims", training_frame=frame, offset_column="Offset")
    assert other.mean_residual_deviance() == pytest.approx(model.mean_residual_deviance(), rel=1e-6)


def test_tweedie_with_offset_given_three_ways_predicts_in_the_mean(locate):
    frame = insurance(locate)
    frame = frame.cbind(frame["Holders"].log().set_names(["Offset"]))
    model = H2ODeepLearningEstimator(
        distribution="tweedie", hidden=[1], epochs=50, train_samples_per_iteration=-1, reproducible=True,
        activation="Tanh", balance_classes=False, force_load_balance=False, seed=2353123, tweedie_power=1.5,
        score_training_samples=0, score_validation_samples=0, offset_column="Offset",
    )  # fmt: skip
    model.train(x=X, y="Claims", training_frame=frame)
    mean = model.predict(frame).mean()
    assert isinstance(mean, list)
    assert mean.getrow()[0] == mean[0]
    assert mean[0] == pytest.approx(frame["Claims"].mean()[0], rel=0.25)
    assert model.mean_residual_deviance() < 10


def test_first_weights_of_an_offset_model_start_at_the_mean(locate):
    """The offset-init script: with log(mean) as offset and no training the gaussian model predicts offsets."""
    frame = insurance(locate)
    frame["offset"] = frame["Holders"].log()
    model = H2ODeepLearningEstimator(hidden=[], epochs=0, seed=1, distribution="gaussian", offset_column="offset")
    model.train(x=["Age"], y="Claims", training_frame=frame)
    assert model.predict(frame).nrow == 64
    with pytest.raises(OSError, match="offset"):
        model.predict(frame[["Age"]])
    frame["Many"] = (frame["Claims"] > 50).asfactor()
    with pytest.raises(EnvironmentError, match="Offset is only supported for regression"):
        H2ODeepLearningEstimator(offset_column="offset").train(x=["Age"], y="Many", training_frame=frame)


def test_offsets_handled_as_frames_cells_and_masks(locate):
    cars = h2o.upload_file(locate("cars"))
    cars = cars[cars["power"].isna() == 0]
    assert cars.nrow == 403
    offset = h2o.H2OFrame([[0.5] for _ in range(cars.nrow)])
    offset.set_name(0, "x1")
    cars = cars.cbind(offset)
    model = H2ODeepLearningEstimator(hidden=[4], epochs=2, seed=1)
    model.train(x=["displacement", "power"], y="economy", training_frame=cars, offset_column="x1")
    before = model.predict(cars).as_data_frame()["predict"]
    cars["x1"] = cars["x1"] + 1
    after = model.predict(cars).as_data_frame()["predict"]
    assert np.allclose(after - before, 1)


@pytest.mark.parametrize("distribution", ["gaussian", "poisson", "tweedie", "gamma", "bernoulli", "multinomial"])
def test_weights_of_two_equal_doubled_metrics(locate, distribution):
    cars = h2o.upload_file(locate("cars"))
    response = {"bernoulli": "economy_20mpg", "multinomial": "cylinders"}.get(distribution, "economy")
    if response != "economy":
        cars[response] = cars[response].asfactor()
    cars["w"] = 2
    model = H2ODeepLearningEstimator(
        distribution=distribution, hidden=[4], epochs=2, seed=1, weights_column="w", score_training_samples=0
    )
    model.train(x=["displacement", "power", "weight"], y=response, training_frame=cars)
    plain = H2ODeepLearningEstimator(distribution=distribution, hidden=[4], epochs=2, seed=1, score_training_samples=0)
    plain.train(x=["displacement", "power", "weight"], y=response, training_frame=cars)
    assert model.model_performance(cars).mse() == pytest.approx(model.mse(), rel=1e-6)
    assert np.isfinite(plain.rmse())
    assert cars["w"].min() == 2


@pytest.mark.filterwarnings("ignore:Setting optimal _epochs", "ignore:Disabling convergence-based early stopping")
def test_mean_residual_deviance_falls_with_a_better_model(locate):
    cars = h2o.import_file(path=locate("cars"))
    parts = cars[0].runif(seed=1)
    train, valid = cars[parts > 0.2], cars[parts <= 0.2]
    predictors, response = ["displacement", "power", "weight", "acceleration", "year"], "economy"
    model = H2ODeepLearningEstimator(nfolds=3, hidden=[10], epochs=20, seed=1)
    model.train(x=predictors, y=response, training_frame=train, validation_frame=valid)
    values = [model.mean_residual_deviance(train=True), model.mean_residual_deviance(valid=True)]
    values.append(model.mean_residual_deviance(xval=True))
    assert all(isinstance(value, float) for value in values)
    many = model.mean_residual_deviance(train=True, valid=True, xval=True)
    assert many == dict(zip(("train", "valid", "xval"), values, strict=True))
    assert model.residual_deviance(xval=True) == values[2]
    with pytest.raises(ValueError, match="auc"):
        model.auc()


def test_weight_and_bias_frames_reproduce_a_prediction(locate):
    """The weights script computes the first layer by hand from frames, with abs() and sqrt() of columns."""
    cars = h2o.import_file(locate("cars"))
    cars["cylinders"] = cars["cylinders"].asfactor()
    names = ["weight", "year"]
    model = H2ODeepLearningEstimator(
        hidden=[6, 3], epochs=2, seed=1, export_weights_and_biases=True, reproducible=True, activation="Tanh"
    )
    model.train(x=names, y="cylinders", training_frame=cars)
    w1, w2, w3 = model.weights(), model.weights(1), model.weights(2)
    b1, b2, b3 = model.biases(0), model.biases(1), model.biases(2)
    assert (w1.nrow, w1.ncol, w2.nrow, w2.ncol, w3.nrow, w3.ncol) == (6, 2, 3, 6, 5, 3)
    assert [b.ncol for b in (b1, b2, b3)] == [1, 1, 1]
    assert w1.names == names
    assert w1.frame_id == f"{model.model_id}.weights.0"
    assert [one["name"] for one in model._model_json["output"]["weights"]] == [w.frame_id for w in (w1, w2, w3)]
    raw = cars[names].as_data_frame().to_numpy(float)
    a = (raw - model.normsub()) * model.normmul()
    for w, b in ((w1, b1), (w2, b2)):
        a = np.tanh(a @ w.as_data_frame().to_numpy().T + b.as_data_frame().to_numpy()[:, 0])
    z = a @ w3.as_data_frame().to_numpy().T + b3.as_data_frame().to_numpy()[:, 0]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.allclose(model.predict(cars)[1:].as_data_frame().to_numpy(), p, atol=1e-5)
    assert model.respmul() is None
    assert model.catoffsets() == [0]
    difference = (w1 - w1 * 1.0).abs()
    assert difference.sum() == 0
    assert isinstance(((w1 * w1).sqrt() - abs(w1)).max(), float)


def test_a_network_starts_from_given_weights(locate):
    cars = h2o.import_file(locate("cars"))
    common = {"hidden": [3], "seed": 1, "export_weights_and_biases": True}
    first = H2ODeepLearningEstimator(epochs=3, **common)
    first.train(x=["weight", "year"], y="economy", training_frame=cars)
    given = {
        "initial_weights": [first.weights(0), first.weights(1)],
        "initial_biases": [first.biases(0), first.biases(1)],
    }
    again = H2ODeepLearningEstimator(epochs=0, **given, **common)
    again.train(x=["weight", "year"], y="economy", training_frame=cars)
    gap = (first.predict(cars) - again.predict(cars)).abs().max()
    assert gap < 1e-4
    with pytest.raises(EnvironmentError):
        H2ODeepLearningEstimator(initial_weights=[first.weights(0)], **common).train(
            x=["weight", "year"], y="economy", training_frame=cars
        )


def test_many_model_kinds_on_one_table(locate):
    """The multi script: numeric, binary and many-class responses, all columns by number."""
    cars = h2o.import_file(locate("cars"))
    for y in (1, "economy_20mpg", "cylinders"):
        data = cars[:, :]
        if y != 1:
            data[y] = data[y].asfactor()
        model = H2ODeepLearningEstimator(hidden=[3], epochs=1, seed=1)
        model.train(x=[3, 4, 5, -2], y=y, training_frame=data)
        assert model.predict(data).nrow == 406
        assert set(model._model_json["output"]["names"]) == {
            "displacement", "power", "weight", "year", y if isinstance(y, str) else "economy"
        }  # fmt: skip
    assert cars.types["cylinders"] == "int"


def test_categorical_encodings_of_all_kinds(locate):
    cars = h2o.import_file(locate("cars"))
    cars["name"] = cars["name"].asfactor()
    cars["year"] = cars["year"].asfactor()
    cars = cars.drop("cylinders")
    for encoding in (
        "auto",
        "one_hot_internal",
        "binary",
        "label_encoder",
        "sort_by_response",
        "enum_limited",
        "Eigen",
    ):
        model = H2ODeepLearningEstimator(hidden=[3], epochs=1, seed=1, categorical_encoding=encoding)
        model.train(x=["name", "year", "weight"], y="economy", training_frame=cars)
        assert np.isfinite(model.mse())
        assert model.predict(cars[0:9, :]).nrow == 9
        shown = model.params["categorical_encoding"]["actual"]
        assert shown.lower().replace("_", "") == encoding.replace("auto", "OneHotInternal").lower().replace("_", "")
    for encoding in ("enum", "one_hot_explicit"):
        with pytest.raises(EnvironmentError, match="ERRR on field: _categorical_encoding"):
            H2ODeepLearningEstimator(categorical_encoding=encoding).train(y="economy", training_frame=cars)
