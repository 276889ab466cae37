"""Metrics of the user's own: H2O's class, a function of blocks, and what goes wrong."""

import numpy as np
import pytest

from daskdl import metrics
from frames.exceptions import H2OTypeError, H2OValueError


class MeanAbsolute:
    """H2O's form."""

    def map(self, pred, act, w, o, model):
        return [w * abs(act[0] - pred[0]), w]

    def reduce(self, left, right):
        return [left[0] + right[0], left[1] + right[1]]

    def metric(self, last):
        return last[0] / last[1]


def mean_absolute(actual, predicted, weights):
    """The form of blocks."""
    return (weights * np.abs(actual - predicted)).sum(), weights.sum()


def _block(rows: int, seed: int = 5) -> metrics.CustomRows:
    rng = np.random.default_rng(seed)
    y, f = rng.standard_normal((2, rows))
    return metrics.CustomRows(y, f, None, rng.random(rows), np.zeros(rows))


@pytest.mark.parametrize("target", [MeanAbsolute(), mean_absolute])
def test_any_cut_of_the_rows_gives_the_same_value(target):
    metric, block = metrics.CustomMetric("mae", target), _block(40)
    whole = metric.value(metric.measure(block))
    assert whole == pytest.approx(np.average(np.abs(block.actual - block.predicted), weights=block.weights))
    for cut in (0, 1, 17, 40):
        parts = [
            metrics.CustomRows(*(None if a is None else a[s] for a in block)) for s in (slice(cut), slice(cut, None))
        ]
        joined = metric.join(metric.measure(parts[0]), metric.measure(parts[1]))
        assert metric.value(joined) == pytest.approx(whole)


def test_a_classifier_s_row_is_its_label_and_its_probabilities():
    class Seen:
        def map(self, pred, act, w, o, model):
            return [(pred, act)]

        def reduce(self, left, right):
            return left + right

        def metric(self, last):
            return len(last)

    metric = metrics.CustomMetric("seen", Seen())
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    block = metrics.CustomRows(np.array([0.0, 0.0]), p, np.array([0, 1]), np.ones(2), np.zeros(2))
    assert metric.measure(block) == [([0.0, 0.9, 0.1], [0.0]), ([1.0, 0.2, 0.8], [0.0])]


def test_the_metric_travels_with_the_built_in_state_and_ends_in_the_header():
    metric, block = metrics.CustomMetric("mae", mean_absolute), _block(30)
    state = metrics.measure("Regression", block.actual, block.predicted, block.weights)
    found = metrics.finish("Regression", metrics.WithCustom(state, metric, metric.measure(block)))
    assert found.custom_metric_name() == "mae"
    assert found.custom_metric_value() == pytest.approx(found.mae())
    assert found.values()["custom"] == pytest.approx(found.mae())


def test_a_function_is_named_by_module_and_name():
    found = metrics.custom_metric("numpy:hypot", lambda key: None)
    assert (found.name, found.target) == ("hypot", np.hypot)


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("python:gone=metrics.Gone", H2OValueError),
        ("nothing", H2OValueError),
        ("no_such_module_anywhere:f", H2OValueError),
        ("numpy:no_such_function", H2OValueError),
        ("numpy:pi", H2OTypeError),
    ],
)
def test_a_metric_that_does_not_exist_is_refused_before_training(reference, error):
    with pytest.raises(error, match="custom_metric_func"):
        metrics.custom_metric(reference, lambda key: None)
