"""Training that was cut off, taken up again from its last checkpoint as the same job: same plan, seed and limits.

A restart from a finished model (`restart`) is a new job with a new plan; here the old plan stands, so rounds fall where
they would have fallen, and a reproducible job ends with the bits of one that was never cut off. Where parameters are
changed, a finished job or one that was cut off goes on under a new plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from daskdl.model.model import Model
from daskdl.parameters import FieldError, Parameters, plain, resolve, survey
from daskdl.parameters.facts import refuse
from daskdl.shell.cluster import Cluster
from daskdl.training.cross_validation.kept_folds import KeptFolds, require_alike
from daskdl.training.cross_validation.run import cross_validate
from daskdl.training.fit_one import Progress, build
from daskdl.training.outcome import UNDER_WAY, exported
from daskdl.training.restart import same_job
from daskdl.training.validation import like_training
from frames.cluster.waiting import patience
from frames.frame import H2OFrame


def is_under_way(model: Model) -> bool:
    """Return whether a model is the checkpoint of a job that was not over."""
    return UNDER_WAY in model.notes


def differences(model: Model, changes: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return parameter -> (before, after) for what `changes` really change: AUTO and what it became are the same.

    Raises what Parameters raise for values that are none.
    """
    old, actual = model.parameters, model.resolved.actual
    new, found = old.replace(**changes), {}
    for name in changes:
        before, after, real = (plain(getattr(one, name)) for one in (old, new, actual))
        if before != after and not ("AUTO" in (before, after) and real in (before, after)):
            found[name] = (before, after)
    return found


def resume(
    model: Model,
    frame: H2OFrame,
    validation: H2OFrame | None = None,
    folder: str | None = None,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Model:
    """Go on with the job that a checkpoint was taken of, and return the finished model.

    `folder` takes the place of its export_checkpoints_dir. With `changes` (more epochs, another stopping rule) a
    finished job goes on, too; without, it is returned as it is. The first of the model's `resolved.changes` then says
    where it went on, and with what. Raises H2OResponseError where frames or changes do not fit, or the job was
    cross-validated (`resume_folds` goes on with such a one where it was cut off).
    """
    changed = differences(model, changes or {})
    if not is_under_way(model) and not changed:
        return model
    asked = model.parameters.replace(**{name: (changes or {})[name] for name in changed})
    if folder is not None:
        asked = asked.replace(export_checkpoints_dir=folder)
    if asked.nfolds or asked.fold_column is not None:
        message = "A cross-validated training can be resumed where it was cut off, as it began. Train again."
        refuse(model.key, [FieldError("nfolds", message)])
    with patience(asked.no_workers_timeout):
        validation, _ = like_training(
            asked, frame, list(model.encoder.sources), model.response, validation=validation, key=model.key
        )
        restart = same_job(model, asked, frame, validation, changed=bool(changed))
        asked = asked.replace(**{name: getattr(restart.parameters, name) for name in changed})
        resolved = restart.resolved(resolve(restart.parameters, restart.facts, model.key))
        resolved = replace(resolved, changes=(going_on(model, changed, frame), *resolved.changes))
        cluster = cluster or Cluster.of(frame)
        again = build(cluster, asked, resolved, frame, validation, key=model.key, progress=progress, restart=restart)
        return exported(replace(again, start_time=model.start_time))


def going_on(model: Model, changed: Mapping[str, tuple[Any, Any]], frame: H2OFrame) -> str:
    """Return the sentence that says where a training goes on, and what is not as it was."""
    said = [f"{name} {before} -> {after}" for name, (before, after) in changed.items()]
    old = model.parameters.training_frame
    if old is not None and frame.frame_id != old:
        said.append(f"training_frame {old} -> {frame.frame_id}")
    known = {column.name: column.domain for column in model.encoder.columns if column.domain is not None}
    for name in (name for name in known if name in frame.names):
        fresh = [level for level in frame.schema[name].domain or () if level not in set(known[name] or ())]
        if fresh:
            said.append(f"new levels of {name}: {', '.join(fresh[:10])}{', ...' if len(fresh) > 10 else ''}")
    with_what = f" with {'; '.join(said)}" if said else ", everything as it was"
    return f"Training of {model.key} goes on after {model.epochs:g} of {model.parameters.epochs:g} epochs{with_what}."


def resume_folds(
    kept: KeptFolds,
    parameters: Parameters,
    frame: H2OFrame,
    x: list[str],
    y: str,
    validation: H2OFrame | None = None,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
) -> Model:
    """Go on with a cross-validated training that was cut off: finished folds stay, the main model goes on.

    `parameters` are those that it began with, every name in them looked up. Raises H2OResponseError where the frame is
    not like the one that it began with.
    """
    record = kept.record()
    require_alike(frame, record["looks"])
    key, main = record["key"], kept.main()
    if main is None or is_under_way(main):
        with patience(parameters.no_workers_timeout):
            validation, _ = like_training(parameters, frame, x, y, validation=validation, key=key)
            cluster = cluster or Cluster.of(frame)
            seeded = parameters.replace(seed=record["seed"])
            workers = max(1, len(cluster.threads()))
            facts = survey(seeded, frame, x, y, validation, workers=workers)
            data = (parameters, resolve(seeded, facts, key), frame, validation)
            main = exported(cross_validate(cluster, *data, key=key, progress=progress, kept=kept, main=main))
    kept.over()
    return main
