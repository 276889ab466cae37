"""A place of versions: each is written file by file, sealed by checksums, and counts once it is committed.

    versions/0000000002-9f31c0aa/...   what was saved, never changed afterwards
    refs/0000000002.json               {"version": "0000000002-9f31c0aa"}: the commit with the highest number counts

A commit is one small file that is put where none is, so of two writers each gets a number of its own, on a disk and in
an object store alike. A save that is killed at any moment leaves the versions before it as they were: what it
replaces is removed after its commit, and only what was committed when it began. Folders of earlier programs have one
commit, refs/latest.json.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from frames.exceptions import FileExists
from frames.stores.base import Store

Manifest = dict[str, list[Any]]  # file of a version -> [bytes, sha256]

LONGEST_NAME = 200  # bytes: file systems take 255, and what is written aside has longer names
VERSION = re.compile(r"\d{10}-[0-9a-f]{8}")
COMMIT = re.compile(r"refs/(\d{10})\.json")
FIRST_COMMIT = "refs/latest.json"  # the only one in folders of earlier programs
SEAL = "zarr.json"  # the file of a version that is written last
ABANDONED = 86_400.0  # seconds after which an unfinished version belongs to a save that was killed


@dataclass
class Draft:
    """A version that is being written: its `name`, and what it is to replace."""

    store: Store
    name: str
    before: list[str]
    written: list[str] = field(default_factory=list)

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the version."""
        path = f"versions/{self.name}/{name}"
        self.written.append(path)
        if not self.store.create(path, data):
            raise FileExists(f"A new version must have files of its own; {self.store.shown(path)} is there already.")


class Versions:
    """The versions below one place.

    For instance `draft = Versions(store).begin()`, `draft.write(name, data)` for each file, then
    `Versions(store).commit(draft)`.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def exist(self) -> bool:
        """True when something was committed here, damaged or not."""
        return bool(self.in_order())

    def foreign(self, known: Sequence[str] = ()) -> list[str]:
        """Return names in this place that no save has put there; nor are they `known` to the caller."""
        ours = {"refs", "versions", *known}
        return sorted(set(self.store.entries()) - ours)

    def in_order(self) -> list[str]:
        """Return the names of the versions: committed ones from the last to the first, then finished ones."""
        committed = [version for _, version in self._commits()]
        return list(dict.fromkeys([*committed, *self._finished()]))

    def begin(self) -> Draft:
        """Return a new version to write files into; nobody reads it before it is committed."""
        number, committed = 1 + self._last_number(), [version for _, version in self._commits()]
        return Draft(self.store, f"{number:010d}-{uuid.uuid4().hex[:8]}", committed)

    def commit(self, draft: Draft, first: bool = False) -> str:
        """Make a written version the one that counts, and return its name; then remove what it replaces.

        With `first` it must be the first one of all: raises FileExists where another save was faster.
        """
        content = json.dumps({"version": draft.name}).encode()
        while True:
            commits = self._commits()
            if first and commits:
                raise FileExists(f"File already exists: {self.store.shown()}; another save was faster. Use force=True.")
            number = max([int(draft.name[:10]), *(1 + number for number, _ in commits)])
            if self.store.create(f"refs/{number:010d}.json", content):
                break
        self._sweep(draft)
        return draft.name

    def abandon(self, draft: Draft) -> None:
        """Remove an unfinished version."""
        with contextlib.suppress(OSError):  # what is left is no version, and swept up by a later save
            self.store.delete(reversed(draft.written))

    def _commits(self) -> list[tuple[int, str]]:
        """Return (number, version) of all commits, from the last to the first; one that is damaged says nothing."""
        found = []
        for name in self.store.names("refs"):
            version = self._named_by(name)
            if version is not None:
                numbered = COMMIT.fullmatch(name)
                found.append((int(numbered[1] if numbered else version[:10]), version))
        return sorted(found, reverse=True)

    def _named_by(self, name: str) -> str | None:
        if not COMMIT.fullmatch(name) and name != FIRST_COMMIT:
            return None
        try:
            named = json.loads(self.store.read(name))["version"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # damaged or swept: other commits speak
            return None
        return named if isinstance(named, str) and VERSION.fullmatch(named) else None

    def _finished(self) -> list[str]:
        """Return the versions whose last file is there, from the newest to the oldest."""
        names = (name.split("/") for name in self.store.names("versions"))
        return sorted((n[1] for n in names if len(n) == 3 and n[2] == SEAL and VERSION.fullmatch(n[1])), reverse=True)

    def _last_number(self) -> int:
        """Return the highest number in use, 0 for none: those of damaged commits count, too."""
        names = [*self.store.names("refs"), *self.store.names("versions")]
        commits = [int(found[1]) for name in names if (found := COMMIT.fullmatch(name))]
        versions = [int(part[:10]) for name in names if VERSION.fullmatch(part := name.partition("/")[2][:19])]
        return max([0, *commits, *versions])

    def _sweep(self, draft: Draft) -> None:
        """Remove what a version replaces, and what killed saves left behind; a commit goes after its version."""
        with contextlib.suppress(OSError):  # an older version may stay: the newest one counts
            gone = set(draft.before) | self._abandoned(draft)
            self.store.delete(sorted(n for n in self.store.names("versions") if n.split("/")[1] in gone))
            refs = [name for name in self.store.names("refs") if self._named_by(name) in draft.before]
            self.store.delete(refs)
            for folder in ("versions", "refs"):
                self.store.sweep(folder, ABANDONED)

    def _abandoned(self, draft: Draft) -> set[str]:
        """Return versions that are not committed and that nobody has written to for a day."""
        kept = {version for _, version in self._commits()} | {draft.name}
        ages: dict[str, float] = {}
        for name in self.store.names("versions"):
            version = name.split("/")[1]
            if version not in kept and (age := self._age(name)) is not None:
                ages[version] = min(age, ages.get(version, age))
        return {version for version, age in ages.items() if age > ABANDONED}

    def _age(self, name: str) -> float | None:
        try:
            return self.store.age(name)
        except OSError:  # it has just gone
            return None


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


def manifest(files: Mapping[str, bytes]) -> Manifest:
    """Return size and sha256 of every file."""
    return {name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in sorted(files.items())}


def sound_files(store: Store, version: str, expected: Mapping[str, list[Any]]) -> tuple[dict[str, bytes], str | None]:
    """Read the files of a version; return them by name, and what is wrong with the first bad one, as `file: what`."""
    found: dict[str, bytes] = {}
    for name, (size, digest) in expected.items():
        path = f"versions/{version}/{name}"
        try:
            data = store.read(path)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):  # the caller says so
            return {}, f"{store.shown(path)}: the file is missing"
        except OSError as cause:
            return {}, f"{store.shown(path)}: the file cannot be read ({cause})"
        if len(data) != size:
            return {}, f"{store.shown(path)}: the file must have {size} bytes; got {len(data)}"
        if hashlib.sha256(data).hexdigest() != digest:
            return (
                {},
                f"{store.shown(path)}: the file does not have the contents that were written (its checksum differs)",
            )
        found[name] = data
    return found, None
