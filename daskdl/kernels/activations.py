"""Activations of hidden units: one NamedTuple each, with its formula and its slope written as a function of its value.

A unit with several `pieces` takes the largest of that many sums (maxout); the formula is then applied to the winner.
"""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.jit import operation


@operation
def activate(spec, z):
    """Return the unit's value for the net input `z` (float32)."""
    raise NotImplementedError


@operation
def slope(spec, a):
    """Return the derivative of the activation at the point where its value is `a` (float32)."""
    raise NotImplementedError


@operation
def pieces(spec):
    """Return how many weighted sums compete for one unit (1, or 2 for maxout)."""
    return 1


class Tanh(NamedTuple):
    """Hyperbolic tangent, bounded in (-1, 1). Source: training section 4."""

    def activate(self, z):
        return np.float32(1) - np.float32(2) / (np.float32(1) + np.exp(np.float32(2) * z))

    def slope(self, a):
        return np.float32(1) - a * a


class Rectifier(NamedTuple):
    """max(0, z). Source: Nair and Hinton 2010."""

    def activate(self, z):
        return np.maximum(z, np.float32(0))

    def slope(self, a):
        return np.float32(1) if a > np.float32(0) else np.float32(0)


class Maxout(NamedTuple):
    """The larger of two weighted sums; ties choose the first. Source: Goodfellow et al. 2013."""

    def activate(self, z):
        return z

    def slope(self, a):
        return np.float32(1)

    def pieces(self):
        return 2
