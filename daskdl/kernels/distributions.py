"""Distributions of the response: link, loss and its gradient at the output unit. Source: training section 5.

`gradient(y, f)` is dE/df for the net output `f` (H2O's convention keeps the factor 2 of squared error); `loss(y, f)` is
the function it belongs to; `response(f)` is the inverse link. Softmax heads bring an `output_delta` of their own.
"""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.jit import kernel, operation

# exp is capped so that a runaway net output stays finite long enough to be noticed (training section 5)
EXP_CAP = 1e19


@operation
def response(spec, f):
    """Return the predicted mean (or quantile) for the net output `f`."""
    return f


@operation
def loss(spec, y, f):
    """Return the loss whose derivative by `f` is `gradient(y, f)`."""
    raise NotImplementedError


@operation
def gradient(spec, y, f):
    """Return dE/df at the net output `f` for the target `y`."""
    raise NotImplementedError


@operation
def output_delta(spec, net, target, delta):
    """Fill `delta` (outputs,) with dE/dnet for the net outputs `net` (outputs,) and `target` (outputs,)."""
    for k in range(len(net)):
        delta[k] = gradient(spec, target[k], net[k])


class Gaussian(NamedTuple):
    """Squared error."""

    def loss(self, y, f):
        return (y - f) * (y - f)

    def gradient(self, y, f):
        return np.float32(2) * (f - y)


class Laplace(NamedTuple):
    """Absolute error: the conditional median."""

    def loss(self, y, f):
        return np.abs(y - f)

    def gradient(self, y, f):
        return np.float32(1) if f > y else np.float32(-1)


class Quantile(NamedTuple):
    """Pinball loss: the conditional quantile `alpha`."""

    alpha: np.float32

    def loss(self, y, f):
        return self.alpha * (y - f) if y > f else (np.float32(1) - self.alpha) * (f - y)

    def gradient(self, y, f):
        return -self.alpha if y > f else np.float32(1) - self.alpha


class Huber(NamedTuple):
    """Squared error up to `delta`, linear beyond. Source: Huber 1964."""

    delta: np.float32

    def loss(self, y, f):
        distance = np.abs(y - f)
        linear = self.delta * (np.float32(2) * distance - self.delta)
        return (y - f) * (y - f) if distance <= self.delta else linear

    def gradient(self, y, f):
        return np.float32(2) * np.minimum(np.maximum(f - y, -self.delta), self.delta)


class Poisson(NamedTuple):
    """Counts, log link."""

    def response(self, f):
        return np.minimum(np.exp(f), np.float32(EXP_CAP))

    def loss(self, y, f):
        return np.float32(2) * (np.minimum(np.exp(f), np.float32(EXP_CAP)) - y * f)

    def gradient(self, y, f):
        return np.float32(2) * (np.minimum(np.exp(f), np.float32(EXP_CAP)) - y)


class Gamma(NamedTuple):
    """Positive amounts, log link."""

    def response(self, f):
        return np.minimum(np.exp(f), np.float32(EXP_CAP))

    def loss(self, y, f):
        return np.float32(2) * (f + y * np.minimum(np.exp(-f), np.float32(EXP_CAP)))

    def gradient(self, y, f):
        return np.float32(2) * (np.float32(1) - y * np.minimum(np.exp(-f), np.float32(EXP_CAP)))


class Tweedie(NamedTuple):
    """Compound Poisson-gamma with variance power `power` in (1, 2), log link."""

    power: np.float32

    def response(self, f):
        return np.minimum(np.exp(f), np.float32(EXP_CAP))

    def loss(self, y, f):
        one, two = np.float32(1) - self.power, np.float32(2) - self.power
        grown = np.minimum(np.exp(f * two), np.float32(EXP_CAP)) / two
        return np.float32(2) * (grown - y * np.minimum(np.exp(f * one), np.float32(EXP_CAP)) / one)

    def gradient(self, y, f):
        one, two = np.float32(1) - self.power, np.float32(2) - self.power
        grown = np.minimum(np.exp(f * two), np.float32(EXP_CAP))
        return np.float32(2) * (grown - y * np.minimum(np.exp(f * one), np.float32(EXP_CAP)))


@kernel
def softmax(net, p):
    """Fill `p` (classes,) with the softmax of `net` (classes,); the largest output is subtracted first."""
    top = np.max(net)
    total = np.float32(0)
    for k in range(len(net)):
        p[k] = np.exp(net[k] - top)
        total += p[k]
    for k in range(len(net)):
        p[k] = p[k] / total


class CrossEntropy(NamedTuple):
    """Softmax over the classes with cross-entropy; `target[0]` is the class index."""

    def output_delta(self, net, target, delta):
        softmax(net, delta)
        delta[int(target[0])] -= np.float32(1)


class SquaredProbability(NamedTuple):
    """Softmax with H2O's Quadratic loss: the diagonal of the softmax Jacobian only. `target[0]` is the class index."""

    def output_delta(self, net, target, delta):
        softmax(net, delta)
        for k in range(len(net)):
            hit = np.float32(1) if k == int(target[0]) else np.float32(0)
            delta[k] = (delta[k] - hit) * (np.float32(1) - delta[k]) * delta[k]
