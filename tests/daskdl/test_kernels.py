"""Kernels against the oracle on random small networks: a sum of cases, not a product.

Most cases run the kernels' own source in Python; what compiling could change is held by the golden vectors and by
`test_compiled_kernels_and_their_source_agree`.
"""

from __future__ import annotations

from dataclasses import replace

import compiled
import numpy as np
import oracle
import pytest
from oracle import Net, Options

from daskdl.kernels.items import MANY, spread
from daskdl.kernels.panels import REACH
from daskdl.kernels.tiles import LANES

ROWS, NUMBERS, LEVELS = 12, 3, (3, 2)  # two categorical columns take 3 + 1 and 2 + 1 units
UNITS = sum(LEVELS) + len(LEVELS)
CLOSE = 2e-5  # float32 against float64 after a dozen updates
SGD = Options(activation="tanh", rate=0.05, rate_annealing=0.01, rate_decay=0.9)
MOMENTUM = replace(SGD, momentum_start=0.3, momentum_ramp=6, momentum_stable=0.7)
ADADELTA = Options(activation="tanh", adaptive_rate=True, rho=0.95, epsilon=1e-6)


def random_net(rng, units, activation) -> Net:
    weights, biases = [], []
    for layer in range(1, len(units)):
        channels = (2,) if activation == "maxout" and layer < len(units) - 1 else ()
        weights.append(rng.normal(0, 0.5, (*channels, units[layer], units[layer - 1])).astype(np.float32))
        biases.append(rng.normal(0, 0.3, (*channels, units[layer])).astype(np.float32))
    return Net(weights, biases)


class Case:
    """A random network and rows for some options: what the kernel makes of them, and what the oracle makes."""

    def __init__(self, options: Options, hidden=(5, 4), numbers=NUMBERS, levels=LEVELS, weighted=False, offset=False):
        rng = np.random.default_rng(11)
        self.options = replace(options, entries=numbers + len(levels))
        self.levels = sum(levels) + len(levels)
        starts = np.cumsum([0, *(n + 1 for n in levels)])[:-1]
        active = (
            np.stack([start + rng.integers(0, n + 1, ROWS) for start, n in zip(starts, levels, strict=True)], 1)
            if (levels)
            else np.zeros((ROWS, 0), int)
        )
        if levels:
            active[0, 0] = -1  # a level without a unit: use_all_factor_levels is off
        values = rng.normal(size=(ROWS, numbers)).astype(np.float32)
        values[rng.random(values.shape) < 0.3] = 0
        width = self.levels + numbers
        outputs = width if options.autoencoder else 3 if compiled.is_classifier(options) else 1
        self.net = random_net(rng, [width, *hidden, outputs], options.activation)
        target = rng.integers(0, 3, ROWS) if compiled.is_classifier(options) else rng.gamma(2, 0.5, ROWS)
        weight = rng.choice([0.25, 1.0, 2.0], ROWS) if weighted else None
        shift = rng.normal(0, 0.5, ROWS) if offset else None
        self.rows = compiled.rows_of(values, target, active, weight, shift)
        self.order = [*rng.permutation(ROWS), 3, 3]

    def kernel(self, **more) -> Net:
        more = {"kernels": compiled.interpreted(), **more}
        return compiled.train(self.net, self.rows, self.order, self.options, levels=self.levels, **more)

    def oracle(self, **changes) -> Net:
        rows = compiled.take(self.rows, self.order)
        X = compiled.dense(rows, self.levels)
        return oracle.train(
            self.net, X, rows.target[:, 0].astype(float), range(len(X)), replace(self.options, **changes),
            rows.weight.astype(float), rows.offset.astype(float),
        )  # fmt: skip


def remembers(options: Options) -> bool:
    return bool(options.adaptive_rate or options.momentum_start or options.momentum_stable)


def assert_same(a: Net, b: Net, options: Options, close: float = CLOSE) -> None:
    assert compiled.distance(a, b) < close
    slots = zip(a.weight_slots + a.bias_slots, b.weight_slots + b.bias_slots, strict=True)
    for mine, theirs in slots if remembers(options) else ():
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=close)
    for mine, theirs in zip(a.activity, b.activity, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=close)


