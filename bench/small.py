"""Small tables, where the training is nothing and all the rest is what one waits for: seconds beside H2O's, in one run.

    DASKDL_DATA=... python bench/small.py [--h2o PYTHON] [--folds 406] [--repeat 3]

Four jobs: iris, ten epochs, warm; a thousand rounds over 64 rows; leave-one-out cross-validation of the cars; and what
a round costs beyond its training, in the embedded worker and with two worker processes. The same script runs inside
H2O's Python (PYTHON, one that has the package h2o); without it the table says so.
"""

import argparse
import contextlib
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine
import numpy as np

ROUNDS, FEW = 1000, 64
ANSWER = "seconds: "
JOBS = ("iris, 10 epochs", f"{ROUNDS:,} rounds over {FEW} rows", "folds of the cars")


def main() -> None:
    """Measure both sides in turns, H2O's where it is there, and print them."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--h2o", type=Path, help="a Python that has the package h2o")
    arguments.add_argument("--folds", type=int, default=406, help="folds of the cars (default 406: leave one out)")
    arguments.add_argument("--repeat", type=int, default=5, help="turns of all but the folds; the best one counts")
    arguments.add_argument("--json", type=Path, help="write the results here as well")
    arguments.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.inside:
        inside_h2o(given.inside, given.folds)
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        write(Path(folder))
        notes = machine.notes("daskdl", "dask", "numpy")
        sides = {"daskdl": ours(Path(folder), given.folds)}
        if given.h2o is not None:
            sides["h2o"] = stack.enter_context(theirs(given.h2o, folder, given.folds))
        found = {"machine": notes, "folds": given.folds, **turns(sides, given.repeat), "rounds": round_costs()}
    print(table(found))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def write(folder: Path) -> None:
    """Write the 64 rows and link the two tables, so that both libraries read the same files."""
    rng = np.random.default_rng(0)
    draw = rng.normal(size=(FEW, 5))
    rows = np.column_stack([draw, draw[:, 0] * 2 + draw[:, 1]])
    np.savetxt(folder / "few.csv", rows, "%.6f", ",", header="a,b,c,d,e,y", comments="")
    place = Path(os.environ.get("DASKDL_DATA", ""), "smalldata")
    for name, path in (("iris", "iris/iris_wheader.csv"), ("cars", "cars.csv")):
        if not (place / path).is_file():
            raise SystemExit("DASKDL_DATA must name a folder that holds smalldata/; got " + str(place.parent))
        (folder / f"{name}.csv").write_bytes((place / path).read_bytes())


def jobs(h2o: Any, estimator: Any, folder: Path, folds: int) -> dict[str, Callable[[], None]]:
    """Return the three jobs by name, through H2O's own calls."""
    tables = {name: h2o.import_file(str(folder / f"{name}.csv")) for name in ("iris", "few", "cars")}
    tables["iris"]["class"] = tables["iris"]["class"].asfactor()
    answer = "economy (mpg)"

    def iris() -> None:
        estimator(epochs=10, seed=1).train(x=tables["iris"].names[:4], y="class", training_frame=tables["iris"])

    def rounds() -> None:
        many = {"epochs": ROUNDS, "train_samples_per_iteration": FEW, "stopping_rounds": 0, "regression_stop": -1}
        made = estimator(hidden=[10], seed=1, score_interval=1e9, **many)
        made.train(x=list("abcde"), y="y", training_frame=tables["few"])

    def cars() -> None:
        names = [name for name in tables["cars"].names if name not in ("name", answer)]
        made = estimator(hidden=[10], epochs=10, seed=1, nfolds=folds, fold_assignment="Modulo")
        made.train(x=names, y=answer, training_frame=tables["cars"])

    return dict(zip(JOBS, (iris, rounds, cars), strict=True))


def turns(sides: dict[str, Callable[[str], float]], repeat: int) -> dict[str, dict[str, float]]:
    """Return the best seconds of each job on each side, which take turns; of the folds, which take long, there is one.

    On a machine that others use the best turn is the one that they disturbed least.
    """
    found: dict[str, dict[str, float]] = {side: {} for side in sides}
    for name in JOBS:
        once = name == JOBS[-1]
        for turn in range(1 if once else 1 + repeat):  # the first one compiles, or loads what was compiled
            for side, work in sides.items():
                took = work(name)
                if once or turn:
                    found[side][name] = min(took, found[side].get(name, math.inf))
    return found


