"""Faults struck on real processes in the middle of all kinds of work: the results are those of work left alone."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from urllib.parse import urlparse

import cloudpickle
import distributed
import numpy as np
import pandas as pd
import pytest
from processes import Processes, until
from wire import Wire

from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.grid.grid_search import H2OGridSearch
from daskdl.model.apply import performance, predict
from daskdl.parameters import Parameters
from daskdl.shell import cluster
from daskdl.training.train import train
from frames.cluster import progress_bars, registry, session, silence, waiting
from frames.functions import import_file
from frames.parse import ranges

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(110), pytest.mark.usefixtures("shares_are_sent")]

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import what is here

ROWS = 4000
NET = {"hidden": [12], "epochs": 16, "seed": 3, "stopping_rounds": 0, "reproducible": True, "score_interval": 1}
LARGE = 60_000  # rows where a worker is to be met at work


class Stage:
    """Three workers, a client, a file to be imported in many parts, and how it is when nothing happens."""

    def __init__(self, processes, client, folder):
        self.processes, self.client = processes, client
        draw = np.random.default_rng(7).normal(size=(LARGE, 4)).round(4)
        self.table = pd.DataFrame(draw, columns=list("abcd"))
        self.table["y"] = self.table["a"] ** 2
        self.path, self.small = str(folder / "large.csv"), str(folder / "small.csv")
        self.table.to_csv(self.path, index=False)
        self.table[:ROWS].to_csv(self.small, index=False)
        self.frame = import_file(self.small)
        self.calm = train(Parameters(**NET), self.frame, y="y")

    def restore(self):
        """Bring the number of workers back to three; those that were told to go may take their time."""

        def whole():
            self.processes.kill(*[one for one in self.processes.workers if one.poll() is not None])
            while len(self.processes.workers) < 3:
                self.processes.workers.append(self.processes.worker())
            return set(self.pids().values()) == {one.pid for one in self.processes.workers}

        until(whole)

    def pids(self):
        """Return the address and process number of each worker that the scheduler knows."""
        with contextlib.suppress(OSError, ValueError):  # one of them is going
            return self.client.run(os.getpid)
        return {}

    def process(self, pid):
        return next(one for one in self.processes.workers if one.pid == pid)

    def kill(self, *addresses):
        """Kill workers, and start others in their place."""
        pids = self.pids()
        gone = [self.process(pids[one]) for one in addresses]
        self.processes.kill(*gone)
        self.processes.workers += [self.processes.worker() for _ in gone]

    @contextlib.contextmanager
    def struck_at_work(self, task, how=signal.SIGKILL):
        """Kill a worker as soon as it has such a task to do, or stop it; the block does the work."""
        pids, struck, over = self.pids(), [], threading.Event()

        def strike():
            while not struck and not over.is_set():
                for address, keys in self.client.processing().items():
                    if any(task in str(key) for key in keys):
                        struck.append(address)
                        os.kill(pids[address], how)
                        break

        thread = threading.Thread(target=strike)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert struck, "the work was over before a worker was met at it"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    before, folder = session._current, tmp_path_factory.mktemp("faults")
    sizes = ranges.RANGE_BYTES, ranges._LEAST
    ranges.RANGE_BYTES, ranges._LEAST = 30_000, 100
    shown, progress_bars._shown = progress_bars._shown, False
    with (
        Processes(folder, workers=3) as processes,
        distributed.Client(processes.address, set_as_default=False, timeout=60) as client,
    ):
        client.wait_for_workers(3, timeout=60)
        session.set_client(client)
        yield Stage(processes, client, folder)
        registry.clear()
        session.set_client(before)
    ranges.RANGE_BYTES, ranges._LEAST = sizes
    progress_bars._shown = shown


@pytest.fixture
def stage(whole):
    whole.restore()
    return whole


class Strike:
    """Does something once, when a part of a training is over; prints how long it took until the next round was over."""

    def __init__(self, deed, at=0.1):
        self.deed, self.at, self.struck, self.recovered = deed, at, None, None

    def __call__(self, done, row):
        now = time.monotonic()
        if self.struck is None and done > self.at:
            self.deed()
            self.struck = time.monotonic()
        elif self.struck is not None and self.recovered is None and now - self.struck > 0.5:
            self.recovered = now - self.struck
            print(f"went on after {self.recovered:.1f} seconds")


def disturbed(stage, deed):
    """Train while something is done; the model must have the bits of one that was left alone."""
    strike = Strike(deed)
    model = train(Parameters(**NET), stage.frame, y="y", progress=strike)
    assert strike.struck is not None
    assert model.samples == NET["epochs"] * ROWS
    assert model.state.weights.tobytes() == stage.calm.state.weights.tobytes()
    return model


def test_two_of_three_workers_are_killed_in_training(stage):
    model = disturbed(stage, lambda: stage.kill(*list(stage.pids())[:2]))
    assert sum(" left" in one for one in model.notes["events"]) == 2


def test_a_worker_is_retired_in_training(stage):
    first = next(iter(stage.pids()))
    model = disturbed(stage, lambda: stage.client.retire_workers([first]))
    assert any(f"Worker {first} left" in one for one in model.notes["events"])


def test_a_worker_that_joins_trains_in_the_next_rounds(stage):
    before = set(stage.pids())

    def join():
        stage.processes.workers.append(stage.processes.worker())
        until(lambda: len(stage.pids()) == 4)

    model = disturbed(stage, join)
    (new,) = set(stage.pids()) - before
    assert model.notes["workers"] == 4
    assert any(f"Worker {new} joined" in one for one in model.notes["events"])
    assert stage.client.run(partitions_trained, workers=[new])[new] > 0
    stage.processes.kill(stage.processes.workers[0])


def partitions_trained():
    from daskdl.worker.tasks import _designs

    return len(_designs._entries)


def test_a_worker_that_stands_still_for_a_while_costs_no_row_and_others_go_on_working(stage):
    first, pid = next(iter(stage.pids().items()))
    model = disturbed(stage, lambda: os.kill(pid, signal.SIGSTOP))
    assert any(f"Worker {first} gave no sign of life" in one for one in model.notes["events"])
    assert import_file(stage.small).nrow == ROWS
    assert performance(model, stage.frame).mse() == pytest.approx(model.training_metrics.mse(), rel=1e-5)
    os.kill(pid, signal.SIGCONT)
    until(lambda: stage.process(pid).poll() is not None)  # the scheduler sent it away; a nanny would start a new one


def test_a_worker_is_killed_in_an_import(stage):
    with stage.struck_at_work("read-range"):
        frame = import_file(stage.path)
    found = frame.as_data_frame()
    pd.testing.assert_frame_equal(found, stage.table, check_dtype=False)


@pytest.fixture(scope="module")
def large(whole):
    whole.restore()
    return import_file(whole.path)


def test_a_worker_is_killed_in_a_prediction(stage, large):
    wanted = predict(stage.calm, large).as_data_frame()
    with stage.struck_at_work("daskdl-predict"):
        found = predict(stage.calm, large)
        found.as_data_frame()
    pd.testing.assert_frame_equal(found.as_data_frame(), wanted)


def test_a_worker_is_killed_while_a_frame_is_scored(stage, large):
    wanted = performance(stage.calm, large)
    with stage.struck_at_work("daskdl-score"):
        found = performance(stage.calm, large)
    assert found.values() == wanted.values()


def test_a_worker_is_killed_in_a_cross_validation(stage):
    how = Parameters(**{**NET, "epochs": 3}, nfolds=3)
    wanted = train(how, stage.frame, y="y")
    with stage.struck_at_work("train-share"):
        found = train(how, stage.frame, y="y")
    assert found.state.weights.tobytes() == wanted.state.weights.tobytes()
    assert found.cross_validation_metrics.values() == wanted.cross_validation_metrics.values()


def test_a_worker_is_killed_in_a_grid_search(stage):
    tables = []
    for fault in (contextlib.nullcontext(), stage.struck_at_work("daskdl-train")):
        grid = H2OGridSearch(H2ODeepLearningEstimator(**{**NET, "epochs": 3}), {"l1": [0, 0.01, 0.1]}, parallelism=2)
        with fault:
            grid.train(y="y", training_frame=stage.frame)
        tables.append(grid.sorted_metric_table()[["l1", "residual_deviance"]])
    assert len(tables[0]) == 3
    pd.testing.assert_frame_equal(*tables)


def read_again(stage, frame):
    return import_file(stage.path).as_data_frame()


def predicted(stage, frame):
    return predict(stage.calm, frame).as_data_frame()


@pytest.mark.parametrize(("task", "work"), [("read-range", read_again), ("daskdl-predict", predicted)])
def test_a_worker_that_hangs_outside_of_training_is_overtaken(stage, large, task, work, monkeypatch):
    wanted = work(stage, large)
    monkeypatch.setattr(waiting, "SILENT", 3.0)  # in place of 30: the server has other things to do, too
    said = r"waited for worker tcp.* no sign of life for \d+ seconds and is given up"
    with stage.struck_at_work(task, how=signal.SIGSTOP), pytest.warns(UserWarning, match=said):
        found = work(stage, large)
    pd.testing.assert_frame_equal(found, wanted)
    hung = next(one for one in stage.processes.workers if one.pid not in stage.pids().values())
    stage.processes.kill(hung)


def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def far(stage):
    """A worker that is reached, and reaches the scheduler, by wires that can be cut; and these wires."""
    scheduler, own = urlparse(stage.processes.address), port()
    wires = Wire((scheduler.hostname, scheduler.port)), Wire(("127.0.0.1", own))
    listen = ("--listen-address", f"tcp://127.0.0.1:{own}", "--contact-address", wires[1].address)
    worker = stage.processes.worker(*listen, wires[0].address)
    until(lambda: wires[1].address in stage.pids())
    yield worker, wires
    stage.processes.kill(worker)
    for wire in wires:
        wire.close()


@pytest.mark.parametrize(
    ("cut", "wires"),
    [("silence", (0, 1)), ("cut", (0, 1))],
    ids=["silent", "closed"],
)
def test_a_worker_that_is_partitioned_away_costs_no_row(stage, far, cut, wires, monkeypatch):
    monkeypatch.setattr(cluster, "SILENT", 6.0)
    monkeypatch.setattr(cluster, "FETCH", 12.0)  # a busy machine keeps good workers waiting, too
    worker, ends = far
    address = ends[1].address
    model = disturbed(stage, lambda: [getattr(ends[number], cut)() for number in wires])
    assert any(f"Worker {address}" in one for one in model.notes["events"])
    if any(f"Worker {address} left" in one for one in model.notes["events"]):
        for end in ends:
            end.heal()
        until(lambda: worker.poll() is not None)  # the scheduler knows it no more


def test_who_fetches_from_a_worker_that_was_given_up_waits_no_longer(stage, far):
    _, ends = far
    chunk = stage.client.submit(os.urandom, 10, workers=[ends[1].address], allow_other_workers=True, pure=False)
    until(lambda: chunk.status == "finished")
    other = next(one for one in stage.pids() if one != ends[1].address)
    for end in ends:
        end.silence()
    count = stage.client.submit(len, chunk, workers=[other], pure=False)
    until(lambda: stage.client.run(is_fetching, chunk.key, workers=[other])[other])
    silence.give_up(stage.client, ends[1].address)
    assert count.result(timeout=60) == 10  # Dask alone would wait for five minutes


def is_fetching(key, dask_worker):
    task = dask_worker.state.tasks.get(key)
    return task is not None and task.state == "flight"
