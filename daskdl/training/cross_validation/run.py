"""Cross-validation: a model per fold that never learned from it, metrics of all held-out rows, then the main model.

Fold models train on the frame itself with weight 0 on their held-out rows, so nothing is copied and their statistics
come from their own training rows. Several train at once where one alone would mostly wait. Source: docs/training.md 15.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import Any

from daskdl import metrics
from daskdl.model.apply import measured
from daskdl.model.model import Model, options_of
from daskdl.parameters import Parameters, Resolved
from daskdl.shell.cluster import Cluster
from daskdl.shell.interrupts import orderly
from daskdl.shell.shell import Shell
from daskdl.training.cross_validation.dealt import Dealer, Dealt
from daskdl.training.cross_validation.folds import WEIGHTS as FOLD_WEIGHTS
from daskdl.training.cross_validation.folds import Folds, folds_of
from daskdl.training.cross_validation.holdout import combined_predictions, holdout_predictions
from daskdl.training.cross_validation.kept_folds import KeptFolds
from daskdl.training.fit_one import Progress, build
from daskdl.training.restart import same_job
from frames.cluster import registry
from frames.frame import H2OFrame

SMALL = 10_000_000  # cells of a table up to which models train side by side: each alone would mostly wait for messages
MOST = 8  # models side by side: each is a thread of the client
SHORTEST = 1e-3  # seconds; 0 would mean no limit
ENDED = "Cross-validation was ended early."


def cross_validate(
    cluster: Cluster,
    parameters: Parameters,
    resolved: Resolved,
    frame: H2OFrame,
    validation: H2OFrame | None,
    key: str,
    progress: Progress | None = None,
    kept: KeptFolds | None = None,
    main: Model | None = None,
) -> Model:
    """Return the main model with cross-validation metrics, and fold models and frames in its `extras`.

    Folds that are `kept` are not trained again; `main` is a checkpoint of the main model, which goes on from it.

    The fold models `<key>_cv_<i>` and the frames that were asked for are registered. The validation frame serves the
    main model only. Ctrl-C, or a request to stop, while folds train ends them with what they have learned; those that
    have not begun are left out, the main model trains for one round, and a warning of it says so. Raises
    H2OResponseError where a fold would be empty, H2OJobError where a model fails.
    """
    began, kept = time.time(), kept or KeptFolds()
    folds = folds_of(resolved, frame)
    crew = _Crew(
        cluster=cluster,
        parameters=parameters,
        resolved=resolved,
        frame=frame,
        folds=folds,
        key=key,
        together=_Together(progress, folds.count + 1),
        kept=kept,
    )
    results = [one for one in crew.run() if one is not None]
    choices = resolved if crew.ended else _main_choices(resolved, results, time.time() - began)
    restart = None if main is None else same_job(main, parameters, frame, validation)
    built = build(
        cluster.for_a_job(),
        parameters,
        choices if restart is None else restart.resolved(choices),
        frame,
        validation,
        key=key,
        progress=_one_round if crew.ended else crew.together.of(folds.count, rows=True),
        restart=restart,
    )
    crew.together.over(folds.count)
    with orderly(_go_on):  # what is left takes a moment
        if crew.ended:
            built = _cut_short(built, parameters, len(results), folds.count, key)
        built = replace(built, start_time=kept.began, warnings=(*built.warnings, *kept.warnings))
        if not results:
            return built
        extras = {
            **built.extras,
            "cross_validation_metrics_summary": metrics.cross_validation_summary([one.found for one in results]),
            **_kept(parameters, key, folds, results),
        }
        found = _pooled(resolved, built, results)
        return replace(built, cross_validation_metrics=found, extras=extras)


def _one_round(done: float, row: dict[str, Any] | None) -> bool:
    return True  # the main model of a cross-validation that was ended


def _go_on() -> None:
    return  # a second Ctrl-C breaks off


def _cut_short(main: Model, parameters: Parameters, trained: int, folds: int, key: str) -> Model:
    """Return the main model of a cross-validation that was ended among its folds, with a warning that says so."""
    others = " or use the fold models, which are kept" if parameters.keep_cross_validation_models and trained else ""
    said = (
        f"Cross-validation of {key} was ended early: {trained} of {folds} folds have learned something, and the "
        f"metrics are those of their held-out rows. The main model has learned for {main.epochs:g} epochs only: train "
        f"it again without folds{',' if others else ''}{others}."
    )
    return replace(main, warnings=(*main.warnings, said), notes={**main.notes, "ended": said})


@dataclass(frozen=True)
class _Result:
    """What is left of a fold: its model (or its epochs only), its held-out rows' metrics and predictions."""

    model: Model | None
    epochs: float
    state: metrics.State
    found: metrics.ModelMetrics
    predictions: H2OFrame | None


