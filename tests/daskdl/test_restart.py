"""Training that goes on: exactly as if it had never stopped, from memory or from disk, with old rows or new ones."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.metrics import history_columns
from daskdl.model import checkpoint
from daskdl.model.apply import predict
from daskdl.parameters import Parameters, resolve
from daskdl.training.plans import layout_of
from daskdl.training.restart import restart_of
from daskdl.training.train import train
from frames.exceptions import H2OResponseError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

X = ["a", "b", "colour"]
BASE = {"hidden": [6, 5], "seed": 7, "reproducible": True, "stopping_rounds": 0}


def table(rows=120, seed=1, colours=("red", "green", None), labels=("no", "yes")):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    colour = rng.choice(np.array(colours, object), size=rows)
    score = a - 0.5 * b + 0.8 * (colour == "green")
    cut = np.quantile(score, np.linspace(0, 1, len(labels) + 1)[1:-1])
    label = np.array(labels, object)[np.searchsorted(cut, score)]
    return pd.DataFrame({"a": a, "b": b, "colour": colour, "amount": score, "label": label})


def frame_of(**given):
    frame = H2OFrame(table(**given))
    for name in ("colour", "label"):
        frame[name] = frame[name].asfactor()
    return frame


@pytest.fixture
def frame():
    return frame_of()


def fit(frame, y="label", x=X, validation=None, model_id=None, **given):
    return train(Parameters(**{**BASE, **given}), frame, x, y, validation, model_id)


def errors_of(caught):
    return str(caught.value)


# ---- exactly as if it had never stopped --------------------------------------------------------------------------


CASES = {
    "adadelta": {},
    "momentum with a ramp": {
        "adaptive_rate": False,
        "rate": 0.01,
        "rate_annealing": 1e-3,
        "momentum_start": 0.1,
        "momentum_stable": 0.6,
        "momentum_ramp": 700,
    },
    "dropout and penalties": {"activation": "RectifierWithDropout", "input_dropout_ratio": 0.1, "l1": 1e-4, "l2": 1e-3},
    "maxout": {"activation": "Maxout"},
    # of numbers: other tests compile these kernels, too
    "batches": {"y": "amount", "mini_batch_size": 8},
    "adam": {"y": "amount", "optimizer": "adam", "rate_schedule": "constant"},
    "adam in batches": {
        "y": "amount",
        "optimizer": "adam",
        "rate_schedule": "constant",
        "weight_decay": 0.1,
        "mini_batch_size": "auto",
    },
    "the last weights": {"overwrite_with_best_model": False},
    "the best is an early one": {"adaptive_rate": False, "rate": 0.3, "rate_annealing": 0, "activation": "Tanh"},
    "regression": {"y": "amount"},
    "an autoencoder": {"y": None, "autoencoder": True, "activation": "Tanh"},
    "balanced classes": {"balance_classes": True},
}


@pytest.mark.parametrize("case", CASES)
def test_three_epochs_and_three_more_are_six(frame, case, tmp_path):
    valid = frame_of(rows=60, seed=2)
    given = {"validation": valid, **CASES[case]}
    whole = fit(frame, epochs=6, **given)
    half = fit(frame, epochs=3, model_id="half", **given)
    before = [array.copy() for array in half.state]
    for old in (half, checkpoint.load(checkpoint.save(half, tmp_path / "half"))):
        again = fit(frame, epochs=6, checkpoint=old, **given)
        for mine, theirs in zip(again.state, whole.state, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert (again.samples, again.epochs) == (whole.samples, whole.epochs)
        assert measured(again) == measured(whole)
        assert again.training_metrics.values() == pytest.approx(whole.training_metrics.values(), nan_ok=True)
        assert again.key != half.key
    for array, kept in zip(half.state, before, strict=True):
        np.testing.assert_array_equal(array, kept)
    if case == "the best is an early one":
        assert half.last is not None or again.last is not None


def test_a_restart_stretches_a_schedule_to_the_new_epochs(frame):
    """A step's rate is that of the share of all epochs which is then over: half-way through three, a quarter of six."""
    given = {"y": "amount", "optimizer": "adam", "mini_batch_size": 8, "rate_schedule": "cosine"}
    half = fit(frame, epochs=3, **given)
    assert rates_of(half) == pytest.approx([0, 0, 0], abs=1e-9)
    longer = fit(frame, epochs=6, checkpoint=half, **given)
    assert longer.samples == 6 * frame.nrow
    assert rates_of(longer) == pytest.approx([0, 0, 0], abs=1e-9)
    assert not np.array_equal(longer.state.weights, half.state.weights)  # its rate was not over


