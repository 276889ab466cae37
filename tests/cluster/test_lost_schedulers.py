"""A scheduler that dies: whoever waits is told at once how to go on, and a new cluster goes on with the same bits."""

import json
import subprocess
import sys
import textwrap
import threading
import time

import distributed
import numpy as np
import pandas as pd
import pytest
from processes import Processes, until

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.parameters import Parameters
from daskdl.training.train import train
from frames.cluster import progress_bars, registry, session
from frames.exceptions import H2OJobError
from frames.functions import import_file

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(110)]

NET = {
    "hidden": [12],
    "seed": 3,
    "reproducible": True,
    "stopping_rounds": 0,
    "train_samples_per_iteration": 1000,
    "score_interval": 0.5,
    "model_id": "cut",
    "epochs": 120,
}
GO_ON = """
    import json, sys
    import daskdl as h2o
    from daskdl.estimators import H2ODeepLearningEstimator

    address, path, folder, net = sys.argv[1:]
    h2o.connect(address=address, verbose=False)
    h2o.no_progress()
    frame = h2o.import_file(path, destination_frame="table")
    resumed = h2o.resume(folder).model
    whole = H2ODeepLearningEstimator(**json.loads(net))
    whole.train(y="y", training_frame=frame)
    same = resumed.state.weights.tobytes() == whole.model.state.weights.tobytes()
    print(json.dumps({"same": same, "samples": [resumed.samples, whole.model.samples]}))
"""
SOON = 10.0  # seconds; on a machine that is not busy it is one


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    draw = np.random.default_rng(1).normal(size=(2000, 3))
    path = tmp_path_factory.mktemp("data") / "table.csv"
    pd.DataFrame({"a": draw[:, 0], "b": draw[:, 1], "y": draw[:, 0] ** 2 + 0.1 * draw[:, 2]}).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def lone(tmp_path, monkeypatch):
    """A scheduler and two workers that may die, and their client in use."""
    monkeypatch.setattr(progress_bars, "_shown", False)
    before = session._current
    with (
        Processes(tmp_path) as processes,
        distributed.Client(processes.address, set_as_default=False, timeout=30) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        session.set_client(client)
        yield processes, client
        registry.clear()
        session.set_client(before)


def test_a_job_whose_scheduler_is_killed_goes_on_in_a_new_process_on_a_new_cluster(lone, table, tmp_path):
    processes, _ = lone
    work = tmp_path / "models"
    model = H2ODeepLearningEstimator(**NET, export_checkpoints_dir=str(work), checkpoint_interval=0.2)
    model.start(y="y", training_frame=import_file(table, destination_frame="table"))
    until(lambda: any(path.name >= "0000000003" for path in (work / "cut" / "versions").glob("[0-9]*")))
    processes.kill(processes.scheduler, *processes.workers)
    began = time.monotonic()
    with pytest.raises(H2OJobError, match=r"the connection to it was closed.* h2o\.resume\(folder\)"):
        model.join()
    told = time.monotonic() - began
    print(f"told after {told:.1f} seconds")
    assert told < SOON

    new = tmp_path / "new"
    new.mkdir()
    with Processes(new) as others:
        asked = [others.address, table, str(work), json.dumps(NET)]
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(GO_ON), *asked], capture_output=True, text=True, timeout=90
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"same": True, "samples": [240_000, 240_000]}


@pytest.mark.parametrize("moment", [0.0, 0.1])
@pytest.mark.usefixtures("shares_are_sent")
def test_whatever_waits_for_a_scheduler_that_is_killed_is_told_at_once(lone, table, moment):
    processes, _ = lone
    frame = import_file(table)
    struck = []

    def kill():
        processes.kill(processes.scheduler)
        struck.append(time.monotonic())

    strokes = [threading.Timer(moment, kill)]  # in the middle of a round, or of what comes between two

    def strike(done, row):
        if not struck and strokes:
            strokes.pop().start()

    with pytest.raises(H2OJobError, match=r"needs the scheduler at tcp://.* h2o\.resume"):
        train(Parameters(**NET), frame, y="y", progress=strike)
    print(f"a training that is driven from here was told after {time.monotonic() - struck[0]:.1f} seconds")
    assert time.monotonic() - struck[0] < SOON
    for work in (
        lambda: (frame["a"] + 1).sum(),
        lambda: import_file(table),
        h2o.cluster,
    ):
        began = time.monotonic()
        with pytest.raises(H2OJobError, match="connect"):
            work()
        assert time.monotonic() - began < SOON
