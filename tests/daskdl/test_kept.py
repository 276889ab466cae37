"""What a model has kept comes back from disk: answers, fold models, frames of cross-validation; else a sentence."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.grid import H2OGridSearch
from daskdl.model import checkpoint
from daskdl.parameters import declarations
from frames.cluster import registry
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

RNG = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "a": RNG.standard_normal(80),
        "c": RNG.choice(["u", "v", None], 80),
        "w": RNG.random(80) + 0.5,
        "y": RNG.choice(["no", "yes"], 80),
    }
)
FRAMES = (
    "cross_validation_predictions",
    "cross_validation_holdout_predictions",
    "cross_validation_fold_assignment",
)
KEEP = {"keep_cross_validation_predictions": True, "keep_cross_validation_fold_assignment": True}
BOX = {"hidden": [3], "epochs": 2, "seed": 1, "stopping_rounds": 0}
# These write, draw, train, or need more than what a model holds.
# `get_params` is what was given to the constructor; a model knows what train() was given, too.
ACTS = (
    "get_params",
    "train",
    "start",
    "join",
    "fit",
    "show",
    "show_summary",
    "download_model",
    "download_mojo",
    "export_card",
    "export_java",
    "export_mlflow",
    "export_numpy",
    "export_onnx",
    "save_mojo",
    "save_model_details",
    "plot",
)
DRAWS = ("learning_curve_plot", "varimp_plot", "gains_lift_plot")


@pytest.fixture
def table():
    return H2OFrame(TABLE, column_types={"c": "enum", "y": "enum"}, destination_frame="patients")


def plain(value):
    """Any answer as text, frames and tables with all their cells."""
    if hasattr(value, "as_data_frame"):
        return value.as_data_frame().to_csv()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return str(value)


def answers(thing) -> dict:
    """Everything that can be asked without arguments, for each source of metrics."""
    found = {}
    for name in dir(thing):
        if name in (*ACTS, *DRAWS, *declarations()) or (name.startswith("_") and name != "_model_json"):
            continue
        for flag in ("", "valid", "xval"):
            try:
                value = getattr(thing, name)
                if flag and (not callable(value) or flag not in inspect.signature(value).parameters):
                    continue
                value = value(**({flag: True} if flag else {})) if callable(value) else value
            except (TypeError, ValueError, AttributeError, KeyError) as error:
                value = f"{type(error).__name__} {error}"
            found[name, flag] = plain(value)
    return found


@pytest.mark.parametrize("kind", ["cross-validated", "autoencoder"])
def test_every_answer_of_a_model_is_the_same_after_loading(table, tmp_path, kind):
    crossed = kind == "cross-validated"
    estimator, more = (H2ODeepLearningEstimator, {"nfolds": 3, **KEEP}) if crossed else (H2OAutoEncoderEstimator, {})
    model = estimator(**BOX, export_weights_and_biases=True, model_id="m", **more)
    model.train(
        x=["a", "c"], y="y" if crossed else None, training_frame=table, validation_frame=table, weights_column="w"
    )
    before = answers(model)
    h2o.save_model(model, str(tmp_path), export_cross_validation_predictions=True)
    for key in ("m", *(key for key in list(registry.keys()) if "_cv_" in key or key.startswith("cv_"))):
        registry.remove(key)
    after = answers(h2o.load_model(str(tmp_path / "m")))
    assert after == before
    assert len(before) > 100
    if crossed:
        known = {f"prediction_m_cv_{k}" for k in (1, 2, 3)} | {f"m_cv_{k}" for k in (1, 2, 3)}
        assert known | {"cv_holdout_prediction_m", "cv_fold_assignment_m"} <= set(registry.keys())


def test_frames_that_were_not_saved_are_missed_with_a_sentence(table, tmp_path):
    model = H2ODeepLearningEstimator(**BOX, nfolds=2, model_id="m", **KEEP).train(y="y", training_frame=table)
    again = h2o.load_model(h2o.save_model(model, str(tmp_path)))
    for name in FRAMES:
        with pytest.raises(H2OValueError, match=f"{name}.. of m must be saved with the model.*export_cross"):
            getattr(again, name)()
    assert len(again.cross_validation_models()) == 2
    assert again._model_json["output"]["cross_validation_predictions"] is None
    bare = H2ODeepLearningEstimator(**BOX, nfolds=2, model_id="bare").train(y="y", training_frame=table)
    again = h2o.load_model(h2o.save_model(bare, str(tmp_path)))
    assert [getattr(again, name)() for name in FRAMES] == [None, None, None]  # they were never kept
    plain_model = H2ODeepLearningEstimator(**BOX, model_id="plain", **KEEP).train(y="y", training_frame=table)
    assert [getattr(plain_model, name)() for name in FRAMES] == [None, None, None]  # without folds


def test_positions_of_the_arguments_are_those_of_h2o_py(table, tmp_path):
    model = H2ODeepLearningEstimator(**BOX, nfolds=2, model_id="m", **KEEP).train(y="y", training_frame=table)
    path = h2o.save_model(model, str(tmp_path), True, True, "other")
    assert path == str(tmp_path / "other")
    assert h2o.load_model(path).cross_validation_holdout_predictions().nrow == 80
    copy = h2o.download_model(model, str(tmp_path), True, "copy")
    assert h2o.upload_model(copy).cross_validation_fold_assignment().nrow == 80
    names = {"save_model": ["model", "path", "force", "export_cross_validation_predictions", "filename"]}
    names["download_model"] = ["model", "path", "export_cross_validation_predictions", "filename"]
    names["save_grid"] = ["grid_directory", "grid_id", "save_params_references", "export_cross_validation_predictions"]
    names["load_grid"] = ["grid_file_path", "load_params_references"]
    for function, wanted in names.items():
        assert list(inspect.signature(getattr(h2o, function)).parameters) == wanted


def test_a_grid_brings_the_frames_of_its_models(table, tmp_path):
    grid = H2OGridSearch(H2ODeepLearningEstimator(**BOX, nfolds=2, **KEEP), {"l1": [0.0, 0.1]}, grid_id="g")
    grid.train(y="y", training_frame=table)
    held = {model.model_id: plain(model.cross_validation_holdout_predictions()) for model in grid}
    path = h2o.save_grid(str(tmp_path / "with"), grid, False, True)
    bare = h2o.save_grid(str(tmp_path / "without"), grid)
    h2o.remove(grid)
    again = h2o.load_grid(path)
    assert {model.model_id: plain(model.cross_validation_holdout_predictions()) for model in again} == held
    assert h2o.get_frame("cv_holdout_prediction_g_model_1").nrow == 80
    with pytest.raises(H2OValueError, match="must be saved with the model"):
        h2o.load_grid(bare)[0].cross_validation_predictions()


def test_what_is_saved_by_itself_keeps_all_that_was_to_be_kept(table, tmp_path):
    exported = {"export_checkpoints_dir": str(tmp_path / "out")}
    model = H2ODeepLearningEstimator(**BOX, nfolds=2, model_id="m", **KEEP, **exported)
    model.train(y="y", training_frame=table)
    before = plain(model.cross_validation_predictions())
    assert plain(h2o.load_model(str(tmp_path / "out" / "m")).cross_validation_predictions()) == before
    recovery = str(tmp_path / "recovery")
    grid = H2OGridSearch(
        H2ODeepLearningEstimator(**BOX, nfolds=2, **KEEP), {"l1": [0.0]}, grid_id="g", recovery_dir=recovery
    )
    grid.train(y="y", training_frame=table)
    before = plain(grid[0].cross_validation_predictions())
    h2o.remove(grid)
    other = H2OGridSearch(H2ODeepLearningEstimator, {"l1": [0.0]}, grid_id="g").resume(recovery)
    assert plain(other[0].cross_validation_predictions()) == before


def test_a_new_process_reads_them_without_a_cluster_and_shows_them_on_one(table, tmp_path):
    model = H2ODeepLearningEstimator(**BOX, nfolds=2, model_id="m", **KEEP).train(y="y", training_frame=table)
    path = h2o.save_model(model, str(tmp_path), export_cross_validation_predictions=True)
    code = """
