"""Rows per second from a CSV file to predictions: the exported Java class and Python file against H2O's own predict.

    python bench/scoring.py [--rows 100000] [--hidden 20 20] [--h2o PYTHON]

100 columns of numbers with six digits and one of six classes. Both libraries train a network of the same shape on
the same file. Then all take turns on it in one run: `java -cp DIR CLASS < rows.csv > predictions.csv` with the start of
Java in it, H2O's `predict` of a frame that its server holds already, and H2O's whole way, import_file, predict,
export_file. H2O needs a Java runtime; PYTHON is one that has it (default: an environment in the cache folder).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h2o_reference
import machine
import numpy as np

COLUMNS, CLASSES = 100, 6
TRAINED = 2_000  # rows that the networks learn from: how good they are does not matter here
FEW = 20_000  # rows up to which the Python file takes part: it would take minutes for more


def main() -> None:
    """Write the rows, train and export here, then measure inside H2O's own environment."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000], help="rows of the files")
    arguments.add_argument("--hidden", type=int, nargs="+", default=[20, 20], help="units of the layers")
    arguments.add_argument("--repeat", type=int, default=3, help="turns of each; the fastest counts (default 3)")
    arguments.add_argument("--memory", default="2g", help="memory for H2O's server (default 2g)")
    arguments.add_argument("--h2o", type=Path, help="a Python that has the package h2o")
    arguments.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.inside:
        print(json.dumps(measure(given.inside, given.rows, given.hidden, given.repeat, given.memory), indent=2))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), given.rows, given.hidden)
        python = given.h2o or h2o_reference.environment()
        subprocess.run([python, __file__, "--inside", folder, *sys.argv[1:]], check=True)


def prepare(folder: Path, counts: list[int], hidden: list[int]) -> None:
    """Write the files, train a network on the first one's rows, export and compile it."""
    import daskdl as h2o
    from daskdl.estimators import H2ODeepLearningEstimator

    rng = np.random.default_rng(1)
    for count in [TRAINED, *counts]:
        numbers = rng.normal(0.0, 30.0, (count, COLUMNS))
        header = ",".join([*(f"c{k}" for k in range(COLUMNS)), "class"])
        with (folder / f"{count}.csv").open("w", encoding="ascii") as file:
            file.write(header + "\n")
            for row, sum_ in zip(numbers, numbers[:, :9].sum(axis=1), strict=True):
                file.write(",".join([*(f"{one:.4f}" for one in row), f"k{int(abs(sum_)) % CLASSES}"]) + "\n")
    h2o.init(verbose=False)
    h2o.no_progress()
    model = H2ODeepLearningEstimator(hidden=hidden, epochs=1, seed=1, model_id="scorer")
    model.train(y="class", training_frame=h2o.import_file(str(folder / f"{TRAINED}.csv")))
    model.export_numpy(folder / "scorer.py")
    subprocess.run(["javac", model.export_java(folder)], check=True)
    h2o.cluster().shutdown()


def measure(folder: Path, counts: list[int], hidden: list[int], repeat: int, memory: str) -> dict[str, object]:
    """Start H2O, train a network of the same shape, let all take turns, shut H2O down."""
    import h2o
    from h2o.estimators import H2ODeepLearningEstimator

    found: dict[str, object] = {"machine": machine.notes("h2o", "numpy"), "columns": COLUMNS, "hidden": hidden}
    h2o.init(nthreads=-1, ip="127.0.0.1", bind_to_localhost=True, max_mem_size=memory, strict_version_check=False)
    h2o.no_progress()
    try:
        model = H2ODeepLearningEstimator(hidden=hidden, epochs=1, seed=1)
        model.train(y="class", training_frame=h2o.import_file(str(folder / f"{TRAINED}.csv")))
        found["rows"] = {str(count): turns(h2o, model, folder, count, repeat) for count in counts}
    finally:
        h2o.cluster().shutdown()
    return found


def turns(h2o, model, folder: Path, count: int, repeat: int) -> dict[str, object]:
    """Rows per second of everybody for a file of `count` rows, and how many times H2O's two ways the others are."""
    path = folder / f"{count}.csv"
    held = h2o.import_file(str(path))

    def whole() -> None:
        h2o.export_file(model.predict(h2o.import_file(str(path))), str(folder / "theirs.csv"), force=True)

    ways: dict[str, Callable[[], object]] = {
        "java": lambda: shell(["java", "-cp", str(folder), "scorer"], path, folder / "java.csv"),
        "python": lambda: shell([sys.executable, str(folder / "scorer.py")], path, folder / "python.csv"),
        "h2o_predict": lambda: model.predict(held),
        "h2o_file_to_file": whole,
    }
    if count > FEW:
        del ways["python"]
    best = dict.fromkeys(ways, 0.0)
    for _ in range(repeat):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            best[name] = max(best[name], count / (time.perf_counter() - started))
    ratios = {
        f"{ours}_times_{theirs}": round(best[ours] / best[theirs], 2)
        for ours in best.keys() & {"java", "python"}
        for theirs in ("h2o_predict", "h2o_file_to_file")
    }
    return {"megabytes": round(path.stat().st_size / 1e6, 1), **{k: round(v) for k, v in best.items()}, **ratios}


def shell(command: list[str], rows: Path, predictions: Path) -> None:
    """Run a command with a file as its input and a file as its output."""
    with rows.open("rb") as source, predictions.open("wb") as target:
        subprocess.run(command, stdin=source, stdout=target, check=True)


if __name__ == "__main__":
    main()
