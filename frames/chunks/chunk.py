"""A block of rows, compressed column by column without loss."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from frames.chunks.checks import check
from frames.chunks.column import TEXTS, Type
from frames.chunks.summary import (
    MISSING_INTEGER,
    Summary,
    summarise,
    summarise_integers,
    summarise_levels,
    summarise_text,
)
from frames.codecs.base import Codec, Terms
from frames.codecs.buffers import Stored, by_column, ride_along, store, take
from frames.codecs.choose import choose_bytes, choose_levels, choose_numbers, choose_text, from_config
from frames.codecs.outside import Outside, parked
from frames.exceptions import FrameError, H2OTypeError, H2OValueError

_MAGIC = b"rowchunk"
_VERSION = 1
_TILE = 1 << 19
"""Values per tile of columns that are summarised together (4 MiB of float64)."""


class NumericBlock(NamedTuple):
    """Columns of one narrow dtype as a reader of rows wants them.

    data     (rows, k) C-contiguous: uint8, uint16, int32, int64, float32 or float64
    slots    (k,) intp: which of the asked positions each column of `data` is
    scale, bias  (k,) float64: value = code * scale + bias
    missing  (k,) int64: the code that means missing; -2**63 where there is none. In float data NaN means missing;
             in int64 data -2**63 means missing.
    """

    data: np.ndarray
    slots: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    missing: np.ndarray


class Chunk:
    """Some rows of some columns, compressed and immutable.

    >>> chunk = Chunk.pack([np.array([1.5, np.nan]), np.array([0, 1], np.int32)], ["real", "enum"], [None, 2])
    >>> chunk.rows, chunk.types, chunk.values(0), chunk.values(1)
    (2, ('real', 'enum'), array([1.5, nan]), array([0, 1], dtype=int32))
    """

    __slots__ = ("__weakref__", "_stored", "_where", "codecs", "rows", "summaries", "types")

    def __init__(
        self,
        rows: int,
        types: tuple[Type, ...],
        codecs: tuple[Codec, ...],
        summaries: tuple[Summary, ...],
        stored: tuple[Stored, ...],
    ) -> None:
        self.rows = rows
        self.types = types
        self.codecs = codecs
        self.summaries = summaries
        self._stored = stored
        self._where = {column: (b, slot) for b, s in enumerate(stored) for slot, column in enumerate(s.columns)}

    def __reduce__(self):
        # Buffers stay ndarrays: pickle protocol 5 then carries them out of band, without a copy.
        return Chunk, (self.rows, self.types, self.codecs, self.summaries, self._stored)

    def __repr__(self) -> str:
        return f"<Chunk of {self.rows} rows x {len(self.types)} columns in {self.nbytes} bytes>"

    def __len__(self) -> int:
        return self.rows

    def __sizeof__(self) -> int:
        # Dask asks for this on every worker, and counts and spills chunks at their compressed size.
        return 1000 + 250 * len(self.types) + sum(s.held_bytes for s in self._stored)

    @property
    def nbytes(self) -> int:
        """Bytes of the compressed buffers, in memory or outside."""
        return sum(s.buffer.nbytes for s in self._stored)

    @staticmethod
    def pack(columns: Sequence[np.ndarray], types: Sequence[Type], levels: Sequence[int | None]) -> "Chunk":
        """Return the chunk of some columns of equal length, with a summary of each.

        columns  real, int, time: float64 with NaN for missing, or any integer or bool array (in int64 -2**63 is
                 missing); enum: int32 codes, -1 missing; string, uuid: object array of str, None missing
        levels   number of levels of each enum column, None for the others

        Raises H2OValueError or H2OTypeError where an array does not suit its type.
        """
        columns = [np.asarray(column) for column in columns]
        rows = check(columns, types, levels)
        summaries = _summaries(columns, types, levels)
        coded = [
            _choose(column, type_, count, summary)
            for column, type_, count, summary in zip(columns, types, levels, summaries, strict=True)
        ]
        ride_along(coded)
        return Chunk(
            rows, tuple(types), tuple(codec for codec, _ in coded), tuple(summaries), tuple(store(coded, rows))
        )

    @staticmethod
    def pack_bytes(
        rows: int, block: np.ndarray, summaries: Mapping[int, Summary], others: Mapping[int, np.ndarray]
    ) -> "Chunk":
        """Return the chunk of columns of reals of which some are bytes and lie row by row already, as the chunk wants.

        block      (rows, k) uint8, row-major: columns of integers from 0 to 255, none missing, in ascending position
        summaries  of these columns by position, and of columns with one such value throughout, which `block` leaves out
        others     all other columns by position, as `pack` takes them

        What it says is that of `pack` for the same columns; it only saves to take the block apart and build it again.
        Raises H2OValueError where positions are missing or the block does not suit the summaries.
        """
        width = len(summaries) + len(others)
        varying = [i for i in sorted(summaries) if summaries[i].minimum < summaries[i].maximum]
        if block.shape != (rows, len(varying)) or {*summaries, *others} != set(range(width)):
            raise H2OValueError(
                f"A block must have a column for each of {len(varying)} positions and {rows} rows; got {block.shape}, "
                f"and {width} positions must be 0 to {width - 1}."
            )
        rest = sorted(others)
        reals: list[Type] = ["real"] * len(rest)
        columns = [np.asarray(others[i]) for i in rest]
        check(columns, reals, [None] * len(rest))
        found = {**summaries, **dict(zip(rest, _summaries(columns, reals, [None] * len(rest)), strict=True))}
        chosen = {i: choose_bytes(block[:, k], summaries[i]) for k, i in enumerate(varying)}
        chosen |= {i: choose_bytes(block[:, :0], summaries[i]) for i in summaries if i not in chosen}
        chosen |= {i: choose_numbers(column, found[i]) for i, column in zip(rest, columns, strict=True)}
        coded = [chosen[i] for i in range(width)]
        ride_along(coded)
        stored = store(coded, rows, block)
        return Chunk(
            rows, ("real",) * width, tuple(c for c, _ in coded), tuple(found[i] for i in range(width)), tuple(stored)
        )

    def values(self, position: int) -> np.ndarray:
        """Return one decoded column: float64 with NaN for missing; int64 (-2**63 missing) where an int column goes
        beyond 2**53; int32 codes with -1 for enum; an object array with None for strings.

        To decode several columns call `columns`, which decompresses each block once.
        """
        return self.columns([position])[0]

    def columns(self, positions: Sequence[int] | None = None) -> list[np.ndarray]:
        """Return decoded columns, as `values` does, in the order of `positions` (all columns without)."""
        positions = range(len(self.types)) if positions is None else positions
        places = [self._where.get(position, (-1, 0)) for position in positions]
        wanted: dict[int, set[int]] = {}
        for b, slot in places:
            wanted.setdefault(b, set()).add(slot)
        codes = {b: self._codes(b, sorted(slots)) for b, slots in wanted.items()}
        return [
            self.codecs[position].decode(codes[b][slot], self.rows)
            for position, (b, slot) in zip(positions, places, strict=True)
        ]

    def _codes(self, b: int, slots: list[int]) -> dict[int, np.ndarray]:
        """Return the codes of some columns of a buffer; of columns without one (-1) there are none."""
        if b < 0:
            return {0: np.empty(0, np.uint8)}
        opened = self._stored[b].open(self.rows)
        if self._stored[b].layout == "payload":
            return {0: opened}
        return dict(zip(slots, by_column(take(opened, slots)), strict=True))

    def numeric_blocks(self, positions: Sequence[int]) -> list[NumericBlock]:
        """Return the codes of the columns at `positions` in their narrow dtypes, row-major, one block per dtype stored.

        Enum columns are given by their codes. Raises H2OTypeError for string and uuid columns.
        """
        wanted: dict[int, list[tuple[int, int]]] = {}
        loose: dict[np.dtype, list[tuple[int, np.ndarray]]] = {}
        for slot, position in enumerate(positions):
            codec = self.codecs[position]
            if codec.terms is None:
                raise H2OTypeError(f"Numeric blocks need number or enum columns; column {position} has type string.")
            b, column = self._where.get(position, (-1, 0))
            if b >= 0 and self._stored[b].layout != "payload":
                wanted.setdefault(b, []).append((slot, column))
                continue
            codes = codec.codes(self._stored[b].open(self.rows) if b >= 0 else np.empty(0, np.uint8), self.rows)
            loose.setdefault(codes.dtype, []).append((slot, codes))
        blocks = [
            self._numeric(take(self._stored[b].open(self.rows), [c for _, c in p]), [s for s, _ in p], positions)
            for b, p in wanted.items()
        ]
        for codes in loose.values():
            data = np.stack([c for _, c in codes], axis=1)
            blocks.append(self._numeric(data, [s for s, _ in codes], positions))
        return blocks

    def _numeric(self, data: np.ndarray, slots: list[int], positions: Sequence[int]) -> NumericBlock:
        terms: list[Terms] = [self.codecs[positions[slot]].terms or Terms() for slot in slots]
        return NumericBlock(
            np.ascontiguousarray(data),
            np.array(slots, np.intp),
            np.array([t.scale for t in terms]),
            np.array([t.bias for t in terms]),
            np.array([t.missing for t in terms], np.int64),
        )

    def to_bytes(self) -> bytes:
        """Return the chunk as bytes of a format that later versions go on reading: magic, header length, JSON header,
        buffers."""
        buffers = [stored.load() for stored in self._stored]
        header = {
            "version": _VERSION,
            "rows": self.rows,
            "types": self.types,
            "codecs": [codec.config() for codec in self.codecs],
            "summaries": [_summary_to_json(s) for s in self.summaries],
            "stored": [
                [*s[:-1], own.nbytes, zlib.crc32(own.data)] for s, own in zip(self._stored, buffers, strict=True)
            ],
        }
        head = json.dumps(header).encode()
        parts = [_MAGIC, len(head).to_bytes(8, "little"), head, *(own.tobytes() for own in buffers)]
        return b"".join(parts)

    @staticmethod
    def from_bytes(data: bytes) -> "Chunk":
        """Return the chunk that `to_bytes` wrote; raises FrameError for other, cut or damaged bytes."""
        header, start = _header(data)
        buffers: list[np.ndarray | Outside] = []
        for *_, size, checksum in header["stored"]:
            buffer = np.frombuffer(
                data, np.uint8, count=min(size, max(len(data) - start, 0)), offset=min(start, len(data))
            )
            if len(buffer) != size or zlib.crc32(buffer.data) != checksum:
                raise FrameError(f"A chunk must be whole; bytes {start} to {start + size} are cut or damaged.")
            buffers.append(buffer)
            start += size
        return _of_header(header, buffers)

    PREFIX = len(_MAGIC) + 8  # bytes that say how long the header is

    @staticmethod
    def start_of_buffers(data: bytes) -> int:
        """Return where the buffers begin in what `to_bytes` made; `data` is its first PREFIX bytes, or more."""
        return Chunk.PREFIX + int.from_bytes(data[len(_MAGIC) : Chunk.PREFIX], "little")

    @staticmethod
    def in_file(file: BinaryIO, outside: Callable[[int, int, int], Outside]) -> "Chunk":
        """Return the chunk that `to_bytes` wrote into a file, open here; its buffers stay there until they are used.

        `outside(at, nbytes, checksum)` gives what reads one of them.

        Raises FrameError where the file's beginning is not that of a chunk.
        """
        beginning = file.read(len(_MAGIC) + 8)
        header, start = _header(beginning + file.read(int.from_bytes(beginning[len(_MAGIC) :], "little")))
        buffers: list[np.ndarray | Outside] = []
        for *_, size, checksum in header["stored"]:
            buffers.append(outside(start, size, checksum))
            start += size
        return _of_header(header, buffers)

    def parked(self) -> "Chunk":
        """Return the chunk with its buffers in files of this process, where it has a folder for them."""
        stored = tuple(s._replace(buffer=parked(s.load())) for s in self._stored)
        return Chunk(self.rows, self.types, self.codecs, self.summaries, stored)


def _of_header(header: dict[str, Any], buffers: Sequence[np.ndarray | Outside]) -> Chunk:
    stored = [
        Stored(layout, dtype, tuple(columns), compressed=compressed, raw_bytes=raw_bytes, buffer=buffer)
        for (layout, dtype, columns, compressed, raw_bytes, *_), buffer in zip(header["stored"], buffers, strict=True)
    ]
    return Chunk(
        header["rows"],
        tuple(header["types"]),
        tuple(from_config(config) for config in header["codecs"]),
        tuple(_summary_from_json(s) for s in header["summaries"]),
        tuple(stored),
    )


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    start = len(_MAGIC) + 8
    if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
        raise FrameError(f"A chunk must start with {_MAGIC!r}; got {bytes(data[:8])!r}.")
    end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    try:
        header = json.loads(bytes(data[start:end]))
    except ValueError as error:
        raise FrameError(f"The header of a chunk must be JSON of {end - start} bytes; it is cut or damaged.") from error
    if header["version"] > _VERSION:
        raise FrameError(
            f"A chunk must be of version {_VERSION} or older; got {header['version']}. Update the package."
        )
    return header, end


def _summary_to_json(summary: Summary) -> list[Any]:
    return [*summary[:-1], None if summary.counts is None else summary.counts.tolist()]


def _summary_from_json(fields: list[Any]) -> Summary:
    counts = None if fields[-1] is None else np.array(fields[-1], np.int64)
    return Summary._make([*fields[:-1], counts])


def _is_long(column: np.ndarray) -> bool:
    """Whether a column of integers goes beyond what float64 holds exactly."""
    if column.dtype.kind not in "iu" or column.dtype.itemsize < 8 or not len(column):
        return False
    low, high = int(column.min()), int(column.max())
    if low == MISSING_INTEGER:
        present = column[column != MISSING_INTEGER]
        low, high = (int(present.min()), int(present.max())) if len(present) else (0, 0)
    return max(-low, high) > 2**53


def _prepared(column: np.ndarray) -> np.ndarray:
    """Return a column of numbers in a dtype that codecs know; -2**63 becomes NaN where float64 can hold the rest."""
    if not len(column):
        return np.empty(0)  # no integer says how wide a column without rows is
    if column.dtype == bool:
        return column.view(np.uint8)
    if column.dtype.kind == "f" or not len(column):
        return column.astype(np.float64, copy=False)
    if column.dtype == np.int64 and len(column) and column.min() == MISSING_INTEGER and not _is_long(column):
        values = column.astype(np.float64)
        values[column == MISSING_INTEGER] = np.nan
        return values
    return column


def _summaries(columns: list[np.ndarray], types: Sequence[Type], levels: Sequence[int | None]) -> list[Summary]:
    """One summary per column; columns of numbers are prepared in place of the list and summarised in tiles."""
    summaries: list[Summary | None] = [None] * len(columns)
    tiles: dict[np.dtype, list[int]] = {}
    for i, (column, type_, count) in enumerate(zip(columns, types, levels, strict=True)):
        if type_ == "enum":
            summaries[i] = summarise_levels(column, count or 0)
        elif type_ in TEXTS:
            columns[i] = _missing_as_none(column)
            summaries[i] = summarise_text(len(column), sum(v is None for v in columns[i].tolist()))
        elif _is_long(column):
            summaries[i] = summarise_integers(column)
        else:
            columns[i] = _prepared(column)
            tiles.setdefault(columns[i].dtype, []).append(i)
    for dtype, members in tiles.items():
        width = max(1, _TILE // max(1, len(columns[members[0]])))
        for start in range(0, len(members), width):
            some = members[start : start + width]
            tile = np.stack([columns[i] for i in some]).astype(np.float64, copy=False)
            for i, summary in zip(some, summarise(tile, integer=dtype.kind != "f"), strict=True):
                summaries[i] = summary
    return summaries  # type: ignore[return-value]


def _missing_as_none(column: np.ndarray) -> np.ndarray:
    """NaN in a column of strings is missing too; strings of NumPy become plain ones."""
    values = column.tolist()
    if all(value is None or type(value) is str for value in values):
        return column
    clean = np.empty(len(values), object)
    clean[:] = [None if isinstance(v, float) and v != v else str(v) if isinstance(v, str) else v for v in values]
    return clean


def _choose(column: np.ndarray, type_: Type, levels: int | None, summary: Summary) -> tuple[Codec, np.ndarray]:
    if type_ == "enum":
        return choose_levels(column, summary, levels or 0)
    if type_ in TEXTS:
        return choose_text(column)
    return choose_numbers(column, summary)
