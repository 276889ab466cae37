"""The files that a path stands for, and their bytes."""

import bz2
import glob
import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple
from urllib.parse import urlparse

import fsspec
from fsspec.core import url_to_fs

from frames.exceptions import FileChanged, FileMissing, FrameError, H2OTypeError, H2OValueError
from frames.parse.stamp import Stamp, stamp_of_local, stamp_of_remote

_MAGIC = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
_OLE = b"\xd0\xcf\x11\xe0"
"""What .xls files start with; .xlsx files are zip files."""
_BOOKS = frozenset({".xls", ".xlsx", ".xlsm"})
_FORMS = {".arff": "arff", ".svm": "svmlight", ".svmlight": "svmlight", ".libsvm": "svmlight"}
_FOREIGN = {".orc": "ORC", ".avro": "Avro"}
_PACKED = frozenset({".gz", ".zip", ".bz2", ".xz"})
_ENDINGS = frozenset({".csv", ".txt", ".tsv", ".data", ".parquet", *_PACKED, *_BOOKS, *_FORMS})
_HEAD = 256 * 1024
_LINES = 8
_MOST = 64 * 2**20
"""Bytes of a file that are looked at to guess its shape: so many, and more where they do not hold so many lines."""


class Head(NamedTuple):
    """The first bytes of a file, decompressed; `complete`: there are no others."""

    data: bytes
    complete: bool


class Source(NamedTuple):
    """One file: where it is, how many bytes it has (None: unknown), how it is compressed and what it holds.

    `form` is csv, parquet, arff, svmlight or excel. `ranges` tells whether any range of its bytes can be read without
    reading what comes before. One of several files in a zip file has that in `archive`, and its name there in `member`.
    Whoever reads a file that is not what its `stamp` says gets a FileChanged.
    """

    url: str
    size: int | None
    compression: str | None
    form: str
    ranges: bool
    archive: str | None = None
    member: str | None = None
    stamp: Stamp | None = None

    @property
    def is_local(self) -> bool:
        """Whether the file is on a local or mounted disk."""
        return _is_local(self.url)

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return os.path.basename(urlparse(self.url).path if not self.is_local else self.url)

    @property
    def stem(self) -> str:
        """The name without what tells its form (`.csv`, `.gz`, ...), as used for keys of frames."""
        stem = self.name if self.archive is None else os.path.basename(self.archive)
        while True:
            base, extension = os.path.splitext(stem)
            if not base or extension.lower() not in _ENDINGS:
                return stem
            stem = base

    def open(self) -> BinaryIO:
        """Open the file for reading from its start, decompressed.

        Raises FrameError where the archive is not readable.
        """
        if self.compression is None:
            return self._open_raw()
        if self.compression == "zip":
            return self._open_member()
        raw = self._open_raw()
        opener = {"gzip": gzip.GzipFile, "bz2": bz2.BZ2File, "xz": lzma.LZMAFile}[self.compression]
        return _Owning(opener(raw) if self.compression != "gzip" else gzip.GzipFile(fileobj=raw), raw)  # type: ignore

    def _open_raw(self) -> BinaryIO:
        url = self.archive or self.url
        self.require_same()
        if self.is_local:
            return open(url, "rb")
        return fsspec.open(url, "rb").open()  # type: ignore[return-value]

    def _open_member(self) -> BinaryIO:
        raw = self._open_raw()
        archive = _archive(raw, self.url)
        return _Owning(archive.open(self.member or _members(archive)[0]), raw)  # type: ignore[arg-type]

    def members(self) -> list["Source"]:
        """Return the files in a zip file, in its order; any other file is the only one. Hidden files are left out.

        Raises FrameError for a zip file of nothing.
        """
        if self.compression != "zip":
            return [self]
        with self._open_raw() as raw:
            found = _members(_archive(raw, self.url))
        if not found:
            raise FrameError(f"A zip file must hold a file; {self.url} holds none.")
        if len(found) == 1:
            return [self]
        return [
            self._replace(
                url=f"{self.url}/{one.filename}", size=one.file_size, archive=self.url, member=one.filename,
                form=_form(one.filename),
            )
            for one in found
        ]  # fmt: skip

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from start to stop (fewer at the end of the file); only where `ranges` holds."""
        self.require_same()
        if self.is_local:
            with open(self.url, "rb") as file:
                file.seek(start)
                found = file.read(stop - start)
            self.require_same()
            return found
        filesystem, path = url_to_fs(self.url)
        stop = min(stop, self.size or stop)
        return filesystem.cat_file(path, start, stop) if stop > start else b""

    def require_same(self) -> None:
        """Raise FileChanged where the file is another one than that which was looked at, or gone."""
        change = None if self.stamp is None else self.stamp.change(self.archive or self.url)
        if change is not None:
            raise FileChanged(
                f"A file must stay as it is while a frame is made from it; {self.archive or self.url} was changed: "
                f"{change}. Import it again."
            )

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the decompressed bytes in pieces of `size`; raises FrameError for a damaged archive."""
        try:
            with self.open() as stream:
                while piece := stream.read(size):
                    yield piece
            self.require_same()
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            if self.compression is None:
                raise
            raise FrameError(
                f"The {self.compression} file {self.url} must be readable to its end; got: {error}. Pack it again."
            ) from error

    def head(self, size: int) -> bytes:
        """Return the first decompressed bytes, `size` at most."""
        return next(self.blocks(size), b"")

    def sample(self) -> Head:
        """Return the first decompressed bytes: 256 KiB, or where lines are long as many as hold some of them."""
        data = b""
        for piece in self.blocks(_HEAD):
            data += piece
            if len(piece) < _HEAD:
                return Head(data, True)
            if len(data) >= _MOST or max(data.count(b"\n"), data.count(b"\r")) >= _LINES:
                return Head(data, False)
        return Head(data, True)


