"""Distributions of the response: one file each, found by belonging to this folder."""

import sys

from daskdl.kernels.distributions.base import Distribution, gradient, loss, output_delta, response
from daskdl.kernels.spec import specs_in

__all__ = ["DISTRIBUTIONS", "Distribution", "gradient", "loss", "output_delta", "response"]

DISTRIBUTIONS: dict[str, type[Distribution]] = specs_in(sys.modules[__name__], Distribution)
