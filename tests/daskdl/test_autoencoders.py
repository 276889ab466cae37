"""Autoencoders from frame to frame, against the oracle: reconstructions, anomalies, features, metrics, pretraining."""

import numpy as np
import pandas as pd
import pytest
from oracle import Net, Options, expand, forward, predict

import daskdl as h2o
from daskdl.door.keys import dataset_path
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.parameters import Parameters, resolve, survey
from daskdl.shell.cluster import Cluster
from daskdl.training.fit_one import prepare
from frames.exceptions import H2OJobError, H2OResponseError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

NUMBERS = ["AGE", "PSA", "VOL"]
LEVELS = {"DPROS": ["1", "2", "3", "4"], "RACE": ["0", "1", "2"]}  # by falling number of levels, as units are laid out
UNITS = [f"{c}.{level}" for c, names in LEVELS.items() for level in [*names, "missing(NA)"]] + NUMBERS
NETS = {
    "tanh": {"activation": "Tanh", "hidden": [6, 3]},
    "dropout": {"activation": "RectifierWithDropout", "hidden": [7, 4], "hidden_dropout_ratios": [0.2, 0.5]},
    "tanh in batches": {"activation": "Tanh", "hidden": [4], "mini_batch_size": 16},
}


@pytest.fixture(scope="module")
def patients():
    """Prostate patients: numbers with gaps, two categorical columns, one of them with gaps."""
    rng = np.random.default_rng(0)
    table = pd.read_csv(dataset_path("prostate"))[["CAPSULE", "AGE", "RACE", "DPROS", "PSA", "VOL"]]
    table["DPROS"] = table["DPROS"].astype(str)
    table["RACE"] = table["RACE"].astype(str).where(rng.random(len(table)) > 0.1, None)
    table["PSA"] = table["PSA"].where(rng.random(len(table)) > 0.05)
    return table


def frame_of(table):
    frame = H2OFrame(table)
    for name in (*LEVELS, "CAPSULE"):
        if name in frame.names:
            frame[name] = frame[name].asfactor()
    return frame


def autoencoder(table, **given):
    model = H2OAutoEncoderEstimator(**{"epochs": 5, "seed": 3, "reproducible": True, **given})
    model.train(x=[*LEVELS, *NUMBERS], training_frame=frame_of(table))
    return model


def scales(table):
    """What inputs are scaled by: mean and range of present values."""
    return table[NUMBERS].mean().to_numpy(), 1 / (table[NUMBERS].max() - table[NUMBERS].min()).to_numpy()


def inputs(table, training):
    codes = np.column_stack([pd.Index(names).get_indexer(table[c]) for c, names in LEVELS.items()])
    return expand(codes, table[NUMBERS].to_numpy(), [len(names) for names in LEVELS.values()], *scales(training))


def oracle_of(model):
    core = model.model
    depth = len(core.layout.hidden) + 1
    net = Net([core.weights(k) for k in range(depth)], [core.biases(k) for k in range(depth)])
    kind = "tanh" if "Tanh" in core.resolved.actual.activation else "rectifier"
    dropout = core.resolved.hidden_dropout if any(core.resolved.hidden_dropout) else ()
    return net, Options(activation=kind, autoencoder=core.category == "AutoEncoder", hidden_dropout=dropout)


def numbers_of(frame):
    return frame.as_data_frame().to_numpy(float)


@pytest.mark.parametrize("net", NETS)
def test_all_that_an_autoencoder_says_is_what_the_oracle_says(patients, net):
    model = autoencoder(patients, **NETS[net])
    fresh = patients.sample(60, random_state=2).reset_index(drop=True)
    frame, x = frame_of(fresh), inputs(fresh, patients)
    oracle, options = oracle_of(model)
    outputs = predict(oracle, x, options)

    reconstruction = model.predict(frame)
    assert reconstruction.names == [f"reconstr_{unit}" for unit in UNITS]
    raw = outputs.copy()
    subtract, multiply = scales(patients)
    raw[:, -len(NUMBERS) :] = raw[:, -len(NUMBERS) :] / multiply + subtract
    np.testing.assert_allclose(numbers_of(reconstruction), raw, rtol=1e-4, atol=1e-4)

    per_unit = model.anomaly(frame, per_feature=True)
    assert per_unit.names == [f"reconstr_{unit}.SE" for unit in UNITS]
    np.testing.assert_allclose(numbers_of(per_unit), (outputs - x) ** 2, atol=1e-5)
    per_row = model.anomaly(frame)
    assert per_row.names == ["Reconstruction.MSE"]
    errors = ((outputs - x) ** 2).mean(axis=1)
    np.testing.assert_allclose(numbers_of(per_row)[:, 0], errors, atol=1e-5)

    for layer, units in enumerate(NETS[net]["hidden"]):
        features = model.deepfeatures(frame, layer)
        assert features.names == [f"DF.L{layer + 1}.C{k + 1}" for k in range(units)]
        wanted = [forward(oracle, row, options)[0][layer + 1] for row in x]
        np.testing.assert_allclose(numbers_of(features), wanted, atol=1e-5)

    assert model.model_performance(frame).mse() == pytest.approx(errors.mean(), rel=1e-5)
    assert model.model_performance(frame).rmse() == pytest.approx(np.sqrt(errors.mean()), rel=1e-5)


