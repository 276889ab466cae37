"""The contract of all stores: files below one place, written whole or not at all, and by one writer only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

PARTIAL = ".partial-"
"""What the name of a file begins with that is being written; no store lists such files."""


class Store(ABC):
    """The files below one place, by names with slashes, such as `refs/0000000001.json`.

    The laws, tested over all stores by belonging to this class: a file is there whole or not at all; of several that
    create the same name exactly one succeeds, where the place offers that (`exclusive`); what was written is read back
    by everybody; what is deleted is gone, and deleting what is not there is no error. Whatever a place has against an
    operation is an OSError; FileNotFoundError where there is no such file.
    """

    rank: ClassVar[int]  # the lowest that reaches an address is taken
    exclusive: bool = True  # `create` is decided by the place itself; else this process looks first, and may be late

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/") or "/"

    @classmethod
    @abstractmethod
    def reaches(cls, place: str) -> bool:
        """Tell whether a place is of this kind, and what reaches it is installed."""

    @classmethod
    def wants(cls, scheme: str) -> str | None:
        """Return the package that would have to be installed to reach addresses of a scheme; None for unknown ones."""
        return None

    @abstractmethod
    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet, durably; False, and nothing is written, where it is."""

    @abstractmethod
    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of one that may be there: readers find the old one or the new one."""

    @abstractmethod
    def read(self, name: str, start: int | None = None, stop: int | None = None) -> bytes:
        """Return the bytes of a file from `start` to `stop`; raises FileNotFoundError."""

    @abstractmethod
    def names(self, below: str = "") -> list[str]:
        """Return the names of all files, or of those below a folder, in order."""

    @abstractmethod
    def entries(self) -> list[str]:
        """Return the names of the files and folders directly in this place, in order."""

    @abstractmethod
    def delete(self, names: Iterable[str]) -> None:
        """Remove files, in the order given."""

    @abstractmethod
    def age(self, name: str) -> float | None:
        """Return how many seconds ago a file was written; None where the place does not tell."""

    def sweep(self, folder: str, older: float) -> None:  # noqa: B027  (most places never hold half a file)
        """Remove what killed writers left half-written in a folder, after so many seconds."""

    def shown(self, name: str = "") -> str:
        """Return a file as a person is told of it."""
        return f"{self.place}/{name}" if name else self.place

    def inside(self, folder: str) -> Store:
        """Return the store of a folder."""
        return type(self)(f"{self.place}/{folder}")


@contextmanager
def told(place: str) -> Iterator[None]:
    """Make an OSError that names the place of whatever a library raises."""
    try:
        yield
    except OSError:
        raise
    except Exception as cause:  # each library has errors of its own
        said = str(cause).partition("\n")[0]
        raise OSError(f"{place}: {type(cause).__name__}: {said}") from cause
