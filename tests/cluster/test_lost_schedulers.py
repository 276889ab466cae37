"""A scheduler that dies: whoever waits is told at once how to go on, and a new cluster goes on with the same bits."""

import json
import re
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import NamedTuple

import distributed
import numpy as np
import pandas as pd
import pytest
from processes import Processes, until

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.parameters import Parameters
from daskdl.shell import lending
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
SOON = 30.0  # seconds; on a machine that is not busy it is one, and Dask alone would wait for minutes


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    draw = np.random.default_rng(1).normal(size=(2000, 3))
    path = tmp_path_factory.mktemp("data") / "table.csv"
    pd.DataFrame({"a": draw[:, 0], "b": draw[:, 1], "y": draw[:, 0] ** 2 + 0.1 * draw[:, 2]}).to_csv(path, index=False)
    return str(path)


class Struck(NamedTuple):
    """What was said when the scheduler was killed, and after how many seconds: to a job beside it, to one driven from
    here, and to who asks afterwards; and the folder of the first job's checkpoints.
    """

    beside: tuple[BaseException, float]
    here: tuple[BaseException, float]
    afterwards: list[tuple[BaseException, float]]
    work: Path


def told(work):
    """The error of some work, and after how many seconds it came."""
    began = time.monotonic()
    with pytest.raises(H2OJobError) as found:
        work()
    return found.value, time.monotonic() - began


@pytest.fixture(scope="module")
def struck(table, tmp_path_factory):
    """A scheduler that is killed while a job goes on beside it and one is driven from here; its workers go later."""
    folder, before = tmp_path_factory.mktemp("struck"), session._current
    work = folder / "models"
    with (
        progress_bars.hidden(),
        pytest.MonkeyPatch.context() as patch,
        Processes(folder) as processes,
        distributed.Client(processes.address, set_as_default=False, timeout=30) as client,
    ):
        patch.setattr(lending, "SMALL", 0)  # what is driven from here sends its shares from here
        client.wait_for_workers(2, timeout=60)
        session.set_client(client)
        frame = import_file(table, destination_frame="table")
        model = H2ODeepLearningEstimator(**NET, export_checkpoints_dir=str(work), checkpoint_interval=0.2)
        killed: list[float] = []

        def kill():
            until(lambda: any(one.name >= "0000000003" for one in (work / "cut" / "versions").glob("[0-9]*")))
            processes.kill(processes.scheduler)
            killed.append(time.monotonic())

        killer = threading.Thread(target=kill)

        def both_go_on(done, row):
            if not killer.ident:
                model.start(y="y", training_frame=frame)
                killer.start()

        error, _ = told(lambda: train(Parameters(**{**NET, "epochs": 1e6}), frame, y="y", progress=both_go_on))
        killer.join()
        here = error, time.monotonic() - killed[0]
        error, _ = told(model.join)
        beside = error, time.monotonic() - killed[0]
        later = [told(one) for one in (lambda: (frame["a"] + 1).sum(), lambda: import_file(table), h2o.cluster)]
        processes.kill(*processes.workers)
        yield Struck(beside, here, later, work)
        registry.clear()
        session.set_client(before)


def test_a_job_beside_a_scheduler_that_is_killed_is_told_at_once(struck):
    error, seconds = struck.beside
    print(f"told after {seconds:.1f} seconds")
    assert re.search(r"the connection to it was closed.* h2o\.resume\(folder\)", str(error))
    assert seconds < SOON


def test_a_training_that_is_driven_from_here_is_told_at_once(struck):
    error, seconds = struck.here
    print(f"told after {seconds:.1f} seconds")
    assert re.search(r"needs the scheduler at tcp://.* h2o\.resume", str(error))
    assert seconds < SOON


def test_whoever_asks_a_scheduler_that_was_killed_is_told_at_once(struck):
    assert len(struck.afterwards) == 3
    for error, seconds in struck.afterwards:
        assert "connect" in str(error)
        assert seconds < SOON


def test_the_job_goes_on_in_a_new_process_on_a_new_cluster_with_the_same_bits(struck, table, tmp_path):
    with Processes(tmp_path) as others:
        asked = [others.address, table, str(struck.work), json.dumps(NET)]
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(GO_ON), *asked], capture_output=True, text=True, timeout=90
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"same": True, "samples": [240_000, 240_000]}
