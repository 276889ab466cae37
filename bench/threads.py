"""Samples per second of the trainer on 1 to 16 threads, and of four processes that share the cores; the same bits?

    python bench/threads.py [--threads 1 2 4 8 16] [--scale 1.0] [--repeat 3] [--json FILE]

Rows are decoded before; what is timed is `train_share`, as a worker calls it. The numbers of threads take turns,
medians count. The last row divides the machine's threads among four processes that train side by side, each for itself.
"""

import argparse
import hashlib
import json
import multiprocessing
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import budget
import machine
import ours
from budget import Data

from daskdl.encoding.decoded import Design
from daskdl.kernels.optimizers.adam import Adam

PROCESSES = 4


class Case(NamedTuple):
    """What is trained: its words, the rows, the batch, the network, samples for a second or so of one thread."""

    name: str
    rows: Design
    batch: int
    net: ours.Net
    samples: int


def cases(data: Data) -> list[Case]:
    """Return the rows of the table."""
    adam = ours.Net(name="Rectifier", plan={"optimizer": Adam()})
    made = [Case(name, data.rows, 1, net, 30_000) for name, net, _ in budget.NETS]
    made.append(Case(f"{budget.COLUMNS} columns, one row at a time", data.narrow, 1, ours.PLAIN, 50_000))
    made += [Case(f"digits, batches of {k}", data.rows, k, ours.PLAIN, 50_000) for k in (64, 256, 1024)]
    made.append(Case("digits, batches of 64, Adam", data.rows, 64, adam, 50_000))
    made.append(Case("record network, one row at a time", data.rows, 1, budget.RECORD, 600))
    return made


def main() -> None:
    """Measure every case on every number of threads; print a line as soon as it is known."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    arguments.add_argument("--scale", type=float, default=1.0, help="shortens or lengthens what is trained")
    arguments.add_argument("--repeat", type=int, default=3, help="turns whose median counts")
    arguments.add_argument("--json", type=Path, help="write the results here as well")
    given = arguments.parse_args()
    found: dict[str, Any] = {"machine": machine.notes("daskdl", "numba"), "samples_per_second": {}}
    print("machine:", json.dumps(found["machine"]))
    print("| |" + "".join(f" {n} |" for n in given.threads) + " most against one | bits |")
    print("|---" * (3 + len(given.threads)) + "|")
    for case in cases(Data.load(20_000)):
        speeds, same = measured(case, given.threads, given.scale, given.repeat)
        found["samples_per_second"][case.name] = speeds
        cells = "".join(f" {speed:,.0f} |" for speed in speeds.values())
        most = max(speeds.values()) / speeds[min(speeds)]
        print(f"| {case.name} |{cells} {most:.1f} | {'the same' if same else 'DIFFERENT'} |", flush=True)
    found["processes"] = side_by_side(max(given.threads) // PROCESSES or 1, given.scale)
    print(f"digits, batches of 64, {PROCESSES} processes side by side: {found['processes']:,.0f} samples/s together")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def measured(case: Case, threads: list[int], scale: float, repeat: int) -> tuple[dict[int, float], bool]:
    """Return the median speed by threads, and whether all of them ended with the same weights."""
    samples = max(200, int(case.samples * scale))
    train: Callable[[int], Any] = partial(ours.trained, case.rows, case.batch, samples=samples, net=case.net)
    train(threads[0])  # compiles
    speeds: dict[int, list[float]] = {n: [] for n in threads}
    ends = set()
    for _ in range(repeat):
        for n in threads:
            done = train(n)
            speeds[n].append(done.samples / done.seconds)
            ends.add(hashlib.sha256(done.state.weights).hexdigest())
    return {n: statistics.median(one) for n, one in speeds.items()}, len(ends) == 1


def side_by_side(threads: int, scale: float) -> float:
    """Return the samples per second of all processes together, each with so many threads."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES)
    answers = context.SimpleQueue()
    crew = [context.Process(target=_alone, args=(threads, scale, ready, answers)) for _ in range(PROCESSES)]
    for one in crew:
        one.start()
    speeds = [answers.get() for _ in crew]
    for one in crew:
        one.join()
    return sum(speeds)


def _alone(threads: int, scale: float, ready: Any, answers: Any) -> None:
    rows = Data.load(20_000).rows
    ours.trained(rows, 64, threads, samples=2000)
    ready.wait(300)
    done = ours.trained(rows, 64, threads, samples=int(200_000 * scale))
    answers.put(done.samples / done.seconds)


if __name__ == "__main__":
    main()
