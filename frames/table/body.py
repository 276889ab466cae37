"""The body of a frame: names, places and partition rows, and how its columns are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.chunks.summary import Summary
from frames.cluster.placement import Place, Placement, distinct_groups, summaries_at
from frames.cluster.tasks import fits_long
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.table.names import unique_names

if TYPE_CHECKING:
    from frames.frame import H2OFrame


class State(NamedTuple):
    """All that a frame is, in one value that can be swapped in one step."""

    names: tuple[str, ...]
    places: tuple[Place, ...]
    rows: tuple[int, ...]


class FrameBody:
    """State and look-ups shared by all parts of H2OFrame; in-place methods swap the state, data never changes."""

    _state: State | None = None
    _id: str | None = None
    _schema: Schema | None = None

    # ---- state -------------------------------------------------------------------------------------------------
    @property
    def _body(self) -> State:
        if self._state is None:
            raise FrameError(
                f"A frame must still exist to be used; H2OFrame {self._id or ''} has been removed. "
                "Import or compute it again."
            )
        return self._state

    def _become(self, names: Sequence[str], places: Sequence[Place], rows: Sequence[int] | None = None) -> None:
        """Swap the state (in-place methods end here)."""
        rows = self._body.rows if rows is None else rows
        self._state, self._schema = State(tuple(names), tuple(places), tuple(rows)), None

    def _new(self, names: Sequence[str], places: Sequence[Place], rows: Sequence[int] | None = None) -> H2OFrame:
        """A new nameless frame of the same rows (or of `rows`)."""
        frame = object.__new__(type(self))
        frame._state = State(tuple(names), tuple(places), tuple(self._body.rows if rows is None else rows))
        return frame  # type: ignore[return-value]

    def _pick(self, indices: Sequence[int]) -> H2OFrame:
        """The columns at these positions, told apart by a number where one is asked for twice; no data move."""
        names, places, _ = self._body
        return self._new(unique_names(names[i] for i in indices), [places[i] for i in indices])

    def _replace(self, places: Sequence[Place], names: Sequence[str] | None = None) -> H2OFrame:
        """Same rows, other columns."""
        return self._new(self._body.names if names is None else names, places)

    # ---- shape and names ---------------------------------------------------------------------------------------
    @property
    def nrow(self) -> int:
        """Number of rows."""
        return sum(self._body.rows)

    @property
    def ncol(self) -> int:
        """Number of columns."""
        return len(self._body.names)

    nrows, ncols = nrow, ncol

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.nrow, self.ncol

    @property
    def dim(self) -> list[int]:
        """[rows, columns]."""
        return [self.nrow, self.ncol]

    def __len__(self) -> int:
        return self.nrow

    @property
    def schema(self) -> Schema:
        """The columns with their types and domains; looks at the summaries of numbers whose kind is not known yet."""
        if self._schema is None:
            names, _, _ = self._body
            resolved = self._resolved()
            self._schema = Schema(
                tuple(Column(n, p.type, p.domain) for n, p in zip(names, resolved, strict=True))  # type: ignore[arg-type]
            )
        return self._schema

    def _resolved(self) -> tuple[Place, ...]:
        """The places with every type known."""
        names, places, rows = self._body
        open_ = [i for i, place in enumerate(places) if place.type is None]
        if open_:
            told = list(places)
            for i, summary in zip(open_, summaries_at([places[i] for i in open_]), strict=True):
                whole = summary.all_integer and summary.present > 0 and fits_long(summary)
                told[i] = places[i]._replace(type="int" if whole else "real")
            places = tuple(told)
            self._state = State(names, places, rows)
        return places

    @property
    def types(self) -> dict[str, str]:
        """Column name -> "int", "real", "enum", "time", "string" or "uuid"."""
        return dict(self.schema.types)

    def type(self, column: str | int) -> str:
        """The type of one column."""
        return self.schema.columns[self._index(column)].type

    # ---- look-ups ----------------------------------------------------------------------------------------------
    def _index(self, column: Any) -> int:
        """Position of a column given by name or number (negative from the end), or a clear error."""
        names = self._body.names
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

    def _indices(self, columns: Any) -> list[int]:
        """Positions of columns given as name, number, slice, a list of these, or a list of bool."""
        if isinstance(columns, slice):
            return list(range(*self._name_slice(columns).indices(self.ncol)))
        if isinstance(columns, str | Integral):
            return [self._index(columns)]
        if isinstance(columns, Iterable):
            columns = list(columns)
            if columns and all(isinstance(c, bool) for c in columns):
                if len(columns) != self.ncol:
                    raise H2OValueError(
                        f"A list of bool must have one entry per column ({self.ncol}); got {len(columns)}."
                    )
                return [i for i, keep in enumerate(columns) if keep]
            return [self._index(c) for c in columns]
        raise H2OTypeError(
            f"Columns must be given by name, number, slice or a list of names or numbers; got {type(columns).__name__}."
        )

    def _name_slice(self, columns: slice) -> slice:
        """A slice may be bounded by names: both ends are then included, as in pandas."""
        start, stop = columns.start, columns.stop
        if isinstance(start, str):
            start = self._index(start)
        if isinstance(stop, str):
            stop = self._index(stop) + 1
        return slice(start, stop, columns.step)

    def _only(self, purpose: str) -> Place:
        """The one column of a one-column frame, or a clear error."""
        if self.ncol != 1:
            raise H2OValueError(
                f"{purpose} must be asked of one column; this frame has {self.ncol}. Select one, as in frame['name']."
            )
        return self._resolved()[0]

    # ---- what others read --------------------------------------------------------------------------------------
    def placement(self, names: Sequence[str] | None = None) -> Placement:
        """Where the columns lie: rows per partition, chunk futures per partition, (chunk, position) per column.

        Raises H2OValueError for an unknown column. Moves no data.

        Example: ``placement = fr.placement(["x", "y"])``; ``placement.parts[0]`` are the chunks of partition 0.
        """
        body = self._body
        names = list(body.names if names is None else names)
        groups, where = distinct_groups([body.places[self._index(name)] for name in names])
        parts = tuple(tuple(group.chunks[p] for group in groups) for p in range(len(body.rows)))
        return Placement(body.rows, parts, dict(zip(names, where, strict=True)))

    def summaries(self, names: Sequence[str] | None = None) -> dict[str, Summary]:
        """Column -> Summary over all rows, merged from the summaries that travel with the chunks, and remembered.

        Example: ``fr.summaries(["x"])["x"].mean``. Raises H2OValueError for an unknown column.
        """
        body = self._body
        names = list(body.names if names is None else names)
        places = [body.places[self._index(name)] for name in names]
        return dict(zip(names, summaries_at(places), strict=True))

    def _summaries(self) -> list[Summary]:
        return summaries_at(self._body.places)
