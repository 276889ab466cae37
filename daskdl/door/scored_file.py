"""A file to be scored, read as the model knows its columns: what training called a category is not read as a number."""

from __future__ import annotations

from daskdl.encoding.adaptation import kinds
from daskdl.model.model import Model
from frames.exceptions import FrameError
from frames.frame import H2OFrame
from frames.functions import import_file
from frames.parse.preview import parse_setup


def read_for(model: Model, path: str, header: int = 0, sep: str | None = None) -> H2OFrame:
    """Read a file whose rows a model will predict; arguments as in `import_file`.

    With `header` 0 the first row of a CSV file names the columns where it has the name of a predictor, whatever it
    looks like. Cells of the model's categories are taken as they stand: 01 and 1.0 are not the level 1. Raises the
    errors of `import_file`.
    """
    known = {name: levels for name, levels in kinds(model.encoder, need_response=True) if name}
    setup = parse_setup(path, header=header, separator=sep)
    if setup["parse_type"] != "CSV":
        return import_file(path, header=header, sep=sep)
    if header == 0 and setup["check_header"] == -1:
        named = _with_header(path, sep)
        if known.keys() & set(named["column_names"]):
            header, setup = 1, named
    types = {name: "enum" for name in setup["column_names"] if known.get(name) is not None}
    return import_file(path, header=header, sep=sep, col_types=types or None)


def _with_header(path: str, sep: str | None) -> dict:
    try:
        return parse_setup(path, header=1, separator=sep)
    except FrameError:  # a first row that cannot name columns is none
        return {"column_names": []}