CASES = {
    "tanh, cross-entropy, ADADELTA": Case(replace(ADADELTA, loss="crossentropy")),
    "rectifier, gaussian, momentum ramp": Case(replace(MOMENTUM, activation="rectifier")),
    "maxout, laplace, plain momentum": Case(
        replace(MOMENTUM, activation="maxout", loss="laplace", nesterov=False, rate_annealing=0.0)
    ),
    "no hidden layer, softmax": Case(replace(SGD, loss="crossentropy"), hidden=()),
    "no hidden layer, poisson, ADADELTA": Case(replace(ADADELTA, loss="poisson"), hidden=()),
    "no numbers": Case(replace(ADADELTA, activation="rectifier"), numbers=0),
    "no levels, one layer": Case(replace(ADADELTA, loss="quadratic"), levels=(), hidden=(6,)),
    "l1 and l2": Case(replace(SGD, l1=1e-2, l2=2e-2)),
    "max_w2 with levels and maxout": Case(replace(SGD, activation="maxout", max_w2=0.5)),
    "offsets of any sign, tweedie": Case(replace(SGD, loss="tweedie", rate=0.01), offset=True),
    "offsets of any sign, gaussian": Case(SGD, offset=True),
    "row weights": Case(replace(ADADELTA, loss="huber", huber_delta=0.5), weighted=True),
    "slow mode, ADADELTA": Case(replace(ADADELTA, activation="rectifier", fast_mode=False, l2=1e-3)),
    "slow mode, nesterov": Case(replace(MOMENTUM, activation="rectifier", fast_mode=False, l1=1e-3, loss="gamma")),
    "slow mode without memory": Case(replace(SGD, activation="maxout", fast_mode=False, loss="quantile")),
    "autoencoder": Case(replace(SGD, autoencoder=True), hidden=(4,)),
    "autoencoder, absolute": Case(replace(ADADELTA, autoencoder=True, loss="laplace"), hidden=(4, 3, 4)),
    "sparse autoencoder": Case(
        replace(SGD, autoencoder=True, sparsity_beta=2.0, average_activation=-0.2), hidden=(4, 3)
    ),
    "sparse autoencoder, rectifier": Case(
        replace(ADADELTA, activation="rectifier", autoencoder=True, sparsity_beta=1.0, average_activation=0.3)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_online_kernel_moves_a_random_network_as_the_oracle_does(name):
    case = CASES[name]
    moved = case.kernel()
    assert compiled.distance(moved, case.net) > 1e-3
    assert_same(moved, case.oracle(), case.options)
    assert moved.samples == len(case.order)


@pytest.mark.parametrize("name", CASES)
def test_rows_that_share_a_view_see_the_same_weights_and_step_one_after_the_other(name):
    case = CASES[name]
    moved = case.kernel(view=5)
    assert_same(moved, case.oracle(view=5), case.options)
    assert compiled.distance(moved, case.kernel()) > 1e-5


# --- dropout ----------------------------------------------------------------------------------------------------------


DROPOUT = {
    "hidden, tanh": replace(SGD, hidden_dropout=(0.5, 0.3)),
    "hidden, maxout": replace(ADADELTA, activation="maxout", loss="crossentropy", hidden_dropout=(0.4, 0.4)),
    "input, with levels": replace(SGD, input_dropout=0.4),
    "input, autoencoder": replace(SGD, autoencoder=True, input_dropout=0.3),
    "both, rectifier": replace(ADADELTA, activation="rectifier", input_dropout=0.2, hidden_dropout=(0.5, 0.5)),
}


def masked(options: Options, case: Case, seed: int) -> Options:
    active = compiled.take(case.rows, case.order).levels
    return replace(options, masks=compiled.masks_of(seed, NUMBERS, len(LEVELS), options, active))


# out of fast mode the oracle does not visit the losing channel of a maxout unit, so that case is online only
DROPOUT_CASES = [(name, batch) for name in DROPOUT for batch in (1, 5) if batch == 1 or "maxout" not in name]


@pytest.mark.parametrize(("name", "batch"), DROPOUT_CASES)
def test_dropout_is_the_mask_that_the_counters_give(name, batch):
    case = Case(DROPOUT[name])
    options = case.options
    if batch > 1:
        options = case.options = replace(options, fast_mode=False, mini_batch_size=batch)
    moved = case.kernel(seed=99, batch=batch)
    case.options = masked(options, case, 99)
    assert_same(moved, case.oracle(), options)
    case.options = options
    assert compiled.distance(moved, case.kernel(seed=100, batch=batch)) > 1e-3


def test_layers_and_samples_draw_different_masks():
    options = replace(SGD, hidden_dropout=(0.5, 0.5))
    masks = compiled.masks_of(7, NUMBERS, 0, options)
    drawn = np.array([[masks(sample, layer, 64) for layer in (1, 2)] for sample in range(20)]).reshape(40, 64)
    agree = np.mean(drawn[:, None] == drawn[None], axis=2)[~np.eye(40, dtype=bool)]
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)
    assert abs(agree.mean() - 0.5) < 0.01
    assert agree.max() < 0.8


# --- what pulls on weights besides the data ---------------------------------------------------------------------------


@pytest.mark.parametrize("view", [1, 4])
def test_elastic_averaging_pulls_weights_and_biases_to_the_consensus(view):
    options = replace(SGD, elastic_pull=0.3, rate_decay=1.0, rate_annealing=0.0)
    free = Case(options, levels=())
    free.order = [0]
    tied = Case(options, levels=())
    tied.order = [0]
    home = random_net(np.random.default_rng(5), [NUMBERS, 5, 4, 1], "tanh")
    tied.options = replace(options, consensus=home)
    moved, plain = tied.kernel(view=view), free.kernel(view=view)
    live = free.rows.numbers[0] != 0
    assert not live.all()
    pulls = [0.05 * 0.3 * (w - h) for w, h in zip(free.net.weights, home.weights, strict=True)]
    pulls[0][:, ~live] = 0  # fast mode leaves the weights of zero inputs alone
    for a, b, pull in zip(moved.weights, plain.weights, pulls, strict=True):
        np.testing.assert_allclose(b - a, pull, atol=1e-6)
    for a, b, old, there in zip(moved.biases, plain.biases, free.net.biases, home.biases, strict=True):
        np.testing.assert_allclose(b - a, 0.05 * 0.3 * (old - there), atol=1e-6)


def test_out_of_fast_mode_the_channel_that_lost_is_penalised_too():
    options = replace(SGD, activation="maxout", fast_mode=False, l2=0.1, rate=0.1, rate_annealing=0, rate_decay=1.0)
    case = Case(options, levels=())
    case.order = [0]
    moved, won = case.kernel(), oracle.forward(case.net, case.rows.numbers[0], options)[1][1]
    for unit, winner in enumerate(won):
        lost = case.net.weights[0][1 - winner, unit]
        np.testing.assert_allclose(moved.weights[0][1 - winner, unit], lost * (1 - 0.1 * 0.1), atol=1e-6)


# --- mini-batches -----------------------------------------------------------------------------------------------------


BATCHES = {
    "rectifier, cross-entropy, ADADELTA": (replace(ADADELTA, activation="rectifier", loss="crossentropy"), {}),
    "tanh, poisson, momentum": (replace(MOMENTUM, loss="poisson", l1=1e-3, l2=1e-3), {"offset": True}),
    "maxout, gaussian": (replace(SGD, activation="maxout"), {}),
    "no numbers": (replace(MOMENTUM, nesterov=False), {"numbers": 0}),
    "no hidden layer": (replace(ADADELTA, loss="crossentropy"), {"hidden": ()}),
    "sparse autoencoder": (replace(SGD, autoencoder=True, sparsity_beta=1.0, average_activation=0.1), {}),
    "max_w2": (replace(SGD, max_w2=0.6), {}),
    "weights": (replace(SGD, loss="quadratic"), {"weighted": True}),
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_steps_along_the_mean_gradient_as_the_oracle_does(name):
    options, shape = BATCHES[name]
    case = Case(replace(options, fast_mode=False), **shape)
    assert_same(case.kernel(batch=5), case.oracle(mini_batch_size=5), case.options)


@pytest.mark.parametrize("name", ["rectifier, cross-entropy, ADADELTA", "sparse autoencoder", "max_w2", "no numbers"])
def test_batches_that_share_a_view_step_in_their_order(name):
    options, shape = BATCHES[name]
    case = Case(replace(options, fast_mode=False), **shape)
    assert_same(case.kernel(batch=3, view=6), case.oracle(mini_batch_size=3, view=6), case.options)
    assert compiled.distance(case.kernel(batch=3, view=6), case.kernel(batch=3)) > 1e-4


def test_fast_batches_leave_levels_alone_that_do_not_occur():
    case = Case(replace(ADADELTA, l2=0.01))
    case.order = [0, 1, 2]
    moved = case.kernel(batch=3)
    seen = set(case.rows.levels[:3].ravel())
    unseen = [level for level in range(UNITS) if level not in seen]
    assert unseen
    np.testing.assert_array_equal(moved.weights[0][:, unseen], case.net.weights[0][:, unseen])


def test_a_row_of_weight_two_in_a_full_batch_is_the_row_given_twice():
    options = replace(SGD, fast_mode=False, l2=0.01)
    heavy, twice = Case(options), Case(options)
    heavy.order, twice.order = list(range(6)), [0, 0, 1, 2, 2, 3, 4, 5]
    weight = np.ones(ROWS, np.float32)
    weight[[0, 2]] = 2
    heavy.rows = heavy.rows._replace(weight=weight / weight[:6].mean())  # as the trainer scales weights
    a, b = heavy.kernel(batch=6), twice.kernel(batch=8)
    assert compiled.distance(a, b) < 1e-5
    assert compiled.distance(a, heavy.net) > 1e-3


@pytest.mark.parametrize("batch", [1, 4, 20])
def test_a_row_of_weight_zero_is_as_if_absent(batch):
    case, without = Case(ADADELTA), Case(ADADELTA)
    case.order, without.order = [0, 1, 2, 3], [0, 2, 3]
    weight = case.rows.weight.copy()
    weight[1] = 0
    target = case.rows.target.copy()
    target[1] = np.nan
    case.rows = case.rows._replace(weight=weight, target=target)
    if batch > 1:
        without.order = [0, 2, 3]
    moved = case.kernel(batch=batch)
    assert compiled.distance(moved, without.kernel(batch=batch)) < 1e-6
    assert moved.samples == 3


def test_a_level_that_is_active_twice_counts_twice():
    """Hashed columns may meet in one unit: its input is then 2."""
    for batch in (1, 5):
        case = Case(replace(ADADELTA, loss="crossentropy", fast_mode=batch == 1))
        levels = case.rows.levels.copy()
        levels[:6, 1] = levels[:6, 0]
        case.rows = case.rows._replace(levels=levels)
        assert_same(case.kernel(batch=batch), case.oracle(mini_batch_size=batch), case.options)


# --- compiled --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 5], ids=["online", "batches"])
def test_compiled_kernels_and_their_source_agree(batch):
    case = CASES["tanh, cross-entropy, ADADELTA"]  # online this is a combination that the golden vectors compile anyway
    assert_same(case.kernel(kernels=compiled.compiled(), batch=batch), case.kernel(batch=batch), case.options, 2e-6)


def test_a_network_without_numbers_trains_in_compiled_batches():
    case = Case(replace(ADADELTA, loss="crossentropy"), numbers=0)
    moved = case.kernel(kernels=compiled.compiled(), batch=4)
    assert_same(moved, case.kernel(batch=4), case.options, 2e-6)


@pytest.mark.parametrize("batch", [1, 5], ids=["online", "batches"])
def test_layers_wider_than_what_caches_hold_at_a_time_train_as_the_oracle_does(batch):
    case = Case(replace(SGD, loss="crossentropy"), hidden=(MANY, 2 * REACH + 5), levels=())
    for wide in case.net.weights[1:]:
        wide *= np.float32(0.1)  # else units above many others are all saturated, and pass nothing down
    moved = case.kernel(kernels=compiled.compiled(), batch=batch)
    assert compiled.distance(moved, case.net) > 1e-2
    assert_same(moved, case.oracle(mini_batch_size=batch), case.options)


def test_lines_hold_whole_vectors_and_do_not_all_lie_in_the_same_places_of_a_cache():
    widths = np.arange(1, 3000)
    apart = spread(widths)
    assert (apart >= widths).all()
    assert (apart < widths + 2 * LANES).all()
    assert (apart % LANES == 0).all()
    assert (apart % (8 * LANES) != 0).all()


def test_the_cap_counts_a_table_that_moved_since_its_squares_were_summed():
    """Out of fast mode every row of the table moves; the running sums must follow, also where the cap shrinks them."""
    steady = replace(SGD, max_w2=0.7, rate_annealing=0.0)  # all rows in one call: the squares are summed once
    for options in (replace(steady, rate=0.2), replace(steady, momentum_start=0.5, fast_mode=False, l2=0.05)):
        case = Case(options, levels=(9, 8))
        for view in (1, 6):
            moved = case.kernel(view=view)
            assert_same(moved, case.oracle(view=view), options)
            assert np.sum(moved.weights[0] ** 2, axis=1).max() < 0.7 + 1e-5
