"""scikit-learn's face of an estimator: arrays, lists and pandas in, arrays out. fit, predict, predict_proba, score."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from daskdl.encoding.adaptation import level_map
from daskdl.kernels.distributions import DISTRIBUTIONS
from daskdl.model import apply
from daskdl.model.matching import matched
from frames.chunks.chunk import Chunk
from frames.cluster.sending import gather, submit_all
from frames.cluster.tasks import as_float
from frames.columns.dictionary import text_of
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame
from frames.table.names import unique_names

CLASSIFIERS = [name for name, kind in DISTRIBUTIONS.items() if kind.classes is not None]  # make numbers in y classes


class ArrayFace:
    """Methods of an estimator that take arrays; `_trained()` gives the model, `train` makes it."""

    _trained: Callable[[], Any]
    train: Callable[..., Any]

    _names: tuple[str, ...] | None = None  # columns of X in fit()
    _written: dict[str, Any] | None = None  # the classes as they stood in y, by their levels

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, **arguments: Any) -> Any:
        """Train as scikit-learn calls it and return self.

        X              a frame or anything H2OFrame accepts (rows by columns): an array, a list of rows, pandas
        y              its response: a one-column frame, an array, or the name of a column of X. Texts, truths and
                       categories make a classifier, numbers a regressor, or with distribution="bernoulli" or
                       "multinomial" a classifier, too
        sample_weight  weights of the rows, an array; other arguments are those of train()

        Example: ``H2ODeepLearningEstimator(hidden=[20]).fit(X, y).predict(X)``
        """
        frame = _table(X)
        names, written = frame.names, None
        if sample_weight is not None:
            frame, arguments["weights_column"] = _beside(frame, _table(sample_weight), "sample_weight")
        if y is None or isinstance(y, (str, int)):
            self.train(y=y, training_frame=frame, **arguments)
            names = [name for name in names if name != self._trained().response]
        else:
            response = H2OFrame(y, column_types=["enum"]) if _is_text(y) else _table(y)
            if _as_classes(response, getattr(self, "distribution", None)):
                written = _classes_of(y)
                response = response.asfactor() if response.types[response.names[0]] != "enum" else response
            frame, name = _beside(frame, response, "response")
            self.train(x=names, y=name, training_frame=frame, **arguments)
        self._names, self._written = tuple(names), written
        return self

    def _predicted(self, X: Any) -> np.ndarray:
        """Return what the model says of the rows of X: labels as they stood in y, numbers, or a reconstruction."""
        model = self._trained()
        found = apply.predict(model, self._frame_of(X))
        if model.category == "AutoEncoder":
            return np.asarray(found.as_data_frame().to_numpy(np.float64))
        values = _values(found, found.names[0])
        return values if model.domain is None else self.classes_[values]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, (rows, classes) in the order of `classes_`; a frame for a frame.

        Raises H2OValueError for a model that is no classifier.
        """
        model = self._trained()
        if model.domain is None:
            raise H2OValueError(f"predict_proba() requires a classifier; this is a {model.category} model.")
        if isinstance(X, H2OFrame):
            return apply.predict(model, X)[:, 1:]
        return np.asarray(apply.predict(model, self._frame_of(X))[:, 1:].as_data_frame().to_numpy(np.float64))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the share of rows that are classified rightly, or the R2 of a regression, as scikit-learn does.

        `y` holds the actual values; it may be left out, or name a column, where X is a frame with the response in it.
        Raises H2OValueError for an autoencoder, which has no response.
        """
        model = self._trained()
        if model.response is None:
            raise H2OValueError(
                "score() requires a response; an autoencoder has none. model_performance(frame) has MSE."
            )
        frame = self._frame_of(X)
        actual = _table(y) if y is not None and not isinstance(y, str) else frame[[model.response if y is None else y]]
        _one_column("y", actual, frame.nrow)
        weights = np.ones(frame.nrow)
        if sample_weight is not None:
            given = _table(sample_weight)
            _one_column("sample_weight", given, frame.nrow)
            weights = _values(given, given.names[0])
        found = matched(actual, [(actual.names[0], model.domain)])
        if found.problems:
            raise H2OValueError(found.problems[0].replace("Test/Validation dataset", "y"))
        truth, guesses = _values(found.frame, actual.names[0]), _values(apply.predict(model, frame), "predict")
        if model.domain is None:
            return _r2(truth, guesses, weights)
        codes = level_map(found.frame.schema[actual.names[0]].domain or (), model.domain, -1)[truth]
        known = truth >= 0
        return float(np.average((codes == guesses)[known], weights=weights[known]))

    @property
    def classes_(self) -> np.ndarray:
        """The classes in the order of predict_proba(): as they stood in the y of fit(), else the levels."""
        domain = self._trained().domain
        if domain is None:
            raise AttributeError("classes_")  # hasattr(model, "classes_") tells a classifier
        written = self._written or {}
        return np.array([written[level] for level in domain] if set(domain) <= set(written) else domain)

    @property
    def n_features_in_(self) -> int:
        """How many columns X has."""
        return len(self.feature_names_in_)

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The columns of X: those of fit(), else the model's predictors."""
        model = self._trained()
        return np.array(model.x if self._names is None else self._names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "model", None) is not None

    def __sklearn_tags__(self) -> Any:
        """Answer what scikit-learn asks of every estimator; whether it classifies, distribution or model must say."""
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags  # only it asks

        domain = None if getattr(self, "model", None) is None else self._trained().domain
        classifier = domain is not None or getattr(self, "distribution", None) in CLASSIFIERS
        regressor = getattr(self, "model", None) is not None and self._trained().category == "Regression"
        return Tags(
            estimator_type="classifier" if classifier else "regressor" if regressor else None,
            target_tags=TargetTags(required=not getattr(self, "autoencoder", False)),
            classifier_tags=ClassifierTags() if classifier else None,
            regressor_tags=RegressorTags() if regressor else None,
            input_tags=InputTags(sparse=True, categorical=True, string=True, allow_nan=True),
        )

    def _frame_of(self, X: Any) -> H2OFrame:
        """Return X as a frame with the columns of training: by name, or by position where X has no names of its own."""
        if isinstance(X, H2OFrame):
            return X
        frame = _table(X)
        wanted = self.feature_names_in_.tolist()
        if _has_names(X):
            return frame
        if frame.ncol != len(wanted):
            raise H2OValueError(
                f"X must have the {len(wanted)} columns that the model was trained with ({_some(wanted)}); got "
                f"{frame.ncol}. Give an array of rows by columns, or a table with names."
            )
        frame.set_names(wanted)
        return frame


