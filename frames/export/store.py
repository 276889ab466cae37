"""Compressed tables in a folder: the chunks as they are, and a list of them; read chunk by chunk, by the workers."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import Any

import fsspec
import numpy as np

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster.placement import Group
from frames.cluster.sending import gather, submit
from frames.codecs.outside import Outside
from frames.exceptions import FrameError, H2OTypeError
from frames.export.landing import Landing
from frames.table.table import Table, table_of_groups

FORMAT = "daskdl-frame"
VERSION = 1
LIST = "part-frame.json"
"""The list of chunks: written last, so that a folder that has it is whole."""


class _Remote(Outside):
    """A buffer in a file behind a URL."""

    __slots__ = ()

    def fetch(self) -> np.ndarray:
        """Return what the file has there."""
        system, path = fsspec.core.url_to_fs(self.path)
        return np.frombuffer(system.cat_file(path, start=self.at, end=self.at + self.nbytes), np.uint8)


def _bytes(chunk: Chunk) -> bytes:
    """Run as a task: a chunk as bytes of the stored format."""
    return chunk.to_bytes()


def _chunk(path: str, rows: int) -> Chunk:
    """Run as a task: a chunk that stays in its file, which must have the rows that the list says."""
    try:
        with fsspec.open(path, "rb") as file:
            where = _Remote if "://" in path else Outside
            chunk = Chunk.in_file(file, partial(where, path))  # type: ignore[arg-type]
    except FileNotFoundError as error:
        raise FrameError(f"A stored frame must keep all its files; {path} is gone.") from error
    if chunk.rows != rows:
        raise FrameError(f"{path} must hold {rows} rows; it holds {chunk.rows}. The folder was changed.")
    return chunk


def save_table(table: Table, path: str | os.PathLike, force: bool = True) -> str:
    """Write a table into a folder, on a disk or behind any URL fsspec writes; returns the path.

    The folder must be new or empty, or, with `force`, hold nothing but an earlier frame. Raises FileExists otherwise.
    Example: ``fr.save("frames/airlines")``.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise H2OTypeError(f"path must be a path or a URL; got {path!r}.")
    groups: dict[int, Group] = {}
    for place in table.resolved:
        groups.setdefault(id(place.group), place.group)
    order = {key: g for g, key in enumerate(groups)}
    with Landing(os.fspath(path), bool(force), folder=True) as landing:
        for g, group in enumerate(groups.values()):
            for p, chunk in enumerate(group.chunks):
                with landing.file(f"part-{g:03d}-{p:06d}.chunk") as file:
                    file.write(gather(submit(_bytes, chunk), "Writing a frame"))
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
        listed = {"format": FORMAT, "version": VERSION, "rows": table.rows, "groups": len(groups), "columns": columns}
        with landing.file(LIST) as file:
            file.write(json.dumps(listed).encode())
    return os.fspath(path)


def load_table(path: str | os.PathLike) -> Table:
    """Return the table of a folder that `save_table` wrote; its rows stay there, and are read whenever they are needed.

    Every worker must be able to read the folder, which must stay as it is as long as the table is used. Raises
    FrameError where there is no frame, or a later version's.
    """
    root = os.fspath(path).rstrip("/")
    root = root if "://" in root else os.path.abspath(root)  # workers have folders of their own
    try:
        with fsspec.open(f"{root}/{LIST}", "rb") as file:
            listed: dict[str, Any] = json.loads(file.read())  # type: ignore[union-attr]
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FrameError(f"path must be a folder that frame.save() wrote; {root} holds no frame.") from error
    if not isinstance(listed, dict) or listed.get("format") != FORMAT or listed.get("version") != VERSION:
        raise FrameError(
            f"{root} must hold a frame of format version {VERSION}; got another. Use the version that wrote it."
        )
    rows, groups = tuple(listed["rows"]), []
    for g in range(listed["groups"]):
        chunks = tuple(submit(_chunk, f"{root}/part-{g:03d}-{p:06d}.chunk", n) for p, n in enumerate(rows))
        own = {column["at"]: column["name"] for column in listed["columns"] if column["group"] == g}
        groups.append(Group(chunks, tuple(own.get(i, "") for i in range(max(own) + 1))))
    schema = Schema(
        tuple(
            Column(c["name"], c["type"], None if c["domain"] is None else tuple(c["domain"])) for c in listed["columns"]
        )
    )
    return table_of_groups(schema, rows, groups)
