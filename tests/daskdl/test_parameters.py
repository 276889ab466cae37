"""The parameters: types on assignment, ranges and rules before work starts, AUTO values, JSON, restart."""

import inspect
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.declarations.kinds import OneOf, Range
from daskdl.kernels.optimizers.adadelta import Adadelta
from daskdl.kernels.optimizers.momentum import Nesterov
from daskdl.parameters import (
    SECTIONS,
    Facts,
    Parameters,
    Resolved,
    check,
    continue_from,
    declarations,
    describe,
    markdown,
    resolve,
    restart_errors,
    signature,
)
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError

NUMBERS = Facts(rows=100, response="y", classes=1, response_type="real", response_low=-3.0, response_high=4.0)
TWO = Facts(rows=100, response="y", classes=2, response_type="enum", levels=("n", "p"))
THREE = Facts(rows=100, response="y", classes=3, response_type="enum", levels=("a", "b", "c"))
NOTHING = Facts(rows=100, classes=0)


def messages(parameters, facts=NUMBERS):
    return {error.field: error.message for error in check(parameters, facts)[0]}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("hidden", "a", "Argument `hidden` should be a ?list(integer), got string a"),
        ("hidden", [1, 2.5], "Argument `hidden` should be a ?list(integer), got list [1, 2.5]"),
        ("epochs", "ten", "Argument `epochs` should be a ?numeric, got string ten"),
        ("epochs", True, "Argument `epochs` should be a ?numeric, got bool True"),
        ("seed", 1.5, "Argument `seed` should be a ?integer, got float 1.5"),
        ("adaptive_rate", 1, "Argument `adaptive_rate` should be a ?bool, got integer 1"),
        ("autoencoder", None, "Argument `autoencoder` should be a bool, got None None"),
        ("training_frame", 5, "Argument `training_frame` should be a ?H2OFrame, got integer 5"),
        ("ignored_columns", "x", "Argument `ignored_columns` should be a ?list(string), got string x"),
    ],
)
def test_a_wrong_type_is_refused_on_assignment(name, value, words):
    with pytest.raises(H2OTypeError) as caught:
        Parameters(**{name: value})
    assert str(caught.value) == words
    assert isinstance(caught.value, TypeError)


def test_an_unknown_choice_names_the_choices():
    with pytest.raises(H2OTypeError, match=r'`loss` should be a \?Enum\["Automatic", .*got string Hinge'):
        Parameters(loss="Hinge")
    with pytest.raises(H2OValueError, match="r2"):
        Parameters(stopping_metric="r2")


def test_an_unknown_name_is_a_type_error():
    with pytest.raises(TypeError, match="hiddn"):
        Parameters(hiddn=[10])


@pytest.mark.parametrize("text", ["TanhWithDropout", "tanh_with_dropout", "TANH WITH-DROPOUT"])
def test_choices_ignore_case_and_punctuation(text):
    assert Parameters(activation=text).activation == "TanhWithDropout"


def test_integers_serve_where_floats_are_wanted():
    p = Parameters(max_w2=10, class_sampling_factors=[1, 1], max_after_balance_size=3, epochs=np.int64(4))
    assert (p.max_w2, p.class_sampling_factors, p.max_after_balance_size, p.epochs) == (10.0, (1.0, 1.0), 3.0, 4.0)
    assert isinstance(p.epochs, float)
    assert Parameters(hidden=np.array([5, 6]), seed=np.int32(3), sparse=np.bool_(True)).hidden == (5, 6)


def test_none_stands_for_the_default():
    assert Parameters(rho=None, hidden=None, activation=None) == Parameters()


