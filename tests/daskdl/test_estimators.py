"""The estimators' own work, with a stand-in for training: arguments, names, accessors, reports, errors."""

import contextlib
import gc
import inspect
import io
import sys
import warnings
import weakref
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score

from daskdl import metrics
from daskdl.coordinator.history import ScoringHistory
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model import apply
from daskdl.parameters import declarations, resolve, survey
from frames.cluster import progress_bars, registry
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame

RNG = np.random.default_rng(5)
ACTUAL = RNG.integers(0, 2, 40)
GUESS = {"train": RNG.random(40), "valid": RNG.random(40)}
TABLE = pd.DataFrame({"a": RNG.random(40), "b": RNG.random(40), "c": RNG.integers(0, 9, 40), "y": ["n", "p"] * 20})


@dataclass(frozen=True)
class StandIn:
    """What the skin reads of a Model."""

    key: str
    parameters: object
    resolved: object
    training_metrics: object = None
    validation_metrics: object = None
    cross_validation_metrics: object = None
    warnings: tuple = ()
    extras: dict = field(default_factory=dict)
    start_time: int = 1000
    end_time: int = 3500

    @property
    def category(self):
        return self.resolved.category

    @property
    def default_threshold(self):
        return (self.validation_metrics or self.training_metrics).default_threshold()

    @property
    def response(self):
        return self.resolved.response

    @property
    def history(self):
        history = ScoringHistory(self.category, self.validation_metrics is not None)
        history.begin(0.0)
        return history

    @property
    def encoder(self):
        columns = [SimpleNamespace(name=name, domain=None) for name in self.resolved.predictors]
        response = SimpleNamespace(name="y", domain=("n", "p"), sub=0.0, mul=1.0)
        numbers = [SimpleNamespace(mul=2.0, sub=0.5) for _ in columns]
        names = [column.name for column in columns]
        return SimpleNamespace(columns=columns, numbers=numbers, response=response, offsets=[0], unit_names=names)

    def importances(self):
        rows = [("a", 1.0, 1.0, 0.75), ("b", 1 / 3, 1 / 3, 0.25)]
        return rows if self.resolved.actual.variable_importances else None

    def status_table(self):
        return H2OTwoDimTable("Status of Neuron Layers", "", ["", "layer"], ["string", "int"], [["", 1]])

    def weights(self, layer):
        return np.full((2, 3), float(layer))

    def biases(self, layer):
        return np.array([1.5, -2.0])


def measured(source):
    options = metrics.Options(domain=("n", "p"))
    state = metrics.measure("Binomial", ACTUAL, GUESS[source], None, options)
    return metrics.finish("Binomial", state, options, metrics.Header(source, ""))


@pytest.fixture
def calls(embedded, monkeypatch):
    """Put a stand-in for training in place and collect what it was called with."""
    made = []

    def train(parameters, frame, x, y, validation_frame=None, model_id=None, progress=None, started=None):
        facts = survey(parameters, frame, x, y, validation_frame)
        resolved = resolve(parameters, facts, model_id)
        made.append(SimpleNamespace(parameters=parameters, x=x, y=y, valid=validation_frame, key=model_id))
        progress(0.5, None)
        category = resolved.category == "Binomial"
        return StandIn(
            model_id,
            parameters,
            resolved,
            measured("train") if category else None,
            measured("valid") if category and validation_frame is not None else None,
            warnings=resolved.warnings,
        )

    monkeypatch.setitem(sys.modules, "daskdl.training.train", SimpleNamespace(train=train))
    return made


@pytest.fixture
def frame(calls):
    return H2OFrame(TABLE, column_types={"y": "enum"})


def trained(frame, **parameters):
    return H2ODeepLearningEstimator(seed=1, **parameters).train(y="y", training_frame=frame)


# ---- parameters ------------------------------------------------------------------------------------------------


def test_every_parameter_is_a_keyword_and_a_property():
    assert set(inspect.signature(H2ODeepLearningEstimator).parameters) == set(declarations())
    estimator = H2ODeepLearningEstimator()
    for name, declared in declarations().items():
        default = list(declared.default) if isinstance(declared.default, tuple) else declared.default
        assert getattr(estimator, name) == default
        if name != "model_id":
            assert declared.sentence in getattr(H2ODeepLearningEstimator, name).__doc__


def test_a_bad_keyword_is_refused_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'layers'"):
        H2ODeepLearningEstimator(layers=3)
    with pytest.raises(H2OTypeError, match="Argument `hidden` should be"):
        H2ODeepLearningEstimator(hidden="a")


