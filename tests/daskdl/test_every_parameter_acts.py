"""Every declared parameter acts, or says that it does not: one proof each, through the estimator, on a small table.

A proof fails if its parameter were ignored; a new parameter without a proof fails the first test. Where a choice only
shows with several workers, the proof is in the plan that they would be given.
"""

import functools
import warnings

import numpy as np
import pandas as pd
import pytest

from daskdl.door.custom_metric import upload_custom_metric
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.parameters import Parameters, declarations, resolve, survey
from daskdl.shell.cluster import Cluster
from daskdl.training import plans
from daskdl.training.fit_one import prepare
from frames.cluster import registry
from frames.exceptions import H2OJobError, H2OResponseError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame

ROWS = 80
DRAW = np.random.default_rng(4)
A, B = DRAW.normal(size=(2, ROWS)) * [[1.0], [4.0]]
SPARSE = np.where(np.arange(ROWS) % 5, 0.0, DRAW.normal(size=ROWS))
TABLE = pd.DataFrame(
    {
        "a": A,
        "b": np.where(np.arange(ROWS) % 9, B, np.nan),
        "c": np.array(["u", "v", "w", "x"])[np.arange(ROWS) % 4],
        "zeros": SPARSE,
        "const": 1.0,
        "y": np.exp(0.5 * A + DRAW.normal(size=ROWS) * 0.3) + 1,
        "two": np.where(A + DRAW.normal(size=ROWS) * 0.6 > 0.5, "p", "n"),
        "three": np.array(["q", "r", "s"])[np.digitize(A + DRAW.normal(size=ROWS) * 0.3, [-0.5, 0.5])],
        "w": np.arange(ROWS) % 3,
        "o": DRAW.normal(size=ROWS),
        "fold": np.arange(ROWS) // (ROWS // 2),
    }
)
X = ["a", "b", "c", "zeros"]
# Equal parameters give equal bits on two threads, so any difference counts.
BASE = {
    "hidden": [3],
    "epochs": 2,
    "seed": 1,
    "stopping_rounds": 0,
    "train_samples_per_iteration": 0,
    "score_interval": 0,
    "score_duty_cycle": 1,
}
MANUAL = {"adaptive_rate": False, "rate": 0.01, "rate_annealing": 0}
LONG = {"epochs": 8, "train_samples_per_iteration": 40, "score_each_iteration": True}  # 16 iterations

PROOFS = {}


def proof(*names):
    """Register the proof of one parameter, or of several that show together."""

    def register(function):
        for name in names:
            assert name not in PROOFS, name
            PROOFS[name] = function
        return function

    return register


@pytest.fixture(scope="module", autouse=True)
def _session(embedded_throughout):
    yield
    fit.cache_clear()
    frame.cache_clear()


@functools.cache
def frame(rows=ROWS, **columns):
    made = H2OFrame(TABLE.assign(**columns).iloc[:rows])
    for name in ("c", "two", "three"):
        made[name] = made[name].asfactor()
    return made


def estimator(y="y", x=X, training=None, validation=None, **given):
    given = {**BASE, **given}
    roles = {name: given.pop(name) for name in ("max_runtime_secs",) if name in given}
    made = H2ODeepLearningEstimator(**given)
    return made.train(x=x, y=y, training_frame=training or frame(), validation_frame=validation, **roles)


@functools.cache
def fit(y="y", **given):
    """The estimator of a plain request; the same request again costs nothing."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return estimator(y, **given)


def weights(trained):
    return trained.model.state.weights


def moved(y="y", base=None, **given):
    """Assert that parameters change the trained weights, and return the estimators (without, with)."""
    base = base or {}
    plain, other = fit(y, **base), fit(y, **{**base, **given})
    assert weights(plain).shape == weights(other).shape
    assert not np.array_equal(weights(plain), weights(other))
    assert np.isfinite(weights(other)).all()
    return plain, other


def planned(y="y", workers=4, monkeypatch=None, **given):
    """The coordinator's plan on a cluster of several workers."""
    parameters = Parameters(**{**BASE, **given})
    resolved = resolve(parameters, survey(parameters, frame(), X, y, workers=workers))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "GFLOPS", 1e-3)
        threads = dict.fromkeys("abcd"[:workers], 2)
        return plans.training_plan(resolved, fit(y).model.layout, 1, rows=[ROWS], validated=False, workers=threads)


def prepared(y="y", validation=None, **given):
    """A job that is ready to run."""
    parameters = Parameters(**{**BASE, **given})
    resolved = resolve(parameters, survey(parameters, frame(), X, y, validation))
    return prepare(Cluster.of(frame()), resolved, frame(), validation, "model")


def refused(sentence, y="y", **given):
    with pytest.raises(H2OResponseError, match=sentence):
        estimator(y, **given)


