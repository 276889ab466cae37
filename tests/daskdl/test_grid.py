"""H2OGridSearch on real training: order, duplicates, failures, limits, ranking, tables, recovery, saving."""

import math
import os
import subprocess
import sys
import time
import uuid

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.grid import search
from daskdl.grid.grid_search import H2OGridSearch
from daskdl.grid.search import Search
from daskdl.training import train as doing
from frames.exceptions import H2OJobError, H2OResponseError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

RNG = np.random.default_rng(2)
NUMBERS = RNG.standard_normal((60, 3))
TABLE = pd.DataFrame(NUMBERS, columns=["a", "b", "c"]).assign(
    size=NUMBERS[:, 0] * 3 + NUMBERS[:, 1],
    two=np.where(NUMBERS[:, 0] + 0.5 * RNG.standard_normal(60) > 0, "yes", "no"),
    three=np.array(["p", "q", "r"])[np.digitize(NUMBERS[:, 0], [-0.5, 0.5])],
)
X = ["a", "b", "c"]
SMALL = {"epochs": 2, "seed": 4, "stopping_rounds": 0}


@pytest.fixture
def table():
    frame = H2OFrame(TABLE, destination_frame="table.hex")
    for name in ("two", "three"):
        frame[name] = frame[name].asfactor()
    return frame


def searched(frame, hyper_params, y="two", model=None, train=(), **options):
    grid = H2OGridSearch(model or H2ODeepLearningEstimator(hidden=[4], **SMALL), hyper_params, **options)
    return grid.train(x=X, y=y, training_frame=frame, **dict(train))


def of_hidden(**parameters):
    return H2ODeepLearningEstimator(**{**SMALL, **parameters})


# ---- building --------------------------------------------------------------------------------------------------
def test_every_combination_becomes_a_model_with_its_own_parameters(table):
    grid = searched(table, {"l1": [0.0, 0.01], "hidden": [[4], [3, 2]]}, model=of_hidden(), grid_id="g")
    assert len(grid) == 4
    assert sorted(grid.model_ids) == [f"g_model_{k}" for k in (1, 2, 3, 4)]
    first, second = h2o.get_model("g_model_1"), h2o.get_model("g_model_2")
    assert (first.hidden, first.l1) == ([4], 0.0)
    assert (second.hidden, second.l1) == ([3, 2], 0.0)  # the first name of the alphabet varies fastest
    assert all(isinstance(model, H2ODeepLearningEstimator) for model in grid)
    assert {model.params["l1"]["actual"] for model in grid.models} == {0.0, 0.01}
    assert sorted(model.parms["hidden"]["actual_value"] for model in grid) == [[3, 2], [3, 2], [4], [4]]
    assert grid[0].type == "classifier"
    assert grid.hyper_names == ["hidden", "l1"]
    assert h2o.get_grid("g") is grid


def test_equal_parameters_are_built_once(table):
    grid = searched(table, {"loss": ["CrossEntropy", "cross_entropy", "CrossEntropy"], "l1": [0, 0.0, 1e-3]})
    assert len(grid) == 2
    assert sorted(id.rsplit("_", 1)[1] for id in grid.model_ids) == ["1", "2"]


def test_a_class_an_instance_and_train_together_make_the_parameters(table):
    grid = searched(table, {"l2": [1e-3]}, model=of_hidden(hidden=[3]), train={"epochs": 1, "nfolds": 2, "rho": 0.9})
    assert (grid[0].epochs, grid[0].rho, grid[0].hidden, grid[0].nfolds) == (1.0, 0.9, [3], 2)
    assert len(grid[0].cross_validation_models()) == 2
    plain = H2OGridSearch(H2ODeepLearningEstimator, {"hidden": [[2]]})
    assert plain.train(x=range(3), y="two", training_frame=table, epochs=0.5)[0].epochs == 0.5


def test_the_name_of_a_grid_is_made_from_the_frame(table):
    grid = searched(table, {"l1": [0]})
    assert grid.grid_id.startswith("Grid_DeepLearning_table.hex_model_python_")
    grid.grid_id = "mine"
    assert h2o.get_grid("mine") is grid


