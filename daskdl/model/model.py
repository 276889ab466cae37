"""A trained model: a frozen value, complete without the cluster that made it. `apply` carries it over frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from daskdl import metrics
from daskdl.coordinator.history import ScoringHistory
from daskdl.encoding.encoder import Encoder
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model.importances import gedeon, of_columns
from daskdl.model.status_table import status_table
from daskdl.network.layout import Layout
from daskdl.network.state import State
from daskdl.parameters import Parameters, Resolved
from daskdl.scoring.partitions import Scorer
from daskdl.scoring.predictor import Predictor
from frames.chunks.column import Column
from frames.exceptions import H2OJobError
from frames.table.names import unique_names

LARGE = 8_000_000  # bytes above which a model is scattered: Dask would warn about a task graph of that size

IMPORTED = "imported"  # the note of a model that was made elsewhere, and by what


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
    threshold: float | None = None  # the one to judge by where no metrics tell it: of a model made elsewhere
    trouble: str | None = None  # why the weights are unstable, if they are
    warnings: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)  # staleness, workers, seconds: what the summary says
    start_time: int = 0
    end_time: int = 0
    progress: dict[str, Any] | None = None  # the coordinator's record, for an exact restart
    own: tuple[State, ...] = ()  # of a job under way: the weights that elastic averaging keeps on workers
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
            return 0.5 if self.threshold is None else self.threshold
        threshold = float(judged.default_threshold())
        return threshold if math.isfinite(threshold) else 0.5

    def scorer(self, auc_type: str | None = None, custom: metrics.CustomMetric | None = None) -> Scorer:
        """Return what a worker needs to use this model, and to measure it with a `custom` metric besides.

        Raises H2OJobError where training ended with unstable weights.
        """
        if self.trouble:
            raise H2OJobError(unstable_sentence(self.key, self.trouble))
        options = options_of(self.resolved, self.encoder, self.priors, auc_type)
        weights = self.state.weights
        return Scorer(
            self.encoder,
            self.predictor,
            weights,
            options=options,
            threshold=self.default_threshold,
            priors=self.priors,
            custom=custom,
        )

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

    def column_importances(self) -> dict[str, float] | None:
        """Return the share of each predictor in the importances of its inputs; None where switched off."""
        if not self.resolved.actual.variable_importances:
            return None
        return of_columns(self.layout, self.state.weights, self.encoder, self.seen_missing)

    def status_table(self) -> H2OTwoDimTable:
        """Return the table "Status of Neuron Layers" (docs/training.md 20)."""
        return status_table(self)


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
        layout=layout,
        category=resolved.category,
        activation=resolved.activation,
        distribution=resolved.distribution,
        hidden_dropout=tuple(resolved.hidden_dropout),
        sub=answer.sub if answer else 0.0,
        mul=answer.mul if answer else 1.0,
        correction=correction,
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


def _is_integer(label: str) -> bool:
    return label.lstrip("-").isdigit()