class _Owning(io.RawIOBase):
    """A decompressing stream that also closes the file below it."""

    def __init__(self, stream: BinaryIO, below: BinaryIO) -> None:
        self._stream, self._below = stream, below

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._below.close()
        super().close()


def _archive(raw: BinaryIO, url: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raw.close()
        raise FrameError(f"The zip file {url} must be readable; got: {error}. Pack it again.") from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of an archive without those that systems add to it."""
    return [m for m in archive.infolist() if not m.is_dir() and not _hidden(m.filename)]


def _is_local(url: str) -> bool:
    return "://" not in url


def list_paths(path: str | os.PathLike | Sequence[str | os.PathLike], pattern: str | None = None) -> list[str]:
    """Return the files that a path, folder, glob, URL, or a list of them stands for; absolute, in order, each once.

    Hidden files are left out of folders. `pattern` is a regular expression that the names of files must contain.
    Raises FileMissing "File ... does not exist" for what is not there.
    """
    given = [path] if isinstance(path, str | os.PathLike) else path
    if not isinstance(given, list | tuple | set) or not given:
        raise H2OTypeError(f"path must be a path, a URL or a list of them; got {path!r}.")
    found: dict[str, None] = {}
    for one in given:
        if not isinstance(one, str | os.PathLike):
            raise H2OTypeError(
                f"path must be a path, a URL or a list of them; got {one!r} of type {type(one).__name__}."
            )
        if not os.fspath(one):
            raise H2OValueError("path must name a file, a folder or a URL; got an empty text.")
        for url in _expand(os.fspath(one)):
            found[url] = None
    if pattern is None:
        return list(found)
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise H2OValueError(f"pattern must be a regular expression; got {pattern!r}: {error}.") from error
    matching = [url for url in found if wanted.search(os.path.basename(url))]
    if not matching:
        raise FrameError(f"pattern must match some file of {path!r}; {pattern!r} matches none of {len(found)}.")
    return matching


def _expand(path: str) -> list[str]:
    if path.startswith("file://"):
        path = urlparse(path).path
    if not _is_local(path):
        return _expand_remote(path)
    path = os.path.abspath(os.path.expanduser(path))
    if os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        files = [
            os.path.join(folder, name)
            for folder, folders, names in os.walk(path)
            for name in names
            if not name.startswith((".", "_")) and not _hidden(os.path.relpath(folder, path))
        ]
        if not files:
            raise FrameError(f"The folder {path} must hold at least one file; it is empty.")
        return sorted(files)
    files = sorted(file for file in glob.glob(path, recursive=True) if os.path.isfile(file))
    if not files:
        raise FileMissing(f"File {path} does not exist")
    return files


def _hidden(folder: str) -> bool:
    return any(part.startswith((".", "_")) and part != "." for part in folder.split(os.sep))


def _extension(url: str) -> str:
    return os.path.splitext(urlparse(url).path)[1].lower()


def _form(url: str) -> str:
    """Return what a file holds by its name, without what tells how it is packed."""
    base, extension = os.path.splitext(urlparse(url).path)
    return _FORMS.get(_extension(base) if extension.lower() in _PACKED else extension.lower(), "csv")


def _expand_remote(url: str) -> list[str]:
    try:
        filesystem, path = url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise FrameError(f"The address {url} must be of a kind that fsspec can open; got: {error}.") from error
    protocol = url.split("://")[0]
    if protocol in ("http", "https"):
        return [url]
    if filesystem.isfile(path):
        return [url]
    names = filesystem.glob(path) if "*" in path else filesystem.find(path)
    files = sorted(
        name for name in names if not os.path.basename(name).startswith((".", "_")) and filesystem.isfile(name)
    )
    if not files:
        raise FileMissing(f"File {url} does not exist")
    return [filesystem.unstrip_protocol(name) for name in files]


def inspect(url: str) -> Source:
    """Return what a file is; raises FrameError where it does not exist, cannot be read or has a form we do not read."""
    extension = _extension(url)
    if extension in _FOREIGN:
        raise FrameError(
            f"Files must be CSV, ARFF or SVMLight (also compressed), Parquet or Excel; got {_FOREIGN[extension]}: "
            f"{url}."
        )
    stamp, ranges = _looked_at(url)
    plain = Source(url, stamp.size, None, "csv", ranges, stamp=stamp)
    try:
        magic = plain.head(8)
    except (OSError, ValueError) as error:
        raise FileMissing(f"File {url} does not exist or cannot be read: {error}") from error
    if magic[:4] == b"PAR1" or (extension in (".parquet", ".pq") and magic):
        if magic[:4] != b"PAR1":
            raise FrameError(f"A Parquet file must start with PAR1; {url} starts with {magic[:4]!r}.")
        return plain._replace(form="parquet")
    if magic.startswith(_OLE) or (extension in _BOOKS and magic.startswith(b"PK")):
        return plain._replace(form="excel")
    plain = plain._replace(form=_form(url))
    for start, compression in _MAGIC.items():
        if magic.startswith(start):
            return plain._replace(compression=compression, ranges=False)
    if extension in (".gz", ".zip"):
        raise FrameError(f"The file {url} must be a {extension[1:]} archive; it starts with {magic!r}. Pack it again.")
    return plain


def _looked_at(url: str) -> tuple[Stamp, bool]:
    """Size and mark of a file, and whether ranges can be read."""
    if _is_local(url):
        if not os.path.isfile(url):
            raise FileMissing(f"File {url} does not exist")
        if not os.access(url, os.R_OK):
            raise FrameError(f"File {url} must be readable; permission is denied.")
        return stamp_of_local(url), True
    filesystem, path = url_to_fs(url)
    try:
        info = filesystem.info(path)
    except (FileNotFoundError, OSError, ValueError) as error:
        raise FileMissing(f"File {url} does not exist or cannot be read: {error}") from error
    stamp = stamp_of_remote(info)
    # A web server may ignore the wish for a range and send everything: only one that promises ranges is believed.
    promised = bool(info.get("partial")) if url.startswith("http") else True
    return stamp, promised and stamp.size is not None
