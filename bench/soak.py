"""Trains for minutes while workers and clients are killed, stopped and started, and proves that no sample was lost.

    make soak                                   five minutes on three workers
    python bench/soak.py --minutes 30 --workers 4 --seed 7

A reproducible training has the same bits whoever trains which share, and however often. So a job that was disturbed has
trained every row once per pass, and none twice, exactly if its weights are those of a job that was left alone: that is
what is compared, byte by byte. Clients begin the jobs and are killed now and then; another one fetches the models.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import distributed
from processes import Processes

import daskdl as h2o
from frames.cluster import session

STOPPED = 6.0  # seconds that a stopped worker stands still, if it ever goes on

CLIENT = """
    import sys
    import numpy as np
    import daskdl as h2o
    from daskdl.estimators import H2ODeepLearningEstimator

    address, folder, name, epochs = sys.argv[1:]
    h2o.connect(address=address, verbose=False)
    h2o.no_progress()
    frame = h2o.import_file(folder)
    model = H2ODeepLearningEstimator(hidden=[50, 50], epochs=float(epochs), seed=1, reproducible=True, model_id=name,
                                     stopping_rounds=0, train_samples_per_iteration=20000, score_interval=2)
    model.start(y="y", training_frame=frame)
    print("started", flush=True)
    model.join()
"""


class Faults:
    """What is done to a cluster, and how often."""

    def __init__(self, cluster: Processes, seed: int) -> None:
        self._cluster, self._random = cluster, random.Random(seed)
        self._most = 2 * len(cluster.workers)
        self._wakes: list[tuple[float, int]] = []
        self.counts: dict[str, int] = {}

    def strike(self, client: subprocess.Popen) -> None:
        """Do one thing, drawn at random; one worker at least is left alone."""
        deeds = (self._kill, self._kill, self._halt, self._hang, self._join, lambda: self._end(client))
        self._random.choice(deeds)()

    def wake(self) -> None:
        """Let stopped workers go on whose time has come."""
        now = time.monotonic()
        for when, pid in [one for one in self._wakes if one[0] <= now]:
            self._wakes.remove((when, pid))
            self._signal(pid, signal.SIGCONT)

    def _victim(self) -> subprocess.Popen:
        return self._random.choice(self._cluster.workers[1:])

    def _kill(self) -> None:
        self._note("worker killed, another one started")
        self._cluster.kill(self._victim())
        self._cluster.workers.append(self._cluster.worker())

    def _halt(self) -> None:
        self._note(f"worker stopped for {STOPPED:g} seconds")
        victim = self._victim()
        self._signal(victim.pid, signal.SIGSTOP)
        self._wakes.append((time.monotonic() + STOPPED, victim.pid))

    def _hang(self) -> None:
        self._note("worker stopped for ever, another one started")
        victim = self._victim()
        self._signal(victim.pid, signal.SIGSTOP)
        self._cluster.workers.remove(victim)
        self._cluster.workers.append(self._cluster.worker())

    def _join(self) -> None:
        self._note("worker joined")
        self._cluster.workers.append(self._cluster.worker())
        while len(self._cluster.workers) > self._most:
            self._cluster.kill(self._cluster.workers[1])

    def _end(self, client: subprocess.Popen) -> None:
        if client.poll() is None:
            self._note("client killed")
            client.kill()
            client.wait()

    def _signal(self, pid: int, number: int) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return  # it was killed meanwhile

    def _note(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def data(folder: Path, rows: int = 40_000) -> Path:
    """Write a table as a file that the workers can read again."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(1).normal(size=(rows, 8))
    table = pd.DataFrame(draw, columns=list("abcdefgh"))
    table["y"] = table["a"] * table["b"] + table["c"] ** 2
    path = folder / "rows.csv"
    table.to_csv(path, index=False)
    return path


def begin(address: str, path: Path, name: str, epochs: float) -> subprocess.Popen:
    """Start a client that starts a job; return it once the job is under way."""
    command = [sys.executable, "-c", textwrap.dedent(CLIENT), address, str(path), name, str(epochs)]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert client.stdout is not None
    if client.stdout.readline().strip() != "started":
        raise SystemExit(f"The client of job {name} ended before its job began.")
    return client


def wait(name: str, faults: Faults | None, client: subprocess.Popen, every: float) -> float:
    """Wait for the end of a job, and strike now and then; return its seconds."""
    job = h2o.jobs().of_model(name)
    assert job is not None
    struck = time.monotonic()
    while job.is_running():
        time.sleep(0.2)
        if faults is None:
            continue
        faults.wake()
        if time.monotonic() - struck > every:
            faults.strike(client)
            struck = time.monotonic()
    if job.status != "DONE":
        raise SystemExit(f"Job {name} ended as {job.status}: {job.message}")
    return (job.end_time - job.start_time) / 1000


def soak(cluster: Processes, folder: Path, given: argparse.Namespace) -> int:
    """Run undisturbed, then disturbed jobs until the time is up; return how many were not what they must be."""
    path, faults = data(folder), Faults(cluster, given.seed)
    calm = wait("calm", None, begin(cluster.address, path, "calm", given.epochs), given.every)
    wanted = h2o.get_model("calm").model
    ends, jobs, wrong, lost, slowest = time.monotonic() + 60 * given.minutes, 0, 0, 0, 0.0
    while time.monotonic() < ends:
        name = f"job_{jobs}"
        seconds = wait(name, faults, begin(cluster.address, path, name, given.epochs), given.every)
        model = h2o.get_model(name).model
        same = model.state.weights.tobytes() == wanted.state.weights.tobytes()
        jobs, wrong, lost = jobs + 1, wrong + (not same), lost + abs(wanted.samples - model.samples)
        slowest = max(slowest, seconds)
        print(f"{name}: {seconds:.1f} s (undisturbed {calm:.1f} s), {model.samples} samples, same bits: {same}")
        h2o.remove(name)
    for what, times in sorted(faults.counts.items()):
        print(f"{times:4d}  {what}")
    print(
        f"{sum(faults.counts.values())} faults, {jobs} jobs completed, {lost} samples lost, {wrong} with other bits; "
    )
    print(f"undisturbed {calm:.1f} s, slowest {slowest:.1f} s")
    return wrong + lost


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, print what happened, and return 1 where a sample was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=40.0)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as name,
        Processes(Path(name), given.workers) as cluster,
        distributed.Client(cluster.address, set_as_default=False, timeout=60) as client,
    ):
        client.wait_for_workers(given.workers, timeout=120)
        session.set_client(client)
        return int(soak(cluster, Path(name), given) > 0)


if __name__ == "__main__":
    sys.exit(main())