def test_assigning_a_property_checks_and_keeps_the_rest():
    estimator = H2ODeepLearningEstimator(hidden=[3])
    estimator.epochs = 4
    assert (estimator.epochs, estimator.hidden) == (4.0, [3])
    with pytest.raises(H2OTypeError):
        estimator.epochs = "many"
    assert estimator.epochs == 4.0


def test_an_autoencoder_stays_one():
    estimator = H2OAutoEncoderEstimator(hidden=[2])
    assert estimator.autoencoder is True
    with pytest.raises(H2OValueError, match="always True"):
        estimator.autoencoder = False


def test_scikit_learn_can_clone_and_set():
    estimator = clone(H2ODeepLearningEstimator(hidden=[4, 5], rho=0.9))
    assert (estimator.hidden, estimator.rho) == ([4, 5], 0.9)
    assert estimator.set_params(rho=0.8).get_params()["rho"] == 0.8
    assert clone(H2OAutoEncoderEstimator(hidden=[2])).autoencoder


# ---- what train() asks for -------------------------------------------------------------------------------------


def test_train_returns_self_and_leaves_the_users_frame_alone(frame, calls):
    before = list(frame.names)
    estimator = H2ODeepLearningEstimator(seed=1)
    assert estimator.train(y="y", training_frame=frame) is estimator
    assert (calls[0].x, calls[0].y) == (["a", "b", "c"], "y")
    assert frame.names == before


@pytest.mark.parametrize(
    ("x", "columns"), [(["c", "a"], ["a", "c"]), ([0, -2], ["a", "c"]), ("b", ["b"]), (1, ["b"]), (["a", "y"], ["a"])]
)
def test_predictors_by_name_or_number_keep_the_frames_order(frame, calls, x, columns):
    H2ODeepLearningEstimator(seed=1).train(x=x, y="y", training_frame=frame)
    assert calls[0].x == columns
    assert set(calls[0].parameters.ignored_columns or ()) == {"a", "b", "c"} - set(columns)


def test_the_response_may_be_a_number_or_the_constructors(frame, calls):
    H2ODeepLearningEstimator(seed=1).train(y=-1, training_frame=frame)
    H2ODeepLearningEstimator(seed=1, response_column="c").train(training_frame=frame)
    assert [call.y for call in calls] == ["y", "c"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y": "nope"}, "Column nope does not exist in the training frame"),
        ({}, "Column response does not exist in the training frame"),
        ({"y": "y", "x": ["nope"]}, "Column nope not in the training frame"),
        ({"y": "y", "x": [7]}, "Column 7 does not exist in the training frame"),
        ({"y": 9}, "Column 9 does not exist in the training frame"),
        ({"y": "y", "x": ["a"], "ignored_columns": ["b"]}, "x and ignored_columns cannot be specified"),
        ({"y": "y", "ignored_columns": ["zz"]}, "Column zz of ignored_columns"),
    ],
)
def test_unknown_columns_are_refused_before_training(frame, calls, arguments, words):
    with pytest.raises(H2OValueError, match=words):
        H2ODeepLearningEstimator().train(training_frame=frame, **arguments)
    assert not calls


def test_a_missing_or_wrong_training_frame_is_refused(frame):
    with pytest.raises(H2OResponseError, match=r"ERRR on field: _training_frame: Missing training frame"):
        H2ODeepLearningEstimator().train(y="y")
    with pytest.raises(H2OTypeError, match="should be an H2OFrame, got DataFrame"):
        H2ODeepLearningEstimator().train(y="y", training_frame=TABLE)
    with pytest.raises(H2OValueError, match="none with the id 'gone'"):
        H2ODeepLearningEstimator().train(y="y", training_frame="gone")


def test_bad_values_are_refused_as_environment_errors(frame, calls):
    for given in ({"nfolds": -1}, {"nfolds": 1}, {"nfolds": 41}, {"nfolds": 2, "fold_column": "c"}):
        with pytest.raises(EnvironmentError, match="ERRR on field: _nfolds"):
            H2ODeepLearningEstimator(**given).train(y="y", training_frame=frame)
    assert not calls


def test_columns_given_to_train_win_and_a_difference_is_told(frame, calls):
    estimator = H2ODeepLearningEstimator(weights_column="b", seed=1)
    with pytest.warns(UserWarning, match="'a' is used"):
        estimator.train(y="y", training_frame=frame, weights_column="a")
    assert calls[0].parameters.weights_column == "a"
    assert calls[0].x == ["b", "c"]
    assert estimator.weights_column == "b"