def test_training_again_adds_models_to_the_grid_of_that_name(table):
    searched(table, {"l1": [0, 0.1]}, grid_id="g")
    grid = searched(table, {"l1": [0.1, 0.2]}, grid_id="g")
    assert len(grid) == 3
    assert sorted(grid.model_ids) == ["g_model_1", "g_model_2", "g_model_3"]
    with pytest.raises(H2OResponseError, match="must search the same parameters: 'g' has \\['l1'\\]; got \\['l2'\\]"):
        searched(table, {"l2": [0]}, grid_id="g")
    with pytest.raises(H2OResponseError, match="must learn from the same frame"):
        searched(table[:, :], {"l1": [0]}, grid_id="g")


def test_models_side_by_side_are_the_same_as_one_by_one(table):
    alone = searched(table, {"l1": [0, 0.1, 0.2]}, model=of_hidden(hidden=[3], reproducible=True))
    together = searched(table, {"l1": [0, 0.1, 0.2]}, model=of_hidden(hidden=[3], reproducible=True), parallelism=3)
    free = searched(table, {"l1": [0, 0.1, 0.2]}, model=of_hidden(hidden=[3], reproducible=True), parallelism=0)
    values = [sorted(grid.logloss().values()) for grid in (alone, together, free)]
    assert values[0] == values[1] == values[2]


def test_an_autoencoder_grid_is_ranked_by_its_error(table):
    grid = H2OGridSearch(H2OAutoEncoderEstimator(**SMALL), {"hidden": [[1], [3]]})
    grid.train(x=X, training_frame=table)
    assert [m.mse() for m in grid] == sorted(m.mse() for m in grid)
    assert type(grid[0]) is H2OAutoEncoderEstimator
    with pytest.raises(ValueError, match="y should not be specified for autoencoder"):
        H2OGridSearch(H2OAutoEncoderEstimator, {"hidden": [[1]]}).train(x=X, y="two", training_frame=table)


def test_start_and_join_build_in_the_background(table):
    grid = H2OGridSearch(of_hidden(hidden=[2]), {"l1": [0, 0.1]})
    grid.start(x=X, y="two", training_frame=table)
    assert grid.join() is grid
    assert len(grid) == 2
    with pytest.raises(H2OValueError, match="must follow start"):
        grid.join()


def test_a_cancelled_search_keeps_what_is_finished_and_can_go_on(table):
    grid = H2OGridSearch(of_hidden(hidden=[2]), {"epochs": [1, 100_000]}, grid_id="long")
    grid.model.epochs = None
    grid.start(x=X, y="two", training_frame=table)
    while not len(grid):
        time.sleep(0.05)
    grid.cancel()
    grid.join()
    assert grid.model_ids == ["long_model_1"]
    assert grid.failed_params is None
    assert len(grid._results.tried) == 1


# ---- failures --------------------------------------------------------------------------------------------------
def test_failures_are_told_and_kept_and_do_not_stop_the_grid(table, capsys):
    grid = searched(table, {"l1": [0, -1.0], "activation": ["Rectifier", "Nonsense"]})
    said = capsys.readouterr().out
    assert "Errors/Warnings building gridsearch model" in said
    assert "Hyper-parameter: l1, -1.0" in said
    assert "failure_details: Illegal argument(s) for DeepLearning model" in said
    assert len(grid) == 1
    assert grid.failed_params == [
        {"activation": "Nonsense", "l1": 0},
        {"activation": "Rectifier", "l1": -1.0},
        {"activation": "Nonsense", "l1": -1.0},
    ]
    assert grid.failed_raw_params[0] == ["Nonsense", "0"]
    assert "l1 must be at least 0 and finite; got -1" in grid.failure_details[1]
    assert all("Traceback" in trace for trace in grid.failure_stack_traces)


