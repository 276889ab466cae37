"""One model fitted: its choices are made; what is needed is prepared, the job runs, and the model is put together."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from daskdl import metrics
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.open_round import LEAST_PATIENCE
from daskdl.encoding.adaptation import adapt
from daskdl.encoding.balance import Balance, balance_of
from daskdl.encoding.encoder import Encoder, Scaling, fit
from daskdl.model.apply import needed_columns
from daskdl.model.model import Model, options_of, predictor_of
from daskdl.network.layout import Layout
from daskdl.network.state import State
from daskdl.parameters import Parameters, Resolved
from daskdl.scoring.partitions import Scorer
from daskdl.shell.cluster import Cluster
from daskdl.shell.interrupts import orderly
from daskdl.shell.placed import PlacedFrame
from daskdl.shell.shell import INTERRUPTED, Shell
from daskdl.shell.spans import job_span, preparation_span
from daskdl.shell.stored_rows import StoredRows
from daskdl.training.first_weights import adopt_autoencoder, first_state, gaps, given_arrays
from daskdl.training.look import Overview, look
from daskdl.training.outcome import Prepared, checkpoints, model_of
from daskdl.training.plans import kernel_plan, layout_of, training_plan
from daskdl.training.pretraining import encoder_of_autoencoder
from daskdl.training.restart import Restart
from daskdl.training.rows import bytes_of_rows, require_rows, shares_of, training_rows
from daskdl.worker import tasks
from daskdl.worker.kernel_plan import Plan as KernelPlan
from daskdl.worker.standing import Standing
from frames.cluster import registry
from frames.cluster.sending import tasks_named
from frames.cluster.waiting import require_workers
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

SLOW_DISK = 20e6  # bytes a second that a worker decodes and writes at least
UNEVEN = 1.4  # times its part of the rows that the fastest of several workers may be given, and has to keep decoded

Progress = Callable[[float, "dict[str, Any] | None"], "bool | None"]  # True: training is to end


def build(
    cluster: Cluster,
    parameters: Parameters,
    resolved: Resolved,
    frame: H2OFrame,
    validation: H2OFrame | None,
    key: str,
    progress: Progress | None = None,
    started: Callable[[Shell], None] | None = None,
    restart: Restart | None = None,
    view: Overview | None = None,
) -> Model:
    """Train one model whose choices are made; `parameters` are kept in it as what was asked.

    `started` is given the shell before it runs, so that another thread may stop it. `restart` is the checkpoint that
    training goes on from. `view` is what `look` gives, where somebody has looked.
    """
    began = time.time()
    interrupted: list[bool] = []
    with orderly(lambda: interrupted.append(True)), job_span(key), preparation_span(), tasks_named("daskdl-prepare"):
        ready = prepare(cluster, resolved, frame, validation, key=key, restart=restart, view=view)
    coordinator = Coordinator(ready.plan) if restart is None else restart.coordinator(ready.plan, key)
    shell = Shell(
        cluster=cluster,
        coordinator=coordinator,
        job=ready.job,
        standing=Standing(ready.state, ready.best),
        scorer=ready.scorer,
        train=ready.train,
        valid=ready.valid,
        single=resolved.actual.single_node_mode,
        watch=None if progress is None else _watcher(progress, len(coordinator.progress.history.rows)),
        save=checkpoints(key, parameters, ready, began),
        model=key,
        own=() if restart is None else restart.own_states(ready.layout),
        stored=StoredRows(cluster, ready.train, ready.plan.rows) if ready.stored else None,
    )
    if interrupted:
        shell.stop(INTERRUPTED)
    if started is not None:
        started(shell)
    with job_span(key):
        finish = shell.run()
    if finish.reason == "failed":
        raise H2OJobError(f"Job with key {key} failed with an exception: {finish.message}")
    return model_of(key, parameters, ready, shell, began)


def prepare(
    cluster: Cluster,
    resolved: Resolved,
    frame: H2OFrame,
    validation: H2OFrame | None,
    key: str,
    restart: Restart | None = None,
    view: Overview | None = None,
) -> Prepared:
    """Look at the data, make encoder, network and plan. Raises what can be wrong with them."""
    if not cluster.works:
        require_workers(cluster.client, "Preparing training")
    view = look(frame, resolved) if view is None else view
    if restart is None:
        network = _new_network(resolved, frame, view, key)
    else:
        view = restart.view(view, frame)
        network = _network_of(restart, resolved, view)
    resolved, encoder, layout = network.resolved, network.encoder, network.layout
    train = _table(frame, encoder, _sample(resolved, frame, "training"))
    valid = None if validation is None else _validation_table(resolved, validation, encoder)
    train, valid = _weighed(cluster, train, valid)
    plan = kernel_plan(resolved, layout, view.mean_weight, frame.nrow)
    job = _job(cluster, key, resolved, plan=plan, encoder=encoder, train=train, balance=_balance(resolved, view))
    require_rows(job, train, frame, view)
    job, rows, model_shares = training_rows(job, train, frame)
    priors = shares_of(view.class_counts)
    class_shares = None if model_shares is None or priors is None else (priors, model_shares)
    workers = 1 if resolved.actual.single_node_mode else max(1, len(cluster.threads()))
    weight = bytes_of_rows(job, train, rows) / workers
    stored = weight * (UNEVEN if workers > 1 else 1.0) > job.cache
    steering = training_plan(
        resolved,
        layout,
        len(encoder.levels),
        rows=rows,
        validated=validation is not None,
        workers=cluster.threads(),
        chunk_bytes=train.nbytes,
        budget=cluster.task_bytes,
        patience=LEAST_PATIENCE + (weight / SLOW_DISK if stored else 0.0),
        stored=stored,
    )
    job = replace(job, plan=replace(job.plan, target=steering.target))
    return Prepared(
        resolved=resolved,
        encoder=encoder,
        layout=layout,
        state=network.state,
        seen_missing=network.seen_missing,
        job=job,
        plan=steering,
        scorer=_scorer(network, class_shares, priors),
        train=train,
        valid=valid,
        class_shares=class_shares,
        priors=priors,
        best=network.best,
        stored=stored,
    )


def _job(
    cluster: Cluster,
    key: str,
    resolved: Resolved,
    plan: KernelPlan,
    encoder: Encoder,
    train: PlacedFrame,
    balance: Balance | None,
) -> tasks.Job:
    return tasks.Job(
        key=f"{key}-{uuid.uuid4().hex[:6]}",
        plan=plan,
        encoder=encoder,
        adaptation=train.adaptation,
        where=train.where,
        balance=balance,
        cache=cluster.cache_bytes,
        spread=resolved.actual.force_load_balance,
    )


@dataclass(frozen=True)
class _Network:
    """What training starts from: choices, how rows become inputs, weights; `best`: an earlier, better state.

    `seen_missing` says for each categorical column whether training meets a missing value.
    """

    resolved: Resolved
    encoder: Encoder
    layout: Layout
    state: State
    seen_missing: tuple[bool, ...]
    best: State | None = None


def _new_network(resolved: Resolved, frame: H2OFrame, view: Overview, key: str) -> _Network:
    encoder = _encoder(resolved, frame, view, key)
    layout = layout_of(resolved, encoder)
    seen = tuple(view.statistics.missing[one.column] > 0 for one in encoder.levels)
    weights, biases = given_arrays(resolved)
    state = first_state(resolved, layout, encoder, seen_missing=seen, weights=weights, biases=biases)
    said = (*gaps("initial_weights", weights), *gaps("initial_biases", biases))
    resolved = replace(resolved, warnings=(*resolved.warnings, *said))
    pretrained: Any = resolved.actual.pretrained_autoencoder
    if pretrained is not None:
        state = adopt_autoencoder(state, layout, pretrained.state, pretrained.layout)
    return _Network(resolved=resolved, encoder=encoder, layout=layout, state=state, seen_missing=seen)


def _network_of(restart: Restart, resolved: Resolved, view: Overview) -> _Network:
    encoder = restart.reading(resolved)
    layout = layout_of(resolved, encoder)
    state, best = restart.states(layout)
    seen = restart.seen_missing(view)
    return _Network(resolved=resolved, encoder=encoder, layout=layout, state=state, seen_missing=seen, best=best)


def _scorer(network: _Network, class_shares: Any, priors: tuple[float, ...] | None) -> Scorer:
    resolved, encoder = network.resolved, network.encoder
    reference = resolved.actual.custom_metric_func
    return Scorer(
        encoder=encoder,
        predictor=predictor_of(resolved, network.layout, encoder, class_shares),
        weights=network.state.weights,
        options=options_of(resolved, encoder, priors),
        threshold=0.5,
        priors=priors,
        custom=None if reference is None else _custom_metric(reference),
    )


def _encoder(resolved: Resolved, frame: H2OFrame, view: Overview, key: str) -> Encoder:
    actual = resolved.actual
    pretrained: Any = actual.pretrained_autoencoder
    if pretrained is not None:
        return encoder_of_autoencoder(pretrained, resolved, frame, view.response, key)
    return fit(
        [frame.schema[name] for name in resolved.predictors],
        view.statistics,
        view.response,
        scaling=Scaling(actual.standardize, actual.autoencoder),
        encoding=actual.categorical_encoding,
        use_all=actual.use_all_factor_levels,
        slots=actual.max_categorical_features,
        seed=resolved.seed,
        weights=actual.weights_column,
        offset=actual.offset_column,
        skip_missing=actual.missing_values_handling == "Skip",
    )


def _custom_metric(reference: str) -> metrics.CustomMetric:
    """Return the user's own metric; one that was imported is known from now on, for later scorings."""
    custom = metrics.custom_metric(reference, registry.get)
    if registry.get(reference) is None:
        registry.register(reference, lambda: custom.target)
    return custom


