"""A model carried over frames: predictions, errors, features and metrics, computed where the rows lie.

One task per partition is sent, and what makes a frame returns at once; the model travels once, as one task result that
every partition's task shares.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from daskdl import metrics
from daskdl.encoding.adaptation import Adaptation, adapt, kinds
from daskdl.encoding.decoded import Design, decode
from daskdl.encoding.encoder import Encoder
from daskdl.model.matching import matched
from daskdl.model.model import Model, unstable_sentence
from daskdl.parameters.facts import LARGEST_INPUT
from daskdl.scoring import partitions
from daskdl.scoring.partitions import Scorer
from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster import registry
from frames.cluster.connection import Client
from frames.cluster.sending import client_of, gather, key_of, resident, submit, tasks_named
from frames.exceptions import H2OJobError, H2OValueError
from frames.frame import Group, H2OFrame
from frames.table.names import unique_names

LARGE = 8_000_000  # bytes above which a model is scattered: Dask would warn about a task graph of that size


@tasks_named("daskdl-predict")
def predict(model: Model, frame: H2OFrame) -> H2OFrame:
    """Return predictions (rows of `frame`): label and class probabilities, or the response, or a reconstruction.

    Warns (UserWarning) of missing columns and unseen levels. Raises H2OJobError where the frame cannot be read.
    """
    return _mapped(model, frame, _predict, model.prediction_columns)


@tasks_named("daskdl-anomaly")
def anomaly(model: Model, frame: H2OFrame, per_feature: bool = False) -> H2OFrame:
    """Return the reconstruction MSE of each row, or the squared error of each input unit.

    Raises H2OValueError unless the model is an autoencoder.
    """
    if model.category != "AutoEncoder":
        raise H2OValueError(f"anomaly() needs an autoencoder; {model.key} is a {model.category} model. Use predict().")
    if per_feature:
        names = unique_names(f"reconstr_{name}.SE" for name in model.encoder.unit_names)
        return _mapped(model, frame, _errors_per_unit, [Column(name, "real") for name in names])
    return _mapped(model, frame, _errors_per_row, [Column("Reconstruction.MSE", "real")])


@tasks_named("daskdl-deep-features")
def deep_features(model: Model, frame: H2OFrame, layer: int) -> H2OFrame:
    """Return the values of hidden layer `layer` (counted from 0) for each row.

    Raises H2OJobError for a layer that does not exist, and for a name.
    """
    depth = len(model.layout.hidden)
    if isinstance(layer, str):
        raise H2OJobError(f"Cannot extract named hidden layer '{layer}' for DeepLearning; give its index from 0.")
    if not 0 <= int(layer) < depth:
        raise H2OJobError(f"hidden layer (index) to extract must be between 0 and {depth - 1}; got {layer}.")
    names = [f"DF.L{int(layer) + 1}.C{k + 1}" for k in range(model.layout.hidden[int(layer)])]
    return _mapped(model, frame, _deep_features, [Column(name, "real") for name in names], int(layer) + 1)


def performance(model: Model, frame: H2OFrame, auc_type: str | None = None) -> metrics.ModelMetrics:
    """Return the metrics of a model on another frame.

    Raises H2OJobError where the frame lacks the response, or cannot be read.
    """
    options = model.scorer(auc_type).options
    return metrics.finish(model.category, measured(model, frame, auc_type), options, metrics.Header("test", ""))


@tasks_named("daskdl-score")
def measured(model: Model, frame: H2OFrame, auc_type: str | None = None) -> metrics.State:
    """Return the mergeable state behind `performance`; raises as it does."""
    scorer = model.scorer(auc_type, known_metric(model.resolved.actual.custom_metric_func))
    frame, plan = reading(model, frame, need_response=True)
    states = partitions.merged_in_groups(tasks(model, frame, plan, scorer, _measure), _merge)
    return metrics.merged(gather(states, f"Measuring {model.key}"))


def _merge(function: Callable[..., metrics.State], states: list, priority: int) -> Any:
    return client_of(states).submit(function, states, key=key_of(function), pure=False, priority=priority)


def reading(model: Model, frame: H2OFrame, need_response: bool = False) -> tuple[H2OFrame, Adaptation]:
    """Return the frame with all columns of the kinds that training had, and how to read it; say what is odd."""
    if not isinstance(frame, H2OFrame):
        raise H2OValueError("test_data must be an instance of H2OFrame")
    found = matched(frame, kinds(model.encoder, need_response))
    if found.problems:
        raise H2OJobError(" ".join(found.problems))
    plan = adapt(model.encoder, found.frame.schema, need_response=need_response)
    for sentence in (*found.warnings, *plan.warnings):
        warnings.warn(sentence, UserWarning, stacklevel=4)
    return found.frame, plan


def _mapped(model: Model, frame: H2OFrame, task: Callable[..., Any], columns: Sequence[Column], *more: Any) -> H2OFrame:
    scorer = model.scorer()
    frame, plan = reading(model, frame)
    futures = tasks(model, frame, plan, scorer, task, *more)
    names = [column.name for column in columns]
    rows = frame.placement(plan.columns[:1] or frame.names[:1]).rows
    return H2OFrame._from_groups(Schema(tuple(columns)), rows, [Group(tuple(futures), tuple(names))])


def tasks(
    model: Model, frame: H2OFrame, plan: Adaptation, scorer: Scorer, task: Callable[..., Any], *more: Any
) -> list:
    """Send `task(scorer, plan, chunks, where, *more)` for every partition of a frame; return the futures."""
    placed = frame.placement(needed_columns(model.encoder, plan, frame.names) or frame.names[:1])
    shared = held(scorer, placed.client)
    reading, where = resident(plan, placed.client), resident(placed.where, placed.client)
    return [submit(task, shared, reading, list(parts), where, *more) for parts in placed.parts]


def known_metric(reference: str | None) -> metrics.CustomMetric | None:
    """Return the custom metric behind a reference; None where this session does not know it (a model from disk).

    Nothing is imported for it: a model file must not make code run.
    """
    if reference is None or registry.get(reference) is None:
        return None
    return metrics.custom_metric(reference, registry.get)


def needed_columns(encoder: Encoder, plan: Adaptation, names: Sequence[str]) -> list[str]:
    """Return the columns of a frame that reading it with this encoder touches."""
    answer = encoder.response
    measured = answer is not None and plan.response.kind != "absent"
    extra = [answer.name] if answer is not None and measured else []
    roles = (encoder.weights if measured or answer is None else None, encoder.offset)
    extra += [name for name in roles if name is not None and name in names]
    return list(dict.fromkeys([*plan.columns, *extra]))


def held(value: Any, client: Client) -> Any:
    """Return a future that keeps `value` on a client's cluster once for all tasks that share it.

    A small value is a task result, which Dask makes again when its worker dies; a large one is scattered.
    """
    if getattr(value, "weights", np.zeros(0)).nbytes > LARGE:
        return resident(value, client)
    return client.submit(_held, value, key=key_of(_held), pure=False)


def _held(value: Any) -> Any:
    return value


def _predict(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Chunk:
    found = partitions.predictions(scorer, design_of(scorer, plan, chunks, where))
    if not np.isfinite(found).all():
        raise H2OJobError(unstable_sentence("the model", "a prediction is not a number"))
    if found.ndim == 1:
        return Chunk.pack([found], ["real"], [None])
    if scorer.predictor.category == "AutoEncoder":
        return Chunk.pack(list(_raw_units(scorer.encoder, found).T), ["real"] * found.shape[1], [None] * found.shape[1])
    columns = [scorer.labels(found), *found.T]
    width = found.shape[1]
    return Chunk.pack(columns, ["enum", *["real"] * width], [width, *[None] * width])


def design_of(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Design:
    """Decode a partition; raise H2OJobError for an input that float32 cannot hold, whatever the network makes of it."""
    for one in scorer.encoder.numbers:
        if one.values is None and plan.sources[one.column].kind == "number":
            group, position = where[one.column]
            found = chunks[group].summaries[position]
            ends = (found.minimum, found.maximum) if found.present else ()
            if any(abs((end - one.sub) * one.mul) > LARGEST_INPUT for end in ends):
                raise H2OJobError(
                    f"Column '{one.column}' of the frame must hold finite numbers; one is infinite. Replace it."
                )
    return decode(scorer.encoder, plan, chunks, where)


def _raw_units(encoder: Encoder, found: np.ndarray) -> np.ndarray:
    """Return reconstructions with numbers on the scale of their columns; categorical units stay activations."""
    found = found.copy()
    start = encoder.level_units
    for k, one in enumerate(encoder.numbers):
        found[:, start + k] = found[:, start + k] / one.mul + one.sub
    return found


def _errors_per_unit(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Chunk:
    found = partitions.squared_errors(scorer, design_of(scorer, plan, chunks, where))
    return Chunk.pack(list(found.T), ["real"] * found.shape[1], [None] * found.shape[1])


def _errors_per_row(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Chunk:
    found = partitions.row_errors(scorer, design_of(scorer, plan, chunks, where))
    return Chunk.pack([found], ["real"], [None])


def _deep_features(scorer: Scorer, plan: Adaptation, chunks: list, where: dict, layer: int) -> Chunk:
    found = partitions.deep_features(scorer, design_of(scorer, plan, chunks, where), layer).astype(np.float64)
    return Chunk.pack(list(found.T), ["real"] * found.shape[1], [None] * found.shape[1])


def _measure(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> metrics.State:
    return partitions.measure(scorer, design_of(scorer, plan, chunks, where))
