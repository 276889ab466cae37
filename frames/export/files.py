"""Frames -> files: h2o.export_file. (D)"""

import bz2
import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import pyarrow.parquet as pq
from distributed import Future

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.cluster.sending import client_of, gather, resident, submit, threads_of
from frames.cluster.tasks import columns_at
from frames.exceptions import H2OTypeError, H2OValueError
from frames.export.arrow_tables import arrow_schema, arrow_table
from frames.export.dask_face import beyond_64_bits
from frames.export.fields import csv_rows, header_line
from frames.export.landing import Landing
from frames.table.table import Table
from frames.text import zones

_COMPRESSIONS = {"csv": ("none", "gzip", "bzip2"), "parquet": ("snappy", "gzip", "zstd", "none")}
_ENDINGS = {"gzip": ".gz", "bzip2": ".bz2"}
_AHEAD = 2
WRITTEN = "Writing a file"  # what the wait for a partition is for, in its error
"""Partitions that are written out as text beyond those that all threads are busy with."""


class FileLayout(NamedTuple):
    """How the files of an export look: `sep`, `header` and `quote_header` are for CSV."""

    format: str = "csv"
    compression: str = "none"
    sep: str = ","
    header: bool = True
    quote_header: bool = True

    @property
    def ending(self) -> str:
        """What the names of parts end with."""
        return f".{self.format}" + (_ENDINGS.get(self.compression, "") if self.format == "csv" else "")


def export_file(
    frame: Table,
    path: str | os.PathLike,
    force: bool = False,
    sep: str = ",",
    compression: str | None = None,
    parts: int = 1,
    header: bool = True,
    quote_header: bool = True,
    parallel: bool = False,
    format: str | None = None,
    write_checksum: bool = True,
    tz_adjust_from_local: bool = False,
) -> None:
    """Write a frame to a file, or with `parts` other than 1 to a folder of files; also to any URL fsspec writes.

    force        replace an existing file, or the parts of an earlier export; without it that is an error
    sep          one character, CSV only
    compression  CSV: "none", "gzip" or "bzip2", by default as the path ends (.gz, .bz2); Parquet: "snappy" (default),
                 "gzip", "zstd", "none"
    parts        1: one file. More, or -1 for one per partition: `part-00000.csv`, ... in the folder `path`, which must
                 be new, empty or, with `force`, hold nothing but parts
    header, quote_header   whether names come first, and whether in quotes
    format       "csv" or "parquet"; default by the ending of the path, csv for others
    parallel, write_checksum   accepted for H2O's sake; parts are always made in parallel, checksums are part of Parquet
    tz_adjust_from_local   must be False: times are written as they are

    Texts and levels are quoted, missing values empty, times written as 2007-11-06 00:00:00.000, and reals with as many
    digits as give them back exactly. Files appear under their names when all are complete, or not at all; what they
    replace stays until then.

    `import_file` reads back what was written: Parquet as it is, CSV with ``col_types=frame.types`` also where texts
    look like numbers or times.

    Raises FileExists, FileMissing for a folder that does not exist, H2OValueError and H2OTypeError for bad arguments.
    """
    flags = {
        "force": force, "header": header, "quote_header": quote_header, "parallel": parallel,
        "write_checksum": write_checksum, "tz_adjust_from_local": tz_adjust_from_local,
    }  # fmt: skip
    path = _checked(frame, path, sep, parts, flags)
    format = _format(path, format)
    layout = FileLayout(format, _compression(path, format, compression), sep, header, quote_header)
    partitions = _partitions(frame)
    with Landing(path, force, folder=parts != 1) as landing:
        if parts == 1:
            with landing.file() as file:
                _write(file, frame, partitions, layout)
            return
        for number, group in enumerate(_split(partitions, parts)):
            with landing.file(f"part-{number:05d}{layout.ending}") as file:
                _write(file, frame, group, layout)


def csv_text(table: Table) -> str:
    """Return a table as the text that `export_file` writes; what `get_frame_data` returns."""
    columns = tuple(table.schema.columns)
    pieces = _in_order(_csv_rows, _partitions(table), columns, ",", _zone_mark(), "none")
    text = b"".join(pieces).decode("utf-8", "surrogatepass")
    return header_line([c.name for c in columns], ",", quote=True) + text


