"""Parquet files -> blocks of columns, row group by row group."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from frames.chunks.column import Type
from frames.columns.arrow import TYPE_KEY, is_number, is_time, must_be_flat, read_arrow
from frames.columns.block import Block, Report, packed
from frames.columns.dictionary import Dictionary
from frames.columns.typed import Typed, as_texts, without
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.parse.guess import Setup
from frames.parse.source import Source

MOST_BYTES, LEAST_BYTES = 32 * 2**20, 4 * 2**20
"""Bytes of a block where there is memory enough, and where there is little."""

SHARE = 1 / 4
"""Of what a task may use: a block is held as Arrow columns, as NumPy arrays and as what they are packed to."""

_BUFFER = 2**18
"""Bytes of a column that are read ahead where a row group is read in parts."""

_TOGETHER = 4 * 2**20
"""Bytes of the columns that are read together (all of 500,000 rows x 20 at once: 154 MB, one by one 20 MB measured)."""

_WIDTHS = {"BOOLEAN": 4, "INT32": 4, "FLOAT": 8, "BYTE_ARRAY": 12}
"""Bytes of a value once it is read, where they are not 8: floats become doubles, a text has a code and letters."""


class RowGroups(NamedTuple):
    """Row groups of a Parquet file that one task reads; `size` is their uncompressed size in bytes.

    Of a row group that is too large for one task `rows` tells the part: from which row to which.
    """

    source: Source
    groups: tuple[int, ...]
    size: int
    rows: tuple[int, int] | None = None


def setup_of(source: Source) -> Setup:
    """Return the columns of a Parquet file; nested columns and durations are refused with a FrameError."""
    with _file(source) as file:
        schema = file.schema_arrow
    for field in schema:
        try:
            must_be_flat(field.type)
        except H2OTypeError as error:
            raise FrameError(f"Column '{field.name}' of {source.url} cannot be read. {error}") from error
    width = len(schema)
    texts = frozenset(i for i, field in enumerate(schema) if not (is_number(field.type) or is_time(field.type)))
    doubles = frozenset(i for i, field in enumerate(schema) if pa.types.is_floating(field.type))
    own: dict[int, Type] = {i: told for i, field in enumerate(schema) if (told := _told_type(field)) is not None}
    return Setup(
        sep=",",
        header=None,
        names=tuple(schema.names),
        texts=texts,
        forced=own,
        kept=tuple(range(width)),
        missing=(frozenset(),) * width,
        doubles=doubles,
    )


def _told_type(field: Any) -> Type | None:
    """Return the type of the column that was exported to this field; None where something else wrote it."""
    told: bytes = (field.metadata or {}).get(TYPE_KEY, b"")
    kinds: list[tuple[bool, dict[bytes, Type]]] = [
        (is_number(field.type), {b"int": "int", b"real": "real"}),
        (pa.types.is_string(field.type), {b"string": "string", b"uuid": "uuid"}),
        (pa.types.is_dictionary(field.type), {b"enum": "enum"}),
    ]
    return next((types[told] for suits, types in kinds if suits and told in types), None)


def _stream(source: Source) -> Any:
    """Open a file for Arrow, which reads a local one in a third of the time: each read of Python's takes new memory."""
    if source.is_local and source.compression is None:
        source.require_same()
        return pa.OSFile(source.url)
    return source.open()


@contextmanager
def _file(source: Source, buffer: int = 0) -> Iterator[pq.ParquetFile]:
    with _stream(source) as stream:
        try:
            # Pre-buffering takes whole columns of a row group, however few rows are wanted (40 MB for each of 5,000,000
            # doubles, measured); for whole row groups it spares a file far away many requests.
            file = pq.ParquetFile(stream, buffer_size=buffer, pre_buffer=not buffer)
        except (pa.ArrowInvalid, OSError) as error:
            raise FrameError(f"The Parquet file {source.url} must be readable; got: {error}") from error
        with file:
            yield file
    source.require_same()


