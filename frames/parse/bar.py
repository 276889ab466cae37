"""The progress bar of imports."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from frames.cluster import progress_bars


@contextmanager
def bar(total: int, progress: Callable[[int, int], None] | None) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many more bytes are done.

    It calls `progress(done, total)`, or draws a bar on stderr where that is a terminal or a notebook's; nothing when
    `progress_bars.shown()` is off. Plain text on purpose: a bar of widgets needs packages that may be missing.
    """
    state = [0]
    drawn = tqdm(total=total, desc="Parse", unit="B", unit_scale=True, disable=None, leave=False)
    if progress is not None or not progress_bars.shown():
        drawn.disable = True

    def done(size: int) -> None:
        # A column that is read again as text makes more bytes than the files have.
        state[0] = min(total, state[0] + size)
        if progress is not None:
            progress(state[0], total)
        drawn.update(min(size, total - drawn.n))

    try:
        yield done
        if progress is not None and state[0] < total:
            progress(total, total)
    finally:
        drawn.close()
