"""The table that every verb takes and gives: names, places and partition rows, and how its columns are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any, NamedTuple

from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.chunks.summary import Summary
from frames.cluster.placement import Group, Place, Placement, distinct_groups, summaries_at
from frames.cluster.tasks import fits_long
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.names import unique_names


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns, where each lies, and the rows of each partition. It never changes: a verb gives another one.

    Example: ``Table(("x",), (place,), (1000, 800))`` is one column of 1,800 rows in two partitions.
    """

    names: tuple[str, ...]
    places: tuple[Place, ...]
    rows: tuple[int, ...]

    def new(self, names: Sequence[str], places: Sequence[Place], rows: Sequence[int] | None = None) -> Table:
        """Return a table of other columns, of the same rows or of `rows`."""
        return Table(tuple(names), tuple(places), self.rows if rows is None else tuple(rows))

    def with_places(self, places: Sequence[Place], names: Sequence[str] | None = None) -> Table:
        """Return a table of the same rows, whose columns lie elsewhere."""
        return self.new(self.names if names is None else names, places)

    def pick(self, indices: Sequence[int]) -> Table:
        """Return the columns at these positions, told apart by a number where one is asked for twice; no data move."""
        return self.new(unique_names(self.names[i] for i in indices), [self.places[i] for i in indices])

    def renamed(self, names: Sequence[str]) -> Table:
        """Return the same columns under other names.

        Raises H2OValueError for a wrong number of names or equal names, H2OTypeError for names that are not strings.
        """
        if isinstance(names, str) or not all(isinstance(n, str) for n in names):
            raise H2OTypeError(f"Column names must be a list of strings; got {names!r}.")
        if len(names) != self.ncol:
            raise H2OValueError(f"There must be {self.ncol} names, one per column; got {len(names)}.")
        twice = sorted({n for n in names if list(names).count(n) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise H2OValueError(f"Column names must differ; got {twice} more than once.")
        return self.new(names, self.places)

    def columns(self) -> list[Table]:
        """Return every column as a table of its own."""
        return [self.pick([i]) for i in range(self.ncol)]

    # ---- shape and types ---------------------------------------------------------------------------------------
    @property
    def nrow(self) -> int:
        """Number of rows."""
        return sum(self.rows)

    @property
    def ncol(self) -> int:
        """Number of columns."""
        return len(self.names)

    @property
    def is_cell(self) -> bool:
        """Whether there is one row and one column."""
        return (self.nrow, self.ncol) == (1, 1)

    @cached_property
    def resolved(self) -> tuple[Place, ...]:
        """The places with every type known; looks at the summaries of numbers whose kind is not known yet."""
        unknown = [i for i, place in enumerate(self.places) if place.type is None]
        told = list(self.places)
        for i, summary in zip(unknown, summaries_at([self.places[i] for i in unknown]), strict=True):
            whole = summary.all_integer and summary.present > 0 and fits_long(summary)
            told[i] = told[i]._replace(type="int" if whole else "real")
        return tuple(told)

    @cached_property
    def schema(self) -> Schema:
        """The columns with their types and domains."""
        places = zip(self.names, self.resolved, strict=True)
        return Schema(tuple(Column(name, place.packed_type, place.domain) for name, place in places))

    @property
    def types(self) -> dict[str, str]:
        """Column name -> "int", "real", "enum", "time", "string" or "uuid"."""
        return dict(self.schema.types)

    # ---- look-ups ----------------------------------------------------------------------------------------------
    def index(self, column: Any) -> int:
        """Return the position of a column given by name or number (negative from the end).

        Raises H2OValueError for an unknown column, with near names, and H2OTypeError for what is neither.
        """
        names = self.names
        if isinstance(column, str):
            if column in names:
                return names.index(column)
            return Schema(tuple(Column(n, "real") for n in names)).index(column)  # raises, with near names
        if isinstance(column, Integral) and not isinstance(column, bool):
            if -len(names) <= int(column) < len(names):
                return int(column) % len(names)
            raise H2OValueError(
                f"A column number must be in {-len(names)}..{len(names) - 1}; got {column} in a frame of {len(names)} "
                "columns. Use one of frame.names."
            )
        raise H2OTypeError(f"A column must be given by name or number; got {column!r} ({type(column).__name__}).")

    def indices(self, columns: Any) -> list[int]:
        """Return the positions of columns given as name, number, slice, a list of these, or a list of bool."""
        if isinstance(columns, slice):
            return list(range(*self._bounds(columns).indices(self.ncol)))
        if isinstance(columns, str | Integral):
            return [self.index(columns)]
        if isinstance(columns, Iterable):
            columns = list(columns)
            if columns and all(isinstance(c, bool) for c in columns):
                if len(columns) != self.ncol:
                    raise H2OValueError(
                        f"A list of bool must have one entry per column ({self.ncol}); got {len(columns)}."
                    )
                return [i for i, keep in enumerate(columns) if keep]
            return [self.index(c) for c in columns]
        raise H2OTypeError(
            f"Columns must be given by name, number, slice or a list of names or numbers; got {type(columns).__name__}."
        )

    def _bounds(self, columns: slice) -> slice:
        """Return a slice may be bounded by names: both ends are then included, as in pandas."""
        start, stop = columns.start, columns.stop
        if isinstance(start, str):
            start = self.index(start)
        if isinstance(stop, str):
            stop = self.index(stop) + 1
        return slice(start, stop, columns.step)

    def only(self, purpose: str) -> Place:
        """Return the one column of a table of one column; raises H2OValueError, naming the purpose, for others."""
        if self.ncol != 1:
            raise H2OValueError(
                f"{purpose} must be asked of one column; this frame has {self.ncol}. Select one, as in frame['name']."
            )
        return self.resolved[0]

    # ---- what others read --------------------------------------------------------------------------------------
    def summaries(self) -> list[Summary]:
        """Return a Summary over all rows for each column, merged from those that travel with the chunks."""
        return summaries_at(self.places)

    def summaries_by_name(self, names: Sequence[str] | None = None) -> dict[str, Summary]:
        """Return column -> Summary over all rows, merged from the summaries that travel with the chunks, remembered.

        Example: ``fr.summaries(["x"])["x"].mean``. Raises H2OValueError for an unknown column.
        """
        names = list(self.names if names is None else names)
        chosen = self.pick([self.index(name) for name in names])
        return dict(zip(names, chosen.summaries(), strict=True))

    def placement(self, names: Sequence[str] | None = None) -> Placement:
        """Return where the columns lie: rows, chunk futures per partition, and (chunk, position) per column.

        Raises H2OValueError for an unknown column. Moves no data.
        """
        names = list(self.names if names is None else names)
        groups, where = distinct_groups([self.places[self.index(name)] for name in names])
        parts = tuple(tuple(group.chunks[p] for group in groups) for p in range(len(self.rows)))
        return Placement(self.rows, parts, dict(zip(names, where, strict=True)))


class Named(NamedTuple):
    """A table that is to be known under a key; None: nobody has named it."""

    key: str | None
    table: Table


def table_of_groups(schema: Schema, rows: Sequence[int], groups: Sequence[Group]) -> Table:
    """Return a table of packed chunks: every column of `schema` is looked for among the names of the groups.

    `rows`: rows of each partition, the same for every group. Raises H2OValueError where a group has another number of
    chunks, or a column is in no group.
    """
    found: dict[str, tuple[Group, int]] = {}
    for group in groups:
        if len(group.chunks) != len(rows):
            raise H2OValueError(
                f"Every group must have one chunk per partition ({len(rows)}); got {len(group.chunks)} for "
                f"columns {list(group.names[:5])}."
            )
        found.update({name: (group, i) for i, name in enumerate(group.names)})
    lost = [c.name for c in schema.columns if c.name not in found]
    if lost:
        raise H2OValueError(f"Every column must be in a group; {lost[:5]} are in none.")
    places = tuple(Place(*found[c.name], c.type, c.domain) for c in schema.columns)
    return Table(tuple(c.name for c in schema.columns), places, tuple(rows))
