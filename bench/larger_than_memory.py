"""A table that is larger than the workers' memory, through all that is done with a table, with their memory seen.

    python bench/larger_than_memory.py [--rows 10000000] [--limit 500MB] [--ample 8GB] [--form csv] [--storage disk]
                                         [--hidden 200-200]

Two worker processes of one thread, each watched by a nanny that kills it at 95 % of its limit and pauses it at 80 %.
The table is `columns` random doubles and a class that depends on two of them. Printed are, per step: seconds, the most
that a worker process held (resident, seen every 20 ms), how long workers were paused, and the seconds of processors
that this process (the scheduler is in it) and the workers worked; with `--ample` the seconds of the same job on workers
of so much memory, in the same run.
"""

import argparse
import contextlib
import io
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import distributed
import machine
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

PIECE = 500_000  # rows that are made at a time
MODELS: dict[str, dict] = {"online": {}, "batches": {"mini_batch_size": 32}}
LOOK = 0.02  # seconds between looks at the workers


@dataclass
class Step:
    """What one step took: seconds, the most bytes that a worker held, seconds that workers were paused, and those of
    processors that all processes worked."""

    name: str
    seconds: float = 0.0
    peak: int = 0
    paused: float = 0.0
    worked: float = 0.0


@dataclass
class Watch:
    """The worker processes of a local cluster, looked at in a thread; processes that nannies had to start anew."""

    cluster: distributed.LocalCluster
    steps: list[Step] = field(default_factory=list)
    processes: set[int] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until it is over."""
        last = time.perf_counter()
        while not self.over.wait(LOOK):
            now = time.perf_counter()
            step = self.steps[-1] if self.steps else Step("")
            for nanny in self.cluster.workers.values():
                with contextlib.suppress(psutil.Error):
                    if nanny.pid:
                        self.processes.add(nanny.pid)
                        step.peak = max(step.peak, psutil.Process(nanny.pid).memory_info().rss)
            states = [worker.status.name for worker in list(self.cluster.scheduler.workers.values())]
            step.paused += (now - last) * states.count("paused")
            last = now

    def processors(self) -> float:
        """Return the seconds of processors that this process and the workers have worked so far."""
        total = 0.0
        for pid in (None, *(nanny.pid for nanny in self.cluster.workers.values() if nanny.pid)):
            with contextlib.suppress(psutil.Error):
                total += sum(psutil.Process(pid).cpu_times()[:2])
        return total

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        self.steps.append(Step(name))
        own, started, worked = self.steps[-1], time.perf_counter(), self.processors()
        with contextlib.redirect_stdout(io.StringIO()):
            yield
        own.seconds, own.worked = time.perf_counter() - started, self.processors() - worked
        about = f"{own.seconds:.1f} s, of processors {own.worked:.1f} s, {own.peak / 1e6:.0f} MB"
        print(f"  {name}: {about}, paused {own.paused:.1f} s", flush=True)


@contextlib.contextmanager
def watched(workers: int, limit: str, folder: Path) -> Iterator[Watch]:
    """Start workers of so much memory each, and look at them."""
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=limit,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            local_directory=str(folder),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        watch = Watch(cluster)
        thread = threading.Thread(target=watch.run)
        thread.start()
        try:
            h2o.init(client=client, verbose=False)
            h2o.no_progress()
            yield watch
            h2o.remove_all()
        finally:
            watch.over.set()
            thread.join()


def write_table(path: Path, rows: int, columns: int, form: str) -> Path:
    """Write the table a piece at a time."""
    rng = np.random.default_rng(1)
    names = [f"x{i}" for i in range(columns)] + ["y"]
    path = path / f"table.{form}"
    writer = None
    for first in range(0, rows, PIECE):
        numbers = rng.random((columns, min(PIECE, rows - first)))
        classes = (numbers[0] + numbers[1] + 0.2 * rng.standard_normal(numbers.shape[1]) > 1.0).astype(np.int8)
        table = pa.table([*numbers, classes], names=names)
        if writer is None:
            kind = pq.ParquetWriter if form == "parquet" else pa_csv.CSVWriter
            writer = kind(str(path), table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path


def compile_kernels() -> None:
    """Compile what the trainings need, once per machine: that takes 170 MB more than a worker of 500 MB has."""
    h2o.init(verbose=False)
    h2o.no_progress()
    rng = np.random.default_rng(1)
    halves = rng.random(100).astype(np.float32)  # numbers as training reads them from disks
    table = {"x0": rng.random(100), "x1": rng.random(100), "x2": halves, "y": ["a", "b"] * 50}
    for options in MODELS.values():
        H2ODeepLearningEstimator(hidden=[2], epochs=1, **options).train(y="y", training_frame=h2o.H2OFrame(table))
    h2o.remove_all()


def scenario(watch: Watch, path: Path, folder: Path, given: argparse.Namespace) -> None:
    """Do with the table all that is asked, step by step."""
    step = watch.step
    with step("import"):
        frame = h2o.import_file(str(path), storage=given.storage)
    with step("describe"):
        frame.describe()
    with step("quantiles"):
        frame.quantile()
    with step("asfactor"):
        frame["y"] = frame["y"].asfactor()
    with step("split"):
        train, test = frame.split_frame([0.8], seed=1)
        distributed.wait([chunk for part in (train, test) for chunks in part.placement().parts for chunk in chunks])
    models = {}
    for name, options in MODELS.items():
        model = H2ODeepLearningEstimator(hidden=given.hidden, epochs=given.epochs, seed=1, **options)
        with step(f"train, {name}"):
            model.train(y="y", training_frame=train)
        models[name] = model
    with step("score"):
        performance = models["online"].model_performance(test)
    with step("predict"):
        predictions = models["online"].predict(test)
    with step("export"):
        h2o.export_file(predictions, str(folder / "predictions"), format="parquet", parts=-1)
    with step("save"):
        frame.save(str(folder / "saved"))
    with step("load, train"):
        opened = h2o.load_frame("opened", str(folder / "saved"))
        again = H2ODeepLearningEstimator(hidden=given.hidden, epochs=given.epochs, seed=1)
        again.train(y="y", training_frame=opened)
    print(f"  AUC {performance.auc():.4f}, {predictions.nrow:,} predictions")


def measured(given: argparse.Namespace, limit: str, path: Path, folder: Path) -> tuple[list[Step], int]:
    """Run the scenario on workers of so much memory; the steps, and how many workers were killed."""
    home = folder / f"work-{limit}"
    home.mkdir()
    print(f"{given.workers} workers of {limit}:", flush=True)
    with watched(given.workers, limit, home / "workers") as watch:
        scenario(watch, path, home, given)
    shutil.rmtree(home)
    return watch.steps, len(watch.processes) - given.workers


def layers(text: str) -> list[int]:
    """Read units of hidden layers, as in 200-200."""
    return [int(units) for units in text.split("-")]


def main() -> None:
    """Write the table, run the scenario, print what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=10_000_000, help="rows of the table (default 10000000)")
    arguments.add_argument("--columns", type=int, default=20, help="columns of doubles (default 20)")
    arguments.add_argument("--limit", default="500MB", help="memory of each worker (default 500MB)")
    arguments.add_argument("--ample", help="memory of each worker in a second run, to compare with")
    arguments.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")
    arguments.add_argument("--form", choices=["parquet", "csv"], default="parquet", help="the file (default parquet)")
    arguments.add_argument("--storage", default="memory", help="memory, disk or source (default memory)")
    arguments.add_argument("--hidden", type=layers, default=[32, 32], help="units of hidden layers (default 32-32)")
    arguments.add_argument("--epochs", type=float, default=1.0, help="passes of each training (default 1)")
    arguments.add_argument("--folder", type=Path, help="where files go meanwhile (default: a temporary folder)")
    given = arguments.parse_args()
    compile_kernels()
    folder = Path(tempfile.mkdtemp(prefix="daskdl-larger-", dir=given.folder))
    try:
        path = write_table(folder, given.rows, given.columns, given.form)
        size = path.stat().st_size / 1e6
        small, killed = measured(given, given.limit, path, folder)
        ample = measured(given, given.ample, path, folder)[0] if given.ample else None
    finally:
        shutil.rmtree(folder)
    show(given, size, small, ample)
    print(f"\nWorkers killed for memory: {killed}.")


def show(given: argparse.Namespace, size: float, small: list[Step], ample: list[Step] | None) -> None:
    """Print a table of the steps."""
    about = machine.notes("dask", "numpy", "numba")
    job = f"{given.form} of {size:,.0f} MB, storage={given.storage!r}, hidden {given.hidden}"
    print(f"\n{given.rows:,} rows, {job}; {about}\n")
    more = f" Seconds at {given.ample} | Speed |" if ample else ""
    print(f"| Step | Seconds at {given.limit} | of processors | Peak MB of a worker | Paused seconds |{more}")
    print("|---|---|---|---|---|" + ("---|---|" if ample else ""))
    for at, one in enumerate(small):
        line = f"| {one.name} | {one.seconds:.1f} | {one.worked:.1f} | {one.peak / 1e6:.0f} | {one.paused:.1f} |"
        if ample:
            line += f" {ample[at].seconds:.1f} | {ample[at].seconds / max(one.seconds, 1e-9):.2f} |"
        print(line)


if __name__ == "__main__":
    main()
