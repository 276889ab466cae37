"""Which specs the parameters name: the activation, the distribution, whether units are dropped."""

from daskdl.kernels.activations import Activation
from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution
from daskdl.parameters.choices import HIDDEN_UNITS, suits
from daskdl.parameters.declared import Parameters


def activation_of(parameters: Parameters) -> Activation:
    """Return the activation that was asked for, with or without dropout."""
    return HIDDEN_UNITS[parameters.activation][0].of(parameters)


def drops_units(parameters: Parameters) -> bool:
    """Tell whether hidden units are dropped."""
    return HIDDEN_UNITS[parameters.activation][1]


def asked_distribution(parameters: Parameters) -> Distribution | None:
    """Return the distribution that was asked for by its name; None for AUTO."""
    kind = DISTRIBUTIONS.get(parameters.distribution)
    return None if kind is None else kind.of(parameters)


def distribution_of(parameters: Parameters, classes: int | None) -> Distribution:
    """Return the distribution to learn: of so many classes, or of numbers (None).

    AUTO takes the first that fits. For numbers the loss may choose it (Absolute is laplace, ...) where the distribution
    is AUTO or the one that AUTO means.
    """
    asked = asked_distribution(parameters)
    if classes is not None:
        fitting = (kind for kind in DISTRIBUTIONS.values() if suits(kind, classes))
        return asked or next(fitting).of(parameters)
    usual, *others = [kind for kind in DISTRIBUTIONS.values() if kind.classes is None]
    if asked is not None and not isinstance(asked, usual):
        return asked
    chosen = next((kind for kind in others if parameters.loss in kind.losses), usual)
    return chosen.of(parameters)