def test_several_errors_arrive_together_with_the_model_id():
    with pytest.raises(H2OResponseError) as caught:
        resolve(Parameters(nfolds=1, l1=-1, hidden=[0]), NUMBERS, "m1")
    text = str(caught.value)
    assert text.startswith("Illegal argument(s) for DeepLearning model: m1.  Details: ERRR on field: _")
    assert "ERRR on field: _nfolds: nfolds must be either 0 or >1." in text
    assert "ERRR on field: _l1: l1 must be at least 0 and finite; got -1." in text
    assert "ERRR on field: _hidden: Hidden layer size must be positive." in text
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize(
    ("field", "given_values", "facts"),
    [
        ("nfolds", {"nfolds": -1}, NUMBERS),
        ("nfolds", {"nfolds": 101}, NUMBERS),
        ("nfolds", {"nfolds": 3, "fold_column": "f"}, NUMBERS),
        ("nfolds", {"nfolds": 3, "autoencoder": True}, NOTHING),
        ("nfolds", {"nfolds": 3, "checkpoint": "old"}, NUMBERS),
        ("fold_assignment", {"fold_assignment": "modulo"}, NUMBERS),
        ("fold_assignment", {"fold_assignment": "modulo", "fold_column": "f"}, NUMBERS),
        ("fold_assignment", {"fold_assignment": "stratified", "nfolds": 3}, NUMBERS),
        ("activation", {"activation": "Maxout", "autoencoder": True}, NOTHING),
        ("activation", {"activation": "MaxoutWithDropout", "autoencoder": True}, NOTHING),
        ("hidden_dropout_ratios", {"hidden_dropout_ratios": [0.1, 0.1]}, NUMBERS),
        ("hidden_dropout_ratios", {"hidden_dropout_ratios": [0.1], "activation": "TanhWithDropout"}, NUMBERS),
        ("hidden_dropout_ratios", {"hidden_dropout_ratios": [0.1, 1], "activation": "TanhWithDropout"}, NUMBERS),
        ("input_dropout_ratio", {"input_dropout_ratio": 1}, NUMBERS),
        ("max_w2", {"max_w2": 0}, NUMBERS),
        ("tweedie_power", {"tweedie_power": 2}, NUMBERS),
        ("balance_classes", {"balance_classes": True}, NUMBERS),
        ("class_sampling_factors", {"class_sampling_factors": [1, 2]}, TWO),
        ("class_sampling_factors", {"class_sampling_factors": [1, 2], "balance_classes": True}, THREE),
        ("max_after_balance_size", {"max_after_balance_size": 0}, TWO),
        ("loss", {"loss": "Absolute"}, TWO),
        ("loss", {"loss": "CrossEntropy"}, NUMBERS),
        ("loss", {"loss": "CrossEntropy", "autoencoder": True}, NOTHING),
        ("loss", {"loss": "Quadratic", "distribution": "poisson"}, NUMBERS),
        ("loss", {"loss": "Quadratic", "distribution": "laplace"}, NUMBERS),
        ("distribution", {"distribution": "bernoulli"}, THREE),
        ("distribution", {"distribution": "gaussian"}, TWO),
        ("distribution", {"distribution": "multinomial"}, NUMBERS),
        ("distribution", {"distribution": "gamma", "autoencoder": True}, NOTHING),
        ("response_column", {"distribution": "poisson"}, NUMBERS),
        ("offset_column", {"offset_column": "o"}, TWO),
        ("stopping_metric", {"stopping_metric": "deviance"}, TWO),
        ("stopping_metric", {"stopping_metric": "AUC"}, NUMBERS),
        ("stopping_metric", {"stopping_metric": "logloss", "autoencoder": True}, NOTHING),
        ("stopping_metric", {"stopping_metric": "custom"}, NUMBERS),
        ("stopping_tolerance", {"stopping_tolerance": 1}, NUMBERS),
        ("sparsity_beta", {"sparsity_beta": 0.1}, NUMBERS),
        ("average_activation", {"sparsity_beta": 1, "autoencoder": True, "average_activation": -1}, NOTHING),
        (
            "average_activation",
            {"sparsity_beta": 1, "autoencoder": True, "activation": "Tanh"} | {"average_activation": 1},
            NOTHING,
        ),
        ("elastic_averaging", {"elastic_averaging": True, "sparse": True}, NUMBERS),
        ("categorical_encoding", {"categorical_encoding": "enum"}, NUMBERS),
        ("categorical_encoding", {"categorical_encoding": "one_hot_explicit"}, NUMBERS),
        ("categorical_encoding", {"categorical_encoding": "sort_by_response", "autoencoder": True}, NOTHING),
        ("max_categorical_features", {"max_categorical_features": 0}, NUMBERS),
        ("max_categorical_features", {"max_categorical_features": 9, "autoencoder": True}, NOTHING),
        ("custom_metric_func", {"custom_metric_func": "python:mae=metrics.Mae", "autoencoder": True}, NOTHING),
        ("initial_weights", {"initial_weights": [None]}, NUMBERS),
        ("initial_biases", {"initial_biases": [None] * 3, "checkpoint": "old"}, NUMBERS),
        ("pretrained_autoencoder", {"pretrained_autoencoder": "ae", "autoencoder": True}, NOTHING),
        ("mini_batch_size", {"mini_batch_size": 0}, NUMBERS),
        ("gainslift_bins", {"gainslift_bins": -2}, TWO),
        ("rho", {"rho": 0}, NUMBERS),
        ("epsilon", {"epsilon": 0}, NUMBERS),
        ("export_checkpoints_dir", {"export_checkpoints_dir": __file__ + "/below-a-file"}, NUMBERS),
        ("seed", {"seed": 2**63}, NUMBERS),
    ],
)
def test_an_impossible_combination_is_refused_for_the_right_field(field, given_values, facts):
    assert field in messages(Parameters(**given_values), facts)


