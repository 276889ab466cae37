"""Names of the user's own: ids are never paths, and no class or column name gets in the way of what predict() makes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.grid import H2OGridSearch
from daskdl.model.versions import LONGEST_NAME, file_name
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

OUTSIDE = "../../x"


def frame_of(classes, rows=60, **columns) -> H2OFrame:
    draw = np.random.default_rng(5)
    table = pd.DataFrame({"a": draw.normal(size=rows), **columns, "y": draw.choice(classes, rows)})
    return H2OFrame(table, column_types={"y": "enum"})


# ---- ids -------------------------------------------------------------------------------------------------------
@given(st.lists(st.text(max_size=40) | st.text("./\\%2F", max_size=8), min_size=2, max_size=2, unique=True))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_every_id_has_one_file_name_of_its_own_below_the_folder(tmp_path_factory, ids):
    folder = tmp_path_factory.getbasetemp()
    names = [file_name(one) for one in ids]
    assert names[0] != names[1]
    for name in names:
        assert (folder / name).resolve().parent == folder.resolve()
        assert 0 < len(name.encode()) <= LONGEST_NAME
        assert not {"/", "\\", "\0"} & set(name)


def test_usual_ids_are_their_own_file_names_and_long_ones_stay_apart():
    for usual in ("DeepLearning_model_python_1_2", "my model", "a-b.c~d", "modèle", "table.hex"):
        assert file_name(usual) == usual
    assert file_name("x" * 300 + "1") != file_name("x" * 300 + "2")


@pytest.mark.parametrize("id_", [OUTSIDE, "/absolute", "..", "a/b", "\\windows", "x" * 300, "nul\0"])
def test_models_and_grids_of_any_id_are_written_inside_the_folder_and_come_back(tmp_path, id_):
    frame = frame_of(["u", "v"])
    inside, box = tmp_path / "1" / "2" / "3", {"hidden": [2], "epochs": 1, "seed": 1}
    model = H2ODeepLearningEstimator(model_id=id_, export_checkpoints_dir=str(inside / "exported"), **box)
    model.train(y="y", training_frame=frame)
    paths = [h2o.save_model(model, str(inside)), h2o.download_model(model, str(inside / "copies"))]
    (inside / "details").mkdir()
    model.save_model_details(str(inside / "details"))
    grid = H2OGridSearch(
        H2ODeepLearningEstimator(**box), {"l1": [0.0, 0.1]}, grid_id=f"{id_}_grid", recovery_dir=str(inside / "search")
    )
    grid.train(y="y", training_frame=frame)
    saved = h2o.save_grid(str(inside / "grids"), grid)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["2"]
    assert [path.name for path in (tmp_path / "1" / "2").iterdir()] == ["3"]
    assert len(list(inside.iterdir())) == 6  # the model itself, and five folders
    for path in (*paths, *(inside / "exported").iterdir()):
        assert h2o.load_model(str(path)).model_id == id_
    again = h2o.load_grid(saved)
    assert (again.grid_id, again.model_ids) == (f"{id_}_grid", grid.model_ids)
    other = H2OGridSearch(H2ODeepLearningEstimator, {"l1": [0.0, 0.1]}, grid_id=f"{id_}_grid")
    assert other.resume(str(inside / "search")).model_ids == grid.model_ids


# ---- columns ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("classes", "columns"),
    [
        (["predict", "other"], ["predict", "other", "predict0"]),
        (["0", "p0"], ["predict", "p0", "p00"]),
        (["predict", "p1", "1", "Error"], ["predict", "p1", "Error", "p10", "predict0"]),
    ],
)
def test_classes_named_like_columns_of_the_predictions_keep_a_column_each(classes, columns):
    frame = frame_of(classes, predict=np.arange(60.0))
    model = H2ODeepLearningEstimator(
        hidden=[3], epochs=2, seed=1, stopping_rounds=0, nfolds=2, keep_cross_validation_predictions=True
    ).train(y="y", training_frame=frame)
    for found in (model.predict(frame), model.cross_validation_holdout_predictions()):
        table = found.as_data_frame()
        assert sorted(found.names) == sorted(columns)
        assert found.levels()[0] == sorted(classes)
        np.testing.assert_allclose(table[found.names[1:]].sum(axis=1), 1, atol=1e-6)
    guessed = model.predict(frame).as_data_frame()
    if len(classes) > 2:  # the label is the class of the largest probability: its column stands at its place
        best = guessed[model.predict(frame).names[1:]].to_numpy().argmax(axis=1)
        assert list(guessed["predict"].astype(str)) == [sorted(classes)[k] for k in best]


def test_units_of_one_name_keep_a_column_each():
    factor = np.array(["b", "c", "missing(NA)"] * 20)
    frame = frame_of(["u", "v"], **{"f": factor, "f.b": np.arange(60.0), "f.missing(NA)": np.arange(60.0)})
    frame["f"] = frame["f"].asfactor()
    inputs = ["f.b", "f.c", "f.missing(NA)", "f.missing(NA)0", "a", "f.b0", "f.missing(NA)1"]
    odd = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1, export_weights_and_biases=True)
    odd.train(x=frame.names[:-1], training_frame=frame)
    assert odd.predict(frame).names == [f"reconstr_{name}" for name in inputs]
    assert odd.anomaly(frame, per_feature=True).ncol == 7
    assert odd.weights(0).names == inputs
