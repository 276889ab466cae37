"""What 8, 64 and 512 workers would cost: the real coordinator on simulated clusters.

    python bench/scaling.py                 10 million to 10 billion rows, 784-200-200-10, threads as measured
    python bench/scaling.py --rows 1e9 --workers 64 512 --lifetime 3600

What is assumed (time of a sample, of a message, bandwidth) is printed above the table; `docs/scaling.md` says where the
numbers come from.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from simulated_cluster import Costs, Mishaps, Outcome, SimulatedCluster

from daskdl.coordinator.progress import TrainingPlan
from daskdl.coordinator.round_size import AUTO, Machine, ScoringPolicy, Work, samples_per_round
from daskdl.coordinator.stopping import StoppingRule, objective
from daskdl.training.plans import GFLOPS, PIECES

PARTITION = 4_000_000  # rows of a partition, at most
FLOP, NET, INPUTS = 72.0, 199_210, 784  # of 784-200-200-10 with the Rectifier
HEAD = ("workers", "rows", "round", "rounds", "seconds", "M samples/s", "efficiency", "average", "deaths", "again",
        "lost", "coordinator ms/round")  # fmt: skip


def plan_of(rows: int, workers: int, threads: int, epochs: float = 1.0) -> TrainingPlan:
    """Return the plan of a training with H2O's defaults on so many rows and workers."""
    parts = max(workers, math.ceil(rows / PARTITION))
    sizes = tuple(rows // parts + (number < rows % parts) for number in range(parts))
    work = Work(size=NET, inputs=INPUTS, flop=FLOP, rows=rows, epochs=epochs)
    return TrainingPlan(
        rows=sizes,
        category="Regression",
        target=round(epochs * rows),
        per_round=samples_per_round(AUTO, work, Machine(workers, threads, GFLOPS)),
        stopping=StoppingRule(objective("AUTO", "Regression"), rounds=0, regression_stop=-1),
        scoring=ScoringPolicy(),
        resize=0.05 if workers > 1 else None,
        keep_best=False,
        pieces=PIECES if workers > 1 else 1,
    )


def line(outcome: Outcome, workers: int, rows: int) -> tuple[str, ...]:
    """Return one run as cells of the table."""
    rounds = max(1, outcome.rounds)
    return (
        f"{workers}",
        f"{rows:.0e}",
        f"{outcome.per_round / 1e6:.2f} M",
        f"{outcome.rounds}",
        f"{outcome.seconds:,.0f}",
        f"{outcome.samples / outcome.seconds / 1e6:.2f}",
        f"{outcome.efficiency:.0%}",
        f"{outcome.averaging / outcome.seconds:.1%}",
        f"{outcome.deaths}",
        f"{outcome.repeated}",
        f"{outcome.due - outcome.samples}",
        f"{1e3 * outcome.thinking / rounds:.1f}",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e8, 1e9, 1e10])
    parser.add_argument("--workers", type=int, nargs="+", default=[8, 64, 512])
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--samples-per-second", type=float, default=4_200.0, help="of one thread among --threads")
    parser.add_argument("--lifetime", type=float, default=math.inf, help="mean seconds until a worker dies")
    parser.add_argument("--slow", type=float, default=0.01, help="part of the tasks that take five times as long")
    parser.add_argument("--pauses", type=float, default=0.0, help="pauses of five seconds in a second of work")
    parser.add_argument("--laggards", type=float, default=0.0, help="part of the machines that are five times as slow")
    given = parser.parse_args(arguments)
    costs = Costs(sample=1 / given.samples_per_second)
    mishaps = Mishaps(slow=given.slow, lifetime=given.lifetime, pauses=given.pauses, laggards=given.laggards)
    print(costs, mishaps, sep="\n")
    widths = [max(len(name), 9) for name in HEAD]
    print("  ".join(name.rjust(width) for name, width in zip(HEAD, widths, strict=True)))
    for number in map(int, given.rows):
        for workers in given.workers:
            plan = plan_of(number, workers, given.threads)
            outcome = SimulatedCluster(plan, workers, given.threads, costs=costs, mishaps=mishaps).run()
            cells = line(outcome, workers, number)
            print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
