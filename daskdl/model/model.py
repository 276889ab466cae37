"""A trained model: frozen, complete, usable without the cluster that made it.

Methods that take a frame send one task per partition and return at once with a frame whose rows are computed where they
lie; the model travels once, as one task result that every partition's task shares.
"""

from __future__ import annotations

import math
import uuid
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from daskdl import metrics
from daskdl.coordinator.history import ScoringHistory
from daskdl.encoding.adaptation import Adaptation, adapt, kinds
from daskdl.encoding.decoded import Design, decode
from daskdl.encoding.encoder import Encoder
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model.importances import gedeon
from daskdl.model.matching import matched
from daskdl.model.status_table import status_table
from daskdl.network.layout import Layout
from daskdl.network.state import State
from daskdl.parameters import Parameters, Resolved
from daskdl.parameters.facts import LARGEST_INPUT
from daskdl.scoring import partitions
from daskdl.scoring.partitions import Scorer
from daskdl.scoring.predictor import Predictor
from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster.session import client, get
from frames.cluster.tasks import gather, resident
from frames.exceptions import H2OJobError, H2OValueError
from frames.frame import Group, H2OFrame
from frames.table.names import unique_names

LARGE = 8_000_000  # bytes above which a model is scattered: Dask would warn about a task graph of that size


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that training produced.

    `parameters` are the values as given, `resolved` what was done; `state` holds weights and optimizer slots;
    `class_shares` are (prior, model) class shares where training rows were balanced; `seen_missing` says for each
    categorical column whether training met a missing value; times are milliseconds since 1970.
    """

    key: str
    parameters: Parameters
    resolved: Resolved
    encoder: Encoder
    layout: Layout
    state: State
    history: ScoringHistory
    training_metrics: metrics.ModelMetrics | None = None
    validation_metrics: metrics.ModelMetrics | None = None
    cross_validation_metrics: metrics.ModelMetrics | None = None
    class_shares: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    priors: tuple[float, ...] | None = None
    seen_missing: tuple[bool, ...] = ()
    samples: int = 0
    epochs: float = 0.0
    trouble: str | None = None  # why the weights are unstable, if they are
    warnings: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)  # staleness, workers, seconds: what the summary says
    start_time: int = 0
    end_time: int = 0
    progress: dict[str, Any] | None = None  # the coordinator's record, for an exact restart
    last: State | None = None  # where training left off, if `state` is an earlier, better one
    extras: dict[str, Any] = field(default_factory=dict, repr=False)  # cross-validation models and frames

    @property
    def category(self) -> str:
        """Binomial, Multinomial, Regression or AutoEncoder."""
        return self.resolved.category

    @property
    def response(self) -> str | None:
        """Name of the response column."""
        return None if self.encoder.response is None else self.encoder.response.name

    @property
    def x(self) -> list[str]:
        """Names of the predictors, in the training frame's order."""
        return self.encoder.sources

    @property
    def domain(self) -> tuple[str, ...] | None:
        """Levels of a categorical response."""
        return None if self.encoder.response is None else self.encoder.response.domain

    @cached_property
    def predictor(self) -> Predictor:
        """The pure function from encoded rows to predictions."""
        return predictor_of(self.resolved, self.layout, self.encoder, self.class_shares)

    @property
    def default_threshold(self) -> float:
        """The probability from which a binomial model says the second class: max F1 on validation, else training."""
        judged = self.validation_metrics or self.training_metrics
        if self.category != "Binomial" or judged is None:
            return 0.5
        threshold = float(judged.default_threshold())
        return threshold if math.isfinite(threshold) else 0.5

    def scorer(self, auc_type: str | None = None) -> Scorer:
        """Return what a worker needs to use this model.

        Raises H2OJobError where training ended with unstable weights.
        """
        if self.trouble:
            raise H2OJobError(unstable_sentence(self.key, self.trouble))
        options = options_of(self.resolved, self.encoder, self.priors, auc_type)
        custom = known_metric(self.resolved.actual.custom_metric_func)
        weights = self.state.weights
        return Scorer(self.encoder, self.predictor, weights, options, self.default_threshold, self.priors, custom)

    # ---- frames in, frames out ---------------------------------------------------------------------------------
    def predict(self, frame: H2OFrame) -> H2OFrame:
        """Return predictions (rows of `frame`): label and class probabilities, or the response, or a reconstruction.

        Warns (UserWarning) of missing columns and unseen levels. Raises H2OJobError where the frame cannot be read.
        """
        return self._mapped(frame, _predict, self.prediction_columns)

    def anomaly(self, frame: H2OFrame, per_feature: bool = False) -> H2OFrame:
        """Return the reconstruction MSE of each row, or the squared error of each input unit.

        Raises H2OValueError unless the model is an autoencoder.
        """
        if self.category != "AutoEncoder":
            raise H2OValueError(
                f"anomaly() needs an autoencoder; {self.key} is a {self.category} model. Use predict()."
            )
        if per_feature:
            names = unique_names(f"reconstr_{name}.SE" for name in self.encoder.unit_names)
            return self._mapped(frame, _errors_per_unit, [Column(name, "real") for name in names])
        return self._mapped(frame, _errors_per_row, [Column("Reconstruction.MSE", "real")])

    def deepfeatures(self, frame: H2OFrame, layer: int) -> H2OFrame:
        """Return the values of hidden layer `layer` (counted from 0) for each row.

        Raises H2OValueError for a layer that does not exist, H2OTypeError for a name.
        """
        depth = len(self.layout.hidden)
        if isinstance(layer, str):
            raise H2OJobError(f"Cannot extract named hidden layer '{layer}' for DeepLearning; give its index from 0.")
        if not 0 <= int(layer) < depth:
            raise H2OJobError(f"hidden layer (index) to extract must be between 0 and {depth - 1}; got {layer}.")
        names = [f"DF.L{int(layer) + 1}.C{k + 1}" for k in range(self.layout.hidden[int(layer)])]
        return self._mapped(frame, _deep_features, [Column(name, "real") for name in names], int(layer) + 1)

    def performance(self, frame: H2OFrame, auc_type: str | None = None) -> metrics.ModelMetrics:
        """Return the metrics of this model on another frame.

        Raises H2OJobError where the frame lacks the response, or cannot be read.
        """
        options = self.scorer(auc_type).options
        return metrics.finish(self.category, self.measured(frame, auc_type), options, metrics.Header("test", ""))

    def measured(self, frame: H2OFrame, auc_type: str | None = None) -> metrics.State:
        """Return the mergeable state behind `performance(frame)`; raises as it does."""
        scorer = self.scorer(auc_type)
        frame, plan = self._reading(frame, need_response=True)
        return metrics.merged(gather(self._tasks(frame, plan, scorer, _measure)))

    @property
    def prediction_columns(self) -> list[Column]:
        """Names and types of the columns that `predict` makes; a name that is taken gets a number behind it."""
        if self.category == "AutoEncoder":
            names = unique_names(f"reconstr_{name}" for name in self.encoder.unit_names)
            return [Column(name, "real") for name in names]
        if self.category == "Regression":
            return [Column("predict", "real")]
        domain = self.domain or ()
        labels = [f"p{label}" if _is_integer(label) else label for label in domain]
        _, *names = unique_names(["predict", *labels])  # a class may bear that name, or p0 beside 0
        return [Column("predict", "enum", domain), *(Column(name, "real") for name in names)]

    def _reading(self, frame: H2OFrame, need_response: bool = False) -> tuple[H2OFrame, Adaptation]:
        """Return the frame with all columns of the kinds that training had, and how to read it; say what is odd."""
        if not isinstance(frame, H2OFrame):
            raise H2OValueError("test_data must be an instance of H2OFrame")
        found = matched(frame, kinds(self.encoder, need_response))
        if found.problems:
            raise H2OJobError(" ".join(found.problems))
        plan = adapt(self.encoder, found.frame.schema, need_response=need_response)
        for sentence in (*found.warnings, *plan.warnings):
            warnings.warn(sentence, UserWarning, stacklevel=4)
        return found.frame, plan

    def _mapped(self, frame: H2OFrame, task: Callable[..., Any], columns: Sequence[Column], *more: Any) -> H2OFrame:
        scorer = self.scorer()
        frame, plan = self._reading(frame)
        futures = self._tasks(frame, plan, scorer, task, *more)
        names = [column.name for column in columns]
        schema = Schema(tuple(columns))
        rows = frame.placement(plan.columns[:1] or frame.names[:1]).rows
        return H2OFrame._from_groups(schema, rows, [Group(tuple(futures), tuple(names))])

    def _tasks(self, frame: H2OFrame, plan: Adaptation, scorer: Scorer, task: Callable[..., Any], *more: Any) -> list:
        placed = frame.placement(needed_columns(self.encoder, plan, frame.names) or frame.names[:1])
        cluster = client()
        shared, reading, where = held(scorer), resident(plan), resident(placed.where)
        name = task.__name__.strip("_")
        return [
            cluster.submit(
                task, shared, reading, list(parts), where, *more, key=f"{name}-{uuid.uuid4().hex}", pure=False
            )
            for parts in placed.parts
        ]

    # ---- what is inside ----------------------------------------------------------------------------------------
    def weights(self, matrix_id: int = 0) -> np.ndarray:
        """Return weight matrix `matrix_id` (from 0) as (units, inputs); maxout: channel 0 rows, then channel 1."""
        return self.layout.matrix(self.state.weights, matrix_id + 1)

    def biases(self, vector_id: int = 0) -> np.ndarray:
        """Return bias vector number `vector_id` (from 0) as (units,)."""
        return self.layout.bias(self.state.weights, vector_id + 1).copy()

    def importances(self) -> list[tuple[str, float, float, float]] | None:
        """Return (variable, relative, scaled, percentage) by falling importance; None where switched off."""
        if not self.resolved.actual.variable_importances:
            return None
        return gedeon(self.layout, self.state.weights, self.encoder, self.seen_missing)

    def status_table(self) -> H2OTwoDimTable:
        """Return the table "Status of Neuron Layers" (docs/training.md 20)."""
        return status_table(self)


