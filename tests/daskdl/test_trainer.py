"""A share is a pure function: orders, windows, threads, chains of tasks and early stops."""

from __future__ import annotations

import gc
import itertools
import os
import resource
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import compiled
import numpy as np
import oracle
import pytest

from daskdl.encoding.decoded import DecodedBlock, Design, empty_window
from daskdl.kernels.activations.rectifier import Rectifier
from daskdl.kernels.activations.tanh import Tanh
from daskdl.kernels.distributions.gaussian import Gaussian
from daskdl.kernels.distributions.multinomial import Multinomial
from daskdl.kernels.optimizers.adadelta import Adadelta
from daskdl.kernels.optimizers.adam import Adam
from daskdl.kernels.optimizers.momentum import Nesterov
from daskdl.kernels.schedules.cosine import WarmupCosine
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.worker import kernel_plan, tail, threads, trainer
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.trainer import (
    Portion,
    RoundShare,
    mixes,
    order,
    stream,
    stretches,
    train_share,
)

LAYOUT = Layout(levels=5, numbers=3, hidden=(8,), outputs=3)
PLAN = Plan(LAYOUT, Tanh(), Multinomial(), Adadelta(0.95, 1e-6), seed=4)
# a combination that the golden vectors compile too; its rate depends on the samples before it
RATE = {"rate": 0.05, "rate_annealing": 1e-4, "ramp": 0.0}
LINEAR = Plan(replace(LAYOUT, outputs=1, slots=1), Tanh(), Gaussian(), Nesterov(**RATE), seed=4, staleness=3)
# one that estimators compile, with Adam and elastic averaging, too
NUMBERS = Plan(replace(LAYOUT, outputs=1), Rectifier(), Gaussian(), Adadelta(0.95, 1e-6), seed=4)


def design(rows: int, seed: int, classes: int = 3, offset_scale: float = 1.0) -> Design:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 3)).astype(np.float32)
    levels = rng.integers(-1, 5, (rows, 1)).astype(np.int32)
    target = ((numbers[:, 0] > 0) + (levels[:, 0] > 2)).astype(float)
    none = np.full(3, np.nan)
    block = DecodedBlock(numbers, np.arange(3), np.ones(3), np.zeros(3), none, np.zeros(3))
    return Design(rows, 3, (block,), levels, target, np.ones(rows), np.zeros(rows), offset_scale, np.ones(rows, bool))


def portion(rows: int, partition: int = 0, start: int = 0, stop: int | None = None) -> Portion:
    return Portion(partition, start, rows if stop is None else stop, design(rows, partition), np.arange(rows))


def share(*portions: Portion, begin: int = 0, pace: float = 1.0) -> RoundShare:
    return RoundShare(portions, begin, pace)


def start(plan: Plan = PLAN):
    return initialise(plan.layout, FirstWeights(), seed=1)


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# --- the stream of rows -----------------------------------------------------------------------------------------------


def test_an_order_is_a_permutation_that_depends_on_seed_partition_and_pass():
    orders = [order(*key, rows=50) for key in itertools.product((1, 2, -1), (0, 1), (0, 1))]
    assert all(sorted(one) == list(range(50)) for one in orders)
    assert len({tuple(one) for one in orders}) == len(orders)
    assert np.array_equal(order(1, 0, 0, 50), orders[0])


def test_an_order_is_the_same_whether_it_was_kept_or_is_drawn_and_nobody_can_change_it(monkeypatch):
    kept = order(4, 0, 0, 70)
    monkeypatch.setattr(trainer, "KEPT_ROWS", 0)
    np.testing.assert_array_equal(order(4, 0, 0, 70), kept)
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1


