"""Rows of a source as columns: numbers packed already, texts that wait for the decision what they are."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from frames.chunks.chunk import Chunk
from frames.chunks.column import Type
from frames.chunks.summary import Summary
from frames.columns.dictionary import Dictionary, Verdict
from frames.columns.kinds import TextReport, report


class Report(NamedTuple):
    """What the planner needs to know of a block; small, but for the levels.

    `problem` is a sentence for the user. `unsafe` tells that quoted fields go over line ends, so that the range may
    have been cut within a row. `not_numbers` are columns that were read as numbers and hold something else.
    """

    rows: int
    size: int
    problem: str | None = None
    unsafe: bool = False
    not_numbers: tuple[int, ...] = ()
    summaries: tuple[Summary, ...] = ()
    texts: tuple[TextReport, ...] = ()


@dataclass(frozen=True, eq=False)
class Block:
    """Rows of a file as columns: numbers are packed already, texts wait for the decision what they are."""

    report: Report
    numbers: Chunk | None = None
    texts: tuple[Dictionary, ...] = ()

    def __sizeof__(self) -> int:
        letters = sum(t.codes.nbytes + sum(map(sys.getsizeof, t.levels)) for t in self.texts)
        return 1000 + letters + (sys.getsizeof(self.numbers) if self.numbers is not None else 0)


def packed(
    rows: int,
    size: int,
    numbers: Sequence[np.ndarray],
    texts: Sequence[Dictionary],
    wanted: Sequence[Type | None],
) -> Block:
    """Return a block of columns: numbers, and texts with the types that the user wants of them (or None)."""
    reals: list[Type] = ["real"] * len(numbers)  # whether they are int is known when all blocks are there
    chunk = Chunk.pack(numbers, reals, [None] * len(numbers)) if numbers else None
    reports = tuple(report(text, type_) for text, type_ in zip(texts, wanted, strict=True))
    return Block(Report(rows, size, summaries=chunk.summaries if chunk else (), texts=reports), chunk, tuple(texts))


def text_chunk(texts: tuple[Dictionary, ...], verdicts: tuple[Verdict, ...]) -> Chunk:
    """Return the text columns of a block as a chunk, each as what was decided for the whole column (a task)."""
    columns = [text.column(verdict) for text, verdict in zip(texts, verdicts, strict=True)]
    levels = [None if v.domain is None else len(v.domain) for v in verdicts]
    return Chunk.pack(columns, [v.type for v in verdicts], levels)