def test_frames_and_models_may_be_given_by_name(frame, calls):
    frame.frame_id = "rows"
    first = H2ODeepLearningEstimator(seed=1, model_id="m1").train(y="y", training_frame="rows")
    H2ODeepLearningEstimator(seed=1, checkpoint="m1").train(y="y", training_frame=frame)
    H2ODeepLearningEstimator(seed=1, checkpoint=first).train(y="y", training_frame=frame)
    assert calls[1].parameters.checkpoint is first.model
    assert calls[2].parameters.checkpoint is first.model
    with pytest.raises(H2OResponseError, match="Checkpoint has to point to existing model!"):
        H2ODeepLearningEstimator(checkpoint="m9").train(y="y", training_frame=frame)


def test_every_training_makes_a_new_name_unless_fixed(frame, calls):
    estimator = H2ODeepLearningEstimator(seed=1)
    names = [estimator.train(y="y", training_frame=frame).model_id for _ in range(2)]
    assert names[0] != names[1]
    assert all(name.startswith("DeepLearning_model_python_") for name in names)
    assert H2ODeepLearningEstimator(seed=1, model_id="mine").train(y="y", training_frame=frame).model_id == "mine"


def test_training_again_makes_a_new_name(frame, calls):
    estimator = trained(frame)
    first = estimator.model_id
    assert estimator.train(y="y", training_frame=frame).model_id != first


def test_warnings_of_the_request_are_runtime_warnings(frame):
    with pytest.warns(RuntimeWarning, match="^rate cannot be specified if adaptive_rate is enabled.$"):
        trained(frame, rate=0.1)


def test_start_and_join_train_in_the_background(frame, calls):
    estimator = H2ODeepLearningEstimator(seed=1)
    estimator.start(y="y", training_frame=frame)
    assert estimator.join() is estimator
    assert estimator.auc() > 0
    estimator.start(x=["a"], y="c", training_frame=frame, offset_column="nope")
    with pytest.raises(H2OResponseError, match="offset_column"):
        estimator.join()
    with pytest.raises(H2OValueError, match="must follow start"):
        estimator.join()


def test_fit_takes_arrays_and_frames(calls):
    X, y = TABLE[["a", "b"]].to_numpy(), TABLE["y"].to_numpy()
    H2ODeepLearningEstimator(seed=1).fit(X, y)
    assert (calls[0].x, calls[0].y) == (["C1", "C2"], "response")
    H2ODeepLearningEstimator(seed=1).fit(H2OFrame(TABLE), "y")
    assert calls[1].y == "y"
    with pytest.raises(H2OValueError, match="one column of 40 rows"):
        H2ODeepLearningEstimator().fit(X, y[:7])


# ---- what the model answers ------------------------------------------------------------------------------------


def test_before_training_there_is_no_model():
    estimator = H2ODeepLearningEstimator()
    assert str(estimator) == "No model available"
    for ask in (estimator.auc, estimator.varimp, estimator.scoring_history, estimator.summary):
        with pytest.raises(H2OValueError, match="No model available"):
            ask()


def test_flags_choose_the_source_of_a_metric(frame):
    estimator = H2ODeepLearningEstimator(seed=1).train(y="y", training_frame=frame, validation_frame=frame)
    expected = {name: roc_auc_score(ACTUAL, GUESS[name]) for name in GUESS}
    assert estimator.auc() == pytest.approx(expected["train"], abs=1e-12)
    assert estimator.auc(valid=True) == pytest.approx(expected["valid"], abs=1e-12)
    assert estimator.auc(xval=True) is None
    assert estimator.auc(train=True, valid=True, xval=True) == pytest.approx({**expected, "xval": None}, abs=1e-12)
    assert estimator.logloss() == pytest.approx(log_loss(ACTUAL, GUESS["train"]), abs=1e-12)
    assert estimator.pr_auc() == estimator.aucpr()


def test_two_class_metrics_come_as_pairs(frame):
    estimator = trained(frame)
    ((threshold, value),) = estimator.F1()
    assert threshold == estimator.find_threshold_by_max_metric("f1") == estimator.default_threshold()
    assert 0 < value <= 1
    assert estimator.error()[0][1] == pytest.approx(1 - estimator.accuracy()[0][1])
    assert estimator.metric("accuracy", 0.5)[0][1] == pytest.approx(estimator.accuracy(0.5)[0][1])
    (tn, fp), (fn, tp) = estimator.confusion_matrix().to_list()
    assert tn + fp + fn + tp == 40


