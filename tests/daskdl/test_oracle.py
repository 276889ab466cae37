"""The oracle is right: it repeats what H2O 3.46 computed, and its gradients are those of the losses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from oracle import Net, Options, expand, forward, gradients, predict, softmax, train

# Made-up data; every row of GOLDEN is what H2O 3.46.0.12 made of it in three steps (rows 3, 2, 1).
X = np.array([(0.5, -1, 0.3), (1.5, 0.7, -0.2), (-0.4, 0.9, 1.1)])
ORDER = (2, 1, 0)
W1 = np.array([[0.1, -0.2, 0.3], [-0.4, 0.5, -0.6]])
B1 = np.array([0.05, -0.1])
W2 = np.array([[0.3, -0.7], [0.2, 0.4], [-0.5, 0.6]])
B2 = np.array([0.1, -0.2, 0.3])
REGRESSION, POSITIVE, CLASSES = (1, -2, 0.5), (1, 3, 0.5), (0, 1, 0)

SGD = Options(activation="tanh", rate=0.1)
ADADELTA = replace(SGD, adaptive_rate=True)
HALF = replace(SGD, momentum_start=0.5, momentum_stable=0.5)

# case -> options, tolerance (H2O's own square root is approximate), then W1 (6), W2 (2), b1 (2), b2 (1)
GOLDEN = {
    "gaussian": (SGD, 5e-7,
        "-0.095764 -0.338127 0.359890 0.042812 0.753958 -0.719645 0.346320 -0.695718 -0.028314 0.106641 -0.138152"),
    "penalties": (replace(SGD, l1=0.01, l2=0.02), 5e-7,
        "-0.095319 -0.333388 0.354869 0.042917 0.747779 -0.712833 0.341676 -0.689968 -0.028138 0.105570 -0.136376"),
    "rectifier": (replace(SGD, activation="rectifier"), 5e-7,
        "-0.075597 -0.347840 0.371932 -0.400000 0.500000 -0.600000 0.365649 -0.700000 0.007712 -0.100000 -0.027641"),
    "maxout": (replace(SGD, activation="maxout"), 5e-7,
        "-0.123806 -0.169661 0.225484 -0.460677 0.558666 -0.581797 0.255720 -0.898468 -0.064320 -0.039323 0.056562"),
    "decay and annealing": (replace(SGD, rate_decay=0.5, rate_annealing=0.1, clock="start"), 5e-7,
        "-0.097767 -0.321527 0.354944 0.042555 0.735922 -0.714284 0.317324 -0.684093 -0.039128 0.116153 -0.041164"),
    "nesterov": (HALF, 5e-7,
        "-0.054418 -0.276983 0.339450 -0.055113 0.652283 -0.684130 0.322139 -0.661928 -0.026735 0.079489 -0.145542"),
    "plain momentum": (replace(HALF, nesterov=False, forgetful_momentum=True), 5e-7,
        "-0.053692 -0.278616 0.337454 -0.056812 0.656105 -0.679458 0.321155 -0.661005 -0.028550 0.083736 -0.151747"),
    "max_w2": (replace(SGD, max_w2=0.3), 6.5e-3,
        "-0.038142 -0.303725 0.349974 0.037729 0.411644 -0.354787 0.265604 -0.472419 0.006040 0.010484 -0.084752"),
    "laplace": (replace(SGD, loss="laplace"), 5e-7,
        "0.054703 -0.223286 0.346736 -0.289678 0.516587 -0.698091 0.348499 -0.760175 0.075185 -0.134496 0.200000"),
    "quantile": (replace(SGD, loss="quantile", quantile_alpha=0.8), 5e-7,
        "0.092040 -0.204872 0.333452 -0.370513 0.484457 -0.670224 0.341966 -0.766786 0.088697 -0.166028 0.240000"),
    "huber": (replace(SGD, loss="huber"), 5e-7,
        "0.015442 -0.257228 0.336440 -0.204538 0.595911 -0.673995 0.337339 -0.725905 0.030146 -0.035223 0.048856"),
    "poisson": (replace(SGD, loss="poisson"), 5e-7,
        "0.241222 -0.086401 0.203992 -0.793407 0.330540 -0.404296 0.087856 -0.412381 0.033091 -0.170321 -0.045108"),
    "gamma": (replace(SGD, loss="gamma"), 5e-7,
        "0.249095 -0.134245 0.232282 -0.771492 0.380728 -0.451922 0.211786 -0.629645 0.085171 -0.221742 0.200821"),
    "tweedie": (replace(SGD, loss="tweedie", tweedie_power=1.5), 5e-7,
        "0.249798 -0.115278 0.220076 -0.789198 0.359720 -0.430392 0.164186 -0.548444 0.066670 -0.205838 0.113931"),
    "crossentropy": (replace(SGD, loss="crossentropy"), 5e-7,
        "0.088647 -0.204300 0.306322 -0.287329 0.523928 -0.662835 0.315220 -0.707290 0.048803 -0.085646 0.097816"),
    "quadratic": (replace(SGD, loss="quadratic"), 5e-7,
        "0.097569 -0.200662 0.301389 -0.374123 0.504158 -0.614399 0.303057 -0.701203 0.049755 -0.096475 0.098700"),
    "autoencoder": (replace(SGD, autoencoder=True), 5e-7,
        "0.366647 -0.066044 0.140403 -0.869216 0.582718 -0.229640 0.232544 -0.638825 0.058544 -0.037848 0.231876"),
    "gaussian adadelta": (ADADELTA, 2e-4,
        "0.097622 -0.200721 0.302475 -0.397623 0.500592 -0.602361 0.302308 -0.700258 0.049939 -0.099841 0.099162"),
    "softmax adadelta": (replace(ADADELTA, loss="crossentropy"), 2e-4,
        "0.097859 -0.200784 0.301653 -0.397635 0.500450 -0.601502 0.302134 -0.701106 0.050395 -0.100222 0.101081"),
}  # fmt: skip


def start_net(options: Options) -> Net:
    outputs = 3 if options.autoencoder else 2 if options.loss in ("crossentropy", "quadratic") else 1
    first, bias = W1, B1
    if options.activation == "maxout":  # H2O stores the two channels of a weight side by side
        first = np.concatenate([W1, -0.7 * W1[::-1]]).reshape(2, 3, 2).transpose(2, 0, 1)
        bias = np.array([0.05, -0.1, 0.02, 0.2]).reshape(2, 2).T
    return Net([first, W2[:outputs]], [bias, B2[:outputs]])


def targets(options: Options):
    if options.loss in ("crossentropy", "quadratic"):
        return CLASSES
    return POSITIVE if options.loss in ("poisson", "gamma", "tweedie") else REGRESSION


@pytest.mark.parametrize("case", GOLDEN)
def test_three_steps_end_where_h2o_ended(case):
    options, tolerance, text = GOLDEN[case]
    net = train(start_net(options), X, targets(options), ORDER, options)
    w, b = net.weights[0], net.biases[0]
    if w.ndim == 3:
        w, b = w.transpose(1, 2, 0), b.T
    got = [*w.ravel()[:6], *net.weights[1].ravel()[:2], *b.ravel()[:2], net.biases[1][0]]
    np.testing.assert_allclose(got, [float(v) for v in text.split()], rtol=0, atol=tolerance * 1.2)


def loss_of(net: Net, x, y, options: Options, offset: float) -> float:
    """The loss whose slope the output layer hands back, written from its definition."""
    f = forward(net, x, options)[0][-1]
    if options.loss == "crossentropy":
        return -math.log(softmax(f)[y])
    f, a, p, d = f[0] + offset, options.quantile_alpha, options.tweedie_power, options.huber_delta
    r = y - f
    return {
        "gaussian": r**2,
        "laplace": abs(r),
        "quantile": max(a * r, (a - 1) * r),
        "huber": r**2 if abs(r) <= d else 2 * d * abs(r) - d**2,
        "poisson": 2 * (math.exp(f) - y * f),
        "gamma": 2 * (f + y * math.exp(-f)),
        "tweedie": 2 * (math.exp(f * (2 - p)) / (2 - p) - y * math.exp(f * (1 - p)) / (1 - p)),
    }[options.loss]


def random_net(rng, units, activation) -> Net:
    weights, biases = [], []
    for layer in range(1, len(units)):
        channels = (2,) if activation == "maxout" and layer < len(units) - 1 else ()
        weights.append(rng.normal(0, 0.5, (*channels, units[layer], units[layer - 1])))
        biases.append(rng.normal(0, 0.5, (*channels, units[layer])))
    return Net(weights, biases)


@pytest.mark.parametrize("activation", ["tanh", "rectifier", "maxout"])
@pytest.mark.parametrize(
    "loss", ["crossentropy", "gaussian", "laplace", "quantile", "huber", "poisson", "gamma", "tweedie"]
)
def test_gradients_are_the_slopes_of_the_loss(loss, activation):
    rng = np.random.default_rng(7)
    options = Options(activation=activation, loss=loss, quantile_alpha=0.7, tweedie_power=1.3, huber_delta=0.4)
    net = random_net(rng, [4, 3, 3, 3 if loss == "crossentropy" else 1], activation)
    x, y, offset = rng.normal(size=4), 1 if loss == "crossentropy" else 1.7, 0.0 if loss == "crossentropy" else 0.3
    h = 1e-6
    for arrays, grads in zip((net.weights, net.biases), gradients(net, x, y, options, offset), strict=True):
        for array, grad in zip(arrays, grads, strict=True):
            for at in np.ndindex(array.shape):
                value, sides = array[at], []
                for side in (h, -h):
                    array[at] = value + side
                    sides.append(loss_of(net, x, y, options, offset))
                array[at] = value
                assert grad[at] == pytest.approx((sides[0] - sides[1]) / (2 * h), abs=1e-6)


def test_the_same_row_twice_in_a_batch_is_one_step_of_its_gradient():
    rng = np.random.default_rng(1)
    net, x = random_net(rng, [3, 4, 1], "tanh"), rng.normal(size=(1, 3))
    one = train(net, x, [0.5], [0], replace(SGD, fast_mode=False))
    two = train(net, x, [0.5], [0, 0], replace(SGD, mini_batch_size=2))
    for a, b in zip(one.weights + one.biases, two.weights + two.biases, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-15)
    assert (one.samples, two.samples) == (1, 2)


def test_a_batch_steps_along_the_mean_of_its_gradients():
    rng = np.random.default_rng(2)
    net, X, Y = random_net(rng, [3, 4, 3], "maxout"), rng.normal(size=(4, 3)), [0, 1, 2, 1]
    options = Options(activation="maxout", loss="crossentropy", rate=0.1, mini_batch_size=4)
    after = train(net, X, Y, range(4), options)
    mean = [np.mean([gradients(net, x, y, options)[0][l] for x, y in zip(X, Y, strict=True)], axis=0) for l in (0, 1)]
    for l in (0, 1):
        np.testing.assert_allclose(after.weights[l], net.weights[l] - 0.1 * mean[l], atol=1e-15)


def test_a_row_weight_of_two_is_a_step_twice_as_long():
    net = start_net(SGD)
    one, two = (train(net, X, REGRESSION, [0], SGD, weights=w) for w in ([1, 1, 1], [2, 1, 1]))
    for a, b, c in zip(net.weights, one.weights, two.weights, strict=True):
        np.testing.assert_allclose(c - a, 2 * (b - a), atol=1e-15)


def test_fast_mode_leaves_the_weights_of_a_zero_input_alone_and_the_slow_mode_penalises_them():
    x, options = np.array([[0.0, 1.0, 2.0]]), replace(SGD, l2=0.1)
    fast = train(start_net(SGD), x, [1.0], [0], options)
    slow = train(start_net(SGD), x, [1.0], [0], replace(options, fast_mode=False))
    np.testing.assert_array_equal(fast.weights[0][:, 0], W1[:, 0])
    np.testing.assert_allclose(slow.weights[0][:, 0], W1[:, 0] * (1 - 0.1 * 0.1))
    np.testing.assert_array_equal(fast.weights[0][:, 1:], slow.weights[0][:, 1:])


def test_max_w2_bounds_every_unit_and_every_channel():
    options = Options(activation="maxout", rate=0.1, max_w2=0.2)
    net = start_net(options)
    after = train(net, X, REGRESSION, ORDER, options)
    untouched = np.all(after.weights[0] == net.weights[0], axis=-1)
    assert np.all((np.sum(after.weights[0] ** 2, axis=-1) <= 0.2 + 1e-15) | untouched)
    assert np.sum(after.weights[1] ** 2) <= 0.2 + 1e-15


def test_momentum_ramps_from_start_to_stable():
    options = Options(activation="tanh", rate=0.1, momentum_start=0.2, momentum_stable=0.8, momentum_ramp=2)
    net = Net([np.zeros((1, 1))], [np.zeros(1)])  # a linear unit fed zeros moves its bias only
    b, v = 0.0, 0.0
    for m in (0.2, 0.5, 0.8, 0.8):
        v = m * v - 2 * (b - 1)
        b += 0.1 * (1 - m) * v
    assert train(net, [[0.0]], [1.0], [0] * 4, options).biases[0][0] == pytest.approx(b, abs=1e-15)


def test_dropped_units_say_nothing_and_learn_nothing():
    keep = {1: [True, False]}
    options = Options(activation="tanh", rate=0.1, hidden_dropout=(0.5,), masks=lambda n, layer, width: keep[layer])
    net = start_net(SGD)
    after = train(net, X, REGRESSION, ORDER, options)
    np.testing.assert_array_equal(after.weights[0][1], net.weights[0][1])
    assert after.weights[1][0, 1] == net.weights[1][0, 1]
    half = Net(net.weights, net.biases)
    half.weights[1] = half.weights[1] * 0.5
    np.testing.assert_allclose(predict(net, X, options), predict(half, X, SGD), atol=1e-15)


def test_training_in_two_calls_is_training_in_one():
    rng = np.random.default_rng(3)
    net, X, Y = random_net(rng, [3, 4, 2], "maxout"), rng.normal(size=(8, 3)), rng.integers(0, 2, 8)
    options = replace(ADADELTA, activation="maxout", loss="crossentropy", l1=1e-3)
    whole = train(net, X, Y, range(8), options)
    parts = train(train(net, X, Y, range(5), options), X, Y, range(5, 8), options)
    for a, b in zip(whole.weights + whole.biases, parts.weights + parts.biases, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_sparse_autoencoder_pulls_its_biases_down():
    options = replace(SGD, autoencoder=True, sparsity_beta=1.0, average_activation=-1.0)
    plain = train(start_net(options), X, None, [0], replace(options, sparsity_beta=0.0))
    sparse = train(start_net(options), X, None, [0], options)
    expected = 0.1 * (0.001 * np.tanh(W1 @ X[0] + B1) + 1.0)
    np.testing.assert_allclose(plain.biases[0] - sparse.biases[0], expected, atol=1e-15)
    np.testing.assert_array_equal(plain.weights[0], sparse.weights[0])


def test_levels_come_first_and_missing_has_a_unit_of_its_own():
    codes, numbers = [[0, 1], [2, -1], [9, 0]], [[3.0], [np.nan], [5.0]]
    wide = expand(codes, numbers, levels=(3, 2), subtract=[4.0], multiply=[0.5])
    assert wide.tolist() == [
        [1, 0, 0, 0, 0, 1, 0, -0.5],
        [0, 0, 1, 0, 0, 0, 1, 0],
        [0, 0, 0, 1, 1, 0, 0, 0.5],
    ]
    narrow = expand(codes, numbers, levels=(3, 2), use_all_factor_levels=False)
    assert narrow[:, :5].tolist() == [[0, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 0, 0]]
