"""A trained model looked at from the side: status, history, importances, weights, cross-validation, records."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from daskdl.estimators.report import importance_table
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model.kept_frames import FRAMES, any_away, on_cluster
from daskdl.parameters import declarations, plain
from frames.cluster import registry
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame
from frames.table.names import unique_names


@dataclass
class Reporting:
    """How models report: `evaluate_auto` False shows AUTO parameters as given (h2o.rapids sets it)."""

    evaluate_auto: bool = True


REPORTING = Reporting()

# Parameters that point to something kept under a name, and the entry of H2O's record that holds the name.
REFERENCES = {
    **dict.fromkeys(("model_id", "training_frame", "validation_frame", "checkpoint", "pretrained_autoencoder"), "name"),
    **dict.fromkeys(("response_column", "fold_column", "weights_column", "offset_column"), "column_name"),
}


class ModelViews:
    """Read-only methods of an estimator that show what its model holds; `_trained()` gives the model or raises."""

    _evaluated: bool = True  # as REPORTING said when the model was trained

    _trained: Callable[[], Any]

    def summary(self) -> H2OTwoDimTable:
        """Return the status table: one row per layer, with rates and weight statistics."""
        return self._trained().status_table()

    get_summary = summary

    def show_summary(self) -> None:
        """Print the status table."""
        self.summary().show()

    def scoring_history(self, as_data_frame: bool = True) -> Any:
        """Return one row per scoring event, as pandas or as a table."""
        table = self._trained().history.table()
        return table.as_data_frame() if as_data_frame else table

    def varimp(self, use_pandas: bool = False) -> Any:
        """Return (variable, relative_importance, scaled_importance, percentage) per input, largest first.

        Returns None, and says so, for a model trained with variable_importances=False.
        """
        rows = self._trained().importances()
        if not rows:
            print("Warning: This model doesn't have variable importances")
            return None
        columns = ["variable", "relative_importance", "scaled_importance", "percentage"]
        return pd.DataFrame(rows, columns=columns) if use_pandas else [tuple(row) for row in rows]

    def weights(self, matrix_id: int = 0) -> H2OFrame:
        """Return the weights into layer `matrix_id` as a frame: a row per unit, a column per input."""
        model = self._exported("weights")
        values = np.asarray(model.weights(self._layer(matrix_id, "Weight matrix", "weight matrices", "matrix")))
        units = model.encoder.unit_names if matrix_id == 0 else [f"C{j + 1}" for j in range(values.shape[1])]
        names = unique_names(units)  # the level b of a, and a column a.b
        return _kept_frame(f"{model.key}.weights.{matrix_id}", values, list(names))

    def biases(self, vector_id: int = 0) -> H2OFrame:
        """Return the biases of layer `vector_id` as a frame of one column."""
        model = self._exported("biases")
        values = np.asarray(model.biases(self._layer(vector_id, "Bias vector", "bias vectors", "vector")))
        return _kept_frame(f"{model.key}.biases.{vector_id}", values.reshape(-1, 1), ["C1"])

    def _exported(self, what: str) -> Any:
        model = self._trained()
        if not model.resolved.actual.export_weights_and_biases:
            raise H2OValueError(f"{what}() requires a model trained with export_weights_and_biases=True.")
        return model

    def _layer(self, number: int, what: str, plural: str, short: str) -> int:
        count = len(self._trained().resolved.actual.hidden) + 1
        if not isinstance(number, (int, np.integer)) or not 0 <= number < count:
            raise H2OValueError(
                f"{what} does not exist. Model has {count} {plural} (0-based indexing), "
                f"but {short} {number} was requested."
            )
        return int(number)

    def normmul(self) -> list[float] | None:
        """Return the factor of each numeric input; None unless exported and standardised."""
        return self._scales(lambda encoder: [number.mul for number in encoder.numbers])

    def normsub(self) -> list[float] | None:
        """Return what is subtracted from each numeric input; None unless exported and standardised."""
        return self._scales(lambda encoder: [number.sub for number in encoder.numbers])

    def respmul(self) -> list[float] | None:
        """Return the factor of the response; None unless exported and standardised."""
        return self._scales(lambda encoder: _scaled_response(encoder, "mul"))

    def respsub(self) -> list[float] | None:
        """Return what is subtracted from the response; None unless exported and standardised."""
        return self._scales(lambda encoder: _scaled_response(encoder, "sub"))

    def catoffsets(self) -> list[int] | None:
        """Return where each categorical column's inputs begin, and where numbers do; None unless exported."""
        model = self._trained()
        return list(model.encoder.offsets) if model.resolved.actual.export_weights_and_biases else None

    def _scales(self, read: Any) -> list[float] | None:
        model = self._trained()
        actual = model.resolved.actual
        return read(model.encoder) if actual.export_weights_and_biases and actual.standardize else None

    def is_cross_validated(self) -> bool:
        """Tell whether the model was cross-validated."""
        return self._trained().cross_validation_metrics is not None

    def _kept(self, name: str) -> Any:
        """Return what cross-validation left under H2O's name; None without it or if it was not to be kept.

        Raises H2OValueError where it was kept, but not saved with the model.
        """
        model = self._trained()
        if any_away(model):
            model.extras.update(on_cluster(model).extras)
        found = model.extras.get(name)
        if found is not None or model.cross_validation_metrics is None or name not in FRAMES:
            return found
        if not getattr(model.parameters, FRAMES[name]):
            return None
        raise H2OValueError(
            f"{name}() of {model.key} must be saved with the model to be there after loading it; it was not. Save it "
            "with export_cross_validation_predictions=True."
        )

    def cross_validation_models(self) -> list[Any] | None:
        """Return the models of the folds as estimators; None without cross-validation or if they were not kept."""
        models = self._kept("cross_validation_models")
        return None if not models else [type(self)._of(model) for model in models]  # type: ignore[attr-defined]

    def get_xval_models(self, key: str | None = None) -> Any:
        """Return the models of the folds, or the one with the id `key`; None as for cross_validation_models().

        Raises H2OValueError where no fold model has that id.
        """
        models = self.cross_validation_models()
        if key is None or models is None:
            return models
        found = next((model for model in models if model.model_id == key), None)
        if found is None:
            known = ", ".join(model.model_id for model in models)
            raise H2OValueError(f"A fold model of {self._trained().key} must be one of {known}; got '{key}'.")
        return found

    @property
    def xvals(self) -> list[Any] | None:
        """The models of the folds."""
        return self.cross_validation_models()

    def xval_keys(self) -> list[str] | None:
        """Return the ids of the fold models."""
        models = self.cross_validation_models()
        return None if models is None else [model.model_id for model in models]

    def cross_validation_predictions(self) -> list[H2OFrame] | None:
        """Return one frame per fold: predictions on its held-out rows, zeros elsewhere; None if not kept."""
        frames = self._kept("cross_validation_predictions")
        return None if not frames else list(frames)

    def cross_validation_holdout_predictions(self) -> H2OFrame | None:
        """Return the held-out predictions of all rows; None if not kept."""
        return self._kept("cross_validation_holdout_predictions")

    def cross_validation_fold_assignment(self) -> H2OFrame | None:
        """Return the fold of each row; None if not kept."""
        return self._kept("cross_validation_fold_assignment")

    def cross_validation_metrics_summary(self) -> H2OTwoDimTable | None:
        """Return mean, deviation and every fold's value of each metric."""
        return self._kept("cross_validation_metrics_summary")

    @property
    def parms(self) -> dict[str, dict[str, Any]]:
        """Every parameter's record: help, type, values, default_value, input_value, actual_value.

        As in H2O's records a frame or model stands as {"name": its id}, a column with a role as {"column_name": its
        name}; `actual_params` has the plain names.
        """
        model = self._trained()
        given = model.parameters
        return {
            name: {
                "name": name,
                "label": name,
                "help": declared.sentence,
                "type": "enum" if declared.values else declared.kind.word,
                "values": declared.values,
                "gridable": declared.kind.word not in ("H2OFrame", "H2OEstimator"),
                "default_value": plain(declared.default),
                "input_value": _recorded(name, plain(getattr(given, name))),
                "actual_value": _recorded(name, self._in_force(name)),
            }
            for name, declared in declarations().items()
        }

    full_parameters = parms

    @property
    def params(self) -> dict[str, dict[str, Any]]:
        """Every parameter's default, input and actual value."""
        keys = {"default": "default_value", "actual": "actual_value", "input": "input_value"}
        return {name: {short: record[long] for short, long in keys.items()} for name, record in self.parms.items()}

    @property
    def actual_params(self) -> dict[str, Any]:
        """The value of every parameter that was in force."""
        return {name: self._in_force(name) for name in declarations()}

    def _in_force(self, name: str) -> Any:
        model = self._trained()
        return _actual(model, name) if self._evaluated else plain(getattr(model.parameters, name))

    @property
    def default_params(self) -> dict[str, Any]:
        """The default of every parameter."""
        return {name: plain(declared.default) for name, declared in declarations().items()}

    @property
    def _model_json(self) -> dict[str, Any]:
        """The model under the key names of H2O's REST answer, for scripts that read it directly."""
        model = self._trained()
        folds, held_out = (model.extras.get(f"cross_validation_{what}") for what in ("models", "predictions"))
        exported = model.resolved.actual.export_weights_and_biases
        layers = range(len(model.resolved.actual.hidden) + 1)
        columns = {column.name: column.domain for column in model.encoder.columns}
        response = model.encoder.response
        names = [*columns, *([] if response is None else [response.name])]
        output = {
            "model_category": model.category,
            "names": names,
            "domains": [
                *(None if domain is None else list(domain) for domain in columns.values()),
                *([] if response is None else [None if response.domain is None else list(response.domain)]),
            ],
            "model_summary": model.status_table(),
            "scoring_history": model.history.table(),
            "variable_importances": importance_table(model),
            "training_metrics": model.training_metrics,
            "validation_metrics": model.validation_metrics,
            "cross_validation_metrics": model.cross_validation_metrics,
            "cross_validation_metrics_summary": self.cross_validation_metrics_summary(),
            "cross_validation_models": [{"name": fold.key} for fold in folds] if folds else None,
            "cross_validation_predictions": [{"name": frame.frame_id} for frame in held_out] if held_out else None,
            "weights": [{"name": f"{model.key}.weights.{l}"} for l in layers] if exported else None,
            "biases": [{"name": f"{model.key}.biases.{l}"} for l in layers] if exported else None,
            "start_time": model.start_time,
            "end_time": model.end_time,
            "run_time": model.end_time - model.start_time,
        }
        return {
            "model_id": {"name": model.key},
            "algo": "deeplearning",
            "algo_full_name": "Deep Learning",
            "response_column_name": model.response,
            "parameters": list(self.parms.values()),
            "output": output,
        }


def _kept_frame(key: str, values: np.ndarray, names: list[str]) -> H2OFrame:
    """Return the frame of this key, made at the first request: weights of a finished model do not change."""
    known = registry.get(key)
    if isinstance(known, H2OFrame):
        return known
    return H2OFrame(np.asarray(values, dtype=np.float64), destination_frame=key, column_names=names)


def _scaled_response(encoder: Any, which: str) -> list[float] | None:
    response = encoder.response
    return None if response is None or response.domain is not None else [float(getattr(response, which))]


def _recorded(name: str, value: Any) -> Any:
    """Wrap the names of frames, models and columns as H2O's records do."""
    if not isinstance(value, str) or name not in REFERENCES:
        return value
    return {REFERENCES[name]: value}


def _actual(model: Any, name: str) -> Any:
    """Two values are reported as None when their subject is off."""
    if name == "model_id":
        return model.key
    if name == "stopping_metric":
        return model.resolved.stopping_metric
    return model.resolved.fold_assignment if name == "fold_assignment" else plain(getattr(model.resolved.actual, name))