def test_a_metric_of_another_kind_of_model_is_a_clear_error(frame):
    with pytest.raises(H2OValueError, match="mae"):
        trained(frame).mae()


def test_importances_are_tuples_or_a_table_or_none(frame, capsys):
    estimator = trained(frame)
    assert estimator.varimp()[0] == ("a", 1.0, 1.0, 0.75)
    assert list(estimator.varimp(use_pandas=True)["variable"]) == ["a", "b"]
    assert trained(frame, variable_importances=False).varimp() is None
    assert "doesn't have variable importances" in capsys.readouterr().out


def test_weights_are_frames_only_when_exported(frame):
    with pytest.raises(H2OValueError, match="export_weights_and_biases=True"):
        trained(frame).weights(0)
    estimator = trained(frame, export_weights_and_biases=True, hidden=[2], model_id="w")
    assert estimator.weights(0).names == ["a", "b", "c"]
    assert estimator.weights(1).names == ["C1", "C2", "C3"]
    assert estimator.weights(1).frame_id == "w.weights.1"
    assert estimator.biases(0).as_data_frame()["C1"].tolist() == [1.5, -2.0]
    assert estimator.normmul() == [2.0, 2.0, 2.0]
    assert estimator.respmul() is None
    words = "Model has 2 weight matrices (0-based indexing), but matrix 2 was requested."
    with pytest.raises(ValueError, match=words.replace("(", r"\(").replace(")", r"\)")):
        estimator.weights(2)


def test_parameters_are_reported_as_given_and_as_used(frame):
    estimator = trained(frame, hidden=[7])
    assert estimator.parms["distribution"]["input_value"] == "AUTO"
    assert estimator.parms["distribution"]["actual_value"] == "bernoulli"
    assert estimator.parms["hidden"]["actual_value"] == [7]
    assert estimator.params["stopping_metric"] == {"default": "AUTO", "actual": "logloss", "input": "AUTO"}
    assert estimator.actual_params["fold_assignment"] is None
    assert estimator.default_params["hidden"] == [200, 200]
    assert estimator.full_parameters["seed"]["help"]
    assert trained(frame, stopping_rounds=0).actual_params["stopping_metric"] is None


def test_auto_may_be_reported_unresolved(frame):
    import daskdl

    switch = '(setproperty "sys.ai.h2o.algos.evaluate_auto_model_parameters" "{}")'
    daskdl.rapids(switch.format("false"))
    try:
        unresolved = trained(frame)
    finally:
        daskdl.rapids(switch.format("true"))
    assert unresolved.parms["distribution"]["actual_value"] == "AUTO"
    assert trained(frame).parms["distribution"]["actual_value"] == "bernoulli"


def test_kind_and_times_are_attributes(frame):
    estimator = trained(frame)
    assert (estimator.type, estimator.start_time, estimator.end_time, estimator.run_time) == (
        "classifier",
        1000,
        3500,
        2500,
    )
    assert H2OAutoEncoderEstimator(seed=1).train(training_frame=frame).type == "unsupervised"
    assert H2ODeepLearningEstimator(seed=1).train(y="a", training_frame=frame).type == "regressor"


def test_the_model_under_rest_names(frame):
    estimator = trained(frame, export_weights_and_biases=True, hidden=[2], model_id="j")
    output = estimator._model_json["output"]
    assert output["model_category"] == "Binomial"
    assert output["names"] == ["a", "b", "c", "y"]
    assert output["domains"][-1] == ["n", "p"]
    assert output["weights"] == [{"name": "j.weights.0"}, {"name": "j.weights.1"}]
    assert output["cross_validation_models"] is None
    assert output["scoring_history"].col_header[1] == "timestamp"


def test_the_report_has_h2os_order(frame):
    text = str(
        H2ODeepLearningEstimator(seed=1, model_id="r").train(y="y", training_frame=frame, validation_frame=frame)
    )
    order = [
        "Model Details\n=============",
        "H2ODeepLearningEstimator : Deep Learning",
        "Model Key: r",
        "Status of Neuron Layers",
        "ModelMetricsBinomial: deeplearning",
        "** Reported on train data. **",
        "** Reported on validation data. **",
        "Scoring History",
        "Variable Importances",
    ]
    positions = [text.index(words) for words in order]
    assert positions == sorted(positions)


