"""Laws of what an optimizer may be: any number of slots, rates that change from step to step, loops of vector code."""

from __future__ import annotations

import re

import compiled
import numba
import numpy as np
import oracle
import pytest
from numba.core.caching import NullCache

from daskdl.kernels import jit
from daskdl.kernels.optimizers import OPTIMIZERS, Clock, Optimizer
from daskdl.kernels.optimizers.adam import Adam
from daskdl.kernels.owners import move_by_gradient, move_weights
from daskdl.kernels.penalties import Elastic, Penalties
from daskdl.kernels.schedules import SCHEDULES

f4 = np.float32
BETA_1, BETA_2, RATE, EPSILON = 0.9, 0.99, 0.02, 1e-6


@pytest.fixture(autouse=True)
def nothing_is_kept_on_disk(monkeypatch):
    """A cached kernel names the classes it was compiled for: those of a test nobody else could read."""
    for kernel in [] if numba.config.DISABLE_JIT else jit._kernels:
        monkeypatch.setattr(kernel, "_cache", NullCache())


class Moments(Optimizer):
    """AMSGrad; its correction for the first steps changes from step to step."""

    slots = ("mean", "square", "largest")

    def at(self, clock):
        steps = clock.steps + 1.0
        rates = RATE * np.sqrt(1.0 - BETA_2**steps) / (1.0 - BETA_1**steps)
        return self.compiled, np.repeat(rates[None].astype(f4), clock.layers + 1, axis=0)

    def step(self, w, slots, gradient, rate):
        mean, square, largest = slots
        mean = f4(BETA_1) * mean + f4(1 - BETA_1) * gradient
        square = f4(BETA_2) * square + f4(1 - BETA_2) * gradient * gradient
        largest = np.maximum(largest, square)
        return w - rate * mean / (np.sqrt(largest) + f4(EPSILON)), (mean, square, largest)


def replayed(net: oracle.Net, X, Y, order, options, batch: int, largest=True, decay=0.0, factors=None) -> oracle.Net:
    """The same steps in float64, the correction written as its paper does: on the moments.

    `largest` keeps the largest square (AMSGrad), `decay` is the share of a weight that decays, times the rate,
    `factors` are those of the schedule on each step's rate.
    """
    w = [*net.weights, *net.biases]
    kept = [[np.zeros_like(array) for array in w] for _ in range(3)]
    for number, low in enumerate(range(0, len(order), batch), start=1):
        net = oracle.Net(w[: len(net.weights)], w[len(net.weights) :])
        rows = [oracle.gradients(net, X[i], Y[i], options) for i in order[low : low + batch]]
        found = [sum(parts) / len(rows) for parts in zip(*([*dw, *db] for dw, db in rows), strict=True)]
        for k, gradient in enumerate(found):
            kept[0][k] = BETA_1 * kept[0][k] + (1 - BETA_1) * gradient
            kept[1][k] = BETA_2 * kept[1][k] + (1 - BETA_2) * gradient**2
            kept[2][k] = np.maximum(kept[2][k], kept[1][k]) if largest else kept[1][k]
            mean, square = kept[0][k] / (1 - BETA_1**number), kept[2][k] / (1 - BETA_2**number)
            floor = EPSILON / np.sqrt(1 - BETA_2**number)
            rate = RATE if factors is None else RATE * factors[number - 1]
            w[k] = w[k] - rate * mean / (np.sqrt(square) + floor) - rate * decay * w[k]
    return oracle.Net(w[: len(net.weights)], w[len(net.weights) :])


@pytest.mark.parametrize("batch", [1, 4])
def test_three_slots_and_a_rate_of_every_step_move_a_network_as_float64_does(batch):
    rng = np.random.default_rng(5)
    X, Y, order = rng.normal(size=(12, 3)), rng.normal(size=12), [*range(12), *range(10)]
    net = oracle.Net([rng.normal(size=(4, 3)), rng.normal(size=(1, 4))], [rng.normal(size=4), rng.normal(size=1)])
    options = oracle.Options(activation="tanh", fast_mode=False)
    found = compiled.train(
        net, compiled.rows_of(X, Y), order, options, batch=batch, kernels=compiled.interpreted(),
        own_optimizer=Moments(),
    )  # fmt: skip
    expected = replayed(net, X, Y, order, options, batch)
    assert compiled.distance(net, expected) > 0.1  # it moved
    assert compiled.distance(found, expected) < 2e-5


