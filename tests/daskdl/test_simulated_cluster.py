"""Clusters on paper: the real coordinator with hundreds of workers, stragglers and deaths, in seconds."""

import math
import sys

import pytest

ROWS = 20_000_000


@pytest.fixture(scope="module")
def bench(root):
    """The modules of bench/ that simulate."""
    sys.path.insert(0, str(root / "bench"))
    import scaling
    import simulated_cluster

    yield scaling, simulated_cluster
    sys.path.remove(str(root / "bench"))


def run(bench, workers, rows=ROWS, threads=4, **mishaps):
    scaling, simulated = bench
    plan = scaling.plan_of(rows, workers, threads)
    costs = simulated.Costs(sample=1 / 4200)
    cluster = simulated.SimulatedCluster(plan, workers, threads, costs=costs, mishaps=simulated.Mishaps(**mishaps))
    return cluster.run()


@pytest.mark.parametrize("workers", [1, 8, 64, 300])
def test_every_sample_is_trained_once_whoever_dies_or_is_slow(bench, workers):
    outcome = run(bench, workers, slow=0.02, lifetime=400.0)
    assert outcome.samples == outcome.due == ROWS
    assert outcome.finish == "epochs"
    assert outcome.deaths > 0


def test_more_workers_end_sooner(bench):
    seconds = [run(bench, workers).seconds for workers in (1, 8, 64)]
    assert seconds[0] > 5 * seconds[1] > 5 * seconds[2]


def test_workers_that_are_alike_spend_most_of_their_time_in_training(bench):
    assert run(bench, 8, spread=0.0).efficiency > 0.9


def test_a_worker_that_dies_costs_at_most_its_shares(bench):
    calm, stormy = run(bench, 8), run(bench, 8, lifetime=200.0)
    assert stormy.repeated <= stormy.deaths + stormy.rounds
    assert stormy.seconds < calm.seconds + stormy.deaths * (60 + 2 * calm.seconds / calm.rounds) + 60


def test_the_same_seed_gives_the_same_run_and_no_real_time_passes(bench):
    one, two = (run(bench, 8, slow=0.05, lifetime=300.0) for _ in "ab")
    assert (one.seconds, one.rounds, one.deaths) == (two.seconds, two.rounds, two.deaths)
    assert one.thinking < one.seconds
    assert math.isfinite(one.seconds)


def test_averages_of_many_shares_are_trees(bench):
    costs = bench[1].Costs(message=0.0, task=0.0)
    assert costs.average(8) < costs.average(64) < costs.average(512) < 4 * costs.average(8)
