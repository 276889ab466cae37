"""Compressed tables in a folder: the chunks as they are, and a list of them; read chunk by chunk, by the workers.

    part-frame.json                     the list: format, columns, the parts of each group; put last, in one step
    part-5e0c9a12-000-000003.chunk      group 0 of partition 3, of the save 5e0c9a12

The list names the parts, and what their beginnings must be: a save that is killed leaves the frame before it, and of
two saves at once one counts as a whole. Folders of format version 1 have parts without the name of a save.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import secrets
from functools import partial
from typing import Any

import numpy as np

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster.placement import Group
from frames.cluster.sending import gather, submit
from frames.codecs.outside import Outside
from frames.exceptions import FileExists, FileMissing, FrameError, H2OTypeError
from frames.stores.base import Store
from frames.stores.choose import is_address, store_at
from frames.table.table import Table, table_of_groups

FORMAT = "daskdl-frame"
VERSION = 2
LIST = "part-frame.json"
"""The list of chunks: written last, so that a folder that has it is whole."""
ABANDONED = 86_400.0
"""Seconds after which parts that no list names belong to a save that was killed."""


class _Remote(Outside):
    """A buffer in a file behind an address."""

    __slots__ = ()

    def fetch(self) -> np.ndarray:
        """Return what the file has there."""
        place, _, name = self.path.rpartition("/")
        return np.frombuffer(store_at(place).read(name, self.at, self.at + self.nbytes), np.uint8)


def _bytes(chunk: Chunk) -> bytes:
    """Run as a task: a chunk as bytes of the stored format."""
    return chunk.to_bytes()


def _chunk(place: str, name: str, rows: int, digest: str | None) -> Chunk:
    """Run as a task: a chunk that stays in its file, which must have the rows and the beginning that the list says."""
    path = f"{place}/{name}"
    try:
        beginning = _beginning(store_at(place), name)
    except FileNotFoundError as error:
        raise FrameError(f"A stored frame must keep all its files; {path} is gone.") from error
    if digest is not None and _digest(beginning) != digest:
        raise FrameError(
            f"{path} must begin as it was written (its checksum differs); it is cut or damaged, or another's."
        )
    try:
        chunk = Chunk.in_file(io.BytesIO(beginning), partial(_Remote if is_address(place) else Outside, path))
    except (KeyError, TypeError, ValueError) as error:  # of format version 1, which has no checksum here
        raise FrameError(f"{path} must begin as a chunk does; it is cut or damaged ({error}).") from error
    if chunk.rows != rows:
        raise FrameError(f"{path} must hold {rows} rows; it holds {chunk.rows}. The folder was changed.")
    return chunk


def _beginning(store: Store, name: str) -> bytes:
    """Return the bytes of a stored chunk before its buffers."""
    first = store.read(name, 0, Chunk.PREFIX)
    return first + store.read(name, Chunk.PREFIX, Chunk.start_of_buffers(first))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def save_table(table: Table, path: str | os.PathLike, force: bool = True) -> str:
    """Write a table into a folder, on a disk or at any address that fsspec or obstore write; returns the path.

    The folder must be new or empty, or, with `force`, hold nothing but an earlier frame, which counts until the new one
    is whole. Raises FileExists otherwise. For instance ``fr.save("s3://bucket/airlines")``.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise H2OTypeError(f"path must be a path or a URL; got {path!r}.")
    store = store_at(path)
    _may_write(store, bool(force))
    before, token, written = _parts_of(store), secrets.token_hex(4), []
    groups: dict[int, Group] = {}
    for place in table.resolved:
        groups.setdefault(id(place.group), place.group)
    try:
        parts: list[list[tuple[str, str]]] = []
        for g, group in enumerate(groups.values()):
            parts.append([])
            for p, chunk in enumerate(group.chunks):
                data, name = gather(submit(_bytes, chunk), "Writing a frame"), f"part-{token}-{g:03d}-{p:06d}.chunk"
                written.append(name)
                store.create(name, data)
                parts[-1].append((name, _digest(data[: Chunk.start_of_buffers(data)])))
        _list(store, table, parts, {key: g for g, key in enumerate(groups)}, force=bool(force))
    except BaseException:
        with contextlib.suppress(OSError):  # what is left is in no list, and swept up by a later save
            store.delete(written)
        raise
    with contextlib.suppress(OSError):  # an earlier frame's parts may stay: no list names them
        store.delete([*before, *_abandoned(store, {*before, *written})])
    return os.fspath(path)


