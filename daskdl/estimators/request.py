"""What a call of train() asks for, with every name looked up: frames, columns, the parameters in force."""

import os
import uuid
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from daskdl.parameters import Parameters
from daskdl.parameters.facts import FieldError, refuse
from frames.cluster import registry
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame
from frames.stores.base import Store
from frames.stores.choose import is_address, store_at

PROBE = "daskdl-may-write"  # what a file is called that is written and removed to see what a place takes
ROLES = ("offset_column", "fold_column", "weights_column")


class TrainRequest(NamedTuple):
    """The arguments of the functional door `daskdl.training.train.train`."""

    parameters: Parameters
    frame: H2OFrame
    x: list[str]
    y: str | None
    validation: H2OFrame | None


def request_of(
    parameters: Parameters,
    x: Any = None,
    y: Any = None,
    training_frame: Any = None,
    validation_frame: Any = None,
    ignored_columns: Sequence[str] | None = None,
    max_runtime_secs: float | None = None,
    **roles: str | None,
) -> TrainRequest:
    """Look up what train() was given; its arguments win over the constructor's.

    `roles` are offset_column, fold_column, weights_column (UserWarning where both places name one and differ). `x`
    keeps the frame's column order, whatever its own; without it every column that has no other role is a predictor.
    Frames given as x and y stand for the names of their columns.
    Raises H2OValueError for a column that does not exist, H2OResponseError without a training frame, H2OTypeError for
    anything that is no frame.
    """
    parameters = _with_roles(parameters, roles)
    frame = _frame("training_frame", parameters.training_frame if training_frame is None else training_frame)
    if frame is None:
        refuse(parameters.model_id, [FieldError("training_frame", "Missing training frame.")])
        raise AssertionError  # refuse has raised
    validation = _frame(
        "validation_frame", parameters.validation_frame if validation_frame is None else validation_frame
    )
    if ignored_columns is None:
        ignored_columns = parameters.ignored_columns
    if x is not None and ignored_columns is not None:
        raise H2OValueError("Properties x and ignored_columns cannot be specified simultaneously. Give one of them.")
    response = None if parameters.autoencoder else _response(parameters, y, frame)
    taken = {response, *(getattr(parameters, role) for role in ROLES)}
    if x is None:
        ignored = [_known(name, frame) for name in ignored_columns or ()]
        chosen = [name for name in frame.names if name not in taken | set(ignored)]
    else:
        wanted = {_predictor(one, frame) for one in _listed(x)}
        chosen = [name for name in frame.names if name in wanted and name not in taken]
        ignored = [name for name in frame.names if name not in wanted | taken]
    changes: dict[str, Any] = {
        # By name: a model that lives on must not keep its training data on the cluster.
        "training_frame": frame.frame_id,
        "validation_frame": None if validation is None else validation.frame_id,
        "response_column": response,
        "ignored_columns": ignored or None,
        **{name: _existing_model(parameters, name) for name in ("checkpoint", "pretrained_autoencoder")},
        **{name: _frames(name, getattr(parameters, name)) for name in ("initial_weights", "initial_biases")},
    }
    _check_folder(parameters)
    if max_runtime_secs is not None:
        changes["max_runtime_secs"] = max_runtime_secs
    return TrainRequest(parameters.replace(**changes), frame, chosen, response, validation)


def work_of(request: TrainRequest, model_id: str) -> Any:
    """Return the request as the work of a job that makes the model `model_id`."""
    from daskdl.dispatch.work import TrainWork, named_by  # here, so that importing the classes loads no kernels

    return TrainWork(
        key=model_id,
        parameters=request.parameters,
        frame=request.frame,
        x=request.x,
        y=request.y,
        validation=request.validation,
        named=named_by(request.parameters),
    )


def _with_roles(parameters: Parameters, roles: dict[str, str | None]) -> Parameters:
    for role, name in roles.items():
        before = getattr(parameters, role)
        if name is not None and before is not None and name != before:
            warnings.warn(
                f"{role} was '{before}' when the estimator was made and is '{name}' in train(); '{name}' is used.",
                UserWarning,
                stacklevel=4,
            )
    return parameters.replace(**{role: name for role, name in roles.items() if name is not None})


