"""Samples per second of both kernels and of other trainers, in one run, with their ratios.

    make bench                                   all of it, some two minutes
    python bench/run.py --rows 20000 --json FILE

The network is 200-200 rectifiers and a softmax of ten on dense standardised pixels: the digits where DASKDL_DATA is
set, made-up ones otherwise. daskdl and the NumPy network use ADADELTA, scikit-learn and PyTorch use Adam.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import machine
import mnist
import numpy as np
import ours
import rivals

import daskdl as h2o

BATCH = rivals.BATCH
KERNELS = (("online", 1, 60_000), (f"batches of {BATCH}", BATCH, 240_000))  # name, batch, samples to train
H2O = Path(__file__).resolve().parent / "results" / "h2o.json"


def main() -> None:
    """Measure, print a table, write JSON where asked."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=60_000, help="rows to train on (default all 60,000)")
    arguments.add_argument("--repeat", type=int, default=3, help="runs of each; the fastest counts (default 3)")
    arguments.add_argument("--json", type=Path, help="write the results here as well")
    given = arguments.parse_args()
    digits = mnist.load()
    found = {
        "machine": machine.notes("daskdl", "numba", "numpy", "scikit-learn", "torch"),
        "real_digits": digits.real,
        "rows": min(given.rows, len(digits.train_y)),
        "samples_per_second": measure(digits.train_x[: given.rows], digits.train_y[: given.rows], given.repeat),
    }
    print(table(found))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def measure(pixels: np.ndarray, labels: np.ndarray, repeat: int) -> dict[str, float]:
    """Best samples per second by name; everybody sees the same rows, without the constant columns.

    All trainers have their turn before any is measured again, so that a busy minute of the machine hits all alike.
    """
    pixels = np.ascontiguousarray(pixels[:, pixels.max(axis=0) > pixels.min(axis=0)])
    dense, design = mnist.standardised(pixels), ours.design(pixels, labels)
    h2o.init(verbose=False)
    h2o.no_progress()
    table = ours.frame(pixels, labels)
    trainers: dict[str, Callable[[], float | None]] = {"NumPy network, online": lambda: rivals.oracle(dense, labels)}
    for name, batch, samples in KERNELS:
        for threads in (1, 2):
            ours.trainer_speed(design, batch, threads, 2_000)  # compiles, or loads what was compiled
            label = f"daskdl, {name}, {_threads(threads)}"
            trainers[label] = partial(ours.trainer_speed, design, batch, threads, samples)
        label = f"daskdl, {name}, all of train()"
        trainers[label] = partial(ours.door_speed, table, batch, samples / len(labels))
    for name, rival in (("scikit-learn", rivals.scikit_learn), ("PyTorch", rivals.pytorch)):
        for threads in (1, 2):
            trainers[f"{name}, batches of {BATCH}, {_threads(threads)}"] = partial(rival, dense, labels, threads)
    best: dict[str, float] = {}
    for _ in range(repeat):
        for name, trainer in trainers.items():
            speed = trainer()
            if speed is not None:
                best[name] = max(speed, best.get(name, 0.0))
    return best


def table(found: dict) -> str:
    """The results as text: speeds, then ratios within this run, then the ratio to H2O as it was once recorded."""
    speeds, notes = found["samples_per_second"], found["machine"]
    lines = [
        f"{notes['processor']}, {notes['cores']} cores, load {notes['load_before']} before the run, {notes['date']}",
        f"{found['rows']:,} rows of {'the real' if found['real_digits'] else 'made-up'} digits",
        "",
        *(f"{name:44s} {speed:>12,.0f} samples/s" for name, speed in speeds.items()),
        "",
        *(f"{name:80s} {ratio:>8.2f} x" for name, ratio in ratios(speeds)),
    ]
    return "\n".join(lines)


def ratios(speeds: dict[str, float]) -> list[tuple[str, float]]:
    """What matters, as factors: the second thread, the rivals at as many threads, H2O's recorded speed."""
    online, batches = "daskdl, online, {}", f"daskdl, batches of {BATCH}, {{}}"
    one, two = _threads(1), _threads(2)
    found = [
        ("online: two threads against one", speeds[online.format(two)] / speeds[online.format(one)]),
        ("batches: two threads against one", speeds[batches.format(two)] / speeds[batches.format(one)]),
        ("online, one thread, against the NumPy network", speeds[online.format(one)] / speeds["NumPy network, online"]),
    ]
    for rival in ("scikit-learn", "PyTorch"):
        for threads in (one, two):
            theirs = speeds.get(f"{rival}, batches of {BATCH}, {threads}")
            if theirs:
                found.append((f"batches, {threads}, against {rival}", speeds[batches.format(threads)] / theirs))
    if H2O.exists():
        recorded = json.loads(H2O.read_text(encoding="utf-8"))
        theirs = float(recorded["digits"]["training_speed_by_its_own_table"].split()[0])
        where = f"H2O (another run, {recorded['machine']['date']}, {recorded['machine']['cores']} cores)"
        found += [
            (f"{name}, {two}, against {where}", speeds[f"daskdl, {name}, {two}"] / theirs) for name, *_ in KERNELS
        ]
    return found


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


if __name__ == "__main__":
    main()
