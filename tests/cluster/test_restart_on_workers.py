"""Training that goes on from a checkpoint on two worker processes, whoever trained before."""

import numpy as np
import pytest

from daskdl.model import checkpoint
from daskdl.parameters import Parameters
from daskdl.training.train import train

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

NET = {"hidden": [12], "seed": 3, "stopping_rounds": 0}


def test_a_reproducible_restart_has_the_bits_of_one_long_training(two_workers, rings, tmp_path):
    how = Parameters(epochs=4, reproducible=True, **NET)
    whole = train(how, rings, y="y")
    alone = train(how.replace(epochs=2, single_node_mode=True), rings, y="y")
    saved = checkpoint.load(checkpoint.save(alone, tmp_path / "alone"))
    on_two = train(how.replace(checkpoint=saved), rings, y="y")
    assert on_two.notes["workers"] == 2
    np.testing.assert_array_equal(on_two.state.weights, whole.state.weights)


def test_elastic_averaging_goes_on_from_its_consensus(two_workers, rings):
    rings["size"] = rings["a"].abs()  # a regression: its kernels are those of other tests, too
    how = Parameters(epochs=3, elastic_averaging=True, train_samples_per_iteration=2000, **NET)
    old = train(how, rings, y="size")
    new = train(how.replace(epochs=9, checkpoint=old), rings, y="size")
    assert (old.samples, new.samples) == (3 * 4000, 9 * 4000)
    assert new.training_metrics.mse() < old.training_metrics.mse()
