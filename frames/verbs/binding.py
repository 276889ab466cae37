"""Frames bound side by side (no data move, unless their partitions differ) or stacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frames.cluster.placement import Group, Place, client_at, summaries_at
from frames.cluster.reorder import recut
from frames.cluster.sending import resident, submit
from frames.cluster.tasks import assemble, carry_out
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import to_domain, to_text
from frames.table.cells import check_company, constant, is_table
from frames.table.names import unique_names
from frames.table.table import Table


def _many(data: Any) -> list[Any]:
    return list(data) if isinstance(data, list | tuple) else [data]


def cbind(table: Table, data: Any) -> Table:
    """Return this frame's columns and those of another frame (or a list of frames and constants), side by side.

    A name that is taken gets a number: a, a0. Raises H2OValueError where the rows differ in number.
    """
    names, places, rows = list(table.names), list(table.places), table.rows
    for other in _many(data):
        if not is_table(other):
            if isinstance(other, list | dict) or not rows:
                raise H2OTypeError(f"cbind() must be given frames or constants; got {type(other).__name__}.")
            names.append(str(other))
            places.append(constant(None, rows, other))
            continue
        if not names:
            rows = other.rows
        elif other.nrow != sum(rows):
            raise H2OValueError(
                f"Frames bound side by side must have the same number of rows; got {sum(rows)} and {other.nrow}."
            )
        names += other.names
        places += recut(other.places, other.rows, rows)
    return table.new(unique_names(names), places, rows)


def rbind(table: Table, data: Any) -> Table:
    """Return this frame's rows and below them those of other frames with the same columns (by name; order may differ).

    Levels of later frames are appended to those of the first; int and real give real; enum and string give string;
    a column without any value takes the type of the others. Raises H2OValueError where names differ, types do not
    agree, or a real column would round integers beyond 2**53.
    """
    frames = [table, *_many(data)]
    for other in frames[1:]:
        if not is_table(other):
            raise H2OTypeError(f"rbind() must be given frames; got {type(other).__name__}.")
    frames = [f for f in frames if f.ncol]
    if len(frames) == 1:
        return frames[0]
    for other in frames[1:]:
        _same_names(frames[0].names, other.names)
    names, rows = frames[0].names, [f.rows for f in frames]
    columns = []
    for name in names:
        pieces = [f.resolved[f.index(name)] for f in frames]
        columns.append(_agree(name, pieces, rows))
    return table.new(names, _stack(columns), sum(rows, ()))


def concat(table: Table, frames: Any, axis: int = 1) -> Table:
    """Other frames bound at the right (axis 1) or below (axis 0)."""
    if not isinstance(frames, list | tuple) or not frames:
        raise H2OValueError("concat() must be given a list of at least one frame.")
    if axis not in (0, 1):
        raise H2OValueError(f"axis must be 1 (columns) or 0 (rows); got {axis!r}.")
    return cbind(table, frames) if axis == 1 else rbind(table, frames)


def insert(table: Table, position: int, data: Table) -> Table:
    """Return the columns of a frame put in before column `position`."""
    order = list(range(table.ncol))
    joined = cbind(table, data)
    return joined.pick([*order[:position], *range(table.ncol, joined.ncol), *order[position:]])


def _same_names(left: Sequence[str], right: Sequence[str]) -> None:
    if sorted(left) != sorted(right):
        odd = sorted(set(left) ^ set(right))
        raise H2OValueError(f"Stacked frames must have the same columns; {odd[:5]} are in one only.")


def _agree(name: str, pieces: list[Place], rows: Sequence[tuple[int, ...]]) -> list[Place]:
    """Return the same column of several frames under one type and domain."""
    if len({p.type for p in pieces}) > 1:
        pieces = _without_doubt(pieces, rows)
    types = {p.type for p in pieces}
    if types == {"enum"}:
        domain = tuple(dict.fromkeys(level for p in pieces for level in p.domain or ()))
        return [to_domain(p, r, domain) for p, r in zip(pieces, rows, strict=True)]
    if len(types) == 1:
        return pieces
    if types == {"int", "real"}:
        check_company(name, pieces)
        return [p._replace(type="real") for p in pieces]
    if types == {"enum", "string"}:
        return [carry_out([to_text(p)], r)[0] for p, r in zip(pieces, rows, strict=True)]
    raise H2OValueError(
        f"Column '{name}' must have types that agree in all stacked frames; got {sorted(map(str, types))}. "
        "Convert it first, with asfactor(), asnumeric() or ascharacter()."
    )


def _without_doubt(pieces: list[Place], rows: Sequence[tuple[int, ...]]) -> list[Place]:
    """Numbers that are missing throughout (they are real until a cell says otherwise) take the type of the others."""
    empty = [p.type == "real" and not summary.present for p, summary in zip(pieces, summaries_at(pieces), strict=True)]
    told = next((p for p, nothing in zip(pieces, empty, strict=True) if not nothing), pieces[0])
    if told.is_number:
        return [p._replace(type=told.type) if nothing else p for p, nothing in zip(pieces, empty, strict=True)]
    return [constant(told, r, None) if nothing else p for p, r, nothing in zip(pieces, rows, empty, strict=True)]


def _stack(columns: list[list[Place]]) -> list[Place]:
    """Chunks of the pieces below one another; columns that share a group in every piece stay together."""
    patterns: dict[tuple[int, ...], list[int]] = {}
    for i, pieces in enumerate(columns):
        patterns.setdefault(tuple(id(p.group) for p in pieces), []).append(i)
    result: list[Place | None] = [None] * len(columns)
    for members in patterns.values():
        first = [columns[i][0] for i in members]
        client = client_at(first)
        types = resident(tuple(p.packed_type for p in first), client)
        levels = resident(tuple(p.levels for p in first), client)
        chunks = []
        for k, piece in enumerate(columns[members[0]]):
            positions = [columns[i][k].position for i in members]
            whole = len(piece.group.names) == len(members) and positions == list(range(len(members)))
            positions = positions if whole else resident(positions, client)
            chunks += [
                chunk if whole else submit(assemble, positions, types, levels, [None], chunk)
                for chunk in piece.group.chunks
            ]
        group = Group(tuple(chunks), tuple(f"C{i + 1}" for i in range(len(members))))
        for at, i in enumerate(members):
            kind = columns[i][0].type
            result[i] = Place(group, at, kind, columns[i][0].domain)
    return result  # type: ignore[return-value]
