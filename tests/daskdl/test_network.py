"""The network as data: places in one buffer, first weights, averages, given and adopted weights, its status table."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.coordinator.stopping import instability
from daskdl.encoding.encoder import Moments, Response, Scaling, Statistics, fit
from daskdl.model.status_table import broken, description, layer_statistics, status_table
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.network.state import State, average
from daskdl.parameters import Facts, Parameters, resolve
from daskdl.training.first_weights import adopt_autoencoder, first_state
from frames.chunks.column import Column
from frames.exceptions import H2OJobError

LAYOUTS = st.builds(
    Layout,
    levels=st.integers(0, 5),
    numbers=st.integers(0, 4),
    hidden=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    outputs=st.integers(1, 3),
    pieces=st.sampled_from([1, 2]),
)


@settings(max_examples=40, deadline=None)
@given(LAYOUTS)
def test_the_blocks_of_a_layout_fill_its_buffer_exactly_once(layout):
    buffer = np.zeros(layout.size)
    for layer in range(1, layout.depth + 1):
        layout.dense(buffer, layer)[:] += 1
        layout.bias(buffer, layer)[:] += 1
    layout.level_table(buffer)[:] += 1
    assert (buffer == 1).all()
    units = [layout.inputs, *layout.hidden, layout.outputs]
    pieces = [layout.pieces] * len(layout.hidden) + [1]
    assert layout.size == sum(p * b * (a + 1) for a, b, p in zip(units, units[1:], pieces, strict=False))
    assert Layout.from_dict(json.loads(json.dumps(layout.to_dict())), layout.slots) == layout


@settings(max_examples=40, deadline=None)
@given(LAYOUTS, st.integers(0, 99))
def test_a_matrix_comes_back_as_it_was_set(layout, seed):
    buffer, rng = np.zeros(layout.size, np.float32), np.random.default_rng(seed)
    matrices = []
    for layer in range(1, layout.depth + 1):
        below = layout.inputs if layer == 1 else int(layout.units[layer - 1])
        matrices.append(rng.normal(size=(int(layout.heights[layer]), below)).astype(np.float32))
        layout.set_matrix(buffer, layer, matrices[-1])
    for layer, matrix in enumerate(matrices, start=1):
        np.testing.assert_array_equal(layout.matrix(buffer, layer), matrix)
        assert not np.shares_memory(layout.matrix(buffer, layer), buffer)


def test_the_kernels_view_shares_the_states_memory():
    layout = Layout(2, 3, (4,), 1)
    state = layout.empty()
    network = layout.network(state)
    network.weights[0] = 7
    assert state.weights[0] == 7
    assert [a.dtype for a in state] == [np.float32] * 3
    assert state.nbytes == 4 * (3 * layout.size + 4)


# --- first weights ----------------------------------------------------------------------------------------------------


def test_adaptive_weights_are_uniform_within_the_reach_of_the_layers_sizes():
    layout = Layout(20, 30, (40, 60), 5)
    state = initialise(layout, FirstWeights(), seed=3)
    for layer, (below, units) in enumerate([(50, 40), (40, 60), (60, 5)], start=1):
        w, reach = layout.matrix(state.weights, layer), math.sqrt(6 / (below + units))
        assert 0.9 * reach < abs(w).max() <= reach
        assert abs(w.mean()) < 5 * reach / math.sqrt(3 * w.size)
        assert w.std() == pytest.approx(reach / math.sqrt(3), rel=0.1)
    assert [set(layout.bias(state.weights, l).tolist()) for l in (1, 2, 3)] == [{0.5}, {1.0}, {0.0}]
    assert not state.slots.any()
    assert not state.activity.any()


def test_maxout_counts_units_and_not_pieces_in_its_reach():
    layout = Layout(0, 30, (40,), 1, pieces=2)
    w = layout.matrix(initialise(layout, FirstWeights(), 1).weights, 1)
    assert w.shape == (80, 30)
    assert abs(w).max() == pytest.approx(math.sqrt(6 / 70), rel=0.02)


def test_other_distributions_take_their_scale():
    layout = Layout(0, 50, (60,), 1)
    uniform = layout.matrix(initialise(layout, FirstWeights("Uniform", 0.25), 1).weights, 1)
    normal = layout.matrix(initialise(layout, FirstWeights("Normal", 0.25), 1).weights, 1)
    assert 0.24 < abs(uniform).max() <= 0.25
    assert normal.std() == pytest.approx(0.25, rel=0.05)
    assert abs(normal).max() > 0.6


def test_weights_depend_on_the_seed_alone_and_layers_differ():
    layout = Layout(0, 6, (6, 6), 6)
    one, again, other = (initialise(layout, FirstWeights(), seed) for seed in (-5, -5, 6))
    np.testing.assert_array_equal(one.weights, again.weights)
    assert not np.array_equal(one.weights, other.weights)
    assert not np.array_equal(layout.matrix(one.weights, 1), layout.matrix(one.weights, 2))


# --- averages ---------------------------------------------------------------------------------------------------------


def states(*values: float) -> list[State]:
    shapes = (3, (2, 3), 3)
    return [State(*(np.full(shape, v * k, np.float32) for k, shape in enumerate(shapes, start=1))) for v in values]


def test_an_average_weighs_by_samples_and_averages_everything():
    mean = average(states(1, 5), [3, 1])
    assert [array.flat[0] for array in mean] == pytest.approx([2, 4, 6])
    assert average(states(1, 5), [0, 0]).weights[0] == 3
    assert average(states(1, 5), [0, 9]).weights[0] == 5


def test_an_average_changes_none_of_its_states():
    given_states = states(1, 2)
    before = [state.copy() for state in given_states]
    average(given_states, [1, 1])
    assert all(
        np.array_equal(a, b) for s, t in zip(given_states, before, strict=True) for a, b in zip(s, t, strict=True)
    )
    alone = average(given_states[:1], [4])
    assert not np.shares_memory(alone.weights, given_states[0].weights)


# --- given and adopted weights ----------------------------------------------------------------------------------------

COLOUR, X = Column("colour", "enum", ("blue", "red")), Column("x", "real")
FACTS = Facts(rows=100, response="y", classes=1, response_type="real")


def encoder(**options):
    statistics = Statistics({"x": Moments(0.0, 1.0, -1.0, 1.0)}, {"colour": np.ones(2)}, {}, {})
    statistics = statistics._replace(missing={"colour": 0, "x": 0})
    return fit([COLOUR, X], statistics, Response("y", None), scaling=Scaling(), **options)


def test_a_missing_unit_that_was_never_seen_starts_at_zero():
    layout = Layout(3, 1, (5,), 1)
    resolved = resolve(Parameters(hidden=(5,), seed=1), FACTS)
    unseen = first_state(resolved, layout, encoder(), [False])
    seen = first_state(resolved, layout, encoder(), [True])
    assert not layout.level_table(unseen.weights)[2].any()
    assert layout.level_table(seen.weights)[2].any()
    np.testing.assert_array_equal(layout.level_table(unseen.weights)[:2], layout.level_table(seen.weights)[:2])


def test_hashed_units_are_shared_and_none_of_them_is_the_missing_one():
    layout = Layout(2, 1, (5,), 1)
    resolved = resolve(Parameters(hidden=(5,), seed=1), FACTS)
    assert layout.level_table(first_state(resolved, layout, encoder(slots=2), [False]).weights).all()


def test_given_weights_and_biases_replace_drawn_ones_each_for_itself():
    layout = Layout(3, 1, (2,), 1)
    resolved = resolve(Parameters(hidden=(2,), seed=1), FACTS)
    drawn = first_state(resolved, layout, encoder(), [True])
    w = np.arange(8.0).reshape(2, 4)
    state = first_state(resolved, layout, encoder(), [True], [w, None], [None, np.array([9.0])])
    np.testing.assert_array_equal(layout.matrix(state.weights, 1), w)
    np.testing.assert_array_equal(layout.matrix(state.weights, 2), layout.matrix(drawn.weights, 2))
    np.testing.assert_array_equal(layout.bias(state.weights, 1), layout.bias(drawn.weights, 1))
    assert layout.bias(state.weights, 2).tolist() == [9.0]


@pytest.mark.parametrize("kind", ["initial_weights", "initial_biases"])
def test_given_weights_of_another_shape_are_refused(kind):
    layout, wrong = Layout(3, 1, (2,), 1), {"initial_weights": np.zeros((2, 3)), "initial_biases": np.zeros(3)}[kind]
    given_ones = ([wrong], ()) if kind == "initial_weights" else ((), [wrong])
    with pytest.raises(H2OJobError, match=f"{kind} number 0 must have shape"):
        first_state(resolve(Parameters(hidden=(2,), seed=1), FACTS), layout, encoder(), [True], *given_ones)


def test_hidden_layers_of_an_autoencoder_are_adopted_and_its_output_is_not():
    layout, other = Layout(3, 1, (4, 2), 1), Layout(3, 1, (4, 2), 4)
    mine, theirs = initialise(layout, FirstWeights(), 1), initialise(other, FirstWeights("Normal"), 2)
    theirs.weights[:] += 1
    found = adopt_autoencoder(mine, layout, theirs, other)
    for layer in (1, 2):
        np.testing.assert_array_equal(layout.matrix(found.weights, layer), other.matrix(theirs.weights, layer))
        np.testing.assert_array_equal(layout.bias(found.weights, layer), other.bias(theirs.weights, layer))
    np.testing.assert_array_equal(layout.matrix(found.weights, 3), layout.matrix(mine.weights, 3))
    assert not np.shares_memory(found.weights, mine.weights)
    with pytest.raises(H2OJobError, match="Mismatch between weights"):
        adopt_autoencoder(mine, layout, theirs, Layout(3, 2, (4, 2), 4))


# --- status -----------------------------------------------------------------------------------------------------------


def test_layer_statistics_are_means_and_root_mean_squares_table_included():
    layout = Layout(3, 2, (4,), 1)
    state = initialise(layout, FirstWeights("Normal"), 1)
    for layer, found in enumerate(layer_statistics(layout, state), start=1):
        w, b = layout.matrix(state.weights, layer).astype(float), layout.bias(state.weights, layer).astype(float)
        expected = (w.mean(), math.sqrt((w**2).mean()), b.mean(), math.sqrt((b**2).mean()))
        assert tuple(found) == pytest.approx(expected, rel=1e-6)


def test_layer_statistics_show_weights_that_are_not_numbers():
    layout = Layout(0, 2, (2,), 1)
    state = layout.empty()
    state.weights[0] = np.nan
    assert math.isnan(layer_statistics(layout, state)[0][0])
    state.weights[0] = 3e38
    assert layer_statistics(layout, state)[0][1] > 1e10


@pytest.mark.parametrize("value", [0.0, 1e4, -2e5, 1e9, 3e38, np.nan, np.inf, -np.inf])
def test_a_quick_look_at_the_weights_says_what_the_statistics_say(value):
    layout = Layout(3, 2, (4,), 1)
    for place in range(layout.size):
        state = initialise(layout, FirstWeights("Normal"), 1)
        state.weights[place] = value
        assert broken(layout, state) == instability(layer_statistics(layout, state))


def model(parameters: Parameters, layout: Layout, samples: int = 1000) -> SimpleNamespace:
    resolved = resolve(parameters, FACTS)
    return SimpleNamespace(
        layout=layout, resolved=resolved, state=initialise(layout, FirstWeights("Normal"), 1), category="Regression",
        response="y", samples=samples, epochs=1.0, notes={"staleness": 32},
    )  # fmt: skip


def test_the_status_table_has_a_row_per_layer_in_h2os_words():
    parameters = Parameters(hidden=(4, 3), activation="MaxoutWithDropout", l1=0.5, input_dropout_ratio=0.1, seed=1)
    table = status_table(model(parameters, Layout(3, 2, (4, 3), 1, pieces=2)))
    rows = [dict(zip(table.col_header, row, strict=True)) for row in table.cell_values]
    assert [row["type"] for row in rows] == ["Input", "MaxoutDropout", "MaxoutDropout", "Linear"]
    assert [row["units"] for row in rows] == [5, 4, 3, 1]
    assert [row["dropout"] for row in rows] == [10.0, 50.0, 50.0, None]
    assert [row["layer"] for row in rows] == [1, 2, 3, 4]
    assert rows[1]["l1"] == 0.5
    assert rows[1]["mean_rate"] == pytest.approx(1.0)  # no step was made: sqrt(epsilon / epsilon)
    assert rows[0]["mean_weight"] is None


def test_the_status_table_shows_annealed_rates_ramped_momentum_and_deviations():
    parameters = Parameters(
        hidden=(4,), adaptive_rate=False, rate=0.1, rate_annealing=1e-3, rate_decay=0.5, momentum_start=0.2,
        momentum_stable=0.8, momentum_ramp=2000, seed=1,
    )  # fmt: skip
    it = model(parameters, Layout(0, 5, (4,), 1))
    table = status_table(it)
    rows = [dict(zip(table.col_header, row, strict=True)) for row in table.cell_values]
    assert [row["mean_rate"] for row in rows[1:]] == pytest.approx([0.05, 0.025])
    assert rows[1]["momentum"] == pytest.approx(0.5)
    w = it.layout.matrix(it.state.weights, 1).astype(float)
    assert (rows[1]["mean_weight"], rows[1]["weight_rms"]) == pytest.approx((w.mean(), w.std()), rel=1e-6)
    assert "predicting y, regression, gaussian distribution, Quadratic loss, 29 weights/biases" in description(it)
    assert "1,000 training samples, mini-batch size 1, staleness 32" in description(it)


@pytest.mark.parametrize(("activation", "pieces"), [("Tanh", 1), ("Maxout", 2)])
def test_where_given_weights_and_biases_have_gaps_the_drawn_ones_stay(activation, pieces):
    layout = Layout(3, 1, (2,), 1, pieces=pieces)
    resolved = resolve(Parameters(hidden=(2,), seed=1, activation=activation), FACTS)
    drawn = first_state(resolved, layout, encoder(), [True])
    for layer, units in ((1, 2 * pieces), (2, 1)):
        below = layout.matrix(drawn.weights, layer).shape[1]
        w, b = np.arange(units * below, dtype=float).reshape(units, below), np.arange(units, dtype=float)
        w[0, 1] = b[0] = np.nan
        given_ones = [[None] * (layer - 1) + [one] for one in (w, b)]
        state = first_state(resolved, layout, encoder(), [True], *given_ones)
        for found, before, wished in (
            (layout.matrix(state.weights, layer), layout.matrix(drawn.weights, layer), w),
            (layout.bias(state.weights, layer), layout.bias(drawn.weights, layer), b),
        ):
            np.testing.assert_array_equal(found, np.where(np.isnan(wished), before, wished).astype(np.float32))


def test_given_weights_that_are_infinite_are_refused():
    wrong = np.array([[1.0, np.inf, 1.0, 1.0]] * 2)
    with pytest.raises(H2OJobError, match="initial_weights number 0 must hold finite numbers; one is infinite"):
        first_state(resolve(Parameters(hidden=(2,), seed=1), FACTS), Layout(3, 1, (2,), 1), encoder(), [True], [wrong])
