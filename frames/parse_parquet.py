"""Parquet files -> blocks of columns, row group by row group."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from frames.build import Typed, typed
from frames.chunk import Chunk
from frames.dictionary import NO_VALUE, Dictionary, clean
from frames.errors import FrameError
from frames.parse_block import Block, Report, report_texts
from frames.parse_guess import Setup
from frames.parse_source import Source

_BYTES = 32 * 2**20


class Groups(NamedTuple):
    """Row groups of a Parquet file that one task reads; `size` is their uncompressed size in bytes."""

    source: Source
    groups: tuple[int, ...]
    size: int


def setup_of(source: Source) -> Setup:
    """Return the columns of a Parquet file; nested columns are refused with a FrameError."""
    with _file(source) as file:
        schema = file.schema_arrow
    for field in schema:
        if pa.types.is_nested(field.type):
            raise FrameError(f"Columns must be flat; column '{field.name}' of {source.url} is {field.type}.")
    width = len(schema)
    texts = frozenset(i for i, field in enumerate(schema) if _is_text(field.type))
    return Setup(",", None, tuple(schema.names), texts, {}, tuple(range(width)), (frozenset(),) * width)


def _is_text(type_: Any) -> bool:
    if pa.types.is_dictionary(type_):
        return True
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


@contextmanager
def _file(source: Source) -> Iterator[pq.ParquetFile]:
    with source.open() as stream:
        try:
            file = pq.ParquetFile(stream)
        except (pa.ArrowInvalid, OSError) as error:
            raise FrameError(f"The Parquet file {source.url} must be readable; got: {error}") from error
        with file:
            yield file


def plan(source: Source) -> list[Groups]:
    """Return the row groups of a file in packs of about 32 MiB."""
    with _file(source) as file:
        sizes = [file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)]
    packs: list[Groups] = []
    pack: list[int] = []
    for i, _ in enumerate(sizes):
        pack.append(i)
        total = sum(sizes[j] for j in pack)
        if total >= _BYTES or i == len(sizes) - 1:
            packs.append(Groups(source, tuple(pack), total))
            pack = []
    return packs or [Groups(source, (), 0)]


def read_groups(pack: Groups, setup: Setup, names: tuple[str, ...]) -> Block:
    """Read some row groups (a task); `names` are those that every file must have."""
    with _file(pack.source) as file:
        if tuple(file.schema_arrow.names) != names:
            problem = f"All files must have the same columns; {pack.source.url} has {file.schema_arrow.names[:10]}."
            return Block(Report(0, pack.size, problem=problem))
        table = file.read_row_groups(list(pack.groups))
    numbers: list[Typed] = []
    wrong: list[int] = []
    texts: list[Dictionary] = []
    for i in setup.kept:
        column = table.column(i)
        if i in setup.texts:
            texts.append(_dictionary(column, setup.missing[i]))
            continue
        found = _numbers(column)
        if found is None:
            wrong.append(i)
        else:
            numbers.append(found)
    if wrong:
        return Block(Report(table.num_rows, pack.size, not_numbers=tuple(wrong)))
    chunk = (
        Chunk.pack([n.values for n in numbers], [n.type for n in numbers], [None] * len(numbers)) if numbers else None
    )
    reports = report_texts(texts, [setup.forced.get(i) for i in setup.kept if i in setup.texts])
    summaries = chunk.summaries if chunk else ()
    return Block(Report(table.num_rows, pack.size, summaries=summaries, texts=reports), chunk, tuple(texts))


def _dictionary(column: pa.ChunkedArray, missing: frozenset[str]) -> Dictionary:
    if not pa.types.is_dictionary(column.type) and not _is_text(column.type):
        column = column.cast(pa.string())
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.string())
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    levels = [None if level is None else str(level) for level in whole.dictionary.to_pylist()]
    return clean(levels, codes, NO_VALUE | missing)


def _numbers(column: pa.ChunkedArray) -> Typed | None:
    """A column that is no text: numbers, bool, decimals, dates and times; None for what else Arrow has."""
    type_ = column.type
    if pa.types.is_null(type_):
        return Typed(np.full(len(column), np.nan), "real")
    if pa.types.is_decimal(type_):
        column = column.cast(pa.float64())
    elif pa.types.is_date(type_):
        column = column.cast(pa.timestamp("ms"))
    elif not (
        pa.types.is_integer(type_)
        or pa.types.is_floating(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_timestamp(type_)
    ):
        return None
    if pa.types.is_timestamp(column.type):
        return _times(column)
    if pa.types.is_integer(column.type) and column.null_count:
        return _integers_with_gaps(column)
    if column.null_count:
        values = column.cast(pa.float64()).to_numpy()
        return Typed(values, "real")
    return typed(column.to_numpy())


def _times(column: pa.ChunkedArray) -> Typed:
    stamps = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64())
    values = np.floor(stamps.cast(pa.float64(), safe=False).to_numpy() / 1000.0)
    return Typed(values, "time")


def _integers_with_gaps(column: pa.ChunkedArray) -> Typed:
    filled = column.fill_null(0).to_numpy()
    absent = column.is_null().to_numpy()
    if len(filled) and max(abs(int(filled.min())), abs(int(filled.max()))) > 2**53:
        return Typed(np.where(absent, np.int64(-(2**63)), filled.astype(np.int64)), "int")
    return Typed(np.where(absent, np.nan, filled.astype(np.float64)), "int")


def times_of(source: Source) -> frozenset[int]:
    """Return the positions of columns that the file declares to be dates or times."""
    with _file(source) as file:
        schema = file.schema_arrow
    return frozenset(
        i for i, field in enumerate(schema) if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type)
    )