def test_a_stream_of_all_rows_is_that_of_their_numbers():
    whole = portion(10, partition=1, start=4, stop=27)
    for one, other in zip(stream(whole, seed=5), stream(whole._replace(rows=None), seed=5), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_stream_crosses_passes_and_each_pass_holds_every_row_once():
    rows, identity = stream(portion(10, partition=3, start=4, stop=27), seed=9)
    assert len(rows) == 23
    assert sorted(rows[6:16]) == list(range(10))
    whole = np.concatenate([order(9, 3, number, 10) for number in range(3)])
    np.testing.assert_array_equal(rows, whole[4:27])
    np.testing.assert_array_equal(identity, (3 << 40) + np.arange(4, 27))


def test_a_stream_cut_in_pieces_is_the_same_stream():
    whole = stream(portion(10, start=3, stop=38), seed=2)
    cuts = [3, 9, 10, 25, 38]
    pieces = [stream(portion(10, start=a, stop=b), seed=2) for a, b in itertools.pairwise(cuts)]
    for k in range(2):
        np.testing.assert_array_equal(whole[k], np.concatenate([piece[k] for piece in pieces]))


def test_repeated_rows_of_a_balanced_partition_are_visited_as_often():
    balanced = portion(4)._replace(rows=np.array([0, 1, 1, 1, 3]), stop=10)
    rows, _ = stream(balanced, seed=1)
    assert np.bincount(rows, minlength=4).tolist() == [2, 6, 0, 2]


def test_windows_mix_partitions_and_lose_no_row():
    portions = [portion(40, partition=p) for p in range(3)]
    (mix,) = mixes(share(*portions), seed=5)
    met = list(zip(mix.source.tolist(), mix.row.tolist(), strict=True))
    assert sorted(met) == [(p, r) for p in range(3) for r in range(40)]
    assert len(set(mix.source[:20].tolist())) == 3
    assert len(set(mix.identity.tolist())) == 120


def test_more_partitions_than_are_mixed_at_once_make_several_mixes():
    portions = [portion(5, partition=p) for p in range(20)]
    found = list(mixes(share(*portions), seed=5))
    assert [len(mix.designs) for mix in found] == [7, 7, 6]
    assert sum(len(mix.row) for mix in found) == 100
    assert len(set(np.concatenate([mix.identity for mix in found]).tolist())) == 100


def test_a_window_holds_the_rows_it_should_with_their_weights():
    first, second = portion(6, 0), portion(6, 1)
    weight = np.arange(6.0)
    usable = np.array([True, True, False, True, True, True])
    second = second._replace(design=second.design._replace(weight=weight, usable=usable, offset=weight * 2))
    (mix,) = mixes(share(first, second), seed=5)
    rows = mix.window(2, 9, empty_window(10, first.design), mean_weight=2.0)
    assert len(rows.weight) == 7
    for k, (source, row) in enumerate(zip(mix.source[2:9], mix.row[2:9], strict=True)):
        one = (first, second)[source].design
        np.testing.assert_array_equal(rows.numbers[k], one.blocks[0].data[row])
        np.testing.assert_array_equal(rows.levels[k], one.levels[row])
        assert rows.target[k, 0] == one.target[row]
        assert rows.weight[k] == one.weight[row] * one.usable[row] / 2
        assert rows.offset[k] == one.offset[row]


# --- training ---------------------------------------------------------------------------------------------------------


def test_a_share_is_what_the_oracle_makes_of_its_order(monkeypatch):
    monkeypatch.setattr(kernel_plan, "WINDOW", (100, 100))
    monkeypatch.setattr(tail, "LEAST", 1000)  # without the mean of the last part, which has a test of its own
    plan = replace(LINEAR, staleness=20)
    portions = [portion(300, 0), portion(200, 1, start=5, stop=247)]
    given, state = share(*portions, begin=10_000, pace=20.0), start(LINEAR)
    moved = train_share(state, given, plan, threads=1)
    (mix,) = mixes(given, LINEAR.seed)
    net = oracle.Net([LINEAR.layout.matrix(state.weights, l) for l in (1, 2)], [np.zeros(8), np.zeros(1)])
    for l in (1, 2):
        net.biases[l - 1][:] = LINEAR.layout.bias(state.weights, l)
    rows = [(portions[s].design, r) for s, r in zip(mix.source, mix.row, strict=True)]
    numbers = np.array([d.blocks[0].data[r] for d, r in rows])
    wide = compiled.dense(compiled.rows_of(numbers, levels=[d.levels[r] for d, r in rows]), 5)
    targets = [d.target[r] for d, r in rows]
    options = oracle.Options(activation="tanh", rate=0.05, rate_annealing=1e-4, clock="start", view=20)
    step = plan.rows_per_window(len(rows))
    for low in range(0, len(rows), step):  # a window has the rate of all samples, of all workers, before it
        net.samples = 10_000 + 20 * low
        net = oracle.train(net, wide, targets, range(low, min(low + step, len(rows))), options)
    assert moved.samples == 542
    for l in (1, 2):
        np.testing.assert_allclose(LINEAR.layout.matrix(moved.state.weights, l), net.weights[l - 1], atol=5e-5)


@pytest.mark.parametrize("batch", [1, 8, 50])
def test_a_share_has_the_same_bits_for_any_number_of_threads_and_leaves_its_state_alone(batch, monkeypatch):
    monkeypatch.setattr(threads, "THREAD_WORK", 1)  # so that a small network gets as many as are asked for
    monkeypatch.setattr(kernel_plan, "WINDOW", (64, 200))
    plan, state = replace(PLAN, batch=batch, hidden_dropout=(0.2,), max_w2=0.9, l2=1e-4), start()
    before, given = state.copy(), share(portion(700, 0), portion(500, 1, 100, 900))
    first = train_share(state, given, plan, threads=1)
    for count in (2, 4, 16):
        second = train_share(state, given, plan, threads=count)
        assert same(first.state, second.state)
    assert same(state, before)
    assert not np.array_equal(first.state.weights, state.weights)
    assert not any(np.shares_memory(a, b) for a, b in zip(first.state, state, strict=True))
    assert first.samples == 700 + 800


def accuracy(weights: np.ndarray, rows: int = 500) -> float:
    test = design(rows, seed=77)
    wide = compiled.dense(compiled.rows_of(test.blocks[0].data, levels=test.levels), 5)
    layers = [LAYOUT.matrix(weights, l).astype(float) for l in (1, 2)]
    net = oracle.Net(layers, [LAYOUT.bias(weights, l).astype(float) for l in (1, 2)])
    p = oracle.predict(net, wide, oracle.Options(activation="tanh", loss="crossentropy"))
    return float((p.argmax(axis=1) == test.target).mean())


@pytest.mark.parametrize(("staleness", "batch"), [(1, 1), (32, 1), (64, 1), (32, 16)])
def test_every_way_of_training_learns_the_classes(staleness, batch):
    plan = replace(PLAN, staleness=staleness, batch=batch)
    given = share(*[portion(1500, p, 0, 6000) for p in range(2)])
    moved = train_share(start(), given, plan, threads=2)
    assert moved.samples == 12_000
    assert accuracy(start().weights) < 0.6
    assert accuracy(moved.state.weights) > 0.93


def test_stopping_ends_early_and_counts_what_was_trained(monkeypatch):
    monkeypatch.setattr(kernel_plan, "WINDOW", (256, 256))
    monkeypatch.setattr(threads, "THREAD_WORK", 1)
    given = share(portion(2000, 0, 0, 4000))
    for count in (1, 3):
        asked = iter([False, False, True])
        part = train_share(start(), given, PLAN, threads=count, stopped=lambda asked=asked: next(asked, True))
        assert part.samples == 512  # two windows
        assert not np.array_equal(part.state.weights, start().weights)
        none = train_share(start(), given, PLAN, threads=count, stopped=lambda: True)
        assert none.samples == 0
        assert same(none.state, start())


def test_stopping_between_mixes_leaves_the_rest_out():
    given = share(*[portion(20, p) for p in range(10)])
    asked = iter([False, True])
    part = train_share(start(), given, PLAN, threads=1, stopped=lambda: next(asked, True))
    assert part.samples == 100


def test_a_share_of_very_many_samples_is_cut_into_stretches_that_lose_none(monkeypatch):
    given = share(portion(30, 0, 5, 4005), portion(20, 1, 0, 999), begin=100, pace=2.0)
    (whole,) = stretches(given)
    assert whole is given
    monkeypatch.setattr(trainer, "STRETCH", 1000)
    found = list(stretches(given))
    assert len(found) == 5
    for partition in (0, 1):
        own = [one.portions[partition] for one in found]
        assert (own[0].start, own[-1].stop) == (given.portions[partition].start, given.portions[partition].stop)
        assert all(a.stop == b.start for a, b in itertools.pairwise(own))
    sizes = [sum(p.stop - p.start for p in one.portions) for one in found]
    assert max(sizes) <= 1001
    assert [one.begin for one in found] == [100 + 2 * sum(sizes[:k]) for k in range(5)]
    moved = train_share(start(), given, PLAN, threads=1)
    assert moved.samples == 4999


def test_a_share_without_rows_gives_the_state_back():
    moved = train_share(start(), share(portion(5, start=3, stop=3)), PLAN, threads=2)
    assert moved.samples == 0
    assert same(moved.state, start())


def test_rows_that_cannot_train_do_not_move_the_network():
    given = portion(50)
    target = given.design.target.copy()
    target[:25] = np.nan
    given = given._replace(design=given.design._replace(target=target, usable=~np.isnan(target)))
    for batch in (1, 8):
        moved = train_share(start(), share(given), replace(PLAN, batch=batch), threads=1)
        assert np.isfinite(moved.state.weights).all()
    nothing = given.design._replace(target=np.full(50, np.nan), usable=np.zeros(50, bool))
    moved = train_share(start(), share(given._replace(design=nothing)), PLAN, threads=1)
    assert same(moved.state, start())


def test_the_size_of_a_window_does_not_depend_on_the_batch_beyond_whole_batches(monkeypatch):
    """Batches never straddle windows: a batch of 100 makes windows of 300."""
    monkeypatch.setattr(kernel_plan, "WINDOW", (256, 256))
    given, plan = share(portion(900)), replace(PLAN, batch=100)
    whole = train_share(start(), given, plan, threads=1)
    asked = iter([False, True])
    part = train_share(start(), given, plan, threads=1, stopped=lambda: next(asked, True))
    assert part.samples == 300
    assert whole.samples == 900


def test_only_plain_gradient_steps_are_stateless():
    assert not PLAN.settings.stateless
    assert LINEAR.settings.stateless
    assert not replace(LINEAR, l1=1e-5).settings.stateless
    assert not replace(LINEAR, elastic=1e-3).settings.stateless
    assert not replace(LINEAR, optimizer=Nesterov(**RATE, stable=0.9)).settings.stateless


@pytest.mark.parametrize("batch", [1, 16])
def test_a_share_cut_into_a_chain_of_tasks_is_the_same_share(batch, monkeypatch):
    """ADADELTA asks no clock, one partition is not shuffled: then the cuts leave no trace, not even in the last bit."""
    monkeypatch.setattr(tail, "LEAST", 1000)  # a chain takes the mean of the last part of each link
    plan = replace(PLAN, batch=batch, hidden_dropout=(0.3,))
    whole = train_share(start(), share(portion(200, 2, 30, 478)), plan, threads=1)
    state, samples = start(), 0
    for low, high in itertools.pairwise((30, 94, 222, 478)):
        delta = train_share(state, share(portion(200, 2, low, high), begin=samples), plan, threads=1)
        state, samples = delta.state, samples + delta.samples
    assert samples == whole.samples == 448
    assert same(state, whole.state)


def test_a_share_ends_at_the_mean_of_the_networks_of_its_last_third():
    plan, ends = replace(PLAN, staleness=1), (400, 466, 533, 600)
    assert tail.edges(600) == [0, *ends]
    moved = train_share(start(), share(portion(600)), plan, threads=2).state

    def after(samples):  # a share too short for a tail, from the state before it
        state, done = start(), 0
        for low, high in itertools.pairwise([0, *range(100, samples, 100), samples]):
            state = train_share(state, share(portion(600, 0, low, high), begin=done), plan, threads=1).state
            done += high - low
        return state

    states = [after(samples) for samples in ends[1:]]
    for mean, *single in zip(moved, *states, strict=True):
        np.testing.assert_allclose(mean, np.mean(single, axis=0, dtype=np.float64), rtol=2e-5, atol=2e-6)
    assert not same(moved, states[-1])


@pytest.mark.parametrize("batch", [16, 100, 256])
def test_the_mean_of_the_last_third_is_taken_between_whole_batches(batch):
    cuts = tail.edges(5000, batch)
    assert (cuts[0], cuts[-1]) == (0, 5000)
    assert all(cut % batch == 0 for cut in cuts[:-1])
    assert all(low + (tail.BATCHES - 1) * batch < high for low, high in itertools.pairwise(cuts))
    assert 5000 * 2 // 3 - batch < cuts[1] <= 5000 * 2 // 3 or cuts[1] == 5000
    assert tail.edges(24 * batch, batch) == [0, 24 * batch]  # too few for a mean


def test_adam_goes_on_with_its_steps_from_share_to_share(monkeypatch):
    """Steps are counted from the samples of all workers before: nothing else is kept."""
    monkeypatch.setattr(tail, "LEAST", 1000)
    plan = replace(NUMBERS, optimizer=Adam(0.01), batch=16, schedule=WarmupCosine(0.2), target=448)
    whole = train_share(start(plan), share(portion(200, 2, 30, 478)), plan, threads=2)
    state, samples = start(plan), 0
    for low, high in itertools.pairwise((30, 94, 222, 478)):
        delta = train_share(state, share(portion(200, 2, low, high), begin=samples), plan, threads=1)
        state, samples = delta.state, samples + delta.samples
    assert same(state, whole.state)
    late = train_share(start(plan), share(portion(200, 2, 30, 478), begin=10**6), plan, threads=1)
    assert same(
        late.state._replace(slots=whole.state.slots), start(plan)._replace(slots=whole.state.slots)
    )  # no rate left


def test_elastic_averaging_pulls_a_share_to_the_consensus():
    plan, given, far = replace(NUMBERS, elastic=0.5), share(portion(2000)), start(NUMBERS)
    far.weights[:] += 1
    for array in far:
        array.setflags(write=False)  # as arrays are that came from another process
    free, tied = (train_share(start(NUMBERS), given, plan, 1, consensus) for consensus in (None, far))
    away = [float(np.square(moved.state.weights - far.weights).sum()) for moved in (free, tied)]
    assert away[1] < 0.5 * away[0]


def test_weights_that_ran_away_are_handed_back_as_they_are():
    plan = replace(LINEAR, optimizer=Nesterov(**RATE | {"rate": 1e30}))
    moved = train_share(start(LINEAR), share(portion(100)), plan, threads=1)
    assert not np.isfinite(moved.state.weights).all()
    assert moved.samples == 100


def test_a_batch_larger_than_the_share_is_the_whole_share():
    given = share(portion(50))
    whole = train_share(start(), given, replace(PLAN, batch=50), threads=1)
    huge = train_share(start(), given, replace(PLAN, batch=10**9), threads=1)  # and takes no memory for a billion rows
    assert same(whole.state, huge.state)
    single = train_share(start(), share(portion(1)), replace(PLAN, batch=10**9), threads=2)
    assert single.samples == 1


def test_shares_that_train_side_by_side_in_one_process_do_not_disturb_each_other():
    jobs = [(share(portion(600, p)), replace(PLAN, batch=batch)) for p, batch in ((0, 1), (1, 16), (2, 1), (3, 16))]
    alone = [train_share(start(), given, plan, threads=1).state for given, plan in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: train_share(start(), *job, threads=1).state, jobs))
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def _many_threads(monkeypatch):
    monkeypatch.setattr(threads, "THREAD_WORK", 1)
    monkeypatch.setattr(kernel_plan, "WINDOW", (64, 64))


