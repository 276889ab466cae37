"""What a distribution is: link, loss and gradient for training, response for predictions, deviance for scoring."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.jit import operation
from daskdl.kernels.spec import Spec


class Distribution(Spec):
    """The distribution of a numeric response, or of the classes of a categorical one.

    Formulas of one number are written as those of an activation are. `gradient(y, f)` is dE/df for the net output `f`,
    and H2O's convention keeps the factor 2 of squared error; `loss(y, f)` is the function whose derivative that is.
    A distribution of classes brings `output_delta` and `probabilities` in place of the formulas of one number.
    """

    losses: ClassVar[tuple[str, ...]] = ()  # names of the parameter `loss` that mean this distribution, the usual first
    classes: ClassVar[tuple[int, float] | None] = None  # fewest and most classes; None: the response is a number
    target: ClassVar[Range] = Range()  # where a numeric response must lie
    output: ClassVar[str] = "Linear"  # what the table of layers calls the output layer

    def link(self, mean):
        """Return the net output that predicts `mean`."""
        return mean

    def response(self, f):
        """Return the predicted mean (or quantile) for the net output `f`: the inverse of the link."""
        return f

    def loss(self, y, f):
        """Return the loss of the net output `f` for the target `y`."""
        raise NotImplementedError

    def gradient(self, y, f):
        """Return dE/df at the net output `f` for the target `y`."""
        raise NotImplementedError

    def output_delta(self, net, target, delta):
        """Fill `delta` (outputs,) with dE/dnet for the net outputs `net` (outputs,) and `target` (outputs,).

        For classes `target[0]` is the class number.
        """
        for k in range(len(net)):
            delta[k] = gradient(self, target[k], net[k])

    def probabilities(self, net: np.ndarray) -> np.ndarray:
        """Return the probability of each class (rows, classes) for net outputs (rows, outputs) float64."""
        raise NotImplementedError

    def deviance(self, y: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return each row's deviance (rows,) float64 of predicted means from actual values, both (rows,)."""
        raise NotImplementedError

    def deviance_of_errors(self, errors: np.ndarray, quantile: float) -> np.ndarray:
        """Return the deviance of absolute errors, in place of `deviance` where there is an `error_quantile`."""
        raise NotImplementedError

    @property
    def error_quantile(self) -> float | None:
        """Which quantile of all rows' absolute errors the deviance of a row needs; None: each row stands alone."""
        return None

    @property
    def loss_name(self) -> str:
        """What the parameter `loss` calls this."""
        return self.losses[0] if self.losses else "Automatic"

    @property
    def has_identity_link(self) -> bool:
        """Whether the net output is the response itself, which may then be standardised as the inputs are."""
        return type(self).response is Distribution.response

    @property
    def reconstructs(self) -> bool:
        """Whether an autoencoder can learn its inputs by it."""
        return self.classes is None and self.has_identity_link


response = operation(Distribution.response)
loss = operation(Distribution.loss)
gradient = operation(Distribution.gradient)
output_delta = operation(Distribution.output_delta)
