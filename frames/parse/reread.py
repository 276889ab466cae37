"""Chunks without rows: each look at them reads their row groups of a Parquet file again, and keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from frames.chunks.chunk import Chunk, NumericBlock
from frames.chunks.column import Type
from frames.chunks.summary import Summary
from frames.columns.block import Block, text_chunk
from frames.columns.dictionary import Dictionary, Verdict
from frames.exceptions import FileChanged, FrameError
from frames.parse.guess import Setup
from frames.parse.parquet import RowGroups, read_groups


class Origin(NamedTuple):
    """Where the rows of a chunk come from: row groups, how they are read, and the names that the file must have."""

    pack: RowGroups
    setup: Setup
    names: tuple[str, ...]

    def read(self) -> Block:
        """Return the rows; their chunk of numbers keeps none of them (a task)."""
        block = read_groups(*self)
        if block.numbers is None:
            return block
        at = tuple(i for i in self.setup.kept if i not in self.setup.texts)
        numbers = block.numbers
        return replace(block, numbers=RereadChunk(numbers.rows, numbers.types, numbers.summaries, self, at))

    def texts(self, texts: tuple[Dictionary, ...], verdicts: tuple[Verdict, ...]) -> Chunk:
        """Return the chunk of the columns of text; it keeps no rows either (a task)."""
        chunk = text_chunk(texts, verdicts)
        at = tuple(i for i in self.setup.kept if i in self.setup.texts)
        return RereadChunk(chunk.rows, chunk.types, chunk.summaries, origin=self, at=at, verdicts=verdicts)


class RereadChunk(Chunk):
    """A chunk whose columns are those at positions `at` of an origin; texts become what `verdicts` say of each.

    What it gives is that of the chunk that an import would keep. Raises FrameError where the file was changed.
    """

    __slots__ = ("at", "origin", "verdicts")

    def __init__(
        self,
        rows: int,
        types: tuple[Type, ...],
        summaries: tuple[Summary, ...],
        origin: Origin,
        at: tuple[int, ...],
        verdicts: tuple[Verdict, ...] | None = None,
    ) -> None:
        super().__init__(rows, types, (), summaries, ())
        self.origin, self.at, self.verdicts = origin, at, verdicts

    def __reduce__(self):
        return RereadChunk, (self.rows, self.types, self.summaries, self.origin, self.at, self.verdicts)

    def columns(self, positions: Sequence[int] | None = None) -> list[np.ndarray]:
        """Return decoded columns, in the order of `positions` (all columns without)."""
        positions = range(len(self.types)) if positions is None else positions
        chunk, at = self._read(positions)
        return chunk.columns([at[position] for position in positions])

    def numeric_blocks(self, positions: Sequence[int]) -> list[NumericBlock]:
        """Return the codes of the columns at `positions` in narrow dtypes."""
        chunk, at = self._read(positions)
        return chunk.numeric_blocks([at[position] for position in positions])

    def to_bytes(self) -> bytes:
        """Return the chunk, with its rows, in the stored format."""
        return self._read(range(len(self.types)))[0].to_bytes()

    def parked(self) -> Chunk:
        """Return the chunk itself: its rows are on a disk already."""
        return self

    def _read(self, positions: Sequence[int]) -> tuple[Chunk, dict[int, int]]:
        """Return a chunk of the columns at `positions`, and where in it each of them is."""
        wanted = sorted(set(positions))
        if not wanted:
            return Chunk(self.rows, (), (), (), ()), {}
        setup = replace(self.origin.setup, kept=tuple(self.at[position] for position in wanted))
        try:
            block = read_groups(self.origin.pack, setup, self.origin.names)
        except FileChanged:
            raise
        except (pa.ArrowException, ValueError, OSError) as error:
            raise self._changed(error) from error
        chunk = block.numbers
        if self.verdicts is not None and block.texts:
            chunk = text_chunk(block.texts, tuple(self.verdicts[position] for position in wanted))
        if block.report.problem or chunk is None or chunk.rows != self.rows:
            raise self._changed(block.report.problem or f"{block.report.rows} rows in place of {self.rows}.")
        return chunk, {position: k for k, position in enumerate(wanted)}

    def _changed(self, found: object) -> FrameError:
        return FrameError(
            "A file must stay as it is while a frame reads from it; "
            f"{self.origin.pack.source.url} cannot be read as before: {found}"
        )


def read(origin: Origin) -> Block:
    """Read the rows of an origin (a task)."""
    return origin.read()


def texts(found: tuple[Dictionary, ...], verdicts: tuple[Verdict, ...], origin: Origin) -> Chunk:
    """Return the columns of text of an origin (a task)."""
    return origin.texts(found, verdicts)
