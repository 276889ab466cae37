"""A frame that came through another door: each column is what the model knows, or it is said why it cannot be."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.model.matching import Seen, _fits, _joined, matched
from frames.exceptions import H2OJobError, H2OResponseError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

ROWS = 80
DRAW = np.random.default_rng(7)
GAPS = DRAW.random(ROWS) < 0.1
TABLE = pd.DataFrame(
    {
        "grade": DRAW.choice([1, 2, 10], ROWS),
        "word": DRAW.choice(["red", "green", "blue"], ROWS),
        "flag": DRAW.random(ROWS) < 0.4,
        "x": np.round(DRAW.normal(size=ROWS), 3),
        "w": DRAW.integers(1, 4, ROWS),
        "o": np.round(DRAW.normal(size=ROWS), 2),
        "size": np.round(DRAW.normal(size=ROWS), 3),
        "kind": DRAW.choice([0, 1], ROWS),
    }
)
LEVELS = {"grade": "enum", "word": "enum", "flag": "enum"}
BOX = {"hidden": [5], "epochs": 3, "seed": 3}
X = ["grade", "word", "flag", "x"]


def frame_of(table=TABLE, partitions=1, **types) -> H2OFrame:
    frame = H2OFrame(table, column_types=types)
    if partitions > 1:  # the parts of a frame that was bound are its partitions
        cuts = np.linspace(0, len(table), partitions + 1).astype(int)
        parts = [H2OFrame(table.iloc[a:b], column_types=types) for a, b in itertools.pairwise(cuts)]
        frame = parts[0]
        for part in parts[1:]:
            frame = frame.rbind(part)
    return frame


@pytest.fixture(scope="module")
def models(embedded_throughout):
    """A regression with weights and offset, a classifier of 0 and 1, an autoencoder; of all kinds of columns."""
    frame = frame_of(**LEVELS, kind="enum")
    regression = H2ODeepLearningEstimator(**BOX, weights_column="w", offset_column="o")
    odd = H2OAutoEncoderEstimator(**BOX)
    return {
        "regression": regression.train(x=X, y="size", training_frame=frame),
        "classifier": H2ODeepLearningEstimator(**BOX).train(x=X, y="kind", training_frame=frame),
        "autoencoder": odd.train(x=X, training_frame=frame),
    }


DOORS = {
    "grades as integers": {"grade": "int"},
    "grades as reals": {"grade": "real"},
    "words and grades as text": {"word": "string", "grade": "string"},
    "truths as text": {"flag": "string"},
    "numbers as categories": {"x": "enum", "o": "enum", "w": "enum"},
    "numbers as text": {"x": "string", "o": "string", "w": "string"},
    "the answers as text": {"size": "string", "kind": "string"},
    "the answers the other way round": {"size": "enum", "kind": "int"},
    "everything as text": dict.fromkeys(TABLE.columns, "string"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("gaps", [False, True])
def test_predictions_and_metrics_do_not_depend_on_the_types_of_the_frame(models, door, gaps):
    table = TABLE.astype({"grade": "Int64", "flag": object})
    if gaps:
        table.loc[GAPS, ["grade", "word", "flag", "x"]] = None
    usual = frame_of(table, **{**LEVELS, "kind": "enum"})
    other = frame_of(table, partitions=3, **{**LEVELS, "kind": "enum", **DOORS[door]})
    before = other.types
    for name, model in models.items():
        expected, found = (model.predict(frame).as_data_frame() for frame in (usual, other))
        pd.testing.assert_frame_equal(found, expected)
        if name != "autoencoder":
            assert model.model_performance(other).mse() == pytest.approx(model.model_performance(usual).mse())
    assert other.types == before  # the user's frame is as it was


def test_truths_are_zero_and_one_and_zero_and_one_are_truths(models):
    table = TABLE.assign(flag=TABLE["flag"].astype(int))
    usual = models["classifier"].predict(frame_of(**LEVELS)).as_data_frame()
    numbers = frame_of(table, grade="enum", word="enum")
    assert numbers.types["flag"] == "int"  # as comparisons of frames are
    pd.testing.assert_frame_equal(models["classifier"].predict(numbers).as_data_frame(), usual)
    zero_one = H2ODeepLearningEstimator(**BOX).train(
        x=["flag", "x"], y="size", training_frame=frame_of(table, flag="enum")
    )
    expected = zero_one.predict(frame_of(table, flag="enum")).as_data_frame()
    pd.testing.assert_frame_equal(zero_one.predict(frame_of(flag="enum")).as_data_frame(), expected)
    counted = H2ODeepLearningEstimator(**BOX).train(x=["flag", "x"], y="size", training_frame=numbers)
    expected = counted.predict(numbers).as_data_frame()
    pd.testing.assert_frame_equal(counted.predict(frame_of(flag="enum")).as_data_frame(), expected)


def test_a_validation_frame_may_come_through_any_door():
    training = frame_of(**LEVELS, kind="enum")
    usual = H2ODeepLearningEstimator(**BOX).train(x=X, y="kind", training_frame=training, validation_frame=training)
    for types in ({"grade": "int", "word": "string", "x": "enum", "kind": "int"}, dict.fromkeys(TABLE, "string")):
        model = H2ODeepLearningEstimator(**BOX)
        model.train(x=X, y="kind", training_frame=training, validation_frame=frame_of(**types))
        assert model.logloss(valid=True) == pytest.approx(usual.logloss(valid=True))
    longer = H2ODeepLearningEstimator(**{**BOX, "epochs": 6}, checkpoint=usual)
    longer.train(x=X, y="kind", training_frame=training, validation_frame=frame_of(**dict.fromkeys(TABLE, "string")))
    assert longer.logloss(valid=True) == pytest.approx(longer.model_performance(training).logloss())


# ---- what does not fit ---------------------------------------------------------------------------------------------
def test_texts_that_are_no_levels_are_told_as_unseen_levels(models):
    new = np.where(np.arange(ROWS) == 3, "mauve", TABLE["word"])
    frames = [frame_of(TABLE.assign(word=new), **{**LEVELS, "word": type_}) for type_ in ("enum", "string")]
    found = []
    for frame in frames:
        with pytest.warns(UserWarning, match=r"column 'word' has levels not trained on: \[mauve\]"):
            found.append(models["classifier"].predict(frame).as_data_frame())
    pd.testing.assert_frame_equal(*found)


def test_many_unseen_texts_are_counted_apart_and_told_in_part(models):
    many = frame_of(
        TABLE.assign(word=[f"new{k:02d}" for k in range(ROWS)]), partitions=4, **{**LEVELS, "word": "string"}
    )
    with pytest.warns(UserWarning, match=r"not trained on: \[new00, new01, .*new19, \.\.\.\]"):
        found = models["classifier"].predict(many).as_data_frame()
    gone = frame_of(TABLE.assign(word=None), **LEVELS)
    pd.testing.assert_frame_equal(found, models["classifier"].predict(gone).as_data_frame())


def test_a_class_that_only_a_text_column_has_counts_as_an_error(models):
    kinds = TABLE["kind"].astype(str)
    new = np.where(np.arange(ROWS) == 5, "2", kinds)
    metrics = []
    for type_ in ("enum", "string", "int"):
        frame = frame_of(TABLE.assign(kind=new), **{**LEVELS, "kind": type_})
        with pytest.warns(UserWarning, match=r"'kind' has levels not trained on: \[2\]; rows of these classes count"):
            metrics.append(models["classifier"].model_performance(frame).mse())
    assert metrics[0] == metrics[1] == metrics[2]


@pytest.mark.parametrize("type_", ["string", "enum"])
def test_cells_that_are_no_numbers_are_missing_and_counted(models, type_):
    texts = TABLE["x"].astype(str).to_numpy(object)
    texts[[2, 9, 11]] = ["oops", "oops", "NA"]
    told = r"'x' has cells that are no numbers: 2 of its 79 cells are missing now \('oops'\)"
    with pytest.warns(UserWarning, match=told):
        found = models["classifier"].predict(frame_of(TABLE.assign(x=texts), **{**LEVELS, "x": type_}))
    gaps = TABLE.assign(x=TABLE["x"].where(~np.isin(np.arange(ROWS), [2, 9, 11])))
    expected = models["classifier"].predict(frame_of(gaps, **LEVELS))
    pd.testing.assert_frame_equal(found.as_data_frame(), expected.as_data_frame())


@pytest.mark.parametrize(
    ("columns", "types", "sentence"),
    [
        ({"grade": 99}, {"grade": "int"}, "'grade' which is categorical.*it is int, and none of its 80 cells .* '99'"),
        ({"word": 1.5}, {"word": "real"}, "'word' which is categorical in the training data: it is real"),
        ({"x": "much"}, {"x": "string"}, "string column 'x' which is real-valued.*none of its 80 cells is a number"),
        ({"x": "much"}, {"x": "enum"}, "has categorical column 'x' which is real-valued in the training data"),
        ({"o": "much"}, {"o": "enum"}, "has categorical column 'o' which is real-valued"),
    ],
)
def test_a_column_in_which_nothing_fits_is_refused(models, columns, types, sentence):
    frame = frame_of(TABLE.assign(**columns), **{**LEVELS, **types})
    with pytest.raises(H2OJobError, match=sentence):
        models["regression"].predict(frame)
    training = frame_of(**LEVELS)
    given_roles = {"weights_column": "w", "offset_column": "o"}
    with pytest.raises(H2OResponseError, match=f"_validation_frame: .*{sentence}"):
        H2ODeepLearningEstimator(**BOX).train(
            x=X, y="size", training_frame=training, validation_frame=frame, **given_roles
        )


def test_a_column_with_nothing_but_gaps_is_missing_whatever_its_type(models):
    expected = None
    for type_ in ("enum", "string", "real"):
        frame = frame_of(TABLE.assign(x=None, word=None), **{**LEVELS, "x": type_, "word": type_})
        found = models["classifier"].predict(frame).as_data_frame()
        expected = found if expected is None else expected
        pd.testing.assert_frame_equal(found, expected)


def test_columns_that_the_question_does_not_need_may_be_anything(models):
    frame = frame_of(TABLE.assign(w="heavy", size="large"), **{**LEVELS, "w": "string", "size": "enum"})
    expected = models["regression"].predict(frame_of(**LEVELS)).as_data_frame()
    pd.testing.assert_frame_equal(models["regression"].predict(frame).as_data_frame(), expected)


def test_a_frame_that_fits_is_handed_back_as_it_is_and_an_empty_one_too(models):
    frame = frame_of(**LEVELS)
    assert matched(frame, [("word", ("red",)), ("x", None), ("nowhere", None)]).frame is frame
    nothing = frame_of(TABLE.iloc[:0], **dict.fromkeys(X, "string"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert models["classifier"].predict(nothing).dim == [0, 3]


# ---- the rule ------------------------------------------------------------------------------------------------------
def test_numbers_find_the_level_that_is_written_like_them_before_one_of_the_same_value():
    assert _fits([1, 1.0, 2, 2.5, 3], ("01", "1", "1.0", "2.0", "2.50")) == [1, 1, 3, 4, None]
    assert _fits([2**63 - 1, 2**53 + 1, 2**53], (str(2**53 + 1), str(2**63 - 1))) == [1, 0, None]
    assert _fits([0.1, float("inf")], ("0.1", "inf")) == [0, 1]
    assert _fits(["1", "1.0", " 1", "1 "], ("1",)) == [0, None, None, None]  # texts are matched as they are
    assert _fits([1, 0, 2], ("False", "True")) == [1, 0, None]
    assert _fits(["True", "False", "1"], ("0", "1")) == [1, 0, 1]
    assert _fits(["1e3", " 2.5 ", "x", "False"], None) == [1000.0, 2.5, None, 0]


@given(st.lists(st.builds(Seen, st.integers(0, 9), st.integers(0, 9), st.sets(st.text(max_size=2)).map(
    lambda found: tuple(sorted(found)[:21]))), min_size=3, max_size=3))  # fmt: skip
@settings(max_examples=100, derandomize=True, deadline=None)
def test_partitions_may_be_looked_at_in_any_order(parts):
    a, b, c = ({"x": part} for part in parts)
    assert _joined(_joined(a, b), c) == _joined(a, _joined(c, b))
    assert _joined(a, {"x": Seen()}) == a
