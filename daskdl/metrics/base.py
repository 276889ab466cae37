"""What every metrics object has: its numbers by name, its origin, its printed report and its way to JSON and back."""

from __future__ import annotations

import html
from typing import Any, ClassVar, NamedTuple

from daskdl.shown import Shown
from daskdl.table import H2OTwoDimTable
from frames.errors import H2OValueError

_ORIGINS = {"train": "train data", "valid": "validation data", "xval": "cross-validation data", "test": "test data"}

ACCESSORS = frozenset(
    (
        "mse",
        "rmse",
        "mae",
        "rmsle",
        "r2",
        "logloss",
        "mean_residual_deviance",
        "residual_deviance",
        "auc",
        "aucpr",
        "pr_auc",
        "gini",
        "F1",
        "F2",
        "F0point5",
        "accuracy",
        "error",
        "precision",
        "recall",
        "sensitivity",
        "specificity",
        "tpr",
        "tnr",
        "fnr",
        "fpr",
        "fallout",
        "missrate",
        "mcc",
        "max_per_class_error",
        "mean_per_class_error",
        "metric",
        "confusion_matrix",
        "find_threshold_by_max_metric",
        "find_idx_by_threshold",
        "roc",
        "fprs",
        "tprs",
        "gains_lift",
        "gains_lift_plot",
        "kolmogorov_smirnov",
        "lift_top_group",
        "thresholds_and_metric_scores",
        "max_criteria",
        "default_threshold",
        "hit_ratio_table",
        "multinomial_auc_table",
        "multinomial_aucpr_table",
        "plot",
        "custom_metric_name",
        "custom_metric_value",
    )
)


class MetricNotAvailable(H2OValueError, KeyError, AttributeError):
    """A metric was asked of a kind of model, or of a measurement, that does not have it."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class Header(NamedTuple):
    """Where a measurement comes from: `data` is train, valid, xval or test; `custom` the user's own metric, if any.

    Example: `Header("valid", "Metrics reported on full validation frame")`
    """

    data: str = "test"
    description: str = ""
    custom_name: str | None = None
    custom_value: float = float("nan")

    @property
    def reported_on(self) -> str:
        """The line under the title of the report."""
        return f"** Reported on {_ORIGINS[self.data]}. **"


UNNAMED = Header()


def _known(header: Header) -> Header:
    if header.data not in _ORIGINS:
        raise H2OValueError(f"The data of a measurement must be one of {list(_ORIGINS)}; got {header.data!r}.")
    return header


class ModelMetrics(Shown):
    """Base of the four metrics objects; `scalars` holds the numbers that were computed when the measurement ended.

    Asking for a metric of another kind of model raises MetricNotAvailable.
    """

    category: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self, header: Header, nobs: int, scalars: dict[str, float], domain: tuple[str, ...] | None = None
    ) -> None:
        self.header = _known(header)
        self.scalars = scalars
        self.domain = domain
        self._nobs = nobs

    def __getattr__(self, name: str) -> Any:
        if name in ACCESSORS:
            raise MetricNotAvailable(
                f"{name}() must be asked of a model that has it; got metrics of category {self.category}, which "
                f"have {', '.join(sorted(ACCESSORS & set(dir(type(self)))))}."
            )
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    @property
    def description(self) -> str:
        """What the rows were, in one sentence."""
        return self.header.description

    def nobs(self) -> int:
        """Give the number of rows that counted (not the sum of their weights)."""
        return self._nobs

    def mse(self) -> float:
        """Give the mean squared error."""
        return self.scalars["mse"]

    def rmse(self) -> float:
        """Give the root of the mean squared error."""
        return self.scalars["rmse"]

    def custom_metric_name(self) -> str | None:
        """Give the name of the user's own metric, None without one."""
        return self.header.custom_name

    def custom_metric_value(self) -> float | None:
        """Give the value of the user's own metric, None without one."""
        return None if self.header.custom_name is None else self.header.custom_value

    def values(self) -> dict[str, float]:
        """Give every scalar by its name in scoring history, grid sorting and stopping (see `registry.METRICS`)."""
        own = {} if self.header.custom_name is None else {"custom": self.header.custom_value}
        return self.scalars | self._derived() | own

    def _derived(self) -> dict[str, float]:
        return {}

    @property
    def _metric_json(self) -> dict[str, Any]:
        """The measurement under the key names of H2O's REST answer."""
        return {
            "model_category": self.category,
            "description": self.description or None,
            "nobs": self._nobs,
            "MSE": self.scalars["mse"],
            "RMSE": self.scalars["rmse"],
            "custom_metric_name": self.header.custom_name,
            "custom_metric_value": self.header.custom_value,
            "domain": None if self.domain is None else list(self.domain),
        }

    def __getitem__(self, key: str) -> Any:
        values = self._metric_json
        if key not in values:
            raise MetricNotAvailable(f"A {self.category} measurement has the entries {list(values)}; got {key!r}.")
        return values[key]

    def to_dict(self) -> dict[str, Any]:
        """Give the measurement as plain values that JSON (with NaN) holds; `metrics.from_dict` gives it back."""
        domain = None if self.domain is None else list(self.domain)
        return {
            "category": self.category,
            "header": list(self.header),
            "nobs": self._nobs,
            "scalars": dict(self.scalars),
            "domain": domain,
        }

    @staticmethod
    def _common(values: dict[str, Any]) -> dict[str, Any]:
        """Give the constructor's common arguments out of what `to_dict` wrote."""
        domain = values["domain"]
        return {
            "header": Header(*values["header"]),
            "nobs": values["nobs"],
            "scalars": dict(values["scalars"]),
            "domain": None if domain is None else tuple(domain),
        }

    def report(self) -> list[str | H2OTwoDimTable]:
        """Give the printed report as its parts: lines of text and tables."""
        head = f"{self.title}: deeplearning\n{self.header.reported_on}\n"
        return ["\n".join([head, *(f"{name}: {value:.16g}" for name, value in self._lines())]), *self._tables()]

    def _lines(self) -> list[tuple[str, float]]:
        """Give the report's scalars; the subclasses add theirs."""
        lines = [("MSE", self.mse()), ("RMSE", self.rmse())]
        if self.header.custom_name is not None:
            lines.append((self.header.custom_name, self.header.custom_value))
        return lines

    def _tables(self) -> list[str | H2OTwoDimTable]:
        return []

    def _text(self, verbosity: str | None) -> str:
        return "\n\n".join(part if isinstance(part, str) else part.to_str() for part in self.report())

    def __repr__(self) -> str:
        return self.to_str()

    def _page(self, verbosity: str | None) -> str:
        parts = (
            f"<pre>{html.escape(part)}</pre>" if isinstance(part, str) else part._repr_html_() for part in self.report()
        )
        return f"<div>{''.join(parts)}</div>"


def ratio(above: float, below: float) -> float:
    """Give above / below, NaN where nothing was counted."""
    return above / below if below else float("nan")


def r_squared(mse: float, variance: float) -> float:
    """Give 1 - mse / variance, NaN where the actual values do not vary."""
    return 1.0 - mse / variance if variance > 0.0 else float("nan")
