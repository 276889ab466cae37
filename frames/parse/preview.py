"""How files would be read: `h2o.parse_setup` says it as a dict that can be changed, `h2o.parse_raw` reads by it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from frames.exceptions import H2OTypeError, H2OValueError
from frames.parse import files
from frames.parse.guess import Wishes
from frames.parse.source import list_paths
from frames.parse.whole import Declarations
from frames.table.table import Named

_SPOKEN = {"real": "Numeric", "int": "Numeric", "enum": "Enum", "time": "Time", "string": "String", "uuid": "UUID"}
_FORMS = {"csv": "CSV", "arff": "ARFF", "parquet": "PARQUET", "excel": "XLSX", "svmlight": "SVMLight"}


def lazy_import(path: str | os.PathLike | Sequence[str | os.PathLike], pattern: str | None = None) -> list[str]:
    """Return the files behind a path, folder, glob, URL or list of these, for `parse_setup`; nothing is read.

    Example: ``lazy_import("prostate.csv")``. Raises FrameError for files that do not exist.
    """
    return list_paths(path, pattern)


def parse_setup(
    raw_frames: str | Sequence[str],
    destination_frame: str | None = None,
    header: int = 0,
    separator: str | None = None,
    column_names: Sequence[str] | None = None,
    column_types: Sequence[str | None] | Mapping[str, str] | None = None,
    na_strings: Any = None,
    skipped_columns: Sequence[int] | None = None,
    force_col_types: bool = False,
    custom_non_data_line_markers: str | None = None,
    partition_by: Any = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
) -> dict[str, Any]:
    """Say how files (from ``import_file(path, parse=False)`` or `lazy_import`) would be read.

    The arguments are those of `import_file` under h2o-py's other names. Returns a dict: `source_frames`, `parse_type`
    ("CSV", "ARFF", "PARQUET", "XLSX", "SVMLight"), `separator` (the character's number), `check_header` (1: the first
    row names the columns, -1: it does not), `column_names`, `column_types` ("Numeric", "Enum", "Time", "String",
    "UUID", as the first rows look), `na_strings`, `skipped_columns`, `number_columns`, `destination_frame`,
    `single_quotes` and the rest of what was asked for. Change its entries, then give it to `parse_raw`.

    Raises the errors of `import_file`. Example: ``setup = parse_setup("prostate.csv"); setup["column_types"]``.
    """
    if partition_by is not None:
        raise H2OValueError(
            f"partition_by must be left out: columns in names of folders are not read; got {partition_by!r}."
        )
    paths = list_paths(raw_frames, None)
    wishes = Wishes(header, separator, quotechar or '"', escapechar, custom_non_data_line_markers)
    said: Declarations = (column_names, column_types, na_strings, skipped_columns)
    form, key, setup, types = files.look(paths, wishes, said)
    kept = [setup.names[i] for i in setup.kept]
    return {
        "source_frames": paths,
        "destination_frame": destination_frame or key,
        "parse_type": _FORMS[form],
        "separator": ord(setup.sep),
        "check_header": 1 if setup.header is not None or form in ("arff", "parquet") else -1,
        "column_names": kept,
        "column_types": [_SPOKEN[types[name]] for name in kept],
        "guessed_types": [None if i in setup.forced else _SPOKEN[types[setup.names[i]]] for i in setup.kept],
        "number_columns": len(kept),
        "na_strings": na_strings,
        "skipped_columns": skipped_columns,
        "single_quotes": setup.quote == "'",
        "escapechar": escapechar,
        "custom_non_data_line_markers": custom_non_data_line_markers,
        "force_col_types": force_col_types,
    }


def parse_raw(setup: dict[str, Any], id: str | None = None, first_line_is_header: int = 0) -> Named:
    """Read files into a frame as a setup says.

    setup                 what `parse_setup` returned, its entries as they are now
    id                    the frame's key, in place of `destination_frame`
    first_line_is_header  1 or -1 in place of `check_header`; 0: as the setup says

    A type that was guessed and left alone stays a guess: a column of numbers that holds words further down is read
    again as text, as in `import_file`. A type that was changed is binding.

    Raises H2OTypeError for a setup of another kind, and the errors of `import_file`.

    Example: ``parse_raw(parse_setup("prostate.csv"))``.
    """
    if not isinstance(setup, dict) or "source_frames" not in setup:
        raise H2OTypeError(f"setup must be the dict that parse_setup returns; got {type(setup).__name__}.")
    if first_line_is_header not in (-1, 0, 1):
        raise H2OValueError(f"first_line_is_header must be -1, 0 or 1; got {first_line_is_header!r}.")
    markers, csv = setup["custom_non_data_line_markers"], setup["parse_type"] == "CSV"
    header = (first_line_is_header or setup["check_header"]) if csv else 0
    separator = chr(setup["separator"]) if csv else None
    return files.read_files(
        setup["source_frames"],
        id or setup["destination_frame"],
        Wishes(header, separator, "'" if setup["single_quotes"] else '"', setup["escapechar"], markers),
        declarations=(setup["column_names"], _binding(setup), setup["na_strings"], setup["skipped_columns"]),
        force_col_types=setup["force_col_types"],
    )


def _binding(setup: dict[str, Any]) -> list[str | None]:
    """Return the types that somebody asked for; None where the guess stands."""
    types, guessed = list(setup["column_types"]), setup["guessed_types"]
    if len(types) != len(guessed):
        raise H2OValueError(
            f"column_types must give a type per column: {len(guessed)} columns; got {len(types)}. Skip columns with "
            "skipped_columns in parse_setup()."
        )
    return [None if one == guess else one.lower() for one, guess in zip(types, guessed, strict=True)]
