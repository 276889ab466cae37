"""Models by name and on disk: get_model, save_model, load_model, their copies for the client, make_metrics."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from daskdl.door.jobs import kept_model
from daskdl.estimators.deeplearning import H2ODeepLearningEstimator, estimator_of
from daskdl.model.kept_frames import on_cluster
from daskdl.model.versions import file_name
from frames.cluster import registry
from frames.exceptions import FileMissing, H2OResponseError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame


def get_model(model_id: str) -> H2ODeepLearningEstimator:
    """Return the estimator of a model that is kept under this name (an autoencoder as H2OAutoEncoderEstimator).

    Found is also what a job beside the scheduler has left there, whoever began it. Raises H2OResponseError if there is
    none.
    """
    found = registry.get(model_id)
    if found is None and (found := kept_model(model_id)) is not None:
        registry.register(model_id, found)
    if found is None or not hasattr(found, "resolved"):
        raise H2OResponseError(f"Object '{model_id}' not found for argument: key. h2o.ls() lists what is kept.")
    return estimator_of(found)


def get_grid(grid_id: str) -> Any:
    """Return the grid that is kept under this name; H2OResponseError if there is none."""
    found = registry.get(grid_id)
    if found is None or not hasattr(found, "hyper_params"):
        raise H2OResponseError(f"Object '{grid_id}' not found for argument: grid_id. h2o.ls() lists what is kept.")
    return found


def save_grid(
    grid_directory: str,
    grid_id: Any,
    save_params_references: bool = False,
    export_cross_validation_predictions: bool = False,
) -> str:
    """Write a grid (or its name) with all its models below a folder and return where: `grid_directory`/<grid id>.

    What a search needs to go on is always written, the frames that it learned from never; those that cross-validation
    kept are with `export_cross_validation_predictions`.
    """
    grid = get_grid(grid_id) if isinstance(grid_id, str) else grid_id
    if not hasattr(grid, "hyper_params"):
        raise H2OTypeError(f"Argument `grid_id` should be a grid or its name, got {type(grid_id).__name__} {grid_id}")
    folder = os.path.join(grid_directory, file_name(grid.grid_id))
    return grid.save(folder, frames=export_cross_validation_predictions)


def load_grid(grid_file_path: str, load_params_references: bool = False) -> Any:
    """Read a grid that save_grid, or the recovery_dir of a search, left in a folder; models keep their names.

    With `load_params_references` the frames must be there under their names, so that the grid can be resumed.
    """
    from daskdl.grid import H2OGridSearch

    return H2OGridSearch.load(grid_file_path, with_frames=load_params_references)


def save_model(
    model: Any,
    path: str = "",
    force: bool = False,
    export_cross_validation_predictions: bool = False,
    filename: str | None = None,
) -> str:
    """Write a model and return where: `path`/`filename` (default: this folder, the model's name).

    Fold models that were kept are saved with it; the frames that cross-validation kept (predictions, the fold of each
    row) with `export_cross_validation_predictions`. What is there already is replaced only with `force` (H2OValueError
    "File already exists").
    """
    core = _model(model)
    target = os.path.join(path or os.getcwd(), filename or file_name(core.key))
    from daskdl.model import checkpoint

    return checkpoint.save(core, target, force, frames=export_cross_validation_predictions)


def load_model(path: str) -> H2ODeepLearningEstimator:
    """Read a model that save_model wrote, under its old name, with all that was saved with it; nothing is unpickled."""
    if "://" not in str(path) and not os.path.exists(path):
        raise FileMissing(f"File not found: {path}. Give the path that save_model returned.")
    from daskdl.model import checkpoint

    core = on_cluster(checkpoint.load(str(path)))
    registry.register(core.key, core)
    return estimator_of(core)


def download_model(
    model: Any, path: str = "", export_cross_validation_predictions: bool = False, filename: str | None = None
) -> str:
    """Write a model on the client's disk and return where; replaces an older file, as downloads do.

    The model lives in this process, so this is save_model with force.
    """
    return save_model(model, path, True, export_cross_validation_predictions, filename)


def import_mojo(mojo_path: str, model_id: str | None = None) -> H2ODeepLearningEstimator:
    """Read an H2O deep-learning MOJO (a zip) as a model that predicts, is explained, exported and trained on.

    `model_id`: its name, by default the file's. Data is read, never code. Raises FrameError for files that are missing
    or damaged, H2OValueError for what is no MOJO of deep learning.

    Example: ``h2o.import_mojo("DeepLearning_model.zip").predict(frame)``.
    """
    from daskdl.export.mojo.reading import read_mojo

    core = read_mojo(mojo_path, model_id)
    registry.register(core.key, core)
    return estimator_of(core)


def upload_mojo(mojo_path: str, model_id: str | None = None) -> H2ODeepLearningEstimator:
    """Read a MOJO from the client's disk; models live in this process, so this is `import_mojo`."""
    return import_mojo(mojo_path, model_id)


def download_pojo(model: Any, path: str | None = None, get_jar: bool = True, jar_name: str = "") -> str | None:
    """Write a model as a Java class into a folder and return the file, or print it where there is no `path`.

    `get_jar` and `jar_name` are accepted for H2O's sake: the class needs no jar, so none is written.
    """
    return estimator_of(_model(model)).download_pojo(path or "", get_jar, jar_name)


def upload_model(path: str) -> H2ODeepLearningEstimator:
    """Read a model from the client's disk (here the same as load_model)."""
    return load_model(path)


def predict(model: Any, newdata: H2OFrame) -> H2OFrame:
    """Return what a model (or the model of a name) predicts for a frame, as `model.predict(newdata)` does."""
    return (get_model(model) if isinstance(model, str) else estimator_of(_model(model))).predict(newdata)


def _model(model: Any) -> Any:
    """Return the core model behind an estimator, a model or a name."""
    if isinstance(model, str):
        return get_model(model).model
    if isinstance(model, H2ODeepLearningEstimator):
        return model._trained()
    if hasattr(model, "resolved"):
        return model
    raise H2OTypeError(f"Argument `model` should be an H2OEstimator or its name, got {type(model).__name__} {model}")


def make_metrics(
    predicted: Any,
    actual: Any,
    domain: Sequence[str] | None = None,
    distribution: str | None = None,
    weights: Any = None,
    treatment: Any = None,
    auc_type: str = "NONE",
    auuc_type: str = "AUTO",
    auuc_nbins: int = -1,
    custom_auuc_thresholds: Any = None,
) -> Any:
    """Return the metrics of predictions against actual values, one-column frames (more classes: a column per class).

    `treatment` and what follows AUUC belong to uplift models, and are refused (H2OValueError).
    """
    if treatment is not None or custom_auuc_thresholds is not None or auuc_type != "AUTO" or auuc_nbins != -1:
        raise H2OValueError("treatment, auuc_type, auuc_nbins and custom_auuc_thresholds belong to uplift models.")
    from daskdl.metrics import make_metrics as made

    if domain is None and actual.types[actual.names[0]] == "enum":
        domain = actual.levels()[0]
    guesses = predicted.as_data_frame().to_numpy(dtype=np.float64)
    return made(
        guesses[:, 0] if guesses.shape[1] == 1 else guesses,
        _codes(actual, domain),
        domain=domain,
        distribution=distribution,
        weights=None if weights is None else weights.as_data_frame().to_numpy(dtype=np.float64)[:, 0],
        auc_type=auc_type,
    )


def _codes(actual: Any, domain: Sequence[str] | None) -> np.ndarray:
    """Return numbers as they are, and classes as positions in the domain (missing: NaN)."""
    if domain is None:
        return actual.as_data_frame().iloc[:, 0].to_numpy(dtype=np.float64)
    # As text: levels that are numbers would come as numbers, and 1 beside a missing value as 1.0.
    column = actual.ascharacter().as_data_frame().iloc[:, 0]
    codes = {level: float(code) for code, level in enumerate(domain)}
    strange = sorted(set(column.dropna()) - set(codes))
    if strange:
        raise H2OValueError(f"Actual values must be levels of the domain {list(domain)}; got {', '.join(strange[:5])}.")
    return column.map(codes).to_numpy(dtype=np.float64)