def warned(**given):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator(**given)
    return [str(one.message) for one in caught if one.category is RuntimeWarning]


def units(**given):
    return fit(**given).model.encoder.unit_names


def scorings(trained):
    """Rows of the scoring history after the initial one."""
    return len(trained.model.history) - 1


def ended(trained):
    return trained.model.notes["ended"]


# ---- frames and columns ------------------------------------------------------------------------------------------
@proof("model_id")
def _():
    assert estimator(model_id="mine", epochs=0).model_id == "mine"


@proof("training_frame", "validation_frame", "response_column", "ignored_columns")
def _():
    given = {"training_frame": frame(), "validation_frame": frame(rows=40), "response_column": "y", **BASE}
    made = H2ODeepLearningEstimator(ignored_columns=["a", "const", "two", "three", "w", "o", "fold"], **given)
    made.train()
    assert made.model.response == "y"
    assert made.model.x == ["b", "c", "zeros"]
    assert made.model.samples == 2 * ROWS
    assert made.model.validation_metrics.nobs() == 40


@proof("ignore_const_cols")
def _():
    x = (*X, "const")
    with pytest.warns(RuntimeWarning, match=r"constant columns: \[const\]"):
        assert "const" not in units(x=x)
    assert "const" in units(x=x, ignore_const_cols=False)


@proof("offset_column")
def _():
    model = estimator(offset_column="o")
    near, far = (model.predict(frame(o=value)).as_data_frame()["predict"] for value in (0.0, 2.5))
    np.testing.assert_allclose(far - near, 2.5, atol=1e-5)
    refused("Offset is only supported for regression", y="two", offset_column="o")


@proof("weights_column")
def _():
    zero = TABLE["w"] == 0
    model = fit(weights_column="w")
    other = estimator(weights_column="w", training=frame(a=tuple(TABLE["a"].where(~zero, 99.0))))
    assert np.array_equal(weights(model), weights(other))  # rows of weight 0 teach nothing
    assert not np.array_equal(weights(model), weights(fit()))
    assert model.model.training_metrics.nobs() == (~zero).sum()
    residual = (TABLE["y"] - model.predict(frame()).as_data_frame()["predict"]) ** 2
    assert model.mse() == pytest.approx(np.average(residual, weights=TABLE["w"]))


@proof("max_categorical_features")
def _():
    assert units(max_categorical_features=2)[:2] == ["hash.0", "hash.1"]
    assert len(units(max_categorical_features=2)) == 2 + 3
    refused("cannot be used with an autoencoder", y=None, autoencoder=True, max_categorical_features=2)


@proof("categorical_encoding")
def _():
    assert units(categorical_encoding="Binary")[-3:] == ["c:0", "c:1", "c:2"]
    assert units(categorical_encoding="LabelEncoder")[-1] == "c"
    assert units(categorical_encoding="Eigen")[-1] == "c.Eigen"
    assert set(units(categorical_encoding="SortByResponse")) == set(units())
    assert units(categorical_encoding="SortByResponse") != units()
    refused("Cannot use OneHotExplicit", categorical_encoding="OneHotExplicit")


@proof("use_all_factor_levels")
def _():
    assert set(units()) - set(units(use_all_factor_levels=False)) == {"c.u"}


@proof("standardize")
def _():
    scales = [one.mul for one in fit(standardize=False).model.encoder.numbers]
    assert scales == [1.0, 1.0, 1.0]
    assert [one.mul for one in fit().model.encoder.numbers] == pytest.approx(
        [1 / TABLE[name].std() for name in ("a", "b", "zeros")]
    )


@proof("missing_values_handling")
def _():
    base = {"standardize": False}
    plain, skipping = moved(base=base, missing_values_handling="Skip")
    for model, alike in ((skipping, True), (plain, False)):  # rows without b teach nothing when they are skipped
        handling = model.missing_values_handling
        odd = frame(y=tuple(TABLE["y"].where(TABLE["b"].notna(), 3.0)))
        other = estimator(training=odd, missing_values_handling=handling, **base)
        assert np.array_equal(weights(other), weights(model)) == alike


@proof("sparse")
def _():
    assert np.array_equal(weights(fit(sparse=True)), weights(fit()))  # a hint of storage: the same mathematics
    refused("Cannot use elastic averaging for sparse data", sparse=True, elastic_averaging=True)


