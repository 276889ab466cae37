"""Test error after k epochs on 1 to 16 threads and on 1 to 8 workers: what parallel work costs in accuracy.

    DASKDL_DATA=... python bench/staleness.py [--tables digits adult] [--seeds 3] [--workers 1 4] [--json FILE]
    python bench/staleness.py --processes 12       so many tables and seeds at a time, each in a process of one thread
    python bench/staleness.py --cluster            two real workers beside two simulated ones

Threads must end with the same bits. Workers train on shares that are averaged round by round: their errors stand beside
those of one worker, all parameters at their defaults. They are simulated in one process (bench/simulation.py), which
runs the same coordinator and kernels on the same rows.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import data
import machine
import mnist
import numpy as np
import ours
from simulation import Bench, Simulation

import daskdl as h2o
from daskdl.parameters import Parameters
from daskdl.worker.trainer import Portion, RoundShare, train_share

THREADS = (1, 2, 4, 8, 16)
WORKERS = (1, 2, 4, 8)
GENERATED_ROWS, GENERATED_TEST, GENERATED_COLUMNS = 1_000_000, 50_000, 20
ALIKE = 20_000  # samples that are trained on each number of threads
BOUND = 1.1  # times the error of one worker


class Table(NamedTuple):
    """A table of the bench: how its frames are made, its response, what is measured over how many epochs."""

    name: str
    epochs: float
    measure: str
    response: str
    frames: Callable[[], tuple[Any, Any]]


def digits() -> tuple[Any, Any]:
    """Make frames of the 60,000 and 10,000 digits."""
    found = mnist.load()
    return ours.frame(found.train_x, found.train_y), ours.frame(found.test_x, found.test_y)


def fetched(name: str, response: str, classes: bool) -> Callable[[], tuple[Any, Any]]:
    """Return what imports a table of bench/data.py and cuts a quarter off as test rows."""

    def make() -> tuple[Any, Any]:
        frame = h2o.import_file(str(data.path_of(name)))
        if classes:
            frame[response] = frame[response].asfactor()
        train, test = frame.split_frame([0.75], seed=20)
        return train, test

    return make


def generated() -> tuple[Any, Any]:
    """Make a million rows of twenty numbers, two classes: a curved border, and one label in twenty wrong."""
    random = np.random.default_rng(1)
    x = random.normal(size=(GENERATED_ROWS + GENERATED_TEST, GENERATED_COLUMNS)).astype(np.float32)
    border = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + np.abs(x[:, 3]) - 0.5 * x[:, 4] ** 2 + 0.3 * x[:, 5:].sum(axis=1)
    label = ((border > 0) ^ (random.random(len(x)) < 0.05)).astype(np.uint8)
    cut = GENERATED_ROWS
    return ours.frame(x[:cut], label[:cut]), ours.frame(x[cut:], label[cut:])


TABLES = (
    Table("digits", 3, "error", "digit", digits),
    Table("california", 10, "rmse", "MedHouseVal", fetched("california", "MedHouseVal", classes=False)),
    Table("adult", 5, "error", "income", fetched("adult", "income", classes=True)),
    Table("generated", 1, "error", "digit", generated),
)


def main() -> None:
    """Measure the chosen tables; print them as they are done."""
    given = _arguments()
    if given.cluster:
        _begin()
        print(beside_a_cluster())
        return
    chosen = [table for table in TABLES if table.name in given.tables]
    for table in chosen:
        if why := lacking(table.name):
            print(why)
    chosen = [table for table in chosen if not lacking(table.name)]
    found: dict[str, Any] = {"machine": machine.notes("daskdl", "numba"), "tables": {}}
    seeds = range(1, given.seeds + 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.processes, context, initializer=_begin) as pool:
        begun = {
            table.name: [pool.submit(measure, table.name, seed, given) for seed in seeds]
            for table in reversed(chosen)  # the longest first
        }
        for table in chosen:
            found["tables"][table.name] = together([one.result() for one in begun[table.name]])
            print(shown(table, found["tables"][table.name]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _begin() -> None:
    h2o.init(verbose=False)
    h2o.no_progress()


def _arguments() -> argparse.Namespace:
    names = [table.name for table in TABLES]
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tables", nargs="+", choices=names, default=names)
    arguments.add_argument("--seeds", type=int, default=3, help="how many (default 3)")
    arguments.add_argument("--workers", type=int, nargs="+", default=WORKERS, help="default 1 2 4 8")
    arguments.add_argument("--epochs", type=float, help="instead of those of the table")
    arguments.add_argument("--parameters", type=json.loads, default={}, help='others, as JSON: {"hidden": [50]}')
    arguments.add_argument("--cluster", action="store_true", help="compare the simulation with two real workers")
    arguments.add_argument("--processes", type=int, default=1, help="trainings at a time (default 1, of two threads)")
    arguments.add_argument("--json", type=Path, help="write the results here as well")
    return arguments.parse_args()


def lacking(name: str) -> str | None:
    """Say why a table cannot be measured here; None when it can."""
    if name == "digits" and mnist.folder() is None:
        return "digits are left out: DASKDL_DATA must name a folder with mnist/"
    if name in [table.name for table in data.TABLES] and not data.path_of(name).exists():
        return f"{name} is left out: its table is not here; run bench/data.py {name}"
    return None


def measure(name: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train with one seed, once per number of workers; `errors` are by workers and epoch."""
    table = next(one for one in TABLES if one.name == name)
    train, test = table.frames()
    parameters = Parameters(epochs=given.epochs or table.epochs, seed=seed, **given.parameters)
    bench = Bench.of(parameters, train, test, table.response)
    threads = 1 if given.processes > 1 else min(2, os.cpu_count() or 1)
    runs = {workers: Simulation(bench, workers, real_threads=threads).run() for workers in given.workers}
    return {
        "threads_alike": seed > 1 or alike(bench),
        "rounds": {workers: len(run.rounds) for workers, run in runs.items()},
        "errors": {workers: run.errors for workers, run in runs.items()},
    }


