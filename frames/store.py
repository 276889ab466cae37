"""Frames -> files: h2o.export_file. (D)"""

import csv
import gzip
import io
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Future
from fsspec.core import url_to_fs

from frames import session
from frames.chunk import Chunk
from frames.column import Column
from frames.errors import FileExists, FileMissing, H2OTypeError, H2OValueError
from frames.summary import MISSING_INTEGER
from frames.tasks import columns_at, submit

if TYPE_CHECKING:
    from frames.frame import H2OFrame

_FORMATS = ("csv", "parquet")
_AHEAD = 2
"""Partitions that are written out as text beyond those that all threads are busy with."""


def export_file(
    frame: "H2OFrame",
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
) -> None:
    """Write a frame to a file, or with `parts` other than 1 to a folder of files; also to any URL fsspec writes.

    force        replace an existing file; without it that is an error
    sep          one character, CSV only
    compression  CSV: None or "gzip" (also by the ending .gz); Parquet: "snappy" (default), "gzip", "zstd", "none"
    parts        1: one file. More, or -1 for one per partition: `part-00000.csv`, ... in the folder `path`
    header, quote_header   whether names come first, and whether in quotes
    format       "csv" or "parquet"; default by the ending of the path, csv for others
    parallel, write_checksum   accepted for H2O's sake; parts are always made in parallel, checksums are part of Parquet

    Texts and levels are quoted, missing values empty, times written as 2007-11-06 00:00:00.000, and reals with as many
    digits as give them back exactly. A local file appears under its name only when it is complete.

    Raises FileExists, FileMissing for a folder that does not exist, H2OValueError and H2OTypeError for bad arguments.
    """
    path = _checked(frame, path, sep, parts, [force, header, quote_header, parallel, write_checksum])
    format = _format(path, format)
    compression = _compression(path, format, compression)
    partitions = _partitions(frame)
    groups = [partitions] if parts == 1 else _split(partitions, parts)
    _must_be_free(path, force, folder=parts != 1)
    columns = tuple(frame.schema.columns)
    for number, group in enumerate(groups):
        name = path if parts == 1 else f"{path.rstrip('/')}/part-{number:05d}.{_ending(format, compression)}"
        with _written(name) as file:
            if format == "parquet":
                _write_parquet(file, group, columns, compression)
            else:
                _write_csv(file, group, columns, sep, header, quote_header, compression)


def _checked(frame: Any, path: Any, sep: Any, parts: Any, flags: list[Any]) -> str:
    from frames.frame import H2OFrame

    if not isinstance(frame, H2OFrame):
        raise H2OTypeError(f"frame must be an H2OFrame; got {type(frame).__name__}.")
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise H2OTypeError(f"path must be a path or a URL; got {path!r}.")
    if not isinstance(sep, str) or len(sep) != 1 or sep in '"\r\n':
        raise H2OValueError(f"sep must be one character, no quote or line end; got {sep!r}.")
    if not isinstance(parts, int) or isinstance(parts, bool) or (parts < 1 and parts != -1):
        raise H2OValueError(f"parts must be -1 or at least 1; got {parts!r}.")
    for flag in flags:
        if not isinstance(flag, bool):
            raise H2OTypeError(
                f"force, header, quote_header, parallel and write_checksum must be True or False; got {flag!r}."
            )
    path = os.fspath(path)
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def _format(path: str, format: str | None) -> str:
    if format is None:
        return "parquet" if path.lower().endswith((".parquet", ".pq")) else "csv"
    if format not in _FORMATS:
        raise H2OValueError(f"format must be one of {', '.join(_FORMATS)}; got {format!r}.")
    return format


def _compression(path: str, format: str, compression: str | None) -> str:
    allowed = {"csv": ("none", "gzip"), "parquet": ("snappy", "gzip", "zstd", "none")}[format]
    if compression is None:
        by_default = "gzip" if path.lower().endswith(".gz") else "none"
        return by_default if format == "csv" else "snappy"
    if not isinstance(compression, str) or compression.lower() not in allowed:
        raise H2OValueError(f"compression of a {format} file must be one of {', '.join(allowed)}; got {compression!r}.")
    return compression.lower()


def _ending(format: str, compression: str) -> str:
    return "csv.gz" if format == "csv" and compression == "gzip" else format


def _partitions(frame: "H2OFrame") -> list[tuple[tuple[Future, ...], list[tuple[int, int]]]]:
    """Per partition: the chunks, and for each column which chunk and position."""
    placement = frame.placement()
    where = [placement.where[name] for name in frame.names]
    return [(part, where) for part in placement.parts]


