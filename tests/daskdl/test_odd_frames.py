"""Frames that nobody meant to train on: each ends in a model, or in one clear sentence before any work starts."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest

from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from frames.exceptions import H2OJobError, H2OResponseError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

ROWS = 60
DRAW = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "a": DRAW.normal(size=ROWS),
        "b": DRAW.normal(size=ROWS) * 3 + 1,
        "c": np.array(["u", "v", "w"])[np.arange(ROWS) % 3],
        "y": DRAW.normal(size=ROWS),
        "two": np.where(np.arange(ROWS) % 2, "p", "n"),
    }
)
X = ["a", "b", "c"]
FOURTH = np.arange(ROWS) == 3


def table(rows=slice(None), **columns):
    frame = H2OFrame(TABLE.assign(**columns).iloc[rows].reset_index(drop=True))
    for name in ("c", "two"):
        frame[name] = frame[name].asfactor()
    return frame


def trained(frame, y="y", x=X, validation=None, kind=H2ODeepLearningEstimator, **parameters):
    given = {"hidden": [3], "epochs": 2, "seed": 1, **parameters}
    return kind(**given).train(x=x, y=y, training_frame=frame, validation_frame=validation)


def refused(*arguments, error=H2OResponseError, **parameters):
    with pytest.raises(error) as caught:
        trained(*arguments, **parameters)
    return str(caught.value)


# ---- few rows, few values ----------------------------------------------------------------------------------------
def test_one_row_teaches_nothing_and_two_rows_make_a_model():
    assert "Response cannot be constant; 'y' is." in refused(table(slice(1)))
    assert trained(table(slice(2))).model.samples == 4
    assert trained(table(slice(2)), y="two").model.category == "Binomial"


@pytest.mark.parametrize("y", ["y", "two"])
def test_a_filter_that_leaves_one_value_of_the_response_is_noticed(y):
    frame = table(y=np.where(TABLE["two"] == "p", 1.5, TABLE["y"]))
    assert "Response cannot be constant" in refused(frame[frame["two"] == "p", :], y=y)


def test_partitions_that_a_filter_emptied_do_no_harm():
    frame = table()
    for _ in range(3):
        frame = frame.rbind(frame)  # eight partitions
    kept = frame.cbind(H2OFrame({"n": np.arange(frame.nrow)}))
    kept = kept[kept["n"] < ROWS, :]
    assert trained(kept).model.samples == 2 * ROWS
    assert trained(kept).predict(kept).nrow == ROWS


def test_nothing_to_learn_from_is_refused():
    empty = table()[table()["a"] > 1e9, :]
    assert "The training frame must have rows" in refused(empty)
    assert "The validation frame must have > 0 rows." in refused(table(), validation=empty)
    assert "are all 0" in refused(table(w=0.0), weights_column="w")
    assert "at least 1e-30" in refused(table(w=1e-50), weights_column="w")
    assert "no usable columns" in refused(table(), x=[])
    assert "no usable columns" in refused(table(c="u"), x=["c"])


def test_rows_that_all_lack_something_are_noticed_before_training():
    early = np.arange(ROWS) < 30
    holes = table(a=np.where(early, np.nan, TABLE["a"]), b=np.where(early, TABLE["b"], np.nan))
    skip = {"missing_values_handling": "Skip", "error": H2OJobError}
    assert "No rows left in the dataset" in refused(holes, **skip)
    assert trained(holes).model.samples == 2 * ROWS
    weighed = table(a=np.where(early, np.nan, TABLE["a"]), w=early.astype(int))
    assert "No rows left in the dataset" in refused(weighed, weights_column="w", **skip)
    unknown = table(y=np.where(early, np.nan, TABLE["y"]), w=early.astype(int))
    assert "No rows left in the dataset" in refused(unknown, weights_column="w", error=H2OJobError)


@pytest.mark.parametrize("name", ["epochs", "rate", "l1", "l2", "initial_weight_scale"])
def test_an_infinite_parameter_is_refused_where_nothing_could_come_of_it(name):
    given = {"adaptive_rate": False, "initial_weight_distribution": "Normal", name: np.inf}
    assert f"ERRR on field: _{name}: " in refused(table(), **given)


def test_a_category_of_one_level_is_dropped_or_makes_one_unit():
    with pytest.warns(RuntimeWarning, match=r"Dropping bad and constant columns: \[c\]"):
        assert trained(table(c="u")).model.x == ["a", "b"]
    kept = trained(table(c="u"), ignore_const_cols=False)
    assert kept.model.encoder.unit_names == ["c.u", "c.missing(NA)", "a", "b"]
    fewer = trained(table(c="u"), ignore_const_cols=False, use_all_factor_levels=False)
    assert fewer.model.encoder.unit_names == ["c.missing(NA)", "a", "b"]


@pytest.mark.parametrize(("epochs", "samples"), [(0, 0), (0.001, 1)])
def test_no_epochs_and_a_thousandth_of_one_still_end_in_a_scored_model(epochs, samples):
    for y in ("y", "two"):
        model = trained(table(), y=y, epochs=epochs)
        assert model.model.samples == samples
        assert np.isfinite(model.mse())
    assert np.isfinite(trained(table(), y=None, kind=H2OAutoEncoderEstimator, epochs=epochs).mse())


def test_a_single_hidden_unit_is_a_network():
    assert trained(table(), hidden=[1]).model.weights(0).shape == (1, 6)


# ---- large and infinite numbers ----------------------------------------------------------------------------------
@pytest.mark.parametrize("column", ["a", "y"])
def test_huge_numbers_train_like_small_ones_when_they_are_scaled(column):
    small, huge = trained(table()), trained(table(**{column: TABLE[column] * 1e30}))
    np.testing.assert_allclose(huge.model.state.weights, small.model.state.weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("columns", "given", "sentence"),
    [
        ({"a": np.where(FOURTH, np.inf, TABLE["a"])}, {}, "'a' must hold finite numbers; it holds inf"),
        ({"a": np.where(FOURTH, -np.inf, TABLE["a"])}, {"standardize": False}, "'a' must hold finite numbers"),
        ({"y": np.where(FOURTH, np.inf, TABLE["y"])}, {}, "'y' must hold finite numbers"),
        ({"o": np.where(FOURTH, np.inf, 1.0)}, {"offset_column": "o"}, "'o' must hold finite numbers"),
        ({"w": np.where(FOURTH, np.inf, 1.0)}, {"weights_column": "w"}, "'w' must hold finite numbers"),
        ({"w": np.where(FOURTH, 1e60, 1.0)}, {"weights_column": "w"}, "'w' must hold numbers of at most 3.4e+38"),
        ({"a": TABLE["a"] * 1e200}, {}, "'a' must hold numbers of at most 1e+150"),
        ({"a": TABLE["a"] * 1e60}, {"standardize": False}, "'a' must hold numbers of at most 3.4e+38"),
    ],
)
def test_numbers_that_no_network_can_hold_are_refused_with_their_column(columns, given, sentence):
    assert sentence in refused(table(**columns), **given)


def test_infinite_numbers_are_refused_in_validation_and_prediction():
    odd = table(a=np.where(FOURTH, np.inf, TABLE["a"]))
    assert "Its column 'a' must hold finite numbers" in refused(table(), validation=odd)
    assert "Its response 'y' must hold finite" in refused(
        table(), validation=table(y=np.where(FOURTH, np.inf, TABLE["y"]))
    )
    for seed in (1, 2, 3):  # whatever the network makes of it: an infinite sum, or 0 behind a rectifier
        model = trained(table(), y="two", seed=seed)
        for ask in (lambda m: m.predict(odd).as_data_frame(), lambda m: m.model_performance(odd)):
            with pytest.raises(H2OJobError, match="Column 'a' of the frame must hold finite numbers"):
                ask(model)


def test_huge_numbers_that_are_not_scaled_end_in_a_model_that_says_what_is_wrong():
    with pytest.warns(RuntimeWarning, match="numerically unstable"):
        broken = trained(table(a=TABLE["a"] * 1e30), standardize=False)
    with pytest.raises(H2OJobError, match="unstable model"):
        broken.predict(table())


# ---- validation frames that do not fit ---------------------------------------------------------------------------
def test_a_class_that_training_did_not_know_counts_as_an_error():
    odd = table(two=np.where(FOURTH, "new", TABLE["two"]))
    with pytest.warns(RuntimeWarning, match=r"'two' has levels not trained on: \[new\]; rows of these classes count"):
        model = trained(table(), y="two", validation=odd)
    known = trained(table(), y="two", validation=table(np.flatnonzero(~FOURTH)))
    mse, loss = known.mse(valid=True), known.logloss(valid=True)
    assert model.mse(valid=True) == pytest.approx((mse * (ROWS - 1) + 1) / ROWS)
    assert model.logloss(valid=True) == pytest.approx((loss * (ROWS - 1) - np.log(1e-15)) / ROWS)
    with pytest.warns(UserWarning, match="levels not trained on"):
        assert model.model_performance(odd).mse() == pytest.approx(model.mse(valid=True))
    assert model.predict(odd).nrow == ROWS


@pytest.mark.parametrize(
    ("y", "columns", "sentence"),
    [
        ("two", {"two": np.where(FOURTH, "new", "other")}, "must have classes of the training frame (n, p)"),
        ("two", {"two": 1}, "must have classes of the training frame (n, p)"),
        ("y", {"y": np.nan}, "has no value in any row"),
    ],
)
def test_a_validation_frame_without_a_usable_response_is_refused(y, columns, sentence):
    assert sentence in refused(table(), y=y, validation=table(**columns))


def test_a_validation_frame_without_a_predictor_is_used_with_a_warning():
    with pytest.warns(RuntimeWarning, match="missing column 'a'"):
        assert np.isfinite(trained(table(), validation=table().drop("a")).mse(valid=True))


def test_weights_and_offsets_of_validation_rows_are_judged_like_those_of_training():
    given = {"weights_column": "w", "offset_column": "o"}
    training = table(w=1.0 + np.arange(ROWS) % 2, o=1.0)
    for w, o, sentence in (
        (-1.0, 1.0, "In the validation frame: Weights must be >= 0"),
        (np.inf, 1.0, "In the validation frame: Column 'w' must hold finite numbers"),
        (1.0, np.nan, "In the validation frame: offset_column 'o' "),
    ):
        assert sentence in refused(training, validation=table(w=w, o=o), **given)
    model = trained(training, **given)
    with pytest.warns(RuntimeWarning, match="missing weights column 'w': each row is measured with weight 1"):
        assert np.isfinite(trained(training, validation=table(o=1.0), **given).mse(valid=True))
    with pytest.raises(H2OValueError, match="Weights must be finite"):
        model.model_performance(table(w=np.inf, o=1.0))


# ---- names and wide tables ---------------------------------------------------------------------------------------
def test_names_with_blanks_marks_and_letters_of_any_alphabet():
    frame = table()
    frame.set_names(['a b,"c"', "größe ✓", "x.y:z", "ζ", "two"])
    model = trained(frame, y="ζ", x=frame.names[:3])
    assert model.model.encoder.unit_names[-2:] == ['a b,"c"', "größe ✓"]
    assert model.predict(frame).nrow == ROWS


def test_two_columns_of_one_name_are_told_apart_or_refused():
    with pytest.warns(UserWarning, match="which are called a, a.1"):
        assert H2OFrame(pd.DataFrame(np.zeros((3, 2)), columns=["a", "a"])).names == ["a", "a.1"]
    with pytest.raises(H2OValueError, match="must differ"):
        table().set_names(["a", "a", "c", "y", "two"])


def test_two_thousand_columns_train():
    wide = pd.DataFrame(DRAW.normal(size=(30, 2000)), columns=[f"k{n}" for n in range(2000)])
    model = trained(H2OFrame(wide), y="k0", x=None, epochs=1)
    assert model.model.layout.inputs == 1999


# ---- one estimator twice, two at once, and ends before the end ---------------------------------------------------
def test_an_estimator_that_trains_again_makes_another_model():
    estimator = H2ODeepLearningEstimator(hidden=[3], epochs=2, seed=1)
    first = estimator.train(x=X, y="y", training_frame=table()).model
    second = estimator.train(x=X, y="two", training_frame=table()).model
    assert first.key != second.key
    assert (first.category, second.category, estimator.type) == ("Regression", "Binomial", "classifier")


def test_two_trainings_in_two_threads_give_what_each_gives_alone():
    frame, found = table(), {}
    alone = {y: trained(frame, y=y, epochs=20, stopping_rounds=0, reproducible=True) for y in ("y", "two")}

    def work(y):
        found[y] = trained(frame, y=y, epochs=20, stopping_rounds=0, reproducible=True)

    threads = [threading.Thread(target=work, args=(y,)) for y in alone]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for y, model in alone.items():
        assert np.array_equal(found[y].model.state.weights, model.model.state.weights)


@pytest.mark.parametrize("samples", [-2, 10**9])
def test_a_long_training_ends_at_its_time_limit_however_long_its_rounds_are(samples):
    frame = H2OFrame(pd.concat([TABLE[["a", "b", "y"]]] * 100, ignore_index=True))
    began = time.time()
    with pytest.warns(RuntimeWarning, match="interrupted due to timeout"):
        model = trained(
            frame, x=["a", "b"], epochs=1e6, max_runtime_secs=1, train_samples_per_iteration=samples, stopping_rounds=0
        )
    assert time.time() - began < 8
    assert model.model.samples > 0
    assert np.isfinite(model.mse())


SCRIPT = """
import numpy as np, pandas as pd
from daskdl.estimators import H2ODeepLearningEstimator
from frames.cluster import progress_bars, session
from frames.frame import H2OFrame
if __name__ == "__main__":
    session.start(nthreads=2, dashboard="127.0.0.1:0")
    progress_bars.show(False)
    draw = np.random.default_rng(1).normal(size=(2000, 3))
    frame = H2OFrame(pd.DataFrame(draw, columns=["a", "b", "y"]))
    model = H2ODeepLearningEstimator(hidden=[3], epochs=1e7, seed=1, stopping_rounds=0)
    print("begun", flush=True)
    model.train(x=["a", "b"], y="y", training_frame=frame)
    print("kept", model.model.samples > 0, np.isfinite(model.mse()), model.predict(frame).nrow, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_from_the_keyboard_keeps_the_model_of_the_last_round(tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(SCRIPT, encoding="utf-8")
    running = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ),
        # tests that run in the background of a shell ignore Ctrl-C, and so would this process
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert running.stdout.readline() == "begun\n"
        time.sleep(4)  # kernels are read from the cache, some rounds are trained
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    assert "kept True True 2000" in said
    assert running.returncode == 0


def test_every_warning_of_a_training_is_given_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trained(
            table(const=1.0, y=TABLE["two"].eq("p").astype(int)),
            x=[*X, "const"],
            validation=table(y=TABLE["two"].eq("p").astype(int)).drop("a"),
            rate=0.1,
            momentum_start=0.5,
            diagnostics=False,
            stopping_rounds=0,
            stopping_metric="MSE",
            stopping_tolerance=0.1,
            nfolds=2,
            max_runtime_secs=60,
            col_major=True,
            max_confusion_matrix_size=5,
        )
    said = [str(one.message) for one in caught]
    assert {one.category for one in caught} == {RuntimeWarning}
    assert len(said) == len(set(said))
    for begin in (
        "Dropping bad and constant columns: [const]",
        "We have detected that your response column has only 2 unique values (0/1)",
        "rate cannot be specified if adaptive_rate is enabled.",
        "momentum_start cannot be specified if adaptive_rate is enabled.",
        "Deprecated option: Diagnostics",
        "Deprecated option: col_major",
        "Deprecated option: max_confusion_matrix_size",
        "Stopping metric is ignored for _stopping_rounds=0.",
        "Stopping tolerance is ignored for _stopping_rounds=0.",
        "Setting optimal _epochs to ",
        "Test/Validation dataset is missing column 'a'",
    ):
        assert sum(one.startswith(begin) for one in said) == 1, begin


def test_a_metric_of_the_user_that_fails_is_named():
    message = refused(table(), custom_metric_func="math:hypot", error=H2OJobError)
    assert "The custom metric 'hypot' failed on 60 rows: TypeError: " in message


# ---- classes that balancing thins out ----------------------------------------------------------------------------
def test_a_class_that_balancing_loses_is_drawn_again_and_at_last_refused():
    rare = table(two=np.where(np.arange(ROWS) < 3, "p", "n"))
    for seed in range(5):  # a draw keeps none of the three rows in half of all cases
        model = trained(rare, y="two", balance_classes=True, class_sampling_factors=[1.0, 0.2], seed=seed).model
        assert min(model.class_shares[1]) > 0
    never = {"balance_classes": True, "class_sampling_factors": [1.0, 1e-9]}
    assert "10 draws anew left none of p." in refused(rare, y="two", error=H2OJobError, **never)