def test_a_second_search_tells_its_own_failures_only(table, capsys):
    searched(table, {"l1": [0, -1.0]}, grid_id="g")
    capsys.readouterr()
    grid = searched(table, {"l1": [0.1, -1.0, -2.0]}, grid_id="g")
    said = capsys.readouterr().out
    assert "l1, -2.0" in said
    assert "l1, -1.0" not in said  # told before, and not tried again
    assert [one["l1"] for one in grid.failed_params] == [-1.0, -2.0]
    searched(table, {"l1": [0.2]}, grid_id="g")
    assert capsys.readouterr().out == ""


def test_an_error_of_one_training_is_a_failure_of_that_model(table, monkeypatch):
    def broken(parameters, *arguments, **keywords):
        if parameters.l1 == 0.1:
            raise H2OJobError("out of luck")
        return real(parameters, *arguments, **keywords)

    real = doing.train
    monkeypatch.setattr(doing, "train", broken)
    grid = searched(table, {"l1": [0, 0.1, 0.2]}, grid_id="g")
    assert sorted(grid.model_ids) == ["g_model_1", "g_model_3"]  # k counts attempts
    assert grid.failure_details == ["out of luck"]


def test_no_model_at_all_is_an_error_with_the_reasons(table):
    with pytest.raises(ValueError, match="l1 must be at least 0"):
        searched(table, {"l1": [-1.0]}, grid_id="empty")
    with pytest.raises(H2OResponseError):
        h2o.get_grid("empty")


def test_a_value_that_is_fixed_and_searched_is_refused(table):
    with pytest.raises(H2OResponseError, match="'hidden' is set in both the model parameters and in the hyperparam"):
        searched(table, {"hidden": [[1]]})
    with pytest.raises(H2OResponseError, match="'l1' is set in both"):
        searched(table, {"l1": [0]}, train={"l1": 0.5})


def test_wrong_requests_are_refused_before_any_model(table):
    with pytest.raises(H2OValueError, match="nope"):
        H2OGridSearch(of_hidden(), {"l1": [0]}).train(x=["nope"], y="two", training_frame=table)
    with pytest.raises(ValueError, match="Missing training_frame"):
        H2OGridSearch(of_hidden(), {"l1": [0]}).train(x=X, y="two")
    with pytest.raises(TypeError, match="unexpected keyword argument 'ntrees'"):
        H2OGridSearch(of_hidden(), {"l1": [0]}).train(x=X, y="two", training_frame=table, ntrees=5)
    with pytest.raises(H2OTypeError, match="Argument `model`"):
        H2OGridSearch("deeplearning", {"l1": [0]})
    with pytest.raises(H2OValueError, match="parallelism"):
        H2OGridSearch(of_hidden(), {"l1": [0]}, parallelism=-1)
    with pytest.raises(H2OResponseError, match="not gridable"):
        H2OGridSearch(of_hidden(), {"trees": [0]})
    with pytest.raises(H2OValueError, match="call train"):
        H2OGridSearch(of_hidden(), {"l1": [0]}).get_grid()


# ---- limits ----------------------------------------------------------------------------------------------------
def test_a_random_search_ends_with_its_number_of_models_and_seeds_them_in_a_row(table):
    criteria = {"strategy": "RandomDiscrete", "max_models": 3, "seed": 100}
    grid = searched(
        table, {"l1": [0, 1e-4, 1e-3, 1e-2, 1e-1]}, model=H2ODeepLearningEstimator(hidden=[2], epochs=1),
        search_criteria=criteria,
    )  # fmt: skip
    assert len(grid) == 3
    assert sorted(model.seed for model in grid) == [100, 101, 102]
    again = searched(
        table, {"l1": [0, 1e-4, 1e-3, 1e-2, 1e-1]}, model=H2ODeepLearningEstimator(hidden=[2], epochs=1),
        search_criteria=criteria,
    )  # fmt: skip
    assert {m.l1 for m in grid} == {m.l1 for m in again}


def test_the_time_of_a_search_caps_each_model_and_ends_it(table):
    grid = searched(
        table, {"l1": [0, 0.1, 0.2], "rho": [0.9, 0.95, 0.99]}, model=of_hidden(hidden=[2], epochs=1e6),
        search_criteria={"strategy": "RandomDiscrete", "max_runtime_secs": 1.5, "seed": 1},
    )  # fmt: skip
    assert 1 <= len(grid) < 9
    assert all(0 < model.max_runtime_secs <= 1.5 for model in grid)


