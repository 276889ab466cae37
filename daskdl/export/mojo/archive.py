"""H2O's MOJO archive as plain values: lines of text in a zip, read with limits and without code."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from frames.exceptions import FrameError, H2OValueError

LARGEST = 4 << 30  # bytes that all files of an archive may have unpacked
MOST_FILES = 20_000  # a file per categorical column, and a few more
RATIO = 1_000  # times its size that a file may grow unpacked; text of numbers grows 2 to 10 times
NEWEST = 1.10  # version of the format for deep learning
ALGORITHMS = ("deeplearning", "Deep Learning")
BLANK = "".join(map(chr, range(33)))  # what Java strips from the ends of lines
_DOMAIN = re.compile(r"(\d+):\s*(\d+) (\S+)")


@dataclass(frozen=True)
class Mojo:
    """What an archive says: `info` by key as text, the names of its columns, and the levels of those that have some."""

    info: Mapping[str, str]
    columns: tuple[str, ...]
    domains: Mapping[int, tuple[str, ...]]

    def text(self, key: str, default: str | None = None) -> str:
        """Return a value as text; raises H2OValueError where it is absent and has no default."""
        found = self.info.get(key, default)
        if found is None:
            raise H2OValueError(f"model.ini of a MOJO must say {key}; it does not. Write the MOJO again.")
        return found

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return a true or false."""
        return self.text(key, None if default is None else str(default)).lower() == "true"

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number."""
        text = self.text(key, None if default is None else str(default))
        if not re.fullmatch(r"[-+]?\d+", text):
            raise H2OValueError(f"{key} of a MOJO must be a whole number; got {text[:40]!r}. Write the MOJO again.")
        return int(text)

    def number(self, key: str, default: float) -> float:
        """Return a number."""
        return float(self.numbers(key, [default])[0])

    def numbers(self, key: str, default: Sequence[float] | None = None) -> np.ndarray:
        """Return an array of numbers (n,) float64; `null` and what is absent are the default."""
        text = self.info.get(key, "null").strip()
        if text == "null":
            if default is None:
                self.text(key, None if key not in self.info else "")
            return np.array(default if default is not None else [], float)
        parts = [one for one in text.strip("[]").split(",") if one.strip()]
        try:
            return np.array(parts, dtype=np.float64)
        except ValueError as cause:
            raise H2OValueError(f"{key} of a MOJO must be numbers; {cause}. Write the MOJO again.") from cause


def read_archive(path: str | os.PathLike) -> Mojo:
    """Return what a MOJO says: a zip file, or the folder it was unpacked to.

    Raises FrameError for a file that is missing, no zip file, cut off or damaged, and H2OValueError for one that is no
    MOJO of Deep Learning, is newer than 1.10, or unpacks to far more than its size (a zip bomb). Nothing is written, so
    names in the archive lead nowhere; only model.ini and the level files that it names are read.
    """
    path = Path(path)
    if not path.exists():
        raise FrameError(f"A MOJO must be a file that exists; got {path}.")
    parts = _Folder(path) if path.is_dir() else _Zip(path)
    with parts:
        return _parsed(parts)


def _parsed(parts: Any) -> Mojo:
    info: dict[str, str] = {}
    columns: list[str] = []
    files: dict[int, tuple[int, str]] = {}
    section = ""
    for line in parts.read("model.ini").decode("utf-8", "replace").split("\n"):
        line = line.strip(BLANK)
        if not line or line.startswith("#"):
            continue
        if line in ("[info]", "[columns]", "[domains]"):
            section = line
        elif section == "[info]":
            key, _, value = line.partition("=")
            info[key.strip(BLANK)] = value.strip(BLANK)
        elif section == "[columns]":
            columns.append(line)
        elif section == "[domains]":
            found = _DOMAIN.fullmatch(line)
            if found is None:
                raise H2OValueError(f"[domains] of a MOJO must have lines such as '0: 3 d000.txt'; got {line[:80]!r}.")
            files[int(found[1])] = int(found[2]), found[3]
    _require(info, columns)
    escaped = info.get("escape_domain_values") == "true"
    read = _escaped_levels if escaped else _levels
    domains = {i: read(parts.read(f"domains/{name}"), count, name) for i, (count, name) in files.items()}
    return Mojo(info, tuple(columns), domains)


def _require(info: Mapping[str, str], columns: Sequence[str]) -> None:
    algorithm = info.get("algo", info.get("algorithm", "nothing"))
    if algorithm not in ALGORITHMS:
        raise H2OValueError(
            f"A MOJO must be of deeplearning; this one is of {algorithm}. Score it with H2O's own h2o-genmodel."
        )
    version = info.get("mojo_version", "1.00")
    if not re.fullmatch(r"\d+(\.\d+)?", version) or float(version) > NEWEST:
        raise H2OValueError(f"The version of a MOJO must be at most {NEWEST:.2f}; got {version[:20]}. Update daskdl.")
    said = info.get("n_columns", "")
    if said != str(len(columns)):
        raise H2OValueError(f"A MOJO must name its n_columns = {said or 'nothing'} columns; it names {len(columns)}.")


def _escaped_levels(content: bytes, count: int, name: str) -> tuple[str, ...]:
    """Return the levels of a file whose line breaks are written as backslash n: a line each, quotes and all."""
    lines = content.decode("utf-8", "replace").split("\n")
    found = [_unescaped(line.rstrip("\r")) for line in lines[:count]]
    if len(lines) < count or (len(lines) == count and not lines[-1]):
        raise H2OValueError(
            f"{name} of a MOJO must hold {count} levels; it holds {len(lines) - 1}. Copy the MOJO again."
        )
    return tuple(found)


def _levels(content: bytes, count: int, name: str) -> tuple[str, ...]:
    """Return the levels of a file: a line each, in quotes (doubled inside) or bare."""
    text, found, at = content.decode("utf-8", "replace"), [], 0
    while at < len(text) and len(found) < count:
        if text[at] == '"':
            end, level = at + 1, ""
            while True:
                stop = text.find('"', end)
                if stop < 0:
                    raise H2OValueError(f"Level {len(found)} of {name} in a MOJO must end in a quote; it does not.")
                level += text[end:stop]
                if text[stop + 1 : stop + 2] != '"':
                    break
                level, end = level + '"', stop + 2
            at = text.find("\n", stop) + 1 or len(text)
        else:
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
            level, at = text[at:stop].rstrip("\r"), stop + 1
        found.append(level)
    if len(found) != count:
        raise H2OValueError(f"{name} of a MOJO must hold {count} levels; it holds {len(found)}. Copy the MOJO again.")
    return tuple(found)


def _unescaped(level: str) -> str:
    r"""Return a level without its escapes.

    >>> _unescaped("a\\nb")
    'a\nb'
    """
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], level, flags=re.DOTALL)


class _Folder:
    """An archive that was unpacked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def read(self, name: str) -> bytes:
        """Return a file's content; only files inside the folder are read."""
        path = (self._path / name).resolve()
        if not path.is_relative_to(self._path.resolve()):
            raise H2OValueError(f"A MOJO must name files of its own; got {name[:80]!r}.")
        if not path.is_file():
            raise FrameError(f"A MOJO must hold {name}; {self._path} does not.")
        return path.read_bytes()


