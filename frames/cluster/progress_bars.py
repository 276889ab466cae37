"""Whether long work draws progress bars: `h2o.no_progress()` and `h2o.show_progress()` say so for the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_shown = True
_hidden: ContextVar[bool] = ContextVar("hidden", default=False)  # of a thread: others go on as they are


def shown() -> bool:
    """Return whether progress bars are drawn here; at first they are."""
    return _shown and not _hidden.get()


def show(wanted: bool) -> None:
    """Draw progress bars from now on, or draw none.

    Example: ``show(False)``.
    """
    global _shown
    _shown = wanted


@contextmanager
def hidden() -> Iterator[None]:
    """Draw no progress bars inside a block, for work of its thread; afterwards it is as before."""
    token = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(token)
