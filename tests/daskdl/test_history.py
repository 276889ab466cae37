"""The scoring history has H2O's columns and formats, and survives JSON."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.coordinator.history import HistoryRow, ScoringHistory, duration, speed, training_speed
from frames.exceptions import H2OValueError

NOON = 1_800_000_000.0
LEADING = ["", "timestamp", "duration", "training_speed", "epochs", "iterations", "samples"]


def row(samples=150, iterations=1, **more):
    return HistoryRow(NOON, 1.4691, 1482.4, samples / 150, iterations, samples, **more)


@pytest.mark.parametrize(
    ("category", "names"),
    [
        ("Regression", "rmse deviance mae r2"),
        ("Binomial", "rmse logloss r2 auc pr_auc lift classification_error"),
        ("Multinomial", "rmse logloss r2 classification_error auc pr_auc"),
        ("AutoEncoder", "rmse mse"),
    ],
)
def test_every_category_has_its_columns(category, names):
    training = [f"training_{name}" for name in names.split()]
    validation = [f"validation_{name}" for name in names.split()]
    assert ScoringHistory(category).table().col_header == LEADING + training
    assert ScoringHistory(category, validated=True).table().col_header == LEADING + training + validation


def test_a_custom_metric_gets_its_columns():
    history = ScoringHistory("AutoEncoder", validated=True, custom=True)
    assert history.columns[-4:] == ["training_custom", "validation_rmse", "validation_mse", "validation_custom"]


def test_a_supervised_model_begins_with_zeros_and_nan():
    history = ScoringHistory("Regression", validated=True)
    history.begin(NOON)
    first = history.as_dicts()[0]
    assert (first["duration"], first["training_speed"]) == ("0.000 sec", None)
    assert (first["epochs"], first["iterations"], first["samples"]) == (0, 0, 0)
    assert all(math.isnan(first[f"{side}_{name}"]) for side in ("training", "validation") for name in history.metrics)


def test_a_row_reads_like_h2os():
    history = ScoringHistory("Binomial")
    history.append(
        row(training={"rmse": 0.4, "auc": 0.9, "pr_auc": 0.8, "lift_top_group": 2.0, "mse": 0.16, "err": 0.1})
    )
    table = history.table()
    got = dict(zip(table.col_header, table.cell_values[0], strict=True))
    assert re.fullmatch(r"2027-01-1\d \d\d:\d\d:\d\d", got["timestamp"])
    assert (got[""], got["duration"], got["training_speed"]) == ("", "1.469 sec", "1482 obs/sec")
    assert (got["epochs"], got["iterations"], got["samples"]) == (1.0, 1, 150.0)
    assert (got["training_auc"], got["training_pr_auc"], got["training_lift"]) == (0.9, 0.8, 2.0)
    assert got["training_classification_error"] == 0.1
    assert math.isnan(got["training_logloss"])


def test_times_and_speeds_are_written_as_one_reads_them():
    assert [duration(s) for s in (0, 59.9994, 123.004, 3723.0041)] == [
        "0.000 sec",
        "59.999 sec",
        "2 min 3.004 sec",
        "1:02:03.004",
    ]
    assert duration(59.9999) == "1 min 0.000 sec"
    assert [training_speed(s) for s in (9.5, 10, 123456.7)] == ["9.5 obs/sec", "10 obs/sec", "123457 obs/sec"]
    assert speed(1000, 0.999) == pytest.approx(1000)
    assert speed(0, 0) == 0


def test_pandas_takes_the_rows():
    history = ScoringHistory("Regression")
    history.begin(NOON)
    history.append(row(training={"rmse": 2.0, "mean_residual_deviance": 4.0}))
    frame = pd.DataFrame(history.as_dicts())
    assert list(frame.columns) == history.columns[1:]
    np.testing.assert_array_equal(frame["training_deviance"], [np.nan, 4.0])
    assert list(history) == history.as_dicts()


def test_a_history_only_grows_and_misses_no_validation():
    history = ScoringHistory("Regression", validated=True)
    with pytest.raises(H2OValueError, match="validation values in every row"):
        history.append(row())
    history.append(row(samples=300, iterations=2, validation={}))
    with pytest.raises(H2OValueError, match="must grow; got 150 samples"):
        history.append(row(validation={}))
    with pytest.raises(H2OValueError, match="got 'Ranking'"):
        ScoringHistory("Ranking")


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["rmse", "mse", "own"]), NUMBERS), max_size=4), st.booleans())
def test_a_history_survives_strict_json_to_the_last_bit(values, validated):
    history = ScoringHistory("AutoEncoder", validated)
    for number, one in enumerate(values):
        history.append(row(150 * number, number, training=one, validation=one if validated else None))
    text = json.dumps(history.to_dict(), allow_nan=False)
    again = ScoringHistory.from_dict(json.loads(text))
    assert json.dumps(again.to_dict()) == json.dumps(history.to_dict())
    assert [r.training.keys() for r in again.rows] == [r.training.keys() for r in history.rows]
