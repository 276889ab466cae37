"""A folder of versions: each is written aside, sealed by checksums, and counts once a pointer names it.

    versions/0000000002-9f31c0aa/...   what was saved, never changed afterwards
    refs/latest.json                   {"version": "0000000002-9f31c0aa"}

The pointer is replaced in one step, so a save that is killed at any moment leaves the version before it as it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Manifest = dict[str, list[Any]]  # file below a version -> [bytes, sha256]

LONGEST_NAME = 200  # bytes: file systems take 255, and what is written aside has longer names
VERSION = re.compile(r"\d{10}-[0-9a-f]{8}")
PARTIAL = ".partial-"
ABANDONED = 86_400.0  # seconds after which an unfinished version belongs to a save that was killed
BLOCK = 1 << 20


class Versions:
    """The versions below one folder.

    Example: `partial = Versions(folder).begin()`, files are written below it, then `Versions(folder).commit(partial)`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pointer = folder / "refs" / "latest.json"

    @property
    def exist(self) -> bool:
        """True when something was committed here, damaged or not."""
        return self.pointer.exists() or bool(self._finished())

    @property
    def foreign(self) -> list[str]:
        """Names in the folder that no save has put there."""
        if not self.folder.is_dir():
            return []
        return sorted(entry.name for entry in self.folder.iterdir() if entry.name not in ("refs", "versions"))

    def in_order(self) -> list[Path]:
        """Return the finished versions: the one the pointer names first, then from new to old."""
        found = sorted(self._finished(), reverse=True)
        named = self._named()
        return sorted(found, key=lambda path: path.name != named)

    def begin(self) -> Path:
        """Return a new folder to write a version into; nobody reads it before it is committed."""
        partial = self.folder / "versions" / f"{PARTIAL}{uuid.uuid4().hex[:8]}"
        partial.mkdir(parents=True)
        return partial

    def commit(self, partial: Path) -> Path:
        """Make a written folder the version that counts, drop older ones, and return where it lies now."""
        for path in [*partial.rglob("*"), partial]:
            _to_disk(path)
        number = 1 + max((int(path.name[:10]) for path in self._finished()), default=0)
        final = partial.with_name(f"{number:010d}-{partial.name.removeprefix(PARTIAL)}")
        partial.rename(final)
        _to_disk(final.parent)
        self._point_to(final.name)
        self._sweep(number)
        return final

    def abandon(self, partial: Path) -> None:
        """Remove an unfinished version."""
        shutil.rmtree(partial, ignore_errors=True)  # what is left is no version, and swept up by a later save

    def _finished(self) -> list[Path]:
        versions = self.folder / "versions"
        return [p for p in versions.iterdir() if VERSION.fullmatch(p.name)] if versions.is_dir() else []

    def _named(self) -> str | None:
        try:
            named = json.loads(self.pointer.read_bytes())["version"]
        except (OSError, ValueError, KeyError, TypeError):
            return None  # a damaged pointer says nothing; the versions speak for themselves
        return named if isinstance(named, str) else None

    def _point_to(self, name: str) -> None:
        self.pointer.parent.mkdir(exist_ok=True)
        aside = self.pointer.with_name(f"{PARTIAL}{uuid.uuid4().hex[:8]}.json")
        aside.write_text(json.dumps({"version": name}), encoding="utf-8")
        _to_disk(aside)
        os.replace(aside, self.pointer)
        _to_disk(self.pointer.parent)
        _to_disk(self.folder)

    def _sweep(self, number: int) -> None:
        """Remove what came before version `number`, and what killed saves left behind."""
        for path in self._finished():
            if int(path.name[:10]) < number:
                shutil.rmtree(path, ignore_errors=True)  # an older version may stay: the newest one counts
        for path in [*(self.folder / "versions").glob(PARTIAL + "*"), *self.pointer.parent.glob(PARTIAL + "*")]:
            with contextlib.suppress(OSError):  # another save may have finished it just now
                if time.time() - path.stat().st_mtime > ABANDONED:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def file_name(key: str) -> str:
    """Return the name of the file or folder that belongs to a key: always one name below the folder it is joined to.

    Separators, control characters and percent signs, and a name of dots alone, are written as %2F and the like, so
    different keys have different names; of a very long key the beginning is kept, and a checksum.

    >>> file_name("../../x")
    '..%2F..%2Fx'
    """
    text = key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    name = "".join(f"%{ord(c):02X}" if c in "/\\%" or ord(c) < 32 or ord(c) == 127 else c for c in text)
    if not name.strip("."):
        name = name.replace(".", "%2E") or "%"
    if len(name.encode()) > LONGEST_NAME:
        kept = name.encode()[: LONGEST_NAME - 20].decode(errors="ignore")
        name = f"{kept}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return name


def manifest(folder: Path, leave_out: str) -> Manifest:
    """Return size and sha256 of every file below `folder` but the one that is to hold the manifest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: [path.stat().st_size, _sha256(path)] for name, path in named.items() if name != leave_out}


def damage(folder: Path, expected: Mapping[str, list[Any]]) -> str | None:
    """Return what is wrong with the files below `folder`, as `file: what`; None when they are as they were written."""
    gone = missing(folder, expected)
    if gone:
        return gone
    for name, (size, digest) in expected.items():
        path = folder / name
        if path.stat().st_size != size:
            return f"{path}: the file must have {size} bytes; got {path.stat().st_size}"
        if _sha256(path) != digest:
            return f"{path}: the file does not have the contents that were written (its checksum differs)"
    return None


def missing(folder: Path, expected: Mapping[str, list[Any]]) -> str | None:
    """Return the first expected file that is not there, as `file: what`; None when all are."""
    gone = next((name for name in expected if not (folder / name).is_file()), None)
    return None if gone is None else f"{folder / gone}: the file is missing"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _to_disk(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk itself (not every system can do it for folders)."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders; our own files can be read
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
