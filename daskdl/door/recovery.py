"""Work that was cut off, taken up again: h2o.resume."""

import os
import warnings
from typing import Any

from daskdl.estimators.deeplearning import estimator_of
from daskdl.estimators.progress import ModelProgress
from daskdl.model.versions import Versions
from frames.cluster import progress_bars, registry
from frames.exceptions import FileMissing, H2OResponseError, H2OValueError
from frames.frame import H2OFrame
from frames.stores.base import Store
from frames.stores.choose import is_address, store_at

GRID = "grid.json"


def resume(recovery_dir: str, training_frame: H2OFrame | None = None, validation_frame: H2OFrame | None = None) -> Any:
    """Go on with a training or a grid search whose process died, and return the finished estimator or grid.

    recovery_dir      the export_checkpoints_dir of a training, the recovery_dir of a grid search, or the folder of the
                      model or grid in it
    training_frame    the rows that it learned from; without it they are looked up by the name that the frame had

    A reproducible training ends with the same bits as one that was never cut off, if the frame has the same rows in the
    same partitions. A model that was finished is returned as it is. Raises H2OValueError where nothing, or more than
    one thing, can be resumed, H2OResponseError where a frame is missing or does not fit.
    """
    above, name = _one(str(recovery_dir))
    folder = f"{above}/{name}"
    if _is_grid(store_at(folder)):
        from daskdl.grid import H2OGridSearch

        grid = H2OGridSearch.load(folder)
        grid.recovery_dir = above
        return grid.resume(training_frame=training_frame, validation_frame=validation_frame)
    from daskdl.model import checkpoint  # here, so that importing the package does not load zarr and the kernels
    from daskdl.training.resume import is_under_way, resume

    model = checkpoint.load(folder)
    if is_under_way(model):
        frame = _frame("training_frame", model.parameters.training_frame, training_frame)
        held_out = None
        if model.history.validated:
            held_out = _frame("validation_frame", model.parameters.validation_frame, validation_frame)
        with ModelProgress(shown=progress_bars.shown(), verbose=False) as progress:
            model = resume(model, frame, held_out, above, progress)
    registry.register(model.key, model)
    for message in model.warnings:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
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


def _is_grid(store: Store) -> bool:
    return GRID in store.entries()


def _is_work(store: Store) -> bool:
    return _is_grid(store) or Versions(store).exist


def _frame(argument: str, name: Any, given: H2OFrame | None) -> H2OFrame:
    found = given if given is not None else registry.get(str(name))
    if isinstance(found, H2OFrame):
        return found
    raise H2OResponseError(
        f"The {argument} of a training must be there to go on; frame '{name}' is not. Import it again under that name, "
        f"or give it as {argument}."
    )
