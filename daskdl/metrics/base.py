"""What every metrics object has: its numbers by name, its origin, its printed report and its way to JSON and back."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from daskdl.metrics.metric import Metric
from daskdl.metrics.registry import MetricNotAvailable, metric_value, metrics_of
from daskdl.metrics.shown import Shown
from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OValueError

_ORIGINS = {"train": "train data", "valid": "validation data", "xval": "cross-validation data", "test": "test data"}


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


def _asking(metric: Metric, name: str) -> Callable[[Any], float]:
    def ask(self: ModelMetrics) -> float:
        return metric_value(metric, self)

    ask.__doc__ = f"Give the {metric.meaning}."
    ask.__name__, ask.__qualname__ = name, f"ModelMetrics.{name}"
    return ask


class ModelMetrics(Shown):
    """Base of the four metrics objects; `scalars` holds the numbers that were computed when the measurement ended.

    A subclass has a method for each metric of its category (see `registry.METRICS`) that it does not write itself.
    Asking for a metric of another kind of model raises MetricNotAvailable.
    """

    category: ClassVar[str]
    title: ClassVar[str]

    def __init_subclass__(cls) -> None:
        for metric in metrics_of(cls.category):
            for name in metric.accessors:
                if name not in vars(cls):
                    setattr(cls, name, _asking(metric, name))

    def __init__(
        self, header: Header, nobs: int, scalars: dict[str, float], domain: tuple[str, ...] | None = None
    ) -> None:
        self.header = _known(header)
        self.scalars = scalars
        self.domain = domain
        self._nobs = nobs

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and any(hasattr(kind, name) for kind in ModelMetrics.__subclasses__()):
            own = [one for one in dir(type(self)) if not one.startswith("_") and not hasattr(ModelMetrics, one)]
            raise MetricNotAvailable(
                f"{name}() must be asked of a model that has it; got metrics of category {self.category}, which "
                f"have {', '.join(own)}."
            )
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    @property
    def description(self) -> str:
        """What the rows were, in one sentence."""
        return self.header.description

    def nobs(self) -> int:
        """Give the number of rows that counted (not the sum of their weights)."""
        return self._nobs

    def custom_metric_name(self) -> str | None:
        """Give the name of the user's own metric, None without one."""
        return self.header.custom_name

    def custom_metric_value(self) -> float | None:
        """Give the value of the user's own metric, None without one."""
        return None if self.header.custom_name is None else self.header.custom_value

    def values(self) -> dict[str, float]:
        """Give every scalar by its name in scoring history, grid sorting and stopping (see `registry.METRICS`)."""
        found = dict(self.scalars)
        for metric in metrics_of(self.category):
            value = metric.of(self)
            if value is not None:
                found |= dict.fromkeys(metric.aliases if metric.key == metric.name else (metric.key,), value)
        return found if self.header.custom_name is None else found | {"custom": self.header.custom_value}

    @property
    def _metric_json(self) -> dict[str, Any]:
        """The measurement under the key names of H2O's REST answer."""
        return {
            "model_category": self.category,
            "description": self.description or None,
            "nobs": self._nobs,
            **{metric.raw: metric.of(self) for metric in metrics_of(self.category) if metric.raw is not None},
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
        """Give the report's scalars with their words."""
        found = [(metric.label, metric.of(self)) for metric in metrics_of(self.category) if self._reports(metric)]
        lines = [(label, value) for label, value in found if label is not None and value is not None]
        if self.header.custom_name is not None:
            lines.append((self.header.custom_name, self.header.custom_value))
        return lines

    def _reports(self, metric: Metric) -> bool:
        """Tell whether the report has a line for a metric of this category that has words for it."""
        return True

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
