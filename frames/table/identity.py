"""The key of a frame, given, asked for, changed and forgotten; copies under other keys; its size."""

from __future__ import annotations

from typing import Any

from frames.cluster import registry
from frames.exceptions import H2OTypeError
from frames.table.face import Faced
from frames.table.table import Table


class Identified(Faced):
    """What holds a table and is known under a key."""

    @classmethod
    def _of(cls, table: Table, frame_id: str | None = None) -> Any:
        """Return a frame of a table, nameless unless `frame_id` says otherwise."""
        frame = object.__new__(cls)
        frame._held = table
        if frame_id is not None:
            frame.frame_id = frame_id
        return frame

    @property
    def frame_id(self) -> str:
        """The key of this frame; a frame nobody has named gets `py_<n>_sid_<xxxx>` when first asked.

        Setting it renames the frame. Named frames stay until removed; unnamed ones live as long as they are held.
        """
        if self._id is None:
            self._id = registry.temporary_key()
            if self._held is not None:
                registry.register(self._id, self, temporary=True)
        return self._id

    @frame_id.setter
    def frame_id(self, key: str) -> None:
        if not isinstance(key, str) or not key:
            raise H2OTypeError(f"A frame_id must be a string that is not empty; got {key!r}.")
        _ = self._table
        if self._id is not None and registry.get(self._id) is self:
            registry.remove(self._id)
        self._id = key
        registry.register(key, self)

    @property
    def key(self) -> str:
        """The same as frame_id."""
        return self.frame_id

    def _discard(self) -> None:
        """Forget the data: what h2o.remove(frame) does. Using the frame afterwards raises FrameError."""
        if self._id is not None and registry.get(self._id) is self:
            registry.remove(self._id)
        self._held = None

    def detach(self) -> None:
        """Take this object off its data; the same as removing it."""
        self._discard()

    def refresh(self) -> None:
        """h2o-py asks its server anew here; frames are always up to date, so this only checks that the frame exists."""
        _ = self._table

    def deep_copy(self, frame_id: str | None = None) -> Any:
        """Return a frame of the same data under another id: chunks never change, so they are shared."""
        return self._of(self._table, frame_id)

    def __copy__(self) -> Any:
        return self._of(self._table)

    def __deepcopy__(self, memo: dict) -> Any:
        # Chunks never change: a copy may share them.
        return self._of(self._table)

    # ---- size --------------------------------------------------------------------------------
    @property
    def nrow(self) -> int:
        """Number of rows."""
        return self._table.nrow

    @property
    def ncol(self) -> int:
        """Number of columns."""
        return self._table.ncol

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
