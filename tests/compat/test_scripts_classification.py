"""Classification scripts in the style of H2O's own tests: iris, prostate, weather, digits."""

import random

import h2o
import numpy as np
import pandas as pd
import pytest
from h2o.estimators.deeplearning import H2ODeepLearningEstimator
from h2o.two_dim_table import H2OTwoDimTable

pytestmark = pytest.mark.filterwarnings("ignore:Dropping bad and constant columns")  # pixels that are always white


def prostate():
    frame = h2o.load_dataset("prostate")
    frame.drop("ID")
    frame["CAPSULE"] = frame["CAPSULE"].asfactor()
    frame["RACE"] = frame["RACE"].asfactor()
    return frame


def test_iris_from_a_list_of_lists_with_numbered_columns():
    rows = h2o.load_dataset("iris").as_data_frame().values.tolist()
    frame = h2o.H2OFrame(rows)
    assert frame.names == ["C1", "C2", "C3", "C4", "C5"]
    frame["C5"] = frame["C5"].asfactor()
    model = H2ODeepLearningEstimator(loss="CrossEntropy", hidden=[10], epochs=3, seed=1)
    same = model.train(x=list(range(4)), y=4, training_frame=frame)
    assert same is model
    model.show()
    hits = model.hit_ratio_table()
    assert isinstance(hits, H2OTwoDimTable)
    assert isinstance(model.hit_ratio_table(train=True).cell_values[0][1], float)
    table = model.confusion_matrix(frame)
    assert isinstance(table, H2OTwoDimTable)
    assert sum(sum(row[:3]) for row in [r[-5:] for r in table.cell_values][:3]) == 150


def test_prostate_with_defaults_and_parameters_read_back():
    train = prostate()
    model = H2ODeepLearningEstimator(epochs=0.5, hidden=[4], model_id="basic")
    model.train(x=[c for c in train.names if c not in ("ID", "CAPSULE")], y="CAPSULE", training_frame=train)
    assert model.model_id == model._id == model.key == "basic"
    assert model.type == "classifier"
    assert model.params["model_id"]["actual"]["name"] == "basic"
    assert model.params["training_frame"]["actual"]["name"] == train.frame_id
    assert model.params["response_column"]["actual"]["column_name"] == "CAPSULE"
    assert model.actual_params["training_frame"] == train.frame_id
    assert model.params["hidden"] == {"default": [200, 200], "actual": [4], "input": [4]}
    assert model.actual_params["activation"] == "Rectifier"
    assert h2o.get_model("basic").auc() == model.auc()


def test_weather_with_validation_weights_and_importances(locate):
    frame = h2o.upload_file(locate("weather"))
    frame["RainTomorrow"] = frame["RainTomorrow"].asfactor()
    x = [name for name in frame.names if name not in ("Date", "RISK_MM", "RainTomorrow")]
    train, valid = frame.split_frame(ratios=[0.8], seed=3)
    model = H2ODeepLearningEstimator(hidden=[10, 10], epochs=20, variable_importances=True, seed=2)
    model.train(x=x, y="RainTomorrow", training_frame=train, validation_frame=valid)
    assert model.auc(valid=True) > 0.8
    both = model.auc(train=True, valid=True)
    assert list(both) == ["train", "valid"]
    found = model.varimp()
    assert isinstance(found, list)
    assert isinstance(found[0], tuple)
    assert len(found[0]) == 4
    assert found[0][2] == 1.0
    assert isinstance(model.varimp(use_pandas=True), pd.DataFrame)
    assert list(model.varimp(use_pandas=True).columns) == [
        "variable",
        "relative_importance",
        "scaled_importance",
        "percentage",
    ]
    rain = h2o.make_metrics(model.predict(valid)["p1"], valid["RainTomorrow"], domain=["0", "1"])
    assert rain.auc() == pytest.approx(model.auc(valid=True), abs=1e-9)


def test_weighted_importances_equal_those_of_repeated_rows(locate):
    """The weights test: the weight column doubles rows; metrics of both frames agree for the same model."""
    frame = h2o.import_file(locate("weather"))
    frame["RainTomorrow"] = frame["RainTomorrow"].asfactor()
    weights = h2o.H2OFrame([[2] for _ in range(frame.nrow)])
    weights.set_names(["weights"])
    weighted = frame.cbind(weights)
    doubled = frame.rbind(frame)
    settings = {"hidden": [5], "epochs": 1, "seed": 1, "reproducible": True, "variable_importances": True}
    x = ["Sunshine", "MaxWindSpeed", "RelHumid9am", "Cloud9am", "ChangeTempDir"]
    one = H2ODeepLearningEstimator(**settings)
    one.train(x=x, y="RainTomorrow", training_frame=weighted, weights_column="weights")
    assert [name for name, *_ in one.varimp()].count("weights") == 0
    plain, twice = one.model_performance(weighted), one.model_performance(doubled.cbind(weights.rbind(weights)))
    assert plain.logloss() == pytest.approx(twice.logloss(), rel=1e-9)
    assert plain.auc() == pytest.approx(twice.auc(), rel=1e-9)
    assert plain.nobs() * 2 == twice.nobs()