def _split(partitions: list[Any], parts: int) -> list[list[Any]]:
    count = len(partitions) if parts == -1 else min(parts, len(partitions))
    cuts = [len(partitions) * i // count for i in range(count + 1)]
    return [partitions[cuts[i] : cuts[i + 1]] for i in range(count)]


def _must_be_free(path: str, force: bool, folder: bool) -> None:
    if "://" in path:
        filesystem, inner = url_to_fs(path)
        exists = filesystem.exists(inner)
    else:
        exists = os.path.exists(path)
        if os.path.isdir(path) and not folder:
            raise FileExists(f"path must name a file; {path} is a folder.")
        if not os.path.isdir(os.path.dirname(path)):
            raise FileMissing(f"File {path} cannot be written: the folder {os.path.dirname(path)} does not exist")
    if exists and not force:
        raise FileExists(f"File already exists: {path}. Pass force=True to replace it.")
    if folder and "://" not in path:
        os.makedirs(path, exist_ok=True)
        for name in os.listdir(path):
            if name.startswith("part-"):  # parts of an earlier export would be read along with the new ones
                os.remove(os.path.join(path, name))


@contextmanager
def _written(path: str) -> Iterator[BinaryIO]:
    """A file to write that takes its name when all is written, and leaves nothing behind when that fails."""
    if "://" in path:
        with fsspec.open(path, "wb") as file:
            yield file  # type: ignore[misc]
        return
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def _in_order(task: Callable, partitions: Sequence[Any], *shared: Any) -> Iterator[Any]:
    """The results of a task on each partition, in order; only a few are made ahead of the one that is asked for."""
    _, threads = session.threads()
    waiting: list[Future] = []
    for chunks, where in partitions:
        waiting.append(submit(task, where, *shared, *chunks))
        if len(waiting) > threads + _AHEAD:
            yield waiting.pop(0).result()
    while waiting:
        yield waiting.pop(0).result()


def _write_csv(
    file: BinaryIO,
    partitions: Sequence[Any],
    columns: tuple[Column, ...],
    sep: str,
    header: bool,
    quote_header: bool,
    compression: str,
) -> None:
    target = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if compression == "gzip" else file
    if header:
        line = io.StringIO()
        quoting = csv.QUOTE_ALL if quote_header else csv.QUOTE_MINIMAL
        csv.writer(line, delimiter=sep, quoting=quoting, lineterminator="\n").writerow([c.name for c in columns])
        target.write(line.getvalue().encode())
    for text in _in_order(csv_text, partitions, columns, sep):
        target.write(text)
    if target is not file:
        target.close()


def _write_parquet(file: BinaryIO, partitions: Sequence[Any], columns: tuple[Column, ...], compression: str) -> None:
    schema = pa.schema([(c.name, _arrow_type(c)) for c in columns])
    with pq.ParquetWriter(file, schema, compression=compression) as writer:
        for table in _in_order(arrow_table, partitions, columns):
            writer.write_table(table)


def csv_text(where: Sequence[tuple[int, int]], columns: tuple[Column, ...], sep: str, *chunks: Chunk) -> bytes:
    """Return the rows of a partition as CSV (a task)."""
    fields = [_fields(values, c) for values, c in zip(columns_at(where, chunks), columns, strict=True)]
    # Lines of several fields cannot be blank; a blank line of one field would be skipped when it is read again.
    text = "".join([sep.join(row) + "\n" for row in zip(*fields, strict=True)])
    return text.encode("utf-8", "surrogatepass")


def _fields(values: np.ndarray, column: Column) -> list[str]:
    """A column as fields of CSV: missing ones empty, texts quoted, reals in the shortest form that gives them back."""
    if column.type == "enum":
        return np.array([*map(_quoted, column.domain or ()), ""], object)[values].tolist()
    if column.type in ("string", "uuid"):
        return ["" if value is None else _quoted(value) for value in values.tolist()]
    if column.type == "time":
        stamps = _stamps(values)
        texts = np.where(np.isnat(stamps), "", np.char.replace(np.datetime_as_string(stamps, "ms"), "T", " "))
        return texts.tolist()
    if values.dtype == np.int64:
        return ["" if value == MISSING_INTEGER else str(value) for value in values.tolist()]
    if column.type == "int":
        return ["" if value != value else _whole(value) for value in values.tolist()]
    return ["" if value != value else repr(value) for value in values.tolist()]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _whole(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _stamps(values: np.ndarray) -> np.ndarray:
    gaps = np.isnan(values)
    stamps = np.where(gaps, 0, values).astype(np.int64).astype("M8[ms]")
    stamps[gaps] = np.datetime64("NaT")
    return stamps


def _arrow_type(column: Column) -> Any:
    if column.type == "enum":
        return pa.dictionary(pa.int32(), pa.string())
    return {"int": pa.int64(), "real": pa.float64(), "time": pa.timestamp("ms")}.get(column.type, pa.string())


def arrow_table(where: Sequence[tuple[int, int]], columns: tuple[Column, ...], *chunks: Chunk) -> pa.Table:
    """Return the rows of a partition as an Arrow table (a task)."""
    arrays = [_arrow(values, column) for values, column in zip(columns_at(where, chunks), columns, strict=True)]
    return pa.table(arrays, schema=pa.schema([(c.name, _arrow_type(c)) for c in columns]))


def _arrow(values: np.ndarray, column: Column) -> Any:
    if column.type == "enum":
        codes = pa.array(values, pa.int32(), mask=values < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(column.domain or (), pa.string()))
    if column.type == "time":
        return pa.array(_stamps(values))
    if column.type == "int":
        missing = np.isnan(values) if values.dtype.kind == "f" else values == -(2**63)
        return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    if column.type == "real":
        return pa.array(values, pa.float64(), mask=np.isnan(values))
    return pa.array(values.tolist(), pa.string())
