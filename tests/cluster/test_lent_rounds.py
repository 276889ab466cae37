"""Rounds of a small table: one of several workers decides them where it trains, until others take part, or it hangs."""

import os
import signal
import threading

import distributed
import numpy as np
import pandas as pd
import pytest
from processes import Processes

from daskdl.parameters import Parameters
from daskdl.shell.lending import Lender
from daskdl.shell.shares import Shares
from daskdl.training.train import train
from frames.cluster import progress_bars, registry, session
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(110)]

ROWS = 500
NET = {"hidden": [8], "seed": 3, "stopping_rounds": 0, "score_interval": 1e9, "regression_stop": -1}


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("scheduler")) as found:
        yield found


@pytest.fixture
def client(processes, monkeypatch):
    monkeypatch.setattr(progress_bars, "_shown", False)
    before = session._current
    with distributed.Client(processes.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)  # a new one, where a test before has struck one
        session.set_client(client)
        yield client
        registry.clear()
        session.set_client(before)


@pytest.fixture
def frame(client):
    draw = np.random.default_rng(3).normal(size=(ROWS, 3))
    return H2OFrame(pd.DataFrame(draw, columns=list("abc")).assign(y=draw[:, 0] * draw[:, 1]))


@pytest.fixture
def sent(monkeypatch):
    """What shells send: ("lent", to whom) or ("share", to whom)."""
    seen = []
    lend, send = Lender.lend, Shares.send
    monkeypatch.setattr(Lender, "lend", lambda *given: seen.append(("lent", given[-1])) or lend(*given))
    monkeypatch.setattr(
        Shares, "send", lambda own, order, *more: seen.append(("share", order.worker)) or send(own, order, *more)
    )
    return seen


def test_rounds_that_one_of_two_workers_trains_need_no_messages(frame, sent):
    model = train(Parameters(**NET, epochs=100), frame, y="y")
    assert model.samples == 100 * ROWS
    assert {kind for kind, _ in sent} == {"lent"}
    assert len({worker for _, worker in sent}) == 1
    assert model.progress["progress"]["round"] > len(sent)


def test_folds_that_train_side_by_side_train_on_both_workers(frame, sent):
    train(Parameters(**NET, epochs=20, nfolds=4), frame, y="y")
    assert {kind for kind, _ in sent} == {"lent"}
    assert len({worker for _, worker in sent}) == 2


def test_where_a_second_worker_takes_part_the_coordinator_comes_back(frame, sent):
    model = train(Parameters(**NET, epochs=60, widen_after=10_000), frame, y="y")
    assert model.samples == 60 * ROWS
    kinds = [kind for kind, _ in sent]
    first = kinds.index("share")
    assert set(kinds[:first]) == {"lent"}
    assert set(kinds[first:]) == {"share"}
    assert len({worker for kind, worker in sent if kind == "share"}) == 2


@pytest.mark.parametrize("stroke", [signal.SIGSTOP, signal.SIGKILL], ids=["hangs", "is killed"])
def test_where_the_worker_that_decides_is_gone_another_goes_on_and_no_sample_is_lost(
    processes, client, frame, sent, stroke
):
    pids, struck = client.run(os.getpid), []

    def strike(done, row):
        if done > 0.1 and not struck:
            struck.append(sent[-1][1])
            threading.Timer(0.05, os.kill, (pids[struck[0]], stroke)).start()

    model = train(Parameters(**NET, epochs=3_000, widen_after=10**9), frame, y="y", progress=strike)
    assert struck
    assert model.samples == 3_000 * ROWS
    assert sent[-1] == ("lent", next(one for one in pids if one != struck[0]))
    assert any(struck[0] in event for event in model.notes["events"])
    processes.kill(*[one for one in processes.workers if one.pid == pids[struck[0]]])
    processes.workers.append(processes.worker())
