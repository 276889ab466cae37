"""The functions of `import h2o` and what scripts do with frames, as h2o-py's users call them."""

import importlib
import math
import subprocess
import sys

import h2o
import numpy as np
import pandas as pd
import pytest
from h2o.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from h2o.exceptions import H2OResponseError, H2OTypeError, H2OValueError


def test_the_name_h2o_stands_for_this_package_everywhere():
    import daskdl
    import daskdl.estimators.deeplearning as own

    assert h2o is daskdl
    for name in ("estimators", "estimators.deeplearning", "grid", "grid.grid_search", "frame", "exceptions"):
        assert importlib.import_module(f"h2o.{name}") is importlib.import_module(f"daskdl.{name}")
    assert own.H2ODeepLearningEstimator is H2ODeepLearningEstimator
    assert own.__spec__.name == own.__name__ == "daskdl.estimators.deeplearning"
    with pytest.raises(ModuleNotFoundError, match=r"h2o\.nonsense"):
        importlib.import_module("h2o.nonsense")


def test_the_alias_in_sys_modules_is_enough():
    script = """
import sys, daskdl
sys.modules["h2o"] = daskdl
import h2o.estimators.deeplearning
from h2o.grid.grid_search import H2OGridSearch
from h2o.estimators.deeplearning import H2ODeepLearningEstimator as one
from daskdl.estimators import H2ODeepLearningEstimator as other
assert one is other, (one, other)
assert h2o.H2OFrame is daskdl.H2OFrame
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=100)


def test_a_session_is_begun_looked_at_and_kept(capsys):
    assert h2o.init() is None
    assert "python" in capsys.readouterr().out
    assert h2o.init(nthreads=-1, ip="localhost", strict_version_check=False, name="mine") is None
    assert "Without meaning here" in capsys.readouterr().out
    with pytest.raises(TypeError, match="unexpected keyword"):
        h2o.init(nonsense=1)
    assert h2o.cluster().is_running()
    with h2o.no_progress_block():
        pass


def test_keys_are_listed_assigned_copied_and_removed():
    frame = h2o.H2OFrame({"a": [1, 2, 3]}, destination_frame="first")
    assert h2o.get_frame("first").nrow == 3
    assert h2o.get_frame("nothing") is None
    renamed = h2o.assign(frame, "second")
    assert renamed.frame_id == "second"
    copy = h2o.deep_copy(renamed, "third")
    copy["a"] = copy["a"] * 2
    assert renamed["a"].sum() == 6
    listed = h2o.ls()
    assert isinstance(listed, pd.DataFrame)
    assert {"second", "third"} <= set(listed["key"])
    both = copy.cbind(copy["a"].set_names(["b"]))
    model = H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1, model_id="gone").train(y="a", training_frame=both)
    assert "gone" in set(h2o.ls()["key"])
    assert h2o.predict(model, both).nrow == h2o.predict("gone", both).nrow == 3
    h2o.remove("third")
    h2o.remove([model, "second"])
    assert not {"gone", "second", "third"} & set(h2o.ls()["key"])
    with pytest.raises(H2OResponseError, match="Object 'gone' not found for argument: key"):
        h2o.get_model("gone")
    h2o.remove_all()
    assert len(h2o.ls()) == 0


def test_frames_from_python_objects_have_h2os_types_and_names():
    assert h2o.H2OFrame([1, 2, 3]).dim == [3, 1]
    assert h2o.H2OFrame([[1, "x"], [2, "y"]]).types == {"C1": "int", "C2": "enum"}
    assert h2o.H2OFrame([(1, 2.5), (3, 4.5)], column_names=["a", "b"]).columns == ["a", "b"]
    assert h2o.H2OFrame(np.eye(3)).shape == (3, 3)
    table = pd.DataFrame({"n": [1.5, None], "s": ["u", None]})
    frame = h2o.H2OFrame(table)
    assert frame.isna().sum() == 2
    assert frame["s"].levels() == [["u"]]
    back = frame.as_data_frame()
    assert isinstance(back, pd.DataFrame)
    rows = frame.as_data_frame(use_pandas=False)
    assert rows[0] == ["n", "s"]
    assert all(isinstance(cell, str) for row in rows for cell in row)
    assert h2o.as_list(frame, use_pandas=False) == rows
    assert h2o.H2OFrame(frame).names == frame.names


def test_reductions_give_lists_scalars_and_bools():
    frame = h2o.H2OFrame({"a": [1.0, 2.0, 6.0], "b": [0.0, 0.0, 3.0]})
    assert frame.mean() == [3.0, 1.0]
    assert frame.mean().getrow() == [3.0, 1.0]
    assert isinstance(frame.mean(return_frame=True), h2o.H2OFrame)
    assert frame["a"].mean()[0] == 3.0
    for name, value in (("sum", 12.0), ("min", 0.0), ("max", 6.0)):
        assert getattr(frame, name)() == value
        assert isinstance(getattr(frame, name)(), float)
    assert all(isinstance(one, list) for one in (frame.sd(), frame.median(), frame.nacnt()))
    assert isinstance(frame["a"].var(), float)
    assert isinstance(frame.var(), h2o.H2OFrame)
    assert frame.quantile([0.5]).names == ["Probs", "aQuantiles", "bQuantiles"]
    assert frame.isnumeric() == [True, True]
    assert (frame > 100).any() is False
    assert (frame >= 0).all() is True
    assert frame[0, "a"] == 1.0
    assert isinstance(h2o.H2OFrame([[0.5]])[0, 0], float)
    assert math.isnan(h2o.H2OFrame({"a": [None, 1.0]})[0, "a"])
    assert frame[2, :].getrow() == [6.0, 3.0]
    assert frame["a"].table().ncol == 2
    assert frame.nlevels() == [0, 0]


def test_in_place_and_not_in_place():
    frame = h2o.H2OFrame({"a": [1.0, 0.0, 3.0], "b": ["x", "y", "x"]})
    vol = frame["a"]
    vol[vol == 0] = None
    assert vol.nacnt() == [1]
    assert frame["a"].nacnt() == [0]
    assert frame[:, :] is not frame
    frame["log"] = (frame["a"] + 1).log()
    assert frame.pop("log").names == ["log"]
    assert frame.names == ["a", "b"]
    assert frame.set_names(["u", "v"]) is frame
    frame.set_name("u", "w")
    assert frame.columns == ["w", "v"]
    assert frame.drop("v").names == ["w"]
    assert frame.names == ["w", "v"]
    assert frame["v"].isfactor() == [True]
    assert (frame["v"] == "x").sum() == 2
    with pytest.raises(H2OValueError, match="Only 'int' or 'string' are allowed for asfactor"):
        h2o.H2OFrame([0.5, 1.5]).asfactor()
    assert frame.impute("w", method="mean") is not None
    assert [one.nrow for one in frame] == [3, 3]


def test_printing_shows_ten_rows_and_the_size(capsys):
    frame = h2o.load_dataset("iris")
    print(frame)
    assert "[150 rows x 5 columns]" in capsys.readouterr().out
    assert frame.describe() is None
    said = capsys.readouterr().out
    assert "Rows:150" in said
    assert "Cols:5" in said
    assert all(word in said for word in ("type", "mins", "mean", "maxs", "sigma", "zeros", "missing"))
    assert "<table" in frame._repr_html_()
    assert frame.head(3).nrow == frame.tail(3).nrow == 3


def test_a_split_does_not_follow_numpys_stream_of_the_same_seed():
    """Users draw data and split it with one seed; the split must not depend on the data."""
    frame = h2o.H2OFrame({"a": np.random.default_rng(3).random(2000)})
    low, high = frame.split_frame([0.5], seed=3)
    assert abs(low["a"].mean()[0] - high["a"].mean()[0]) < 0.1
    holes = h2o.H2OFrame({"a": np.arange(2000.0)}).insert_missing_values(0.3, seed=3)
    first, second = holes.split_frame([0.5], seed=3)
    assert abs(first["a"].nacnt()[0] - second["a"].nacnt()[0]) < 120


@pytest.mark.filterwarnings("ignore:Dropping bad and constant columns")
def test_random_frames_and_their_models():
    frame = h2o.create_frame(
        rows=100, cols=5, missing_fraction=0, has_response=True, response_factors=2, seed=1, categorical_fraction=0.4,
        integer_fraction=0.2, binary_fraction=0.2, factors=4,
    )  # fmt: skip
    assert frame.names[0] == "response"
    assert frame.types["response"] == "enum"
    model = H2ODeepLearningEstimator(hidden=[3], epochs=1, seed=1)
    model.train(training_frame=frame)
    assert model._model_json["response_column_name"] == "response"
    assert (
        h2o.create_frame(rows=10, cols=2, seed=5)
        .as_data_frame()
        .equals(h2o.create_frame(rows=10, cols=2, seed=5).as_data_frame())
    )


def test_metrics_of_own_columns():
    draw = np.random.default_rng(1)
    p = draw.random(200)
    act = h2o.H2OFrame({"y": np.where(draw.random(200) < p, "b", "a")})
    two = h2o.make_metrics(h2o.H2OFrame({"p": p}), act, domain=["a", "b"])
    assert two.auc() > 0.7
    assert isinstance(two.confusion_matrix().to_list(), list)
    numbers = h2o.make_metrics(h2o.H2OFrame({"p": p}), h2o.H2OFrame({"y": p + 1}), distribution="gaussian")
    assert numbers.mae() == pytest.approx(1)
    with pytest.raises(H2OValueError):
        h2o.make_metrics(h2o.H2OFrame({"p": p * 7}), act, domain=["a", "b"])


def test_files_are_written_and_read(tmp_path, locate):
    frame = h2o.import_file(locate("insurance"))
    assert frame.frame_id == "insurance.hex"
    assert h2o.import_file(locate("insurance")).frame_id != frame.frame_id
    path = str(tmp_path / "out.csv")
    assert h2o.export_file(frame, path) is None
    with pytest.raises((ValueError, OSError), match="exists"):
        h2o.export_file(frame, path)
    h2o.export_file(frame, path, force=True, sep=";")
    again = h2o.import_file(path, destination_frame="again", header=1, sep=";", col_types={"District": "enum"})
    assert again.types["District"] == "enum"
    assert again.frame_id == "again"
    with pytest.raises(ValueError, match="empty text"):
        h2o.import_file("")
    with pytest.raises((OSError, ValueError), match="does not exist"):
        h2o.import_file("/nowhere/at/all.csv")
    named = h2o.import_file(path, header=1, sep=";", col_names=["v", "w", "x", "y", "z"])
    assert named.names == ["v", "w", "x", "y", "z"]


def test_estimators_are_good_scikit_learn_citizens():
    iris = h2o.load_dataset("iris")
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1)
    assert model.get_params()["hidden"] == [4]
    assert model.set_params(epochs=2).epochs == 2
    model.fit(iris[:4], iris[4])
    assert model.predict(iris[:4]).nrow == 150
    model.start(x=iris.names[:4], y="class", training_frame=iris)
    assert model.join() is model
    with pytest.raises(H2OTypeError):
        H2OAutoEncoderEstimator(hidden="x")


def test_conveniences_of_the_module(tmp_path):
    frame = h2o.H2OFrame({"a": ["x", "y", "x"], "b": ["u", "u", "v"]})
    crossed = h2o.interaction(frame, factors=["a", "b"], pairwise=False, max_factors=9, min_occurrence=1)
    assert crossed.names == ["a_b"]
    path = h2o.download_csv(frame, str(tmp_path / "a.csv"))
    assert pd.read_csv(path).shape == (3, 2)
    zones = h2o.list_timezones()
    assert zones.names == ["Timezones"]
    assert zones["Timezones"].isin("Europe/Berlin").sum() == 1


def test_the_demo_of_other_algorithms_is_refused():
    with pytest.raises(H2OValueError, match="deep learning only"):
        h2o.demo("gbm")