def test_performance_on_a_frame_needs_the_response(frame, capsys, monkeypatch):
    monkeypatch.setattr(apply, "performance", lambda model, frame, auc_type=None: ("judged", frame.nrow, auc_type))
    estimator = trained(frame)
    assert estimator.model_performance() is estimator.model.training_metrics
    assert estimator.model_performance(frame) == ("judged", 40, None)
    assert estimator.model_performance(frame, auc_type="macro_ovr") == ("judged", 40, "macro_ovr")
    assert estimator.model_performance(frame[["a"]]) is None
    assert "WARNING" in capsys.readouterr().out
    with pytest.raises(ValueError, match="test_data must be an instance of H2OFrame"):
        estimator.predict("a")
    with pytest.raises(ValueError, match="test_data must be an instance of H2OFrame"):
        estimator.model_performance(TABLE)


def test_anomalies_belong_to_autoencoders(frame):
    with pytest.raises(AttributeError, match="autoencoders"):
        trained(frame).anomaly(frame)
    with pytest.raises(H2OValueError, match="between 0 and 1; got 2"):
        trained(frame).deepfeatures(frame, 2)
    with pytest.raises(H2OTypeError, match="named hidden layer"):
        trained(frame).deepfeatures(frame, "first")


def test_a_model_does_not_keep_its_training_data(calls):
    table = H2OFrame(TABLE, column_types={"y": "enum"})
    key, held = table.frame_id, weakref.ref(table)
    registry.remove(key)
    model = H2ODeepLearningEstimator(seed=1, model_id="m").train(y="y", training_frame=table)
    assert model.params["training_frame"]["input"] == {"name": key}
    calls.clear()
    del table
    gc.collect()
    assert held() is None


def test_renaming_moves_the_model(frame):
    estimator = trained(frame)
    old = estimator.model_id
    estimator.model_id = "renamed"
    assert estimator.model.key == "renamed"
    assert registry.get(old) is None
    assert registry.get("renamed") is estimator.model


def test_plots_give_figures_and_files(frame, tmp_path):
    estimator = H2ODeepLearningEstimator(seed=1).train(y="y", training_frame=frame, validation_frame=frame)
    assert len(estimator.plot(server=True).figure().axes[0].lines) == 2
    assert estimator.plot(timestep="duration", metric="auc", server=True).figure().axes[0].get_ylabel() == "auc"
    estimator.varimp_plot(server=True, save_plot_path=str(tmp_path / "v.png"))
    assert (tmp_path / "v.png").stat().st_size > 1000
    with pytest.raises(H2OValueError, match="metric of a Binomial model"):
        estimator.plot(metric="mae")
    with pytest.raises(H2OValueError, match="timestep must be"):
        estimator.plot(timestep="years")


def test_progress_stays_off_standard_output(frame, calls, monkeypatch):
    monkeypatch.setattr(progress_bars, "_shown", True)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(frame)
    assert out.getvalue() == ""
    assert "deeplearning Model Build progress" in err.getvalue()


def test_a_notebook_shows_the_report_as_tables(frame):
    page = trained(frame, model_id="r")._repr_html_()
    assert page.count("<table>") >= 4
    assert "Model Key: r" in page


def test_every_metric_accessor_of_the_metrics_objects_is_offered():
    from daskdl.metrics.base import ModelMetrics

    kinds = ModelMetrics.__subclasses__()
    asked = {name for kind in kinds for name in dir(kind) if name[0] != "_" and not hasattr(ModelMetrics, name)}
    asked -= {"title", "category", "from_dict"}
    assert {"auc", "rmsle", "F1", "hit_ratio_table"} <= asked
    missing = {name for name in asked if not hasattr(H2ODeepLearningEstimator, name)}
    # Found through model_performance() only, as in h2o-py, or what the objects themselves are made of.
    assert missing <= {"fprs", "tprs", "max_criteria", "points", "at_default", "errors_at_default", "wrong"} | {
        "largest_class_error"
    }


def test_verbose_training_prints_history_rows(capsys):
    from daskdl.estimators.progress import ModelProgress

    with ModelProgress(shown=False, verbose=True) as progress:
        progress(0.5, {"timestamp": "now", "epochs": 1.0, "training_rmse": 0.25})
        progress(1.0, None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["timestamp", "epochs", "training_rmse"]
    assert lines[1].split() == ["now", "1", "0.25"]
