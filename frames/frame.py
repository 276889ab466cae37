"""H2OFrame: a compressed table on a Dask cluster with the methods of h2o-py's frame. (D)

A frame is eager: every method checks its arguments, sends one task per partition and returns at once; only reading
numbers (types of computed columns, reductions, printing) waits. Selecting, renaming, reordering and binding columns
move no data. The parts live in sibling modules, one noun each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frames.chunks.schema import Schema
from frames.cluster import session
from frames.cluster.placement import Group, Place, Placement
from frames.exceptions import H2OTypeError, H2OValueError
from frames.export.dask_face import to_dask
from frames.table.body import State
from frames.table.literals import build_frame
from frames.verbs.apply import Lambdas
from frames.verbs.arithmetic import Arithmetic
from frames.verbs.binding import Binding
from frames.verbs.cleaning import Cleaning
from frames.verbs.covariance import Covariance
from frames.verbs.crosstabs import Tables
from frames.verbs.display import Display
from frames.verbs.fold_columns import Folds
from frames.verbs.functions import Functions
from frames.verbs.joins import Relations
from frames.verbs.levels import Levels
from frames.verbs.membership import Membership
from frames.verbs.moments import Moments
from frames.verbs.reductions import Reductions
from frames.verbs.reshape import Shape
from frames.verbs.running import Running
from frames.verbs.selection import Selection
from frames.verbs.texts import Texts
from frames.verbs.times import Times
from frames.verbs.types import Conversion

if TYPE_CHECKING:
    import dask.dataframe as dd

__all__ = ["Group", "H2OFrame", "Placement"]


class H2OFrame(
    Selection,
    Arithmetic,
    Functions,
    Running,
    Covariance,
    Moments,
    Reductions,
    Conversion,
    Levels,
    Texts,
    Times,
    Cleaning,
    Folds,
    Relations,
    Tables,
    Shape,
    Lambdas,
    Membership,
    Binding,
    Display,
):
    """A table of named, typed, compressed columns, its rows cut in partitions over the workers.

    `python_obj`: list of rows (lists or tuples), flat list (one column), dict of columns, NumPy array, scipy sparse
    matrix, pandas DataFrame or Series, Dask DataFrame, any table that offers itself through Arrow's PyCapsule interface
    (Polars, pyarrow, DuckDB), or another frame (then nothing is copied). `column_names`, `column_types` (list, or dict
    name -> type), `na_strings` and `skipped_columns` work as in import_file. A list of rows is data throughout unless
    `header=1`. What cells mean is the same for all of them, and for files: docs/data.md.

    Raises H2OTypeError for other objects, H2OValueError for rows or columns of unequal length, with the first of them.

    Example: ``H2OFrame({"x": [1, 2, None], "y": ["a", "b", "a"]})``.
    """

    def __init__(
        self,
        python_obj: Any = None,
        destination_frame: str | None = None,
        header: int = 0,
        separator: str = ",",
        column_names: Sequence[str] | None = None,
        column_types: Sequence[str] | Mapping[str, str] | None = None,
        na_strings: Any = None,
        skipped_columns: Sequence[int | str] | None = None,
    ) -> None:
        self._state = State((), (), ())
        if python_obj is None:
            return
        made = build_frame(python_obj, header, separator, column_names, column_types, na_strings, skipped_columns)
        self._state = made._state
        self.frame_id = destination_frame or session.temporary_key()

    @classmethod
    def _from_groups(
        cls, schema: Schema, rows: Sequence[int], groups: Sequence[Group], frame_id: str | None = None
    ) -> H2OFrame:
        """A frame of packed chunks: every column of `schema` is looked for among the names of the groups.

        `rows`: rows of each partition, the same for every group. With `frame_id` the frame is registered under it.
        Raises H2OValueError where a group has another number of chunks, or a column is in no group.
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
        frame = object.__new__(cls)
        places = tuple(Place(*found[c.name], c.type, c.domain) for c in schema.columns)
        frame._state = State(tuple(c.name for c in schema.columns), places, tuple(rows))
        if frame_id is not None:
            frame.frame_id = frame_id
        return frame

    @staticmethod
    def from_python(python_obj: Any, **options: Any) -> H2OFrame:
        """The same as H2OFrame(python_obj, ...)."""
        return H2OFrame(python_obj, **options)

    @staticmethod
    def get_frame(frame_id: str) -> H2OFrame | None:
        """The frame registered under an id, None if there is none."""
        found = session.get(frame_id)
        return found if isinstance(found, H2OFrame) else None

    # ---- identity ----------------------------------------------------------------------------------------------
    @property
    def frame_id(self) -> str:
        """The key of this frame; a frame nobody has named gets `py_<n>_sid_<xxxx>` when first asked.

        Setting it renames the frame. Named frames stay until removed; unnamed ones live as long as they are held.
        """
        if self._id is None:
            self._id = session.temporary_key()
            if self._state is not None:
                session.register(self._id, self, temporary=True)
        return self._id

    @frame_id.setter
    def frame_id(self, key: str) -> None:
        if not isinstance(key, str) or not key:
            raise H2OTypeError(f"A frame_id must be a string that is not empty; got {key!r}.")
        _ = self._body
        if self._id is not None and session.get(self._id) is self:
            session.remove(self._id)
        self._id = key
        session.register(key, self)

    @property
    def key(self) -> str:
        """The same as frame_id."""
        return self.frame_id

    def _discard(self) -> None:
        """Forget the data: what h2o.remove(frame) does. Using the frame afterwards raises FrameError."""
        if self._id is not None and session.get(self._id) is self:
            session.remove(self._id)
        self._state = self._schema = None

    def detach(self) -> None:
        """Take this object off its data; the same as removing it."""
        self._discard()

    def refresh(self) -> None:
        """h2o-py asks its server anew here; frames are always up to date, so this only checks that the frame exists."""
        _ = self._body

    # ---- names -------------------------------------------------------------------------------------------------
    @property
    def names(self) -> list[str]:
        """Column names; can be set."""
        return list(self._body.names)

    @names.setter
    def names(self, names: Sequence[str]) -> None:
        self.set_names(list(names))

    columns = col_names = names

    def set_names(self, names: Sequence[str]) -> H2OFrame:
        """Rename all columns, in place, and return this frame.

        Raises H2OValueError for a wrong number of names or equal names, H2OTypeError for names that are not strings.
        """
        body = self._body
        if isinstance(names, str) or not all(isinstance(n, str) for n in names):
            raise H2OTypeError(f"Column names must be a list of strings; got {names!r}.")
        if len(names) != len(body.names):
            raise H2OValueError(f"There must be {len(body.names)} names, one per column; got {len(names)}.")
        twice = sorted({n for n in names if list(names).count(n) > 1})
        if twice:
            raise H2OValueError(f"Column names must differ; got {twice} more than once.")
        self._become(names, body.places)
        return self

    def set_name(self, col: str | int | None = None, name: str | None = None) -> H2OFrame:
        """Rename one column, in place; `col` may be left out in a frame of one column.

        Raises H2OValueError for an unknown column or a name that another column has.
        """
        body = self._body
        if not isinstance(name, str):
            raise H2OTypeError(f"The new name must be a string; got {name!r}.")
        if col is None:
            if self.ncol != 1:
                raise H2OValueError(f"col must be given in a frame of {self.ncol} columns: a name or a number.")
            col = 0
        at = self._index(col)
        if name in body.names and body.names.index(name) != at:
            raise H2OValueError(f"Column names must differ; '{name}' is already column {body.names.index(name)}.")
        names = list(body.names)
        names[at] = name
        self._become(names, body.places)
        return self

    def rename(self, columns: Mapping[str, str] | None = None) -> H2OFrame:
        """Rename some columns in place: old name -> new name; unknown old names are left out, as in h2o-py."""
        if not isinstance(columns, Mapping):
            raise H2OTypeError(f"columns must be a dict old name -> new name; got {type(columns).__name__}.")
        return self.set_names([columns.get(name, name) for name in self._body.names])

    def __iter__(self) -> Iterator[H2OFrame]:
        return (self._pick([i]) for i in range(self.ncol))

    # ---- other faces -------------------------------------------------------------------------------------------
    @property
    def ddf(self) -> dd.DataFrame:
        """The Dask DataFrame face: lazy, same partitions, columns pushed down to decoding.

        enum -> category (known categories), time -> datetime64[ms], int -> int64 (with missing values float64, or Int64
        where float64 would round), real -> float64, strings str. Turn a result back with ``H2OFrame(ddf)``.
        """
        return to_dask(self)

    def deep_copy(self, frame_id: str | None = None) -> H2OFrame:
        """A frame of the same data under another id: chunks never change, so they are shared."""
        copy = self._replace(self._body.places)
        if frame_id is not None:
            copy.frame_id = frame_id
        return copy

    def __copy__(self) -> H2OFrame:
        return self._replace(self._body.places)

    def __deepcopy__(self, memo: dict) -> H2OFrame:
        # Chunks never change: a copy may share them.
        return self._replace(self._body.places)


def assign(data: H2OFrame, xid: str) -> H2OFrame:
    """Give a frame another id; returns the frame."""
    _check_frame(data, "assign")
    data.frame_id = xid
    return data


def deep_copy(data: H2OFrame, xid: str) -> H2OFrame:
    """A copy of a frame under another id, which must differ from its own."""
    _check_frame(data, "deep_copy")
    if xid == data.frame_id:
        raise H2OValueError(f"The id of a copy must differ from that of the frame; both are {xid!r}.")
    return data.deep_copy(xid)


def as_list(data: H2OFrame, use_pandas: bool = True, header: bool = True) -> Any:
    """A frame as a pandas DataFrame, or as a list of lists of strings."""
    _check_frame(data, "as_list")
    return data.as_data_frame(use_pandas=use_pandas, header=header)


def get_frame(frame_id: str) -> H2OFrame | None:
    """The frame registered under an id, None if there is none."""
    return H2OFrame.get_frame(frame_id)


def _check_frame(data: Any, call: str) -> None:
    if not isinstance(data, H2OFrame):
        raise H2OTypeError(f"{call}() must be given an H2OFrame; got {type(data).__name__}.")