def test_the_defaults_are_accepted_for_every_kind_of_response():
    for facts in (NUMBERS, TWO, THREE):
        assert messages(Parameters(), facts) == {}
    assert messages(Parameters(autoencoder=True), NOTHING) == {}


def test_values_without_effect_are_not_judged():
    assert messages(Parameters(rho=0, epsilon=0, adaptive_rate=False)) == {}
    assert messages(Parameters(quantile_alpha=3, huber_alpha=-1, initial_weight_scale=0)) == {}
    assert "quantile_alpha" in messages(Parameters(quantile_alpha=3, distribution="quantile"))
    assert "initial_weight_scale" in messages(Parameters(initial_weight_scale=0, initial_weight_distribution="Normal"))


@pytest.mark.parametrize(
    ("asked", "facts", "family", "loss", "category"),
    [
        ({}, TWO, "bernoulli", "CrossEntropy", "Binomial"),
        ({"distribution": "multinomial"}, TWO, "multinomial", "CrossEntropy", "Binomial"),
        ({"loss": "Quadratic"}, THREE, "multinomial", "Quadratic", "Multinomial"),
        ({}, NUMBERS, "gaussian", "Quadratic", "Regression"),
        ({"loss": "Absolute"}, NUMBERS, "laplace", "Absolute", "Regression"),
        ({"loss": "Huber", "distribution": "gaussian"}, NUMBERS, "huber", "Huber", "Regression"),
        ({"loss": "Quantile"}, NUMBERS, "quantile", "Quantile", "Regression"),
        ({"distribution": "laplace"}, NUMBERS, "laplace", "Absolute", "Regression"),
        ({"distribution": "tweedie"}, Facts(rows=9, response="y"), "tweedie", "Automatic", "Regression"),
        ({"autoencoder": True}, NOTHING, "gaussian", "Quadratic", "AutoEncoder"),
        ({"autoencoder": True, "loss": "Huber"}, NOTHING, "huber", "Huber", "AutoEncoder"),
    ],
)
def test_auto_distribution_and_loss_follow_the_response(asked, facts, family, loss, category):
    resolved = resolve(Parameters(**asked), facts)
    assert (resolved.distribution.name, resolved.distribution.loss_name, resolved.category) == (family, loss, category)
    assert (resolved.actual.distribution, resolved.actual.loss) == (family, loss)