def _checked(table: Any, path: Any, sep: Any, parts: Any, flags: dict[str, Any]) -> str:
    if not isinstance(table, Table):
        raise H2OTypeError(f"frame must be an H2OFrame; got {type(table).__name__}.")
    if not table.ncol:
        raise H2OValueError("frame must have a column to be exported; it has none.")
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise H2OTypeError(f"path must be a path or a URL; got {path!r}.")
    if not isinstance(sep, str) or len(sep) != 1 or sep in '"\r\n\0' or not sep.isascii():
        raise H2OValueError(f"sep must be one ASCII character, no quote, line end or zero byte; got {sep!r}.")
    if not isinstance(parts, int) or isinstance(parts, bool) or (parts < 1 and parts != -1):
        raise H2OValueError(f"parts must be -1 or at least 1; got {parts!r}.")
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise H2OTypeError(f"{name} must be True or False; got {flag!r}.")
    if flags["tz_adjust_from_local"]:
        raise H2OValueError(
            "tz_adjust_from_local must be False: times are moments, and are written in UTC. Shift the column before "
            "it is exported."
        )
    return os.fspath(path)


def _format(path: str, format: str | None) -> str:
    if format is None:
        return "parquet" if path.lower().endswith((".parquet", ".pq")) else "csv"
    if format not in _COMPRESSIONS:
        raise H2OValueError(f"format must be one of {', '.join(_COMPRESSIONS)}; got {format!r}.")
    return format


def _compression(path: str, format: str, compression: str | None) -> str:
    if compression is None:
        if format == "parquet":
            return "snappy"
        return next((name for name, ending in _ENDINGS.items() if path.lower().endswith(ending)), "none")
    allowed = _COMPRESSIONS[format]
    if not isinstance(compression, str) or compression.lower() not in allowed:
        raise H2OValueError(f"compression of a {format} file must be one of {', '.join(allowed)}; got {compression!r}.")
    return compression.lower()


def _partitions(table: Table) -> list[tuple[tuple[Future, ...], list[tuple[int, int]]]]:
    """Per partition: the chunks, and for each column which chunk and position."""
    placement = table.placement()
    where = [placement.where[name] for name in table.names]
    return [(part, where) for part in placement.parts]


def _split(partitions: list[Any], parts: int) -> list[list[Any]]:
    count = len(partitions) if parts == -1 else min(parts, len(partitions))
    cuts = [len(partitions) * i // count for i in range(count + 1)]
    return [partitions[cuts[i] : cuts[i + 1]] for i in range(count)]


def _in_order(task: Callable, partitions: Sequence[Any], *shared: Any) -> Iterator[Any]:
    """Return a task's results on each partition, in order; only a few are made ahead of the one asked for."""
    if not partitions:
        return
    client = client_of(*partitions[0][0])
    _, threads = threads_of(client)
    shared = tuple(resident(one, client) for one in shared)
    waiting: list[Future] = []
    for chunks, where in partitions:
        waiting.append(submit(task, where, *shared, *chunks))
        if len(waiting) > threads + _AHEAD:
            yield gather(waiting.pop(0), WRITTEN)
    while waiting:
        yield gather(waiting.pop(0), WRITTEN)


def _write(file: BinaryIO, table: Table, partitions: Sequence[Any], layout: FileLayout) -> None:
    columns = tuple(table.schema.columns)
    if layout.format == "parquet":
        _write_parquet(file, partitions, columns, beyond_64_bits(table), layout.compression)
        return
    if layout.header:
        line = header_line([c.name for c in columns], layout.sep, layout.quote_header)
        file.write(_compressed(line.encode("utf-8", "surrogatepass"), layout.compression))
    for text in _in_order(_csv_rows, partitions, columns, layout.sep, _zone_mark(), layout.compression):
        file.write(text)


def _zone_mark() -> str:
    """Return what follows a time, so that it is read again as the same moment; without it times are local ones."""
    return "" if zones.current() == zones.UTC else "Z"


def _csv_rows(
    where: Sequence[tuple[int, int]], columns: tuple[Column, ...], sep: str, mark: str, compression: str, *chunks: Chunk
) -> bytes:
    return _compressed(csv_rows(columns_at(where, chunks), columns, sep, mark), compression)


def _compressed(text: bytes, compression: str) -> bytes:
    """Compress to a whole stream: one after the other they are a file, so that each partition can make its own."""
    if compression == "gzip":
        return gzip.compress(text, compresslevel=6, mtime=0)
    return bz2.compress(text) if compression == "bzip2" else text


def _write_parquet(
    file: BinaryIO, partitions: Sequence[Any], columns: tuple[Column, ...], doubles: frozenset[str], compression: str
) -> None:
    schema = arrow_schema(columns, doubles)
    with pq.ParquetWriter(file, schema, compression=compression) as writer:
        for table in _in_order(arrow_table, partitions, columns, doubles):
            writer.write_table(table)