def test_digits_with_missing_fractions_of_values(locate):
    """Errors at several shares of missing values, imputed or skipped; rows are split by runif."""
    frame = h2o.upload_file(locate("digits"))
    frame[64] = (frame[64] >= 5).asfactor()
    errors = []
    for handling in ("Skip", "MeanImputation"):
        for fraction in (0.0, 0.02):
            data = h2o.deep_copy(frame, f"copy_{handling}_{int(fraction * 100)}")
            if fraction:
                y = data.pop(64)
                assert data.insert_missing_values(fraction=fraction, seed=7) is data
                data = data.cbind(y)
            parts = data.runif(1234)
            train = data[parts[0] <= 0.7]
            test = data[parts[0] > 0.7]
            model = H2ODeepLearningEstimator(epochs=5, hidden=[20], activation="RectifierWithDropout", l1=1e-5, seed=1)
            model.missing_values_handling = handling
            model.train(x=list(range(64)), y=64, training_frame=train, validation_frame=test)
            performance = model.model_performance(test)
            errors.append(performance.error()[0][1])
    assert all(isinstance(one, float) for one in errors)
    assert max(errors) < 0.45
    assert sum(errors) / len(errors) < 0.3


def test_imbalanced_classes_are_balanced(locate):
    """Balancing raises the small class: fewer of its rows are missed."""
    frame = h2o.import_file(locate("digits"))
    frame["C65"] = (frame["C65"] == 8).asfactor()
    common = {"hidden": [10], "epochs": 5, "seed": 12, "score_training_samples": 0}
    plain = H2ODeepLearningEstimator(balance_classes=False, **common)
    plain.train(x=list(range(64)), y="C65", training_frame=frame)
    balanced = H2ODeepLearningEstimator(balance_classes=True, class_sampling_factors=[1, 5], **common)
    balanced.train(x=list(range(64)), y="C65", training_frame=frame)
    for model in (plain, balanced):
        assert model.confusion_matrix().to_list()[0][0] > 1000
        errors = model.confusion_matrix().table.cell_values
        assert len(errors) == 3
    assert balanced.model_performance(frame).auc() > 0.9
    with pytest.raises(EnvironmentError, match="class_sampling_factors must have 2 elements"):
        H2ODeepLearningEstimator(balance_classes=True, class_sampling_factors=[1.0, 5.0, 2.0], **common).train(
            x=list(range(64)), y="C65", training_frame=frame
        )


def test_no_hidden_layers_make_a_linear_model(locate):
    train = h2o.import_file(locate("digits"))
    train["C65"] = train["C65"].asfactor()
    assert train.shape == (1797, 65)
    model = H2ODeepLearningEstimator(
        hidden=[], epochs=5, loss="CrossEntropy", export_weights_and_biases=True, seed=1, ignore_const_cols=False
    )
    model.train(x=list(range(64)), y=64, training_frame=train)
    assert model.weights(0).shape == (10, 64)
    assert model.biases(0).shape == (10, 1)
    with pytest.raises(ValueError, match=r"Weight matrix does not exist. Model has 1 weight matrices"):
        model.weights(1)
    assert model.confusion_matrix(train).cell_values[0][0] is not None
    assert model.logloss() < 0.5


def test_multinomial_probabilities_and_labels_agree(locate):
    frame = h2o.import_file(locate("digits"))
    frame[64] = frame[64].asfactor()
    train, test, valid = frame.split_frame(ratios=[0.6, 0.2], destination_frames=["a", "b", "c"], seed=42)
    assert h2o.get_frame("b").nrow == test.nrow
    model = H2ODeepLearningEstimator(
        distribution="multinomial",
        activation="RectifierWithDropout",
        hidden=[32],
        input_dropout_ratio=0.2,
        sparse=True,
        l1=1e-5,
        max_w2=10,
        epochs=10,
        seed=2,
    )
    model.train(x=frame.names[0:64], y="C65", training_frame=train, validation_frame=valid)
    guess = model.predict(test)
    assert guess.names == ["predict", *(f"p{k}" for k in range(10))]
    assert guess.types["predict"] == "enum"
    table = guess.as_data_frame()
    assert np.allclose(table.iloc[:, 1:].sum(axis=1), 1)
    assert (table.iloc[:, 1:].to_numpy().argmax(axis=1) == table["predict"].astype(int)).all()
    accuracy = (guess["predict"] == test["C65"]).mean()[0]
    assert accuracy > 0.85
    performance = model.model_performance(test)
    assert 1 - accuracy == pytest.approx(performance.hit_ratio_table().cell_values[0][1] * -1 + 1)
    assert isinstance(model.mean_per_class_error(valid=True), float)
    assert isinstance(model.model_performance(valid=True).confusion_matrix(), H2OTwoDimTable)
    assert np.isnan(model.auc())