def together(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the seeds of a table together: `errors[workers][epoch]` are lists by seed."""
    first = found[0]
    return {
        "threads_alike": all(one["threads_alike"] for one in found),
        "rounds": first["rounds"],
        "errors": {
            workers: {epoch: [one["errors"][workers][epoch] for one in found] for epoch in by_epoch}
            for workers, by_epoch in first["errors"].items()
        },
    }


def alike(bench: Bench) -> bool:
    """Train one share on every number of threads and compare the bits."""
    design = bench.train[0]
    share = RoundShare((Portion(0, 0, min(ALIKE, design.rows), design, np.arange(design.rows)),), begin=0, pace=1.0)
    ends = {
        hashlib.sha256(train_share(bench.ready.state, share, bench.ready.job.plan, threads).state.weights).hexdigest()
        for threads in THREADS
    }
    return len(ends) == 1


def shown(table: Table, found: dict[str, Any]) -> str:
    """Lay out one table: a line per number of workers, means over the seeds and their ratio to one worker."""
    errors, threads = found["errors"], ", ".join(map(str, THREADS))
    epochs = sorted(next(iter(errors.values())))
    kept = sorted({epochs[0], epochs[len(epochs) // 2], epochs[-1]})
    lines = [
        f"{table.name}: {table.measure} on test rows; {threads} threads: "
        + ("the same bits" if found["threads_alike"] else "DIFFERENT BITS"),
        "",
        "| workers | rounds |" + "".join(f" {k} epochs |" for k in kept) + " against one worker |",
        "|---" * (3 + len(kept)) + "|",
    ]
    for workers, by_epoch in errors.items():
        means = [statistics.mean(by_epoch[k]) for k in kept]
        ratio = ""
        if 1 in errors:
            worst = max(statistics.mean(by_epoch[k]) / statistics.mean(errors[1][k]) for k in kept)
            last = means[-1] / statistics.mean(errors[1][kept[-1]])
            ratio = f"{last:.2f} at the end, {worst:.2f} at most" + ("" if worst <= BOUND else f" (above {BOUND})")
        spread = [statistics.stdev(by_epoch[k]) if len(by_epoch[k]) > 1 else 0.0 for k in kept]
        cells = "".join(f" {mean:.4f} ± {sd:.4f} |" for mean, sd in zip(means, spread, strict=True))
        lines.append(f"| {workers} | {found['rounds'][workers]} |{cells} {ratio} |")
    return "\n".join(lines) + "\n"


def beside_a_cluster() -> str:
    """Train one epoch of the digits on two real workers and on two simulated ones, both from the first round."""
    from dask.distributed import LocalCluster

    from daskdl.estimators import H2ODeepLearningEstimator

    seeds, told = (1, 2, 3), []
    train, test = digits()
    told.append(
        [
            Simulation(Bench.of(Parameters(epochs=1, seed=s, widen_after=0), train, test, "digit"), 2).run().errors[1]
            for s in seeds
        ]
    )
    h2o.cluster().shutdown()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        h2o.connect(url=cluster.scheduler_address, verbose=False)
        train, test = digits()
        told.append([])
        for seed in seeds:
            model = H2ODeepLearningEstimator(epochs=1, seed=seed, widen_after=0, overwrite_with_best_model=False)
            model.train(x=train.names[:-1], y="digit", training_frame=train)
            found = model.model_performance(test).hit_ratio_table().cell_values[0][1]
            told[-1].append(1 - float(found))
        h2o.cluster().shutdown()
    simulated, real = (f"{statistics.mean(one):.4f} ± {statistics.stdev(one):.4f}" for one in told)
    return f"digits, one epoch, two workers, three seeds: simulated {simulated}, real {real}"


if __name__ == "__main__":
    main()