def _table(frame: H2OFrame, encoder: Encoder, sample: tasks.Sample) -> PlacedFrame:
    adaptation = adapt(encoder, frame.schema, need_response=True)
    placed = frame.placement(needed_columns(encoder, adaptation, frame.names))
    return PlacedFrame(
        parts=placed.parts,
        where=placed.where,
        adaptation=adaptation,
        sample=sample,
        name=str(frame.frame_id),
        rows=placed.rows,
    )


def _validation_table(resolved: Resolved, frame: H2OFrame, encoder: Encoder) -> PlacedFrame:
    return _table(frame, encoder, _sample(resolved, frame, "validation", _class_counts(frame, encoder)))


def _weighed(cluster: Cluster, train: PlacedFrame, valid: PlacedFrame | None) -> tuple[PlacedFrame, PlacedFrame | None]:
    """Return both frames with the bytes of their chunks, asked for in one message."""
    first = len(train.parts)
    sizes = cluster.bytes_of([*train.parts, *(() if valid is None else valid.parts)])
    train = replace(train, nbytes=sizes[:first])
    return train, None if valid is None else replace(valid, nbytes=sizes[first:])


def _class_counts(frame: H2OFrame, encoder: Encoder) -> np.ndarray | None:
    answer = encoder.response
    if answer is None or answer.domain is None or frame.schema[answer.name].type != "enum":
        return None
    found = frame.summaries([answer.name])[answer.name].counts
    domain = frame.schema[answer.name].domain or ()
    counts = dict(zip(domain, [] if found is None else found, strict=False))
    return np.array([counts.get(label, 0) for label in answer.domain])


