"""The recipes of CONTRIBUTING.md, carried out: one new file, and the choice trains, scores, shows itself, is saved.

A copy of the packages gets a file for each of some recipes, and a fresh interpreter runs a user's script on it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("daskdl", "frames")

SIGMOID = '''
"""The logistic function."""

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.activations.base import Activation
from daskdl.kernels.elementary import tanh


class Sigmoid(Activation):
    """1 / (1 + exp(-z)), bounded in (0, 1)."""

    name = "Sigmoid"
    averages = Range(0, 1, "()")

    def activate(self, z):
        return np.float32(0.5) * (np.float32(1) + tanh(np.float32(0.5) * z))

    def slope(self, a):
        return a * (np.float32(1) - a)
'''

CAUCHY = '''
"""The Cauchy distribution."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.distributions.base import Distribution
from daskdl.kernels.spec import Declared


class Cauchy(Distribution):
    """Errors of any size: beyond `scale` a row loses its pull."""

    name = "cauchy"

    scale: Annotated[float, Declared("cauchy_scale", Range(0, ends="()"), "Error that is an outlier.")] = 1.0

    def loss(self, y, f):
        return np.log(np.float32(1) + (y - f) * (y - f) / (self.scale * self.scale))

    def gradient(self, y, f):
        return np.float32(2) * (f - y) / (self.scale * self.scale + (f - y) * (f - y))

    def deviance(self, y, mean):
        return np.log1p(((y - mean) / self.scale) ** 2)
'''

LOG_COSH = '''
"""The logarithm of the hyperbolic cosine of the error."""

import numpy as np

from daskdl.metrics.metric import Mean, Metric

LOG_COSH = Metric(
    "log_cosh",
    "mean log cosh of the error (regression)",
    {"Regression": Mean(lambda seen, _: np.log(np.cosh(seen.actual - seen.predicted)))},
)
'''

AMSGRAD = '''
"""AMSGrad."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.optimizers.base import Optimizer
from daskdl.kernels.spec import Declared


class Amsgrad(Optimizer):
    """Adam whose second moment never falls. Source: Reddi et al. 2018."""

    name = "amsgrad"
    slots = ("mean", "square", "largest")
    scheduled = True

    pace: Annotated[float, Declared("amsgrad_rate", Range(0, ends="()"), "Step of AMSGrad.")] = 0.01
    floor: float = 1e-8

    def at(self, clock):
        steps = clock.steps + 1.0
        rates = self.pace * clock.factors * np.sqrt(1.0 - 0.999**steps) / (1.0 - 0.9**steps)
        return self.compiled, np.repeat(rates[None].astype(np.float32), clock.layers + 1, axis=0)

    def step(self, w, slots, gradient, rate):
        mean, square, largest = slots
        mean = np.float32(0.9) * mean + np.float32(0.1) * gradient
        square = np.float32(0.999) * square + np.float32(0.001) * gradient * gradient
        largest = np.maximum(largest, square)
        return w - rate * mean / (np.sqrt(largest) + self.floor), (mean, square, largest)

    def speed(self, slots, rate):
        return rate / (np.sqrt(slots[2]) + self.floor)
'''

STEPS = '''
"""Numbers that count on by a fixed step."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import Codec, Terms
from frames.exceptions import CodecCannotHold


@dataclass(frozen=True)
class Steps(Codec):
    """Holds start, start + step, start + 2 step, ... of whole numbers without storing any."""

    layout: ClassVar[str] = "none"
    start: int
    step: int

    @classmethod
    def offers(cls, column):
        facts = column.facts
        if facts.rows > 1 and not facts.missing and column.whole and facts.maximum < 2**53:
            start, step = int(column.values[0]), int(column.values[1]) - int(column.values[0])
            if step and abs(step) * (facts.rows - 1) == facts.maximum - facts.minimum:
                yield 0.0, cls(start, step)

    @property
    def dtype(self):
        return np.dtype(np.int64)

    def encode(self, column):
        if column.dtype.kind not in "fiu" or not (column == self.decode(column, len(column))).all():
            raise CodecCannotHold(f"Every value must be {self.start} and so many times {self.step}.")
        return np.empty(0, np.uint8)

    def decode(self, codes, rows):
        return self.start + self.step * np.arange(rows, dtype=np.float64)

    def codes(self, stored, rows):
        return np.arange(rows, dtype=np.int64)

    @property
    def terms(self):
        return Terms(float(self.step), float(self.start))