def rates_of(model):
    return [row[7] for row in model.status_table().cell_values[1:]]


def measured(model):
    """The history without its times."""
    keys = ["samples", "iterations", "epochs", *(f"training_{one.column}" for one in history_columns(model.category))]
    return [str([row[key] for key in keys]) for row in model.history]


def test_a_chain_of_restarts_is_one_training(frame):
    whole = fit(frame, epochs=4)
    step = fit(frame, epochs=1)
    for epochs in (2, 3, 4):
        step = fit(frame, epochs=epochs, checkpoint=step)
    np.testing.assert_array_equal(step.state.weights, whole.state.weights)
    assert measured(step) == measured(whole)
    assert step.parameters.checkpoint != step.key
    assert isinstance(step.parameters.checkpoint, str)  # a chain does not keep all its models in memory


def test_without_fixed_shares_samples_and_history_go_on_too(frame):
    old = fit(frame, epochs=2, reproducible=False)
    new = fit(frame, epochs=5, reproducible=False, checkpoint=old)
    assert new.samples == 5 * frame.nrow
    assert new.epochs == 5
    assert len(new.history) > len(old.history)
    assert [row.samples for row in new.history.rows][: len(old.history)] == [row.samples for row in old.history.rows]
    assert not np.array_equal(new.state.weights, old.state.weights)


# ---- the best model ----------------------------------------------------------------------------------------------


def test_a_model_that_never_beats_the_old_best_is_the_old_best(frame):
    valid = frame_of(rows=60, seed=2)
    old = fit(frame, epochs=3, validation=valid, adaptive_rate=False, rate=0.01)
    wild = {"adaptive_rate": False, "rate": 0.01, "l1": 0.5}  # so heavy a penalty that only harm can come of it
    new = fit(frame, epochs=6, validation=valid, checkpoint=old, **wild)
    np.testing.assert_array_equal(new.state.weights, old.state.weights)
    assert new.validation_metrics.logloss() == pytest.approx(old.validation_metrics.logloss())
    assert new.samples == 6 * frame.nrow
    assert new.last is not None
    kept = fit(frame, epochs=6, validation=valid, checkpoint=old, overwrite_with_best_model=False, **wild)
    assert kept.validation_metrics.logloss() > old.validation_metrics.logloss()


def test_a_checkpoint_that_kept_its_last_weights_competes_with_those(frame):
    """Its history has a better row whose weights are gone."""
    swing = {"adaptive_rate": False, "rate": 0.3, "rate_annealing": 0, "activation": "Tanh"}
    old = fit(frame, epochs=4, overwrite_with_best_model=False, **swing)
    new = fit(frame, epochs=5, checkpoint=old, **swing)
    losses = [row.training["logloss"] for row in new.history.rows[1:]]
    assert new.training_metrics.logloss() == pytest.approx(min(losses[3:]))


# ---- new rows, new roles -----------------------------------------------------------------------------------------


def test_new_rows_are_read_with_the_old_scales(frame):
    old = fit(frame, epochs=2)
    more = frame_of(rows=300, seed=5)
    new = fit(more, epochs=4, checkpoint=old)
    assert new.encoder == old.encoder
    assert new.samples == 4 * 300
    assert new.epochs == 4


def test_levels_that_do_not_occur_and_an_order_of_their_own_do_no_harm():
    old = fit(frame_of(labels=("low", "mid", "top"), colours=("red", "green", "blue")), epochs=2)
    fewer = frame_of(labels=("top", "low"), colours=("blue", "red"))
    new = fit(fewer, epochs=4, checkpoint=old)
    assert new.domain == ("low", "mid", "top")
    assert new.category == "Multinomial"
    assert new.priors == pytest.approx((0.5, 0.0, 0.5))
    assert predict(new, fewer).names == ["predict", "low", "mid", "top"]


def test_a_column_that_is_constant_in_the_new_rows_stays_an_input(frame):
    old = fit(frame, epochs=2)
    constant = table()
    constant["a"] = 1.5
    constant = H2OFrame(constant)
    for name in ("colour", "label"):
        constant[name] = constant[name].asfactor()
    new = fit(constant, epochs=3, checkpoint=old)
    assert new.x == X
    assert not [said for said in new.warnings if "constant" in said]