def known_metric(reference: str | None) -> metrics.CustomMetric | None:
    """Return the custom metric behind a reference; None where this session does not know it (a model from disk).

    Nothing is imported for it: a model file must not make code run.
    """
    return None if reference is None or get(reference) is None else metrics.custom_metric(reference, get)


def unstable_sentence(key: str, trouble: str) -> str:
    """Return the error that training and prediction raise for unstable weights (docs/training.md 13)."""
    return (
        f"Trying to predict with an unstable model: {key} has a numerical instability ({trouble}). Try a different "
        "initial distribution, a bounded activation function (Tanh), adding regularization (via max_w2, l1, l2, "
        "dropout) or learning rate (either enable adaptive_rate or use a smaller learning rate or faster annealing)."
    )


def predictor_of(
    resolved: Resolved,
    layout: Layout,
    encoder: Encoder,
    class_shares: tuple[tuple[float, ...], tuple[float, ...]] | None,
) -> Predictor:
    """Return the predictor of a network with this layout."""
    correction = None
    if class_shares is not None:
        correction = tuple(p / m if m > 0 else 0.0 for p, m in zip(*class_shares, strict=True))
    answer = encoder.response
    return Predictor(
        layout,
        resolved.category,
        resolved.activation,
        resolved.distribution,
        tuple(resolved.hidden_dropout),
        answer.sub if answer else 0.0,
        answer.mul if answer else 1.0,
        correction,
    )


