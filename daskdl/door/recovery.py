"""Work that was cut off, taken up again: h2o.resume."""

import warnings
from pathlib import Path
from typing import Any

from daskdl.estimators.deeplearning import estimator_of
from daskdl.estimators.progress import ModelProgress
from daskdl.model.versions import Versions
from frames.cluster import progress_bars, registry
from frames.exceptions import FileMissing, H2OResponseError, H2OValueError
from frames.frame import H2OFrame

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
    folder = _one(Path(recovery_dir))
    if (folder / GRID).is_file():
        from daskdl.grid import H2OGridSearch

        grid = H2OGridSearch.load(folder)
        grid.recovery_dir = str(folder.parent)
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
            model = resume(model, frame, held_out, str(folder.parent), progress)
    registry.register(model.key, model)
    for message in model.warnings:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return estimator_of(model)


def _one(folder: Path) -> Path:
    """Return the folder of the one thing that can be resumed at or below a folder."""
    if not folder.is_dir():
        raise FileMissing(f"File not found: {folder}. Give the export_checkpoints_dir or recovery_dir of the work.")
    if _is_work(folder):
        return folder
    found = sorted(path for path in folder.iterdir() if path.is_dir() and _is_work(path))
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:10]) or "none"
        raise H2OValueError(f"{folder} must hold one model or grid to resume; got {names}. Give the folder of one.")
    return found[0]


def _is_work(folder: Path) -> bool:
    return (folder / GRID).is_file() or Versions(folder).exist


def _frame(argument: str, name: Any, given: H2OFrame | None) -> H2OFrame:
    found = given if given is not None else registry.get(str(name))
    if isinstance(found, H2OFrame):
        return found
    raise H2OResponseError(
        f"The {argument} of a training must be there to go on; frame '{name}' is not. Import it again under that name, "
        f"or give it as {argument}."
    )
