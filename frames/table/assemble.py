"""Blocks of columns on the workers -> one table: types and levels are decided over all blocks. (D)"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
from distributed import Future, get_worker

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column, Type
from frames.chunks.schema import Schema
from frames.chunks.summary import Summary
from frames.cluster.placement import Group
from frames.cluster.sending import arrivals, submit, submit_all
from frames.codecs.outside import use_folder
from frames.columns import kinds
from frames.columns.block import Block, Report, packed, text_chunk
from frames.columns.dictionary import Dictionary, Verdict
from frames.columns.typed import Typed, as_texts, without
from frames.columns.values import read
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.table.table import Table, table_of_groups


def _reports(blocks: Block | list[Block]) -> list[Report]:
    return [blocks.report] if isinstance(blocks, Block) else [block.report for block in blocks]


def _numbers(blocks: Block | list[Block], disk: bool, at: int = 0) -> Chunk | None:
    chunk = blocks.numbers if isinstance(blocks, Block) else blocks[at].numbers
    return _on_disk(chunk) if disk and chunk is not None else chunk


def _texts(blocks: Block | list[Block], disk: bool, at: int = 0) -> tuple[Dictionary, ...]:
    return blocks.texts if isinstance(blocks, Block) else blocks[at].texts


def _text_chunk(texts: tuple[Dictionary, ...], verdicts: tuple[Verdict, ...], disk: bool) -> Chunk:
    chunk = text_chunk(texts, verdicts)
    return _on_disk(chunk) if disk else chunk


def _on_disk(chunk: Chunk) -> Chunk:
    use_folder(get_worker().local_directory)
    return chunk.parked()


TextPacker = Callable[[int, Future, tuple[Verdict, ...]], Future]
"""Given the number of a block, its columns of text and what they are: the future of their chunk."""


class Pending(NamedTuple):
    """A task that gives a block, or with `many` a list of blocks."""

    future: Future
    many: bool = False


class Parts(NamedTuple):
    """Futures of what blocks hold, block by block: their chunks of numbers, and their columns of text; empty for none.

    A block is taken apart as soon as it is read and then forgotten: a worker never holds both.
    """

    numbers: list[Future]
    texts: list[Future]


def collect(
    pending: list[Pending],
    done: Callable[[int], None],
    numbers: bool = True,
    texts: bool = True,
    disk: bool = False,
) -> tuple[Parts, list[Report]]:
    """Wait for blocks and return (their parts, their reports), in the order of `pending`.

    `numbers` and `texts` tell which of them the blocks hold; with `disk` chunks are written to the workers' disks.
    `done` is told of the size in bytes of each block that is ready. The first problem that a block reports is raised as
    a FrameError and ends the wait. `pending` is emptied: a block that somebody still asks for stays on its worker.
    """
    asked = {f: order for order, f in enumerate(submit_all(_reports, [p.future for p in pending], priority=1))}
    single = [p.future for p in pending if not p.many]
    takers: list[tuple[Callable, bool]] = [(_numbers, numbers), (_texts, texts)]
    halves = [iter(submit_all(take, single, disk, priority=1) if some else ()) for take, some in takers]
    lists = [p.future if p.many else None for p in pending]
    pending.clear()
    single.clear()
    answers: dict[int, list[Report]] = {}
    for future, answer in arrivals(list(asked), "Reading a table", with_results=True):
        order = asked[future]
        answers[order] = answer
        for report in answers[order]:
            if report.problem is not None:
                raise FrameError(report.problem)
            done(report.size)
    parts = Parts([], [])
    for order, blocks in enumerate(lists):
        for half, kept, (take, some) in zip(halves, parts, takers, strict=True):
            if some:
                kept += [submit(take, blocks, disk, i) for i in range(len(answers[order]))] if blocks else [next(half)]
    return parts, [report for order in range(len(lists)) for report in answers[order]]


def assemble(
    parts: Parts,
    reports: Sequence[Report],
    numbers: Sequence[Column],
    texts: Mapping[str, Verdict],
    order: Sequence[str],
    disk: bool = False,
    packer: TextPacker | None = None,
) -> Table:
    """Return the table of some blocks; `order` is that of its columns. Blocks without rows are left out.

    `texts` says, in the order in which blocks hold them, what the columns of text are. With `disk` their chunks are
    written to the workers' disks; `packer` makes these chunks in a way of its own.

    Columns of text become a group of chunks of their own, so that giving them their codes leaves the numbers alone.
    """
    filled = [i for i, report in enumerate(reports) if report.rows] or [0]
    groups = []
    if numbers:
        group = Group(tuple(parts.numbers[i] for i in filled), tuple(column.name for column in numbers))
        told = [reports[i].summaries for i in filled]
        if all(told):  # nobody has to bring chunks back from disk to ask them
            group.remember(dict(enumerate(_merged(own) for own in zip(*told, strict=True))))
        groups.append(group)
    if texts:
        verdicts = tuple(verdict._replace(given_up=None) for verdict in texts.values())
        if packer is None:
            chunks = submit_all(_text_chunk, [parts.texts[i] for i in filled], verdicts, disk)
        else:
            chunks = [packer(i, parts.texts[i], verdicts) for i in filled]
        groups.append(Group(tuple(chunks), tuple(texts)))
    by_name = {column.name: column for column in numbers}
    by_name |= {name: Column(name, verdict.type, verdict.domain) for name, verdict in texts.items()}
    schema = Schema(tuple(by_name[name] for name in order))
    table = table_of_groups(schema, tuple(reports[i].rows for i in filled), groups)
    wait_for(groups)
    return table


def _merged(summaries: Sequence[Summary]) -> Summary:
    return reduce(Summary.merge, summaries)


def wait_for(groups: Sequence[Group]) -> None:
    """Wait until all chunks are there, so that errors come up here and blocks can be forgotten."""
    for future in arrivals([c for group in groups for c in group.chunks], "Reading a table"):
        if future.status == "error":
            future.result()


class Tables(NamedTuple):
    """How to read pandas tables that are to be one frame; all tuples have an entry per column.

    types    what a column holds: numbers, doubles, times or texts
    wanted   the type that the user wants, or None
    missing  texts that mean missing besides the usual ones
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    wanted: tuple[Type | None, ...]
    missing: tuple[Collection[str], ...]

    def with_texts(self, wrong: Collection[int]) -> "Tables":
        """Return the same with some more columns read as texts."""
        return self._replace(types=tuple("texts" if i in wrong else type_ for i, type_ in enumerate(self.types)))