class _Together:
    """One progress of several jobs that may report from different threads."""

    def __init__(self, progress: Progress | None, jobs: int) -> None:
        self._progress = progress
        self._done = [0.0] * jobs
        self._lock = threading.Lock()

    def of(self, number: int, rows: bool = False) -> Progress | None:
        """Return the progress of one job; with `rows` its history rows are passed on."""
        progress = self._progress
        if progress is None:
            return None

        def report(done: float, row: dict[str, Any] | None) -> bool | None:
            with self._lock:
                self._done[number] = min(1.0, done)
                return progress(sum(self._done) / len(self._done), row if rows else None)

        return report

    def over(self, number: int) -> None:
        """Take a job as finished, however early it stopped."""
        report = self.of(number)
        if report is not None:
            report(1.0, None)


@dataclass
class _Crew:
    """The fold models in training: threads of the client, each driving one shell at a time."""

    cluster: Cluster
    parameters: Parameters
    resolved: Resolved
    frame: H2OFrame
    folds: Folds
    key: str
    together: _Together
    kept: KeptFolds
    ended: bool = False  # somebody asked for an end
    _shells: list[Shell] = field(default_factory=list)

    def stop(self) -> None:
        """End soon: folds that train close their round, others do not begin; may be called from any thread."""
        self.ended = True
        for shell in list(self._shells):
            shell.stop(ENDED)

    def run(self) -> list[_Result | None]:
        """Train all fold models, None for those that were not begun; the first error stops the others and is raised."""
        at_once = models_at_once(self.frame.nrow * len(self._columns()), self.folds.count, self.cluster.threads())
        with ThreadPoolExecutor(at_once, thread_name_prefix="daskdl-fold") as pool, orderly(self.stop):
            dealer = self._dealer(at_once)
            running = [pool.submit(copy_context().run, self._one, n, at_once, dealer) for n in range(self.folds.count)]
            try:
                wait(running, return_when=FIRST_EXCEPTION)  # each ends: a job without workers by its own time limit
                return [one.result() for one in _failed_first(running)]
            except BaseException:
                for one in running:
                    one.cancel()
                self.stop()
                raise

    def _columns(self) -> list[str]:
        actual = self.resolved.actual
        names = [*self.resolved.predictors, self.resolved.response, actual.offset_column]
        return [name for name in names if name is not None]

    def _dealer(self, at_once: int) -> Dealer:
        actual = self.resolved.actual
        weights = None if actual.weights_column is None else self.frame[[actual.weights_column]]
        choices = self._choices(self._changes(self.key, at_once))
        return Dealer(self.cluster, self.frame[self._columns()], self.folds, weights, choices, key=self.key)

    def _choices(self, changes: dict[str, Any]) -> Resolved:
        actual = self.resolved.actual.replace(**changes)
        return replace(self.resolved, actual=actual, fold_assignment=None, warnings=(), changes=())

    def _one(self, number: int, at_once: int, dealer: Dealer) -> _Result | None:
        if self.ended:
            return None
        key = f"{self.key}_cv_{number + 1}"
        changes = self._changes(key, at_once)
        dealt = dealer.take(number)
        asked = self.parameters.replace(**changes)
        trained = self._trained(number, key, asked, self._choices(changes), dealt=dealt)
        if trained is None:
            return None
        model, state = trained
        header = metrics.Header("valid", f"Metrics of the rows held out of fold {number + 1}")
        found = metrics.finish(model.category, state, model.scorer().options, header)
        kept = self.parameters.keep_cross_validation_predictions
        predictions = holdout_predictions(model, dealt.held_out, self.folds.column, number) if kept else None
        self.together.over(number)
        keep = self.parameters.keep_cross_validation_models
        return _Result(model if keep else None, model.epochs, state, found, predictions)

    def _trained(
        self, number: int, key: str, asked: Parameters, choices: Resolved, dealt: Dealt
    ) -> tuple[Model, metrics.State] | None:
        """Return the model of a fold, kept or trained now, and the measure of its held-out rows; None for no model."""
        found = self.kept.fold(number)
        if found is not None:
            return found, measured(found, dealt.held_out)
        shells: list[Shell] = []
        model = build(
            self.cluster.for_a_job(),
            asked,
            choices,
            dealt.training,
            dealt.held_out,
            key=key,
            progress=self._progress(number),
            started=lambda shell: self._started(shell, shells),
            view=dealt.view,
        )
        if self.ended and not model.samples:
            return None
        if not self.ended:  # else it was stopped in the middle
            self.kept.keep(number, model)
        state = _already_measured(shells[0]) or measured(model, dealt.held_out)
        self._shells.remove(shells[0])
        return model, state

    def _changes(self, key: str, at_once: int) -> dict[str, Any]:
        limit = self.resolved.actual.max_runtime_secs
        return {
            "model_id": key,
            "nfolds": 0,
            "fold_column": None,
            "fold_assignment": "AUTO",
            "weights_column": FOLD_WEIGHTS,
            "validation_frame": None,
            "overwrite_with_best_model": False,  # the best on its own held-out rows would flatter the metrics
            "max_runtime_secs": limit / (math.ceil(self.folds.count / at_once) + 1),
            "export_checkpoints_dir": None,
        }

    def _started(self, shell: Shell, of_fold: list[Shell]) -> None:
        of_fold.append(shell)
        self._shells.append(shell)
        if self.ended:
            shell.stop(ENDED)

    def _progress(self, number: int) -> Progress | None:
        report = self.together.of(number)
        if report is None:
            return None

        def told(done: float, row: dict[str, Any] | None) -> bool | None:
            asked = report(done, row)
            if asked:
                self.stop()
            return asked

        return told


