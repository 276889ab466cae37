"""Workers that hang, die together, or never come back: training ends, and says what happened."""

import contextlib
import os
import signal
import time

import dask.dataframe as dd
import distributed
import numpy as np
import pandas as pd
import pytest

from daskdl.parameters import Parameters
from daskdl.shell.lending import Lender
from daskdl.training.train import train
from frames.cluster import registry, session
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(110)]
sent = pytest.mark.usefixtures("shares_are_sent")

ROWS = 4000
NET = {"hidden": [12], "seed": 3, "stopping_rounds": 0, "train_samples_per_iteration": 4000, "score_interval": 1}


@pytest.fixture
def workers(request):
    """A client of two worker processes of its own (or as many as asked for), and their process numbers."""
    count = getattr(request, "param", 2)
    options = {
        "n_workers": count,
        "threads_per_worker": 1,
        "processes": True,
        "memory_limit": "2GB",
        "host": "127.0.0.1",
    }
    before = session._current
    with (
        distributed.LocalCluster(dashboard_address="127.0.0.1:0", **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        session.set_client(client)
        pids = list(client.run(os.getpid).values())
        yield cluster, pids
        for pid in pids:
            end(pid, signal.SIGKILL)
        registry.clear()
        session.set_client(before)


def end(pid, how):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def table():
    rng = np.random.default_rng(7)
    points = pd.DataFrame(rng.standard_normal((ROWS, 4)), columns=list("abcd"))
    return points.assign(y=points["a"] ** 2)


def rows_with_source():
    return H2OFrame(dd.from_pandas(table(), npartitions=4))


class Strike:
    """Strikes once, when a part of the training is done; notes how long it took until the next round was over."""

    def __init__(self, deed):
        self.deed, self.struck, self.recovered = deed, None, None

    def __call__(self, done, row):
        now = time.monotonic()
        if self.struck is None and done > 0.1:
            self.deed()
            self.struck = now
        elif self.struck is not None and self.recovered is None and now - self.struck > 0.5:
            self.recovered = now - self.struck
            print(f"went on after {self.recovered:.1f} seconds")


@sent
def test_a_worker_that_hangs_is_given_up_within_seconds(workers):
    _, pids = workers
    strike = Strike(lambda: end(pids[0], signal.SIGSTOP))
    model = train(Parameters(epochs=40, **NET), rows_with_source(), y="y", progress=strike)
    assert model.samples == 40 * ROWS
    assert any("no sign of life" in one for one in model.notes["events"])
    assert strike.recovered < 60  # a busy build server: alone it takes 3 to 8 s, docs/reliability.md


@sent
def test_the_time_limit_holds_though_a_worker_hangs(workers):
    _, pids = workers
    began = time.monotonic()
    strike = Strike(lambda: end(pids[0], signal.SIGSTOP))
    limit = {**NET, "epochs": 1e6, "max_runtime_secs": 6}
    model = train(Parameters(**limit), rows_with_source(), y="y", progress=lambda done, row: strike(1, row))
    spent = time.monotonic() - began
    print(f"a limit of 6 seconds took {spent:.1f}")
    assert "time" in model.notes["ended"]
    assert spent < 30  # a busy build server: alone it takes 7 to 10 s


@sent
def test_when_all_workers_are_killed_and_new_ones_start_the_job_goes_on(workers):
    _, pids = workers
    strike = Strike(lambda: [end(pid, signal.SIGKILL) for pid in pids])
    model = train(Parameters(epochs=40, **NET), rows_with_source(), y="y", progress=strike)
    assert model.samples == 40 * ROWS
    assert sum("left" in one for one in model.notes["events"]) >= 2  # a slow machine may lose a new one, too


@sent
def test_when_no_worker_comes_back_the_last_model_stands(workers):
    cluster, _ = workers
    strike = Strike(lambda: cluster.scale(0))
    asked = Parameters(epochs=1e5, no_workers_timeout=2, **NET)
    model = train(asked, rows_with_source(), y="y", progress=lambda done, row: strike(1, row))
    assert model.samples >= ROWS
    assert "No worker was there for 2 seconds; the last model stands." in model.warnings


@sent
def test_rows_that_have_no_source_and_are_gone_are_named(workers, monkeypatch):
    _, pids = workers
    monkeypatch.setattr("frames.table.make._GRAPH_BYTES", 0)  # as for a large table: no task makes its chunks again
    frame = H2OFrame(table())
    strike = Strike(lambda: [end(pid, signal.SIGKILL) for pid in pids])
    first = "(0|2000)"  # whichever worker is missed first
    with pytest.raises(H2OJobError, match=f"row of frame {frame.frame_id} must be on a worker .* from row {first} on"):
        train(Parameters(epochs=40, **NET), frame, y="y", progress=strike)


@pytest.mark.parametrize("workers", [1], indirect=True)
def test_the_only_worker_that_is_killed_comes_back_and_goes_on(workers, monkeypatch):
    """With one worker the coordinator is lent to it: what it decided since is lost with it, and decided anew."""
    _, (pid,) = workers
    lent = []
    real = Lender.lend
    monkeypatch.setattr(Lender, "lend", lambda *given: lent.append(1) or real(*given))
    strike = Strike(lambda: end(pid, signal.SIGKILL))
    frame = rows_with_source()
    asked = {**NET, "epochs": 150, "score_interval": 1e9}
    model = train(Parameters(**asked), frame, y="y", progress=strike)
    assert strike.struck is not None
    assert lent
    assert model.samples == 150 * ROWS
    assert any("left" in one for one in model.notes["events"])
    again = train(Parameters(**asked), frame, y="y")
    np.testing.assert_array_equal(model.state.weights, again.state.weights)
