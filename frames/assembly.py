"""Blocks of columns on the workers -> one frame: types and levels are decided over all blocks. (D)"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from distributed import Future, as_completed

from frames import session
from frames.build import Typed, typed
from frames.chunk import Chunk
from frames.column import Column
from frames.dictionary import NO_VALUE, Dictionary, Verdict, clean, encode
from frames.errors import FrameError, H2OValueError
from frames.parse_block import Block, Report, report_texts, text_chunk
from frames.parse_columns import verdict_on
from frames.placement import Group
from frames.schema import Schema
from frames.tasks import submit, submit_all

if TYPE_CHECKING:
    from frames.frame import H2OFrame


def _reports(blocks: Block | list[Block]) -> list[Report]:
    return [blocks.report] if isinstance(blocks, Block) else [block.report for block in blocks]


def _numbers(block: Block) -> Chunk:
    assert block.numbers is not None
    return block.numbers


def _pick(blocks: list[Block], position: int) -> Block:
    return blocks[position]


class Pending(NamedTuple):
    """A task that gives a block, or with `many` a list of blocks."""

    future: Future
    many: bool = False


def collect(pending: Sequence[Pending], done: Callable[[int], None]) -> tuple[list[Future], list[Report]]:
    """Wait for blocks and return (futures of blocks, reports), in the order of `pending`.

    `done` is told of the size in bytes of each block that is ready. The first problem that a block reports is raised as
    a FrameError and ends the wait.
    """
    asked = {future: order for order, future in enumerate(submit_all(_reports, [p.future for p in pending]))}
    answers: dict[int, list[Report]] = {}
    for future, answer in as_completed(list(asked), loop=session.client().loop, with_results=True):
        order = asked[future]
        answers[order] = answer
        for report in answers[order]:
            if report.problem is not None:
                raise FrameError(report.problem)
            done(report.size)
    blocks: list[Future] = []
    for order, (future, many) in enumerate(pending):
        blocks += [submit(_pick, future, i) for i in range(len(answers[order]))] if many else [future]
    return blocks, [report for order in range(len(pending)) for report in answers[order]]


def assemble(
    blocks: Sequence[Future],
    reports: Sequence[Report],
    numbers: Sequence[Column],
    texts: Sequence[Column],
    order: Sequence[str],
    frame_id: str | None,
) -> "H2OFrame":
    """Return the frame of some blocks; `order` is that of its columns. Blocks without rows are left out.

    Columns of text become a group of chunks of their own, so that giving them their codes leaves the numbers alone.
    """
    from frames.frame import H2OFrame

    filled = [i for i, report in enumerate(reports) if report.rows] or [0]
    groups = []
    if numbers:
        chunks = tuple(submit_all(_numbers, [blocks[i] for i in filled]))
        groups.append(Group(chunks, tuple(column.name for column in numbers)))
    if texts:
        verdicts = tuple(Verdict(column.type, column.domain) for column in texts)
        chunks = tuple(submit_all(text_chunk, [blocks[i] for i in filled], verdicts))
        groups.append(Group(chunks, tuple(column.name for column in texts)))
    by_name = {column.name: column for column in (*numbers, *texts)}
    schema = Schema(tuple(by_name[name] for name in order))
    frame = H2OFrame._from_groups(schema, tuple(reports[i].rows for i in filled), groups, frame_id)
    wait_for(groups)
    return frame


def wait_for(groups: Sequence[Group]) -> None:
    """Wait until all chunks are there, so that errors come up here and blocks can be forgotten."""
    for future in as_completed([c for group in groups for c in group.chunks], loop=session.client().loop):
        if future.status == "error":
            future.result()


def frame_from_tables(tables: Sequence[Future], meta: pd.DataFrame, frame_id: str | None) -> "H2OFrame":
    """Return the frame of pandas tables that are futures, all with the columns of `meta`."""
    names = [str(name) for name in meta.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise H2OValueError(f"Column names must be distinct; '{twice}' occurs more than once.")
    as_text = tuple(_is_text(meta.iloc[:, i].dtype) for i in range(len(names)))
    pending = [Pending(future) for future in submit_all(block_of_table, tables, as_text)]
    blocks, reports = collect(pending, lambda size: None)
    numbers = [name for name, text in zip(names, as_text, strict=True) if not text]
    texts = [i for i, text in enumerate(as_text) if text]
    filled = [report for report in reports if report.rows]
    decided = [
        _known(meta.iloc[:, i].dtype) or verdict_on([r.texts[t] for r in filled], None) for t, i in enumerate(texts)
    ]
    typed_numbers = []
    for position, name in enumerate(numbers):
        parts = [report.summaries[position] for report in filled]
        whole = all(part.all_integer for part in parts) and any(part.present for part in parts)
        time = meta[name].dtype.kind == "M"
        typed_numbers.append(Column(name, "time" if time else "int" if whole else "real"))
    typed_texts = [Column(names[i], v.type, v.domain) for i, v in zip(texts, decided, strict=True)]
    return assemble(blocks, reports, typed_numbers, typed_texts, names, frame_id)


def _known(dtype: Any) -> Verdict | None:
    """The verdict on a categorical column whose categories are known before any row is read."""
    if not isinstance(dtype, pd.CategoricalDtype) or list(map(str, dtype.categories)) == ["__UNKNOWN_CATEGORIES__"]:
        return None
    return Verdict("enum", tuple(map(str, dtype.categories)))


def _is_text(dtype: Any) -> bool:
    return isinstance(dtype, pd.CategoricalDtype) or not (
        pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype) or dtype.kind == "M"
    )


def block_of_table(table: pd.DataFrame, as_text: tuple[bool, ...]) -> Block:
    """Return a pandas table as a block (a task); `as_text` tells which columns are text."""
    numbers: list[Typed] = []
    texts: list[Dictionary] = []
    for i, text in enumerate(as_text):
        column = table.iloc[:, i]
        if not text:
            found = typed(column)
            assert isinstance(found, Typed)
            numbers.append(found)
        elif isinstance(column.dtype, pd.CategoricalDtype):
            levels = [str(level) for level in column.cat.categories]
            texts.append(clean(levels, column.cat.codes.to_numpy().astype(np.int32), frozenset()))
        else:
            texts.append(encode(column.astype(object).where(column.notna(), None).tolist(), NO_VALUE))
    chunk = (
        Chunk.pack([n.values for n in numbers], [n.type for n in numbers], [None] * len(numbers)) if numbers else None
    )
    reports = report_texts(texts, [None] * len(texts))
    return Block(Report(len(table), 0, summaries=chunk.summaries if chunk else (), texts=reports), chunk, tuple(texts))
