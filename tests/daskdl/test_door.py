"""`import daskdl as h2o`: the module functions, and one script of each kind of model from import to prediction."""

import pkgutil
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import daskdl
import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from frames.cluster import registry, session
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError

pytestmark = pytest.mark.usefixtures("embedded")


@pytest.fixture
def prostate():
    frame = h2o.load_dataset("prostate")
    frame["CAPSULE"] = frame["CAPSULE"].asfactor()
    return frame


def small(**parameters):
    return H2ODeepLearningEstimator(**{"hidden": [8], "epochs": 5, "seed": 3, **parameters})


# ---- the package -----------------------------------------------------------------------------------------------


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, daskdl; daskdl.exceptions; "
        "heavy = {'numba', 'dask', 'distributed', 'bokeh', 'matplotlib', 'pandas'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_listed_name_exists_and_unknown_ones_do_not():
    assert [name for name in h2o.__all__ if not hasattr(h2o, name)] == []
    assert set(h2o.__all__) <= set(dir(h2o))
    assert set(h2o.__all__) == {"__version__", *h2o._NAMES}
    with pytest.raises(AttributeError, match="no attribute 'gbm'"):
        h2o.gbm


def test_no_package_hides_a_function_of_its_name():
    """Importing `daskdl.x` sets the attribute x of the package: x must not be one of h2o-py's functions."""
    packages = {found.name for found in pkgutil.iter_modules(daskdl.__path__)}
    assert packages & set(h2o._NAMES) == set()
    assert callable(h2o.cluster)


def test_scripts_may_import_under_h2os_module_names():
    code = (
        "import sys, daskdl; sys.modules['h2o'] = daskdl\n"
        "import h2o\n"
        "from h2o.estimators.deeplearning import H2ODeepLearningEstimator\n"
        "from h2o.estimators import H2OAutoEncoderEstimator\n"
        "from h2o.exceptions import H2OResponseError\n"
        "from h2o.frame import H2OFrame\n"
        "from h2o.two_dim_table import H2OTwoDimTable\n"
        "print(h2o.H2OFrame is not None, H2ODeepLearningEstimator.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True H2ODeepLearningEstimator"


# ---- the cluster -----------------------------------------------------------------------------------------------


def test_init_prints_a_status_unless_told_not_to(capsys):
    h2o.init(verbose=False)
    assert capsys.readouterr().out == ""
    h2o.init(strict_version_check=False)
    printed = capsys.readouterr().out
    assert "daskdl cluster" in printed
    assert "Without meaning here, where no Java server runs: strict_version_check." in printed


def test_init_keeps_the_cluster_in_use_and_takes_a_client():
    before = session.client()
    h2o.init(verbose=False)
    assert session.client() is before
    h2o.init(client=before, verbose=False)
    assert session.client() is before
    with pytest.raises(H2OTypeError, match=r"distributed\.Client"):
        h2o.init(client="no client", verbose=False)


def test_init_refuses_what_it_does_not_know_and_who_does_not_answer(monkeypatch):
    with pytest.raises(TypeError, match="unexpected keyword argument 'threads'"):
        h2o.init(threads=2)
    monkeypatch.setattr("daskdl.door.reaching.SECONDS_TO_CONNECT", 0.2)
    with pytest.raises(H2OResponseError, match=r"scheduler must answer at tcp://127\.0\.0\.1:9"):
        h2o.init(address="tcp://127.0.0.1:9", verbose=False)


@pytest.mark.parametrize("address", ["tls://127.0.0.1:9", "pigeon://127.0.0.1:9"])
def test_a_connection_that_cannot_even_be_tried_leaves_no_loop_behind(address, monkeypatch):
    monkeypatch.setattr("daskdl.door.reaching.SECONDS_TO_CONNECT", 0.2)
    before = set(threading.enumerate())
    with pytest.raises(H2OResponseError, match=f"scheduler.*at {address}"):
        h2o.connect(address=address, verbose=False)
    assert not [one for one in threading.enumerate() if one not in before and one.name == "IO loop"]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        (None, None),
        ("", None),
        ("4g", "4gB"),
        ("500m", "500mB"),
        (2, "2GB"),
        ("2", "2GB"),
        ("1GiB", "1GiB"),
        (5000, 5000),
    ],
)
def test_memory_is_written_as_h2o_writes_it(asked, meant):
    from daskdl.door.cloud import _memory

    assert _memory(asked) == meant


