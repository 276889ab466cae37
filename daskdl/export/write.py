"""A model written in another language: what every way to the user (methods, functions, command line) calls."""

from __future__ import annotations

import os
from typing import Any

from daskdl.export.targets import WRITERS, Writer
from daskdl.model.model import Model
from frames.exceptions import H2OTypeError, H2OValueError


def writer_named(name: str) -> Writer:
    """Return the writer of a name, in any case; raises H2OValueError with all names for an unknown one.

    >>> writer_named("Java").ending
    '.java'
    """
    found = WRITERS.get(str(name).lower())
    if found is None:
        raise H2OValueError(f"A model must be exported to one of {', '.join(WRITERS)}; got {name!r}.")
    return found


def write_model(model: Model, to: str, path: str | os.PathLike = "", force: bool = False, **options: Any) -> str:
    """Write a model in the form `to`, to a file or into a folder (then named after the model); return the file.

    The file appears whole or not at all. Raises H2OValueError for an unknown form or option, FileExists for a file
    that is there without `force`, FileMissing where there is no folder, H2OJobError for a model whose weights broke
    down, Untraceable (an H2OValueError) for formulas that the language has no words for.

    Example: ``write_model(model, "java", "deploy", package="com.acme")``.
    """
    writer = writer_named(to)
    if not isinstance(path, str | os.PathLike):
        raise H2OTypeError(f"path must be a path; got {path!r}.")
    unknown = sorted(name for name, value in options.items() if value is not None and name not in writer.options)
    if unknown:
        known = ", ".join(writer.options) or "none"
        raise H2OValueError(f"Options of {writer.name} must be among: {known}; got {unknown[0]!r}.")
    given = {name: value for name, value in options.items() if value is not None}
    return writer.write_model(model, os.fspath(path), bool(force), **given)


def text_of(model: Model, to: str, name: str) -> str:
    """Return the main file of an export as text; `name` is what the file would be called."""
    made = writer_named(to).files_of(model, name)
    return next(iter(made.values())).decode()
