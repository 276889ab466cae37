"""The functional door: parameters and frames in, a model out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from daskdl.model.model import Model
from daskdl.parameters import Parameters, resolve, survey
from daskdl.shell.cluster import Cluster
from daskdl.shell.shell import Shell
from daskdl.training.cross_validation.kept_folds import KeptFolds
from daskdl.training.cross_validation.run import cross_validate
from daskdl.training.fit_one import Progress, build
from daskdl.training.outcome import exported
from daskdl.training.restart import restart_of
from daskdl.training.validation import like_training
from frames.cluster.waiting import patience
from frames.frame import H2OFrame


def train(
    parameters: Parameters,
    training_frame: H2OFrame,
    x: Sequence[str] | None = None,
    y: str | None = None,
    validation_frame: H2OFrame | None = None,
    model_id: str | None = None,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
    started: Callable[[Shell], None] | None = None,
) -> Model:
    """Train a model on a cluster (default: that of the training frame) and return it.

    `progress(done, row)` is called after each round with the share of samples done (0-1) and the newest history row;
    where it returns True, training ends with the model of that round, and an error that it raises gives the training
    up. `started` is given the shell of a single model (not of cross-validation) before it runs: its `stop()` ends
    training with the model so far.
    Raises H2OResponseError for bad parameters or columns before any work starts, H2OJobError where training fails.
    Frames are not changed. Ctrl-C ends training with the model of the last finished round.
    """
    key = (
        model_id or parameters.model_id or f"DeepLearning_model_python_{time.time_ns() // 10**6}_{uuid.uuid4().hex[:4]}"
    )
    with patience(max(0.0, parameters.no_workers_timeout)):
        cluster = cluster or Cluster.of(training_frame)
        workers = max(1, len(cluster.threads()))
        validation_frame, odd = like_training(parameters, training_frame, x, y, validation=validation_frame, key=key)
        if parameters.checkpoint is not None:
            restart = restart_of(
                parameters, training_frame, x, y, validation=validation_frame, workers=workers, key=key
            )
            resolved = restart.resolved(resolve(restart.parameters, restart.facts, key))
            resolved = replace(resolved, warnings=(*resolved.warnings, *odd))
            asked, data = restart.parameters, (training_frame, validation_frame)
            model = build(cluster, asked, resolved, *data, key=key, progress=progress, started=started, restart=restart)
            return exported(model)
        facts = survey(parameters, training_frame, x, y, validation_frame, workers=workers)
        resolved = resolve(parameters, facts, key)
        resolved = replace(resolved, warnings=(*resolved.warnings, *odd))
        folded = resolved.actual.nfolds or resolved.actual.fold_column is not None
        data = (training_frame, validation_frame)
        if folded:
            kept = KeptFolds.of(parameters, key)
            kept.begin(parameters, resolved, training_frame, key)
            found = cross_validate(cluster, parameters, resolved, *data, key=key, progress=progress, kept=kept)
            found = exported(found)
            kept.over()
            return found
        return exported(build(cluster, parameters, resolved, *data, key=key, progress=progress, started=started))
