"""A cluster of two real worker processes, each with one thread, watched by nannies."""

import distributed
import numpy as np
import pandas as pd
import pytest

from daskdl.shell import lending
from frames.cluster import registry, session
from frames.frame import H2OFrame


@pytest.fixture(scope="module")
def two_workers():
    """A client of two worker processes; frames and models of the module live there."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "memory_limit": "2GB", "host": "127.0.0.1"}
    with (
        distributed.LocalCluster(dashboard_address="127.0.0.1:0", **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        before = session._current
        session.set_client(client)
        yield client
        registry.clear()
        session.set_client(before)


@pytest.fixture
def shares_are_sent(monkeypatch):
    """Send shares one by one from this process, although so few rows could be left to one worker (test_lent_rounds)."""
    monkeypatch.setattr(lending, "SMALL", 0)


@pytest.fixture
def rings(two_workers) -> H2OFrame:
    """4,000 rows in 8 partitions: class "in" where the point lies in a ring, which no linear model can tell."""
    import dask.dataframe as dd

    rng = np.random.default_rng(7)
    points = rng.standard_normal((4000, 4))
    ring = np.abs(np.hypot(points[:, 0], points[:, 1]) - 1.2) < 0.5
    table = pd.DataFrame(points, columns=list("abcd"))
    table["y"] = pd.Categorical(np.where(ring, "in", "out"))
    return H2OFrame(dd.from_pandas(table, npartitions=8))
