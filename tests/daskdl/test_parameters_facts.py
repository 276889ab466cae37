"""What the parameters see of a frame: roles, dropped columns, problems found before training."""

import numpy as np
import pandas as pd
import pytest

from daskdl.parameters import Parameters, resolve, survey
from frames.exceptions import H2OResponseError
from frames.frame import H2OFrame


@pytest.fixture(scope="module")
def table(embedded_throughout):
    rows = 12
    return pd.DataFrame(
        {
            "a": np.arange(rows) * 1.5,
            "constant": 3,
            "empty": np.full(rows, np.nan),
            "text": [f"row {i} of many" for i in range(rows)],
            "colour": pd.Categorical(["red", "blue", "green"] * 4),
            "yes": pd.Categorical(["n", "p"] * 6),
            "zero_one": [0, 1] * 6,
            "weight": [1.0, 2.0] * 6,
            "negative": [-1.0, 1.0] * 6,
            "holes": [np.nan, 1.0] * 6,
            "nothing": np.zeros(rows),
            "fold": [0, 1, 2] * 4,
            "minus": [-1, 0, 1] * 4,
        }
    )


@pytest.fixture(scope="module")
def frame(table):
    return H2OFrame(table, column_types={"text": "string"})


def found(frame, x=None, y="a", **given):
    facts = survey(Parameters(**given), frame, x, y)
    return {problem.field: problem.message for problem in facts.problems}


def test_constant_empty_and_text_columns_are_dropped_with_a_note(frame):
    facts = survey(Parameters(), frame, None, "a")
    assert set(facts.dropped) == {"constant", "empty", "text", "holes", "nothing"}
    assert facts.notes == ("Dropping bad and constant columns: [constant, empty, text, holes, nothing]",)
    assert "colour" in facts.predictors
    assert "a" not in facts.predictors


def test_text_is_dropped_even_when_constants_stay(frame):
    assert survey(Parameters(ignore_const_cols=False), frame, None, "a").dropped == ("text",)


def test_columns_with_a_role_are_no_predictors(frame):
    facts = survey(Parameters(weights_column="weight", fold_column="fold"), frame, None, "yes")
    assert not {"weight", "fold", "yes"} & set(facts.predictors)
    assert (facts.classes, facts.levels, facts.weights_binary) == (2, ("n", "p"), False)


def test_predictors_keep_the_frames_order_and_leave_out_the_ignored(frame):
    assert survey(Parameters(), frame, ["fold", "colour"], "a").predictors == ("colour", "fold")
    assert "colour" not in survey(Parameters(ignored_columns=["colour"]), frame, None, "a").predictors


@pytest.mark.parametrize(
    ("field", "y", "given"),
    [
        ("weights_column", "a", {"weights_column": "nope"}),
        ("weights_column", "a", {"weights_column": "negative"}),
        ("weights_column", "a", {"weights_column": "holes"}),
        ("weights_column", "a", {"weights_column": "nothing"}),
        ("weights_column", "a", {"weights_column": "colour"}),
        ("weights_column", "weight", {"weights_column": "weight"}),
        ("offset_column", "a", {"weights_column": "weight", "offset_column": "weight"}),
        ("offset_column", "a", {"offset_column": "text"}),
        ("offset_column", "a", {"offset_column": "holes"}),
        ("fold_column", "a", {"fold_column": "negative"}),
        ("fold_column", "a", {"fold_column": "minus"}),
        ("fold_column", "a", {"fold_column": "constant"}),
        ("fold_column", "a", {"fold_column": "text"}),
        ("response_column", "nope", {}),
        ("response_column", "constant", {}),
        ("response_column", "empty", {}),
        ("response_column", "text", {}),
    ],
)
def test_a_column_that_cannot_play_its_role_is_a_problem(frame, field, y, given):
    assert field in found(frame, y=y, **given)


def test_a_frame_without_usable_columns_is_a_problem(frame):
    assert "training_frame" in found(frame, x=["constant", "text"])


def test_a_zero_one_response_gets_a_note(frame):
    assert "only 2 unique values (0/1)" in survey(Parameters(), frame, ["a"], "zero_one").notes[0]
    assert survey(Parameters(), frame, ["a"], "yes").notes == ()


def test_a_validation_frame_needs_rows_and_the_response(frame):
    facts = survey(Parameters(), frame, ["a"], "yes", frame[["a"]])
    assert [problem.field for problem in facts.problems] == ["validation_frame"]
    assert survey(Parameters(), frame, ["a"], "yes", frame).problems == ()


def test_an_autoencoder_has_no_response(frame):
    facts = survey(Parameters(autoencoder=True), frame, ["a", "colour"], None)
    assert (facts.response, facts.classes, facts.problems) == (None, 0, ())


def test_all_problems_are_refused_together(frame):
    parameters = Parameters(weights_column="nope", l1=-1, nfolds=50)
    with pytest.raises(H2OResponseError) as caught:
        resolve(parameters, survey(parameters, frame, None, "yes"), "m")
    assert all(f"_{field}:" in str(caught.value) for field in ("weights_column", "l1", "nfolds"))


def test_weights_other_than_zero_and_one_exclude_balancing(frame):
    parameters = Parameters(weights_column="weight", balance_classes=True)
    with pytest.raises(H2OResponseError, match="weights other than 0 and 1"):
        resolve(parameters, survey(parameters, frame, ["a"], "yes"))