def test_a_search_ends_when_the_best_models_hardly_differ(table):
    grid = searched(
        table, {"seed": list(range(1, 21))}, model=H2ODeepLearningEstimator(hidden=[2], epochs=0.1),
        search_criteria={"stopping_rounds": 2, "stopping_tolerance": 0.9, "stopping_metric": "logloss"},
    )  # fmt: skip
    assert len(grid) == 5  # 2 rounds need 2 * 2 + 1 models


# ---- order and tables ------------------------------------------------------------------------------------------
def test_models_are_ranked_by_the_metric_of_their_kind(table):
    two = searched(table, {"epochs": [0.1, 3]}, model=H2ODeepLearningEstimator(hidden=[4], seed=1))
    assert list(two.logloss().values()) == sorted(two.logloss().values())
    number = searched(table, {"epochs": [0.1, 3]}, y="size", model=H2ODeepLearningEstimator(hidden=[4], seed=1))
    assert list(number.residual_deviance().values()) == sorted(number.mean_residual_deviance().values())
    assert "ordered by increasing residual_deviance" in str(number)


def test_cross_validation_ranks_before_validation_before_training(table):
    hyper, model = {"l1": [0, 0.3]}, of_hidden(hidden=[3])
    crossed = searched(table, hyper, model=model, train={"nfolds": 2, "validation_frame": table})
    valid = searched(table, hyper, model=model, train={"validation_frame": table[:30, :]})
    for grid, source in ((crossed, "xval"), (valid, "valid")):
        shown = grid.sorted_metric_table()["logloss"].tolist()
        assert shown == [model.logloss(**{source: True}) for model in grid]
        assert shown == sorted(shown)


def test_get_grid_sorts_by_any_metric_in_its_better_direction(table):
    grid = searched(table, {"l1": [0, 0.05, 0.3]})
    by_auc = grid.get_grid(sort_by="auc")
    assert isinstance(by_auc, H2OGridSearch)
    values = [model.auc() for model in by_auc]
    assert values == sorted(values, reverse=True)
    assert [m.auc() for m in grid.get_grid("auc", decreasing=False)] == sorted(values)
    assert [m.logloss() for m in grid] == sorted(m.logloss() for m in grid)  # the grid itself keeps its order
    assert "ordered by decreasing auc" in str(by_auc)
    with pytest.raises(H2OResponseError, match="Invalid argument for sort_by specified"):
        grid.get_grid(sort_by="mae")


def test_the_printed_grid_shows_hyper_parameters_ids_and_metric(table):
    grid = searched(table, {"hidden": [[3], [4, 4]], "fast_mode": [True, False]}, model=of_hidden(), grid_id="g")
    text = str(grid)
    assert text.startswith("Hyper-Parameter Search Summary: ordered by increasing logloss")
    frame = grid.sorted_metric_table()
    assert list(frame.columns) == ["", "fast_mode", "hidden", "model_ids", "logloss"]
    assert set(frame["hidden"]) == {"3", "[4, 4]"}
    assert set(frame["fast_mode"]) == {"True", "False"}
    assert frame["model_ids"].tolist() == grid.model_ids
    assert "<table>" in grid._repr_html_()
    assert repr(grid) == text


def test_an_untrained_grid_shows_what_it_would_try(capsys):
    grid = H2OGridSearch(H2ODeepLearningEstimator, {"l1": [0, 1], "epochs": [5]})
    grid.show()
    assert "Hyperparameters: [epochs, l1]" in capsys.readouterr().out
    assert len(grid) == 0
    assert grid.models == []
    assert grid