def test_resolution_fills_dropout_seed_encoding_and_caps():
    r = resolve(Parameters(activation="maxout_with_dropout", hidden=[3, 4, 5]), TWO)
    assert (r.activation.name, r.activation.pieces, r.hidden_dropout) == ("Maxout", 2, (0.5, 0.5, 0.5))
    assert r.actual.hidden_dropout_ratios == (0.5, 0.5, 0.5)
    assert r.max_w2 == math.inf
    assert r.seed == r.actual.seed >= 0
    assert r.actual.categorical_encoding == "OneHotInternal"
    assert resolve(Parameters(max_w2=math.inf), TWO).max_w2 == math.inf
    assert resolve(Parameters(seed=7), TWO).seed == 7


def test_reproducible_training_does_not_depend_on_the_clock():
    actual = resolve(Parameters(reproducible=True, force_load_balance=False), TWO).actual
    assert (actual.train_samples_per_iteration, actual.replicate_training_data) == (-1, False)
    assert actual.force_load_balance
    assert actual.score_each_iteration


def test_stopping_metric_and_folds_resolve_as_reported():
    assert resolve(Parameters(), TWO).stopping_metric == "logloss"
    assert resolve(Parameters(), NUMBERS).stopping_metric == "deviance"
    assert resolve(Parameters(autoencoder=True), NOTHING).stopping_metric == "MSE"
    assert resolve(Parameters(stopping_rounds=0), TWO).stopping_metric is None
    assert resolve(Parameters(), TWO).fold_assignment is None
    with_folds = resolve(Parameters(nfolds=3), TWO)
    assert with_folds.fold_assignment == "Random"
    assert with_folds.actual.overwrite_with_best_model is False


def test_the_optimizer_is_chosen_with_its_numbers_only():
    assert resolve(Parameters(), TWO).optimizer == Adadelta(rho=0.99, epsilon=1e-8)
    manual = resolve(Parameters(adaptive_rate=False, rate=0.1, momentum_stable=0.9), TWO)
    assert manual.optimizer == Nesterov(rate=0.1, stable=0.9)
    record = manual.to_dict()  # as models of the first version have it
    assert (record["optimizer"], record["optimizer_numbers"]["nesterov"]) == ("momentum", 1.0)


@pytest.mark.parametrize(
    ("rows", "batch"), [(1, 16), (300, 16), (16_512, 16), (60_000, 64), (250_000, 256), (10**6, 1024), (10**9, 1024)]
)
def test_an_automatic_batch_of_adam_is_a_thousandth_of_the_rows_within_limits_and_a_quarter_of_that_for_numbers(
    rows, batch
):
    facts = Facts(rows=rows, response="y")
    classes = Facts(rows=rows, response="y", classes=2, response_type="enum", levels=("a", "b"))
    assert resolve(Parameters(optimizer="adam", mini_batch_size="AUTO"), classes).batch == batch
    assert resolve(Parameters(optimizer="adam", mini_batch_size="AUTO"), facts).batch == batch // 4
    assert resolve(Parameters(mini_batch_size="auto"), facts).batch == 1
    assert resolve(Parameters(optimizer="adam"), facts).batch == 1


def test_numbers_of_another_optimizer_are_warned_about():
    said = "{} has no effect: it belongs to optimizer '{}', and '{}' is used."
    assert check(Parameters(optimizer="adam", rate=0.1, rho=0.5), NUMBERS)[1] == [
        said.format("rho", "adadelta", "adam"),
        said.format("rate", "sgd", "adam"),
    ]
    assert check(Parameters(weight_decay=0.1), NUMBERS)[1] == [said.format("weight_decay", "adam", "adadelta")]
    assert check(Parameters(rate_schedule="cosine"), NUMBERS)[1] == [
        "rate_schedule has no effect: adadelta finds the rate of every weight itself."
    ]
    assert check(Parameters(optimizer="adam", rate_warmup=0.2, rate_schedule="cosine"), NUMBERS)[1] == [
        "rate_warmup has no effect: it belongs to rate_schedule 'warmup_cosine'."
    ]
    assert messages(Parameters(optimizer="adadelta", adaptive_rate=False))["optimizer"].startswith("optimizer 'adad")


