"""A second start compiles nothing: the kernels of the first one lie in the cache on disk."""

import json
import os
import subprocess
import sys

import pytest

# Online and mini-batch, a classifier and a regression, categories: the two training kernels and the scoring ones.
JOB = """
import json
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.kernels.jit import cache_misses

h2o.init(nthreads=1, verbose=False)
h2o.no_progress()
table = h2o.H2OFrame({"a": [0.1, 0.7, 0.3, 0.9] * 10, "c": ["u", "v", "w", "u"] * 10, "y": ["no", "yes"] * 20})
for batch, y in ((1, "y"), (16, "a")):
    model = H2ODeepLearningEstimator(hidden=[4], epochs=2, seed=1, mini_batch_size=batch)
    model.train(x=[name for name in ("a", "c") if name != y], y=y, training_frame=table)
    model.predict(table)
print(json.dumps({"compiled": cache_misses()}))
"""


def _start(cache) -> int:
    """Run the job in a fresh process and return how many kernels it had to compile."""
    surroundings = {**os.environ, "DASKDL_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", JOB], env=surroundings, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])["compiled"]


@pytest.mark.slow
@pytest.mark.timeout(300)  # everything is compiled from nothing, on a machine that may be busy
def test_a_second_start_compiles_nothing(tmp_path):
    assert _start(tmp_path) > 0
    assert _start(tmp_path) == 0
