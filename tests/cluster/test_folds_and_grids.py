"""Cross-validation and grid search on two worker processes, several models at a time."""

import pytest
from sklearn.metrics import roc_auc_score

from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.grid.grid_search import H2OGridSearch
from daskdl.parameters import Parameters
from daskdl.training.cross_validation import run as cv
from daskdl.training.train import train
from frames.cluster import progress_bars

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

NET = {"hidden": [10], "epochs": 6, "seed": 3, "stopping_rounds": 0, "reproducible": True}


def test_folds_trained_side_by_side_are_those_trained_in_turn(two_workers, rings, monkeypatch):
    how = Parameters(nfolds=3, keep_cross_validation_predictions=True, **NET)
    models = []
    for at_once in (1, 3):
        monkeypatch.setattr(cv, "models_at_once", lambda cells, folds, threads, n=at_once: n)
        models.append(train(how, rings, y="y", model_id=f"turn{at_once}"))
    assert models[0].cross_validation_metrics.values() == models[1].cross_validation_metrics.values()
    found = models[1].extras["cross_validation_holdout_predictions"].as_data_frame()
    actual = rings["y"].as_data_frame()["y"] == "out"
    assert models[1].cross_validation_metrics.auc() == pytest.approx(roc_auc_score(actual, found["out"]), abs=2e-3)


def test_a_grid_of_models_side_by_side_finds_what_it_finds_in_turn(two_workers, rings, monkeypatch):
    monkeypatch.setattr(progress_bars, "_shown", False)
    values = []
    for parallelism in (1, 2):
        grid = H2OGridSearch(H2ODeepLearningEstimator(**NET), {"l1": [0, 0.01, 0.1]}, parallelism=parallelism)
        grid.train(y="y", training_frame=rings)
        values.append(grid.sorted_metric_table()[["l1", "logloss"]])
    assert values[0].equals(values[1])
