"""The booklet's Python examples, in order, on its own tables (DASKDL_DATA names their folder); fewer epochs."""

import gzip
import os

import h2o
import numpy as np
import pandas as pd
import pytest
from h2o.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from h2o.grid.grid_search import H2OGridSearch

pytestmark = [
    pytest.mark.filterwarnings("ignore:Dropping bad and constant columns"),
    pytest.mark.filterwarnings("ignore:Setting optimal _epochs"),
    pytest.mark.filterwarnings("ignore:Disabling convergence-based early stopping"),
]
ROWS = {"train": 2000, "t10k": 500}


@pytest.fixture(scope="module")
def mnist(data_folder, tmp_path_factory, _session):
    """The first MNIST pictures as gzipped CSV in H2O's layout: 784 pixels, then the digit; no header."""
    folder = tmp_path_factory.mktemp("mnist")
    paths = []
    for part, rows in ROWS.items():
        with gzip.open(data_folder / "mnist" / f"{part}-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(16 + 784 * rows), np.uint8)[16:].reshape(rows, 784)
        with gzip.open(data_folder / "mnist" / f"{part}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(8 + rows), np.uint8)[8:]
        path = folder / f"{'train' if part == 'train' else 'test'}.csv.gz"
        pd.DataFrame(np.column_stack([pixels, labels])).to_csv(path, index=False, header=False)
        paths.append(str(path))
    return paths


@pytest.fixture
def digits(mnist):
    train, test = h2o.import_file(mnist[0]), h2o.import_file(mnist[1])
    train.describe()
    test.describe()
    y = "C785"
    x = train.names[0:784]
    train[y] = train[y].asfactor()
    test[y] = test[y].asfactor()
    return x, y, train, test


TRIAL = {
    "distribution": "multinomial",
    "activation": "RectifierWithDropout",
    "hidden": [32, 32, 32],
    "input_dropout_ratio": 0.2,
    "sparse": True,
    "l1": 1e-5,
}


def test_quantile_regression_on_iris(data_folder):
    train = h2o.import_file(str(data_folder / "smalldata" / "iris" / "iris_wheader.csv"))
    splits = train.split_frame(ratios=[0.75], seed=1234)
    dl = H2ODeepLearningEstimator(distribution="quantile", quantile_alpha=0.8)
    dl.train(x=range(0, 2), y="petal_len", training_frame=splits[0])  # noqa: PIE808 - as the booklet has it
    guess = dl.predict(splits[1])
    print(guess)
    below = (splits[1]["petal_len"] <= guess["predict"]).mean()[0]
    assert 0.5 < below <= 1
    assert dl.params["loss"]["actual"] == "Quantile"


def test_the_trial_run_its_results_and_its_restart(digits, tmp_path, monkeypatch, capsys):
    x, y, train, test = digits
    model = H2ODeepLearningEstimator(epochs=10, **TRIAL)
    model.train(x=x, y=y, training_frame=train, validation_frame=test)
    assert isinstance(model.params, dict)
    assert "Model Details" in repr(model)
    assert model.model_performance(train=True).mse() == model.mse()
    assert model.model_performance(valid=True).mse() == model.mse(valid=True)
    assert model.mse(valid=True) < 0.6  # guessing gives 0.81
    assert model.predict(test).head().nrow == 10

    model_chkp = H2ODeepLearningEstimator(checkpoint=model, epochs=12, **TRIAL)
    model_chkp.train(x=x, y=y, training_frame=train, validation_frame=test)
    assert model_chkp.scoring_history()["epochs"].max() == pytest.approx(12, abs=0.05)
    monkeypatch.chdir(tmp_path)
    model_path = h2o.save_model(model=model, force=True)
    assert os.path.dirname(model_path) == str(tmp_path)
    saved_model = h2o.load_model(model_path)
    assert (saved_model.predict(test)[1:] - model.predict(test)[1:]).abs().max() == 0
    same = h2o.get_model(model_id=model_chkp._id)
    assert same.mse(valid=True) == model_chkp.mse(valid=True)


def test_five_folds_and_their_error(digits):
    x, y, train, _ = digits
    train = train[0:600, :]
    model_cv = H2ODeepLearningEstimator(epochs=1, nfolds=5, **TRIAL)
    model_cv.train(x=x, y=y, training_frame=train)
    assert isinstance(model_cv.mse(xval=True), float)
    assert len(model_cv.cross_validation_models()) == 5


def test_variable_importances_of_pixels(digits):
    x, y, train, test = digits
    model_vi = H2ODeepLearningEstimator(epochs=1, variable_importances=True, **TRIAL)
    model_vi.train(x=x, y=y, training_frame=train, validation_frame=test)
    rows = model_vi.varimp()
    assert rows[0][2] == 1.0
    assert len(rows) > 500


def test_cartesian_and_random_grids(digits):
    x, y, train, test = digits
    train = train[0:1000, :]
    stopping = {"stopping_rounds": 3, "stopping_tolerance": 0.05, "stopping_metric": "misclassification"}
    hyper_parameters = {"hidden": [[32, 32], [32, 16, 8], [100]], "l1": [1e-4, 1e-3]}
    model_grid = H2OGridSearch(H2ODeepLearningEstimator, hyper_params=hyper_parameters)
    model_grid.train(
        x=x, y=y, distribution="multinomial", epochs=1, training_frame=train, validation_frame=test, score_interval=2,
        **stopping,
    )  # fmt: skip
    assert len(model_grid) == 6
    for model in model_grid:
        assert model.model_id + " mse: " + str(model.mse())
    hidden_opt = [[17, 32], [8, 19], [32, 16, 8], [100], [10, 10, 10, 10]]
    l1_opt = [s / 1e6 for s in range(1, 1001)]
    search_criteria = {"strategy": "RandomDiscrete", "max_models": 2, "max_runtime_secs": 100, "seed": 123456}
    model_grid = H2OGridSearch(
        H2ODeepLearningEstimator, hyper_params={"hidden": hidden_opt, "l1": l1_opt}, search_criteria=search_criteria
    )
    model_grid.train(
        x=x, y=y, distribution="multinomial", epochs=1, training_frame=train, validation_frame=test, score_interval=2,
        **stopping,
    )  # fmt: skip
    assert 1 <= len(model_grid) <= 2


def test_the_record_net_in_small(digits):
    x, y, train, test = digits
    model = H2ODeepLearningEstimator(
        activation="RectifierWithDropout", hidden=[64, 64, 128], epochs=1, input_dropout_ratio=0.2, l1=1e-5, max_w2=10,
        train_samples_per_iteration=-1, classification_stop=-1, stopping_rounds=0,
    )  # fmt: skip
    model.train(x=x, y=y, training_frame=train, validation_frame=test)
    assert model.model_performance(valid=True).mean_per_class_error() < 0.6


def test_odd_heartbeats(data_folder):
    folder = data_folder / "smalldata" / "anomaly"
    train_ecg = h2o.import_file(str(folder / "ecg_discord_train.csv"))
    test_ecg = h2o.import_file(str(folder / "ecg_discord_test.csv"))
    anomaly_model = H2OAutoEncoderEstimator(activation="Tanh", hidden=[50, 50, 50], sparse=True, l1=1e-4, epochs=100)
    anomaly_model.train(x=train_ecg.names, training_frame=train_ecg)
    recon_error = anomaly_model.anomaly(test_ecg)
    values = recon_error.as_data_frame()["Reconstruction.MSE"].to_numpy()
    assert set(np.argsort(values)[-3:]) == {20, 21, 22}
    test_recon = anomaly_model.predict(test_ecg)
    assert test_recon.dim == [23, 210]


@pytest.mark.parametrize(
    ("name", "y", "dropped", "least"),
    [("weather.csv", "RainTomorrow", ["Date", "RISK_MM"], 0.75), ("prostate/prostate.csv", "CAPSULE", ["ID"], 0.7)],
)
def test_the_public_tables_are_learned(data_folder, name, y, dropped, least):
    frame = h2o.import_file(str(data_folder / "smalldata" / name))
    frame = frame.drop(dropped)
    frame[y] = frame[y].asfactor()
    train, valid = frame.split_frame([0.75], seed=12)
    model = H2ODeepLearningEstimator(hidden=[20, 20], epochs=20, seed=1, nfolds=3)
    model.train(y=y, training_frame=train, validation_frame=valid)
    assert model.auc(valid=True) > least
    assert model.auc(xval=True) > least