def _check_folder(parameters: Parameters) -> None:
    """Refuse an export_checkpoints_dir in which nothing can be written, before hours of training."""
    folder = parameters.export_checkpoints_dir
    if folder is None:
        return
    if is_address(folder):
        try:
            overwrites = _overwrites(store_at(folder))
        except (OSError, H2OValueError) as cause:
            said = f"A place that can be written is required; got '{folder}': {cause}"
            refuse(parameters.model_id, [FieldError("export_checkpoints_dir", said)])
        if overwrites:
            warnings.warn(
                f"A store should refuse a second file of one name where it is asked to (If-None-Match); '{folder}' "
                "took one. Checkpoints are kept there all the same: let no two jobs write under one model_id.",
                UserWarning,
                stacklevel=4,
            )
        return
    there = os.path.abspath(folder)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there) or not os.access(there, os.W_OK):
        said = f"A folder that can be written is required; got '{folder}'."
        refuse(parameters.model_id, [FieldError("export_checkpoints_dir", said)])


def _overwrites(store: Store) -> bool:
    """Write a file twice and remove it; tell whether the second one was taken, too, which decides between two writers.

    Raises OSError where nothing can be written.
    """
    name = f"{PROBE}-{uuid.uuid4().hex}"
    store.create(name, b"")
    try:
        return store.create(name, b"")
    finally:
        store.delete([name])


def _frame(argument: str, value: Any) -> H2OFrame | None:
    """Look up a frame given as itself or by its id."""
    if value is None or isinstance(value, H2OFrame):
        return value
    if not isinstance(value, str):
        shown = str(value).partition("\n")[0][:60]  # a table of another library would fill the screen
        raise H2OTypeError(f"Argument `{argument}` should be an H2OFrame, got {type(value).__name__} {shown}")
    found = registry.get(value)
    if not isinstance(found, H2OFrame):
        raise H2OValueError(f"{argument} must be a frame that exists; there is none with the id '{value}'.")
    return found


def _frames(argument: str, values: Sequence[Any] | None) -> list[H2OFrame | None] | None:
    return None if values is None else [_frame(argument, value) for value in values]


def _existing_model(parameters: Parameters, name: str) -> Any:
    """Return the model behind an estimator or a key; None if none was asked for."""
    asked = getattr(parameters, name)
    if asked is None:
        return None
    found = registry.get(asked) if isinstance(asked, str) else getattr(asked, "model", asked)
    if found is None or not hasattr(found, "resolved"):
        what = "Checkpoint" if name == "checkpoint" else name
        where = f"'{asked}'" if isinstance(asked, str) else "an estimator that is not trained"
        message = f"{what} has to point to existing model! Got {where}."
        refuse(parameters.model_id, [FieldError(name, message)])
    return found


def _response(parameters: Parameters, y: Any, frame: H2OFrame) -> str:
    if isinstance(y, H2OFrame) and y.ncol == 1:
        y = y.names[0]
    if isinstance(y, (list, tuple)) and len(y) == 1:
        y = y[0]
    if y is None:
        y = "response" if parameters.response_column is None else parameters.response_column
    if isinstance(y, str):
        if y not in frame.names:
            raise H2OValueError(
                f"Column {y} does not exist in the training frame. Give the response as y; columns: {_some(frame)}."
            )
        return y
    return _by_number(y, frame, "y")


def _predictor(one: Any, frame: H2OFrame) -> str:
    if isinstance(one, str):
        if one not in frame.names:
            raise H2OValueError(f"Column {one} not in the training frame; columns: {_some(frame)}.")
        return one
    return _by_number(one, frame, "x")


def _known(name: str, frame: H2OFrame) -> str:
    if name not in frame.names:
        raise H2OValueError(f"Column {name} of ignored_columns not in the training frame; columns: {_some(frame)}.")
    return name


def _by_number(number: Any, frame: H2OFrame, argument: str) -> str:
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise H2OTypeError(
            f"Argument `{argument}` should name columns (string or integer), got {type(number).__name__} {number}"
        )
    position = number.__index__()
    if not -frame.ncol <= position < frame.ncol:
        raise H2OValueError(f"Column {position} does not exist in the training frame; it has {frame.ncol} columns.")
    return frame.names[position]


def _listed(x: Any) -> Iterable[Any]:
    """Predictors one by one; a frame stands for the names of its columns."""
    if isinstance(x, H2OFrame):
        return x.names
    return x if isinstance(x, Iterable) and not isinstance(x, str) else [x]


def _some(frame: H2OFrame) -> str:
    names = frame.names
    return ", ".join(names[:10]) + (f", ... ({len(names)} in all)" if len(names) > 10 else "")
