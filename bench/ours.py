"""daskdl on the same rows, through its front door: everything that a user waits for is in the time, but scoring."""

import time

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

# Scoring off, as far as it goes: rivals do not score either.
SILENT = {
    "score_training_samples": 100,
    "score_duty_cycle": 0,
    "score_interval": 1e9,
    "stopping_rounds": 0,
    "classification_stop": -1,
    "overwrite_with_best_model": False,
    "variable_importances": False,
}


def start(threads: int) -> None:
    """Give the embedded worker so many trainer threads."""
    h2o.cluster().shutdown()
    h2o.init(nthreads=threads, verbose=False)
    h2o.no_progress()


def frame(pixels, labels):
    """The rows as a frame; call it again after `start`, which ends everything that lived before."""
    table = h2o.H2OFrame(pixels)
    return table.cbind(h2o.H2OFrame(labels.reshape(-1, 1), column_names=["digit"]).asfactor())


def speed(table, batch: int, epochs: float, **options) -> float:
    """Samples per second of one training of the default network over `table`; `batch` 1 is the online kernel."""
    model = H2ODeepLearningEstimator(epochs=epochs, mini_batch_size=batch, seed=1, **SILENT, **options)
    predictors = table.names[:-1]
    started = time.perf_counter()
    model.train(x=predictors, y="digit", training_frame=table)
    elapsed = time.perf_counter() - started
    return max(model.scoring_history()["samples"]) / elapsed