def is_table(value: Any) -> bool:
    """Tell whether something other than a frame can be read as rows by columns."""
    if isinstance(value, (list, tuple, dict, np.ndarray)):
        return True
    return any(hasattr(value, name) for name in ("__dataframe__", "__arrow_c_stream__", "iloc", "tocsr", "to_delayed"))


def _table(value: Any) -> H2OFrame:
    if isinstance(value, H2OFrame):
        return value
    if not is_table(value):
        raise H2OTypeError(
            f"Rows must come as an H2OFrame, an array, a list, or a table of pandas; got {type(value).__name__}."
        )
    return H2OFrame(value)


def _has_names(X: Any) -> bool:
    """Tell whether columns of a table have names that mean something: texts, as in scikit-learn."""
    if isinstance(X, (list, tuple, np.ndarray)) or hasattr(X, "tocsr"):
        return False
    columns = getattr(X, "columns", None)
    return columns is None or all(isinstance(name, str) for name in columns)


def _is_text(y: Any) -> bool:
    """Tell whether y is an array of texts, which are classes even if they look like numbers."""
    if isinstance(y, H2OFrame) or isinstance(getattr(y, "dtype", None), pd.CategoricalDtype):
        return False
    values = np.ravel(y)
    return values.dtype.kind == "U" or pd.api.types.infer_dtype(values, skipna=True) == "string"


def _one_column(what: str, column: H2OFrame, rows: int) -> None:
    if column.ncol != 1 or column.nrow != rows:
        raise H2OValueError(
            f"{what} must be one column of {rows} rows; got {column.nrow} rows x {column.ncol} columns."
        )


def _values(frame: H2OFrame, name: str) -> np.ndarray:
    """Return a column here: numbers (float64, NaN missing), or the codes of an enum (-1 missing)."""
    placed = frame.placement([name])
    parts = gather(submit_all(_decoded, [list(chunks) for chunks in placed.parts], placed.where[name]), "Reading rows")
    return np.concatenate(parts) if parts else np.zeros(0)


def _decoded(chunks: Sequence[Chunk], where: tuple[int, int]) -> np.ndarray:
    values = chunks[where[0]].values(where[1])
    return values if values.dtype == np.int32 else as_float(values)


def _beside(frame: H2OFrame, column: H2OFrame, name: str) -> tuple[H2OFrame, str]:
    """Return the frame with a column beside the others, and the name that it has there."""
    _one_column("y" if name == "response" else name, column, frame.nrow)
    own = column.names[0]
    *_, chosen = unique_names([*frame.names, name if own in frame.names or own == "C1" else own])
    column = column[:, [0]]
    column.set_names([chosen])
    return frame.cbind(column), chosen


def _as_classes(response: H2OFrame, distribution: Any) -> bool:
    kind = response.types[response.names[0]]
    return kind in ("enum", "string") or distribution in CLASSIFIERS


def _classes_of(y: Any) -> dict[str, Any] | None:
    """Return the classes as they stand in y by the texts that their levels are; None for a frame."""
    if isinstance(y, H2OFrame):
        return None
    categories = getattr(getattr(y, "dtype", None), "categories", None)
    values = pd.unique(pd.Series(np.ravel(y)).dropna()) if categories is None else categories
    return {str(text_of(value)): value for value in values.tolist()}


def _r2(truth: np.ndarray, guesses: np.ndarray, weights: np.ndarray) -> float:
    known = ~np.isnan(truth)
    truth, guesses, w = truth[known], guesses[known], weights[known]
    left = float(np.sum(w * (truth - guesses) ** 2))
    spread = float(np.sum(w * (truth - np.average(truth, weights=w)) ** 2)) if len(truth) else 0.0
    return 1.0 - left / spread if spread else float("nan")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