def seconds(work: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ours(folder: Path, folds: int) -> Callable[[str], float]:
    """Return what does a job here, and says how many seconds it took."""
    import daskdl as h2o
    from daskdl.estimators import H2ODeepLearningEstimator

    h2o.init(verbose=False)
    h2o.no_progress()
    works = jobs(h2o, H2ODeepLearningEstimator, folder, folds)
    return lambda name: seconds(works[name])


@contextlib.contextmanager
def theirs(python: Path, folder: str, folds: int) -> Iterator[Callable[[str], float]]:
    """Yield what does a job in H2O, in a process of its own that is told the job's name."""
    command = [str(python), __file__, "--inside", folder, "--folds", str(folds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        told, heard = process.stdin, process.stdout
        assert told is not None
        assert heard is not None

        def work(name: str) -> float:
            print(name, file=told, flush=True)
            for line in heard:
                if line.startswith(ANSWER):
                    return float(line.removeprefix(ANSWER))
            raise SystemExit(f"H2O's side ended during {name}.")

        yield work
        told.close()


def inside_h2o(folder: Path, folds: int) -> None:
    """Do the jobs whose names come in, in H2O on all cores, and answer with their seconds."""
    import h2o
    from h2o.estimators import H2ODeepLearningEstimator

    with socket.socket() as free:  # on a port of its own: init() would join a server that somebody runs, and end it
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {"nthreads": -1, "max_mem_size": "2g", "strict_version_check": False}
    h2o.init(ip="127.0.0.1", port=port, bind_to_localhost=True, **given)
    h2o.no_progress()
    try:
        works = jobs(h2o, H2ODeepLearningEstimator, folder, folds)
        for line in sys.stdin:
            print(f"{ANSWER}{seconds(works[line.strip()])}", flush=True)
    finally:
        h2o.cluster().shutdown()


def round_costs(count: int = 200) -> dict[str, float]:
    """Milliseconds of a round beyond its training, with one worker in this process and with two of their own."""
    import distributed

    import daskdl as h2o

    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    found = {"embedded": round_cost(count)}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        h2o.init(client=client, verbose=False)
        h2o.no_progress()
        found["two processes"] = round_cost(count)
        h2o.cluster().shutdown()
    return found


def round_cost(count: int) -> float:
    """Milliseconds of a round of a few rows: what is left once as many rows in few rounds are taken off."""
    import pandas as pd

    from daskdl.parameters import Parameters
    from daskdl.training.train import train
    from frames.frame import H2OFrame

    rng = np.random.default_rng(0)
    frame = H2OFrame(pd.DataFrame(rng.normal(size=(FEW, 4)), columns=[*"abc", "y"]))

    def work(rounds: int) -> float:
        given = {"hidden": (10,), "epochs": count, "stopping_rounds": 0, "score_interval": 1e9, "regression_stop": -1}
        asked = Parameters(**given, seed=1, train_samples_per_iteration=FEW * count // rounds)
        return seconds(lambda: train(asked, frame, y="y"))

    work(2)
    few = statistics.median(work(2) for _ in range(3))
    return 1000 * (statistics.median(work(count) for _ in range(3)) - few) / (count - 2)


def table(found: dict[str, Any]) -> str:
    """The results as text."""
    notes, mine, theirs = found["machine"], found["daskdl"], found.get("h2o")
    lines = [f"{notes['processor']}, {notes['cores']} cores, load {notes['load_before']} before the run", ""]
    lines.append(f"{'':36s} {'daskdl':>10s} {'H2O':>10s} {'H2O / daskdl':>14s}")
    for name in JOBS:
        shown = f"{found['folds']} {name}" if name == JOBS[-1] else name
        other = "" if theirs is None else f"{theirs[name]:8.3f} s {theirs[name] / mine[name]:12.1f} x"
        lines.append(f"{shown:36s} {mine[name]:8.3f} s {other}")
    if theirs is None:
        lines.append("H2O was not measured: name a Python that has it with --h2o.")
    lines += ["", *(f"a round beyond its training, {where:14s} {ms:8.2f} ms" for where, ms in found["rounds"].items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