def test_training_metrics_are_those_of_the_training_rows(patients):
    model = autoencoder(patients, **NETS["tanh"])
    assert model.mse() == pytest.approx(model.model_performance(frame_of(patients)).mse(), rel=1e-6)
    assert model.mse() == pytest.approx(numbers_of(model.anomaly(frame_of(patients))).mean(), rel=1e-6)
    history = model.scoring_history()
    assert history["training_mse"].iloc[0] > model.mse()  # the first row is the network before its first sample
    assert history["epochs"].iloc[0] == 0


def test_a_validation_frame_is_measured_and_the_best_is_kept(patients):
    model = H2OAutoEncoderEstimator(**NETS["tanh"], epochs=8, seed=3, reproducible=True)
    train, valid = patients[:300], patients[300:].reset_index(drop=True)
    model.train(x=[*LEVELS, *NUMBERS], training_frame=frame_of(train), validation_frame=frame_of(valid))
    measured = model.model_performance(frame_of(valid)).mse()
    assert model.mse(valid=True) == pytest.approx(measured, rel=1e-6)
    assert measured == pytest.approx(model.scoring_history()["validation_mse"].min(), rel=1e-6)


def test_what_training_never_saw_counts_as_missing(patients):
    model = autoencoder(patients, **NETS["tanh"])
    odd = patients[:20].assign(DPROS="9")
    with pytest.warns(UserWarning, match=r"'DPROS' has levels not trained on: \[9\]"):
        found = numbers_of(model.anomaly(frame_of(odd)))[:, 0]
    oracle, options = oracle_of(model)
    x = inputs(odd, patients)
    assert x[:, UNITS.index("DPROS.missing(NA)")].all()
    np.testing.assert_allclose(found, ((predict(oracle, x, options) - x) ** 2).mean(axis=1), atol=1e-5)
    with pytest.warns(UserWarning, match="missing column 'VOL': substituting in a column of NaN"):
        less = numbers_of(model.anomaly(frame_of(patients[:20].drop(columns="VOL"))))
    blank = patients[:20].assign(VOL=np.nan)
    np.testing.assert_allclose(less, numbers_of(model.anomaly(frame_of(blank))))


def test_odd_heartbeats_stand_out():
    normal, beats = h2o.load_dataset("ecg_train"), h2o.load_dataset("ecg_test")
    model = H2OAutoEncoderEstimator(activation="Tanh", hidden=[50, 20, 50], epochs=100, l1=1e-4, seed=1)
    model.train(training_frame=normal)
    errors = numbers_of(model.anomaly(beats))[:, 0]
    assert sorted(np.argsort(errors)[-3:]) == [20, 21, 22]  # the last three are the odd ones
    assert errors[20:].min() > 2 * errors[:20].max()
    per_unit = numbers_of(model.anomaly(beats, per_feature=True))
    np.testing.assert_allclose(per_unit.mean(axis=1), errors, rtol=1e-6)
    assert model.deepfeatures(beats, 1).dim == [23, 20]


def test_deep_features_are_there_for_supervised_models_too(patients):
    frame = frame_of(patients)
    model = H2ODeepLearningEstimator(hidden=[5], epochs=3, seed=1, activation="TanhWithDropout")
    model.train(x=[*LEVELS, *NUMBERS], y="CAPSULE", training_frame=frame)
    features = model.deepfeatures(frame, 0)
    assert features.dim == [len(patients), 5]
    np.testing.assert_array_equal(numbers_of(features), numbers_of(model.deepfeatures(frame.drop("CAPSULE"), 0)))
    assert np.abs(numbers_of(features)).max() <= 0.5  # tanh, halved for the units that training dropped