def test_conflicts_with_the_adaptive_rate_are_warned_about():
    assert check(Parameters(rate=0.1, momentum_start=0.5), NUMBERS)[1] == [
        "rate cannot be specified if adaptive_rate is enabled.",
        "momentum_start cannot be specified if adaptive_rate is enabled.",
    ]
    assert check(Parameters(rate=0.005), NUMBERS)[1] == []
    assert check(Parameters(stopping_rounds=0, stopping_metric="MSE"), NUMBERS)[1] == [
        "Stopping metric is ignored for _stopping_rounds=0."
    ]
    assert "Diagnostics are always enabled" in check(Parameters(diagnostics=False), NUMBERS)[1][0]


def test_json_gives_back_the_same_parameters_and_resolution():
    p = Parameters(hidden=[], max_w2=math.inf, activation="tanh", checkpoint=SimpleNamespace(model_id="old"))
    text = json.dumps(p.to_dict(), allow_nan=False)
    again = Parameters.from_dict(json.loads(text))
    assert again == p
    assert again.checkpoint == "old"
    resolved = resolve(Parameters(distribution="tweedie"), Facts(rows=9, response="y"))
    assert (
        Resolved.from_dict(json.loads(json.dumps(resolved.to_dict(), allow_nan=False))).to_dict() == resolved.to_dict()
    )


def test_only_differences_from_defaults_are_shown():
    assert repr(Parameters(hidden=[200, 200], epochs=3)) == "Parameters(epochs=3.0)"
    assert Parameters(seed=5).given() == {"seed": 5}


def test_a_restart_may_change_only_what_the_table_allows():
    old = Parameters(response_column="y", epochs=1)
    assert restart_errors(old, old.replace(epochs=3, l1=0.1, mini_batch_size=4), epochs_done=1.0) == []
    fields = {e.field for e in restart_errors(old, old.replace(activation="tanh", hidden=[3], epochs=1), 1.0)}
    assert fields == {"activation", "hidden", "epochs"}
    errors = restart_errors(old, old.replace(epochs=9, rho=0.5))
    assert errors[0].message == "Cannot change parameter: '_rho': 0.99 -> 0.5"
    assert restart_errors(old, old.replace(epochs=9, validation_frame="v"))[0].field == "validation_frame"
    now, notes = continue_from(old, old.replace(balance_classes=True, epochs=5))
    assert (now.balance_classes, now.epochs) == (False, 5.0)
    assert notes


def test_documents_and_signature_name_every_parameter():
    names = set(declarations())
    assert set(SECTIONS) <= names
    assert {row["name"] for row in describe()} == names == set(signature().parameters)
    assert all(f"`{name}`" in markdown() for name in names)
    assert all(row["meaning"].endswith(".") for row in describe())
    assert signature().parameters["hidden"].default == [200, 200]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in signature().parameters.values())


def test_every_default_satisfies_its_own_declaration():
    for declared in declarations().values():
        assert declared.convert(declared.default) == declared.default
        assert declared.complaint(declared.default) is None


@given(st.floats(allow_nan=True))
@settings(max_examples=50, deadline=None)
def test_a_range_says_what_it_allows(value):
    assert Range(0, 1, "[)").allows(value) == (0 <= value < 1)
    assert Range(0, ends="(]").allows(value) == (value > 0)


def test_ranges_and_choices_can_say_themselves():
    assert str(Range(0, 1, "()")) == "in (0, 1)"
    assert str(Range(0, ends="(]")) == "greater than 0"
    assert str(Range(-2)) == "at least -2"
    assert str(OneOf("a", "b")) == "one of a, b"