# ---- classes -----------------------------------------------------------------------------------------------------
@proof("balance_classes", "class_sampling_factors", "max_after_balance_size")
def _():
    counts = np.array([(TABLE["two"] == label).sum() for label in ("n", "p")])
    plain, equal = fit("two").model, fit("two", balance_classes=True).model
    assert plain.class_shares is None
    assert equal.class_shares[1] == pytest.approx((0.5, 0.5), abs=0.08)
    given = fit("two", balance_classes=True, class_sampling_factors=(1.0, 3.0)).model
    assert given.samples == 2 * (counts[0] + 3 * counts[1])
    half = fit("two", balance_classes=True, max_after_balance_size=0.5).model
    assert half.samples == pytest.approx(ROWS, rel=0.25)
    refused("balance_classes requires classification", balance_classes=True)
    refused("require balance_classes=True", y="two", class_sampling_factors=[1.0, 3.0])
    refused("must have 2 elements; got 3", y="two", balance_classes=True, class_sampling_factors=[1.0, 3.0, 1.0])


@proof("max_hit_ratio_k")
def _():
    assert len(fit("three").hit_ratio_table().cell_values) == 3
    assert len(fit("three", max_hit_ratio_k=2).hit_ratio_table().cell_values) == 2
    assert fit("three", max_hit_ratio_k=0).hit_ratio_table() is None


@proof("max_confusion_matrix_size", "col_major", "diagnostics")
def _():
    said = warned(epochs=0, max_confusion_matrix_size=3, col_major=True, diagnostics=False)
    assert [one.split(": ")[0] for one in said] == ["Deprecated option"] * 3
    assert warned(epochs=0) == []


# ---- the network -------------------------------------------------------------------------------------------------
@proof("activation")
def _():
    moved(activation="Tanh")
    assert fit(activation="Maxout").model.weights(0).shape == (6, 8)  # two channels
    refused("Maxout activation is not supported for auto-encoder", y=None, autoencoder=True, activation="Maxout")


@proof("hidden")
def _():
    assert fit(hidden=(4, 2)).model.weights(1).shape == (2, 4)
    assert fit(hidden=()).model.weights(0).shape == (1, 8)


@proof("autoencoder")
def _():
    model = fit(None, autoencoder=True, activation="Tanh").model
    assert (model.category, model.layout.outputs) == ("AutoEncoder", 8)


@proof("initial_weight_distribution", "initial_weight_scale")
def _():
    def drawn(**given):
        return np.abs(fit(hidden=(40,), epochs=0, **given).model.weights(0)[:, [0, 1, 2, 3, 5, 6, 7]])

    uniform = drawn(initial_weight_distribution="Uniform", initial_weight_scale=0.01)
    normal = drawn(initial_weight_distribution="Normal", initial_weight_scale=0.01)
    assert 0.009 < uniform.max() <= 0.01
    assert normal.max() > 0.02
    assert np.sqrt((normal**2).mean()) == pytest.approx(0.01, rel=0.15)
    assert drawn().max() == pytest.approx(np.sqrt(6 / 48), rel=0.05)


@proof("initial_weights", "initial_biases")
def _():
    first, bias = DRAW.normal(size=(3, 8)), np.array([[1.0], [2.0], [3.0]])
    model = estimator(
        epochs=0, initial_weights=[H2OFrame(first.tolist()), None], initial_biases=[H2OFrame(bias.tolist()), None]
    ).model
    np.testing.assert_allclose(model.weights(0), first, rtol=1e-6)
    assert model.biases(0).tolist() == [1.0, 2.0, 3.0]
    assert np.array_equal(model.weights(1), fit(epochs=0).model.weights(1))
    refused("initial_weights must have 2 entries", initial_weights=[H2OFrame(first.tolist())])
    gaps = H2OFrame(first.tolist()).sqrt()
    count = int(np.isnan(np.sqrt(first, where=first >= 0, out=np.full_like(first, np.nan))).sum())
    with pytest.warns(RuntimeWarning, match=f"initial_weights number 0 misses {count} of its 24 numbers: those keep"):
        model = estimator(epochs=0, initial_weights=[gaps, None]).model
    drawn = fit(epochs=0).model.weights(0)
    np.testing.assert_allclose(model.weights(0), np.where(first >= 0, np.sqrt(abs(first)), drawn), rtol=1e-6)
    with pytest.raises(H2OJobError, match="initial_weights must hold numbers only; its column 'C1' is enum"):
        estimator(epochs=0, initial_weights=[H2OFrame([["a"] * 8] * 3).asfactor(), None])


@proof("checkpoint", "checkpoint_new_levels")
def _():
    old = fit()
    new = estimator(checkpoint=old, epochs=3)
    assert (new.model.samples, new.model.history.rows[1].samples) == (3 * ROWS, old.model.history.rows[1].samples)
    more = frame(c=tuple(TABLE["c"].replace("u", "new")))
    refused("checkpoint_new_levels='extend'", checkpoint=old, epochs=3, training=more)
    extended = estimator(checkpoint=old, epochs=3, training=more, checkpoint_new_levels="extend")
    assert "c.new" in extended.model.encoder.unit_names
    refused("Cannot change parameter: '_rho'", checkpoint=old, epochs=3, rho=0.9)


