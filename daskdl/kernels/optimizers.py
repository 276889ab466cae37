"""Optimizers: one NamedTuple each. `step` moves one weight and its two slots; float32 values in, float32 values out.

Every optimizer sees a weight as `(w, first, second)`; one that needs a single slot leaves the second alone.
Biases take `bias_step`, which also gets `q`, the mean squared gradient over the unit's incoming weights (training 7.1).
"""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.jit import operation


@operation
def step(spec, w, first, second, gradient, rate):
    """Return the new `(w, first, second)` after one gradient; `rate` is the layer's where one is set by hand."""
    raise NotImplementedError


@operation
def bias_step(spec, w, first, second, gradient, q, rate):
    """Return the new `(w, first, second)` of a bias; `q` is the mean squared gradient over the unit's inputs."""
    raise NotImplementedError


@operation
def bias_rate(spec, first, second, rate):
    """Return the rate at which a bias with these slots moves now."""
    return rate


class Adadelta(NamedTuple):
    """A rate for each weight from running averages of squared gradients and steps. Source: Zeiler 2012, algorithm 1."""

    rho: np.float32
    epsilon: np.float32

    def step(self, w, first, second, gradient, rate):
        fresh = np.float32(1) - self.rho
        first = self.rho * first + fresh * gradient * gradient
        move = np.sqrt((second + self.epsilon) / (first + self.epsilon)) * gradient
        second = self.rho * second + fresh * move * move
        return w - move, first, second

    def bias_step(self, w, first, second, gradient, q, rate):
        fresh = np.float32(1) - self.rho
        first = self.rho * first + fresh * q
        ratio = (second + self.epsilon) / (first + self.epsilon)
        second = self.rho * second + fresh * ratio * q
        return w - np.sqrt(ratio) * gradient, first, second

    def bias_rate(self, first, second, rate):
        return np.sqrt((second + self.epsilon) / (first + self.epsilon))


class Nesterov(NamedTuple):
    """H2O's accelerated form: velocity in gradient units, applied at `rate * (1 - momentum)`. Source: training 7.3."""

    momentum: np.float32

    def step(self, w, first, second, gradient, rate):
        velocity = self.momentum * first - gradient
        return w + rate * velocity, velocity, second

    def bias_step(self, w, first, second, gradient, q, rate):
        velocity = self.momentum * first - gradient
        return w + rate * velocity, velocity, second


class Momentum(NamedTuple):
    """Classical momentum: velocity in weight units. Source: Polyak 1964; training 7.3, recommendation."""

    momentum: np.float32

    def step(self, w, first, second, gradient, rate):
        velocity = self.momentum * first - rate * gradient
        return w + velocity, velocity, second

    def bias_step(self, w, first, second, gradient, q, rate):
        velocity = self.momentum * first - rate * gradient
        return w + velocity, velocity, second