def _already_measured(shell: Shell) -> metrics.State | None:
    """Return the state behind the last validation, where that says of all held-out rows what a new look would say.

    A metric of the user's own may be given labels, which follow a threshold that is only known in the end.
    """
    whole = shell.valid is not None and shell.valid.sample.takes_all
    return shell.standing.validated if whole and shell.scorer.custom is None else None


def models_at_once(cells: int, folds: int, threads: Mapping[str, int]) -> int:
    """Return how many fold models to train side by side on workers of so many threads.

    A large table keeps all threads busy with one model, and two would only take memory from each other. With a small
    one a model mostly waits for messages between rounds (measured on 2 threads: 3 at once take 0.7 of the time, from
    2,000 to 20,000 rows of 20 numbers).
    """
    if cells > SMALL:
        return 1
    return min(folds, MOST, 1 + sum(threads.values()))


def _failed_first(running: Sequence[Future]) -> Sequence[Future]:
    """Put jobs that failed in front, so that asking for results meets the cause before what it stopped."""
    return [one for one in running if one.done() and not one.cancelled() and one.exception()] or running


def _main_choices(resolved: Resolved, results: Sequence[_Result], seconds: float) -> Resolved:
    """Let the folds decide how long the main model trains, where they could stop early."""
    actual = resolved.actual
    if not actual.stopping_rounds and not actual.max_runtime_secs:
        return resolved
    epochs = sum(one.epochs for one in results) / len(results)
    changes: dict[str, Any] = {"epochs": epochs, "stopping_rounds": 0}
    if actual.max_runtime_secs:
        changes["max_runtime_secs"] = max(SHORTEST, actual.max_runtime_secs - seconds)
    said = [f"Setting optimal _epochs to {epochs:g} for the main model: the mean of its {len(results)} fold models."]
    if actual.stopping_rounds:
        said.append("Disabling convergence-based early stopping for the main model, after cross-validation.")
    warnings = resolved.warnings if actual.quiet_mode else (*resolved.warnings, *said)
    return replace(
        resolved,
        actual=actual.replace(**changes),
        stopping_metric=None,
        warnings=warnings,
        changes=(*resolved.changes, *said),
    )


def _pooled(resolved: Resolved, main: Model, results: Sequence[_Result]) -> metrics.ModelMetrics:
    """Measure all held-out rows as one set: one AUC, one threshold."""
    said = f"{len(results)}-fold cross-validation on training data (Metrics computed for combined holdout predictions)"
    options = options_of(resolved, main.encoder, main.priors)
    state = metrics.merged(one.state for one in results)
    return metrics.finish(main.category, state, options, metrics.Header("xval", said))


def _kept(parameters: Parameters, key: str, folds: Folds, results: Sequence[_Result]) -> dict[str, Any]:
    """Name and register what the user wants to keep."""
    extras: dict[str, Any] = {}
    if parameters.keep_cross_validation_models:
        extras["cross_validation_models"] = [one.model for one in results if one.model is not None]
        for model in extras["cross_validation_models"]:
            registry.register(model.key, model)
    if parameters.keep_cross_validation_predictions:
        frames = [one.predictions for one in results if one.predictions is not None]
        for number, frame in enumerate(frames):
            frame.frame_id = f"prediction_{key}_cv_{number + 1}"
        extras["cross_validation_predictions"] = frames
        if len(frames) == folds.count:
            combined = combined_predictions(frames)
            combined.frame_id = f"cv_holdout_prediction_{key}"
            extras["cross_validation_holdout_predictions"] = combined
    if parameters.keep_cross_validation_fold_assignment:
        folds.column.frame_id = f"cv_fold_assignment_{key}"
        extras["cross_validation_fold_assignment"] = folds.column
    return extras
