"""A model as plain values and arrays, and back: what a checkpoint holds. None of it is code: nothing is unpickled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from daskdl import metrics
from daskdl.coordinator.history import ScoringHistory
from daskdl.encoding.encoder import Encoder
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model.model import Model
from daskdl.network.layout import Layout
from daskdl.network.state import State
from daskdl.parameters import Parameters, Resolved

SUMMARY = "cross_validation_metrics_summary"
FOLDS = "cross_validation_models"
PLAIN = ("key", "samples", "epochs", "trouble", "notes", "start_time", "end_time", "progress")
MEASURED = ("training_metrics", "validation_metrics", "cross_validation_metrics")
_NUMBER = "$number"  # marks a number that JSON lacks: {"$number": "nan"}


def record_of(model: Model) -> dict[str, Any]:
    """Return everything of a model but its arrays and fold models, as strict JSON values.

    Frames and other models among the parameters are kept by their names, fold models by theirs; the frames that
    cross-validation kept have records of their own (`kept`).
    """
    record: dict[str, Any] = {name: getattr(model, name) for name in PLAIN}
    for name in MEASURED:
        found = getattr(model, name)
        record[name] = None if found is None else found.to_dict()
    summary = model.extras.get(SUMMARY)
    return strict(
        record
        | {
            "threshold": model.threshold,
            "parameters": model.parameters.to_dict(),
            "resolved": model.resolved.to_dict(),
            "encoder": model.encoder.to_dict(),
            "layout": model.layout.to_dict(),
            "history": model.history.to_dict(),
            "class_shares": model.class_shares,
            "priors": model.priors,
            "seen_missing": model.seen_missing,
            "warnings": model.warnings,
            SUMMARY: None if summary is None else summary.to_dict(),
            FOLDS: [fold.key for fold in model.extras.get(FOLDS) or ()],
        }
    )


def model_of(record: Mapping[str, Any], states: Mapping[str, State], folds: list[Model]) -> Model:
    """Return the model that `record_of` described, with its states by name (see `states_of`) and its fold models."""
    values = loose(record)
    shares, summary = values["class_shares"], values[SUMMARY]
    extras: dict[str, Any] = {FOLDS: folds} if folds else {}
    if summary is not None:
        extras[SUMMARY] = H2OTwoDimTable.from_dict(summary)
    given: dict[str, Any] = {name: values[name] for name in PLAIN}
    given |= {name: None if values[name] is None else metrics.from_dict(values[name]) for name in MEASURED}
    return Model(
        **given,
        parameters=Parameters.from_dict(values["parameters"]),
        resolved=Resolved.from_dict(values["resolved"]),
        encoder=Encoder.from_dict(values["encoder"]),
        layout=layout_of(record),
        history=ScoringHistory.from_dict(values["history"]),
        class_shares=None if shares is None else (tuple(shares[0]), tuple(shares[1])),
        priors=None if values["priors"] is None else tuple(values["priors"]),
        seen_missing=tuple(values["seen_missing"]),
        warnings=tuple(values["warnings"]),
        threshold=values.get("threshold"),  # not in checkpoints of version 1 as it was first written
        state=states["state"],
        last=states.get("last"),
        own=tuple(states[f"own/{n}"] for n in range(len(states)) if f"own/{n}" in states),
        extras=extras,
    )


def slots_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of what the optimizer of a recorded model keeps for each weight."""
    return Resolved.from_dict(loose(record["resolved"])).optimizer.slots


def layout_of(record: Mapping[str, Any]) -> Layout:
    """Return the layout of a recorded model's network."""
    return Layout.from_dict(record["layout"], len(slots_of(record)))


def states_of(model: Model) -> dict[str, State]:
    """Return a model's states by name: `state`, `last` where training ended with other weights than the best, and
    `own/0`, `own/1` ... where elastic averaging keeps some.
    """
    last = {} if model.last is None else {"last": model.last}
    return {"state": model.state, **last, **{f"own/{number}": one for number, one in enumerate(model.own)}}


def strict(value: Any) -> Any:
    """Return a value as strict JSON holds it: lists for tuples, marks for NaN and infinities, Python's own numbers.

    Raises TypeError for anything else than plain values.

    >>> strict((1, float("nan")))
    [1, {'$number': 'nan'}]
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_NUMBER: str(value)}
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError(f"A record must have names (str); got {sorted(map(str, value))[:10]}.")
        return {name: strict(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(one) for one in value]
    if isinstance(value, np.ndarray):
        return strict(value.tolist())
    raise TypeError(f"A record must hold plain values; got {type(value).__name__} {value!r}.")


def loose(value: Any) -> Any:
    """Return what `strict` wrote, numbers that JSON lacks included; tuples stay lists."""
    if isinstance(value, Mapping):
        if set(value) == {_NUMBER}:
            return float(value[_NUMBER])
        return {name: loose(one) for name, one in value.items()}
    return [loose(one) for one in value] if isinstance(value, list) else value
