"""Autoencoder scripts in the style of H2O's own tests and of the booklet."""

import h2o
import numpy as np
import pytest
from h2o.estimators import H2OAutoEncoderEstimator
from h2o.estimators.deeplearning import H2ODeepLearningEstimator
from h2o.two_dim_table import H2OTwoDimTable

pytestmark = pytest.mark.filterwarnings("ignore:Dropping bad and constant columns")


def test_anomalies_among_heartbeats():
    train, test = h2o.load_dataset("ecg_train"), h2o.load_dataset("ecg_test")
    model = H2OAutoEncoderEstimator(activation="Tanh", hidden=[50, 50, 50], sparse=True, l1=1e-4, epochs=100, seed=1)
    model.train(x=train.names, training_frame=train)
    error = model.anomaly(test)
    assert error.names == ["Reconstruction.MSE"]
    values = error.as_data_frame()["Reconstruction.MSE"]
    assert sorted(values.nlargest(3).index) == [20, 21, 22]
    rebuilt = model.predict(test)
    assert rebuilt.dim == [23, 210]
    assert rebuilt.names[0] == "reconstr_C1"
    by_feature = model.anomaly(test, per_feature=True)
    assert by_feature.names[0] == "reconstr_C1.SE"
    assert np.allclose(by_feature.as_data_frame().mean(axis=1), values)
    assert model.model_performance(test).mse() == pytest.approx(values.mean(), rel=1e-9)
    assert model.type == "unsupervised"
    print(model)
    with pytest.raises(ValueError, match="auc"):
        model.auc()


def test_digits_the_autoencoder_finds_hard_are_the_odd_ones(locate):
    """The anomaly script: train, look at the best, the median and the worst rows by their error."""
    train = h2o.import_file(locate("digits"))
    predictors = list(range(64))
    train = train[predictors]
    model = H2OAutoEncoderEstimator(activation="Tanh", hidden=[20], l1=1e-5, ignore_const_cols=False, epochs=3, seed=1)
    model.train(x=predictors, training_frame=train)
    error = model.anomaly(train)
    worst = error["Reconstruction.MSE"].quantile([0.99])[0, 1]
    picked = train[error["Reconstruction.MSE"] > worst]
    assert 1 <= picked.nrow <= 30
    assert (model.predict(picked) - picked).abs().max() >= 0
    assert max(model.anomaly(picked).as_data_frame()["Reconstruction.MSE"]) == pytest.approx(error.max())


def test_an_estimator_with_autoencoder_on_needs_no_response():
    frame = h2o.load_dataset("iris")
    model = H2ODeepLearningEstimator(autoencoder=True, hidden=[3], epochs=1, seed=1)
    model.train(x=frame.names[:4], training_frame=frame)
    assert isinstance(h2o.get_model(model.model_id), H2OAutoEncoderEstimator)
    ignored = H2OAutoEncoderEstimator(hidden=[3], epochs=1, seed=1).train(y="class", training_frame=frame)
    assert ignored.anomaly(frame).nrow == 150
    supervised = H2ODeepLearningEstimator(hidden=[3], epochs=1, seed=1).train(y="class", training_frame=frame)
    with pytest.raises(AttributeError):
        supervised.anomaly(frame)


def test_features_learned_without_labels_train_a_classifier(locate):
    """The large autoencoder script: split, learn features on one part, classify with them on the other."""
    train = h2o.import_file(locate("digits"))
    resp = 64
    train[resp] = train[resp].asfactor()
    sid = train[0].runif(0)
    unsupervised = train[sid >= 0.5]
    unsupervised.pop(resp)
    supervised = train[sid < 0.5]
    auto = H2OAutoEncoderEstimator(activation="Tanh", hidden=[20], epochs=5, seed=1, model_id="ae_model")
    auto.train(x=list(range(resp)), training_frame=unsupervised)
    features = auto.deepfeatures(supervised[0:resp], 0)
    assert features.ncol == 20
    assert features.names[0] == "DF.L1.C1"
    assert auto.deepfeatures(supervised, 0).ncol == 20
    label = supervised[resp]
    data = features.cbind(label)
    classifier = H2ODeepLearningEstimator(hidden=[20], epochs=20, seed=1)
    classifier.train(x=list(range(20)), y=20, training_frame=data)
    matrix = classifier.confusion_matrix(data)
    assert isinstance(matrix, H2OTwoDimTable)
    total = matrix.cell_values[10]
    assert len(matrix.cell_values) == 11
    rate = total[-2]
    assert rate < 0.3
    for layer in (1, -1):
        with pytest.raises(ValueError, match=r"hidden layer \(index\) to extract must be between 0 and 0"):
            auto.deepfeatures(supervised, layer)
    fine = H2ODeepLearningEstimator(
        hidden=[20], epochs=5, activation="Tanh", seed=1, pretrained_autoencoder="ae_model", ignore_const_cols=True
    )
    fine.train(x=list(range(resp)), y=resp, training_frame=train)
    assert fine.model_performance(train).logloss() < 1.5
    with pytest.raises(EnvironmentError, match="unsupervised"):
        H2ODeepLearningEstimator(hidden=[20], pretrained_autoencoder=fine).train(
            x=list(range(resp)), y=resp, training_frame=train
        )


def test_eigen_encoding_of_random_factors():
    train = h2o.create_frame(
        rows=200, cols=6, categorical_fraction=0.6, integer_fraction=0.0, binary_fraction=0.0, real_range=100,
        missing_fraction=0.02, factors=10, response_factors=5, has_response=True, seed=12,
    )  # fmt: skip
    assert train.names == ["response", "C1", "C2", "C3", "C4", "C5", "C6"]
    names = list(range(1, train.ncol))
    model = H2ODeepLearningEstimator(
        activation="Tanh", autoencoder=True, categorical_encoding="eigen", hidden=[5, 3, 5], epochs=2, seed=1,
        reproducible=True,
    )  # fmt: skip
    model.train(x=names, training_frame=train)
    first = model.anomaly(train)
    assert first.nrow == 200
    again = model.anomaly(train[0:50, :]).as_data_frame().to_numpy()
    assert np.allclose(again, first[0:50, :].as_data_frame().to_numpy())


def test_impossible_autoencoders_are_refused():
    frame = h2o.load_dataset("iris")
    for settings, sentence in (
        ({"activation": "Maxout"}, "Maxout activation is not supported for auto-encoder"),
        ({"nfolds": 3}, "N-fold cross-validation is not supported for Autoencoder"),
        ({"stopping_metric": "AUC"}, "stopping_metric"),
        ({"loss": "CrossEntropy"}, "ERRR on field: _loss"),
    ):
        with pytest.raises(EnvironmentError, match=sentence):
            H2OAutoEncoderEstimator(**settings).train(training_frame=frame)