class _Zip:
    """A zip file, its sizes checked before anything is unpacked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as cause:
            raise FrameError(f"A MOJO must be a whole zip file; {path} is not ({cause}). Copy it again.") from cause
        members = self._zip.infolist()
        total = sum(one.file_size for one in members)
        swollen = [one for one in members if one.file_size > RATIO * max(one.compress_size, 1024)]
        if total > LARGEST or len(members) > MOST_FILES or swollen:
            self._zip.close()
            raise H2OValueError(
                f"A MOJO must unpack to what its size promises; {path} would unpack to {total} bytes in "
                f"{len(members)} files. Nothing was unpacked."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """Return a member's content, never more than the directory of the archive promises."""
        try:
            about = self._zip.getinfo(name)
            with self._zip.open(about) as file:
                content = file.read(about.file_size + 1)
        except KeyError:
            raise FrameError(f"A MOJO must hold {name}; {self._path} does not. Is it one?") from None
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as cause:
            raise FrameError(f"{name} of {self._path} must be readable; got: {cause}. Copy the MOJO again.") from cause
        if len(content) > about.file_size:
            raise H2OValueError(f"{name} of {self._path} must be as long as the archive says; it is longer.")
        return content


def packed(mojo: Mojo) -> bytes:
    """Return an archive as bytes: the same for the same content, whenever it is written."""
    lines = ["[info]", *(f"{key} = {value}" for key, value in mojo.info.items()), "", "[columns]", *mojo.columns, ""]
    lines.append("[domains]")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for number, (column, levels) in enumerate(mojo.domains.items()):
            name = f"d{number:03d}.txt"
            lines.append(f"{column}: {len(levels)} {name}")
            text = "".join('"' + level.replace('"', '""') + '"\n' for level in levels)
            file.writestr(_member(f"domains/{name}"), text.encode())
        file.writestr(_member("model.ini"), ("\n".join(lines) + "\n").encode())
    return buffer.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o644 << 16
    return made


def array_text(values: Any) -> str:
    """Return numbers as the archive writes arrays, to the last bit.

    >>> array_text([1.0, 2.5])
    '[1.0, 2.5]'
    """
    return "[" + ", ".join(map(repr, np.asarray(values).tolist())) + "]"
