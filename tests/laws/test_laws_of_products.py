"""Every activation with every distribution: the predictor, the compiled kernels and the oracle are one network."""

from __future__ import annotations

import itertools

import compiled
import numpy as np
import oracle
import pytest

from daskdl.kernels.activations import ACTIVATIONS
from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution
from daskdl.kernels.jit import kernel
from daskdl.kernels.panels import forward, hidden_errors, load_lines, output_errors
from daskdl.scoring.predictor import Predictor

f4 = np.float32
ROWS, NUMBERS, LEVELS, HIDDEN = 10, 3, 4, (4, 3)


def families() -> list[Distribution]:
    """Every distribution; one of classes with each of its losses, one of numbers with numbers of its own."""
    found = []
    for kind in DISTRIBUTIONS.values():
        found += [kind(quadratic) for quadratic in (False, True)] if kind.classes is not None else [kind()]
    return found


PAIRS = list(itertools.product(ACTIVATIONS, families()))


# The three parts of `panels.pass_panel`: compiled for every activation and every distribution, not for every pair.


@kernel
def ahead(activation, network, rows, settings, view, own):
    """Take the first panel forward."""
    load_lines(network, rows, 0, 0, len(rows.weight), settings, view, own.board)
    for layer in range(1, len(network.units)):
        units = network.units[layer]
        count, board, winner = len(rows.weight), own.board, own.winner
        forward(activation, network, layer, rows, 0, 0, count, 0, units, settings, view, own, board, winner)


@kernel
def judged(distribution, network, rows, settings, view, own):
    """Fill the errors of the output layer."""
    output_errors(distribution, network, rows, 0, 0, len(rows.weight), settings, view, own, own.board)


@kernel
def back(activation, network, view, own):
    """Fill the errors of the hidden layers."""
    for layer in range(len(network.units) - 2, 0, -1):
        hidden_errors(activation, network, layer, 0, 0, network.units[layer], view, own, own.board, own.winner)


def options_of(activation: str, family: Distribution) -> oracle.Options:
    """The pair in the oracle's words; a name that it does not know yet it refuses."""
    loss = family.loss_name.lower() if family.classes is not None else family.name
    own = {theirs: getattr(family, ours) for name, (ours, theirs) in compiled.NUMBERS.items() if name == family.name}
    return oracle.Options(activation.lower(), loss, rate=0.02, entries=NUMBERS + 1, **own)


class Case:
    """A small network, its rows with a categorical column, targets that suit the distribution."""

    def __init__(self, activation: str, family: Distribution):
        rng = np.random.default_rng(17)
        self.options = options_of(activation, family)
        self.classes = 0 if family.classes is None else 2 if family.classes[1] == 2 else 3
        pieces = ACTIVATIONS[activation].pieces
        units = [LEVELS + NUMBERS, *HIDDEN, self.classes or 1]
        weights, biases = [], []
        for layer, (width, height) in enumerate(itertools.pairwise(units)):
            several = (pieces,) if pieces > 1 and layer < len(HIDDEN) else ()
            weights.append(rng.normal(0, 0.6, (*several, height, width)).astype(f4))
            biases.append(rng.normal(0, 0.3, (*several, height)).astype(f4))
        self.net = oracle.Net(weights, biases)
        target = rng.integers(0, self.classes, ROWS) if self.classes else rng.gamma(2, 0.5, ROWS)
        self.rows = compiled.rows_of(rng.normal(size=(ROWS, NUMBERS)), target, rng.integers(-1, LEVELS, (ROWS, 1)))
        self.X, self.Y = compiled.dense(self.rows, LEVELS), self.rows.target[:, 0].astype(float)
        self.activation, self.family = ACTIVATIONS[activation](), family
        category = {0: "Regression", 2: "Binomial", 3: "Multinomial"}[self.classes]
        self.predictor = Predictor(compiled.layout_of(self.net, LEVELS), category, self.activation, family)


@pytest.mark.parametrize(("activation", "family"), PAIRS, ids=repr)
def test_predictor_kernels_and_oracle_agree_on_outputs_predictions_and_errors(activation, family):
    case = Case(activation, family)
    layout = case.predictor.layout
    state = compiled.state_of(case.net, layout)
    network = layout.network(state)
    kernels = compiled.compiled()
    view = kernels.views.make_view(network, 1, ROWS, 1)
    own = kernels.views.make_workspace(network, view, whole_table=False)
    settings = compiled.settings_of(case.options, layout.depth, 0, 0)
    ahead(case.activation.compiled, network, case.rows, settings, view, own)
    judged(family.compiled, network, case.rows, settings, view, own)
    back(case.activation.compiled, network, view, own)

    passes = [oracle.backward(case.net, x, y, case.options) for x, y in zip(case.X, case.Y, strict=True)]
    outputs = np.array([oracle.forward(case.net, x, case.options)[0][-1] for x in case.X])
    sums = own.board[view.bases[-1] * 16 :].reshape(-1, 16)[:, :ROWS].T
    np.testing.assert_allclose(sums, outputs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(case.predictor.net_outputs(state.weights, case.rows), outputs, rtol=1e-5, atol=1e-5)
    predicted = case.predictor.predict(state.weights, case.rows)
    np.testing.assert_allclose(predicted, oracle.predict(case.net, case.X, case.options), rtol=1e-5, atol=1e-5)
    for layer in range(1, layout.depth + 1):
        expected = np.array([one[layer - 1][0].ravel() for one in passes])
        height = expected.shape[1]
        found = view.deltas[view.delta_at[layer] :][: height * 16].reshape(height, 16)[:, :ROWS].T
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)
        assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize(("activation", "family"), PAIRS, ids=repr)
def test_a_few_steps_move_every_pair_as_the_oracle_does_and_are_predicted_alike(activation, family):
    case = Case(activation, family)
    moved = compiled.train(case.net, case.rows, range(4), case.options, levels=LEVELS, kernels=compiled.interpreted())
    expected = oracle.train(case.net, case.X, case.Y, range(4), case.options)
    assert compiled.distance(moved, case.net) > 1e-4
    assert compiled.distance(moved, expected) < 2e-5
    state = compiled.state_of(moved, case.predictor.layout)
    predicted = case.predictor.predict(state.weights, case.rows)
    np.testing.assert_allclose(predicted, oracle.predict(expected, case.X, case.options), rtol=1e-4, atol=1e-4)
