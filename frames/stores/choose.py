"""Which store reaches a place: they are found by their files, and the one with the lowest rank is taken."""

from __future__ import annotations

import importlib
import os
import pkgutil
from functools import cache

import frames.stores
from frames.exceptions import FrameError
from frames.stores.base import Store


@cache
def kinds() -> tuple[type[Store], ...]:
    """Return all kinds of stores, the first choice first."""
    for module in pkgutil.iter_modules(frames.stores.__path__):
        importlib.import_module(f"frames.stores.{module.name}")
    return tuple(sorted(Store.__subclasses__(), key=lambda kind: kind.rank))


def store_at(place: str | os.PathLike) -> Store:
    """Return the store of a path, or of an address such as s3://bucket/models.

    Raises FrameError for an address of an unknown kind, or one whose package is not installed.

    Example: `store_at("memory://models").names()`
    """
    text = os.fspath(place)
    for kind in kinds():
        if kind.reaches(text):
            return kind(text)
    scheme = text.partition("://")[0]
    packages = list(dict.fromkeys(found for kind in kinds() if (found := kind.wants(scheme)) is not None))
    if packages:
        raise FrameError(
            f"An address of the kind {scheme}:// needs {' or '.join(packages)}, which is not installed; got {text}. "
            f"Install it: pip install {packages[0]}"
        )
    raise FrameError(f"A place must be a path, or an address of a kind that fsspec or obstore know; got {text}.")


def is_address(place: str | os.PathLike) -> bool:
    """Tell whether a place is no path."""
    return not kinds()[0].reaches(os.fspath(place))