def test_hyper_parameters_of_a_model_are_given_by_id_and_position(table, capsys):
    grid = searched(table, {"l1": [0.25], "hidden": [[3, 2]]}, model=of_hidden(), grid_id="g")
    assert grid.get_hyperparams("g_model_1") == [0.25, [3, 2]]
    assert grid.get_hyperparams(0, display=False) == [0.25, [3, 2]]
    assert grid.get_hyperparams_dict(0) == {"l1": 0.25, "hidden": [3, 2]}
    assert "Hyperparameters: [l1, hidden]" in capsys.readouterr().out
    with pytest.raises(H2OValueError, match="must be one of g_model_1; got 'x'"):
        grid.get_hyperparams("x")


def test_questions_to_the_grid_are_answered_by_every_model(table):
    grid = searched(table, {"l1": [0, 0.1]}, train={"validation_frame": table})
    assert set(grid.mse()) == set(grid.model_ids)
    assert grid.auc(valid=True) == {model.model_id: model.auc(valid=True) for model in grid}
    assert {key: frame.nrow for key, frame in grid.predict(table).items()} == dict.fromkeys(grid.model_ids, 60)
    assert all(len(rows) == 3 for rows in grid.varimp().values())
    assert grid.is_cross_validated() == dict.fromkeys(grid.model_ids, False)
    assert grid.xvals() == dict.fromkeys(grid.model_ids)
    grid.summary()


def test_the_older_sort_by_gives_a_table(table):
    grid = searched(table, {"l1": [0, 0.3]}, train={"validation_frame": table})
    ordered = grid.sort_by("mse(valid=True)", increasing=False)
    assert ordered.col_header == ["Model Id", "Hyperparameters: [l1]", "mse"]
    assert ordered["mse"] == sorted(grid.mse(valid=True).values(), reverse=True)
    assert len(grid.sort_by("F1")["F1"]) == 2
    with pytest.raises(H2OValueError, match="must name a metric"):
        grid.sort_by("__import__('os')")


# ---- on disk ---------------------------------------------------------------------------------------------------
def test_a_saved_grid_comes_back_with_models_order_and_failures(table, tmp_path):
    grid = searched(table, {"l1": [0, 0.1, -1.0]}, grid_id="g")
    path = h2o.save_grid(str(tmp_path), "g")
    assert path == os.path.join(str(tmp_path), "g")
    before = (grid.model_ids, grid.sorted_metric_table(), grid.failed_params, grid.failure_details)
    predictions = grid[0].predict(table).as_data_frame()
    h2o.remove("g")
    assert h2o.ls()["key"].tolist() == ["table.hex"]
    back = h2o.load_grid(path)
    assert (back.model_ids, back.failed_params, back.failure_details) == (before[0], *before[2:])
    pd.testing.assert_frame_equal(back.sorted_metric_table(), before[1])
    pd.testing.assert_frame_equal(back[0].predict(table).as_data_frame(), predictions)
    assert h2o.get_grid("g") is back
    with pytest.raises(H2OValueError, match="File not found"):
        h2o.load_grid(str(tmp_path / "other"))


def test_an_interrupt_keeps_finished_models_and_resume_builds_the_rest(table, monkeypatch):
    calls = iter(range(100))

    def interrupted(*arguments, **keywords):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return real(*arguments, **keywords)

    real = search.wait
    monkeypatch.setattr(search, "wait", interrupted)
    grid = H2OGridSearch(of_hidden(hidden=[3]), {"l1": [0, 0.1, 0.2]}, grid_id="g")
    with pytest.raises(KeyboardInterrupt):
        grid.train(x=X, y="two", training_frame=table)
    assert 1 <= len(h2o.get_grid("g")) <= 2
    grid.resume()
    assert sorted(model.l1 for model in grid) == [0, 0.1, 0.2]


KILLED = """
import os, sys
import pandas as pd
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.grid import record
from daskdl.grid.grid_search import H2OGridSearch
h2o.no_progress()
frame = h2o.H2OFrame(pd.read_csv(sys.argv[1]), destination_frame="table.hex")
frame["two"] = frame["two"].asfactor()
write, seen = record.Record.write, []
def dying(*arguments):
    write(*arguments)
    seen.append(1)
    if len(seen) == 3:  # the beginning and two models
        os._exit(9)
record.Record.write = dying
grid = H2OGridSearch(
    H2ODeepLearningEstimator(hidden=[2], epochs=1), {"l1": [0, 0.1, 0.2, 0.3]}, grid_id="g", recovery_dir=sys.argv[2],
    search_criteria={"strategy": "RandomDiscrete"},
)
grid.train(x=["a", "b", "c"], y="two", training_frame=frame)
"""