@proof("pretrained_autoencoder")
def _():
    auto = fit(None, autoencoder=True)
    model = estimator(pretrained_autoencoder=auto, epochs=0).model
    assert np.array_equal(model.weights(0), auto.model.weights(0))
    assert model.layout.outputs == 1


# ---- what is learned ---------------------------------------------------------------------------------------------
@proof("distribution", "loss")
def _():
    moved(distribution="poisson")
    assert (fit(distribution="poisson").predict(frame()).as_data_frame()["predict"] > 0).all()
    assert np.array_equal(weights(fit(distribution="laplace")), weights(fit(loss="Absolute")))
    moved(loss="Absolute")
    moved("two", loss="Quadratic")
    refused("Classification allows", y="two", loss="Huber")
    refused("poisson requires a numeric response", y="two", distribution="poisson")


@proof("quantile_alpha")
def _():
    low, high = (
        fit(distribution="quantile", quantile_alpha=q, epochs=30).predict(frame()).as_data_frame()["predict"].mean()
        for q in (0.05, 0.95)
    )
    assert high > low + 0.5
    refused("quantile_alpha", distribution="quantile", quantile_alpha=1.5)


@proof("tweedie_power")
def _():
    moved(base={"distribution": "tweedie"}, tweedie_power=1.1)
    refused("strictly between 1 and 2", tweedie_power=2.0)


@proof("huber_alpha")
def _():
    narrow, wide = (fit(distribution="huber", huber_alpha=q) for q in (0.3, 0.99))
    assert np.array_equal(weights(narrow), weights(wide))  # it moves the reported deviance, not the gradient
    assert narrow.mean_residual_deviance() < wide.mean_residual_deviance()


# ---- the optimizer -----------------------------------------------------------------------------------------------
@proof("adaptive_rate", "rho", "epsilon")
def _():
    moved(rho=0.9)
    moved(epsilon=1e-4)
    _, manual = moved(**MANUAL)
    assert manual.model.status_table().as_data_frame()["mean_rate"].iloc[-1] == 0.01
    refused("rho must be > 0", rho=0)


@proof("rate", "rate_annealing", "rate_decay")
def _():
    for given in ({"rate": 0.02}, {"rate_annealing": 0.01}, {"rate_decay": 0.5}):
        moved(base=MANUAL, **given)
        (name,) = given
        assert warned(epochs=0, **given) == [f"{name} cannot be specified if adaptive_rate is enabled."]


@proof("momentum_start", "momentum_ramp", "momentum_stable", "nesterov_accelerated_gradient")
def _():
    ramp = {**MANUAL, "momentum_start": 0.1, "momentum_stable": 0.9, "momentum_ramp": 100}
    moved(base=MANUAL, momentum_start=0.5)
    moved(base=ramp, momentum_ramp=10)
    moved(base=ramp, momentum_stable=0.5)
    moved(base=ramp, nesterov_accelerated_gradient=False)
    for name, value in (("momentum_start", 0.5), ("momentum_ramp", 10), ("momentum_stable", 0.5)):
        assert warned(epochs=0, **{name: value}) == [f"{name} cannot be specified if adaptive_rate is enabled."]


ADAM = {"optimizer": "adam", "adam_rate": 0.01, "rate_schedule": "constant"}


@proof("optimizer")
def _():
    assert np.array_equal(weights(fit(optimizer="adadelta")), weights(fit()))
    assert np.array_equal(weights(fit(**MANUAL)), weights(fit(**{**MANUAL, "adaptive_rate": True}, optimizer="sgd")))
    _, adam = moved(**ADAM)
    assert adam.actual_params["optimizer"] == "adam"
    assert adam.actual_params["adaptive_rate"] is False
    assert warned(epochs=0, optimizer="adam", rate=0.1) == [
        "rate has no effect: it belongs to optimizer 'sgd', and 'adam' is used."
    ]
    refused("'adadelta' and adaptive_rate=False contradict each other", optimizer="adadelta", adaptive_rate=False)


@proof("adam_rate", "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay")
def _():
    for given in ({"adam_rate": 0.02}, {"adam_beta1": 0.5}, {"adam_beta2": 0.9}, {"adam_epsilon": 0.1}):
        moved(base=ADAM, **given)
        (name,) = given
        said = f"{name} has no effect: it belongs to optimizer 'adam', and 'adadelta' is used."
        assert warned(epochs=0, **given) == [said]
        refused(name, **{**ADAM, name: -1})
    plain, shrunk = moved(base=ADAM, weight_decay=1.0)
    assert np.abs(weights(shrunk)).sum() < np.abs(weights(plain)).sum()
    table = plain.model.status_table().as_data_frame()
    assert (table["mean_rate"].dropna() > 0).all()