import json, sys
from daskdl.model import checkpoint
from daskdl.estimators.deeplearning import estimator_of
from frames.cluster import session
model = checkpoint.load(sys.argv[1])
assert not session.is_running()
session.start(nthreads=1)
print(json.dumps(estimator_of(model).cross_validation_holdout_predictions().as_data_frame().to_csv()))
"""
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == plain(model.cross_validation_holdout_predictions())


def test_a_damaged_frame_is_found(table, tmp_path):
    model = H2ODeepLearningEstimator(**BOX, nfolds=2, model_id="m", **KEEP).train(y="y", training_frame=table)
    path = Path(h2o.save_model(model, str(tmp_path), export_cross_validation_predictions=True))
    (found,) = path.glob("versions/*/frames/2/0")
    found.write_bytes(found.read_bytes()[:-1])
    with pytest.raises(H2OValueError, match=r"frames/2/0: the file must have \d+ bytes"):
        checkpoint.load(path)


def test_a_model_taken_by_its_name_trains_again_with_other_columns(table):
    H2ODeepLearningEstimator(**BOX, model_id="m").train(x=["a"], y="y", training_frame=table)
    again = h2o.get_model("m")
    assert again.actual_params["ignored_columns"] == ["c", "w"]
    again.train(x=["a", "c"], y="y", training_frame=table)
    assert again.model.x == ["a", "c"]