def _list(store: Store, table: Table, parts: list[list[tuple[str, str]]], order: dict[int, int], force: bool) -> None:
    """Put the list of a written frame, which then counts."""
    columns = [
        {
            "name": name,
            "type": place.type,
            "domain": place.domain,
            "group": order[id(place.group)],
            "at": place.position,
        }
        for name, place in zip(table.names, table.resolved, strict=True)
    ]
    listed = {"format": FORMAT, "version": VERSION, "rows": table.rows, "groups": len(parts), "columns": columns}
    listed["parts"] = parts
    data = json.dumps({**listed, "digest": _digest(json.dumps(listed, sort_keys=True).encode())}).encode()
    if force:
        store.replace(LIST, data)
    elif not store.create(LIST, data):
        raise FileExists(
            f"File already exists: {store.shown()}; another save was faster. Pass force=True to replace it."
        )


def _may_write(store: Store, force: bool) -> None:
    shown = store.shown()
    if not is_address(shown):
        folder = os.path.abspath(os.path.expanduser(shown))
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise FileExists(f"path must name a folder when there are parts; {shown} is a file.")
        if not os.path.isdir(os.path.dirname(folder)):
            raise FileMissing(f"Folder {shown} cannot be made: the folder {os.path.dirname(folder)} does not exist")
    visible = [name for name in store.entries() if not name.startswith(".")]
    others = [name for name in visible if not name.startswith("part-")]
    if others:  # what else lies in the folder would be read along with the parts
        raise FileExists(
            f"A folder for parts must be new or hold nothing else; {shown} holds {others[0]!r}. Give another folder."
        )
    if LIST in visible and not force:
        raise FileExists(f"File already exists: {shown}. Pass force=True to replace its parts.")


def _parts_of(store: Store) -> list[str]:
    """Return the parts of the frame that a folder holds now; none where its list is gone or damaged."""
    try:
        return [name for group in _parts(json.loads(store.read(LIST))) for name, _ in group]
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # such parts are swept up after a day
        return []


def _parts(listed: dict[str, Any]) -> list[list[tuple[str, str | None]]]:
    """Return the names of the parts of each group, and what the checksums of their beginnings are."""
    if listed["version"] == 1:
        names = range(len(listed["rows"]))
        return [[(f"part-{g:03d}-{p:06d}.chunk", None) for p in names] for g in range(listed["groups"])]
    return [[(str(name), str(digest)) for name, digest in group] for group in listed["parts"]]


def _abandoned(store: Store, known: set[str]) -> list[str]:
    """Return parts that no list names and nobody has written to for a day."""
    others = [name for name in store.entries() if name.endswith(".chunk") and name not in known]
    return [name for name in others if (store.age(name) or 0.0) > ABANDONED]


def load_table(path: str | os.PathLike) -> Table:
    """Return the table of a folder that `save_table` wrote; its rows stay there, and are read whenever they are needed.

    Every worker must be able to read the folder, which must stay as it is as long as the table is used. Raises
    FrameError where there is no frame, or a later version's.
    """
    root = store_at(path).shown()
    root = root if is_address(root) else os.path.abspath(os.path.expanduser(root))  # workers have folders of their own
    try:
        listed: dict[str, Any] = json.loads(store_at(root).read(LIST))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FrameError(f"path must be a folder that frame.save() wrote; {root} holds no frame.") from error
    if not isinstance(listed, dict) or listed.get("format") != FORMAT or listed.get("version") not in (1, VERSION):
        raise FrameError(
            f"{root} must hold a frame of format version {VERSION} or before; got another. Use the version that wrote "
            "it."
        )
    if listed["version"] != 1 and listed.pop("digest", None) != _digest(json.dumps(listed, sort_keys=True).encode()):
        raise FrameError(
            f"{root}/{LIST} must be as it was written (its checksum differs); it is damaged. Save it again."
        )
    try:
        return _table(root, listed)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FrameError(
            f"{root}/{LIST} must be what frame.save() wrote; it is damaged ({error}). Save it again."
        ) from error


def _table(root: str, listed: dict[str, Any]) -> Table:
    rows, groups = tuple(listed["rows"]), []
    for g, parts in enumerate(_parts(listed)):
        chunks = tuple(submit(_chunk, root, name, n, digest) for (name, digest), n in zip(parts, rows, strict=True))
        own = {column["at"]: column["name"] for column in listed["columns"] if column["group"] == g}
        groups.append(Group(chunks, tuple(own.get(i, "") for i in range(max(own) + 1))))
    schema = Schema(
        tuple(
            Column(c["name"], c["type"], None if c["domain"] is None else tuple(c["domain"])) for c in listed["columns"]
        )
    )
    return table_of_groups(schema, rows, groups)