def test_a_column_more_or_less_is_said(frame):
    old = fit(frame, epochs=2, x=None, ignored_columns=["amount"])
    frame["extra"] = frame["a"] * 2
    fewer = frame.drop("b")
    new = fit(fewer, epochs=3, x=None, ignored_columns=["amount"], checkpoint=old)
    assert "Column 'extra' is not used: the checkpointed model was trained without it." in new.warnings
    assert "Column 'b' is missing in the training frame: substituting in a column of NaN" in new.warnings


def test_what_the_checkpoint_decides_stays_and_is_said(frame):
    old = fit(frame, epochs=2, balance_classes=True)
    new = fit(frame, epochs=3, checkpoint=old)
    newer = fit(frame, epochs=4, checkpoint=new)
    for model in (new, newer):
        assert model.parameters.balance_classes
        assert any("balance_classes stays True" in said for said in model.warnings)


# ---- new levels --------------------------------------------------------------------------------------------------


NEW = {"colours": ("red", "violet", "green", "amber", None), "seed": 3}


def test_new_levels_are_refused_and_named(frame):
    old = fit(frame, epochs=2)
    with pytest.raises(
        H2OResponseError, match="Categorical factor levels of the training data must be the same"
    ) as caught:
        fit(frame_of(**NEW), epochs=3, checkpoint=old)
    assert "colour [amber, violet]" in errors_of(caught)
    assert "checkpoint_new_levels='extend'" in errors_of(caught)
    assert isinstance(caught.value, OSError)


def test_new_levels_of_the_response_are_refused_whatever_is_asked(frame):
    old = fit(frame, epochs=2)
    with pytest.raises(H2OResponseError, match=r"levels of the training data must be the same .*label \[maybe\]"):
        fit(frame_of(labels=("no", "yes", "maybe")), epochs=3, checkpoint=old, checkpoint_new_levels="extend")


def without_y(given):
    return {name: value for name, value in given.items() if name != "y"}


def as_it_starts(restart):
    """The model that a restart begins with, before its first sample."""
    resolved = resolve(restart.parameters, restart.facts, "new")
    encoder = restart.reading(resolved)
    layout = layout_of(resolved, encoder)
    return dataclasses.replace(restart.model, encoder=encoder, layout=layout, state=restart.states(layout)[0])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"use_all_factor_levels": False},
        {"activation": "Maxout"},
        {"categorical_encoding": "SortByResponse"},
        {"y": None, "autoencoder": True, "activation": "Tanh"},
        {"hidden": []},
    ],
    ids=str,
)
def test_new_levels_start_as_the_missing_one(frame, given):
    old = fit(frame, epochs=2, **given)
    wide = frame_of(**NEW)
    with pytest.warns(UserWarning, match="levels not trained on"):
        before = predict(old, wide).as_data_frame()
    asked = Parameters(
        **{**BASE, "epochs": 4, "checkpoint": old, "checkpoint_new_levels": "extend", **without_y(given)}
    )
    new = as_it_starts(restart_of(asked, wide, X, given.get("y", "label"), None, 1, "new"))
    after = predict(new, wide).as_data_frame()
    shared = [name for name in before.columns if before[name].dtype.kind == "f"]
    np.testing.assert_allclose(after[shared], before[shared], atol=1e-6)
    units = [name for name in new.encoder.unit_names if name not in old.encoder.unit_names]
    assert units == ["colour.amber", "colour.violet"]
    missing = new.encoder.unit_names.index("colour.missing(NA)")
    first = new.weights(0)
    for unit in units:
        np.testing.assert_array_equal(first[:, new.encoder.unit_names.index(unit)], first[:, missing])
    trained = fit(wide, **{**given, "epochs": 4, "checkpoint": old, "checkpoint_new_levels": "extend"})
    learned = trained.weights(0)
    assert not np.array_equal(learned[:, trained.encoder.unit_names.index("colour.amber")], learned[:, missing])


