"""What is kept under names, as pages list it: frames, models and grids of this process."""

from __future__ import annotations

from typing import Any

from daskdl.metrics import default_metric
from daskdl.web.base import Refusal
from frames.cluster import registry
from frames.frame import H2OFrame


def frames() -> dict[str, H2OFrame]:
    """Return all frames by key."""
    return _all(lambda one: isinstance(one, H2OFrame))


def models() -> dict[str, Any]:
    """Return all models by key."""
    return _all(lambda one: hasattr(one, "resolved"))


def grids() -> dict[str, Any]:
    """Return all grids by key."""
    return _all(lambda one: hasattr(one, "hyper_params"))


def frame_of(key: str) -> H2OFrame:
    """Return a frame; raises Refusal where there is none of this name."""
    return _one(frames(), "frame", key)


def model_of(key: str) -> Any:
    """Return a model; raises Refusal where there is none of this name."""
    return _one(models(), "model", key)


def grid_of(key: str) -> Any:
    """Return a grid; raises Refusal where there is none of this name."""
    return _one(grids(), "grid", key)


def is_taken(key: str | None) -> bool:
    """Tell whether anything is kept under a name: frames, models and grids share one set of names."""
    return key is not None and registry.get(key) is not None


def judged_metrics(model: Any) -> tuple[str, Any]:
    """Return the metrics that a model is judged by, and which they are: cross-validation, validation or training."""
    for name in ("cross_validation", "validation", "training"):
        found = getattr(model, f"{name}_metrics")
        if found is not None:
            return name.replace("_", "-"), found
    return "", None


def headline(model: Any) -> tuple[str, Any]:
    """Return the metric that stands for a model in a list, with the rows it is of, and its value."""
    name, found = judged_metrics(model)
    if found is None:
        return "", None
    metric = default_metric(model.category)
    return f"{name} {metric.column}", metric.of(found)


def _all(wanted: Any) -> dict[str, Any]:
    kept = [(key, registry.get(key)) for key in list(registry.keys())]
    return {key: one for key, one in kept if wanted(one)}


def _one(kept: dict[str, Any], what: str, key: str) -> Any:
    if key not in kept:
        raise Refusal(f"There is no {what} of the name '{key}'. It may have been removed.", 404)
    return kept[key]
