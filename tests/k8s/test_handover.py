"""A worker that has to go hands over what it holds: real processes, the manifest's own command, real signals."""

import signal
import subprocess
import sys
import time
import urllib.request

import distributed
import pytest
from kustomized import K8S

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(150)]

CHUNKS = 20


def _executions(path) -> int:
    return len(path.read_text().split())


def _held_by_one_worker(client: distributed.Client, name: str, path) -> list[distributed.Future]:
    """Return chunks that only the worker of this name holds; Dask may compute them elsewhere once they are lost."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    (address,) = (address for address, about in workers.items() if about["name"] == name)

    def noted(number: int, path: str) -> bytes:  # in here it travels by value: workers do not know this module
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{number}\n")
        return bytes([number]) * 100_000

    chunks = [
        client.submit(noted, number, str(path), workers=[address], allow_other_workers=True, pure=False)
        for number in range(CHUNKS)
    ]
    distributed.wait(chunks)
    assert set(client.who_has(chunks).values()) == {(address,)}
    return chunks


def _started(client: distributed.Client, workers: int) -> None:
    """Wait until the workers are there and their nannies know: before, these have nobody to hand chunks over for."""
    client.wait_for_workers(workers, timeout=60)
    while not all(client.run(lambda dask_worker: dask_worker.worker_address is not None, nanny=True).values()):
        time.sleep(0.05)


def _right(chunks: list[bytes]) -> bool:
    return [(one[0], len(one)) for one in chunks] == [(number, 100_000) for number in range(CHUNKS)]


def test_sigterm_hands_every_chunk_over_and_the_last_worker_goes_at_once(cluster, tmp_path):
    cluster.scheduler()
    first, second = cluster.worker("first"), cluster.worker("second")
    with distributed.Client(cluster.address, timeout=60) as client:
        _started(client, 2)
        chunks = _held_by_one_worker(client, "first", tmp_path / "executions")
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
        assert _right(client.gather(chunks))
        assert _executions(tmp_path / "executions") == CHUNKS
        assert [about["name"] for about in client.scheduler_info()["workers"].values()] == ["second"]
        began = time.monotonic()
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0
        assert time.monotonic() - began < 55  # and not the 60 seconds of patience
        del chunks
    assert "Handover: chunks are on other workers" in cluster.log("first")
    assert "Handover: there is no other worker to take chunks" in cluster.log("second")


def test_without_the_preload_sigterm_loses_them(cluster, tmp_path):
    # What the preload is for. If this fails, Dask has learned to do it by itself, and handover.py can go.
    cluster.scheduler()
    first, _ = cluster.worker("first", handover=False), cluster.worker("second")
    with distributed.Client(cluster.address, timeout=60) as client:
        _started(client, 2)
        chunks = _held_by_one_worker(client, "first", tmp_path / "executions")
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
        assert _right(client.gather(chunks))
        assert _executions(tmp_path / "executions") == 2 * CHUNKS


def test_a_scheduler_that_says_nothing_and_then_is_gone_is_not_waited_for_longer_than_allowed(cluster):
    scheduler = cluster.scheduler()
    first = cluster.worker("first", DASKDL_HANDOVER_SECONDS="2")
    second = cluster.worker("second", DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="3s")  # in place of 30
    with distributed.Client(cluster.address, timeout=60) as client:
        _started(client, 2)
    scheduler.send_signal(signal.SIGSTOP)
    first.send_signal(signal.SIGTERM)
    first.wait(60)
    assert "Handover: not done after 2 s" in cluster.log("first")
    scheduler.kill()
    scheduler.wait(10)
    second.send_signal(signal.SIGTERM)
    second.wait(55)  # and not the 60 seconds of patience


def test_patience_that_is_no_number_is_refused_at_the_start(cluster):
    assert cluster.worker("one", DASKDL_HANDOVER_SECONDS="-1").wait(60) != 0
    assert "DASKDL_HANDOVER_SECONDS must be a positive number of seconds; got '-1'." in cluster.log("one")


def test_the_scheduler_answers_probes_and_the_operator(cluster):
    cluster.scheduler()
    with distributed.Client(cluster.address, timeout=60):
        for path in ("health", "api/v1/adaptive_target", "api/v1/check_idle"):
            with urllib.request.urlopen(f"http://127.0.0.1:{cluster.page}/{path}", timeout=20) as answer:
                assert answer.status == 200


def test_the_preload_stands_alone():
    # The nanny loads it as a file: it may import nothing that is not installed.
    done = subprocess.run([sys.executable, "-I", K8S / "handover.py"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