'''

# What every script begins with: a table of 60 rows, and the whole way of a model.
BEGIN = """
import sys, warnings
import numpy as np
warnings.simplefilter("error")
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

h2o.init(nthreads=1, verbose=False)
h2o.no_progress()
draw = np.random.default_rng(3)
table = {"id": np.arange(100.0, 160.0), "a": draw.normal(size=60), "b": draw.normal(size=60)}
table["y"] = 3.0 * np.tanh(table["a"]) - table["b"] + 0.1 * draw.normal(size=60)
frame = h2o.H2OFrame({name: column.tolist() for name, column in table.items()})

def predictions(model, frame=frame):
    return model.predict(frame).as_data_frame()["predict"].to_numpy()

def whole_way(x=("a", "b"), **parameters):
    usual = {"hidden": [3], "epochs": 40, "seed": 7, "export_weights_and_biases": True, "score_interval": 0}
    model = H2ODeepLearningEstimator(**usual | parameters)
    model.train(x=list(x), y="y", training_frame=frame, validation_frame=frame)
    first = model.scoring_history()["training_rmse"].dropna().iloc[0]
    assert model.rmse(train=True) < min(0.9 * first, np.std(table["y"])), (first, model.rmse(train=True))
    print(model.summary())
    model.show()
    loaded = h2o.load_model(h2o.save_model(model, path=sys.argv[1], force=True))
    np.testing.assert_array_equal(predictions(loaded), predictions(model))
    np.testing.assert_allclose(loaded.model_performance(frame).mse(), np.mean((table["y"] - predictions(model)) ** 2))
    return model, loaded
"""

OF_KERNELS = """
chosen = {"activation": "Sigmoid", "distribution": "cauchy", "cauchy_scale": 0.5, "optimizer": "amsgrad"}
chosen |= {"amsgrad_rate": 0.05, "standardize": False}
model, loaded = whole_way(**chosen)
for name in ("activation", "distribution", "cauchy_scale", "optimizer", "amsgrad_rate"):
    assert loaded.actual_params[name] == model.actual_params[name] == chosen[name]

# the activation
w = [loaded.weights(k).as_data_frame().to_numpy(np.float64) for k in (0, 1)]
b = [loaded.biases(k).as_data_frame().to_numpy(np.float64)[:, 0] for k in (0, 1)]
inputs = np.stack([table["a"], table["b"]], 1)
expected = (1 / (1 + np.exp(-(inputs @ w[0].T + b[0])))) @ w[1].T + b[1]
np.testing.assert_allclose(predictions(loaded), expected[:, 0], rtol=1e-5, atol=1e-5)
dropped = H2ODeepLearningEstimator(**chosen | {"activation": "SigmoidWithDropout"}, hidden=[3], epochs=1, seed=1)
dropped.train(x=["a", "b"], y="y", training_frame=frame)
assert "Sigmoid" in str(model.summary())

# the distribution
expected = np.mean(np.log1p(((table["y"] - predictions(model)) / 0.5) ** 2))
for one in (model, loaded):
    np.testing.assert_allclose(one.model_performance(frame).mean_residual_deviance(), expected)
try:
    H2ODeepLearningEstimator(distribution="cauchy", cauchy_scale=0.0).train(x=["a"], y="y", training_frame=frame)
except h2o.exceptions.H2OResponseError as refused:
    assert "cauchy_scale must be greater than 0" in str(refused)
else:
    raise AssertionError("cauchy_scale = 0 was accepted")

# the optimizer
state = loaded._trained().state
assert state.slots.shape[0] == 3
assert (state.slots != 0).any(axis=1).all()
longer = H2ODeepLearningEstimator(**chosen, hidden=[3], epochs=60, seed=7, checkpoint=loaded.model_id)
longer.train(x=["a", "b"], y="y", training_frame=frame, validation_frame=frame)
np.testing.assert_array_equal(longer.scoring_history()["epochs"].iloc[-1], 60.0)
shown = [float(row[7]) for row in model.summary().cell_values[1:]]
largest = [np.sqrt(loaded._trained().layout.matrix(state.slots[2], layer)) for layer in (1, 2)]
steps = 2400.0  # of batches of one row
rate = 0.05 * np.sqrt(1 - 0.999**(steps + 1)) / (1 - 0.9**(steps + 1))
np.testing.assert_allclose(shown, [np.mean(rate / (root + 1e-8)) for root in largest], rtol=1e-4)
"""

OF_METRIC = """
from daskdl.grid import H2OGridSearch

model, loaded = whole_way(stopping_metric="log_cosh", stopping_rounds=2, stopping_tolerance=0.5, epochs=400)
expected = np.mean(np.log(np.cosh(table["y"] - predictions(model))))
for one in (model, loaded):
    np.testing.assert_allclose([one.log_cosh(train=True), one.log_cosh(valid=True)], expected)
    np.testing.assert_allclose(one.model_performance(frame).log_cosh(), expected)
    assert {"training_log_cosh", "validation_log_cosh"} <= set(one.scoring_history().columns)
assert model.scoring_history()["epochs"].iloc[-1] < 400, "it never stopped"
assert "log_cosh" in str(model.model_performance(frame))
assert "mean log cosh of the error" in H2ODeepLearningEstimator.log_cosh.__doc__
grid = H2OGridSearch(H2ODeepLearningEstimator(hidden=[2], seed=1), {"epochs": [0.1, 20]})
grid.train(x=["a", "b"], y="y", training_frame=frame)
best = grid.get_grid(sort_by="log_cosh")
values = [one.log_cosh() for one in best]
assert values == sorted(values)
assert len(set(values)) == 2
assert dict(zip(best.model_ids, values)) == grid.log_cosh()
"""

OF_CODEC = """
from frames.chunks.chunk import Chunk

falling = 4.0 * np.arange(59, -1, -1)
packed = Chunk.pack([table["id"], falling, table["a"]], ["int", "int", "real"], [None] * 3)
with open(sys.argv[1] + ".chunk", "wb") as file:
    file.write(packed.to_bytes())
with open(sys.argv[1] + ".chunk", "rb") as file:
    data = file.read()
back = Chunk.from_bytes(data)
assert data.count(b'"Steps"') == 2, "it was not chosen"
np.testing.assert_array_equal(back.values(0), table["id"])
np.testing.assert_array_equal(back.values(1), falling)
np.testing.assert_array_equal(back.values(2), table["a"])
assert b'"Steps"' in Chunk.pack([np.arange(200, dtype=np.uint8)], ["int"], [None]).to_bytes()
np.testing.assert_array_equal(frame["id"].as_data_frame()["id"], table["id"])
model, loaded = whole_way(x=("id", "a", "b"))
"""

# The file of each kind, and its text.
RECIPES = {
    "activation": ("daskdl/kernels/activations/sigmoid.py", SIGMOID),
    "distribution": ("daskdl/kernels/distributions/cauchy.py", CAUCHY),
    "optimizer": ("daskdl/kernels/optimizers/amsgrad.py", AMSGRAD),
    "metric": ("daskdl/metrics/entries/log_cosh.py", LOG_COSH),
    "codec": ("frames/codecs/steps.py", STEPS),
}
# What goes into one copy: the kernels of three choices are compiled once, those of the others run as plain Python.
COPIES = {
    ("activation", "distribution", "optimizer"): (OF_KERNELS, True),
    ("metric", "codec"): (OF_METRIC + OF_CODEC, False),
}


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of the packages by its path, but for what Python compiled beside them."""
    paths = [path for name in PACKAGES for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if "__pycache__" not in path.parts}


@pytest.mark.slow
@pytest.mark.timeout(240)  # the kernels that the choice needs are compiled, on a machine that may be busy
@pytest.mark.parametrize("kinds", COPIES, ids=" and ".join)
def test_one_file_adds_a_choice_that_trains_scores_shows_itself_and_is_saved(kinds, root, tmp_path):
    script, compiled = COPIES[kinds]
    home = tmp_path / "copy"
    for name in PACKAGES:  # with what Python compiled: it is valid as long as the times of the files are
        shutil.copytree(root / name, home / name)
    for path, text in (RECIPES[kind] for kind in kinds):
        (home / path).write_text(text.lstrip())
    surroundings = {**os.environ, "PYTHONPATH": str(home), "DASKDL_CACHE_DIR": str(tmp_path / "cache")}
    surroundings |= {
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "NUMBA_DISABLE_JIT": str(int(not compiled)),
        "NUMBA_OPT": "1",
    }
    code = BEGIN + script + "\nassert h2o.__file__.startswith(sys.argv[2])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "models"), str(home)],
        env=surroundings, cwd=tmp_path, capture_output=True, text=True, timeout=230, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    ours, theirs = files_of(home), files_of(root)
    assert ours.keys() - theirs.keys() == {RECIPES[kind][0] for kind in kinds}
    assert all(ours[name] == content for name, content in theirs.items())


def test_every_recipe_is_carried_out():
    assert sorted(kind for kinds in COPIES for kind in kinds) == sorted(RECIPES)
