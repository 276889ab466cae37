"""Waits that end: work may last as long as somebody works; where nobody does, a sentence says so."""

import threading
import time

import distributed
import numpy as np
import pytest
from distributed import Status

from frames.cluster import connection, session, waiting
from frames.cluster.sending import arrivals, client_of, gather, resident, send, submit
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

pytestmark = pytest.mark.timeout(60)

LARGE = np.zeros(2 * 10**6)  # more than may be a task of its own


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(waiting, "LOOK", 0.1)


@pytest.fixture
def own():
    """A cluster of one worker in this process, in use until the end of the test; and its client."""
    before = session._current
    quiet = {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": None, "silence_logs": 50}
    quiet["memory_limit"] = 0  # else Dask lets a paused worker go on at once
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **quiet) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        session.set_client(client)
        yield cluster, client
        session.set_client(before)


def leave(cluster):
    cluster.scale(0)
    while cluster.scheduler.workers:
        time.sleep(0.02)


def slow(x):
    time.sleep(1.0)
    return x


def test_work_may_last_longer_than_the_patience(own):
    with waiting.patience(0.1):
        assert gather(submit(slow, 7)) == 7


@pytest.mark.parametrize(
    "wait",
    [
        lambda: gather(submit(slow, 1), "The count"),
        lambda: list(arrivals([submit(slow, 1)], "The count")),
        lambda: gather([[submit(slow, 1)], [submit(slow, 2)]], "The count"),
    ],
    ids=["gather", "arrivals", "lists"],
)
def test_where_no_worker_is_a_wait_ends_and_says_for_what_it_was(own, wait):
    cluster, _ = own
    leave(cluster)
    began = time.monotonic()
    with (
        waiting.patience(0.5),
        pytest.raises(H2OJobError, match=r"The count needs a worker that works; for 0\.5 seconds none was there"),
    ):
        wait()
    assert 0.4 < time.monotonic() - began < 20


@pytest.mark.parametrize("bring", [lambda: resident(LARGE), lambda: send([1])], ids=["resident", "send"])
def test_values_that_no_worker_takes_are_not_waited_for_for_ever(own, bring):
    cluster, _ = own
    leave(cluster)
    with waiting.patience(0.5), pytest.raises(H2OJobError, match="Sending values to the workers needs a worker"):
        bring()


def test_workers_that_are_all_paused_are_named(own):
    cluster, _ = own
    (worker,) = cluster.workers.values()
    worker.status = Status.paused
    asked = submit(slow, 1)
    with (
        waiting.patience(0.5),
        pytest.raises(H2OJobError, match=r"1 worker\(s\) were there, all of them paused\. A pa"),
    ):
        gather(asked, "The count")
    worker.status = Status.running
    assert gather(asked) == 1


def test_a_worker_that_comes_in_time_is_waited_for(own):
    cluster, _ = own
    leave(cluster)
    timer = threading.Timer(0.5, cluster.scale, (1,))
    timer.start()
    assert gather(submit(slow, 3)) == 3
    timer.join()


def test_rows_that_went_with_their_worker_are_an_error_with_a_remedy(own):
    cluster, _ = own
    (there,) = send([[1, 2, 3]])
    leave(cluster)
    with pytest.raises(H2OJobError, match=r"Counting reads rows that went with the workers .* Import the fr"):
        gather(submit(len, there), "Counting")
    with pytest.raises(H2OJobError, match="Counting reads rows that went with the workers"):
        list(arrivals([there], "Counting", with_results=True))


def test_an_error_of_the_work_itself_comes_as_it_is(own):
    with pytest.raises(ZeroDivisionError):
        gather(submit(divmod, 1, 0))


def test_a_frame_is_worked_on_where_its_rows_are(own, client):
    _, here = own
    frame = H2OFrame({"x": [1.0, 2.0, 4.0], "y": ["a", "b", "a"]})
    session.set_client(client)
    assert client_of(*frame.placement(["x"]).parts[0]) is here
    assert frame["x"].mean() == [pytest.approx(7 / 3)]
    assert frame[frame["y"] == "a", "x"].as_data_frame()["x"].tolist() == [1.0, 4.0]
    assert client_of(*(frame["x"] + 1).placement(["x"]).parts[0]) is here


def test_a_frame_whose_cluster_was_disconnected_says_so(client):
    other = distributed.Client(client.scheduler.address, set_as_default=False)
    session.set_client(other)
    frame = H2OFrame({"x": [1.0, 2.0]})
    session.set_client(None)
    other.close()
    with pytest.raises(H2OJobError, match="must lie on a cluster that is connected"):
        frame["x"].mean()


def test_workers_are_seen_while_the_clock_of_the_client_writes_its_own_answer(own, monkeypatch):
    _, client = own
    ask = client._update_scheduler_info

    async def overtaken(n_workers=0):
        await ask(n_workers)
        await ask()  # the clock's question, for which workers do not matter, is answered before anybody has looked

    monkeypatch.setattr(client, "_update_scheduler_info", overtaken)
    assert client.scheduler_info()["workers"] == {}  # so it happens
    assert [about["nthreads"] for about in connection.identity(client)["workers"].values()] == [1]
