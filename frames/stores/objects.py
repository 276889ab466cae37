"""Object stores by the package obstore: s3://, gs://, az:// where fsspec has no package for them."""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Iterable
from typing import Any

from frames.stores.base import Store, told

SCHEMES = frozenset({"s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss"})


class Objects(Store):
    """A place in an object store; whose keys, endpoint and region come from the environment (AWS_ENDPOINT_URL ...).

    `create` is a conditional write of the store itself.
    """

    rank = 2

    def __init__(self, place: str) -> None:
        import obstore

        super().__init__(place)
        self._do: Any = obstore
        with told(place):
            self._store: Any = obstore.store.from_url(self.place)

    @classmethod
    def reaches(cls, place: str) -> bool:
        """Tell whether obstore is installed and knows the address."""
        return place.partition("://")[0] in SCHEMES and importlib.util.find_spec("obstore") is not None

    @classmethod
    def wants(cls, scheme: str) -> str | None:
        """Return obstore for what it knows."""
        return "obstore" if scheme in SCHEMES else None

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet."""
        with told(self.shown(name)):
            try:
                self._do.put(self._store, name, data, mode="create")
            except self._do.exceptions.AlreadyExistsError:  # this is the answer
                return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of another."""
        with told(self.shown(name)):
            self._do.put(self._store, name, data)

    def read(self, name: str, start: int | None = None, stop: int | None = None) -> bytes:
        """Return bytes of a file."""
        with told(self.shown(name)):
            if start is None and stop is None:
                return bytes(self._do.get(self._store, name).bytes())
            end = self._do.head(self._store, name)["size"] if stop is None else stop
            return bytes(self._do.get_range(self._store, name, start=start or 0, end=end))

    def names(self, below: str = "") -> list[str]:
        """Return the names of all files."""
        with told(self.shown(below)):
            found = self._do.list(self._store, prefix=below or None)
            return sorted(one["path"] for several in found for one in several)

    def entries(self) -> list[str]:
        """Return the names of what is directly below the address."""
        with told(self.shown()):
            found = self._do.list_with_delimiter(self._store)
            folders = [str(one).rstrip("/") for one in found["common_prefixes"]]
            return sorted([*folders, *(one["path"] for one in found["objects"])])

    def delete(self, names: Iterable[str]) -> None:
        """Remove files."""
        for name in names:
            with told(self.shown(name)), contextlib.suppress(FileNotFoundError):  # it is gone already
                self._do.delete(self._store, name)

    def age(self, name: str) -> float | None:
        """Return how many seconds ago a file was written, by the clock of the store."""
        with told(self.shown(name)):
            return time.time() - self._do.head(self._store, name)["last_modified"].timestamp()
