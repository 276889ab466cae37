"""Early stopping follows the moving averages of the history; broken networks are recognised."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.coordinator.stopping import (
    LayerStatistics,
    StoppingRule,
    instability,
    moving_averages,
    objective,
    stop_early,
)
from frames.exceptions import H2OValueError

LOSS, AUC, CUSTOM = (objective(name, "Binomial") for name in ("logloss", "AUC", "custom"))
NAN = math.nan


def test_nothing_is_decided_before_twice_the_rounds_besides_the_initial_entry():
    assert not stop_early([NAN, 1, 1, 1], LOSS, rounds=2, tolerance=0)
    assert stop_early([NAN, 1, 1, 1, 1], LOSS, rounds=2, tolerance=0)
    assert not stop_early([NAN, 1, 1, 1, 1], LOSS, rounds=0, tolerance=0)


def test_the_averages_are_shifted_by_one():
    assert moving_averages([9, 1, 2, 3, 4, 5, 6], 3) == [2, 3, 4, 5]


def test_a_loss_must_fall_by_more_than_the_tolerance():
    falling = [NAN, 1.0, 1.0, 0.95, 0.95]
    assert not stop_early(falling, LOSS, 2, tolerance=0.0)
    assert not stop_early(falling, LOSS, 2, tolerance=0.04)
    assert stop_early(falling, LOSS, 2, tolerance=0.06)


def test_an_auc_must_rise_by_more_than_the_tolerance():
    rising = [NAN, 0.80, 0.80, 0.84, 0.84]
    assert not stop_early(rising, AUC, 2, tolerance=0.04)
    assert stop_early(rising, AUC, 2, tolerance=0.06)
    assert stop_early([NAN, 0.9, 0.9, 0.8, 0.8], AUC, 2, tolerance=0.0)


def test_a_good_average_in_the_middle_counts_as_progress():
    assert not stop_early([NAN, 2, 2, 1, 1, 3, 3], LOSS, 3, tolerance=0.1)


def test_one_round_compares_neighbours():
    assert not stop_early([NAN, 1.0, 0.9], LOSS, 1, 0.0)
    assert stop_early([NAN, 1.0, 1.0], LOSS, 1, 0.0)


def test_perfect_zero_stops_a_loss_but_not_an_auc():
    assert stop_early([NAN, 0, 0, 0, 0], LOSS, 2, 0.0)
    assert not stop_early([NAN, 0, 0, 0, 0], AUC, 2, 0.0)
    assert not stop_early([NAN, 0, 0, 0.5, 0.5], AUC, 2, 0.0)
    assert not stop_early([NAN, 0, 0, 0, 0], CUSTOM, 2, 0.0)


def test_a_missing_value_or_a_change_of_sign_decides_nothing():
    assert not stop_early([NAN, 1, NAN, 1, 1], LOSS, 2, 0.0)
    assert not stop_early([NAN, 1, 1, -1, -1], CUSTOM, 2, 0.0)


def test_a_custom_metric_below_zero_improves_by_falling_further():
    assert not stop_early([NAN, -1, -1, -2, -2], CUSTOM, 2, 0.0)
    assert stop_early([NAN, -2, -2, -1, -1], CUSTOM, 2, 0.0)
    rising = objective("custom_increasing", "Regression")
    assert not stop_early([NAN, -2, -2, -1, -1], rising, 2, 0.0)
    assert stop_early([NAN, -1, -1, -2, -2], rising, 2, 0.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 10), min_size=2, max_size=14), st.integers(1, 4), st.floats(0, 0.5))
def test_early_stopping_is_the_ratio_of_the_best_late_average_to_the_first(values, rounds, tolerance):
    if len(values) - 1 < 2 * rounds:
        expected_loss = expected_auc = False
    else:
        tail = values[-2 * rounds :]
        averages = [np.mean(tail[i : i + rounds]) for i in range(rounds + 1)]
        expected_loss = min(averages[1:]) / averages[0] >= 1 - tolerance
        expected_auc = max(averages[1:]) / averages[0] <= 1 + tolerance
    assert stop_early(values, LOSS, rounds, tolerance) == expected_loss
    assert stop_early(values, AUC, rounds, tolerance) == expected_auc


def test_every_metric_knows_its_direction():
    names = ["logloss", "MSE", "RMSE", "AUC", "AUCPR", "lift_top_group", "misclassification", "mean_per_class_error"]
    goals = [objective(name, "Binomial") for name in [*names, "custom", "custom_increasing"]]
    goals += [objective(name, "Regression") for name in ("deviance", "MAE", "RMSLE")]
    assert {one.name for one in goals if one.larger_is_better} == {
        "auc",
        "aucpr",
        "lift_top_group",
        "custom_increasing",
    }
    assert {one.name for one in goals if not one.zero_is_best and not one.larger_is_better} == {"custom"}
    assert AUC.better(0.9, 0.8)
    assert not AUC.better(0.8, 0.8)
    assert LOSS.better(0.1, 0.2)
    assert not LOSS.better(NAN, None)
    assert LOSS.better(3.0, None)
    assert LOSS.better(3.0, NAN)


def test_auto_means_the_metric_of_the_kind_of_model():
    names = [objective("AUTO", c).name for c in ("Binomial", "Multinomial", "Regression", "AutoEncoder")]
    assert [name.lower() for name in names] == ["logloss", "logloss", "deviance", "mse"]
    assert objective("auc", "Binomial") == AUC
    with pytest.raises(H2OValueError, match="got 'luck'"):
        objective("luck", "Binomial")
    with pytest.raises(H2OValueError, match="got 'AUC'"):
        objective("AUC", "Regression")
    with pytest.raises(H2OValueError, match=r"stopping_metric must be AUTO or one of .*; got 'gini'"):
        objective("gini", "Binomial")
    with pytest.raises(H2OValueError, match="auc must be among the scored values; got rmse"):
        AUC.of({"rmse": 1.0})


def test_training_stops_where_it_is_good_enough():
    rule = StoppingRule(LOSS, classification_stop=0.05, regression_stop=0.01)
    assert "classification_stop" in rule.reason("Binomial", [NAN], {"err": 0.05})
    assert rule.reason("Binomial", [NAN], {"err": 0.06}) is None
    assert "regression_stop" in rule.reason("Regression", [NAN], {"mse": 0.009})
    assert "regression_stop" in rule.reason("AutoEncoder", [NAN], {"mse": 0.01, "rmse": 0.1})
    off = StoppingRule(LOSS, classification_stop=-1, regression_stop=-1)
    assert off.reason("Multinomial", [NAN], {"err": 0.0}) is None
    assert off.reason("Regression", [NAN], {"mse": 0.0}) is None
    assert "early stopping" in StoppingRule(LOSS, rounds=1).reason("Binomial", [NAN, 1, 1], {"err": 1})


def test_a_network_that_broke_down_is_recognised():
    sound = LayerStatistics(0.1, 1.0, 0.5, 0.5)
    assert instability([sound, sound]) is None
    for field, value in {"mean_weight": NAN, "weight_rms": 2e10, "mean_bias": -math.inf, "bias_rms": 2e5}.items():
        said = instability([sound, sound._replace(**{field: value})])
        assert said is not None
        assert "layer 2" in said
    assert instability([sound._replace(mean_weight=-9e9, weight_rms=1e10, mean_bias=1e5)]) is None