def test_new_levels_and_missing_columns_at_prediction_only_warn(locate):
    frame = h2o.import_file(locate("weather"))
    frame["RainTomorrow"] = frame["RainTomorrow"].asfactor()
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1)
    model.train(x=["Sunshine", "ChangeWindDirect"], y="RainTomorrow", training_frame=frame)
    other = h2o.H2OFrame(
        {"Sunshine": [1.0, 2.0], "ChangeWindDirect": ["c", "moon"]}, column_types={"ChangeWindDirect": "enum"}
    )
    with pytest.warns(UserWarning, match="levels not trained on: .moon"):
        assert model.predict(other).nrow == 2
    with pytest.warns(UserWarning, match="missing column 'Sunshine': substituting in a column of NaN"):
        model.predict(h2o.H2OFrame({"ChangeWindDirect": ["c"]}, column_types={"ChangeWindDirect": "enum"}))
    with pytest.raises(OSError, match="no columns in common with the training set"):
        model.predict(h2o.H2OFrame({"z": [1.0, 2.0]}))
    strange = h2o.H2OFrame({"Sunshine": [1.0], "ChangeWindDirect": ["c"]}, column_types={"ChangeWindDirect": "enum"})
    numeric = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1)
    numeric.train(x=["Sunshine"], y="RainTomorrow", training_frame=frame)
    strange["Sunshine"] = strange["ChangeWindDirect"]
    with pytest.raises(OSError, match="has categorical column 'Sunshine' which is real-valued in the training data"):
        numeric.predict(strange)


def test_a_response_of_zeros_and_ones_is_warned_about(locate):
    frame = h2o.import_file(locate("weather"))
    with pytest.warns(RuntimeWarning, match="only 2 unique values"):
        H2ODeepLearningEstimator(hidden=[2], epochs=1).train(x=["Sunshine"], y="RainTomorrow", training_frame=frame)


def test_constant_columns_are_dropped_with_a_warning():
    draw = random.Random(1)
    frame = h2o.H2OFrame([[draw.random(), 3.0, draw.random(), draw.choice("ab")] for _ in range(60)])
    frame["C4"] = frame["C4"].asfactor()
    with pytest.warns(RuntimeWarning, match=r"Dropping bad and constant columns: \[C2\]"):
        model = H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1).train(y="C4", training_frame=frame)
    assert [name for name, *_ in model.varimp()] != []
    assert "C2" not in {name for name, *_ in model.varimp()}


def test_stopping_follows_the_metric_that_was_asked_for(locate):
    frame = h2o.import_file(locate("weather"))
    frame["RainTomorrow"] = frame["RainTomorrow"].asfactor()
    train, valid = frame.split_frame([0.75], seed=1)
    for metric in ("AUC", "misclassification", "logloss", "mean_per_class_error", "lift_top_group"):
        model = H2ODeepLearningEstimator(
            hidden=[8],
            epochs=500,
            stopping_rounds=2,
            stopping_metric=metric,
            stopping_tolerance=0.05,
            score_interval=0,
            score_duty_cycle=1,
            train_samples_per_iteration=274,
            seed=1,
        )
        model.train(x=["Sunshine", "Cloud9am"], y="RainTomorrow", training_frame=train, validation_frame=valid)
        assert model.scoring_history()["epochs"].iloc[-1] < 500, metric
        assert model.actual_params["stopping_metric"].lower() == metric.lower()
    with pytest.raises(EnvironmentError, match="ERRR on field: _stopping_metric"):
        H2ODeepLearningEstimator(stopping_metric="deviance").train(y="RainTomorrow", training_frame=train)


def test_model_demo_of_the_docs(locate):
    """The demo: look at the table, drop columns, train, look at the model, predict, judge."""
    frame = h2o.import_file(path=locate("weather"))
    frame.describe()
    frame = frame.drop(["Date", "RISK_MM"])
    frame["RainTomorrow"] = frame["RainTomorrow"].asfactor()
    assert frame["RainTomorrow"].levels() == [["0", "1"]]
    split = frame.runif(seed=1234)
    train = frame[split < 0.8]
    test = frame[split >= 0.8]
    assert train.nrow + test.nrow == frame.nrow
    model = H2ODeepLearningEstimator(activation="Tanh", hidden=[10, 10, 10], epochs=10, seed=1)
    model.train(x=list(set(frame.names) - {"RainTomorrow"}), y="RainTomorrow", training_frame=train)
    print(model)
    head = model.predict(test).head()
    assert head.nrow == 10
    performance = model.model_performance(test)
    performance.show()
    assert performance.F1()[0][1] > 0.5
    assert isinstance(performance.auc(), float)
    assert isinstance(performance.confusion_matrix().to_list(), list)