@pytest.mark.parametrize("size", ["4x", "much", -1, "-2g", "0g"])
def test_memory_that_is_no_size_is_refused(size):
    with pytest.raises(H2OValueError, match="max_mem_size must be a size"):
        h2o.init(max_mem_size=size, verbose=False)


def test_init_says_what_a_running_cluster_does_not_give():
    memory = h2o.cluster().nodes[0]["memory"]
    h2o.init(nthreads=2, max_mem_size=memory, verbose=False)  # what it has: nothing to say
    with pytest.warns(UserWarning, match=r"nthreads=3 \(it has 2\), max_mem_size=1GB \(it has .* GiB\).*shutdown"):
        h2o.init(nthreads=3, max_mem_size="1GB", verbose=False)
    with pytest.warns(UserWarning, match=r"no effect: port=1 \(its pages: http://127"):
        h2o.init(port=1, verbose=False)
    with pytest.warns(UserWarning, match="nthreads=5"):
        h2o.init(client=session.client(), nthreads=5, verbose=False)


def test_arguments_stand_where_h2o_py_has_them(capsys):
    h2o.init(None, "localhost", None, "mine", verbose=True)
    assert "Without meaning here, where no Java server runs: name." in capsys.readouterr().out
    h2o.connect(h2o.cluster(), strict_version_check=True, verbose=True)
    assert "runs: strict_version_check." in capsys.readouterr().out


def test_the_cluster_describes_itself(capsys):
    cluster = h2o.cluster()
    assert (cluster.cloud_size, cluster.is_running(), len(cluster.nodes)) == (1, True, 1)
    assert cluster.nodes[0]["threads"] == 2
    cluster.show_status(detailed=True)
    shown = capsys.readouterr().out
    assert cluster.nodes[0]["address"] in shown
    assert "chunks" in shown


def test_the_cluster_counts_chunks_their_bytes_and_jobs(prostate):
    before = h2o.cluster().nodes[0]
    more = prostate["AGE"] + 1
    assert more.sum() > 0  # it is computed
    small(model_id="m").train(y="CAPSULE", training_frame=prostate)
    cluster = h2o.cluster()
    node = cluster.node(0)
    assert node["num_keys"] > before["num_keys"] > 0
    assert node["mem_value_size"] > before["mem_value_size"] > 0
    assert node["free_mem"] == node["memory"] - node["used_mem"] > 0
    assert (cluster.cloud_healthy, node["healthy"], cluster.cloud_uptime_millis > 0) == (True, True, True)
    told = dict(cluster.get_status().cell_values)
    assert told["chunks"].startswith(f"{node['num_keys']} with ")
    assert "done" in told["jobs"]
    assert cluster.get_status_details()["chunks"] == [str(node["num_keys"])]
    assert "daskdl cluster" in cluster._repr_html_()
    assert node["address"] in cluster._repr_html_()
    with pytest.raises(H2OValueError, match="number from 0 to 0; got 1"):
        cluster.node(1)


def test_a_scheduler_that_lets_nobody_look_is_told_as_such():
    from daskdl.door import nodes

    class Closed:
        def run_on_scheduler(self, function):
            raise ValueError("The 'run_function' handler has been explicitly disallowed")

    assert nodes.held_on(Closed()) is None
    assert nodes.jobs_sentence(None) == "not told: the scheduler lets nobody look"
    about = {"memory_limit": 0, "nthreads": 3, "last_seen": 0.0, "status": "running", "metrics": {}}
    (node,) = nodes.nodes_of({"tcp://a": about}, None)
    assert (node["healthy"], node["num_keys"], node["free_mem"]) == (False, None, None)
    assert nodes.workers_table([node])["state"] == ["no heartbeat"]
    assert nodes.chunks_sentence([node]) == "not told: the scheduler lets nobody look"


