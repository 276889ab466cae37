"""Plans: what a layout and parameters make of a job's rounds."""

from daskdl.network.layout import Layout
from daskdl.parameters import Facts, Parameters, resolve
from daskdl.training.plans import training_plan


def test_rounds_do_not_shrink_with_the_number_of_levels():
    facts = Facts(rows=200_000, response="y", predictors=("c", "x"))
    resolved = resolve(Parameters(epochs=5, seed=1), facts)
    few, many = (
        training_plan(
            resolved, Layout(levels, 1, (200, 200), 1), 1, rows=[200_000], validated=False, workers={"a": 2}
        ).per_round
        for levels in (100, 70_000)
    )
    assert few == many == 100_000


def test_where_rows_lie_on_disks_all_workers_train_from_the_first_round():
    facts = Facts(rows=500_000, response="y", predictors=("c", "x"), workers=2)
    resolved = resolve(Parameters(seed=1), facts)
    arguments = (resolved, Layout(0, 2, (8,), 1), 0)
    workers = {"a": 1, "b": 1}

    plans = [
        training_plan(*arguments, rows=[500_000], validated=False, workers=workers, budget=1, stored=stored)
        for stored in (False, True)
    ]

    assert [plan.workers_at(0) for plan in plans] == [1, None]
    assert [plan.budget for plan in plans] == [1, None]
