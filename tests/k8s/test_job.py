"""The job of the manifests on a real cluster of processes: it trains, is killed, goes on, and knows when it is over."""

import importlib.util
import json
import signal
import time

import pytest
from kustomized import K8S

import daskdl as h2o

SPEC = importlib.util.spec_from_file_location("job", K8S / "job.py")
assert SPEC is not None
assert SPEC.loader is not None
job = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(job)


@pytest.fixture
def write(tmp_path, prostate):
    """Write the manifest's job file with some changes and return its path."""

    def written(**changes):
        content = json.loads((K8S / "base/job/job.json").read_text())
        content["training_frame"] = str(prostate)
        content["parameters"].update(changes.pop("parameters", {}))
        path = tmp_path / "job.json"
        path.write_text(json.dumps({**content, **changes}))
        return path

    return written


def _said(cluster, name, words, seconds=140.0):
    """Wait until a process has said something."""
    end = time.monotonic() + seconds
    while words not in cluster.log(name):
        assert time.monotonic() < end, cluster.log(name)
        time.sleep(0.2)


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(400)  # the workers may have to compile their kernels
def test_a_job_that_is_killed_goes_on_from_its_checkpoint_and_ends_once(cluster, tmp_path, write):
    checkpoints = tmp_path / "checkpoints"
    cluster.scheduler()
    for name in ("first", "second"):
        cluster.worker(name)
    file = write(epochs_per_checkpoint=10, parameters={"epochs": 200})
    killed = cluster.job("killed", file, checkpoints)
    _said(cluster, "killed", "20 of 200 epochs")
    killed.kill()
    killed.wait(10)
    done = h2o.load_model(str(checkpoints / "model")).model.epochs
    assert 20 <= done < 200

    assert cluster.job("again", file, checkpoints).wait(150) == 0, cluster.log("again")
    said = cluster.log("again")
    assert f"going on after {done:g} epochs" in said
    assert "200 of 200 epochs" in said
    assert "All epochs are trained." in said
    model = h2o.load_model(str(checkpoints / "model"))
    assert model.model.epochs == pytest.approx(200, abs=1)
    assert model.auc() > 0.75

    assert cluster.job("third", file, checkpoints).wait(60) == 0
    assert "Nothing to do" in cluster.log("third")


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_sigterm_saves_the_model_so_far_and_a_worker_may_go_meanwhile(cluster, tmp_path, write):
    checkpoints = tmp_path / "checkpoints"
    cluster.scheduler()
    first, _ = cluster.worker("first"), cluster.worker("second")
    file = write(epochs_per_checkpoint=100, parameters={"epochs": 1e6})
    process = cluster.job("job", file, checkpoints)
    _said(cluster, "job", "100 of 1e+06 epochs")
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    assert "Handover: chunks are on other workers" in cluster.log("first")
    before = cluster.log("job").count("saved in")
    while cluster.log("job").count("saved in") < before + 2:  # training goes on with the other one
        assert process.poll() is None, cluster.log("job")
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143, cluster.log("job")
    # The second, where the signal came between two stretches of training.
    said = ("SIGTERM: started again, the job goes on from here.", "the checkpoint is what it was.")
    assert any(sentence in cluster.log("job") for sentence in said)
    assert f"{h2o.load_model(str(checkpoints / 'model')).model.epochs:g} of 1e+06" in cluster.log("job")


@pytest.mark.cluster
def test_a_job_that_cannot_be_done_says_why_and_ends(cluster, tmp_path, write):
    process = cluster.job("job", write(response_type="class"), tmp_path / "checkpoints")
    assert process.wait(60) == job.REFUSED
    assert 'Error: response_type must be "enum", "numeric" or null' in cluster.log("job")
    assert "Traceback" not in cluster.log("job")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trainingframe": "x"}, "must hold training_frame and response"),
        ({"response": None}, "response must be the name of a column"),
        ({"epochs_per_checkpoint": 0}, "epochs_per_checkpoint must be a positive number; got 0"),
        ({"epochs_per_checkpoint": "1"}, "epochs_per_checkpoint must be a positive number; got '1'"),
        ({"parameters": {"nfolds": 3}}, "parameters must not hold nfolds"),
        ({"parameters": {"max_runtime_secs": 3}}, "activeDeadlineSeconds"),
        ({"parameters": {"epochs": "many"}}, "epochs must be a positive number; got 'many'"),
    ],
)
def test_a_bad_job_file_is_refused_before_any_work(write, changes, said):
    with pytest.raises(ValueError, match=said):
        job.Task.of(write(**changes))


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "job.json").write_text("training_frame: x")
    with pytest.raises(ValueError, match="must be JSON"):
        job.Task.of(tmp_path / "job.json")


@pytest.mark.parametrize("file", sorted(K8S.rglob("job.json")), ids=lambda path: str(path.relative_to(K8S)))
def test_the_job_files_of_the_manifests_are_read(file):
    from daskdl.parameters import declarations

    task = job.Task.of(file)
    assert set(task.parameters) <= set(declarations())
    assert task.epochs > task.epochs_per_checkpoint


@pytest.mark.parametrize(
    ("done", "expected"), [(0, [3, 6, 9, 10]), (3, [6, 9, 10]), (4.5, [6, 9, 10]), (9.9, [10]), (10, []), (11, [])]
)
def test_stretches_lead_from_what_is_done_to_the_end(done, expected):
    task = job.Task("rows.csv", "y", epochs_per_checkpoint=3, parameters={"epochs": 10})
    assert list(task.stretches(done)) == expected