@proof("rate_schedule", "rate_warmup")
def _():
    ready = prepared(epochs=3)
    assert ready.job.plan.target == ready.plan.target == 3 * ROWS  # without it the schedule would stand still
    for base, usual in ((ADAM, "warmup_cosine"), (MANUAL, "constant")):
        _, falling = moved(base=base, rate_schedule="cosine")
        left_open, named = (fit(**{**base, "rate_schedule": one}) for one in ("auto", usual))
        assert np.array_equal(weights(left_open), weights(named))
        assert falling.model.status_table().as_data_frame()["mean_rate"].iloc[-1] == pytest.approx(0, abs=1e-5)
        moved(base={**base, "rate_schedule": "warmup_cosine"}, rate_warmup=0.5)
    assert warned(epochs=0, rate_schedule="cosine") == [
        "rate_schedule has no effect: adadelta finds the rate of every weight itself."
    ]
    assert warned(epochs=0, rate_warmup=0.5, **{**ADAM, "rate_schedule": "cosine"}) == [
        "rate_warmup has no effect: it belongs to rate_schedule 'warmup_cosine'."
    ]
    refused("rate_warmup must be in", **{**ADAM, "rate_schedule": "warmup_cosine", "rate_warmup": 1.5})


# ---- regularization ----------------------------------------------------------------------------------------------
@proof("input_dropout_ratio")
def _():
    _, dropped = moved(input_dropout_ratio=0.4)
    first, again = (dropped.predict(frame()).as_data_frame() for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


@proof("hidden_dropout_ratios")
def _():
    base = {"activation": "RectifierWithDropout"}
    _, dropped = moved(base=base, hidden_dropout_ratios=(0.1,))
    assert fit(**base).model.resolved.actual.hidden_dropout_ratios == (0.5,)
    assert dropped.mse() == pytest.approx(dropped.model_performance(frame()).mse())
    refused("need an activation WithDropout", hidden_dropout_ratios=[0.1])
    refused("Must have 1 hidden layer dropout ratios", hidden_dropout_ratios=[0.1, 0.2], **base)


@proof("l1", "l2", "max_w2")
def _():
    for given in ({"l1": 0.3}, {"l2": 0.3}):
        plain, shrunk = moved(**given)
        assert np.abs(weights(shrunk)).sum() < np.abs(weights(plain)).sum()
    _, capped = moved(max_w2=0.2)
    assert (capped.model.weights(0) ** 2).sum(axis=1).max() <= 0.2 * (1 + 1e-5)
    refused("Cannot use max_w2 <= 0", max_w2=0)


@proof("average_activation", "sparsity_beta")
def _():
    auto = {"autoencoder": True, "activation": "Tanh"}
    moved(None, base=auto, sparsity_beta=0.5)
    moved(None, base={**auto, "sparsity_beta": 0.5}, average_activation=0.6)
    refused("sparsity_beta requires autoencoder=True", sparsity_beta=0.5)
    refused("must be in", y=None, sparsity_beta=0.5, average_activation=1.5, **auto)


# ---- how long, in which steps ------------------------------------------------------------------------------------
@proof("epochs", "train_samples_per_iteration")
def _():
    assert fit(epochs=0.5).model.samples == ROWS // 2
    assert fit(epochs=3).model.samples == 3 * ROWS
    rounds = fit(epochs=3, train_samples_per_iteration=60, score_each_iteration=True).model.history.rows
    assert [row.samples for row in rounds] == [0, 60, 120, 180, 240]
    assert planned(train_samples_per_iteration=-1).per_round == 4 * ROWS
    assert planned(train_samples_per_iteration=0).per_round == ROWS


@proof("target_ratio_comm_to_comp")
def _():
    less, more = (
        planned(train_samples_per_iteration=-2, epochs=1e9, target_ratio_comm_to_comp=share) for share in (0.01, 0.5)
    )
    assert less.per_round > more.per_round
    assert (less.resize, more.resize) == (0.01, 0.5)


@proof("replicate_training_data", "single_node_mode")
def _():
    everything = {"train_samples_per_iteration": -1}
    assert planned(replicate_training_data=False, **everything).per_round == ROWS
    assert planned(single_node_mode=True, **everything).per_round == ROWS
    assert planned(single_node_mode=True, train_samples_per_iteration=-2).resize is None
    assert planned(train_samples_per_iteration=-2).resize == 0.05
    assert fit().model.resolved.actual.replicate_training_data is False  # one worker


@proof("widen_after")
def _():
    assert planned(train_samples_per_iteration=-2).widen_after == 200_000
    assert planned(train_samples_per_iteration=-2, widen_after=500).widen_after == 500
    assert planned(train_samples_per_iteration=-2, widen_after=0).widen_after is None
    for other in ({"train_samples_per_iteration": ROWS}, {"single_node_mode": True}, {"elastic_averaging": True}):
        assert planned(**other).widen_after is None
    assert planned(reproducible=True).widen_after is None
    refused("widen_after", widen_after=-1)


@proof("mini_batch_size")
def _():
    moved(mini_batch_size=8)
    assert np.array_equal(weights(fit(mini_batch_size="auto")), weights(fit()))  # ADADELTA keeps H2O's steps
    _, chosen = moved(base=ADAM, mini_batch_size="auto")
    assert chosen.actual_params["mini_batch_size"] == 4
    assert chosen.mini_batch_size == "auto"
    refused("mini_batch_size", mini_batch_size=0)
    with pytest.raises(H2OTypeError, match=r"should be a \?integer or auto, got string some"):
        estimator(mini_batch_size="some")


@proof("seed")
def _():
    moved(seed=2)
    assert np.array_equal(weights(estimator()), weights(estimator()))
    assert estimator(epochs=0, seed=-1).model.resolved.seed != estimator(epochs=0, seed=-1).model.resolved.seed


@proof("reproducible")
def _():
    given = {"reproducible": True, "epochs": 4, "force_load_balance": False}
    one, again = (estimator(**given, train_samples_per_iteration=-2) for _ in range(2))
    assert np.array_equal(weights(one), weights(again))
    actual = one.model.resolved.actual
    assert (actual.force_load_balance, actual.score_each_iteration) == (True, True)
    assert (actual.train_samples_per_iteration, actual.replicate_training_data) == (-1, False)
    assert scorings(one) == 4
    assert planned(reproducible=True).fixed_shares == 1


@proof("fast_mode")
def _():
    moved(base={"l2": 0.05, "standardize": False}, fast_mode=False)  # weights of zero inputs shrink only without it


@proof("shuffle_training_data")
def _():
    # rows are always visited in random order, as the specification recommends: the choice can change nothing
    assert np.array_equal(weights(fit(shuffle_training_data=True)), weights(fit()))
    assert "always" in declarations()["shuffle_training_data"].sentence


@proof("force_load_balance")
def _():
    assert prepared().job.spread
    assert not prepared(force_load_balance=False).job.spread


@proof("elastic_averaging", "elastic_averaging_moving_rate", "elastic_averaging_regularization")
def _():
    base = {"train_samples_per_iteration": 40, "overwrite_with_best_model": False}
    elastic = {**base, "elastic_averaging": True}
    moved(base=base, elastic_averaging=True)
    moved(base=elastic, elastic_averaging_moving_rate=0.5)
    moved(base=elastic, elastic_averaging_regularization=0.5)
    refused("elastic_averaging_moving_rate", elastic_averaging_moving_rate=1.5)


@proof("threads_policy")
def _():
    assert np.array_equal(weights(fit(threads_policy="shared")), weights(fit(threads_policy="replicas")))
    assert "no longer acts" in declarations()["threads_policy"].sentence


@proof("staleness")
def _():
    fresh, stale = moved(base={"staleness": 1}, staleness=8)
    assert [one.model.notes["staleness"] for one in (fresh, stale, fit())] == [1, 8, 1]  # of 80 rows one at a time
    assert "staleness 8" in stale.model.status_table()._table_description
    refused("staleness", staleness=-1)


# ---- scoring and stopping ----------------------------------------------------------------------------------------
@proof("score_each_iteration", "score_interval", "score_duty_cycle")
def _():
    rare = {"epochs": 8, "train_samples_per_iteration": 40, "score_interval": 1000, "overwrite_with_best_model": False}
    assert scorings(fit(**rare)) == 2  # the first and the last
    assert scorings(fit(**rare, score_each_iteration=True)) == 16
    assert scorings(fit(**{**rare, "score_interval": 0})) == 16
    assert scorings(fit(**{**rare, "score_interval": 0, "score_duty_cycle": 0})) == 1


@proof("score_training_samples", "score_validation_samples")
def _():
    assert (fit().model.training_metrics.nobs(), fit().model.training_metrics.description) == (
        ROWS,
        "Metrics reported on full training frame",
    )
    some = estimator(score_training_samples=30, score_validation_samples=20, validation=frame()).model
    assert 15 < some.training_metrics.nobs() < 45
    assert "temporary training frame with" in some.training_metrics.description
    assert 8 < some.validation_metrics.nobs() < 32


@proof("score_validation_sampling")
def _():
    given = {"balance_classes": True, "score_validation_samples": 20, "validation": frame()}
    assert len(prepared("two", **given).valid.sample.probabilities) == 1
    rare, often = sorted(prepared("two", **given, score_validation_sampling="Stratified").valid.sample.probabilities)
    assert often > rare


@proof("classification_stop", "regression_stop")
def _():
    assert fit("two", **LONG, classification_stop=0.99).model.samples == 40
    assert "classification_stop" in ended(fit("two", **LONG, classification_stop=0.99))
    assert fit(**LONG, regression_stop=1e9).model.samples == 40
    assert fit(**LONG, regression_stop=-1).model.samples == 8 * ROWS


@proof("stopping_rounds", "stopping_tolerance")
def _():
    never = fit(**LONG)
    eager = fit(**LONG, stopping_rounds=1, stopping_tolerance=0.9)
    patient = fit(**LONG, stopping_rounds=3, stopping_tolerance=0.9)
    assert eager.model.samples < patient.model.samples < never.model.samples
    assert fit(**LONG, stopping_rounds=1, stopping_tolerance=0.0).model.samples > eager.model.samples
    assert warned(epochs=0, stopping_tolerance=0.1) == ["Stopping tolerance is ignored for _stopping_rounds=0."]


@proof("stopping_metric")
def _():
    for y, metrics in {
        "y": ["AUTO", "deviance", "MSE", "RMSE", "MAE", "RMSLE"],
        "two": ["AUTO", "logloss", "AUC", "AUCPR", "lift_top_group", "misclassification", "mean_per_class_error"],
    }.items():
        for metric in metrics:
            model = fit(y, **LONG, stopping_rounds=1, stopping_tolerance=0.9, stopping_metric=metric, gainslift_bins=4)
            name = {"y": "deviance", "two": "logloss"}[y] if metric == "AUTO" else metric
            assert ended(model).lower().startswith(f"{name.lower()} did not improve"), metric
    # the best model is the one with the largest AUC, and the one with the smallest logloss
    given = {**LONG, **MANUAL, "rate": 0.3, "stopping_rounds": 100}
    for metric, best in (("AUC", max), ("logloss", min)):
        model = fit("two", **given, stopping_metric=metric).model
        seen = [row.training[metric.lower()] for row in model.history.rows[1:]]
        assert model.training_metrics.scalars[metric.lower()] == pytest.approx(best(seen))
    refused("requires regression", y="two", stopping_metric="deviance", stopping_rounds=1)
    refused("requires classification", stopping_metric="AUC", stopping_rounds=1)
    refused("requires custom_metric_func", stopping_metric="custom", stopping_rounds=1)


@proof("max_runtime_secs")
def _():
    limit = {"epochs": 1e6, "max_runtime_secs": 0.5}
    for given in (limit, {**limit, "y": "two"}):
        with pytest.warns(RuntimeWarning, match="interrupted due to timeout"):
            model = estimator(**given).model
        assert 0 < model.epochs < 1e6
        assert model.end_time - model.start_time < 5000
        assert model.history.rows[-1].samples == model.samples  # scored at the end
        best = "deviance" if model.category == "Regression" else "logloss"
        values = [row.training[best] for row in model.history.rows[1:]]
        assert values[-1] == pytest.approx(min(values))


@proof("overwrite_with_best_model")
def _():
    wild = {**LONG, **MANUAL, "rate": 0.2, "activation": "Tanh"}
    best, last = fit(**wild), fit(**wild, overwrite_with_best_model=False)
    values = [row.training["mse"] for row in last.model.history.rows[1:]]
    assert last.mse() == values[-1] > min(values)
    assert best.mse() == pytest.approx(min(values))


class MeanAbsolute:
    """A metric of one's own, in H2O's form."""

    def map(self, pred, act, w, o, model):
        return [w * abs(act[0] - pred[0]), w]

    def reduce(self, left, right):
        return [left[0] + right[0], left[1] + right[1]]

    def metric(self, last):
        return last[0] / last[1]


@proof("custom_metric_func")
def _():
    own = upload_custom_metric(MeanAbsolute, func_name="mae")
    model = fit(custom_metric_func=own).model
    assert model.training_metrics.custom_metric_value() == pytest.approx(model.training_metrics.mae())
    stopped = fit(custom_metric_func=own, stopping_metric="custom", stopping_rounds=1, stopping_tolerance=0.9, **LONG)
    assert ended(stopped).startswith("custom did not improve")
    # of a metric that should rise, the model with the largest value is kept
    rising = {**LONG, **MANUAL, "rate": 0.2, "activation": "Tanh", "stopping_rounds": 100}
    for metric, best in (("custom", min), ("custom_increasing", max)):
        model = fit(custom_metric_func=own, stopping_metric=metric, **rising).model
        seen = [row.training["custom"] for row in model.history.rows[1:]]
        assert model.training_metrics.custom_metric_value() == pytest.approx(best(seen))
    registry.register("no metric", frame())
    with pytest.raises(H2OTypeError, match="must name a metric; it is a H2OFrame"):
        estimator(custom_metric_func="no metric")


@proof("auc_type", "gainslift_bins")
def _():
    assert np.isnan(fit("three").auc())
    table = fit("three", auc_type="macro_ovr").multinomial_auc_table().as_data_frame().set_index("type")
    assert fit("three", auc_type="macro_ovr").auc() == table["auc"]["Macro OVR"]
    assert fit("three", auc_type="weighted_ovo").auc() == table["auc"]["Weighted OVO"]
    assert len(fit("two", gainslift_bins=4).gains_lift().cell_values) == 4
    assert len(fit("two").gains_lift().cell_values) == 16
    assert fit("two", gainslift_bins=0).gains_lift() is None


# ---- cross-validation --------------------------------------------------------------------------------------------
@proof(
    "nfolds",
    "keep_cross_validation_models",
    "keep_cross_validation_predictions",
    "keep_cross_validation_fold_assignment",
    "fold_assignment",
)
def _():
    keep = {"keep_cross_validation_predictions": True, "keep_cross_validation_fold_assignment": True}
    kept = fit(nfolds=2, **keep)
    assert len(kept.cross_validation_models()) == 2
    assert len(kept.cross_validation_predictions()) == 2
    dealt = kept.cross_validation_fold_assignment().as_data_frame().iloc[:, 0].to_numpy()
    assert sorted(np.bincount(dealt)) == [40, 40]
    assert np.isfinite(kept.mse(xval=True))
    turns = fit(nfolds=2, fold_assignment="Modulo", keep_cross_validation_models=False, **keep)
    assert np.array_equal(
        turns.cross_validation_fold_assignment().as_data_frame().iloc[:, 0].to_numpy(), np.arange(ROWS) % 2
    )
    assert not np.array_equal(dealt, np.arange(ROWS) % 2)
    assert turns.cross_validation_models() is None
    bare = fit(nfolds=2)
    assert bare.cross_validation_predictions() is None
    assert bare.cross_validation_fold_assignment() is None
    refused("nfolds must be either 0 or >1", nfolds=1)
    refused("only allowed for cross-validation", fold_assignment="Modulo")


@proof("fold_column")
def _():
    model = estimator(fold_column="fold", keep_cross_validation_fold_assignment=True)
    dealt = model.cross_validation_fold_assignment().as_data_frame().iloc[:, 0].to_numpy()
    assert np.array_equal(dealt, TABLE["fold"])
    refused("exclude each other", fold_column="fold", nfolds=2)


@proof("quiet_mode")
def _():
    stopping = {"nfolds": 2, "stopping_rounds": 2}
    assert [one.split(" ")[0] for one in warned(**stopping)] == ["Setting", "Disabling"]
    assert warned(quiet_mode=True, **stopping) == []


# ---- what is kept ------------------------------------------------------------------------------------------------
@proof("variable_importances")
def _():
    assert len(fit().varimp()) == 8
    assert fit(variable_importances=False).varimp() is None


@proof("export_weights_and_biases")
def _():
    model = fit(export_weights_and_biases=True)
    assert (model.weights(0).shape, model.biases(0).shape) == ((3, 8), (3, 1))
    with pytest.raises(H2OValueError, match="export_weights_and_biases=True"):
        fit().weights(0)


@proof("export_checkpoints_dir")
def _(tmp_path):
    model = estimator(export_checkpoints_dir=str(tmp_path), model_id="saved", epochs=0)
    assert (tmp_path / model.model_id).is_dir()
    (tmp_path / "file").write_text("no folder")
    refused("ERRR on field: _export_checkpoints_dir: .*file", export_checkpoints_dir=str(tmp_path / "file"))


@proof("checkpoint_interval")
def _(tmp_path):
    quick = {"epochs": 300, "train_samples_per_iteration": 80, "export_checkpoints_dir": str(tmp_path)}
    with pytest.MonkeyPatch.context() as patch:
        written = []
        patch.setattr("daskdl.model.checkpoint.save", lambda model, path, **more: written.append(model.notes))
        fit(**quick, checkpoint_interval=0)
        assert len(written) == 1  # the finished model
        fit(**quick, checkpoint_interval=1e-6)
    assert len(written) > 3
    assert "checkpoint" in written[1]
    refused("checkpoint_interval", checkpoint_interval=-1)


@proof("no_workers_timeout")
def _():
    assert prepared(no_workers_timeout=7).plan.no_workers_timeout == 7
    refused("no_workers_timeout", no_workers_timeout=-1)


# ---- the register ------------------------------------------------------------------------------------------------
def test_every_declared_parameter_has_a_proof():
    assert set(PROOFS) == set(declarations())


GROUPS = {}
for _name, _function in PROOFS.items():
    GROUPS.setdefault(_function, []).append(_name)


@pytest.mark.parametrize("function", GROUPS, ids=lambda function: ",".join(GROUPS[function]))
def test_a_parameter_acts(function, tmp_path):
    function(*([tmp_path] if function.__code__.co_argcount else []))
