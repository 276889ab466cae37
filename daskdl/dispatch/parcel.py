"""Values with frames in them, sent from one client of a cluster to another: rows stay where they are.

Futures belong to the client that made them. They travel as their keys, in a dataset that is published meanwhile, so no
row is let go while nobody holds it. Both ends are processes of one Dask cluster, which run each other's code anyway;
nothing here is ever read from a file.
"""

from __future__ import annotations

import io
import pickle
import uuid
from typing import Any, NamedTuple

import cloudpickle
from distributed import Future

from frames.cluster.connection import Client


class Parcel(NamedTuple):
    """A value in bytes, and the name of the dataset that holds its futures; empty where it has none."""

    content: bytes
    dataset: str = ""


def pack(value: Any, client: Client) -> Parcel:
    """Return a value as bytes; its futures, which are those of `client`, are published until `unpack` takes them."""
    target = io.BytesIO()
    pickler = _Pickler(target)
    pickler.dump(value)
    if not pickler.futures:
        return Parcel(target.getvalue())
    name = f"daskdl-{uuid.uuid4().hex}"
    client.publish_dataset(list(pickler.futures.values()), name=name)
    return Parcel(target.getvalue(), name)


def unpack(parcel: Parcel, client: Client) -> Any:
    """Return the value of a parcel, whose futures are those of `client` from now on."""
    futures = {}
    if parcel.dataset:
        futures = {one.key: one for one in client.get_dataset(parcel.dataset)}
        client.unpublish_dataset(parcel.dataset)
    return _Unpickler(parcel.content, futures).load()


class _Pickler(cloudpickle.Pickler):
    """Writes the key of a future in its place."""

    def __init__(self, target: io.BytesIO) -> None:
        super().__init__(target)
        self.futures: dict[Any, Future] = {}

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Future):
            return None
        self.futures.setdefault(obj.key, obj)
        return obj.key


class _Unpickler(pickle.Unpickler):
    """Puts the futures of a client in the place of their keys."""

    def __init__(self, content: bytes, futures: dict[Any, Future]) -> None:
        super().__init__(io.BytesIO(content))
        self._futures = futures

    def persistent_load(self, pid: Any) -> Future:
        return self._futures[pid]
