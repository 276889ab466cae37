"""What the user says of columns: names, types, missing texts, columns to skip; and what their texts turn out to be."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from frames.chunks.column import Column, Type
from frames.columns.block import Report
from frames.columns.dictionary import Verdict
from frames.columns.kinds import TextReport, decide, number_type
from frames.exceptions import H2OTypeError, H2OValueError
from frames.parse.guess import Setup
from frames.table.make import type_named


def declare(
    setup: Setup,
    col_names: Sequence[str] | None,
    col_types: Sequence[str | None] | Mapping[str, str] | None,
    na_strings: Any,
    skipped_columns: Sequence[int] | None,
) -> Setup:
    """Return the setup with what the user wants of single columns.

    col_names        one name per column
    col_types        one type (or None: guess) per column, or a mapping from names (or positions) to types
    na_strings       texts that mean missing: one list for all columns, one list per column, or a mapping
    skipped_columns  positions (or names) of columns not to read

    Positions are those in the file. Lists have an entry per column of the file, or per column that is read.
    """
    names = None if col_names is None else _names(setup, col_names)
    if names is not None and len(names) == setup.width:
        setup = replace(setup, names=names)
    skipped = {_position(setup, key, "skipped_columns") for key in _listed(skipped_columns, "skipped_columns")}
    kept = tuple(i for i in range(setup.width) if i not in skipped)
    if not kept:
        raise H2OValueError(f"skipped_columns must leave at least one of the {setup.width} columns.")
    setup = replace(setup, kept=kept)
    if names is not None and len(names) != setup.width:
        given = _by_position(setup, names, "col_names", "name")
        # The name of a column that is not read must not stand in the way of one that is.
        rest = ["" if name in names else name for name in setup.names]
        setup = replace(setup, names=tuple(given.get(i, rest[i]) for i in range(setup.width)))
    wanted = _types(setup, col_types)
    forced = {**setup.forced, **wanted}
    levels = {i: own for i, own in setup.levels.items() if i not in wanted}
    as_text = {i for i, type_ in forced.items() if type_ not in ("real", "int")}
    missing = tuple(own | more for own, more in zip(setup.missing, _missing(setup, na_strings), strict=True))
    # A text that means missing in a column of numbers must not make it a column of text: see `Setup.with_texts`.
    return replace(setup, forced=forced, levels=levels, missing=missing, texts=setup.texts | frozenset(as_text))


def spoken_names(col_names: Any, col_types: Any, na_strings: Any, skipped_columns: Any) -> set[str]:
    """Return the names by which the arguments of `declare` speak of columns; none where new names are given."""
    if col_names is not None:
        return set()
    skipped = skipped_columns if isinstance(skipped_columns, list | tuple) else ()
    keys = [*skipped, *(key for one in (col_types, na_strings) if isinstance(one, Mapping) for key in one)]
    return {key for key in keys if isinstance(key, str)}


def _by_position(setup: Setup, listed: Sequence[Any], argument: str, what: str) -> dict[int, Any]:
    """Return the entries of a list by the position in the file of the column that each is for."""
    if len(listed) == setup.width:
        return dict(enumerate(listed))
    if len(listed) == len(setup.kept):
        return dict(zip(setup.kept, listed, strict=True))
    read = f", {len(setup.kept)} of which are read" if len(setup.kept) < setup.width else ""
    raise H2OValueError(f"{argument} must give a {what} per column: {setup.width} columns{read}; got {len(listed)}.")


def _listed(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise H2OTypeError(f"{name} must be a list; got {value!r}.")
    return list(value)


def _names(setup: Setup, col_names: Sequence[str]) -> tuple[str, ...]:
    names = _listed(col_names, "col_names")
    for name in names:
        if not isinstance(name, str):
            raise H2OTypeError(f"col_names must be strings; got {name!r} of type {type(name).__name__}.")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise H2OValueError(f"col_names must be distinct; '{twice}' occurs more than once.")
    return tuple(names)


def _position(setup: Setup, key: Any, argument: str) -> int:
    if isinstance(key, str):
        if key not in setup.names:
            raise H2OValueError(f"{argument} must speak of columns of the file; got '{key}'.")
        return setup.names.index(key)
    if isinstance(key, bool) or not hasattr(key, "__index__"):
        raise H2OTypeError(f"{argument} must give columns by position or name; got {key!r}.")
    position = key.__index__()
    if not -setup.width <= position < setup.width:
        raise H2OValueError(f"{argument} must lie between 0 and {setup.width - 1}; got {position}.")
    return position % setup.width


def _types(setup: Setup, col_types: Any) -> dict[int, Type]:
    if col_types is None:
        return {}
    if isinstance(col_types, Mapping):
        pairs = [(_position(setup, key, "col_types"), value) for key, value in col_types.items()]
    else:
        pairs = list(_by_position(setup, _listed(col_types, "col_types"), "col_types", "type").items())
    unknown = (None, "unknown", "")
    return {i: type_named(value, f"column '{setup.names[i]}'") for i, value in pairs if value not in unknown}


def _missing(setup: Setup, na_strings: Any) -> tuple[frozenset[str], ...]:
    if na_strings is None:
        return setup.missing
    if isinstance(na_strings, str):
        na_strings = [na_strings]
    by_column: list[frozenset[str]] = [frozenset()] * setup.width
    if isinstance(na_strings, Mapping):
        for key, texts in na_strings.items():
            by_column[_position(setup, key, "na_strings")] = _texts(texts)
        return tuple(by_column)
    listed = _listed(na_strings, "na_strings")
    if all(isinstance(text, str) for text in listed):
        return (_texts(listed),) * setup.width
    for i, texts in _by_position(setup, listed, "na_strings", "list").items():
        by_column[i] = _texts([] if texts is None else texts)
    return tuple(by_column)


def _texts(texts: Any) -> frozenset[str]:
    listed = [texts] if isinstance(texts, str) else _listed(texts, "na_strings")
    for text in listed:
        if not isinstance(text, str):
            raise H2OTypeError(f"na_strings must be strings; got {text!r} of type {type(text).__name__}.")
    return frozenset(listed)


def verdicts(setup: Setup, reports: Sequence[Report]) -> dict[str, Verdict]:
    """Return what each column of text is, by name, given the reports of all blocks."""
    positions = [i for i in setup.kept if i in setup.texts]
    filled = [report for report in reports if report.rows]
    found = {}
    for t, i in enumerate(positions):
        parts = [report.texts[t] for report in filled]
        if i in setup.levels:
            found[setup.names[i]] = decide([TextReport(setup.levels[i], 0, categories=True), *parts])
        else:
            found[setup.names[i]] = decide(parts, setup.forced.get(i))
    return found


def numbers(setup: Setup, reports: Sequence[Report]) -> list[Column]:
    """Return the columns of numbers, in the order of the file."""
    positions = [i for i in setup.kept if i not in setup.texts]
    filled = [report for report in reports if report.rows]
    columns = []
    for n, i in enumerate(positions):
        parts = [report.summaries[n] for report in filled]
        columns.append(Column(setup.names[i], number_type(parts, setup.forced.get(i), i in setup.doubles)))
    return columns
