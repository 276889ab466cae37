"""Shares of eight workers and more: what their average is, that each sample is trained once, whoever begins again."""

from types import SimpleNamespace

import distributed
import numpy as np
import pandas as pd
import pytest
from test_trainer import NUMBERS, portion, start

from daskdl.coordinator import machine
from daskdl.coordinator.messages import CombineRound, TrainShare
from daskdl.coordinator.slices import Slice
from daskdl.network.state import State
from daskdl.parameters import Parameters
from daskdl.shell import averaging, lending
from daskdl.shell.averaging import Averaging
from daskdl.shell.cluster import Cluster, LostError
from daskdl.shell.spans import RoundSpans
from daskdl.shell.stored_rows import StoredRows
from daskdl.training import fit_one, plans
from daskdl.training.train import train
from daskdl.worker import tasks
from daskdl.worker.trainer import Delta
from frames.cluster import progress_bars, registry, session
from frames.frame import H2OFrame

pytestmark = pytest.mark.timeout(110)

NET = {"hidden": [8], "seed": 3, "stopping_rounds": 0, "score_interval": 1e9, "regression_stop": -1.0}
ROWS = 1500


@pytest.fixture(scope="module")
def eight():
    """A client of eight workers in this process, in use; rounds are sent to them, though one could train all alone."""
    before = session._current
    options = {"n_workers": 8, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        pytest.MonkeyPatch.context() as patch,
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        patch.setattr(lending, "SMALL", 0)
        patch.setattr(progress_bars, "_shown", False)
        session.set_client(client)
        yield client
        registry.clear()
        session.set_client(before)


def frame(partitions: int, rows: int = ROWS, without: int = 0) -> H2OFrame:
    """Rows in partitions, the first ones `without` weight."""
    import dask.dataframe as dd

    draw = np.random.default_rng(1).normal(size=(rows, 3))
    table = pd.DataFrame(draw, columns=list("abc")).assign(y=draw[:, 0] * draw[:, 1])
    table["w"] = np.where(np.arange(rows) < without, 0.0, 1.0)
    return H2OFrame(dd.from_pandas(table, npartitions=partitions))


# --- averages ---------------------------------------------------------------------------------------------------------


def deltas(samples: list[int]) -> list[Delta]:
    rng = np.random.default_rng(len(samples))
    shapes = (40,), (2, 40), (5,)
    return [Delta(State(*(rng.normal(size=one).astype(np.float32) for one in shapes)), n, 1.0) for n in samples]


def mean(shares: list[Delta]) -> list[np.ndarray]:
    """The average of shares in double precision, all at once."""
    weights = [one.samples for one in shares]
    arrays = zip(*(one.state for one in shares), strict=True)
    return [np.average([one.astype(float) for one in own], axis=0, weights=weights) for own in arrays]


UNEVEN = np.random.default_rng(7).integers(1, 5000, 200).tolist()


@pytest.mark.parametrize("shares", [1, 2, 8, 9, 12, 20, 64, 65, 200])
@pytest.mark.parametrize("samples", [[100] * 200, UNEVEN], ids=["even", "uneven"])
def test_the_tree_of_any_number_of_shares_is_their_weighted_mean(shares, samples):
    given = deltas(samples[:shares])
    found = tasks.averaged(given)
    assert found.samples == sum(samples[:shares])
    for one, wanted in zip(found.state, mean(given), strict=True):
        np.testing.assert_allclose(one, wanted, atol=4e-7)


def order(share: int, worker: str, after: int | None = None, last: bool = True) -> TrainShare:
    return TrainShare(2, share, worker, threads=1, tasks=(), samples=1, after=after, last=last)


def put(client, delta: Delta, worker: str) -> distributed.Future:
    return client.submit(tasks.averaged, [delta], workers=[worker], pure=False)


def averaging_of(client, given: list[Delta], elastic: bool = False) -> tuple[Averaging, list[str]]:
    """Shares that lie on the workers, one after the other, and where each was trained."""
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    where = [workers[n % len(workers)] for n in range(len(given))]
    found = Averaging(Cluster(client), RoundSpans(), elastic=elastic)
    for n, delta in enumerate(given):
        assert found.take(order(n, where[n]), put(client, delta, where[n]), delta.state).samples == delta.samples
    return found, where


@pytest.mark.parametrize("shares", [8, 9, 20])
def test_large_shares_are_averaged_where_they_lie_to_the_same_bits(eight, monkeypatch, shares):
    monkeypatch.setattr(averaging, "TRAVELS", 0)
    given = deltas(UNEVEN[:shares])
    asked = CombineRound(2, tuple((n, given[n].samples) for n in range(shares)))
    found, _ = averaging_of(eight, given)
    for one, wanted in zip(found.average(asked, given[0].state).state, tasks.averaged(given).state, strict=True):
        np.testing.assert_array_equal(one, wanted)


def test_what_a_worker_trained_before_a_share_counts_once(eight, monkeypatch):
    monkeypatch.setattr(averaging, "TRAVELS", 0)
    (first, other), (worker, *_) = deltas([30, 50]), sorted(eight.scheduler_info(n_workers=-1)["workers"])
    both = first._replace(samples=90)  # the share that went on from the first one: 60 samples of its own
    found = Averaging(Cluster(eight), RoundSpans())
    told = [
        found.take(one, put(eight, delta, worker), delta.state).samples
        for one, delta in (
            (order(0, worker, last=False), first),
            (order(1, worker, after=0), both),
            (order(2, worker), other),
        )
    ]
    assert told == [30, 60, 50]
    average = found.average(CombineRound(2, ((1, 90), (2, 50))), first.state)
    assert average.samples == 140
    for one, wanted in zip(average.state, mean([both, other]), strict=True):
        np.testing.assert_allclose(one, wanted, atol=4e-7)


def test_elastic_consensus_moves_to_the_mean_and_each_worker_keeps_what_it_trained_itself(eight):
    given, (old,) = deltas(UNEVEN[:8]), deltas([1])
    found, where = averaging_of(eight, given, elastic=True)
    for future in found.done.values():
        eight.replicate(future)  # as where others have fetched it, for an average that was lost
    asked = CombineRound(2, tuple((n, given[n].samples) for n in range(8)), elastic_rate=0.9)
    moved = found.average(asked, old.state)
    for one, wanted, before in zip(moved.state, mean(given), old.state, strict=True):
        np.testing.assert_allclose(one, 0.9 * wanted + (1.0 - 0.9) * before, atol=4e-7)
    assert [(at, (at, found.own[at][0])) for at in sorted(found.own)] == [(at, (at, at)) for at in sorted(where)]
    for worker, delta in zip(where, given, strict=True):
        np.testing.assert_array_equal(found.own[worker][1].result().weights, delta.state.weights)


def test_an_elastic_average_that_is_lost_leaves_workers_where_their_round_began(eight, monkeypatch):
    given = deltas([10] * 8)
    found, _ = averaging_of(eight, given, elastic=True)
    before = dict(found.own)

    def lost(futures):
        raise LostError("A worker has left.")

    monkeypatch.setattr(found.cluster, "wait", lost)
    with pytest.raises(LostError):
        found.average(CombineRound(2, tuple((n, 10) for n in range(8)), elastic_rate=0.9), given[0].state)
    assert found.own == before


# --- shares that are dropped, and trained after all -------------------------------------------------------------------


def test_a_share_that_was_dropped_is_trained_by_the_next_attempt_in_the_same_process():
    plan, one = NUMBERS, portion(90)
    job = SimpleNamespace(key="dropped", plan=plan, spread=True, balance=None)

    def trained(attempt: int) -> int:
        timing = tasks.Timing(4, 0, 1.0, share=2, attempt=attempt)
        share = tasks.RoundShare((one,), 0, 1.0)
        stopped = lambda: tasks.is_dropped(job.key, timing)  # noqa: E731
        return tasks.train_share(start(plan=plan), share, plan, threads=1, stopped=stopped).samples

    tasks.stop_share(job.key, 4, 2, attempt=1)
    assert [trained(attempt) for attempt in (1, 2)] == [0, 90]


def test_samples_behind_a_share_that_failed_are_trained_by_others_in_full(eight, monkeypatch):
    monkeypatch.setattr(machine, "LEAST_PIECE", 1e-4)
    failed, take = [], Averaging.take

    def fails_once_a_round(self, one, future, like):
        if one.round % 3 == 0 and one.after is None and not one.last and one.round not in failed:
            failed.append(one.round)
            raise LostError("A worker has left.")
        return take(self, one, future, like)

    monkeypatch.setattr(Averaging, "take", fails_once_a_round)
    model = train(Parameters(epochs=8, train_samples_per_iteration=ROWS, **NET), frame(8), y="y")
    assert failed
    assert model.samples == 8 * ROWS


# --- whole trainings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partitions", "rows", "options"),
    [
        (20, ROWS, {"epochs": 2.3, "train_samples_per_iteration": 777}),
        (3, ROWS, {"epochs": 2, "train_samples_per_iteration": 1000}),
        (1, 5, {"epochs": 40, "train_samples_per_iteration": 5}),
        (8, ROWS, {"epochs": 16, "train_samples_per_iteration": -1, "replicate_training_data": True}),
        (8, ROWS, {"epochs": 3, "train_samples_per_iteration": 900, "elastic_averaging": True}),
        (8, ROWS, {"epochs": 20, "widen_after": 900}),
        (8, ROWS, {"epochs": 2, "train_samples_per_iteration": 500, "weights_column": "w"}),
    ],
    ids=["many parts", "few parts", "few rows", "replicated", "elastic", "one after the other", "weights of zero"],
)
@pytest.mark.parametrize("stored", [False, True], ids=["memory", "disk"])
def test_every_sample_that_is_due_is_trained_once(eight, monkeypatch, partitions, rows, options, stored):
    if stored:
        monkeypatch.setattr(fit_one, "bytes_of_rows", lambda *_: np.inf)
    model = train(Parameters(**NET, **options), frame(partitions, rows, without=rows // 3), x=list("abc"), y="y")
    assert model.samples == round(options["epochs"] * rows)
    assert model.notes["workers"] == 8
    assert np.isfinite(model.state.weights).all()


@pytest.mark.parametrize("elastic", [False, True], ids=["plain", "elastic"])
def test_reproducible_training_has_the_same_bits_on_eight_workers_and_on_two(eight, monkeypatch, elastic):
    monkeypatch.setattr(plans, "SHARE_ROWS", 100)  # eight shares
    how = Parameters(epochs=2, train_samples_per_iteration=700, reproducible=True, elastic_averaging=elastic, **NET)
    found, workers = [], Cluster.workers
    for some in (8, 2):
        monkeypatch.setattr(Cluster, "workers", lambda self, n=some: dict(sorted(workers(self).items())[:n]))
        found.append(train(how, frame(8), y="y").state)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


# --- rows on disks ----------------------------------------------------------------------------------------------------


def test_passes_that_a_slow_worker_still_owes_are_kept_and_go_when_it_has_trained_them(monkeypatch):
    kept = []

    def note(self, name, function, *columns, worker):
        if function is tasks.lay_out:
            _, _, numbers, oldest, *_ = columns
            kept.extend(zip(numbers, oldest, strict=True))
        return [SimpleNamespace(key=object()) for _ in list(columns[0])]

    monkeypatch.setattr(StoredRows, "_tasks", note)
    table = SimpleNamespace(parts=[[]], sample=tasks.Sample((1.0,), 1), rows=(10**6,))
    stored = StoredRows(SimpleNamespace(folders=lambda: {"a": "somewhere"}), table, [100])
    for orders in ([(0, 40)], [(40, 60), (240, 280)], [(280, 320)], [(320, 360)]):
        stored.begin_round()
        for begin, end in orders:
            stored.of([Slice(0, begin, end)], "a", None)
    assert kept == [(0, -1), (2, -1), (3, 1)]
    assert {one.number for one in stored._laid} == {2, 3}
