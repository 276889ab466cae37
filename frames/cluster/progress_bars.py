"""Whether long work draws progress bars: `h2o.no_progress()` and `h2o.show_progress()` say so for the process."""

from collections.abc import Iterator
from contextlib import contextmanager

_shown = True


def shown() -> bool:
    """Return whether progress bars are drawn; at first they are."""
    return _shown


def show(wanted: bool) -> None:
    """Draw progress bars from now on, or draw none.

    Example: ``show(False)``.
    """
    global _shown
    _shown = wanted


@contextmanager
def hidden() -> Iterator[None]:
    """Draw no progress bars inside a block; afterwards it is as before, also after an error."""
    before = shown()
    show(False)
    try:
        yield
    finally:
        show(before)
