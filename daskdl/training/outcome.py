"""What comes out of a job: its model when it is finished, and checkpoints on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from daskdl import metrics
from daskdl.coordinator.messages import Finish
from daskdl.coordinator.progress import TrainingPlan
from daskdl.encoding.encoder import Encoder
from daskdl.model.model import Model
from daskdl.model.versions import file_name
from daskdl.network.layout import Layout
from daskdl.network.state import State
from daskdl.parameters import Parameters, Resolved
from daskdl.scoring.partitions import Scorer
from daskdl.shell.placed import PlacedFrame
from daskdl.shell.shell import Shell
from daskdl.worker import tasks
from frames.exceptions import H2OValueError

UNDER_WAY = "checkpoint"  # the note of a model that is not finished: after which round it was written
UNFINISHED = Finish("checkpoint", "Training was not over when this was saved; h2o.resume() goes on.")


class Prepared(NamedTuple):
    """A job that is ready to run: nothing about the data or the parameters can go wrong any more."""

    resolved: Resolved
    encoder: Encoder
    layout: Layout
    state: State
    seen_missing: tuple[bool, ...]
    job: tasks.Job
    plan: TrainingPlan
    scorer: Scorer
    train: PlacedFrame
    valid: PlacedFrame | None
    class_shares: tuple[tuple[float, ...], tuple[float, ...]] | None
    priors: tuple[float, ...] | None
    best: State | None = None  # the best weights of earlier training
    stored: bool = False  # workers train from their disks


def model_of(key: str, parameters: Parameters, ready: Prepared, shell: Shell, began: float) -> Model:
    """Return the model of a job: the finished one, or while the job runs what a checkpoint keeps of it."""
    done, finish = shell.coordinator.progress, shell.finished or UNFINISHED
    standing = shell.standing
    state, last = (standing.state, standing.last) if shell.finished else _states(shell)
    describe = {
        "train": _described(ready.train, "training frame"),
        "valid": "" if ready.valid is None else _described(ready.valid, "validation frame"),
    }
    workers = shell.workers
    adapted = () if ready.valid is None else ready.valid.adaptation.warnings
    return Model(
        key=key,
        parameters=_without_models(parameters),
        resolved=replace(ready.resolved, actual=_without_models(ready.resolved.actual)),
        encoder=ready.encoder,
        layout=ready.layout,
        state=state,
        history=replace(done.history, rows=list(done.history.rows)),
        training_metrics=_titled(standing.training, "train", describe),
        validation_metrics=_titled(standing.validation, "valid", describe),
        class_shares=ready.class_shares,
        priors=ready.priors,
        seen_missing=ready.seen_missing,
        samples=done.samples,
        epochs=done.samples / max(1, sum(ready.plan.rows)),
        trouble=finish.message if finish.unstable else None,
        warnings=(*ready.resolved.warnings, *adapted, *finish.warnings),
        notes={
            "workers": len(workers),
            "threads": sum(workers.values()),
            "staleness": ready.job.plan.staleness,
            "ended": finish.message,
            "events": list(shell.events),
            **({} if shell.finished else {UNDER_WAY: done.round}),
        },
        start_time=int(began * 1000),
        end_time=int(time.time() * 1000),
        progress=shell.coordinator.to_dict(),
        last=last,
        own=() if shell.finished else shell.own_states,
    )


def checkpoints(
    key: str, parameters: Parameters, ready: Prepared, began: float
) -> Callable[[Shell], Callable[[], None]]:
    """Return what takes a checkpoint of a job: it copies what stands now, and returns what writes that."""

    def take(shell: Shell) -> Callable[[], None]:
        model = model_of(key, parameters, ready, shell, began)
        return lambda: _write(model)

    return take


def _states(shell: Shell) -> tuple[State, State | None]:
    """Return the best state so far and the present one: a checkpoint opens as the best, and goes on with `last`."""
    state, best = shell.standing.state, shell.standing.best
    if not shell.coordinator.plan.keep_best or best is None or best is state:
        return state, None
    return best, state


def _write(model: Model, frames: bool = False) -> None:
    from daskdl.model import checkpoint  # here, so that training does not wait for zarr

    folder = str(model.parameters.export_checkpoints_dir)
    checkpoint.save(model, f"{folder.rstrip('/')}/{file_name(model.key)}", force=True, frames=frames)


def _without_models(parameters: Parameters) -> Parameters:
    """Return parameters that name the models training came from, and do not keep them (and theirs) in memory."""
    names = ("checkpoint", "pretrained_autoencoder")
    found = {name: getattr(parameters, name) for name in names}
    return parameters.replace(**{name: getattr(one, "key", one) for name, one in found.items()})


def exported(model: Model) -> Model:
    """Save a finished model where export_checkpoints_dir says; a folder that fails costs a warning, not the model."""
    if model.parameters.export_checkpoints_dir is None:
        return model
    try:
        _write(model, frames=True)
    except (OSError, H2OValueError) as cause:
        said = f"The model could not be saved in export_checkpoints_dir: {cause.__cause__ or cause}"
        return replace(model, warnings=(*model.warnings, said))
    return model


def _described(table: PlacedFrame, what: str) -> str:
    if table.sample.takes_all:
        return f"Metrics reported on full {what}"
    return f"Metrics reported on temporary {what}"


def _titled(found: metrics.ModelMetrics | None, data: str, describe: dict[str, str]) -> metrics.ModelMetrics | None:
    if found is not None:
        count = f" with {found.nobs()} samples" if "temporary" in describe[data] else ""
        found.header = found.header._replace(description=describe[data] + count)
    return found