def trainer_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("daskdl-trainer")]


@pytest.mark.usefixtures("_many_threads")
@pytest.mark.parametrize("who", ["caller", "other"])
def test_a_thread_that_fails_ends_all_others_and_says_why(who, monkeypatch):
    kernel, calling = threads.train_window, threading.current_thread()

    def failing(*given):  # every thread calls it for every window; the last three: its first item, their end, a ticket
        if given[-3] > 0 and (threading.current_thread() is calling) == (who == "caller"):
            raise MemoryError("no room for rows")
        return kernel(*given)

    monkeypatch.setattr(threads, "train_window", failing)
    given = share(portion(2000, 0, 0, 400_000))
    with pytest.raises(MemoryError, match="no room for rows"):
        train_share(start(), given, PLAN, threads=4)
    assert not trainer_threads()


@pytest.mark.usefixtures("_many_threads")
def test_ctrl_c_ends_all_threads():
    given = share(portion(2000, 0, 0, 50_000_000))  # for minutes, if nobody interrupts
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    gc.disable()  # Dask counts its seconds in a callback, and Python lets no exception out of that
    try:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            train_share(start(), given, PLAN, threads=3)
    finally:
        gc.enable()
        signal.signal(signal.SIGINT, before)
    assert not trainer_threads()


@pytest.mark.usefixtures("_many_threads")
def test_many_more_threads_than_cores_neither_burn_nor_stall():
    given = share(portion(2000, 0, 0, 20_000))

    def cost(count: int) -> float:
        before = resource.getrusage(resource.RUSAGE_SELF)
        train_share(start(), given, PLAN, threads=count)
        after = resource.getrusage(resource.RUSAGE_SELF)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    alone = min(cost(1) for _ in range(3))
    crowd = min(cost(16) for _ in range(3))
    # Seconds of all cores. 16 threads end 4,000 phases, some 10 microseconds each and more on a busy machine; threads
    # that spun through them until the system takes them off their cores would take far more.
    assert crowd < 8 * alone + 1.5
