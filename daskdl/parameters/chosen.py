"""Which specs the parameters name: the activation, the distribution, the schedule; and whether units are dropped."""

import math

from daskdl.kernels.activations import Activation
from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution
from daskdl.kernels.optimizers import optimizer_of
from daskdl.kernels.schedules import SCHEDULES, Schedule
from daskdl.parameters.choices import HIDDEN_UNITS, suits
from daskdl.parameters.declared import Parameters

SMALLEST, LARGEST = 4, 10  # the binary logarithms of batches: 16 to 1,024 rows
OF_NUMBERS = 2  # the binary logarithm of how many times smaller they are where the response is a number


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


def schedule_of(parameters: Parameters) -> Schedule:
    """Return the schedule of the learning rate; where it is left open, the usual one of the optimizer."""
    name = parameters.rate_schedule
    return SCHEDULES[optimizer_of(parameters).usual_schedule if name == "auto" else name].of(parameters)


def rows_per_batch(parameters: Parameters, rows: int, numbers: bool) -> int:
    """Return the rows of a mini-batch; "auto" depends on the training frame and the optimizer alone.

    A power of two, so that an epoch has about as many steps as the optimizer wants: neither so few that a short
    training does not get anywhere, nor so many that large tables wait for them. Where the response is of `numbers` it
    has four times as many: tables that are to be classified learn them by heart then (docs/performance.md, batches).
    """
    asked = parameters.mini_batch_size
    steps = optimizer_of(parameters).steps_per_epoch
    if asked != "auto":
        return asked
    if steps is None:
        return 1
    fewer = OF_NUMBERS if numbers else 0
    return 2 ** (min(max(round(math.log2(max(rows, 1) / steps)), SMALLEST), LARGEST) - fewer)