def options_of(
    resolved: Resolved, encoder: Encoder, priors: tuple[float, ...] | None, auc_type: str | None = None
) -> metrics.Options:
    """Return how a model with these parameters is measured."""
    actual = resolved.actual
    return metrics.Options(
        domain=None if encoder.response is None else encoder.response.domain,
        auc_type=auc_type or actual.auc_type,
        gainslift_bins=actual.gainslift_bins,
        distribution=resolved.distribution,
        priors=priors,
        hit_ranks=actual.max_hit_ratio_k,
    )


def needed_columns(encoder: Encoder, plan: Adaptation, names: Sequence[str]) -> list[str]:
    """Return the columns of a frame that reading it with this encoder touches."""
    answer = encoder.response
    measured = answer is not None and plan.response.kind != "absent"
    extra = [answer.name] if answer is not None and measured else []
    roles = (encoder.weights if measured or answer is None else None, encoder.offset)
    extra += [name for name in roles if name is not None and name in names]
    return list(dict.fromkeys([*plan.columns, *extra]))


def held(value: Any) -> Any:
    """Return a future that keeps `value` on the cluster once for all tasks that share it.

    A small value is a task result, which Dask makes again when its worker dies; a large one is scattered.
    """
    cluster = client()
    if getattr(value, "weights", np.zeros(0)).nbytes > LARGE:
        return cluster.scatter(value, hash=False)
    return cluster.submit(_same, value, key=f"held-{uuid.uuid4().hex}", pure=False)


def _same(value: Any) -> Any:
    return value


def _is_integer(label: str) -> bool:
    return label.lstrip("-").isdigit()


def _predict(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Chunk:
    found = partitions.predictions(scorer, _design(scorer, plan, chunks, where))
    if not np.isfinite(found).all():
        raise H2OJobError(unstable_sentence("the model", "a prediction is not a number"))
    if found.ndim == 1:
        return Chunk.pack([found], ["real"], [None])
    if scorer.predictor.category == "AutoEncoder":
        return Chunk.pack(list(_raw_units(scorer.encoder, found).T), ["real"] * found.shape[1], [None] * found.shape[1])
    columns = [scorer.labels(found), *found.T]
    width = found.shape[1]
    return Chunk.pack(columns, ["enum", *["real"] * width], [width, *[None] * width])


def _design(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Design:
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
    found = partitions.squared_errors(scorer, _design(scorer, plan, chunks, where))
    return Chunk.pack(list(found.T), ["real"] * found.shape[1], [None] * found.shape[1])


def _errors_per_row(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Chunk:
    found = partitions.row_errors(scorer, _design(scorer, plan, chunks, where))
    return Chunk.pack([found], ["real"], [None])


def _deep_features(scorer: Scorer, plan: Adaptation, chunks: list, where: dict, layer: int) -> Chunk:
    found = partitions.deep_features(scorer, _design(scorer, plan, chunks, where), layer).astype(np.float64)
    return Chunk.pack(list(found.T), ["real"] * found.shape[1], [None] * found.shape[1])


def _measure(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> metrics.State:
    return partitions.measure(scorer, _design(scorer, plan, chunks, where))
