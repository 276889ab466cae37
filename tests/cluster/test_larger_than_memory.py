"""A table that is larger than what two small worker processes have for rows: everything goes on, nobody is killed."""

import os

import distributed
import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest

from daskdl.estimators import H2ODeepLearningEstimator
from frames.cluster import memory, registry, session
from frames.cluster.sending import budget_of
from frames.functions import export_file, import_file

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(400)]

ROWS, COLUMNS = 600_000, 20
NET = {"hidden": [8], "epochs": 0.5, "seed": 3, "train_samples_per_iteration": 50_000}


@pytest.fixture
def small_workers():
    """A client of two worker processes of 500 MB: about 60 MB each are left for rows and for work.

    Compiling would take more memory than they have: it was done before (`kernels` of conftest.py).
    """
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "memory_limit": "500MB"}
    with (
        distributed.LocalCluster(dashboard_address="127.0.0.1:0", host="127.0.0.1", **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        before = session._current
        session.set_client(client)
        yield client
        registry.clear()
        session.set_client(before)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.random((ROWS, COLUMNS)), columns=[f"x{i}" for i in range(COLUMNS)])
    table["y"] = (table["x0"] + table["x1"] > 1.0).astype("int8")
    return table


@pytest.fixture(scope="module")
def file(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("larger") / "table.parquet"
    table.to_parquet(path)
    return path


@pytest.mark.parametrize("storage", ["memory", "source"])
def test_a_table_larger_than_memory_is_read_described_trained_scored_and_written(
    small_workers, table, file, tmp_path, storage
):
    budget = budget_of(small_workers)
    assert budget == memory.divided(500_000_000, 1)
    assert 1.5 * 2 * budget.chunks < ROWS * COLUMNS * 8
    processes = small_workers.run(os.getpid)

    frame = import_file(file, "larger", storage=storage)
    np.testing.assert_allclose(frame.mean()[:COLUMNS], table.mean().to_numpy()[:COLUMNS])
    quantiles = frame[["x0", "x7"]].quantile([0.01, 0.5]).as_data_frame()
    np.testing.assert_allclose(quantiles["x7Quantiles"], np.quantile(table["x7"], [0.01, 0.5]), rtol=1e-14)
    frame["y"] = frame["y"].asfactor()
    train, rest = frame.split_frame([0.7], seed=1)
    assert train.nrow + rest.nrow == ROWS
    model = H2ODeepLearningEstimator(**NET)
    model.train(y="y", training_frame=train)
    assert model.model_performance(rest).auc() > 0.95
    export_file(model.predict(rest), str(tmp_path / "predictions.parquet"), format="parquet")

    assert pq.read_metadata(tmp_path / "predictions.parquet").num_rows == rest.nrow
    assert small_workers.run(os.getpid) == processes  # nobody was killed for memory
    assert all(psutil.Process(pid).memory_info().rss < 475e6 for pid in processes.values())
