"""scikit-learn's face: arrays, lists and pandas in, arrays out, and scikit-learn's own tools around the estimator."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

ROWS = 90
DRAW = np.random.default_rng(4)
X = DRAW.normal(size=(ROWS, 3))
SIZE = 2 * X[:, 0] - X[:, 1] + DRAW.normal(size=ROWS) * 0.1
WORDS = np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [-0.5, 0.5])]
WEIGHTS = DRAW.integers(1, 4, ROWS).astype(float)
BOX = {"hidden": [8], "epochs": 60, "seed": 1, "reproducible": True, "stopping_rounds": 0}


@pytest.fixture(scope="module")
def fitted(embedded_throughout):
    return {
        "numbers": H2ODeepLearningEstimator(**BOX).fit(X, SIZE),
        "words": H2ODeepLearningEstimator(**BOX).fit(X, WORDS),
        "autoencoder": H2OAutoEncoderEstimator(**BOX).fit(X),
    }


def forms(rows: np.ndarray) -> list:
    """The same rows in every form that has no names of its own."""
    return [rows, rows.tolist(), [tuple(row) for row in rows], sparse.csr_array(rows), pd.DataFrame(rows)]


def test_a_regressor_answers_in_numbers_and_is_scored_by_r2(fitted):
    model = fitted["numbers"]
    named = H2OFrame(X, column_names=["C1", "C2", "C3"])
    expected = model.predict(named).as_data_frame()["predict"].to_numpy()
    for rows in forms(X):
        found = model.predict(rows)
        assert (type(found), found.dtype, found.shape) == (np.ndarray, np.float64, (ROWS,))
        np.testing.assert_array_equal(found, expected)
        assert model.score(rows, SIZE) == pytest.approx(r2_score(SIZE, expected))
    assert model.score(X, SIZE, WEIGHTS) == pytest.approx(r2_score(SIZE, expected, sample_weight=WEIGHTS))
    assert model.score(X, SIZE) > 0.9
    with pytest.raises(H2OValueError, match=r"predict_proba\(\) requires a classifier; this is a Regression model"):
        model.predict_proba(X)
    with pytest.raises(AttributeError, match="no attribute 'classes_'"):
        model.classes_


def test_a_classifier_answers_in_the_words_it_was_given(fitted):
    model = fitted["words"]
    chances = model.predict_proba(X)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    assert chances.shape == (ROWS, 3)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    for rows in forms(X):
        found = model.predict(rows)
        assert found.tolist() == model.classes_[chances.argmax(axis=1)].tolist()
        assert model.score(rows, WORDS) == accuracy_score(WORDS, found)
    assert model.score(X, pd.Series(WORDS), WEIGHTS) == pytest.approx(
        accuracy_score(WORDS, found, sample_weight=WEIGHTS)
    )
    assert model.score(X, WORDS) > 0.7
    assert model.predict(X[:1]).shape == (1,)


@pytest.mark.parametrize(
    ("classes", "distribution"),
    [
        ([False, True], "AUTO"),
        ([0, 1], "bernoulli"),
        ([1, 2, 10], "multinomial"),
        (["2", "10"], "AUTO"),
        (["no", "yes"], "AUTO"),
    ],
)
def test_labels_come_back_as_they_stood_in_y(classes, distribution):
    y = np.array(classes)[np.digitize(X[:, 0], np.linspace(-0.5, 0.5, len(classes) - 1))]
    model = H2ODeepLearningEstimator(**BOX, distribution=distribution).fit(X, y)
    found = model.predict(X)
    assert found.dtype == y.dtype
    assert set(found) <= set(classes)
    assert sorted(model.classes_.tolist()) == classes or model.classes_.tolist() == sorted(map(str, classes))
    assert model.score(X, y) == accuracy_score(y, found)
    assert model.score(X, y) > 0.8
    assert is_classifier(model)


def test_categories_keep_their_order_and_the_unused_ones():
    y = pd.Categorical(np.where(X[:, 0] > 0, "up", "down"), categories=["up", "down", "side"])
    model = H2ODeepLearningEstimator(**BOX).fit(X, pd.Series(y))
    assert model.classes_.tolist() == ["up", "down", "side"]
    assert model.predict_proba(X).shape == (ROWS, 3)


def test_tables_with_names_are_read_by_name_and_others_by_position():
    table = pd.DataFrame({"a": X[:, 0], "kind": WORDS, "b": X[:, 1], "always": 1.0})
    with pytest.warns(RuntimeWarning, match="constant columns"):
        model = H2ODeepLearningEstimator(**BOX).fit(table, SIZE)
    assert model.feature_names_in_.tolist() == ["a", "kind", "b", "always"]  # of fit(); the model left one out
    assert model.model.x == ["a", "kind", "b"]
    expected = model.predict(table)
    np.testing.assert_array_equal(model.predict(table[["b", "always", "a", "kind"]]), expected)
    np.testing.assert_array_equal(model.predict(table.to_dict("list")), expected)
    np.testing.assert_array_equal(model.predict(table.to_numpy(object)), expected)
    np.testing.assert_array_equal(model.predict(H2OFrame(table)).as_data_frame()["predict"], expected)
    with pytest.warns(UserWarning, match="missing column 'b'"):
        model.predict(table.drop(columns="b"))


def test_rows_that_do_not_fit_are_refused_with_the_columns_that_are_wanted(fitted):
    for rows, got in ((X[:, :2], 2), (X[0], 1), ([1.0, 2.0, 3.0], 1)):
        with pytest.raises(H2OValueError, match=rf"3 columns .*\(C1, C2, C3\); got {got}"):
            fitted["numbers"].predict(rows)
    with pytest.raises(H2OValueError, match="test_data must be an instance of H2OFrame; got str"):
        fitted["numbers"].predict("C1")
    with pytest.raises(H2OTypeError, match="Rows must come as an H2OFrame, an array, a list"):
        fitted["numbers"].score(3, SIZE)
    with pytest.raises(H2OValueError, match="y must be one column of 90 rows; got 7 rows"):
        fitted["numbers"].score(X, SIZE[:7])
    with pytest.raises(H2OValueError, match="sample_weight must be one column of 90 rows"):
        H2ODeepLearningEstimator(**BOX).fit(X, SIZE, sample_weight=WEIGHTS[:3])
    with pytest.raises(H2OValueError, match="y has categorical column 'C1' which is real-valued"):
        fitted["numbers"].score(X, WORDS)


def test_an_autoencoder_reconstructs_arrays_and_has_no_score(fitted):
    found = fitted["autoencoder"].predict(X)
    assert found.shape == X.shape
    assert np.mean((found - X) ** 2) < np.mean(X**2)
    with pytest.raises(H2OValueError, match=r"score\(\) requires a response"):
        fitted["autoencoder"].score(X, SIZE)


def test_weights_of_rows_count_as_the_rows_given_twice():
    once = H2ODeepLearningEstimator(**BOX).fit(X, SIZE, sample_weight=WEIGHTS)
    frame = H2OFrame(X).cbind(H2OFrame({"y": SIZE, "w": WEIGHTS}))
    same = H2ODeepLearningEstimator(**BOX).train(x=[0, 1, 2], y="y", training_frame=frame, weights_column="w")
    assert once.mse() == pytest.approx(same.mse())


def test_frames_stay_frames(fitted):
    frame = H2OFrame(X).cbind(H2OFrame({"response": WORDS}, column_types=["enum"]))
    model = fitted["words"]
    assert isinstance(model.predict(frame), H2OFrame)
    assert model.predict_proba(frame).names == ["high", "low", "mid"]
    assert model.score(frame) == model.score(X, WORDS) == model.score(frame, "response")
    trained = H2ODeepLearningEstimator(**BOX).train(y="response", training_frame=frame)
    np.testing.assert_array_equal(trained.predict(X), model.predict(X))  # by position: it has no names of fit()
    assert trained.classes_.tolist() == model.classes_.tolist()


def test_scikit_learns_tools_take_the_estimator(fitted):
    estimator = H2ODeepLearningEstimator(**BOX)
    assert not is_classifier(estimator)
    assert is_regressor(fitted["numbers"])
    assert clone(fitted["words"]).model is None
    line = make_pipeline(StandardScaler(), clone(estimator)).fit(X, WORDS)
    assert line.score(X, WORDS) > 0.7
    assert np.isfinite(cross_val_score(estimator.set_params(epochs=2), X, SIZE, cv=2)).all()
    search = GridSearchCV(estimator, {"hidden": [[1], [8]]}, cv=2).fit(X, WORDS)
    assert search.best_estimator_.predict(X).shape == (ROWS,)
