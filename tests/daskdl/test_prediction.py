"""Predictions in NumPy: equal to the oracle's for the same weights, on the scale of the response."""

from __future__ import annotations

import compiled
import numpy as np
import oracle
import pytest

from daskdl.kernels.activations.rectifier import Rectifier
from daskdl.kernels.activations.tanh import Tanh
from daskdl.kernels.distributions import DISTRIBUTIONS
from daskdl.kernels.distributions.log_link import EXP_CAP
from daskdl.scoring.predictor import Predictor

ROWS, LEVELS, NUMBERS = 25, 6, 3


def network(activation: str, hidden: tuple[int, ...], outputs: int, levels: int = LEVELS, numbers: int = NUMBERS):
    rng = np.random.default_rng(21)
    units, weights, biases = [levels + numbers, *hidden, outputs], [], []
    for layer in range(1, len(units)):
        channels = (2,) if activation == "maxout" and layer < len(units) - 1 else ()
        weights.append(rng.normal(0, 0.6, (*channels, units[layer], units[layer - 1])).astype(np.float32))
        biases.append(rng.normal(0, 0.6, (*channels, units[layer])).astype(np.float32))
    return oracle.Net(weights, biases)


def rows(levels: int = LEVELS, numbers: int = NUMBERS, offset=None):
    rng = np.random.default_rng(22)
    active = rng.integers(-1, levels, (ROWS, 2)) if levels else None
    if levels:
        active[0] = [2, 2]  # hashed columns may meet
    return compiled.rows_of(rng.normal(size=(ROWS, numbers)), levels=active, offset=offset)


