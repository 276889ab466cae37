"""What a job sees of its workers: never fewer than there are, and the scheduler is not asked at every step."""

import time

import pytest

from daskdl.shell import cluster as cluster_module
from daskdl.shell.cluster import Cluster
from frames.cluster import connection, session


@pytest.fixture
def client():
    """The embedded cluster's client; what the test replaces in it is put back."""
    found = session.client()
    kept = found._scheduler_identity
    yield found
    found._scheduler_identity = kept


def test_a_look_at_the_scheduler_by_somebody_else_hides_no_worker(client, monkeypatch):
    real = client.scheduler.identity

    async def overtaken(n_workers):
        answer = await real(n_workers=n_workers)
        client._scheduler_identity = await real(n_workers=0)  # as the client's own periodic look does
        return answer

    monkeypatch.setattr(client.scheduler, "identity", overtaken, raising=False)
    assert len(connection.identity(client)["workers"]) == 1
    assert len(Cluster(client).workers()) == 1


def test_looks_that_follow_one_another_ask_the_scheduler_once(client, monkeypatch):
    asked = []
    real = cluster_module.identity
    monkeypatch.setattr(cluster_module, "identity", lambda of: asked.append(1) or real(of))
    cluster = Cluster(client)
    assert cluster.workers() == cluster.threads() == cluster.for_a_job().workers()
    assert cluster.cache_bytes > 0
    assert len(asked) == 1


def test_values_that_are_here_may_stand_among_slow_results(client):
    slow = client.submit(_after, 4 * cluster_module.TICK, "late")
    assert Cluster(client).wait(["here", slow]) == ["here", "late"]


def _after(seconds: float, value: str) -> str:
    time.sleep(seconds)
    return value
