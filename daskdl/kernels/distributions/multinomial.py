"""Classes: softmax heads."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from daskdl.kernels.distributions.base import Distribution
from daskdl.kernels.elementary import exp
from daskdl.kernels.jit import kernel


@kernel
def softmax(net, p):
    """Fill `p` (classes,) with the softmax of `net` (classes,); the largest output is subtracted first."""
    top = net[0]
    for k in range(1, len(net)):
        top = max(top, net[k])
    for k in range(len(net)):
        p[k] = exp(net[k] - top)
    total = np.float32(0)
    for k in range(len(net)):
        total += p[k]
    for k in range(len(net)):
        p[k] = p[k] / total


class Multinomial(Distribution):
    """Softmax over the classes, with cross-entropy or, where `quadratic`, the squared error of the probabilities.

    The latter as in H2O: of the Jacobian of the softmax only the diagonal counts.
    """

    name = "multinomial"
    place = 2
    rarity = 0
    losses = ("CrossEntropy", "Quadratic")
    classes = (2, math.inf)
    output = "Softmax"

    quadratic: bool = False

    @classmethod
    def of(cls, parameters: Any) -> Self:
        return cls(parameters.loss == "Quadratic")

    @property
    def loss_name(self):
        return self.losses[int(self.quadratic)]

    def output_delta(self, net, target, delta):
        softmax(net, delta)
        if not self.quadratic:
            delta[int(target[0])] -= np.float32(1)
            return
        for k in range(len(net)):
            hit = np.float32(1) if k == int(target[0]) else np.float32(0)
            delta[k] = (delta[k] - hit) * (np.float32(1) - delta[k]) * delta[k]

    def probabilities(self, net):
        p = np.exp(net - net.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)


class Bernoulli(Multinomial):
    """Two classes: the same formulas under another name, so kernels are those of `Multinomial`."""

    name = "bernoulli"
    place = 1
    classes = (2, 2)

    @property
    def compiled(self):
        return Multinomial(self.quadratic)
