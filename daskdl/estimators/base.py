"""The estimator behind H2O's classes: parameters as properties, train(), and a model to use afterwards."""

import dataclasses
import itertools
import time
import warnings
from typing import Any, ClassVar

from daskdl.declarations.kinds import Declaration
from daskdl.estimators.job import H2OJob
from daskdl.estimators.progress import ModelProgress
from daskdl.estimators.request import TrainRequest, request_of, work_of
from daskdl.estimators.views import REPORTING
from daskdl.parameters import Parameters, declarations, signature
from frames.cluster import progress_bars, registry
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

_numbers = itertools.count(1)


class H2OEstimator:
    """Base of the estimators: every parameter is a keyword of the constructor and a property.

    Keywords and assignments are checked at once (H2OTypeError); ranges and combinations when training starts
    (H2OResponseError, before any work). `model` is the trained model or None.
    """

    algo: ClassVar[str] = "deeplearning"
    _fixed: ClassVar[dict[str, Any]] = {}  # parameters a subclass decides

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.__signature__ = signature(**cls._fixed)  # type: ignore[attr-defined]

    def __init__(self, *positional: Any, **parameters: Any):
        parameters = _by_name(type(self).__name__, positional, parameters)
        unknown = sorted(set(parameters) - set(declarations()))
        if unknown:
            raise TypeError(f"{type(self).__name__}() got an unexpected keyword argument '{unknown[0]}'")
        self._given: dict[str, Any] = parameters | self._fixed
        self._parameters = Parameters(**self._given)
        self.model: Any = None
        self._running: H2OJob | None = None
        self.job: H2OJob | None = None  # what start() began last

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_running": None, "job": None}  # a copy has the model, and not the thread

    @classmethod
    def _of(cls, model: Any) -> Any:
        """Return the estimator of a trained model, as get_model and cross_validation_models hand out."""
        estimator = cls.__new__(cls)
        # The columns that it left out follow from its own call of train(); another call says its own.
        estimator._parameters = model.parameters.replace(ignored_columns=None)
        estimator._given = dict(estimator._parameters.given())
        estimator.model = model
        estimator._running = estimator.job = None
        if registry.get(model.key) is None:
            registry.register(model.key, model)
        return estimator

    def train(
        self,
        x: Any = None,
        y: Any = None,
        training_frame: H2OFrame | str | None = None,
        offset_column: str | None = None,
        fold_column: str | None = None,
        weights_column: str | None = None,
        validation_frame: H2OFrame | str | None = None,
        max_runtime_secs: float | None = None,
        ignored_columns: list[str] | None = None,
        model_id: str | None = None,
        verbose: bool = False,
    ) -> Any:
        """Train on a frame and return self; training again replaces the model.

        x, y              predictors (names or positions; default: every column without another role) and response
        training_frame    rows to learn from; validation_frame rows to score and stop on
        *_column          columns with a role; they win over the constructor's (UserWarning if both differ)
        max_runtime_secs  seconds allowed, instead of the constructor's
        verbose           print every row of the scoring history as it appears

        Raises H2OValueError for unknown columns, H2OResponseError for impossible parameters (both before work starts),
        H2OJobError when training fails. Warnings about the request are RuntimeWarnings.
        """
        request = request_of(
            self._parameters,
            x,
            y,
            training_frame=training_frame,
            validation_frame=validation_frame,
            ignored_columns=ignored_columns,
            max_runtime_secs=max_runtime_secs,
            offset_column=offset_column,
            fold_column=fold_column,
            weights_column=weights_column,
        )
        self._adopt(self._trained_model(request, self._new_key(model_id), verbose), stacklevel=3)
        return self

    def _new_key(self, model_id: str | None) -> str:
        made_up = f"DeepLearning_model_python_{time.time_ns() // 1_000_000}_{next(_numbers)}"
        return model_id or self._parameters.model_id or made_up

    def _trained_model(self, request: TrainRequest, key: str, verbose: bool, job: H2OJob | None = None) -> Any:
        from daskdl.dispatch.place import place_for  # here, so that importing the classes does not load the kernels

        with ModelProgress(shown=progress_bars.shown(), verbose=verbose, job=job) as progress:
            return place_for(request.frame).run(work_of(request, key), progress, None if job is None else job.started)

    def _adopt(self, model: Any, stacklevel: int) -> None:
        """Take a finished model as this object's and tell the user what it has to say."""
        self.model = model
        self._names = self._written = None  # fit() says how columns and classes were written
        self._evaluated = REPORTING.evaluate_auto
        registry.register(model.key, model)
        for message in model.warnings:
            warnings.warn(message, RuntimeWarning, stacklevel=stacklevel)

    def start(
        self,
        x: Any = None,
        y: Any = None,
        training_frame: H2OFrame | str | None = None,
        offset_column: str | None = None,
        fold_column: str | None = None,
        weights_column: str | None = None,
        validation_frame: H2OFrame | str | None = None,
        max_runtime_secs: float | None = None,
        ignored_columns: list[str] | None = None,
        model_id: str | None = None,
        verbose: bool = False,
    ) -> None:
        """Begin training in the background; the arguments are those of train().

        join() waits for the end. `job` tells meanwhile how far it is, and cancel() ends it; a notebook shows it as a
        picture that follows the training while other cells run. Beside a scheduler that is a process of its own the
        training does not need this process any more: any client finds it in h2o.jobs() (docs/jobs.md).
        """
        key = self._new_key(model_id)
        request = request_of(
            self._parameters,
            x,
            y,
            training_frame=training_frame,
            validation_frame=validation_frame,
            ignored_columns=ignored_columns,
            max_runtime_secs=max_runtime_secs,
            offset_column=offset_column,
            fold_column=fold_column,
            weights_column=weights_column,
        )
        self._running = self.job = H2OJob(key, lambda job: self._trained_model(request, key, verbose, job))
        self.job.await_start()

    def join(self) -> Any:
        """Wait for what start() began and return self; an error of the training is raised here."""
        if self._running is None:
            raise H2OValueError("join() must follow start(); nothing is being trained.")
        running, self._running = self._running, None
        self._adopt(running.result(), stacklevel=3)
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return every parameter as given (scikit-learn's convention: clone(estimator) works)."""
        defaults = {name: declared.default for name, declared in declarations().items()}
        return {name: value for name, value in (defaults | self._given).items() if name not in self._fixed}

    def set_params(self, **parameters: Any) -> Any:
        """Set parameters and return self."""
        for name, value in parameters.items():
            if name not in declarations():
                raise H2OValueError(f"A parameter of {type(self).__name__} must be a known name; got '{name}'.")
            setattr(self, name, value)
        return self

    def _set(self, name: str, value: Any) -> None:
        if name in self._fixed and value != self._fixed[name]:
            raise H2OValueError(f"{name} of {type(self).__name__} is always {self._fixed[name]}; got {value}.")
        self._parameters = self._parameters.replace(**{name: value})
        self._given[name] = value

    def _trained(self) -> Any:
        """Return the model; a clear error before training."""
        if self.model is None:
            raise H2OValueError("No model available: call train() first.")
        return self.model

    @property
    def model_id(self) -> str | None:
        """Name of the model; assigning renames it."""
        return self.model.key if self.model is not None else self._parameters.model_id

    @model_id.setter
    def model_id(self, name: str | None) -> None:
        self._set("model_id", name)
        if self.model is not None and name is not None and name != self.model.key:
            registry.remove(self.model.key)
            self.model = dataclasses.replace(self.model, key=name)
            registry.register(name, self.model)

    @property
    def key(self) -> str | None:
        """The same as model_id."""
        return self.model_id

    @property
    def _id(self) -> str | None:
        """The same as model_id (the booklet's scripts write it so)."""
        return self.model_id


# The order in which h2o-py's constructor takes parameters by position.
_IN_ORDER = """
    model_id training_frame validation_frame nfolds keep_cross_validation_models keep_cross_validation_predictions
    keep_cross_validation_fold_assignment fold_assignment fold_column response_column ignored_columns ignore_const_cols
    score_each_iteration weights_column offset_column balance_classes class_sampling_factors max_after_balance_size
    max_confusion_matrix_size checkpoint pretrained_autoencoder overwrite_with_best_model use_all_factor_levels
    standardize activation hidden epochs train_samples_per_iteration target_ratio_comm_to_comp seed adaptive_rate rho
    epsilon rate rate_annealing rate_decay momentum_start momentum_ramp momentum_stable nesterov_accelerated_gradient
    input_dropout_ratio hidden_dropout_ratios l1 l2 max_w2 initial_weight_distribution initial_weight_scale
    initial_weights initial_biases loss distribution quantile_alpha tweedie_power huber_alpha score_interval
    score_training_samples score_validation_samples score_duty_cycle classification_stop regression_stop stopping_rounds
    stopping_metric stopping_tolerance max_runtime_secs score_validation_sampling diagnostics fast_mode
    force_load_balance variable_importances replicate_training_data single_node_mode shuffle_training_data
    missing_values_handling quiet_mode autoencoder sparse col_major average_activation sparsity_beta
    max_categorical_features reproducible export_weights_and_biases mini_batch_size categorical_encoding
    elastic_averaging elastic_averaging_moving_rate elastic_averaging_regularization export_checkpoints_dir auc_type
    custom_metric_func gainslift_bins
"""
POSITIONS = tuple(_IN_ORDER.split())


def _by_name(kind: str, positional: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters by name; TypeError where one is given twice, or there are too many."""
    if len(positional) > len(POSITIONS):
        raise TypeError(f"{kind}() takes at most {len(POSITIONS)} positional arguments; got {len(positional)}")
    given = dict(zip(POSITIONS, positional, strict=False))
    twice = sorted(set(given) & set(named))
    if twice:
        raise TypeError(f"{kind}() got multiple values for argument '{twice[0]}'")
    return given | named


def _parameter(declared: Declaration) -> property:
    """Return the property of one parameter; lists come out as lists, as h2o-py's users write them."""

    def read(self: H2OEstimator) -> Any:
        value = getattr(self._parameters, declared.name)
        return list(value) if isinstance(value, tuple) else value

    def write(self: H2OEstimator, value: Any) -> None:
        self._set(declared.name, value)

    allowed = f" Allowed: {declared.constraint}." if declared.constraint else ""
    return property(read, write, doc=f"{declared.sentence} ({declared.kind.word}, default {declared.default}){allowed}")


for _name, _declared in declarations().items():
    if _name != "model_id":
        setattr(H2OEstimator, _name, _parameter(_declared))
