"""When training has done enough, which scored model was the best, and when a network has broken down."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from daskdl.metrics import metric_named, metrics_of
from frames.exceptions import H2OValueError

Values = Mapping[str, float]
ERROR = metric_named("misclassification").key

TIMEOUT = (
    "Deep Learning model training was interrupted due to timeout. "
    "Increase max_runtime_secs, or set it to 0, to train all epochs."
)
REMEDY = (
    "The last sound weights were kept. Try another initial_weight_distribution or a smaller initial_weight_scale, "
    "a bounded activation (Tanh), regularization (l1, l2, max_w2, dropout) or a smaller rate."
)


class Objective(NamedTuple):
    """A number to be made better: its `key` among scored values and which way is better.

    `zero_is_best`: it cannot fall below 0, and falling is what is wanted.
    """

    name: str
    key: str
    larger_is_better: bool = False
    zero_is_best: bool = True

    def of(self, values: Values) -> float:
        """Return the value of this metric, NaN allowed; H2OValueError when it was not scored."""
        if self.key in values:
            return float(values[self.key])
        raise H2OValueError(
            f"stopping_metric {self.name} must be among the scored values; got {', '.join(sorted(values)) or 'none'}. "
            f"Choose a metric of this kind of model."
        )

    def find(self, values: Values) -> float:
        """Return the value of this metric; NaN when it was not scored."""
        return float(values.get(self.key, math.nan))

    def better(self, value: float, than: float | None) -> bool:
        """Return True when `value` is strictly better; NaN never is, anything else is better than nothing or NaN."""
        if math.isnan(value):
            return False
        if than is None or math.isnan(than):
            return True
        return value > than if self.larger_is_better else value < than


def objective(name: str, category: str) -> Objective:
    """Return the objective of a stopping_metric (case does not matter); AUTO is the default of the model's category.

    Raises H2OValueError for an unknown name and for a metric that this category of model does not have.
    Example: `objective("AUTO", "Binomial").name == "logloss"`
    """
    metric = metric_named(name, category)
    if metric.stopping is None:
        choices = ", ".join(one.stopping for one in metrics_of(category) if one.stopping is not None)
        raise H2OValueError(f"stopping_metric must be AUTO or one of {choices}; got {name!r}.")
    return Objective(metric.stopping.lower(), metric.key, metric.larger_is_better, metric.zero_is_best)


def moving_averages(values: Sequence[float], rounds: int) -> list[float]:
    """Return the rounds + 1 averages of width `rounds` over the last 2 * rounds values, the oldest first."""
    last = np.asarray(values[-2 * rounds :], dtype=np.float64)
    return [float(np.mean(last[first : first + rounds])) for first in range(rounds + 1)]


def stop_early(values: Sequence[float], goal: Objective, rounds: int, tolerance: float) -> bool:
    """Return True when the best moving average of the last `rounds` is no better than the one before by `tolerance`.

    `values`: one per history entry, the initial one included (it never takes part). Nothing is decided before
    2 * rounds further entries exist, where a value is NaN, or where the averages change sign. A perfect zero stops.
    """
    if rounds <= 0 or len(values) - 1 < 2 * rounds:
        return False
    averages = moving_averages(values, rounds)
    if any(math.isnan(one) for one in averages):
        return False
    before, recent = averages[0], averages[1:]
    if before == 0 and goal.zero_is_best:
        return True
    if len({math.copysign(1, one) if one else 0 for one in averages}) > 1 or before == 0:
        return False
    best = max(recent) if goal.larger_is_better else min(recent)
    # below zero (a custom metric) the ratio runs the other way
    growing = goal.larger_is_better == (before > 0)
    return best / before <= 1 + tolerance if growing else best / before >= 1 - tolerance


@dataclass(frozen=True)
class StoppingRule:
    """When a model is good enough or gets no better.

    The goal, stopping_rounds (0 = off) and stopping_tolerance decide early stopping; `classification_stop` and
    `regression_stop` are limits of the training error and MSE, switched off by negative values.
    """

    goal: Objective
    rounds: int = 5
    tolerance: float = 0.0
    classification_stop: float = 0.0
    regression_stop: float = 1e-6

    def reason(self, category: str, values: Sequence[float], training: Values) -> str | None:
        """Why training should stop after this scoring, as a sentence; None to go on."""
        if category in ("Binomial", "Multinomial"):
            error, limit = float(training[ERROR]), self.classification_stop
            if limit >= 0 and error <= limit:
                return f"The training error {error:g} reached classification_stop {limit:g}."
        else:
            mse = float(training["mse"])
            if self.regression_stop >= 0 and mse <= self.regression_stop:
                return f"The training MSE {mse:g} reached regression_stop {self.regression_stop:g}."
        if stop_early(values, self.goal, self.rounds, self.tolerance):
            return (
                f"{self.goal.name} did not improve by {self.tolerance:g} over {self.rounds} scoring events: "
                f"early stopping."
            )
        return None


class LayerStatistics(NamedTuple):
    """Of one layer: means and root mean squares of its weights and biases; an infinite bias makes its mean infinite."""

    mean_weight: float
    weight_rms: float
    mean_bias: float
    bias_rms: float


LARGEST_WEIGHT, LARGEST_BIAS = 1e10, 1e5


def instability(layers: Iterable[LayerStatistics]) -> str | None:
    """Which layer (counted from 1) is numerically broken and how; None for a sound network.

    NaN or infinity anywhere, |mean| or RMS above 1e10 for weights or above 1e5 for biases.
    Example: `instability([LayerStatistics(0, 1, 0, 2e5)])` names the biases of layer 1.
    """
    for number, layer in enumerate(layers, start=1):
        for what, value, limit in (
            ("mean weight", layer.mean_weight, LARGEST_WEIGHT),
            ("weight RMS", layer.weight_rms, LARGEST_WEIGHT),
            ("mean bias", layer.mean_bias, LARGEST_BIAS),
            ("bias RMS", layer.bias_rms, LARGEST_BIAS),
        ):
            if not abs(value) <= limit:
                return f"{what} of layer {number} must be a number of at most {limit:g}; got {value:g}."
    return None
