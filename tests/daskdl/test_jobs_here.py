"""Jobs in threads of this process, what ends them, and the table that lists them."""

import asyncio
import copy
from concurrent.futures import ThreadPoolExecutor

import distributed
import numpy as np
import pytest

import daskdl as h2o
from daskdl.dispatch.job import Job
from daskdl.dispatch.parcel import pack, unpack
from daskdl.dispatch.table import REMEMBERED, JobTable
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.shell.halt import Halt
from frames.cluster import session
from frames.exceptions import H2OJobError, H2OResponseError, H2OValueError
from frames.frame import H2OFrame

ENDLESS = {"hidden": [4], "epochs": 1e7, "seed": 1, "stopping_rounds": 0, "score_interval": 0.1}


def in_a_loop(work):
    """Run in an event loop of another thread: afterwards the main thread would have none, and others look for it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(timeout=100)


@pytest.fixture
def frame():
    draw = np.random.default_rng(2).normal(size=(300, 2))
    return H2OFrame({"a": draw[:, 0], "y": draw[:, 1]})


def test_a_job_is_started_listed_cancelled_and_joined(frame):
    model = H2ODeepLearningEstimator(**ENDLESS, model_id="under_way")
    model.start(y="y", training_frame=frame)
    job = h2o.jobs().of_model("under_way")
    assert job.is_running()
    assert not job.outlives_client
    with pytest.raises(H2OResponseError, match="under_way"):
        h2o.get_model("under_way")
    job.cancel()
    assert model.join() is model
    assert (job.status, job.message) == ("CANCELLED", "The job was cancelled.")
    assert np.isfinite(model.mse())
    assert h2o.get_model("under_way").model is model.model
    assert "CANCELLED" in repr(h2o.jobs())


def test_a_listed_job_gives_an_estimator_as_long_as_its_model_is_kept(frame):
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, model_id="listed")
    model.start(y="y", training_frame=frame)
    model.join()
    job = h2o.jobs().of_model("listed")
    assert job.join().predict(frame).nrow == 300
    assert job.poll().model_id == "listed"  # h2o-py's name, and twice
    h2o.remove("listed")
    with pytest.raises(H2OJobError, match="was removed"):
        job.join()


def test_what_train_does_is_a_job_too(frame):
    H2ODeepLearningEstimator(hidden=[4], epochs=1, model_id="trained").train(y="y", training_frame=frame)
    job = h2o.jobs().of_model("trained")
    assert (job.status, job.progress, job.message) == ("DONE", 1.0, "")
    assert 0 < job.start_time <= job.end_time


def test_an_estimator_that_was_started_is_copied_with_its_model_and_without_its_thread(frame):
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1)
    model.start(y="y", training_frame=frame)
    model.join()
    twin = copy.deepcopy(model)
    assert (twin.job, twin.model_id) == (None, model.model_id)
    assert twin.mse() == model.mse()


def test_names_are_escaped_where_a_notebook_shows_jobs(frame):
    H2ODeepLearningEstimator(hidden=[4], epochs=1, model_id="<script>alert(1)</script>").train(
        y="y", training_frame=frame
    )
    shown = h2o.jobs()._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_inside_an_event_loop_a_job_leaves_the_loop_free(frame):
    async def notebook():
        model = H2ODeepLearningEstimator(hidden=[4], epochs=1)
        model.start(y="y", training_frame=frame)
        while model.job.status == "RUNNING":
            await asyncio.sleep(0.01)
        return model.join()

    assert np.isfinite(in_a_loop(notebook()).mse())


def test_an_asynchronous_client_is_refused_at_once(frame):
    async def connect():
        address = session.client().scheduler.address
        async with distributed.Client(address, asynchronous=True, set_as_default=False) as client:
            with pytest.raises(H2OValueError, match="must not be asynchronous"):
                session.set_client(client)

    in_a_loop(connect())


class Stopped:
    """Notes why it was stopped."""

    def __init__(self):
        self.reasons = []

    def stop(self, reason):
        self.reasons.append(reason)


def test_a_halt_stops_what_came_before_and_what_comes_after():
    halt, before, after = Halt(), Stopped(), Stopped()
    halt.covers(before)
    halt.stop("first")
    halt.stop("second")
    halt.covers(after)
    assert (before.reasons, after.reasons, halt.reason) == (["first"], ["first"], "first")


def test_a_halt_keeps_nothing_alive():
    halt = Halt()
    for _ in range(100):
        halt.covers(Stopped())
    assert sum(one() is not None for one in halt._covered) <= 1


class Made:
    """Work that ends at once with some object as its model."""

    description, frames = "Build", {}

    def __init__(self, key, result=None, error=None):
        self.key, self._result, self._error = key, result, error

    def run(self, progress, halt):
        progress(0.5, {"epochs": 1.0})
        if self._error is not None:
            raise self._error
        return self._result


def done(table, number, result="model"):
    job = Job(f"job_{number}", f"model_{number}", "Build", "scheduler")
    table.add(job)
    job.do(Made(job.model_id, result))
    return job


def test_models_are_let_go_oldest_first_where_they_take_too_much_memory():
    table = JobTable(kept_bytes=100)
    jobs = [done(table, number) for number in range(3)]
    for job in jobs:
        table.weigh(job.key, 50)
    assert [job.result for job in jobs] == [None, "model", "model"]
    with pytest.raises(H2OJobError, match="newer ones took its place"):
        jobs[0].model()
    assert len(table.records()) == 3
    table.weigh(done(table, 3).key, 1000)  # larger than all that may be kept: it is there until the next one
    assert [job.result for job in table.jobs()] == [None, None, None, "model"]


def test_jobs_that_are_over_are_forgotten_when_there_are_too_many():
    table = JobTable()
    for number in range(REMEMBERED + 5):
        done(table, number)
    table.add(Job("new", "m", "Build", "client"))
    assert len(table.records()) == REMEMBERED + 1
    with pytest.raises(H2OResponseError, match="no job 'job_0'"):
        table.get("job_0")


def test_a_job_that_fails_says_why_and_raises_its_own_error():
    job = Job("job", "m", "Build", "client")
    with pytest.raises(ZeroDivisionError):
        job.do(Made("m", error=ZeroDivisionError("by zero")))
    assert (job.record().status, job.record().message, job.record().progress) == ("FAILED", "by zero", 0.5)
    assert job.rows(0) == [{"epochs": 1.0}]
    with pytest.raises(ZeroDivisionError):
        job.model()


def test_an_interrupt_from_the_keyboard_cancels_the_job_that_it_meets():
    job = Job("job", "m", "Build", "client")
    with pytest.raises(KeyboardInterrupt):
        job.do(Made("m", error=KeyboardInterrupt()))
    assert job.record().status == "CANCELLED"
    with pytest.raises(H2OJobError, match="broken off"):
        job.model()


def test_a_parcel_keeps_the_rows_of_a_frame_where_they_are(frame):
    client = session.client()
    parcel = pack({"frame": frame, "text": "x"}, client)
    assert parcel.dataset in client.list_datasets()
    opened = unpack(parcel, client)
    assert parcel.dataset not in client.list_datasets()
    assert opened["text"] == "x"
    np.testing.assert_array_equal(opened["frame"].as_data_frame().to_numpy(), frame.as_data_frame().to_numpy())
    assert pack("no rows", client).dataset == ""
