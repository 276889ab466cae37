"""A cluster of two real worker processes, each with one thread, watched by nannies."""

import distributed
import numpy as np
import pandas as pd
import pytest

from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.shell import lending
from frames.cluster import progress_bars, registry, session
from frames.frame import H2OFrame


@pytest.fixture(scope="package", autouse=True)
def kernels() -> None:
    """Compile once in this process what most tests train: else every worker does, at the same time and at length."""
    session.start(nthreads=2)
    few = H2OFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "b"] * 2, "z": [1.0, 3.0, 2.0, 0.5]})
    with progress_bars.hidden():
        for y in ("y", "z"):
            H2ODeepLearningEstimator(hidden=[2], epochs=1).train(x=["x"], y=y, training_frame=few)


@pytest.fixture(scope="package")
def nannied():
    """A client of two worker processes, for all modules; whoever ends a worker waits for the next one."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "memory_limit": "2GB", "host": "127.0.0.1"}
    with (
        distributed.LocalCluster(dashboard_address="127.0.0.1:0", **options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def two_workers(nannied):
    """The client of two worker processes, in use; frames and models of the module live there."""
    before = session._current
    nannied.wait_for_workers(2, timeout=60)
    session.set_client(nannied)
    with nannied.as_current():  # Dask's own default, too
        yield nannied
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
