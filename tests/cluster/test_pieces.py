"""Long rounds in pieces on two real workers: every row once, whoever is slow; models as good as without."""

import time

import pytest

from daskdl.coordinator import machine, open_round
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.worker import tasks

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180), pytest.mark.usefixtures("shares_are_sent")]


def slowed(seconds):
    """Make the trainings of one worker sleep before each task."""
    plain = tasks.train_slices

    def slow(*arguments, **options):
        time.sleep(seconds)
        return plain(*arguments, **options)

    tasks.train_slices = slow


def restored():
    """Undo that."""
    import importlib

    importlib.reload(tasks)


@pytest.mark.parametrize("hidden", [[10], [600, 300]], ids=["weights that travel", "weights that stay"])
def test_a_slow_worker_holds_no_round_and_every_sample_is_trained_once(two_workers, rings, hidden, monkeypatch):
    monkeypatch.setattr(machine, "LEAST_PIECE", 0.001)
    monkeypatch.setattr(open_round, "CLOSING", 1.0)
    left = []
    close = open_round.OpenRound.close_early

    def counted(self, now):
        late = close(self, now)
        left.extend(share.samples for share in late)
        return late

    monkeypatch.setattr(open_round.OpenRound, "close_early", counted)
    slow = sorted(two_workers.scheduler_info()["workers"])[0]
    two_workers.run(slowed, 0.15, workers=[slow])
    try:
        model = H2ODeepLearningEstimator(
            hidden=hidden, epochs=6.0, seed=1, stopping_rounds=0, train_samples_per_iteration=2000
        )
        model.train(y="y", training_frame=rings)
    finally:
        two_workers.run(restored, workers=[slow])
    assert left, "the slow worker must have left something to later rounds"
    history = model.scoring_history()
    assert history["samples"].iloc[-1] == 6 * rings.nrow
    assert history["training_logloss"].iloc[-1] < history["training_logloss"].iloc[1]