CASES = {
    "tanh, binomial": ("Binomial", "bernoulli", {"activation": "tanh", "loss": "crossentropy"}, (5,), 2, {}),
    "rectifier, multinomial, dropout": (
        "Multinomial", "multinomial",
        {"activation": "rectifier", "loss": "crossentropy", "hidden_dropout": (0.5, 0.2)}, (5, 4), 3, {},
    ),
    "maxout, gaussian": ("Regression", "gaussian", {"activation": "maxout"}, (5, 4), 1, {}),
    "no hidden layer, poisson": ("Regression", "poisson", {"loss": "poisson"}, (), 1, {}),
    "no numbers": ("Regression", "gaussian", {"activation": "tanh"}, (5,), 1, {"numbers": 0}),
    "no levels": ("Regression", "tweedie", {"activation": "tanh", "loss": "tweedie"}, (5,), 1, {"levels": 0}),
    "autoencoder": ("AutoEncoder", "gaussian", {"activation": "tanh", "autoencoder": True}, (4,), 9, {}),
    "rectifier autoencoder, dropout": (
        "AutoEncoder", "gaussian",
        {"activation": "rectifier", "autoencoder": True, "hidden_dropout": (0.3,)}, (4,), 9, {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_predictions_are_the_oracles(name):
    category, family, words, hidden, outputs, shape = CASES[name]
    options, levels = oracle.Options(**words), shape.get("levels", LEVELS)
    net, data = network(options.activation, hidden, outputs, **shape), rows(**shape)
    layout = compiled.layout_of(net, levels)
    predictor = Predictor(
        layout,
        category,
        compiled.activation(options, compiled.compiled()),
        DISTRIBUTIONS[family](),
        options.hidden_dropout,
    )
    weights = compiled.state_of(net, layout).weights
    found = predictor.predict(weights, data)
    assert found.dtype == np.float64
    expected = oracle.predict(net, compiled.dense(data, levels), options)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def test_a_response_is_mapped_back_to_its_scale_and_offsets_join_before_that():
    net, offset = network("tanh", (5,), 1), np.random.default_rng(1).normal(size=ROWS)
    layout = compiled.layout_of(net, LEVELS)
    weights, data = compiled.state_of(net, layout).weights, rows(offset=offset * 4.0)  # offsets arrive scaled by mul
    scaled = Predictor(layout, "Regression", Tanh(), DISTRIBUTIONS["gaussian"](), sub=10.0, mul=4.0)
    wide = compiled.dense(data, LEVELS)
    plain = oracle.predict(net, wide, oracle.Options(activation="tanh"))
    np.testing.assert_allclose(scaled.predict(weights, data), plain / 4 + 10 + offset, rtol=1e-5)
    log = Predictor(layout, "Regression", Tanh(), DISTRIBUTIONS["poisson"]())
    data = rows(offset=offset)
    expected = oracle.predict(net, wide, oracle.Options(activation="tanh", loss="poisson"), offset)
    np.testing.assert_allclose(log.predict(weights, data), expected, rtol=1e-5)


def test_log_links_are_capped():
    predictor = Predictor(compiled.layout_of(network("tanh", (), 1)), "Regression", Tanh(), DISTRIBUTIONS["gamma"]())
    assert predictor.respond(np.array([1000.0, -1000.0])).tolist() == [float(EXP_CAP), 0.0]


def test_class_shares_of_balanced_training_are_undone():
    net = network("tanh", (5,), 3)
    layout = compiled.layout_of(net, LEVELS)
    weights, data = compiled.state_of(net, layout).weights, rows()
    plain = Predictor(layout, "Multinomial", Tanh(), DISTRIBUTIONS["multinomial"]()).predict(weights, data)
    corrected = Predictor(layout, "Multinomial", Tanh(), DISTRIBUTIONS["multinomial"](), correction=(0.5, 1.0, 3.0))
    expected = plain * [0.5, 1.0, 3.0]
    np.testing.assert_allclose(corrected.predict(weights, data), expected / expected.sum(axis=1, keepdims=True))


def test_softmax_bears_large_outputs():
    p = DISTRIBUTIONS["multinomial"]().probabilities(np.array([[1000.0, 0.0], [-1e30, 1e30]]))
    assert p.tolist() == [[1, 0], [0, 1]]


def test_hidden_values_are_those_of_the_oracle_and_change_no_input():
    net, options = network("rectifier", (5, 4), 1), oracle.Options(hidden_dropout=(0.5, 0.25))
    layout = compiled.layout_of(net, LEVELS)
    weights, data = compiled.state_of(net, layout).weights, rows()
    before = data.numbers.copy()
    predictor = Predictor(layout, "Regression", Rectifier(), DISTRIBUTIONS["gaussian"](), (0.5, 0.25))
    for depth in (1, 2):
        expected = [oracle.forward(net, x, options)[0][depth] for x in compiled.dense(data, LEVELS)]
        np.testing.assert_allclose(predictor.hidden_values(weights, data, depth), expected, atol=1e-5)
    np.testing.assert_array_equal(data.numbers, before)


def test_the_clean_input_shows_levels_first_and_counts_levels_that_meet():
    layout = compiled.layout_of(network("tanh", (4,), 9), LEVELS)
    predictor, data = Predictor(layout, "AutoEncoder", Tanh(), DISTRIBUTIONS["gaussian"]()), rows()
    data.levels[0] = [1, 3]
    clean = predictor.clean_input(data)
    np.testing.assert_array_equal(clean, compiled.dense(data, LEVELS).astype(np.float32))


def test_a_trained_compiled_network_predicts_what_the_trained_oracle_predicts():
    rng, options = np.random.default_rng(8), oracle.Options(activation="tanh", rate=0.1)
    net, data = network("tanh", (5,), 1), rows()
    data = data._replace(target=rng.normal(size=(ROWS, 1)).astype(np.float32))
    wide = compiled.dense(data, LEVELS)
    trained = compiled.train(net, data, range(ROWS), options, levels=LEVELS)
    expected = oracle.train(net, wide, data.target[:, 0], range(ROWS), options)
    layout = compiled.layout_of(net, LEVELS)
    found = Predictor(layout, "Regression", Tanh(), DISTRIBUTIONS["gaussian"]()).predict(
        compiled.state_of(trained, layout).weights, data
    )
    np.testing.assert_allclose(found, oracle.predict(expected, wide, options), atol=1e-5)


@pytest.mark.parametrize("weight", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize(("category", "family"), [("Binomial", "bernoulli"), ("Regression", "gaussian")])
def test_weights_that_ran_away_predict_without_a_numpy_warning(category, family, weight):
    """The model finds the NaN and says what it means; a warning about a matrix product would only puzzle."""
    layout = compiled.layout_of(network("tanh", (5,), 2 if category == "Binomial" else 1), LEVELS)
    found = Predictor(layout, category, Tanh(), DISTRIBUTIONS[family]()).predict(
        np.full(layout.size, weight, np.float32), rows()
    )
    if not weight < np.inf:
        assert not np.isfinite(found).any()