# ---- keys ------------------------------------------------------------------------------------------------------


def test_names_are_listed_and_forgotten(prostate):
    prostate.frame_id = "patients"
    model = small(model_id="m").train(y="CAPSULE", training_frame=prostate)
    assert {"patients", "m"} <= set(h2o.ls()["key"])
    assert h2o.frames()["frames"][0] == {"frame_id": {"name": "patients"}, "rows": 380, "columns": 9}
    h2o.remove_all(retained=[model])
    assert list(h2o.ls()["key"]) == ["m"]
    h2o.remove("m")
    assert h2o.ls().empty
    with pytest.raises(H2OValueError, match="removed"):
        prostate.nrow
    with pytest.raises(H2OTypeError, match="remove"):
        h2o.remove(3.5)


def test_a_model_comes_back_by_name_as_its_class(prostate):
    model = small(model_id="m").train(y="CAPSULE", training_frame=prostate)
    again = h2o.get_model("m")
    assert type(again) is H2ODeepLearningEstimator
    assert again.auc() == model.auc()
    assert again.hidden == [8]
    with pytest.raises(H2OResponseError, match="Object 'nope' not found for argument: key"):
        h2o.get_model("nope")
    with pytest.raises(H2OResponseError, match="Object 'nope' not found"):
        h2o.get_grid("nope")
    assert h2o.get_frame("nope") is None


def test_packaged_tables_are_offered_by_name():
    assert h2o.load_dataset("iris").names == ["sepal_len", "sepal_wid", "petal_len", "petal_wid", "class"]
    assert h2o.load_dataset("ecg_test").dim == [23, 210]
    with pytest.raises(H2OValueError, match="must be one of ecg_test, ecg_train, iris, prostate; got 'titanic'"):
        h2o.load_dataset("titanic")


# ---- models ----------------------------------------------------------------------------------------------------


def test_a_classifier_learns_and_its_metrics_agree_with_scikit_learn(prostate):
    train, valid = prostate.split_frame([0.75], seed=1)
    model = small(epochs=40).train(x=prostate.names[2:], y="CAPSULE", training_frame=train, validation_frame=valid)
    guess = model.predict(valid).as_data_frame()
    actual = valid["CAPSULE"].as_data_frame()["CAPSULE"].astype(int)
    assert list(guess.columns) == ["predict", "p0", "p1"]
    assert model.auc(valid=True) == pytest.approx(roc_auc_score(actual, guess["p1"]), abs=1e-9)
    assert model.auc(valid=True) > 0.7
    assert model.model_performance(valid).auc() == pytest.approx(model.auc(valid=True), abs=1e-12)
    labels = (guess["p1"] >= model.default_threshold()).astype(int)
    assert (labels == guess["predict"].astype(int)).all()


def test_a_regression_and_a_multinomial_learn():
    iris = h2o.load_dataset("iris")
    classes = small(epochs=60).train(y="class", training_frame=iris)
    assert classes.type == "classifier"
    assert classes.mean_per_class_error() < 0.1
    assert classes.confusion_matrix(iris).cell_values[-1][-1].endswith("150")
    lengths = small(epochs=60).train(y="petal_len", training_frame=iris)
    assert (lengths.type, lengths.r2() > 0.9) == ("regressor", True)


def test_an_autoencoder_finds_odd_heartbeats():
    normal, beats = h2o.load_dataset("ecg_train"), h2o.load_dataset("ecg_test")
    model = H2OAutoEncoderEstimator(hidden=[20], activation="Tanh", epochs=50, seed=1).train(training_frame=normal)
    errors = model.anomaly(beats).as_data_frame()["Reconstruction.MSE"].to_numpy()
    assert set(np.argsort(errors)[-3:]) == {20, 21, 22}
    assert model.deepfeatures(beats, 0).dim == [23, 20]
    assert model.mse() > 0


