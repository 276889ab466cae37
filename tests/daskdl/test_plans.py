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
