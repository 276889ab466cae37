"""Real H2O as one of the trainers of a run: a process beside this one that answers one request at a time.

It runs in the environment that `bench/h2o_reference.py` makes in the cache folder, with a server of its own on the
loopback address. Where that environment or a Java runtime is missing, H2O is absent, and the reason is said.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import mnist

PORT = 54399  # one of its own: another H2O of this machine must be neither used nor shut down


class H2OPeer:
    """A context that holds the process; `ask` sends a request and waits for the figure."""

    def __init__(self, cores: int, memory: str = "2g", wanted: bool = True) -> None:
        self.why = _absent() if wanted else "not wanted"
        self._start = [mnist.cache() / "h2o-venv" / "bin" / "python", __file__, str(cores), memory]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if self.why is None:
            self._process = subprocess.Popen(self._start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # the end of its work
            self._process.wait(timeout=60)

    def ask(self, **request: Any) -> float | None:
        """Return the figure for a request; None where H2O is absent. Raises RuntimeError with what H2O said."""
        if self._process is None:
            return None
        assert self._process.stdin is not None  # a pipe, like the other
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(ANSWER):
                answer = json.loads(line.removeprefix(ANSWER))
                if "error" in answer:
                    raise RuntimeError(f"H2O could not do {request}: {answer['error']}")
                return answer["figure"]
        raise RuntimeError(f"H2O's process ended while it did {request}.")


ANSWER = "answer: "  # H2O prints much else


def _absent() -> str | None:
    if shutil.which("java") is None:
        return "no Java runtime"
    if not (mnist.cache() / "h2o-venv" / "installed").exists():
        return "its environment is not made; bench/h2o_reference.py makes it"
    return None


def serve(cores: int, memory: str) -> None:
    """Start H2O, answer the requests that come in, shut it down at their end."""
    import h2o

    h2o.init(
        nthreads=cores,
        ip="127.0.0.1",
        port=PORT,
        bind_to_localhost=True,
        max_mem_size=memory,
        strict_version_check=False,
    )
    h2o.no_progress()
    frames: dict[str, Any] = {}
    try:
        for line in sys.stdin:
            try:
                answer = {"figure": WORK[json.loads(line).pop("work")](h2o, frames, json.loads(line))}
            except Exception as error:  # whatever it is, the run that asked must hear of it
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(ANSWER + json.dumps(answer), flush=True)
    finally:
        h2o.cluster().shutdown()


def training_speed(h2o: Any, frames: dict[str, Any], request: dict[str, Any]) -> float:
    """Samples per second by H2O's own table, which leaves scoring out."""
    from h2o.estimators import H2ODeepLearningEstimator

    path, response = request["path"], request["response"]
    if path not in frames:
        frames[path] = h2o.import_file(path)
        frames[path][response] = frames[path][response].asfactor()
    frame = frames[path]
    model = H2ODeepLearningEstimator(epochs=request["samples"] / frame.nrow, seed=1, **request["parameters"])
    model.train(x=[name for name in frame.names if name != response], y=response, training_frame=frame)
    said = [one for one in model.scoring_history()["training_speed"] if one]
    return float(str(said[-1]).split()[0])


def import_speed(h2o: Any, frames: dict[str, Any], request: dict[str, Any]) -> float:
    """Megabytes per second of `import_file`."""
    import time

    started = time.perf_counter()
    h2o.import_file(request["path"])
    return Path(request["path"]).stat().st_size / 1e6 / (time.perf_counter() - started)


WORK = {"train": training_speed, "import": import_speed}

if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
