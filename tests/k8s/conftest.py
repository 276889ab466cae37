"""The pods' own commands as processes of this machine: the lines of the manifests, with paths and ports of a test."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kustomized import K8S, ROOT, rendered
from pods import Pod, pods


class Cluster:
    """Processes that run what the pods of a job would run; each has its log in `folder`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.pods: dict[str, Pod] = {pod.part: pod for pod in pods(rendered("overlays/small/job"))}
        self.port, self.page = _free_port(), _free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._running: list[subprocess.Popen] = []
        # A copy: packages that are installed for the tests write defaults of their own into a folder of settings.
        shutil.copytree(K8S / "base" / "shared", folder / "dask")

    def scheduler(self) -> subprocess.Popen:
        """Start the scheduler."""
        changes = {"--port": str(self.port), "--dashboard-address": f"127.0.0.1:{self.page}"}
        return self._start("scheduler", self._arguments("scheduler", changes), {})

    def worker(self, name: str, handover: bool = True, **env: str) -> subprocess.Popen:
        """Start a worker; `handover` False leaves the preload away."""
        changes = {
            "--name": name,
            "--nthreads": "1",
            "--memory-limit": "2147483648",
            "--worker-port": "0",
            "--nanny-port": "0",
            "--dashboard-address": "127.0.0.1:0",
            "--local-directory": str(self.folder / f"spill-{name}"),
            "--preload-nanny": str(K8S / "handover.py") if handover else None,
        }
        return self._start(name, self._arguments("worker", changes), env)

    def job(self, name: str, file: Path, checkpoints: Path) -> subprocess.Popen:
        """Start the job with a file and a folder of checkpoints."""
        spoken = self.pods["job"].spec["containers"][0]["args"]
        words = {
            "python": sys.executable,
            "/opt/daskdl/k8s/job.py": str(K8S / "job.py"),
            "/etc/daskdl/job.json": str(file),
        }
        assert set(words) <= set(spoken)
        spoken = [words.get(word, word) for word in spoken]
        return self._start(name, _replaced(spoken, {"--checkpoints": str(checkpoints)}), {"PYTHONUNBUFFERED": "1"})

    def log(self, name: str) -> str:
        """Return what a process has said so far."""
        return (self.folder / f"{name}.log").read_text()

    def stop(self) -> None:
        """End what still runs."""
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)  # one that a test has stopped
                process.kill()
            process.wait(10)

    def _arguments(self, part: str, changes: Mapping[str, str | None]) -> list[str]:
        spoken = self.pods[part].spec["containers"][0]["args"]
        assert spoken[0] == "dask"
        return [sys.executable, "-m", *_replaced(spoken, changes), "--host=127.0.0.1"]

    def _start(self, name: str, command: list[str], env: Mapping[str, str]) -> subprocess.Popen:
        surroundings = {
            **{key: value for key, value in os.environ.items() if not key.startswith("DASK")},
            "DASK_SCHEDULER_ADDRESS": self.address,
            "DASK_CONFIG": str(self.folder / "dask"),
            **{key: os.environ[key] for key in ("DASKDL_CACHE_DIR",) if key in os.environ},
            **env,
        }
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command, env=surroundings, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._running.append(process)
        return process


def _replaced(spoken: list[str], changes: Mapping[str, str | None]) -> list[str]:
    """Return the words with other values of options; every option that is to change must be there."""
    assert set(changes) <= {word.partition("=")[0] for word in spoken}
    result = []
    for word in spoken:
        option = word.partition("=")[0]
        if option not in changes:
            result.append(word)
        elif changes[option] is not None:
            result.append(f"{option}={changes[option]}")
    return result


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    """A cluster without pods yet; all of its processes end with the test."""
    made = Cluster(tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def prostate() -> Path:
    """The table that the image holds as an example."""
    return ROOT / "daskdl" / "data" / "prostate.csv"
