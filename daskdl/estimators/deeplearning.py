"""H2ODeepLearningEstimator and H2OAutoEncoderEstimator: what scripts written for h2o-py call."""

from typing import Any, ClassVar

from daskdl.estimators.accessors import MetricAccessors
from daskdl.estimators.arrays import ArrayFace, is_table
from daskdl.estimators.artifacts import ModelArtifacts
from daskdl.estimators.base import H2OEstimator
from daskdl.estimators.explanations import ModelExplanations
from daskdl.estimators.exports import ModelExports
from daskdl.estimators.influence import ModelInfluence
from daskdl.estimators.plots import ModelPlots
from daskdl.estimators.report import as_html, as_text, report
from daskdl.estimators.views import ModelViews
from daskdl.metrics.shown import Shown
from daskdl.model import apply
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame


class H2ODeepLearningEstimator(
    MetricAccessors,
    ModelViews,
    ModelInfluence,
    ModelExplanations,
    ModelPlots,
    ModelArtifacts,
    ModelExports,
    ArrayFace,
    Shown,
    H2OEstimator,
):
    """A feed-forward network with H2O's parameters, trained over all cores of one machine or a cluster.

    Example::

        model = H2ODeepLearningEstimator(hidden=[50, 50], epochs=20, seed=1)
        model.train(x=["AGE", "PSA"], y="CAPSULE", training_frame=train, validation_frame=valid)
        model.auc(valid=True)
        model.predict(test)

    `help(H2ODeepLearningEstimator)` shows every parameter with its default; each is also a property.
    """

    def predict(self, test_data: Any, custom_metric: Any = None, custom_metric_func: Any = None) -> Any:
        """Return predictions, one row per row of `test_data`.

        Classification: `predict` and a probability per class; regression: `predict`; autoencoder: `reconstr_*`. For an
        array, a list or a table of pandas an array, as scikit-learn's estimators do: labels or numbers alone.
        Missing columns and unseen levels are warned about (UserWarning). Nothing is measured here: custom metrics are
        refused (H2OValueError).
        """
        if custom_metric is not None or custom_metric_func is not None:
            raise H2OValueError(
                "predict() measures nothing, so a custom metric has no place in it. Give custom_metric_func to the "
                "estimator, and call model_performance(test_data)."
            )
        model = self._trained()
        if not isinstance(test_data, H2OFrame) and is_table(test_data):
            return self._predicted(test_data)
        frame = _checked(test_data)
        return apply.predict(model, frame)

    def model_performance(
        self,
        test_data: H2OFrame | None = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
        auc_type: str = "none",
        auuc_type: Any = None,
        custom_auuc_thresholds: Any = None,
    ) -> Any:
        """Return the metrics on a frame, or those of training, validation or cross-validation.

        Without a flag and a frame: training. A frame without the response cannot be judged: prints so, returns None.
        """
        model = self._trained()
        if auuc_type is not None or custom_auuc_thresholds is not None:
            raise H2OValueError("auuc_type and custom_auuc_thresholds belong to uplift models. Leave them out.")
        if test_data is None:
            return self._by_source(lambda metrics: metrics, train, valid, xval)
        frame = _checked(test_data)
        if model.response is not None and model.response not in frame.names:
            print(f"WARNING: Model metrics cannot be calculated: the response '{model.response}' is not in test_data.")
            return None
        if auc_type.lower() == "none":
            return apply.performance(model, frame)
        return apply.performance(model, frame, auc_type=auc_type)

    def anomaly(self, test_data: H2OFrame, per_feature: bool = False) -> H2OFrame:
        """Return how badly each row is reconstructed (autoencoders): `Reconstruction.MSE`, or the squared error of each
        input unit."""
        model = self._trained()
        if model.category != "AutoEncoder":
            raise AttributeError(f"anomaly() belongs to autoencoders; this is a {model.category} model.")
        return apply.anomaly(model, _checked(test_data), per_feature)

    def deepfeatures(self, test_data: H2OFrame, layer: int) -> H2OFrame:
        """Return the activations of hidden layer `layer` (from 0), columns `DF.L<layer + 1>.C<unit>`."""
        model = self._trained()
        if isinstance(layer, str):
            raise H2OTypeError(f"Cannot extract named hidden layer '{layer}'. Give its number, from 0.")
        count = len(model.resolved.actual.hidden)
        if not 0 <= layer < count:
            raise H2OValueError(
                f"hidden layer (index) to extract must be between 0 and {count - 1}; got {layer}."
                if count
                else "deepfeatures() requires a hidden layer; this model has none."
            )
        return apply.deep_features(model, _checked(test_data), layer)

    @property
    def type(self) -> str:
        """Kind of model: classifier, regressor or unsupervised."""
        if self.model is None:
            return "unsupervised" if self.autoencoder else "supervised"  # type: ignore[attr-defined]
        return {"Regression": "regressor", "AutoEncoder": "unsupervised"}.get(self.model.category, "classifier")

    @property
    def start_time(self) -> int:
        """When training began, milliseconds since 1970."""
        return self._trained().start_time

    @property
    def end_time(self) -> int:
        """When training ended, milliseconds since 1970."""
        return self._trained().end_time

    @property
    def run_time(self) -> int:
        """How long training took, milliseconds."""
        return self.end_time - self.start_time

    def _text(self, verbosity: str | None) -> str:
        if self.model is None:
            return "No model available"
        return as_text(report(self.model, _class_name(self.model), verbosity))

    def _page(self, verbosity: str | None) -> str:
        if self.model is None:
            return str(self)
        return as_html(report(self.model, _class_name(self.model), verbosity))

    def __repr__(self) -> str:
        return str(self) if self.model is not None else f"{type(self).__name__}({self._shown_parameters()})"

    def _shown_parameters(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self._given.items())


class H2OAutoEncoderEstimator(H2ODeepLearningEstimator):
    """The same network, learning to reconstruct its inputs: no response, anomaly() tells odd rows.

    Example::

        model = H2OAutoEncoderEstimator(hidden=[20], epochs=100, seed=1)
        model.train(training_frame=normal)
        model.anomaly(all_rows)
    """

    _fixed: ClassVar[dict[str, Any]] = {"autoencoder": True}


def estimator_of(model: Any) -> H2ODeepLearningEstimator:
    """Return the estimator object of a trained model, of the class that fits it."""
    kind = H2OAutoEncoderEstimator if model.category == "AutoEncoder" else H2ODeepLearningEstimator
    return kind._of(model)


def _class_name(model: Any) -> str:
    return "H2OAutoEncoderEstimator" if model.category == "AutoEncoder" else "H2ODeepLearningEstimator"


def _checked(test_data: Any) -> H2OFrame:
    if not isinstance(test_data, H2OFrame):
        raise H2OValueError(f"test_data must be an instance of H2OFrame; got {type(test_data).__name__}.")
    return test_data
