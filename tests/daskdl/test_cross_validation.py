"""Cross-validation: how rows are dealt, what fold models learn from, pooled metrics, what is kept, what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.training.cross_validation import dealt
from daskdl.training.cross_validation import run as cv
from daskdl.training.cross_validation.folds import WEIGHTS, _dealt
from daskdl.training.fit_one import build
from frames.cluster import registry
from frames.exceptions import H2OJobError, H2OResponseError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

ROWS = 90
RNG = np.random.default_rng(11)
NUMBERS = RNG.standard_normal((ROWS, 2)) * [1.0, 5.0]
TABLE = pd.DataFrame(
    {
        "a": NUMBERS[:, 0],
        "b": NUMBERS[:, 1],
        "c": np.array(["x", "y", "z"])[np.arange(ROWS) % 3],
        "size": NUMBERS[:, 0] * 2 + RNG.standard_normal(ROWS) * 0.3 + 7,
        "two": np.where(NUMBERS[:, 0] + RNG.standard_normal(ROWS) * 0.5 > 0, "yes", "no"),
        "three": np.array(["p", "q", "r"])[np.digitize(NUMBERS[:, 0], [-0.5, 0.5])],
        "w": RNG.integers(0, 3, ROWS).astype(float),
        "month": np.array(["jan", "mar", "may"])[RNG.integers(0, 3, ROWS)],
        "number": RNG.integers(1, 4, ROWS) * 2,
    }
)
X = ["a", "b", "c"]


@pytest.fixture
def table():
    frame = H2OFrame(TABLE)
    for name in ("c", "two", "three", "month"):
        frame[name] = frame[name].asfactor()
    return frame


def trained(frame, y="two", **parameters):
    given = {"hidden": [5], "epochs": 4, "seed": 7, "nfolds": 3, "stopping_rounds": 0, **parameters}
    roles = {name: given.pop(name) for name in ("fold_column", "weights_column", "validation_frame") if name in given}
    estimator = H2ODeepLearningEstimator(**given)
    return estimator.train(x=X, y=y, training_frame=frame, **roles)


def kept():
    return registry.keys()


def fold_of_rows(model):
    return model.cross_validation_fold_assignment().as_data_frame()["fold_assignment"].to_numpy().astype(int)


# ---- how rows are dealt ----------------------------------------------------------------------------------------
@given(st.integers(1, 60), st.integers(2, 9), st.integers(0, 2**63), st.data())
@settings(max_examples=40, deadline=None)
def test_dealt_folds_are_even_and_do_not_depend_on_where_the_frame_is_cut(rows, folds, seed, data):
    whole = _dealt(rows, 0, seed, folds)
    counts = np.bincount(whole, minlength=folds)
    assert counts.max() - counts.min() <= 1
    cut = data.draw(st.integers(0, rows))
    assert np.array_equal(whole, np.concatenate([_dealt(cut, 0, seed, folds), _dealt(rows - cut, cut, seed, folds)]))


def test_random_folds_follow_the_seed_and_are_no_pattern(table):
    keep = {"keep_cross_validation_fold_assignment": True}
    first, again, other = (fold_of_rows(trained(table, seed=s, epochs=0.1, **keep)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert (first != other).mean() > 0.4
    assert not np.array_equal(first, np.arange(ROWS) % 3)


def test_modulo_folds_are_row_numbers_modulo_the_folds(table):
    model = trained(table, fold_assignment="Modulo", epochs=0.1, keep_cross_validation_fold_assignment=True)
    assert np.array_equal(fold_of_rows(model), np.arange(ROWS) % 3)
    assert model.cross_validation_fold_assignment().names == ["fold_assignment"]


def test_stratified_folds_spread_every_class_evenly(table):
    model = trained(table, fold_assignment="Stratified", epochs=0.1, keep_cross_validation_fold_assignment=True)
    counts = pd.crosstab(TABLE["two"], fold_of_rows(model)).to_numpy()
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()


@pytest.mark.parametrize("column", ["month", "number"])
def test_a_fold_column_makes_one_fold_per_value_and_is_no_predictor(table, column):
    model = trained(table, nfolds=0, fold_column=column, epochs=0.1, keep_cross_validation_fold_assignment=True)
    assert np.array_equal(fold_of_rows(model), np.unique(TABLE[column], return_inverse=True)[1])
    assert len(model.cross_validation_models()) == 3
    assert model.model.x == X


# ---- what fold models learn from -------------------------------------------------------------------------------
def test_a_fold_model_sees_nothing_of_its_held_out_rows(table):
    model = trained(table, y="size", keep_cross_validation_fold_assignment=True)
    folds = fold_of_rows(model)
    for number, fold in enumerate(model.cross_validation_models()):
        own = TABLE[folds != number]
        for one in fold.model.encoder.numbers:
            assert one.sub == pytest.approx(own[one.column].mean())
            assert 1 / one.mul == pytest.approx(own[one.column].std())
        assert fold.model.encoder.response.sub == pytest.approx(own["size"].mean())


def test_changing_a_held_out_response_changes_nothing_but_its_own_error(table):
    model = trained(table, y="size", fold_assignment="Modulo", keep_cross_validation_predictions=True)
    changed = TABLE.copy()
    changed.loc[0, "size"] = 1000.0
    other = H2OFrame(changed)
    other["c"] = other["c"].asfactor()
    again = trained(other, y="size", fold_assignment="Modulo", keep_cross_validation_predictions=True)
    first, second = (m.cross_validation_predictions()[0].as_data_frame()["predict"] for m in (model, again))
    assert np.array_equal(first, second)


def test_user_weights_count_in_training_and_in_the_metrics(table):
    model = trained(table, y="size", weights_column="w", keep_cross_validation_predictions=True)
    found = model.cross_validation_holdout_predictions().as_data_frame()["predict"]
    expected = mean_squared_error(TABLE["size"], found, sample_weight=TABLE["w"])
    assert model.mse(xval=True) == pytest.approx(expected)
    assert WEIGHTS not in table.names


@pytest.mark.parametrize("weights", [None, "w"])
def test_folds_prepared_one_by_one_are_those_prepared_together(table, monkeypatch, weights):
    together = trained(table, y="size", weights_column=weights)
    monkeypatch.setattr(dealt, "CELLS", 1)
    alone = trained(table, y="size", weights_column=weights)
    pairs = zip(together.cross_validation_models(), alone.cross_validation_models(), strict=True)
    assert all(np.array_equal(one.model.state.weights, other.model.state.weights) for one, other in pairs)
    assert together.mse(xval=True) == alone.mse(xval=True)


def test_balanced_classes_count_the_training_rows_of_the_fold_only(table):
    model = trained(table, balance_classes=True, keep_cross_validation_fold_assignment=True)
    folds = fold_of_rows(model)
    for number, fold in enumerate(model.cross_validation_models()):
        shares = (TABLE["two"][folds != number] == "yes").mean()
        assert fold.model.priors[1] == pytest.approx(shares)
        assert fold.model.class_shares[1][1] == pytest.approx(0.5, abs=0.1)


def test_fold_models_say_what_they_are(table):
    model = trained(table, model_id="grapes", max_runtime_secs=100, quiet_mode=True)
    fold = h2o.get_model("grapes_cv_2")
    assert [one.model_id for one in model.cross_validation_models()] == [f"grapes_cv_{k}" for k in (1, 2, 3)]
    assert model.xval_keys() == [entry["name"] for entry in model._model_json["output"]["cross_validation_models"]]
    assert fold.actual_params["overwrite_with_best_model"] is False
    assert model.actual_params["overwrite_with_best_model"] is False
    assert fold.actual_params["weights_column"] == WEIGHTS
    assert fold.actual_params["nfolds"] == 0
    assert fold.actual_params["max_runtime_secs"] == 50.0  # 3 side by side: one turn, and one for the main model
    assert model.is_cross_validated()
    assert not fold.is_cross_validated()
    assert fold.predict(table).nrow == ROWS


def test_offsets_reach_the_folds(table):
    table["known"] = table["size"] * 0.75
    model = H2ODeepLearningEstimator(hidden=[5], epochs=4, seed=7, nfolds=3, keep_cross_validation_predictions=True)
    with pytest.warns(RuntimeWarning):
        model.train(x=X, y="size", training_frame=table, offset_column="known")
    found = model.cross_validation_holdout_predictions().as_data_frame()["predict"]
    assert model.mse(xval=True) == pytest.approx(mean_squared_error(TABLE["size"], found), rel=1e-6)
    assert model.mse(xval=True) < trained(table, y="size").mse(xval=True)


# ---- metrics and predictions -----------------------------------------------------------------------------------
def test_pooled_metrics_are_those_of_all_held_out_rows_together(table):
    model = trained(table, keep_cross_validation_predictions=True, keep_cross_validation_fold_assignment=True)
    found = model.cross_validation_holdout_predictions().as_data_frame()
    assert list(found.columns) == ["predict", "no", "yes"]
    assert model.auc(xval=True) == pytest.approx(roc_auc_score(TABLE["two"] == "yes", found["yes"]))
    assert model.logloss(xval=True) == pytest.approx(log_loss(TABLE["two"] == "yes", found["yes"]), rel=1e-6)
    summary = model.cross_validation_metrics_summary().as_data_frame().set_index("")
    folds = fold_of_rows(model)
    each = [log_loss(TABLE["two"][folds == k] == "yes", found["yes"][folds == k]) for k in range(3)]
    assert summary.loc["logloss", ["cv_1_valid", "cv_2_valid", "cv_3_valid"]].tolist() == pytest.approx(each)
    assert summary.loc["logloss", "mean"] == pytest.approx(np.mean(each))
    assert summary.loc["logloss", "sd"] == pytest.approx(np.std(each, ddof=1))
    description = model.model.cross_validation_metrics.description
    assert description.startswith("3-fold cross-validation on training data")
    assert "** Reported on cross-validation data. **" in str(model)


def test_each_row_is_predicted_by_the_model_that_never_saw_it(table):
    model = trained(
        table, y="three", keep_cross_validation_predictions=True, keep_cross_validation_fold_assignment=True
    )
    folds = fold_of_rows(model)
    together = model.cross_validation_holdout_predictions().as_data_frame()
    frames = model.cross_validation_predictions()
    assert [frame.frame_id for frame in frames] == [f"prediction_{model.key}_cv_{k}" for k in (1, 2, 3)]
    for number, fold in enumerate(model.cross_validation_models()):
        own = fold.predict(table).as_data_frame()
        alone = frames[number].as_data_frame()
        inside = folds == number
        assert np.allclose(alone.loc[inside, ["p", "q", "r"]], own.loc[inside, ["p", "q", "r"]], atol=1e-7)
        assert (alone.loc[~inside, ["p", "q", "r"]] == 0).all().all()
        assert (alone.loc[~inside, "predict"] == "p").all()
        assert (together.loc[inside, "predict"] == own.loc[inside, "predict"]).all()
    assert (together[["p", "q", "r"]].round(8) == together[["p", "q", "r"]]).all().all()
    assert together[["p", "q", "r"]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-6)


def test_the_number_of_models_side_by_side_changes_no_result(table, monkeypatch):
    values = []
    for at_once in (1, 3):
        monkeypatch.setattr(cv, "models_at_once", lambda cells, folds, threads, n=at_once: n)
        values.append(trained(table, reproducible=True).logloss(xval=True))
    assert values[0] == values[1]


def test_a_validation_frame_serves_the_main_model_only(table):
    model = trained(table, validation_frame=table)
    plain = trained(table)
    assert model.logloss(valid=True) is not None
    assert model.logloss(xval=True) == pytest.approx(plain.logloss(xval=True), rel=0.2)
    assert set(model.logloss(train=True, valid=True, xval=True)) == {"train", "valid", "xval"}


# ---- how long the main model trains ----------------------------------------------------------------------------
def test_folds_that_may_stop_early_decide_the_epochs_of_the_main_model(table):
    with pytest.warns(RuntimeWarning) as said:
        model = trained(
            table, epochs=40, stopping_rounds=1, stopping_tolerance=0.3, score_each_iteration=True,
            train_samples_per_iteration=ROWS, score_duty_cycle=1.0,
        )  # fmt: skip
    texts = [str(one.message) for one in said]
    assert any(text.startswith("Setting optimal _epochs to") for text in texts)
    assert any(text.startswith("Disabling convergence-based early stopping") for text in texts)
    mean = np.mean([fold.model.epochs for fold in model.cross_validation_models()])
    assert mean < 40
    assert model.model.epochs == pytest.approx(mean, abs=1 / ROWS)
    assert model.params["epochs"] == {"default": 10.0, "actual": pytest.approx(mean), "input": 40.0}
    assert model.params["stopping_metric"]["actual"] is None


def test_without_stopping_the_main_model_trains_as_asked(table, recwarn):
    model = trained(table, epochs=3)
    assert model.model.epochs == 3
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]


def test_quiet_mode_says_nothing_of_it(table, recwarn):
    trained(table, stopping_rounds=5, quiet_mode=True)
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]


# ---- what is kept ----------------------------------------------------------------------------------------------
def test_nothing_is_kept_that_was_not_asked_for(table):
    model = trained(table, model_id="bare", keep_cross_validation_models=False)
    assert model.cross_validation_models() is None
    assert model.cross_validation_predictions() is None
    assert model.cross_validation_holdout_predictions() is None
    assert model.cross_validation_fold_assignment() is None
    assert model.auc(xval=True) > 0
    assert model._model_json["output"]["cross_validation_models"] is None
    assert [key for key in kept() if "bare" in key] == ["bare"]


def test_removing_a_model_removes_what_its_cross_validation_left(table):
    trained(table, model_id="gone", keep_cross_validation_predictions=True, keep_cross_validation_fold_assignment=True)
    assert len([key for key in kept() if "gone" in key]) == 9
    h2o.remove("gone")
    assert [key for key in kept() if "gone" in key] == []


def test_progress_covers_all_models_and_never_goes_back(table):
    seen = []
    trained_by_hand = H2ODeepLearningEstimator(hidden=[5], epochs=4, seed=7, nfolds=3)
    from daskdl.training.train import train

    train(trained_by_hand._parameters, table, X, "two", progress=lambda done, row: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


# ---- what is refused -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("nfolds", [1, -1, ROWS + 1])
def test_impossible_numbers_of_folds_are_refused(table, nfolds):
    with pytest.raises(EnvironmentError, match="nfolds"):
        trained(table, nfolds=nfolds)


def test_nfolds_and_a_fold_column_exclude_each_other(table):
    with pytest.raises(EnvironmentError, match="exclude each other"):
        trained(table, nfolds=3, fold_column="number")


def test_autoencoders_are_not_cross_validated(table):
    with pytest.raises(H2OResponseError, match="not supported for Autoencoder"):
        H2OAutoEncoderEstimator(nfolds=3, hidden=[2]).train(x=X, training_frame=table)


def test_a_fold_without_a_row_that_counts_is_refused(table):
    table["w"] = table["number"] > 2  # fold 1 of column `number` weighs nothing
    with pytest.raises(H2OResponseError, match="Not enough data to create 3 random cross-validation splits: fold 1 "):
        trained(table, nfolds=0, fold_column="number", weights_column="w")


def test_a_column_of_the_internal_name_is_refused(table):
    table[WEIGHTS] = table["w"]
    with pytest.raises(H2OResponseError, match="must not be called"):
        trained(table)


def test_an_interrupt_while_folds_train_ends_them_and_leaves_nothing_behind(table, monkeypatch):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(cv, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(table, model_id="half", epochs=10_000)
    assert [key for key in kept() if "half" in key] == []


def test_an_error_in_one_fold_ends_all_and_leaves_nothing_behind(table, monkeypatch):
    def broken(*given, key, **more):
        if key.endswith("_cv_2"):
            raise H2OJobError("out of luck")
        return build(*given, key=key, **more)

    monkeypatch.setattr(cv, "build", broken)
    with pytest.raises(H2OJobError, match="out of luck"):
        trained(table, model_id="half", epochs=10_000)
    assert [key for key in kept() if "half" in key] == []
