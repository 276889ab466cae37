"""Jobs beside a scheduler that is a process of its own: clients come and go, the jobs go on."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import distributed
import numpy as np
import pytest
from processes import Processes, until

import daskdl as h2o
from daskdl.dispatch.place import HERE, Beside, place_of
from daskdl.estimators import H2ODeepLearningEstimator
from frames.cluster import registry, session
from frames.exceptions import H2OResponseError
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(150)]

ENDLESS = {"hidden": [8], "epochs": 1e7, "seed": 1, "stopping_rounds": 0, "score_interval": 0.2}
SHORT = {"hidden": [8], "epochs": 5, "seed": 1, "reproducible": True, "stopping_rounds": 0}


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("scheduler")) as found:
        yield found


@pytest.fixture
def client(processes):
    before = session._current
    with distributed.Client(processes.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        session.set_client(client)
        yield client
        h2o.remove_all()
        registry.clear()
        session.set_client(before)


@pytest.fixture
def frame(client):
    draw = np.random.default_rng(3).normal(size=(600, 3))
    return H2OFrame({"a": draw[:, 0], "b": draw[:, 1], "y": draw[:, 0] * draw[:, 1]}, destination_frame="rows")


def test_training_runs_beside_the_scheduler_and_gives_the_same_bits_as_here(client, frame):
    assert isinstance(place_of(client), Beside)
    model = H2ODeepLearningEstimator(**SHORT, model_id="there")
    model.train(y="y", training_frame=frame)
    job = h2o.jobs().of_model("there")
    assert (job.status, job.progress, job.outlives_client) == ("DONE", 1.0, True)
    from daskdl.dispatch.work import TrainWork
    from daskdl.shell.halt import Halt

    here = TrainWork("here", model.model.parameters, frame, ["a", "b"], "y").run(None, Halt())
    assert here.state.weights.tobytes() == model.model.state.weights.tobytes()
    assert model.predict(frame).nrow == 600


def test_a_cancelled_job_ends_with_a_model(client, frame):
    model = H2ODeepLearningEstimator(**ENDLESS, model_id="cancelled")
    model.start(y="y", training_frame=frame)
    job = h2o.jobs().of_model("cancelled")
    until(lambda: job.progress > 0)
    assert job.status == "RUNNING"
    job.cancel()
    model.join()
    assert job.status == "CANCELLED"
    assert np.isfinite(model.mse())
    assert (job.message, model.job.status) == ("The job was cancelled.", "DONE")


def test_an_error_of_the_training_is_raised_where_it_is_joined(client, frame):
    model = H2ODeepLearningEstimator(**{**SHORT, "epochs": -1}, model_id="refused")
    model.start(y="y", training_frame=frame)
    job = h2o.jobs().of_model("refused")
    with pytest.raises(H2OResponseError, match="epochs"):
        model.join()
    assert job.status == "FAILED"
    assert "epochs" in repr(job)


def test_a_custom_metric_is_known_beside_the_scheduler(client, frame):
    reference = h2o.upload_custom_metric(
        "class Near:\n"
        "    def map(self, pred, act, w, o, model):\n        return [abs(act[0] - pred[0]), 1]\n"
        "    def reduce(self, l, r):\n        return [l[0] + r[0], l[1] + r[1]]\n"
        "    def metric(self, l):\n        return l[0] / l[1]\n",
        class_name="Near",
        func_name="near",
    )
    model = H2ODeepLearningEstimator(**SHORT, custom_metric_func=reference)
    model.train(y="y", training_frame=frame)
    assert model.model.training_metrics.custom_metric_value() == pytest.approx(model.mae(), rel=1e-3)


def test_frames_of_a_cross_validation_come_back(client, frame):
    model = H2ODeepLearningEstimator(**SHORT, nfolds=3, keep_cross_validation_predictions=True)
    model.train(y="y", training_frame=frame)
    held_out = model.cross_validation_holdout_predictions()
    assert held_out.nrow == 600
    assert held_out.isna().sum() == 0
    assert h2o.get_frame(held_out.frame_id) is held_out
    assert h2o.get_model(f"{model.model_id}_cv_1").predict(frame).nrow == 600


def test_a_cross_validation_is_cancelled_among_its_folds(client, frame):
    model = H2ODeepLearningEstimator(**ENDLESS, nfolds=2, model_id="folded")
    model.start(y="y", training_frame=frame)
    job = h2o.jobs().of_model("folded")
    until(lambda: job.progress > 0)
    model.job.cancel()
    with pytest.warns(RuntimeWarning, match="Cross-validation of folded was ended early"):
        model.join()
    assert job.status == "CANCELLED"


FIRST = """
    import sys, distributed, numpy as np, daskdl as h2o
    from daskdl.estimators import H2ODeepLearningEstimator
    h2o.connect(address=sys.argv[1], verbose=False)
    draw = np.random.default_rng(3).normal(size=(600, 3))
    frame = h2o.H2OFrame({"a": draw[:, 0], "b": draw[:, 1], "y": draw[:, 2]}, destination_frame="left")
    model = H2ODeepLearningEstimator(hidden=[8], epochs=1e7, max_runtime_secs=5, seed=1, stopping_rounds=0,
                                     score_interval=0.2, model_id="orphan")
    model.start(y="y", training_frame=frame)
    print("started", flush=True)
    model.join()
