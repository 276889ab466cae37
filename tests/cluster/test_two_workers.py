"""Training on two worker processes: shares, averages, and a worker that dies in the middle."""

import os
import signal
import threading

import distributed
import numpy as np
import pytest

from daskdl.coordinator import crew, open_round
from daskdl.model.apply import predict
from daskdl.parameters import Parameters
from daskdl.shell.stored_rows import StoredRows
from daskdl.training import fit_one
from daskdl.training.train import train

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180), pytest.mark.usefixtures("shares_are_sent")]

NET = {"hidden": [20, 20], "seed": 3, "score_each_iteration": True, "stopping_rounds": 0}


def test_two_workers_train_one_model_and_every_sample_counts_once(two_workers, rings):
    model = train(Parameters(epochs=20, train_samples_per_iteration=4000, **NET), rings, y="y")
    assert model.samples == 20 * 4000
    assert model.epochs == 20
    assert model.notes["workers"] == 2
    assert model.training_metrics.auc() > 0.97


def test_rows_that_do_not_fit_are_laid_out_once_and_by_both_workers(two_workers, rings, monkeypatch):
    monkeypatch.setattr(fit_one, "bytes_of_rows", lambda *_: np.inf)
    monkeypatch.setattr(crew, "FOLLOWED_DEAR", 1e9)  # nobody is given other rows because it was faster for a moment,
    monkeypatch.setattr(open_round, "FAR_OVER", 1e9)  # nor because another one is slow
    laid, lay = [], StoredRows._lay_out
    monkeypatch.setattr(StoredRows, "_lay_out", lambda self, new, *more: laid.extend(new) or lay(self, new, *more))

    train(Parameters(epochs=1, hidden=[20], seed=3), rings, y="y")

    own = {worker: [part for one, part, _ in laid if one == worker] for worker, _, _ in laid}
    assert sorted(part for parts in own.values() for part in parts) == list(range(8))
    assert [len(parts) for parts in own.values()] == [4, 4]


def test_both_workers_hold_and_train_their_own_partitions(two_workers, rings):
    holders = two_workers.who_has([chunk for chunks in rings.placement(["a"]).parts for chunk in chunks])
    owners = {worker for workers in holders.values() for worker in workers}
    assert len(owners) == 2
    before = {w: set(two_workers.run(_trained_here, workers=[w])[w]) for w in owners}
    train(Parameters(epochs=2, train_samples_per_iteration=4000, **NET), rings, y="y")
    after = {w: set(two_workers.run(_trained_here, workers=[w])[w]) for w in owners}
    assert all(after[w] - before[w] for w in owners)


def _trained_here() -> list:
    from daskdl.worker.tasks import _designs

    return list(_designs._entries)


def test_reproducible_training_gives_the_same_bits_on_one_and_on_two_workers(two_workers, rings):
    how = Parameters(epochs=3, reproducible=True, train_samples_per_iteration=0, **NET)
    on_two = train(how, rings, y="y")
    on_one = train(how.replace(single_node_mode=True, replicate_training_data=True), rings, y="y")
    assert np.array_equal(on_two.state.weights, on_one.state.weights)


def test_a_worker_killed_in_mid_training_costs_its_share_and_not_the_job(two_workers, rings):
    rounds = 0

    def kill_in_round_five(done: float, row: dict | None) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 5:
            pid = next(iter(two_workers.run(os.getpid).values()))
            threading.Timer(0.02, os.kill, (pid, signal.SIGKILL)).start()

    how = Parameters(epochs=60, train_samples_per_iteration=4000, **NET)
    model = train(how, rings, y="y", progress=kill_in_round_five)
    assert any(" left" in event for event in model.notes["events"]), model.notes
    assert model.samples == 60 * 4000
    assert model.training_metrics.auc() > 0.97
    two_workers.wait_for_workers(2, timeout=60)


def test_predictions_are_computed_where_the_rows_lie(two_workers, rings):
    model = train(Parameters(epochs=2, **NET), rings, y="y")
    predicted = predict(model, rings)
    distributed.wait([chunk for chunks in predicted.placement(["predict"]).parts for chunk in chunks])
    assert predicted.nrow == rings.nrow
    again = predict(model, rings).as_data_frame()
    assert again.equals(predicted.as_data_frame())
    assert again[["in", "out"]].sum(axis=1).to_numpy() == pytest.approx(1)
