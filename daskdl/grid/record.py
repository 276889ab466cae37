"""A grid that is kept: one small file about the search and one saved model each; a killed search goes on here.

<folder>/grid.json      everything but the models; replaced in one step after each model
<folder>/<model id>/    a model as save_model writes it; or beside the folder, where models are exported by themselves
"""

from __future__ import annotations

import json
import os
from typing import Any

from daskdl.grid.results import Failure, Results
from daskdl.grid.search import Task
from daskdl.grid.space import Criteria, Space
from daskdl.model import checkpoint
from daskdl.model.model import Model
from daskdl.model.record import loose, strict
from daskdl.model.versions import file_name
from daskdl.parameters import Parameters, plain
from frames.cluster import registry
from frames.exceptions import FileMissing, H2OValueError
from frames.frame import H2OFrame
from frames.stores.choose import is_address, store_at

FILE = "grid.json"
FORMAT = "daskdl-grid"
SCHEMA_VERSION = 1
FRAMES = ("training_frame", "validation_frame")


class Record:
    """The folder of one grid, on a disk or in an object store.

    ``Record(folder).write(task, space, criteria, results)`` writes it, ``Record(folder).read()`` reads it later.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.store = store_at(folder)
        self.folder = self.store.place

    def add(self, model: Model, frames: bool = False) -> None:
        """Save a model of the grid (with `frames` those that cross-validation kept), in place of an older one."""
        checkpoint.save(model, f"{self.folder}/{file_name(model.key)}", force=True, frames=frames)

    def write(self, task: Task | None, space: Space, criteria: Criteria, results: Results) -> None:
        """Write what there is to know besides the models, in one step: a reader finds the old or the new state."""
        content = {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "grid_id": results.grid_id,
            "hyper_params": {name: [_json(one) for one in values] for name, values in space.values.items()},
            "search_criteria": criteria.to_dict(),
            "task": None if task is None else _task_record(task),
            "models": [model.key for model in results.models],
            "failures": [_failure_record(one) for one in results.failures],
            "attempts": results.attempts,
            "tried": sorted(results.tried),
            "seconds": results.seconds,
            "frame_id": results.frame_id,
            "order_seed": results.order_seed,
        }
        self.store.replace(FILE, json.dumps(strict(content), indent=1).encode())

    def read(self) -> tuple[dict[str, Any], Results]:
        """Return what `write` wrote, and the results with their models loaded.

        Raises H2OValueError for what is no grid, or damaged.
        """
        path = self.store.shown(FILE)
        try:
            written = self.store.read(FILE)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileMissing(
                f"File not found: {path}. Give the path that save_grid returned, or a recovery folder."
            ) from error
        try:
            content = loose(json.loads(written))
            known = content["format"] == FORMAT and content["schema_version"] <= SCHEMA_VERSION
        except (ValueError, KeyError, TypeError) as error:
            raise H2OValueError(
                f"{path} must be what save_grid wrote; it is damaged ({error}). Save it again."
            ) from error
        if not known:
            raise H2OValueError(f"{path} must be of format {FORMAT}, version {SCHEMA_VERSION} or before.")
        results = Results(
            grid_id=content["grid_id"],
            names=tuple(sorted(content["hyper_params"])),
            models=[checkpoint.load(self._place(key)) for key in content["models"]],
            failures=[Failure(**one) for one in content["failures"]],
            attempts=content["attempts"],
            tried=set(content["tried"]),
            seconds=content["seconds"],
            frame_id=content["frame_id"],
            order_seed=content["order_seed"],
        )
        return content, results

    def _place(self, key: str) -> str:
        """Return where a model lies."""
        name = file_name(key)
        own, beside = f"{self.folder}/{name}", f"{_above(self.folder)}/{name}"
        return own if store_at(own).entries() or not store_at(beside).entries() else beside


def _above(folder: str) -> str:
    """Return the place that holds a folder."""
    return (folder if is_address(folder) else os.path.abspath(folder)).rpartition("/")[0]


def recovery_folder(recovery_dir: str | os.PathLike, grid_id: str | None = None) -> str:
    """Return the folder of a grid below `recovery_dir`; without an id that of the only grid there.

    Raises H2OValueError where there is none, or more than one.
    """
    store = store_at(recovery_dir)
    if grid_id is not None:
        return f"{store.place}/{file_name(grid_id)}"
    found = [name for name in store.entries() if FILE in store.inside(name).entries()]
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise H2OValueError(f"{recovery_dir} must hold one grid to resume; got {names}. Name the grid_id.")
    return f"{store.place}/{found[0]}"


def task_of(content: dict[str, Any], frames: dict[str, H2OFrame | None]) -> Task:
    """Return the task of a saved grid; frames that are not given are looked up by their ids.

    Raises H2OValueError where a frame is missing or is not like the one that the search began with.
    """
    record = content["task"]
    if record is None:
        raise H2OValueError("A grid must have been trained to be resumed; this one was not.")
    roles: dict[str, Any] = {"x": record["x"], "y": record["y"]}
    for name in FRAMES:
        roles[name] = _frame(name, record[name], frames.get(name))
    return Task(Parameters.from_dict(record["parameters"]), roles)


def _task_record(task: Task) -> dict[str, Any]:
    roles = task.roles
    return {
        "parameters": task.parameters.to_dict(),
        "x": _columns(roles["x"]),
        "y": _columns(roles["y"]),
        **{name: _looks(roles.get(name)) for name in FRAMES},
    }


def _columns(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "__index__"):
        return value.__index__()
    return [_columns(one) for one in value]


def _looks(frame: H2OFrame | None) -> dict[str, Any] | None:
    """Describe what a frame must be like to stand for this one."""
    return None if frame is None else {"frame_id": frame.frame_id, "rows": frame.nrow, "columns": frame.types}


def _frame(role: str, looks: dict[str, Any] | None, given: H2OFrame | None) -> H2OFrame | None:
    if looks is None:
        return None
    frame = given if given is not None else registry.get(looks["frame_id"])
    if not isinstance(frame, H2OFrame):
        raise H2OValueError(
            f"The {role} '{looks['frame_id']}' must exist to resume the grid. Import it under this name, or give "
            f"{role}= to resume()."
        )
    found = _looks(frame) or {}
    if found["rows"] != looks["rows"] or found["columns"] != looks["columns"]:
        raise H2OValueError(
            f"The {role} must be like the one that the search began with ({looks['rows']} rows, columns "
            f"{', '.join(looks['columns'])}); got {found['rows']} rows, columns {', '.join(found['columns'])}."
        )
    return frame


def _failure_record(failure: Failure) -> dict[str, Any]:
    values = {name: _json(value) for name, value in failure.values.items()}
    return {"values": values, "details": failure.details, "trace": failure.trace}


def _json(value: Any) -> Any:
    """Make a hyper-parameter plain: frames and models are kept by their names, the unknown as text."""
    if isinstance(value, (list, tuple)):
        return [_json(one) for one in value]
    try:
        return strict(value)
    except TypeError:  # no plain value: recorded by its name, or as it shows itself
        named = any(hasattr(value, name) for name in ("frame_id", "model_id", "key"))
        return plain(value) if named else repr(value)