def _sample(resolved: Resolved, frame: H2OFrame, kind: str, counts: np.ndarray | None = None) -> tasks.Sample:
    """Return which rows are scored: all, a uniform sample, or for balanced classification as many of each class."""
    actual = resolved.actual
    wanted = actual.score_training_samples if kind == "training" else actual.score_validation_samples
    if wanted == 0 or wanted >= frame.nrow:
        return tasks.Sample((1.0,), resolved.seed)
    rows = _weighted_rows(frame, actual.weights_column)
    if wanted >= rows:
        return tasks.Sample((1.0,), resolved.seed)
    stratified = actual.balance_classes and actual.score_validation_sampling == "Stratified"
    if kind == "validation" and stratified and counts is not None:
        each = wanted / max(1, np.count_nonzero(counts))
        return tasks.Sample(tuple(float(min(1.0, each / max(n, 1))) for n in counts), resolved.seed)
    return tasks.Sample((wanted / rows,), resolved.seed)


def _weighted_rows(frame: H2OFrame, weights: str | None) -> int:
    """Return how many rows count: those whose weight is not 0."""
    if weights is None or weights not in frame.names:
        return frame.nrow
    found = frame.summaries([weights])[weights]
    return found.rows - found.zeros


def _balance(resolved: Resolved, view: Overview) -> Balance | None:
    actual = resolved.actual
    if not actual.balance_classes or view.class_counts is None:
        return None
    factors = actual.class_sampling_factors
    return balance_of(view.class_counts, factors, actual.max_after_balance_size, resolved.seed)


def _watcher(progress: Progress, known: int) -> Callable[[Shell], None]:
    """Return what tells `progress` of each round, and of each row of the history after those `known`."""
    shown = max(known, 1)  # the first row stands for the beginning

    def watch(shell: Shell) -> None:
        nonlocal shown
        done = shell.coordinator.progress
        share = done.position / max(1, shell.coordinator.plan.target)
        fresh = done.history.as_dicts(shown)
        shown += len(fresh)
        asked = [progress(share, row) for row in fresh or [None]]
        if any(asked):
            shell.stop()

    return watch
