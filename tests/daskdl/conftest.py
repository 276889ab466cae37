"""The embedded cluster as most tests here want it: two threads, no progress bars, no names left behind."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from frames.cluster import progress_bars, registry, session


@contextmanager
def _quiet_cluster() -> Iterator[None]:
    session.start(nthreads=2, dashboard="127.0.0.1:0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress_bars, "_shown", False)
        yield
    registry.clear()


@pytest.fixture
def embedded() -> Iterator[None]:
    """The embedded cluster, for one test: names that it gave are forgotten."""
    with _quiet_cluster():
        yield


@pytest.fixture(scope="module")
def embedded_throughout() -> Iterator[None]:
    """The embedded cluster, for all tests of a module: names last until its end."""
    with _quiet_cluster():
        yield
