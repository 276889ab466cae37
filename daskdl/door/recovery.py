"""Work that was cut off, taken up again: h2o.resume."""

import os
import warnings
from typing import Any

from daskdl.estimators.deeplearning import estimator_of
from daskdl.estimators.progress import ModelProgress
from daskdl.estimators.request import request_of
from daskdl.model.kept_frames import on_cluster
from daskdl.model.versions import Versions
from daskdl.parameters import Parameters, declarations
from frames.cluster import progress_bars, registry
from frames.exceptions import FileMissing, H2OResponseError, H2OValueError
from frames.frame import H2OFrame
from frames.stores.base import Store
from frames.stores.choose import is_address, store_at

GRID, JOB = "grid.json", "job.json"  # the files that tell a grid, and a cross-validated training that was cut off


def resume(
    recovery_dir: str, training_frame: H2OFrame | None = None, validation_frame: H2OFrame | None = None, **changes: Any
) -> Any:
    """Go on with a training or a grid search whose process died, and return the finished estimator or grid.

    recovery_dir      the export_checkpoints_dir of a training, the recovery_dir of a grid search, or the folder of the
                      model or grid in it; a path, or an address such as s3://bucket/models
    training_frame    the rows that it learned from; without it they are looked up by the name that the frame had
    changes           parameters that are to be others from now on, such as epochs=100 or stopping_rounds=3: with them a
                      finished model goes on, too; without, it is returned as it is

    A reproducible training ends with the same bits as one that was never cut off, if the frame has the same rows in the
    same partitions. Of a cross-validated training folds that were finished are not trained again, of a grid no model
    that was. Raises H2OValueError where nothing, or more than one thing, can be resumed, H2OResponseError where a frame
    is missing or does not fit, or a change cannot be made.

    For instance ``h2o.resume("models", epochs=100)``
    """
    unknown = sorted(set(changes) - set(declarations()))
    if unknown:
        raise TypeError(f"resume() got an unexpected keyword argument '{unknown[0]}'")
    above, name = _one(str(recovery_dir))
    folder = f"{above}/{name}"
    entries = store_at(folder).entries()
    if GRID in entries or JOB in entries:
        if changes:
            what = "grid search" if GRID in entries else "cross-validated training"
            raise H2OResponseError(f"A {what} that was cut off goes on as it began; got {', '.join(changes)}.")
        if JOB in entries:
            return _estimator(_folds(folder, training_frame, validation_frame))
        return _grid(folder, above, training_frame, validation_frame)
    return _estimator(_model(folder, above, training_frame, validation_frame, changes))


def _grid(folder: str, above: str, training_frame: H2OFrame | None, validation_frame: H2OFrame | None) -> Any:
    from daskdl.grid import H2OGridSearch

    grid = H2OGridSearch.load(folder)
    grid.recovery_dir = above
    return grid.resume(training_frame=training_frame, validation_frame=validation_frame)


def _folds(folder: str, training_frame: H2OFrame | None, validation_frame: H2OFrame | None) -> Any:
    from daskdl.training.cross_validation.kept_folds import KeptFolds
    from daskdl.training.resume import resume_folds

    kept = KeptFolds(folder)
    record = kept.record()
    began = Parameters.from_dict(record["parameters"])
    frame = _frame("training_frame", record["training_frame"], training_frame)
    held_out = None
    if began.validation_frame is not None:
        held_out = _frame("validation_frame", began.validation_frame, validation_frame)
    asked = request_of(began.replace(ignored_columns=None), record["x"], record["y"], frame, held_out)
    with ModelProgress(shown=progress_bars.shown(), verbose=False) as progress:
        return resume_folds(
            kept,
            asked.parameters,
            frame,
            record["x"],
            record["y"],
            validation=held_out,
            progress=progress,
        )


def _model(
    folder: str,
    above: str,
    training_frame: H2OFrame | None,
    validation_frame: H2OFrame | None,
    changes: dict[str, Any],
) -> Any:
    from daskdl.model import checkpoint  # here, so that importing the package does not load zarr and the kernels
    from daskdl.training.resume import differences, is_under_way, resume

    model = on_cluster(checkpoint.load(folder))
    if not is_under_way(model) and not differences(model, changes):
        return model
    frame = _frame("training_frame", model.parameters.training_frame, training_frame)
    held_out = None
    if model.history.validated:
        held_out = _frame("validation_frame", model.parameters.validation_frame, validation_frame)
    with ModelProgress(shown=progress_bars.shown(), verbose=False) as progress:
        model = resume(model, frame, held_out, folder=above, progress=progress, changes=changes)
    if progress_bars.shown():
        print(model.resolved.changes[0])
    return model


def _estimator(model: Any) -> Any:
    """Register a model, say its warnings, and return its estimator."""
    registry.register(model.key, model)
    for message in model.warnings:
        warnings.warn(message, RuntimeWarning, stacklevel=3)
    return estimator_of(model)


def _one(place: str) -> tuple[str, str]:
    """Return the folder, and the name in it, of the one thing that can be resumed at or below a place."""
    store = store_at(place)
    entries = store.entries()
    if not entries and (is_address(place) or not os.path.isdir(place)):
        raise FileMissing(f"File not found: {place}. Give the export_checkpoints_dir or recovery_dir of the work.")
    if _is_work(store):
        whole = place.rstrip("/") if is_address(place) else os.path.abspath(place)
        above, _, name = whole.rpartition("/")
        return above, name
    found = [name for name in entries if _is_work(store.inside(name))]
    if len(found) != 1:
        names = ", ".join(found[:10]) or "none"
        raise H2OValueError(f"{place} must hold one model or grid to resume; got {names}. Give the folder of one.")
    return place.rstrip("/"), found[0]


def _is_work(store: Store) -> bool:
    return bool({GRID, JOB} & set(store.entries())) or Versions(store).exist


def _frame(argument: str, name: Any, given: H2OFrame | None) -> H2OFrame:
    found = given if given is not None else registry.get(str(name))
    if isinstance(found, H2OFrame):
        return found
    raise H2OResponseError(
        f"The {argument} of a training must be there to go on; frame '{name}' is not. Import it again under that name, "
        f"or give it as {argument}."
    )
