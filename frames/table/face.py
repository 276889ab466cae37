"""How a function over tables becomes a method of frames: frames go in as tables, tables come out as frames."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from frames.cluster.sending import tasks_named
from frames.exceptions import FrameError
from frames.table.table import Named, Table

P = ParamSpec("P")


class Faced:
    """What holds a table and shows it under another class; the table is swapped, never changed."""

    _held: Table | None = None
    _id: str | None = None

    @property
    def _table(self) -> Table:
        if self._held is None:
            raise FrameError(
                f"A frame must still exist to be used; H2OFrame {self._id or ''} has been removed. "
                "Import or compute it again."
            )
        return self._held

    @classmethod
    def _of(cls, table: Table, frame_id: str | None = None) -> Any:
        """Return a frame of a table, nameless unless `frame_id` says otherwise."""
        raise NotImplementedError


def bare(value: Any) -> Any:
    """Return a value with tables in place of frames, also in lists, tuples and dicts."""
    if isinstance(value, Faced):
        return value._table
    if isinstance(value, list | tuple) and any(isinstance(one, Faced) for one in value):
        return type(value)(map(bare, value))
    if type(value) is dict and any(isinstance(one, Faced) for one in value.values()):
        return {key: bare(one) for key, one in value.items()}
    return value


def shown(face: type[Faced], value: Any) -> Any:
    """Return a value with frames in place of tables, also in lists and tuples of them."""
    if isinstance(value, Table):
        return face._of(value)
    if isinstance(value, Named):
        return face._of(value.table, value.key)
    if type(value) in (list, tuple) and any(isinstance(one, Table | Named) for one in value):
        return type(value)([shown(face, one) for one in value])
    return value


def _work_of(verb: Any) -> str:
    """Return what the tasks of a verb are called on Dask's pages."""
    return f"frames-{getattr(verb, '__name__', 'verb')}"


def face(verb: Callable[Concatenate[Table, P], Any]) -> Callable[Concatenate[Any, P], Any]:
    """Return a function over a table as a method of frames.

    Example: ``asfactor = face(types.asfactor)``.
    """
    function: Callable[..., Any] = verb
    work = _work_of(verb)

    @functools.wraps(verb)
    def method(self: Faced, /, *args: Any, **options: Any) -> Any:
        given = {name: bare(option) for name, option in options.items()}
        with tasks_named(work):
            return shown(type(self), function(self._table, *map(bare, args), **given))

    return method


def swap(verb: Callable[Concatenate[Table, P], Table]) -> Callable[Concatenate[Any, P], Any]:
    """Return a function that gives the changed table as a method that changes the frame, and returns it."""
    function: Callable[..., Table] = verb
    work = _work_of(verb)

    @functools.wraps(verb)
    def method(self: Faced, /, *args: Any, **options: Any) -> Any:
        given = {name: bare(option) for name, option in options.items()}
        with tasks_named(work):
            self._held = function(self._table, *map(bare, args), **given)
        return self

    return method


def swap_and_give(verb: Callable[Concatenate[Table, P], tuple[Table, Any]]) -> Callable[Concatenate[Any, P], Any]:
    """Return a function that gives (changed table, result) as a method that changes the frame and gives the result."""
    function: Callable[..., tuple[Table, Any]] = verb
    work = _work_of(verb)

    @functools.wraps(verb)
    def method(self: Faced, /, *args: Any, **options: Any) -> Any:
        given = {name: bare(option) for name, option in options.items()}
        with tasks_named(work):
            self._held, result = function(self._table, *map(bare, args), **given)
        return shown(type(self), result)

    return method
