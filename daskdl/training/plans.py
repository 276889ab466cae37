"""From the choices of a job to the plans its parts follow: the network's layout, the kernels', the coordinator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daskdl.coordinator import round_size
from daskdl.coordinator.open_round import LEAST_PATIENCE
from daskdl.coordinator.progress import TrainingPlan
from daskdl.coordinator.round_size import Machine, ScoringPolicy, Work
from daskdl.coordinator.slices import reproducible_shares
from daskdl.coordinator.stopping import StoppingRule, objective
from daskdl.encoding.encoder import Encoder
from daskdl.network.layout import Layout
from daskdl.network.state import MAXIMUM_SIZE
from daskdl.parameters import Parameters, Resolved
from daskdl.worker.kernel_plan import Plan
from frames.exceptions import H2OJobError

# Flop counts of the schedule are H2O's, of scalar code; by that measure one thread of ours does this many a second
# (784-200-200-10: 16.4 Mflop a sample by the formula, 20,000 samples a second).
GFLOPS = 300.0
STALENESS = 32  # digits have the same error after one epoch with 1, 16 and 32 rows to a view (3.3-3.8%)
VIEWS_PER_EPOCH = 64
STALE_RATE = 0.16  # rows of a view times the rate set by hand
REPRODUCIBLE_BUDGET = 256 << 20  # bytes of chunks that a task of a reproducible run reads, whatever its worker has
PIECES = 4  # in which a worker trains its share of a long round (docs/scaling.md)
SHARE_ROWS = 20_000  # training rows that a fixed share of a reproducible run should have at least


def layout_of(resolved: Resolved, encoder: Encoder) -> Layout:
    """Return the network's layout. Raises H2OJobError above 1e8 parameters (docs/training.md 1.10)."""
    outputs = {"AutoEncoder": encoder.width, "Regression": 1}.get(resolved.category, resolved.classes)
    layout = Layout(
        levels=encoder.level_units,
        numbers=len(encoder.numbers),
        hidden=resolved.actual.hidden,
        outputs=outputs,
        pieces=resolved.activation.pieces,
        slots=len(resolved.optimizer.slots),
    )
    if layout.size > MAXIMUM_SIZE:
        raise H2OJobError(
            f"Model is too large: {layout.size} parameters, the limit is {MAXIMUM_SIZE}. Try reducing the number of "
            "units in the hidden layers, or the number of categorical levels (max_categorical_features)."
        )
    return layout


def staleness_of(resolved: Resolved, rows: int) -> int:
    """Return how many rows share one view of the weights: as asked, or as many as do not show in the errors.

    A view is a small part of an epoch, and where the rate is set by hand its rows move no weight far together. The
    number of threads plays no part: it must not change the model.
    """
    if resolved.actual.staleness:
        return resolved.actual.staleness
    rate = resolved.optimizer.set_rate
    return max(1, min(STALENESS, rows // VIEWS_PER_EPOCH, int(STALE_RATE / rate) if rate else STALENESS))


def kernel_plan(resolved: Resolved, layout: Layout, mean_weight: float, rows: int) -> Plan:
    """Return what steers the kernels; `rows` counts the rows of the training frame."""
    actual = resolved.actual
    return Plan(
        layout=layout,
        activation=resolved.activation,
        distribution=resolved.distribution,
        optimizer=resolved.optimizer,
        autoencoder=actual.autoencoder,
        l1=resolved.l1,
        l2=resolved.l2,
        max_w2=resolved.max_w2,
        input_dropout=resolved.input_dropout,
        hidden_dropout=tuple(resolved.hidden_dropout),
        fast_mode=actual.fast_mode,
        average_activation=actual.average_activation,
        sparsity_beta=actual.sparsity_beta,
        elastic=actual.elastic_averaging_regularization if actual.elastic_averaging else 0.0,
        batch=resolved.batch,
        staleness=staleness_of(resolved, rows),
        seed=resolved.seed,
        mean_weight=mean_weight,
        schedule=resolved.schedule,
    )


def training_plan(
    resolved: Resolved,
    layout: Layout,
    columns: int,
    rows: Sequence[int],
    validated: bool,
    workers: Mapping[str, int],
    chunk_bytes: tuple[int, ...] | None = None,
    budget: int | None = None,
    patience: float = LEAST_PATIENCE,
    stored: bool = False,
) -> TrainingPlan:
    """Return what steers the coordinator; `columns` counts the categorical columns, `workers` gives their threads.

    A task reads chunks of at most `budget` bytes, where `chunk_bytes` says what those of each partition weigh; it reads
    none, but rows that lie in training order on its worker's disk, where they are `stored`.
    No share counts as overdue before `patience` seconds.

    A row's work is that of its numbers and of one level per categorical column, however many levels there are.
    """
    actual = resolved.actual
    alone = actual.single_node_mode or len(workers) <= 1
    machine = Machine(1 if alone else len(workers), max(workers.values(), default=1), GFLOPS)
    total = sum(rows)
    effort = Work(layout.touched(columns), layout.numbers + columns, resolved.activation.flop, total, actual.epochs)
    asked = actual.train_samples_per_iteration
    per_round = round_size.samples_per_round(
        asked, effort, machine, actual.replicate_training_data, actual.target_ratio_comm_to_comp
    )
    goal = objective(resolved.stopping_metric or actual.stopping_metric, resolved.category)
    fixed = reproducible_shares(total // SHARE_ROWS) if actual.reproducible else None
    return TrainingPlan(
        rows=tuple(rows),
        category=resolved.category,
        target=round_size.target_samples(actual.epochs, total),
        per_round=per_round,
        stopping=StoppingRule(
            goal, actual.stopping_rounds, actual.stopping_tolerance, actual.classification_stop, actual.regression_stop
        ),
        scoring=ScoringPolicy(actual.score_interval, actual.score_duty_cycle, actual.score_each_iteration),
        validated=validated,
        custom=actual.custom_metric_func is not None,
        keep_best=actual.overwrite_with_best_model,
        max_runtime_secs=actual.max_runtime_secs,
        resize=actual.target_ratio_comm_to_comp if asked == round_size.AUTO and not alone else None,
        fixed_shares=fixed,
        save_every=actual.checkpoint_interval if actual.export_checkpoints_dir and actual.checkpoint_interval else None,
        no_workers_timeout=actual.no_workers_timeout,
        patience=patience,
        chunk_bytes=chunk_bytes,
        budget=REPRODUCIBLE_BUDGET if actual.reproducible else None if stored else budget,
        elastic_rate=actual.elastic_averaging_moving_rate if actual.elastic_averaging else None,
        pieces=1 if alone or fixed else PIECES,
        stays=stored,
        widen_after=None if alone or fixed or stored else _widen_after(actual, chunk_bytes, budget),
    )


def _widen_after(actual: Parameters, chunk_bytes: tuple[int, ...] | None, budget: int | None) -> int | None:
    """Return after how many samples each further worker takes part; None where all must from the first.

    That is where rounds are as the user says (H2O's averaging), where workers keep models of their own, and where one
    worker could not read the whole table in one task, let alone where it would lay it out on its disk alone.
    """
    asked = actual.train_samples_per_iteration == round_size.AUTO and not actual.elastic_averaging
    fits = budget is None or chunk_bytes is None or sum(chunk_bytes) <= budget
    return actual.widen_after or None if asked and fits else None
