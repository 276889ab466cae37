"""Threads that share panels: layers divided by units leave the bits of panels that one thread takes whole."""

from dataclasses import replace

import numpy as np
import pytest

from daskdl.encoding.decoded import DecodedBlock, Design
from daskdl.kernels import items
from daskdl.kernels.activations.maxout import Maxout
from daskdl.kernels.activations.tanh import Tanh
from daskdl.kernels.distributions.gaussian import Gaussian
from daskdl.kernels.distributions.multinomial import Multinomial
from daskdl.kernels.optimizers.adadelta import Adadelta
from daskdl.kernels.views import make_view
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.worker import threads
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.trainer import Portion, RoundShare, train_share

ROWS, NUMBERS, LEVELS = 150, 30, 7
CLASSES = Layout(levels=LEVELS, numbers=NUMBERS, hidden=(40, 24), outputs=40)  # more outputs than one part has
PLANS = {
    "classes": Plan(CLASSES, Tanh(), Multinomial(), Adadelta(), seed=3, input_dropout=0.1, hidden_dropout=(0.3, 0.2)),
    "pieces": Plan(replace(CLASSES, pieces=2, outputs=3), Maxout(), Multinomial(), Adadelta(), seed=3, max_w2=2.0),
    "autoencoder": Plan(
        replace(CLASSES, outputs=LEVELS + NUMBERS), Tanh(), Gaussian(), Adadelta(), seed=3, autoencoder=True,
        sparsity_beta=0.1,
    ),
    "batches": Plan(CLASSES, Tanh(), Multinomial(), Adadelta(), seed=3, batch=8, fast_mode=False),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _always_divided(monkeypatch):
    monkeypatch.setattr(threads, "THREAD_WORK", 1)
    monkeypatch.setattr(items, "PHASE_WORK", 0)


def trained(plan: Plan, crew: int):
    random = np.random.default_rng(5)
    numbers = random.normal(size=(ROWS, NUMBERS)).astype(np.float32)
    levels = random.integers(-1, LEVELS, (ROWS, 1)).astype(np.int32)
    target = random.integers(0, 3, ROWS).astype(float)
    scale, zero, none = np.ones(NUMBERS), np.zeros(NUMBERS), np.full(NUMBERS, np.nan)
    block = DecodedBlock(numbers, np.arange(NUMBERS), scale, zero, none, zero)
    weight = random.integers(0, 3, ROWS).astype(float)  # some rows do not train
    design = Design(ROWS, NUMBERS, (block,), levels, target, weight, np.zeros(ROWS), 1.0, np.ones(ROWS, bool))
    share = RoundShare((Portion(0, 0, 2 * ROWS, design, np.arange(ROWS)),), begin=0, pace=1.0)
    return train_share(initialise(plan.layout, FirstWeights(), seed=2), share, plan, crew)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_threads_that_share_panels_end_with_the_bits_of_one_thread(plan):
    first = trained(plan, 1)
    assert np.isfinite(first.state.weights).all()
    for crew in (3, 16):
        other = trained(plan, crew)
        assert other.samples == first.samples
        for ours, theirs in zip(first.state, other.state, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("crew", [3, 7, 16])
def test_every_unit_of_every_panel_is_added_up_once_and_moved_once(crew):
    state = initialise(CLASSES, FirstWeights(), seed=1)
    network = CLASSES.network(state)
    view = make_view(network, columns=1, rows=32, batch=1, threads=crew)
    assert len(view.boards)  # so it is divided
    last = len(network.units) - 1
    found: dict[tuple[int, int, int], list[int]] = {}
    for _, _, step, stop, place, begin, end in view.items:
        for one in range(step, max(stop, step + 1)):
            layer = place if step == items.MOVE else one if one <= last else 2 * last + 1 - one
            panel = 0 if step == items.MOVE else place
            if one not in (0, last + 1):
                units = range(begin, min(end, network.units[layer]))
                found.setdefault((one, layer, panel), []).extend(units)
    expected = [(step, step if step <= last else 2 * last + 1 - step, p) for step in (1, 2, 3, 5, 6) for p in (0, 1)]
    expected += [(items.MOVE, layer, 0) for layer in (1, 2, 3)]
    assert sorted(found) == sorted(expected)
    for (_, layer, _), units in found.items():
        assert sorted(units) == list(range(network.units[layer]))


def test_a_small_network_is_not_divided(monkeypatch):
    monkeypatch.setattr(items, "PHASE_WORK", 8_000)
    network = CLASSES.network(initialise(CLASSES, FirstWeights(), seed=1))
    assert not len(make_view(network, columns=1, rows=32, batch=1, threads=16).boards)
