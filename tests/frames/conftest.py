"""One embedded cluster for all tests of frames in a process."""

import numpy as np
import pandas as pd
import pytest

from frames.cluster import registry, session
from frames.frame import H2OFrame


@pytest.fixture(scope="session")
def client():
    """The embedded client: one worker in this process, two threads."""
    yield session.start(nthreads=2)
    session.stop()


@pytest.fixture(autouse=True)
def _clean_keys():
    """Every test starts without named frames."""
    registry.clear()


@pytest.fixture
def cut(client):
    """A frame of a pandas table whose rows are cut in partitions of the given sizes (default: four uneven ones)."""

    def build(table: pd.DataFrame, sizes=None, types=None) -> H2OFrame:
        if sizes is None:
            ends = sorted({len(table) * k // 10 for k in (1, 4, 8, 10)})
            sizes = np.diff([0, *ends])
        pieces, start = [], 0
        whole = H2OFrame(table, column_types=types)
        for size in sizes:
            pieces.append(whole[start : start + int(size), :])
            start += int(size)
        assert start == len(table)
        return pieces[0].rbind(pieces[1:]) if len(pieces) > 1 else pieces[0]

    return build