def test_rare_new_levels_join_the_unit_that_rare_levels_share():
    many = tuple("abcdefghijklm")
    old = fit(frame_of(colours=many), epochs=2, categorical_encoding="EnumLimited")
    new = fit(
        frame_of(colours=(*many, "z")), epochs=3, categorical_encoding="EnumLimited", checkpoint=old,
        checkpoint_new_levels="extend",
    )  # fmt: skip
    assert new.layout == old.layout
    assert new.encoder.domains["colour"][-1] == "z"


@pytest.mark.parametrize("given", [{"categorical_encoding": "Binary"}, {"max_categorical_features": 2}])
def test_levels_without_units_of_their_own_cannot_be_extended(frame, given):
    old = fit(frame, epochs=2, **given)
    with pytest.raises(H2OResponseError, match="New levels can only be added to columns with a unit per level"):
        fit(frame_of(**NEW), epochs=3, checkpoint=old, checkpoint_new_levels="extend", **given)


# ---- what is refused ---------------------------------------------------------------------------------------------


REFUSED = {
    "epochs that are done": ({"epochs": 2}, "number of epochs must be larger than the number already trained .2."),
    "other hidden layers": ({"hidden": [6, 6]}, "Hidden layers must be the same"),
    "another response": ({"y": "amount", "x": ["a", "b", "colour"]}, "Response column must be the same"),
    "another activation": ({"activation": "Tanh"}, "Cannot change parameter: '_activation': Rectifier -> Tanh"),
    "a validation frame": ({"validation": "itself"}, "Presence of validation dataset must agree"),
    "cross-validation": ({"nfolds": 3}, "cannot be continued with cross-validation"),
    "fewer predictors": ({"x": ["a", "colour"]}, "Predictors must be the same .*; b is left out"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_the_checkpoint_is_refused(frame, case):
    old = fit(frame, epochs=2)
    given, message = REFUSED[case]
    given = {"epochs": 4, **given}
    if given.get("validation"):
        given["validation"] = frame
    with pytest.raises(H2OResponseError, match=message):
        fit(frame, checkpoint=old, **given)


def test_another_kind_of_column_is_refused(frame):
    old = fit(frame, epochs=2)
    frame["label"] = frame["label"] == "yes"
    frame["a"] = (frame["a"] > 0).asfactor()
    with pytest.raises(H2OResponseError, match="The type of column 'a' must be the same") as caught:
        fit(frame, epochs=4, checkpoint=old)
    assert "'label' must be the same as for the checkpointed model: categorical; got int. Use asfactor()." in errors_of(
        caught
    )


def test_epochs_are_counted_in_passes_over_the_new_rows(frame):
    old = fit(frame, epochs=4)
    with pytest.raises(H2OResponseError, match="8 are trained, counted in passes over the 60 rows"):
        fit(frame_of(rows=60), epochs=6, checkpoint=old)


def test_a_checkpoint_must_be_a_model(frame):
    with pytest.raises(H2OResponseError, match="Checkpoint has to point to existing model"):
        fit(frame, checkpoint="nothing")


def test_an_unstable_model_is_no_checkpoint(frame):
    old = dataclasses.replace(fit(frame, epochs=2), trouble="weights are not numbers")
    with pytest.raises(H2OResponseError, match="numerically unstable"):
        fit(frame, epochs=4, checkpoint=old)


# ---- through the estimators ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["estimator", "name", "file"])
def test_an_estimator_goes_on_from_another(frame, way, tmp_path):
    roles = {"x": X, "y": "label", "training_frame": frame, "validation_frame": frame_of(rows=60, seed=2)}
    whole = H2ODeepLearningEstimator(**BASE, epochs=5)
    whole.train(**roles)
    first = H2ODeepLearningEstimator(**BASE, epochs=2, model_id="first")
    first.train(**roles)
    given = first if way == "estimator" else "first"
    if way == "file":
        path = h2o.save_model(first, str(tmp_path))
        h2o.remove("first")
        given = h2o.load_model(path)
    second = H2ODeepLearningEstimator(**BASE, epochs=5, checkpoint=given)
    second.train(**roles)
    assert second.model_id != "first"
    assert h2o.get_model("first").scoring_history()["epochs"].iloc[-1] == 2
    assert second.scoring_history()["epochs"].iloc[-1] == 5
    assert second.logloss(valid=True) == whole.logloss(valid=True)
    with pytest.raises(H2OResponseError, match="Ignored columns must be the same"):
        second.train(**{**roles, "x": ["a", "b"]})