def table_from_tables(
    tables: Sequence[Future],
    meta: pd.DataFrame,
    wanted: Sequence[Type | None] | None = None,
    missing: Sequence[Collection[str]] | None = None,
) -> Table:
    """Return the table of pandas tables that are futures, all with the columns of `meta`.

    Where a table holds something else than `meta` says, numbers and texts are decided on anew, over all tables, and
    categories that `meta` lacks are appended. Raises FrameError where the columns of a table have other names.
    """
    names = [str(name) for name in meta.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise H2OValueError(f"Column names must be distinct; '{twice}' occurs more than once.")
    empty = [_read_named(name, meta.iloc[:0, i]) for i, name in enumerate(names)]
    wanted = wanted or [None] * len(names)
    types = [_holds(found, type_) for found, type_ in zip(empty, wanted, strict=True)]
    plan = Tables(tuple(names), tuple(types), tuple(wanted), tuple(missing or [()] * len(names)))
    while True:
        pending = [Pending(future) for future in submit_all(block_of_table, tables, plan)]
        some = [type_ == "texts" for type_ in plan.types]
        parts, reports = collect(pending, lambda size: None, not all(some), any(some))
        wrong = {i for report in reports for i in report.not_numbers}
        if not wrong:
            break
        plan = plan.with_texts(wrong)
    filled = [report for report in reports if report.rows]
    texts = {}
    for t, i in enumerate(i for i, type_ in enumerate(plan.types) if type_ == "texts"):
        known = _known(empty[i], plan.wanted[i])
        texts[names[i]] = kinds.decide([*known, *(report.texts[t] for report in filled)], plan.wanted[i])
    kinds.warn({name: (v.type, v.given_up) for name, v in texts.items() if v.given_up}, "column_types")
    numbers = _number_columns(plan, filled)
    return assemble(parts, reports, numbers, texts, names)


def _read_named(name: str, column: pd.Series) -> Typed | Dictionary:
    try:
        return read(column)
    except (H2OTypeError, H2OValueError) as error:
        raise type(error)(f"Column '{name}' cannot be read. {error}") from error


def _holds(empty: Typed | Dictionary, wanted: Type | None) -> str:
    if isinstance(empty, Dictionary) or wanted in ("enum", "string", "uuid"):
        return "texts"
    if empty.type == "time":
        return "times"
    if wanted == "time":
        return "texts"
    return "doubles" if empty.values.dtype.kind == "f" else "numbers"


def _known(empty: Typed | Dictionary, wanted: Type | None) -> list[kinds.TextReport]:
    """Categories that are known before any row is read, as a part of the column without rows."""
    if not isinstance(empty, Dictionary) or empty.levels == ("__UNKNOWN_CATEGORIES__",) or not empty.categories:
        return []
    return [kinds.report(empty, wanted)]


def _number_columns(plan: Tables, filled: Sequence[Report]) -> list[Column]:
    at = [i for i, type_ in enumerate(plan.types) if type_ != "texts"]
    columns = []
    for position, i in enumerate(at):
        type_ = plan.wanted[i] or ("time" if plan.types[i] == "times" else None)
        if type_ != "time":
            parts = [report.summaries[position] for report in filled]
            type_ = kinds.number_type(parts, type_, plan.types[i] == "doubles")
        columns.append(Column(plan.names[i], type_))
    return columns


def block_of_table(table: pd.DataFrame, plan: Tables) -> Block:
    """Return a pandas table as a block (a task)."""
    here = [str(name) for name in table.columns]
    if here != list(plan.names):
        problem = f"Every partition must have the columns {list(plan.names)[:10]} of the table; one has {here[:10]}."
        return Block(Report(0, 0, problem=problem))
    numbers: list[Typed] = []
    texts: list[Dictionary] = []
    wrong: list[int] = []
    for i, type_ in enumerate(plan.types):
        try:
            found = without(_read_named(plan.names[i], table.iloc[:, i]), plan.missing[i])
        except (H2OTypeError, H2OValueError) as error:
            return Block(Report(0, 0, problem=str(error)))
        if type_ == "texts":
            texts.append(as_texts(found))
        elif isinstance(found, Dictionary) and not found.levels:
            numbers.append(Typed(np.full(len(table), np.nan), "real"))
        elif isinstance(found, Typed) and (found.type == "time") == (type_ == "times"):
            numbers.append(found)
        else:
            wrong.append(i)
    if wrong:
        return Block(Report(len(table), 0, not_numbers=tuple(wrong)))
    wanted: list[Type | None] = [t for t, kind in zip(plan.wanted, plan.types, strict=True) if kind == "texts"]
    return packed(len(table), 0, [n.values for n in numbers], texts, wanted)