def test_warnings_reach_the_user(prostate):
    with pytest.warns(RuntimeWarning, match="rate cannot be specified"):
        small(rate=0.1).train(y="CAPSULE", training_frame=prostate)
    numbers = h2o.load_dataset("prostate")
    with pytest.warns(RuntimeWarning, match="only 2 unique values"):
        small().train(y="CAPSULE", training_frame=numbers)


def test_metrics_can_be_made_from_columns():
    table = pd.DataFrame({"p": [0.1, 0.8, 0.6, 0.3], "y": ["n", "p", "n", "p"]})
    frame = h2o.H2OFrame(table, column_types={"y": "enum"})
    assert h2o.make_metrics(frame["p"], frame["y"]).auc() == pytest.approx(roc_auc_score([0, 1, 0, 1], table["p"]))
    numbers = h2o.H2OFrame({"f": [1.0, 2.0], "y": [1.5, 2.5]})
    assert h2o.make_metrics(numbers["f"], numbers["y"]).mse() == pytest.approx(0.25)
    with pytest.raises(H2OValueError, match="levels of the domain"):
        h2o.make_metrics(frame["p"], frame["y"], domain=["a", "b"])
    # Levels that are numbers, one of them missing: the row counts for nothing, the classes stay classes.
    digits = h2o.H2OFrame({"y": ["0", "1", None, "0", "1"]}, column_types={"y": "enum"})
    scores = h2o.H2OFrame({"p": [0.1, 0.8, 0.9, 0.6, 0.3]})
    assert h2o.make_metrics(scores["p"], digits["y"]).auc() == pytest.approx(roc_auc_score([0, 1, 0, 1], table["p"]))
    large = h2o.H2OFrame({"y": [1234567, 7654321]})
    assert h2o.make_metrics(scores["p"][:2, :], large, domain=["1234567", "7654321"]).auc() == 1


def test_a_csv_is_downloaded_whatever_its_name_ends_with(tmp_path):
    frame = h2o.H2OFrame({"x": [1, 2]})
    for name in ("f.csv", "f.gz", "f.parquet"):
        path = str(tmp_path / name)
        assert h2o.download_csv(frame, path) == path
        assert (tmp_path / name).read_text() == '"x"\n1\n2\n' == frame.get_frame_data()


def test_a_custom_metric_is_checked_when_uploaded():
    class Half:
        def map(self, pred, act, w, o, model):
            return [0]

    with pytest.raises(H2OValueError, match="Half lacks reduce, metric"):
        h2o.upload_custom_metric(Half)
    with pytest.raises(H2OTypeError, match="must be a class or its source; got int"):
        h2o.upload_custom_metric(3)
    source = """
class M:
    def map(self, pred, act, w, o, model): return [1]
    def reduce(self, l, r): return l
    def metric(self, l): return 0
"""
    reference = h2o.upload_custom_metric(source, class_name="M", func_name="m")
    assert reference == "python:m=metrics.M"
    assert registry.get(reference).__name__ == "M"
    with pytest.raises(H2OValueError, match="requires class_name"):
        h2o.upload_custom_metric(source)


def test_rapids_knows_one_expression():
    with pytest.raises(H2OValueError, match="rapids"):
        h2o.rapids("(+ 1 2)")


def test_a_saved_model_comes_back_and_predicts_the_same(prostate, tmp_path):
    model = small(model_id="keep").train(y="CAPSULE", training_frame=prostate)
    path = h2o.save_model(model, str(tmp_path))
    assert path.endswith("keep")
    with pytest.raises(ValueError, match="File already exists"):
        h2o.save_model(model, str(tmp_path))
    h2o.save_model(model, str(tmp_path), force=True)
    h2o.remove_all(retained=[prostate])
    again = h2o.load_model(path)
    assert again.model_id == "keep"
    assert again.predict(prostate).as_data_frame().equals(model.predict(prostate).as_data_frame())
    assert again.auc() == model.auc()
    with pytest.raises(H2OValueError, match="File not found"):
        h2o.load_model(str(tmp_path / "nothing"))
