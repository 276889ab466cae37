"""Training that was cut off, taken up again from its last checkpoint as the same job: same plan, seed and limits.

A restart from a finished model (`restart`) is a new job with a new plan; here the old plan stands, so rounds fall where
they would have fallen, and a reproducible job ends with the bits of one that was never cut off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daskdl.model.model import Model
from daskdl.parameters import FieldError, resolve
from daskdl.parameters.facts import refuse
from daskdl.shell.cluster import Cluster
from daskdl.training.fit_one import Progress, build
from daskdl.training.outcome import UNDER_WAY, exported
from daskdl.training.restart import restart_of
from daskdl.training.validation import like_training
from frames.cluster.waiting import patience
from frames.frame import H2OFrame

NOT_AGAIN = ("pretrained_autoencoder", "initial_weights", "initial_biases")  # the weights hold what came of them


def is_under_way(model: Model) -> bool:
    """Return whether a model is the checkpoint of a job that was not over."""
    return UNDER_WAY in model.notes


def resume(
    model: Model,
    frame: H2OFrame,
    validation: H2OFrame | None = None,
    folder: str | None = None,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
) -> Model:
    """Go on with the job that a checkpoint was taken of, on the frames that it had, and return the finished model.

    `folder` takes the place of its export_checkpoints_dir. A model whose job was over is returned as it is. Raises
    H2OResponseError where the frames do not fit, or the job was cross-validated.
    """
    if not is_under_way(model):
        return model
    asked = model.parameters if folder is None else model.parameters.replace(export_checkpoints_dir=folder)
    if asked.nfolds or asked.fold_column is not None:
        message = "A cross-validated training cannot be resumed: its folds are not in the checkpoint. Train again."
        refuse(model.key, [FieldError("nfolds", message)])
    x, y, key = list(model.encoder.sources), model.response, model.key
    changes: dict[str, Any] = dict.fromkeys(NOT_AGAIN)
    in_force = asked.replace(seed=model.resolved.seed, checkpoint=None, **changes)
    before = replace(model, parameters=in_force)  # what was given before does not stand against itself
    with patience(in_force.no_workers_timeout):
        validation, _ = like_training(in_force, frame, x, y, validation=validation, key=key)
        restart = restart_of(
            in_force.replace(checkpoint=before), frame, x, y, validation=validation, workers=1, key=key
        )
        restart = replace(restart, same_job=True)
        resolved = restart.resolved(resolve(restart.parameters, restart.facts, key))
        cluster = cluster or Cluster.of(frame)
        again = build(cluster, asked, resolved, frame, validation, key=key, progress=progress, restart=restart)
        return exported(replace(again, start_time=model.start_time))
