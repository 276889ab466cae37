"""What a grid search found: models with their hyper-parameters, failures, and the ranking of the models."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from daskdl import metrics
from daskdl.coordinator.stopping import objective, stop_early
from daskdl.metrics.registry import default_metric, metric_named, metrics_of, names
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model.model import Model
from daskdl.parameters import plain
from frames.exceptions import H2OResponseError


class Failure(NamedTuple):
    """A combination that gave no model: its values, why, and where it happened."""

    values: dict[str, Any]
    details: str
    trace: str


@dataclass
class Results:
    """All that the models of one grid id came to; training the grid again adds to it.

    `attempts` counts builds, failed ones too; `tried` holds what identifies each set of parameters that was built;
    `seconds` is the time spent; all models learn from the frame `frame_id`; `order_seed` stands for a search's seed of
    -1, so that going on keeps the order.
    """

    grid_id: str
    names: tuple[str, ...]
    models: list[Model] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    attempts: int = 0
    tried: set[str] = field(default_factory=set)
    seconds: float = 0.0
    frame_id: str | None = None
    order_seed: int = field(default_factory=lambda: secrets.randbits(62))

    def ranked(self, sort_by: str | None = None, decreasing: bool | None = None) -> list[Model]:
        """Return the models from the best by a metric, or as `decreasing` says; those without a value come last.

        Raises H2OResponseError for a metric that these models do not sort by.
        """
        if not self.models:
            return []
        name = self.metric(sort_by)
        if decreasing is None:
            decreasing = metric_named(name).larger_is_better
        values = {model.key: _value(model, name) for model in self.models}
        known = [model for model in self.models if not math.isnan(values[model.key])]
        ordered = sorted(known, key=lambda model: -values[model.key] if decreasing else values[model.key])
        return [*ordered, *(model for model in self.models if math.isnan(values[model.key]))]

    def metric(self, sort_by: str | None = None) -> str:
        """Return the name of the metric to sort by; None gives the default of this kind of models."""
        category = self.models[0].category
        if sort_by is None:
            return str(default_metric(category).sorting)
        allowed = names(category, use="sorting")
        asked = next((one for one in metrics_of(category) if str(sort_by).lower() in one.aliases), None)
        if not isinstance(sort_by, str) or asked is None or asked.sorting is None:
            raise H2OResponseError(
                f"Invalid argument for sort_by specified. Must be one of: {allowed}; got {sort_by!r}"
            )
        return sort_by.lower()

    def table(self, sort_by: str | None = None, decreasing: bool | None = None) -> H2OTwoDimTable:
        """Return one row per model: its hyper-parameters, id and metric."""
        columns = ["", *self.names, "model_ids"]
        if not self.models:
            return H2OTwoDimTable("Hyper-Parameter Search Summary", "", columns, ["string"] * len(columns), [])
        name = self.metric(sort_by)
        falling = metric_named(name).larger_is_better if decreasing is None else decreasing
        rows = [
            ["", *(shown(model, one) for one in self.names), model.key, _value(model, name)]
            for model in self.ranked(sort_by, decreasing)
        ]
        said = f"ordered by {'decreasing' if falling else 'increasing'} {name}"
        return H2OTwoDimTable("Hyper-Parameter Search Summary", said, [*columns, name], None, rows)

    def converged(self, metric: str, rounds: int, tolerance: float) -> bool:
        """Tell whether the best models hardly differ: early stopping over the models from worst to best."""
        if not rounds or len(self.models) <= 2 * rounds:
            return False
        category = self.models[0].category
        goal = objective(metric, category)
        values = [goal.find(judged(model).values()) for model in self.models]
        known = sorted((value for value in values if not math.isnan(value)), reverse=not goal.larger_is_better)
        return stop_early(known, goal, rounds, tolerance)


def judged(model: Model) -> metrics.ModelMetrics:
    """Return the measurement that ranks a model: cross-validation, else validation, else training."""
    found = model.cross_validation_metrics or model.validation_metrics or model.training_metrics
    assert found is not None  # a trained model was scored
    return found


def _value(model: Model, name: str) -> float:
    return float(judged(model).values().get(metric_named(name).key, math.nan))


def shown(model: Model, name: str) -> Any:
    """Return a hyper-parameter of a model as a table cell: lists as text, of one element bare."""
    value = plain(getattr(model.parameters, name))
    if isinstance(value, list):
        return str(value[0]) if len(value) == 1 else str(value)
    return str(value) if isinstance(value, bool) else value