def small_case():
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(12, 3)), rng.normal(size=12)
    net = oracle.Net([rng.normal(size=(4, 3)), rng.normal(size=(1, 4))], [rng.normal(size=4), rng.normal(size=1)])
    return net, X, Y, [*range(12), *range(10)]


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_moves_a_network_as_float64_does(batch, decay):
    net, X, Y, order = small_case()
    options = oracle.Options(activation="tanh", fast_mode=False)
    found = compiled.train(
        net, compiled.rows_of(X, Y), order, options, batch=batch, kernels=compiled.interpreted(),
        own_optimizer=Adam(RATE, BETA_1, BETA_2, EPSILON, decay),
    )  # fmt: skip
    expected = replayed(net, X, Y, order, options, batch, largest=False, decay=decay)
    assert compiled.distance(net, expected) > 0.1  # it moved
    assert compiled.distance(found, expected) < 2e-5


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_step_of_a_batch_has_the_rate_of_the_schedule(name):
    net, X, Y, order = small_case()
    options = oracle.Options(activation="tanh", fast_mode=False)
    spec = SCHEDULES[name]()
    found = compiled.train(
        net, compiled.rows_of(X, Y), order, options, batch=4, kernels=compiled.interpreted(),
        own_optimizer=Adam(RATE, BETA_1, BETA_2, EPSILON), schedule=spec,
    )  # fmt: skip
    factors = spec.factors(np.clip((np.arange(6) * 4 + 2) / len(order), 0, 1))
    expected = replayed(net, X, Y, order, options, 4, largest=False, factors=factors)
    assert compiled.distance(found, expected) < 2e-5


@pytest.mark.parametrize("kind", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_an_optimizer_gives_every_layer_a_rate_for_every_step(kind):
    _, rates = kind().at(Clock(samples=100.0, batch=4, layers=3, count=7, pace=2.0))
    assert rates.shape == (4, 7)
    assert rates.dtype == f4
    assert rates.flags.c_contiguous


def test_a_clock_counts_the_steps_of_one_worker():
    np.testing.assert_array_equal(Clock(samples=100.0, batch=5, count=3, pace=2.0).steps, [10, 11, 12])


# --- speed ------------------------------------------------------------------------------------------------------------


class Six(Optimizer):
    """Running means of running means."""

    slots = ("a", "b", "c", "d", "e", "f")

    def step(self, w, slots, gradient, rate):
        a, b, c, d, e, f = slots
        a = f4(0.9) * a + gradient
        b, c, d = f4(0.9) * b + a, f4(0.9) * c + b, f4(0.9) * d + c
        e, f = f4(0.9) * e + d, f4(0.9) * f + e
        return w - rate * f, (a, b, c, d, e, f)


def a_sum(optimizer, penalties, pull, network, values, delta, rate, masked):
    return move_weights(optimizer, penalties, pull, network, 0, delta, rate, values, 0, len(values), masked)


def a_gradient(optimizer, penalties, pull, network, values, delta, rate, masked):
    return move_by_gradient(optimizer, penalties, pull, network, 0, values, rate, masked)


@pytest.mark.parametrize("move", [a_sum, a_gradient], ids=["by rows", "by batches"])
@pytest.mark.parametrize("spec", [Adam(), Moments(), Six()], ids=["adam", "three slots", "six slots"])
def test_the_loop_over_weights_is_vector_code_for_any_number_of_slots(spec, move):
    if numba.config.DISABLE_JIT:
        pytest.skip("nothing is compiled where NUMBA_DISABLE_JIT is set")
    net = oracle.Net([np.ones((1, 64))], [np.zeros(1)])
    network = compiled.layout_of(net).network(compiled.state_of(net, compiled.layout_of(net)))
    network = network._replace(slots=np.zeros((len(spec.slots), len(network.weights)), f4))
    pull = Elastic(f4(0), np.zeros(len(network.weights), f4))  # one array more
    loop = numba.njit(nogil=True, _nrt=False, fastmath=jit.FAST_MATH, error_model="numpy")(move)
    given = spec.compiled, Penalties(f4(0), f4(0), f4(np.inf)), pull, network, np.ones(64, f4), f4(1), f4(0.5), True
    expected = spec.step(np.ones(64), np.zeros((len(spec.slots), 64)), np.ones(64), 0.5)
    assert loop(*given) == pytest.approx(64)
    np.testing.assert_allclose(network.weights[:64], expected[0], rtol=1e-6)
    np.testing.assert_allclose(network.slots[:, :64], expected[1], rtol=1e-6)
    code = loop.inspect_llvm(loop.signatures[0])
    assert re.search(r"^vector\.body", code, re.MULTILINE)
    assert not re.search(r"call [^@]*@(llvm\.)?(exp|log|pow|powf|expf|logf)\b", code)
    assert "vmaskmov" not in loop.inspect_asm(loop.signatures[0])  # a store of AVX2 that takes AMD's processors an age
