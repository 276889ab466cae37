"""A child forked after the first use of the cluster: refused at once, whatever it calls, and it does no harm."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys, tempfile, time
from pathlib import Path
import dask, pandas
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

folder = Path(sys.argv[1])
dask.config.set({"temporary-directory": str(folder / "scratch")})
h2o.init(nthreads=1, dashboard=False, verbose=False)
h2o.no_progress()
frame = h2o.H2OFrame(pandas.DataFrame({"a": [1.0, 2.0, 3.0, 4.0] * 4, "y": ["u", "v"] * 8}), column_types={"y": "enum"})
model = H2ODeepLearningEstimator(hidden=[2], epochs=1).train(y="y", training_frame=frame)
expanded = frame.ddf
client = h2o.cluster().client
if len(sys.argv) > 2:
    h2o.cluster().shutdown()

REFUSED = {
    "init": lambda: h2o.init(verbose=False),
    "init with an address": lambda: h2o.init(address="tcp://127.0.0.1:9", verbose=False),
    "init with a client": lambda: h2o.init(client=client, verbose=False),
    "connect": lambda: h2o.connect(url="tcp://127.0.0.1:9", verbose=False),
    "cluster": h2o.cluster,
    "shutdown": h2o.shutdown,
    "as_data_frame": frame.as_data_frame,
    "arithmetic": lambda: (frame["a"] + 1).as_data_frame(),
    "rows": lambda: frame[frame["a"] > 1, :],
    "print": lambda: str(frame.head(2)),
    "quantile": frame.quantile,
    "new frame": lambda: h2o.H2OFrame({"b": [1, 2]}),
    "import": lambda: h2o.load_dataset("iris"),
    "create_frame": lambda: h2o.create_frame(rows=3),
    "export": lambda: h2o.export_file(frame, str(folder / "out.csv")),
    "predict": lambda: model.predict(frame),
    "performance": lambda: model.model_performance(frame),
    "train": lambda: H2ODeepLearningEstimator(hidden=[2]).train(y="y", training_frame=frame),
    "ddf": lambda: frame.ddf,
}
child = os.fork()
if child == 0:
    for name, call in REFUSED.items():
        began = time.monotonic()
        try:
            call()
        except h2o.exceptions.H2OResponseError as error:
            assert "forked" in str(error) and "spawn" in str(error), error
        else:
            sys.exit(f"{name} was not refused")
        assert time.monotonic() - began < 5, name
    try:
        expanded.compute()
    except Exception as error:
        print("ddf:", type(error).__name__)
    assert frame.shape == (16, 2) and model.auc() >= 0  # what needs no cluster still answers
    h2o.save_model(model, str(folder))
    sys.exit(0)  # not os._exit: everything that runs at exit runs
print("child:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
if len(sys.argv) == 2:
    assert list((folder / "scratch").rglob("worker-*")), "the child removed the folder of spilled chunks"
    print("parent:", frame["a"].sum(), model.predict(frame).nrow)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("shut", [[], ["shut"]])
def test_every_call_that_needs_the_cluster_is_refused_at_once(tmp_path, shut):
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path), *shut]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "child: 0" in done.stdout, done.stdout + done.stderr
    assert "ddf: " in done.stdout
    assert done.stderr == ""
    if not shut:
        assert "parent: 40.0 16" in done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_is_forked_before_the_first_use_has_its_own_cluster():
    code = """
import os, sys
import daskdl as h2o, frames.cluster.session, frames.frame
child = os.fork()
if child == 0:
    h2o.init(nthreads=1, dashboard=False, verbose=False)
    sys.exit(0 if h2o.H2OFrame({"a": [1, 2]})["a"].sum() == 3 else 1)
print("child:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "child: 0\n"