def test_a_killed_grid_resumes_in_another_process(tmp_path):
    TABLE[["a", "b", "c", "two"]].to_csv(tmp_path / "table.csv", index=False)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "table.csv"), str(tmp_path / "state")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    frame = H2OFrame(pd.read_csv(tmp_path / "table.csv"), destination_frame="other.hex")
    with pytest.raises(H2OValueError, match="must exist to resume the grid"):
        H2OGridSearch(H2ODeepLearningEstimator, {"l1": [0]}).resume(str(tmp_path / "state"))
    with pytest.raises(H2OValueError, match="must be like the one that the search began with"):
        H2OGridSearch(H2ODeepLearningEstimator, {"l1": [0]}).resume(
            str(tmp_path / "state"), training_frame=frame[:9, :]
        )
    frame["two"] = frame["two"].asfactor()
    grid = H2OGridSearch(H2ODeepLearningEstimator, {"l1": [0]})
    grid.resume(str(tmp_path / "state"), training_frame=frame)
    assert sorted(grid.model_ids) == [f"g_model_{k}" for k in (1, 2, 3, 4)]
    assert sorted(model.l1 for model in grid) == [0, 0.1, 0.2, 0.3]
    assert len(h2o.load_grid(str(tmp_path / "state" / "g"))) == 4


def test_a_killed_grid_in_an_object_store_is_resumed_with_the_models_that_were_finished(
    tmp_path, object_store, monkeypatch
):
    place = f"{object_store}/{uuid.uuid4().hex}"
    TABLE[["a", "b", "c", "two"]].to_csv(tmp_path / "table.csv", index=False)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "table.csv"), place]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    frame = H2OFrame(pd.read_csv(tmp_path / "table.csv"), destination_frame="table.hex")
    frame["two"] = frame["two"].asfactor()
    frame.frame_id = "table.hex"
    built, real = [], Search._build
    monkeypatch.setattr(Search, "_build", lambda self, request, key: built.append(key) or real(self, request, key))
    grid = h2o.resume(place)
    assert sorted(grid.model_ids) == [f"g_model_{k}" for k in (1, 2, 3, 4)]
    assert sorted(built) == ["g_model_3", "g_model_4"]
    assert len(h2o.load_grid(f"{place}/g")) == 4
    with pytest.raises(H2OResponseError, match="grid search that was cut off goes on as it began; got epochs"):
        h2o.resume(place, epochs=3)


def test_an_export_folder_holds_the_grid_beside_its_models(table, tmp_path):
    grid = searched(table, {"l1": [0, 0.1, -1.0]}, grid_id="g", export_checkpoints_dir=str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g", "g_model_1", "g_model_2"]
    ranked = [(model.model_id, model.logloss()) for model in grid]
    h2o.remove(grid)
    again = h2o.load_grid(str(tmp_path / "g"))
    assert [(model.model_id, model.logloss()) for model in again] == ranked
    assert again.failed_params == [{"l1": -1.0}]


def test_a_damaged_state_is_refused_with_its_file(table, tmp_path):
    searched(table, {"l1": [0]}, grid_id="g", recovery_dir=str(tmp_path))
    (tmp_path / "g" / "grid.json").write_text('{"format": "daskdl-grid"', encoding="utf-8")
    with pytest.raises(H2OValueError, match="must be what save_grid wrote; it is damaged"):
        h2o.load_grid(str(tmp_path / "g"))


def test_removing_a_grid_removes_its_models(table):
    grid = searched(table, {"l1": [0, 0.1]}, grid_id="g", train={"nfolds": 2})
    assert len([key for key in h2o.ls()["key"] if key.startswith("g_model")]) == 6
    h2o.remove(grid)
    assert h2o.ls()["key"].tolist() == ["table.hex"]
    assert not math.isnan(grid._results.seconds)