def test_what_there_is_not_cannot_be_asked_for(patients):
    model, frame = autoencoder(patients, **NETS["tanh"]), frame_of(patients)
    with pytest.raises(H2OValueError, match=r"hidden layer \(index\) to extract must be between 0 and 1; got 2"):
        model.deepfeatures(frame, 2)
    with pytest.raises(H2OTypeError, match="Cannot extract named hidden layer"):
        model.deepfeatures(frame, "first")
    supervised = H2ODeepLearningEstimator(hidden=[3], epochs=1, seed=1)
    supervised.train(x=NUMBERS, y="CAPSULE", training_frame=frame)
    with pytest.raises(AttributeError, match="anomaly"):
        supervised.anomaly(frame)


# ---- a supervised model that starts from an autoencoder --------------------------------------------------------------


def first_step(frame, pretrained, x=(*LEVELS, *NUMBERS), **given):
    asked = Parameters(**{**NETS["tanh"], "seed": 5, "epochs": 3, "pretrained_autoencoder": pretrained.model, **given})
    return prepare(Cluster.of(frame), resolve(asked, survey(asked, frame, x, "CAPSULE"), "new"), frame, None, "new")


def test_hidden_layers_come_from_the_autoencoder_with_the_scales_they_expect(patients):
    unlabelled = autoencoder(patients, **NETS["tanh"])
    labelled = frame_of(patients[:100])  # other means and ranges than those of all patients
    ready = first_step(labelled, unlabelled)
    assert ready.encoder.numbers == unlabelled.model.encoder.numbers
    assert ready.encoder.response.name == "CAPSULE"
    for layer in (1, 2):
        np.testing.assert_array_equal(
            ready.layout.matrix(ready.state.weights, layer), unlabelled.model.weights(layer - 1)
        )
        np.testing.assert_array_equal(ready.layout.bias(ready.state.weights, layer), unlabelled.model.biases(layer - 1))
    assert ready.layout.matrix(ready.state.weights, 3).shape == (2, 3)
    assert not ready.layout.bias(ready.state.weights, 3).any()
    assert not ready.state.slots.any()


@pytest.mark.parametrize("way", ["estimator", "name", "file"])
def test_a_pretrained_model_trains_and_predicts_as_the_oracle_says(patients, way, tmp_path):
    unlabelled = autoencoder(patients, **NETS["tanh"], model_id="unlabelled")
    given = unlabelled if way == "estimator" else "unlabelled"
    if way == "file":
        path = h2o.save_model(unlabelled, str(tmp_path))
        h2o.remove("unlabelled")
        h2o.load_model(path)
    frame = frame_of(patients[:150])
    model = H2ODeepLearningEstimator(**NETS["tanh"], epochs=10, seed=5, pretrained_autoencoder=given)
    model.train(x=[*LEVELS, *NUMBERS], y="CAPSULE", training_frame=frame)
    assert model.auc() > 0.6
    oracle, _ = oracle_of(model)
    wanted = predict(oracle, inputs(patients[:150], patients), Options(activation="tanh", loss="crossentropy"))
    np.testing.assert_allclose(numbers_of(model.predict(frame)[:, 1:]), wanted, atol=1e-5)
    again = h2o.load_model(h2o.save_model(model, str(tmp_path), filename="supervised"))
    assert again.model.parameters.pretrained_autoencoder == "unlabelled"


def test_an_autoencoder_that_does_not_fit_is_refused(patients):
    unlabelled = autoencoder(patients, **NETS["tanh"])
    frame = frame_of(patients)
    with pytest.raises(H2OJobError, match="Mismatch between weights in pretrained model"):
        first_step(frame, unlabelled, hidden=[6, 4])
    supervised = H2ODeepLearningEstimator(**NETS["tanh"], epochs=1, seed=1)
    supervised.train(x=[*LEVELS, *NUMBERS], y="CAPSULE", training_frame=frame)
    with pytest.raises(H2OResponseError, match="The pretrained model must be unsupervised"):
        first_step(frame, supervised)
    with pytest.raises(H2OResponseError, match="'VOL' is not used here"):
        first_step(frame.drop("VOL"), unlabelled, x=[*LEVELS, "AGE", "PSA"])
    with pytest.raises(H2OResponseError, match="'DPROS' has levels that it does not know: 9"):
        first_step(frame_of(pd.concat([patients, patients[:5].assign(DPROS="9")])), unlabelled)
    frame["AGE"] = frame["AGE"].asfactor()
    with pytest.raises(H2OResponseError, match="'AGE' was int there and is enum here"):
        first_step(frame, unlabelled)
