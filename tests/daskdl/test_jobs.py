"""Trainings in the background: how far they are, how they end, and their picture."""

import threading
import time

import numpy as np
import pytest

from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.estimators.job import H2OJob
from daskdl.estimators.journal import MOST_POINTS, Journal, goal
from daskdl.grid import H2OGridSearch
from frames.cluster import progress_bars, registry, session
from frames.exceptions import H2OJobError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.timeout(300)  # kernels may be compiled


def row(epochs, **metrics):
    return {"epochs": float(epochs), "training_speed": "100 obs/sec", **metrics}


def test_a_journal_says_what_is_done_how_long_it_took_and_what_is_left():
    journal = Journal("net", began=100.0)
    assert journal.text(100.0) == "net: RUNNING, 0 %, 0:00"
    journal.take(0.2, None, 130.0)  # kernels were compiled: that says nothing of the rest
    assert journal.left(130.0) is None
    journal.take(0.4, row(4, training_rmse=0.5, validation_rmse=0.75), 140.0)
    assert journal.left(141.0) == pytest.approx(0.6 * 10 / 0.2 - 1)
    assert journal.text(141.0) == (
        "net: RUNNING, 40 %, 0:41, about 0:29 left, 4 epochs, 100 obs/sec, training rmse 0.5, validation rmse 0.75"
    )


def test_a_journal_that_ended_stands_still():
    journal = Journal("net", began=0.0)
    journal.take(0.5, None, 1.0)
    journal.end("FAILED", 2.0, "The rows are gone.")
    assert journal.text(99.0) == "net: FAILED, 50 %, 0:02\nThe rows are gone."
    assert journal.left(99.0) is None


def test_the_share_done_never_falls_and_is_whole_at_the_end():
    journal = Journal("net", began=0.0)
    for done in (0.5, 0.4, 0.6):
        journal.take(done, None, 1.0)
    assert journal.done == 0.6
    journal.end("DONE", 2.0)
    assert journal.done == 1.0


def test_the_picture_holds_both_curves_and_not_too_many_points():
    journal = Journal("net", began=0.0)
    for n in range(5 * MOST_POINTS):
        journal.take(0.1, row(n, training_logloss=1 / (n + 1), validation_logloss=2 / (n + 1)), float(n))
    page = journal.page(1.0)
    assert page.count("<polyline") == 2
    assert page.count("stroke-dasharray") == 2
    assert page.count(",") < 2 * (MOST_POINTS + 20)
    assert "logloss from 0 to 999 epochs, between 0.001 and 2" in page


def test_scores_that_are_no_numbers_are_left_out_of_the_picture():
    journal = Journal("net", began=0.0)
    for n, value in enumerate([float("nan"), 1.0, float("inf"), 0.5]):
        journal.take(0.1, row(n, training_rmse=value), float(n))
    assert "<svg" not in journal.page(1.0)  # two points are no curve
    journal.take(0.2, row(5, training_rmse=0.25), 5.0)
    assert "nan" not in journal.page(1.0)


def test_the_metric_shown_is_the_one_that_training_stops_by():
    assert goal({"training_rmse": 1.0, "training_logloss": 1.0, "training_auc": 0.5}) == "logloss"
    assert goal({"epochs": 1.0}) == ""


# ---- threads ----------------------------------------------------------------------------------------------------


def test_a_job_tells_its_progress_and_gives_its_result():
    go = threading.Event()

    def work(job):
        job.take(0.25, None)
        go.wait(10)
        return "model"

    job = H2OJob("net", work)
    while job.progress < 0.25:
        time.sleep(0.01)
    assert job.status == "RUNNING"
    go.set()
    assert job.result() == "model"
    assert (job.status, job.progress) == ("DONE", 1.0)


def test_a_job_that_fails_says_why_and_raises_it_where_the_result_is_asked_for():
    def work(job):
        raise H2OJobError("The rows are gone.")

    job = H2OJob("net", work)
    with pytest.raises(H2OJobError, match="rows are gone"):
        job.result()
    assert job.status == "FAILED"
    assert "The rows are gone." in repr(job)


def test_a_job_that_begins_where_bars_are_hidden_draws_none():
    with progress_bars.hidden():
        job = H2OJob("net", lambda job: progress_bars.shown())
    assert job.result() is False


def test_outside_a_notebook_showing_a_job_prints_its_state(capsys):
    job = H2OJob("net", lambda job: job.take(0.5, None))
    job.result()
    job.show()
    assert capsys.readouterr().out == "net: DONE, 100 %, 0:00\n"


# ---- real trainings ---------------------------------------------------------------------------------------------


@pytest.fixture
def frame(monkeypatch):
    monkeypatch.setattr(progress_bars, "_shown", False)
    session.stop()
    session.start(nthreads=1)
    draw = np.random.default_rng(4).standard_normal((600, 3))
    yield H2OFrame({"a": draw[:, 0].tolist(), "b": draw[:, 1].tolist(), "y": draw.sum(axis=1).tolist()})
    registry.clear()
    session.stop()


ENDLESS = {"hidden": [5], "epochs": 1e7, "seed": 1, "stopping_rounds": 0, "train_samples_per_iteration": 600}


def test_a_cancelled_training_ends_and_leaves_a_model_that_predicts(frame):
    model = H2ODeepLearningEstimator(**ENDLESS)
    model.start(y="y", training_frame=frame, model_id="long")
    assert model.job is not None
    while model.job.status == "RUNNING" and not model.job.progress:
        time.sleep(0.02)
    assert (model.job.status, model.job.job_key) == ("RUNNING", "long")
    model.job.cancel()
    assert model.join() is model
    assert model.job.status == "CANCELLED"
    assert 0 < model.model.epochs < 1e6
    assert model.predict(frame).nrow == 600


def test_a_training_that_is_cancelled_before_it_begins_ends_too(frame):
    model = H2ODeepLearningEstimator(**ENDLESS)
    model.start(y="y", training_frame=frame)
    assert model.job is not None
    model.job.cancel()
    assert model.join().job.status == "CANCELLED"


def test_a_cancelled_cross_validation_ends_too(frame):
    model = H2ODeepLearningEstimator(**ENDLESS, nfolds=2)
    model.start(y="y", training_frame=frame)
    assert model.job is not None
    while model.job.status == "RUNNING" and not model.job.progress:
        time.sleep(0.02)
    model.job.cancel()
    with pytest.warns(RuntimeWarning, match=r"Cross-validation of .* was ended early: [012] of 2 folds"):
        model.join()
    assert model.job.status == "CANCELLED"
    assert model.model.epochs < 1e6


def test_a_cancelled_grid_says_so(frame):
    grid = H2OGridSearch(H2ODeepLearningEstimator(**ENDLESS), {"l1": [0.0, 1e-4]}, grid_id="tries")
    grid.start(y="y", training_frame=frame)
    assert grid.job is not None
    while grid.job.status == "RUNNING" and not grid.job.progress:
        time.sleep(0.02)
    grid.job.cancel()
    with pytest.raises(H2OValueError, match="cancelled before its first model"):
        grid.join()
    assert (grid.job.status, grid.job.job_key) == ("CANCELLED", "tries")
