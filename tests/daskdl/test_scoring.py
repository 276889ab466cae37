"""Scoring a decoded partition: windows, labels, reconstruction errors, and metric states against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, mean_squared_error
from test_design import Table, colours, gathered

import daskdl.encoding.decoded
import daskdl.scoring.partitions
from daskdl import metrics
from daskdl.encoding.encoder import Response
from daskdl.kernels.activations.tanh import Tanh
from daskdl.kernels.distributions.gaussian import Gaussian
from daskdl.kernels.distributions.multinomial import Multinomial
from daskdl.kernels.gather import fill_numbers
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.scoring.partitions import (
    TOGETHER,
    Scorer,
    deep_features,
    measure,
    merged,
    merged_in_groups,
    predictions,
    row_errors,
    squared_errors,
)
from daskdl.scoring.predictor import Predictor
from daskdl.worker.tasks import Sample

ROWS = 50


@pytest.fixture(autouse=True)
def _interpreted_gather_in_small_windows(monkeypatch):
    monkeypatch.setattr(daskdl.encoding.decoded, "fill_numbers", fill_numbers.py_func)
    monkeypatch.setattr(daskdl.scoring.partitions, "ROWS_AT_ONCE", 7)


def table() -> Table:
    rng = np.random.default_rng(31)
    frame = pd.DataFrame(
        {
            "x": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(3, 2, ROWS)),
            "c": colours(rng.choice(["blue", "green", "red"], ROWS)),
            "w": rng.choice([0.0, 0.5, 2.0], ROWS),
            "o": rng.normal(size=ROWS),
            "y": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(5, 3, ROWS)),
            "k": colours(np.where(rng.random(ROWS) < 0.1, None, rng.choice(["blue", "green", "red"], ROWS))),
        }
    )
    return Table(frame)


DATA = table()


def scorer(
    category: str, options: metrics.Options = metrics.PLAIN, **more
) -> tuple[Scorer, daskdl.encoding.decoded.Design]:
    answers = {"Regression": Response("y", None, 5.0, 0.25), "Multinomial": Response("k", ("blue", "green", "red"))}
    known = {"weights": "w"} | ({"offset": "o"} if category == "Regression" else {})
    encoder = DATA.encoder("x", "c", response=answers.get(category), **known)
    layout = Layout(4, 1, (6,), {"Regression": 1, "Multinomial": 3, "AutoEncoder": 5}[category])
    family = Multinomial() if category == "Multinomial" else Gaussian()
    sub, mul = (5.0, 0.25) if category == "Regression" else (0.0, 1.0)
    predictor = Predictor(layout, category, Tanh(), family, sub=sub, mul=mul)
    made = Scorer(encoder, predictor, initialise(layout, FirstWeights("Normal"), 4).weights, options, **more)
    return made, DATA.decode(encoder)


def whole(one: Scorer, design) -> np.ndarray:
    return one.predictor.predict(one.weights, gathered(design))


@pytest.mark.parametrize("category", ["Regression", "Multinomial", "AutoEncoder"])
def test_predictions_do_not_depend_on_the_windows(category):
    one, design = scorer(category)
    np.testing.assert_allclose(predictions(one, design), whole(one, design), rtol=1e-6, atol=5e-6)  # sums of other cuts
    index = np.array([40, 3, 3, 17, *range(20, 30)])
    np.testing.assert_allclose(predictions(one, design, index), whole(one, design)[index], rtol=1e-6)


@pytest.mark.parametrize("category", ["Regression", "Multinomial", "AutoEncoder"])
def test_no_rows_make_no_predictions_of_the_right_width(category):
    one, design = scorer(category)
    shape = predictions(one, design, np.arange(0)).shape
    assert shape == {"Regression": (0,), "Multinomial": (0, 3), "AutoEncoder": (0, 5)}[category]
    if category == "AutoEncoder":
        assert squared_errors(one, design, np.arange(0)).shape == (0, 5)
        assert row_errors(one, design, np.arange(0)).shape == (0,)


def test_a_regression_is_measured_on_the_scale_of_the_response():
    one, design = scorer("Regression")
    found = metrics.finish("Regression", measure(one, design))
    y, w = DATA.frame["y"], DATA.frame["w"]
    kept = y.notna() & (w > 0)
    expected = mean_squared_error(y[kept], predictions(one, design)[kept], sample_weight=w[kept])
    assert found.mse() == pytest.approx(expected, rel=1e-6)


def test_a_classifier_is_measured_with_its_weights_and_known_classes():
    options = metrics.Options(domain=("blue", "green", "red"))
    one, design = scorer("Multinomial", options)
    found = metrics.finish("Multinomial", measure(one, design), options)
    codes, w = DATA.frame["k"].cat.codes, DATA.frame["w"]
    kept = (codes >= 0) & (w > 0)
    expected = log_loss(codes[kept], predictions(one, design)[kept], sample_weight=w[kept])
    assert found.logloss() == pytest.approx(expected, rel=1e-6)


def test_metric_states_of_parts_of_a_partition_merge():
    one, design = scorer("Regression")
    parts = [measure(one, design, index) for index in np.array_split(np.random.default_rng(1).permutation(ROWS), 3)]
    merged = metrics.finish("Regression", metrics.merged(parts))
    whole = metrics.finish("Regression", measure(one, design))
    assert merged.mse() == pytest.approx(whole.mse(), rel=1e-7)  # matrix products of fewer rows round differently


def test_an_autoencoder_is_measured_by_its_reconstruction_errors():
    one, design = scorer("AutoEncoder")
    rows = gathered(design)
    clean = np.hstack([np.eye(4)[rows.levels[:, 0]], rows.numbers])
    squares = (whole(one, design) - clean) ** 2
    np.testing.assert_allclose(squared_errors(one, design), squares, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(row_errors(one, design), squares.mean(axis=1), rtol=1e-5)
    found = metrics.finish("AutoEncoder", measure(one, design))
    w = DATA.frame["w"].to_numpy()
    assert found.mse() == pytest.approx(np.average(squares.mean(axis=1), weights=w), rel=1e-5)


def test_deep_features_are_the_hidden_values():
    one, design = scorer("Multinomial")
    found = deep_features(one, design, 1)
    np.testing.assert_allclose(found, one.predictor.hidden_values(one.weights, gathered(design), 1), rtol=1e-6)
    assert found.shape == (ROWS, 6)


def test_the_second_class_is_predicted_from_its_threshold_on():
    predictor = Predictor(Layout(0, 1, (), 2), "Binomial", Tanh(), Multinomial())
    one = Scorer(scorer("Regression")[0].encoder, predictor, np.zeros(4, np.float32), threshold=0.3)
    p = np.array([0.29, 0.3, 0.9, 0.0])
    labels = one.labels(np.stack([1 - p, p], axis=1))
    assert labels.tolist() == [0, 1, 1, 0]
    assert labels.dtype == np.int32


def test_ties_go_to_the_largest_prior_and_then_to_the_first_class():
    p = np.array([[0.2, 0.4, 0.4], [0.4, 0.2, 0.4], [1 / 3] * 3, [0.5, 0.3, 0.2]])
    plain, _ = scorer("Multinomial")
    assert plain.labels(p).tolist() == [1, 0, 0, 0]
    with_priors, _ = scorer("Multinomial", priors=(0.2, 0.4, 0.4))
    assert with_priors.labels(p).tolist() == [1, 2, 1, 0]


def test_a_row_without_an_offset_is_not_measured():
    one, design = scorer("Regression")
    lost = design._replace(offset=np.where(np.arange(ROWS) == 4, math.nan, design.offset))
    rest = np.delete(np.arange(ROWS), 4)
    with_gap, without = (metrics.finish("Regression", s) for s in (measure(one, lost), measure(one, design, rest)))
    assert with_gap.mse() == pytest.approx(without.mse(), rel=1e-7)


def test_a_stratified_sample_bears_classes_that_training_did_not_know():
    _, design = scorer("Multinomial")
    unknown = design._replace(target=np.where(np.arange(ROWS) < 10, 3.0, design.target))
    sample = Sample((0.0, 0.5, 1.0), seed=1)
    rows = sample.rows(unknown, partition=0)
    taken = np.bincount(unknown.target[rows].astype(int), minlength=4)
    assert taken[0] == 0
    assert 0 < taken[1] < (unknown.target == 1).sum()
    assert taken[2] == (unknown.target == 2).sum()
    assert taken[3] == 10
    np.testing.assert_array_equal(rows, sample.rows(unknown, partition=0))
    assert Sample((1.0,), 1).rows(design, 0) is None
    assert 10 < len(Sample((0.5,), 1).rows(design, 0)) < 40


@pytest.mark.parametrize("count", [1, 8, 9, 64, 70, 600])
def test_states_of_many_partitions_are_merged_a_few_at_a_time_and_say_what_all_rows_say(count):
    rng = np.random.default_rng(4)
    actual, predicted = rng.integers(0, 2, 30 * count), rng.random(30 * count)
    parts = np.array_split(np.arange(30 * count), count)
    states = [metrics.measure("Binomial", actual[part], predicted[part]) for part in parts]
    options, sizes, ranks = metrics.Options(domain=("no", "yes")), [], []

    def send(merge, some, priority):
        sizes.append(len(some))
        ranks.append(priority)
        return merge(some)

    few = merged_in_groups(states, send)

    assert max([len(few), *sizes]) <= TOGETHER
    assert ranks == sorted(ranks)
    whole = metrics.finish("Binomial", metrics.measure("Binomial", actual, predicted), options)
    for state in (metrics.merged(few), merged(states)):
        found = metrics.finish("Binomial", state, options)
        assert found.auc() == whole.auc()
        assert found.mse() == pytest.approx(whole.mse(), rel=1e-12)
        assert found.nobs() == 30 * count