def plan(source: Source, block: int) -> list[RowGroups]:
    """Return the row groups of a file in packs of about `block` bytes of values; much larger ones are cut.

    Who reads a part of a row group decodes what lies before it, too, and forgets it.
    """
    with _file(source) as file:
        about = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        # In the file a value may be a few bits that stand for it in a dictionary: a hundredth of what it is here.
        width = sum(_WIDTHS.get(file.schema.column(k).physical_type, 8) for k in range(len(file.schema)))
        groups = [(one.total_byte_size, max(one.total_byte_size, one.num_rows * width), one.num_rows) for one in about]
    packs: list[RowGroups] = []
    pack: list[int] = []
    for i, (size, weight, rows) in enumerate(groups):
        if weight > 2 * block and rows > 1:
            if pack:
                packs.append(RowGroups(source, tuple(pack), sum(groups[j][0] for j in pack)))
                pack = []
            parts = min(rows, -(-weight // block))
            cuts = [rows * k // parts for k in range(parts + 1)]
            packs += [RowGroups(source, (i,), size // parts, pair) for pair in pairwise(cuts)]
            continue
        pack.append(i)
        if sum(groups[j][1] for j in pack) >= block or i == len(groups) - 1:
            packs.append(RowGroups(source, tuple(pack), sum(groups[j][0] for j in pack)))
            pack = []
    return packs or [RowGroups(source, (), 0)]


def _part(file: pq.ParquetFile, group: int, first: int, last: int, columns: list[str]) -> pa.Table:
    """Return rows [first, last) of a row group; no more than twice as many are held at a time."""
    pieces, at = [], 0
    for batch in file.iter_batches(last - first, row_groups=[group], columns=columns):
        low, high = max(first - at, 0), min(last - at, batch.num_rows)
        if low < high:
            pieces.append(batch.slice(low, high - low))
        at += batch.num_rows
        if at >= last:
            break
    return pa.Table.from_batches(pieces)


def _together(file: pq.ParquetFile, groups: tuple[int, ...], kept: tuple[int, ...]) -> Iterator[list[int]]:
    """Yield the columns to be read a few at a time: of more than one about `_TOGETHER` bytes.

    Arrow holds a dictionary and some pages of every column that it reads, whatever part of the rows is wanted.
    """
    about = [file.metadata.row_group(group) for group in groups]
    some: list[int] = []
    total = 0
    for i in kept:
        size = sum(group.column(i).total_uncompressed_size for group in about)
        if some and total + size > _TOGETHER:
            yield some
            some, total = [], 0
        some.append(i)
        total += size
    if some:
        yield some


def _columns(file: pq.ParquetFile, pack: RowGroups, setup: Setup, names: tuple[str, ...]) -> Iterator[tuple[int, Any]]:
    """Yield (position, Arrow column) for the columns that are kept; who takes the next one should be done with this."""

    def read(columns: list[str]) -> pa.Table:
        if pack.rows is None:
            return file.read_row_groups(list(pack.groups), columns=columns)
        return _part(file, pack.groups[0], *pack.rows, columns)

    if len(set(names)) < len(names):  # columns are asked for by name: then all are read
        table = read(list(names))
        yield from ((i, table.column(i)) for i in setup.kept)
        return
    for some in _together(file, pack.groups, setup.kept):
        table = read([names[i] for i in some])
        for i in some:
            yield i, table.column(names[i])


def read_groups(pack: RowGroups, setup: Setup, names: tuple[str, ...]) -> Block:
    """Read some row groups (a task); `names` are those that every file must have."""
    try:
        return _block(pack, setup, names)
    finally:
        pa.default_memory_pool().release_unused()  # Arrow would keep the memory of the largest block (55 MB measured)


def _block(pack: RowGroups, setup: Setup, names: tuple[str, ...]) -> Block:
    numbers: list[Typed] = []
    texts: list[Dictionary] = []
    with _file(pack.source, _BUFFER if pack.rows else 0) as file:
        if tuple(file.schema_arrow.names) != names:
            problem = f"All files must have the same columns; {pack.source.url} has {file.schema_arrow.names[:10]}."
            return Block(Report(0, pack.size, problem=problem))
        for i, column in _columns(file, pack, setup, names):
            try:
                found = without(read_arrow(column), setup.missing[i])
            except (H2OTypeError, H2OValueError) as error:
                problem = f"Column '{names[i]}' of {pack.source.url} cannot be read. {error}"
                return Block(Report(0, pack.size, problem=problem))
            if i in setup.texts:
                texts.append(as_texts(found))
            else:
                assert isinstance(found, Typed)
                numbers.append(found)
        rows = _count(file, pack)
    return packed(rows, pack.size, [n.values for n in numbers], texts, setup.wanted)


def _count(file: pq.ParquetFile, pack: RowGroups) -> int:
    if pack.rows is not None:
        return pack.rows[1] - pack.rows[0]
    return sum(file.metadata.row_group(group).num_rows for group in pack.groups)


def times_of(source: Source) -> frozenset[int]:
    """Return the positions of columns that the file declares to be dates or times."""
    with _file(source) as file:
        schema = file.schema_arrow
    return frozenset(i for i, field in enumerate(schema) if is_time(field.type))
