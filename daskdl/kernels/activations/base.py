"""What an activation is: formula and slope, and what training, scoring and the reports want to know of it."""

from typing import ClassVar

from daskdl.declarations.kinds import Range
from daskdl.kernels.jit import operation
from daskdl.kernels.spec import Spec


class Activation(Spec):
    """The activation of the hidden units, and of an autoencoder's output.

    `activate` is written for kernels (one float32) and for predictions (arrays): plain arithmetic and NumPy's
    functions of one number, no branches; constants as `np.float32(1)`, since a bare `1.0` is a double and slow.
    """

    pieces: ClassVar[int] = 1  # weighted sums that compete for a unit: the largest wins, the formula is applied to it
    flop: ClassVar[float] = 250.0  # scalar operations per weight and sample, forward and back: how long a round takes
    first_bias: ClassVar[tuple[float, float]] = (0.0, 0.0)  # where biases start: in the first hidden layer, in others
    averages: ClassVar[Range] = Range()  # where the mean activation that a sparse autoencoder aims at may lie
    reconstructs: ClassVar[bool] = True  # whether it may be an autoencoder's

    def activate(self, z):
        """Return the unit's value for the net input `z`."""
        raise NotImplementedError

    def slope(self, a):
        """Return the derivative of the activation where its value is `a` (one float32)."""
        raise NotImplementedError


activate = operation(Activation.activate)
slope = operation(Activation.slope)
