"""Ctrl-C at random moments in a client of two worker processes, as a terminal sends it: it always ends soon."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(110),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

TRIES = 12
CLIENT = """
    import signal, sys, warnings
    import distributed, numpy as np
    import daskdl as h2o
    from daskdl.estimators import H2ODeepLearningEstimator

    if __name__ == "__main__":
        signal.signal(signal.SIGINT, signal.default_int_handler)
        warnings.simplefilter("ignore")
        h2o.no_progress()
        options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "memory_limit": "1GB"}
        cluster = distributed.LocalCluster(host="127.0.0.1", dashboard_address="127.0.0.1:0", **options)
        h2o.init(client=distributed.Client(cluster), verbose=False)
        draw = np.random.default_rng(3).normal(size=(600, 3))
        frame = h2o.H2OFrame({"a": draw[:, 0], "b": draw[:, 1], "y": draw[:, 2]})
        net = {"hidden": [8], "seed": 1, "stopping_rounds": 0, "score_interval": 0.2}
        H2ODeepLearningEstimator(**net, epochs=1).train(y="y", training_frame=frame)
        for number in range(int(sys.argv[1])):
            try:
                print("begun", flush=True)
                model = H2ODeepLearningEstimator(**net, epochs=1e7, nfolds=3 * (number % 2))
                model.train(y="y", training_frame=frame)
                said = "model " + model.model.notes["ended"]
            except KeyboardInterrupt:
                said = "KeyboardInterrupt"
            print(said, flush=True)
        print(len(cluster.scheduler.workers), flush=True)
"""


def test_every_interrupt_ends_a_training_soon(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(CLIENT))
    command = [sys.executable, str(tmp_path / "script.py"), str(TRIES)]
    client = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert client.stdout is not None
    late = threading.Timer(100, os.killpg, (client.pid, signal.SIGKILL))
    late.start()
    draw, ends, longest = random.Random(5), [], 0.0
    try:
        for _ in range(TRIES):
            assert client.stdout.readline() == "begun\n"
            time.sleep(draw.uniform(0.0, 1.2))
            struck = time.monotonic()
            os.killpg(client.pid, signal.SIGINT)  # a terminal tells the whole group, workers included
            ends.append(client.stdout.readline().strip())
            longest = max(longest, time.monotonic() - struck)
        assert client.stdout.readline() == "2\n"
    finally:
        late.cancel()
        os.killpg(client.pid, signal.SIGKILL)
        client.wait()
        client.stdout.close()
    print(f"the longest took {longest:.1f} seconds", ends)
    assert longest < 20
    assert all(one == "KeyboardInterrupt" or one.startswith("model ") for one in ends)
    assert sum("nterrupted from the keyboard" in one for one in ends) >= 2
    assert any("Cross-validation" in one for one in ends)
