"""The functions of `import daskdl as h2o` that make frames, write them and look them up."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from frames.exceptions import H2OTypeError, H2OValueError
from frames.export import files as written
from frames.export.store import load_table
from frames.frame import H2OFrame
from frames.parse import files as parsed
from frames.parse import preview, sql
from frames.table.face import shown
from frames.table.table import Table
from frames.verbs import synthetic

__all__ = [
    "as_list",
    "assign",
    "create_frame",
    "deep_copy",
    "export_file",
    "get_frame",
    "import_file",
    "import_sql_select",
    "import_sql_table",
    "lazy_import",
    "load_frame",
    "parse_raw",
    "parse_setup",
    "upload_file",
]

P = ParamSpec("P")


def _making(function: Callable[P, Any]) -> Callable[P, Any]:
    """Return a function that makes a named table as one that makes a frame, known under its key."""

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> Any:
        return shown(H2OFrame, function(*args, **options))

    return call


def _of_a_frame(function: Callable[Concatenate[Table, P], None]) -> Callable[Concatenate[H2OFrame, P], None]:
    """Return a function of a table as one of a frame; raises H2OTypeError where it is given something else."""

    @functools.wraps(function)
    def call(frame: H2OFrame, /, *args: P.args, **options: P.kwargs) -> None:
        if not isinstance(frame, H2OFrame):
            raise H2OTypeError(f"frame must be an H2OFrame; got {type(frame).__name__}.")
        function(frame._table, *args, **options)

    return call


import_file = _making(parsed.import_file)
upload_file = _making(parsed.upload_file)
lazy_import, parse_setup = preview.lazy_import, preview.parse_setup
parse_raw = _making(preview.parse_raw)
create_frame = _making(synthetic.create_frame)
import_sql_table = _making(sql.import_sql_table)
import_sql_select = _making(sql.import_sql_select)
export_file = _of_a_frame(written.export_file)


def load_frame(frame_id: str, path: str | None = None, force: bool = True) -> H2OFrame:
    """Open the frame that ``frame.save(path)`` wrote, under a key: the folder's name unless one is given.

    Its rows stay in the folder, on a disk or behind a URL, and are read whenever they are needed: every worker must be
    able to read it, and it must stay as it is. `force`: a frame that has the key is replaced; without it that is
    an error. Raises FrameError where the folder holds no frame, H2OValueError for a key that is taken.
    """
    folder = frame_id if path is None else path
    key = frame_id if path is not None else frame_id.rstrip("/").rsplit("/", 1)[-1]
    if not force and H2OFrame.get_frame(key) is not None:
        raise H2OValueError(f"frame_id must be new, or force=True; '{key}' is in use.")
    return H2OFrame._of(load_table(folder), key)


def assign(data: H2OFrame, xid: str) -> H2OFrame:
    """Give a frame another id; returns the frame."""
    _check_frame(data, "assign")
    data.frame_id = xid
    return data


def deep_copy(data: H2OFrame, xid: str) -> H2OFrame:
    """Return a copy of a frame under another id, which must differ from its own."""
    _check_frame(data, "deep_copy")
    if xid == data.frame_id:
        raise H2OValueError(f"The id of a copy must differ from that of the frame; both are {xid!r}.")
    return data.deep_copy(xid)


def as_list(data: H2OFrame, use_pandas: bool = True, header: bool = True) -> Any:
    """Return a frame as a pandas DataFrame, or as a list of lists of strings."""
    _check_frame(data, "as_list")
    return data.as_data_frame(use_pandas=use_pandas, header=header)


def get_frame(frame_id: str) -> H2OFrame | None:
    """Return the frame registered under an id, None if there is none."""
    return H2OFrame.get_frame(frame_id)


def _check_frame(data: Any, call: str) -> None:
    if not isinstance(data, H2OFrame):
        raise H2OTypeError(f"{call}() must be given an H2OFrame; got {type(data).__name__}.")