"""


def test_the_client_is_killed_and_a_new_one_finds_model_and_frame(processes, client):
    first = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(FIRST), processes.address], stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert first.stdout.readline().strip() == "started"
    os.kill(first.pid, signal.SIGKILL)
    killed = time.time() * 1000
    first.wait()
    first.stdout.close()
    job = h2o.jobs().of_model("orphan")
    with h2o.no_progress_block():
        model = job.join()
    assert job.status == "DONE"
    assert job.end_time > killed
    assert "orphan" in h2o.models()
    assert {"orphan", "left"} <= set(h2o.ls()["key"])
    again = h2o.get_model("orphan")
    frame = h2o.get_frame("left")
    assert again.predict(frame).nrow == 600
    assert model.mse() == pytest.approx(again.model_performance(frame).mse(), rel=1e-4)
    h2o.remove("orphan")
    assert h2o.models() == []
    with pytest.raises(H2OResponseError, match="orphan"):
        h2o.get_model("orphan")


def test_two_jobs_of_two_threads_share_the_workers(client, frame):
    models = [H2ODeepLearningEstimator(**ENDLESS, model_id=name) for name in ("one", "other")]
    for model in models:
        model.start(y="y", training_frame=frame)
    jobs = [h2o.jobs().of_model(name) for name in ("one", "other")]
    for job in jobs * 2:  # neither waits for the other: each gets on after the other has
        before = job.progress
        until(lambda job=job, before=before: job.progress > before)
    assert [job.status for job in jobs] == ["RUNNING", "RUNNING"]
    for job in jobs:
        job.cancel()
    for model in models:
        model.join()
    assert min(model.model.samples for model in models) > 0


def test_two_jobs_of_rounds_of_one_size_get_like_shares_of_one_stretch_of_time(client, frame):
    sized = {**ENDLESS, "train_samples_per_iteration": 10 * frame.nrow}
    models = [H2ODeepLearningEstimator(**sized, model_id=name) for name in ("these", "those")]
    for model in models:
        model.start(y="y", training_frame=frame)
    jobs = [h2o.jobs().of_model(name) for name in ("these", "those")]
    for job in jobs:
        until(lambda job=job: job.progress > 0)
    start = [job.progress for job in jobs]
    until(lambda: sum(job.progress for job in jobs) - sum(start) > 400 / ENDLESS["epochs"])
    gained = [job.progress - before for job, before in zip(jobs, start, strict=True)]
    for job in jobs:
        job.cancel()
    for model in models:
        model.join()
    assert min(gained) > 0.25 * max(gained), gained


def _processor_time():
    """Return two functions for workers: one notes the processor time of each share, the other adds it up by job."""

    def count():
        import time

        from daskdl.worker import tasks

        real = tasks.train_slices

        def counted(job, *arguments, **options):
            began = time.thread_time()
            delta = real(job, *arguments, **options)
            tasks.spent.append((job.key, time.thread_time() - began))  # type: ignore[attr-defined]
            return delta

        if not hasattr(tasks, "spent"):
            tasks.spent, tasks.train_slices = [], counted  # type: ignore[attr-defined]

    def spent(names):
        from daskdl.worker import tasks

        return [sum(used for key, used in tasks.spent if key.startswith(name)) for name in names]  # type: ignore[attr-defined]

    return count, spent  # functions of a test module are not known there, those made in one are


@pytest.mark.parametrize("networks", [([8], [8]), ([8], [200, 200]), ([200, 200], [8])], ids=str)
def test_two_jobs_have_like_shares_of_the_workers_whatever_they_train(client, frame, networks):
    gained = _gained(client, frame, networks, widen_after=0)
    assert max(gained) < 2 * min(gained), gained


def test_a_job_that_begins_on_one_worker_has_its_part_of_it_beside_one_that_has_all(client, frame):
    gained = _gained(client, frame, ([8], [200, 200]))
    assert max(gained) < 4 * min(gained), gained  # it could have half of one of two workers


def _gained(client, frame, networks, **options):
    """Return the processor time that two jobs have had of the workers, side by side."""
    names = [f"{word}_of_{networks[0][0]}_and_{networks[1][0]}_{len(options)}" for word in ("first", "second")]
    count, spent = _processor_time()
    client.run(count)
    models = [
        H2ODeepLearningEstimator(**{**ENDLESS, "hidden": hidden, **options}, model_id=name)
        for hidden, name in zip(networks, names, strict=True)
    ]
    jobs = []
    for model in models:  # one after the other
        model.start(y="y", training_frame=frame)
        jobs.append(h2o.jobs().of_model(model.model_id))
        until(lambda: jobs[-1].progress > 0)

    def so_far():
        return np.sum(list(client.run(spent, names).values()), axis=0)

    start = so_far()
    until(lambda: sum(so_far() - start) > 8)
    gained = so_far() - start
    for job in jobs:
        job.cancel()
    for model in models:
        model.join()
    return gained


def test_a_cluster_in_this_process_runs_jobs_here():
    with (
        distributed.LocalCluster(1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        assert place_of(client) is HERE
