"""The scoring history of a model: one row per scoring event, in the columns H2O shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from daskdl.metrics import CATEGORIES, history_columns
from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OValueError

LEADING = ("", "timestamp", "duration", "training_speed", "epochs", "iterations", "samples")
LEADING_TYPES = ("string", "string", "string", "string", "double", "int", "double")


@dataclass(frozen=True)
class HistoryRow:
    """One scoring event.

    `time` is seconds since 1970, `seconds` how long the job has run, `speed` trained samples per second (None before
    any), `training` and `validation` every scored value by its key in `metrics.METRICS` (an absent one shows as NaN).
    """

    time: float
    seconds: float
    speed: float | None
    epochs: float
    iterations: int
    samples: int
    training: Mapping[str, float] = field(default_factory=dict)
    validation: Mapping[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON; numbers that JSON lacks are the texts nan, inf and -inf."""
        return {
            "time": self.time,
            "seconds": self.seconds,
            "speed": self.speed,
            "epochs": self.epochs,
            "iterations": self.iterations,
            "samples": self.samples,
            "training": _written(self.training),
            "validation": None if self.validation is None else _written(self.validation),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> HistoryRow:
        """Return the row that `to_dict` wrote."""
        validation = None if values["validation"] is None else _read(values["validation"])
        return cls(**{**values, "training": _read(values["training"]), "validation": validation})


@dataclass
class ScoringHistory:
    """The scoring events of a model of one `category`, in their order.

    `validated`: there is a validation frame; `custom`: the user's own metric is scored too.
    Example: `ScoringHistory("Regression", validated=False).table().col_header[-1] == "training_r2"`
    """

    category: str
    validated: bool = False
    custom: bool = False
    rows: list[HistoryRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise H2OValueError(f"A model must be one of {', '.join(CATEGORIES)}; got {self.category!r}.")

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self):
        return iter(self.as_dicts())

    def append(self, row: HistoryRow) -> None:
        """Add a scoring event; samples and iterations never fall from one row to the next."""
        if self.rows and (row.samples < self.rows[-1].samples or row.iterations < self.rows[-1].iterations):
            raise H2OValueError(
                f"A history must grow; got {row.samples} samples in iteration {row.iterations} after "
                f"{self.rows[-1].samples} in iteration {self.rows[-1].iterations}."
            )
        if self.validated and row.validation is None:
            raise H2OValueError("A history with a validation frame must hold validation values in every row; got none.")
        self.rows.append(row)

    def begin(self, time: float) -> None:
        """Add the row a supervised model starts with: zeros, and NaN for what is not scored yet."""
        self.append(
            HistoryRow(
                time=time,
                seconds=0.0,
                speed=None,
                epochs=0.0,
                iterations=0,
                samples=0,
                training={},
                validation={} if self.validated else None,
            )
        )

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metric columns, without training_ or validation_."""
        return tuple(self.metric_keys)

    @cached_property
    def metric_keys(self) -> dict[str, str]:
        """The column of each metric, and where its number lies among scored values."""
        keys = {metric.column: metric.key for metric in history_columns(self.category)}
        return keys | ({"custom": "custom"} if self.custom else {})

    @property
    def columns(self) -> list[str]:
        """The column names of the table, the nameless first one included."""
        sides = ("training", "validation") if self.validated else ("training",)
        return [*LEADING, *(f"{side}_{name}" for side in sides for name in self.metrics)]

    def table(self) -> H2OTwoDimTable:
        """Return the scoring history as H2O shows it; the row names (first column) are blank."""
        rows = [["", *one.values()] for one in self.as_dicts()]
        types = [*LEADING_TYPES, *["double"] * (len(self.columns) - len(LEADING))]
        return H2OTwoDimTable("Scoring History", "", self.columns, types, rows)

    def as_dicts(self, start: int = 0) -> list[dict[str, Any]]:
        """One dict per row from row `start` on, column to value, without the nameless column: what pandas takes."""
        return [self._as_dict(row) for row in self.rows[start:]]

    def _as_dict(self, row: HistoryRow) -> dict[str, Any]:
        result: dict[str, Any] = {
            "timestamp": timestamp(row.time),
            "duration": duration(row.seconds),
            "training_speed": None if row.speed is None else training_speed(row.speed),
            "epochs": row.epochs,
            "iterations": row.iterations,
            "samples": float(row.samples),
        }
        sides = {"training": row.training} | ({"validation": row.validation or {}} if self.validated else {})
        for side, values in sides.items():
            for name, key in self.metric_keys.items():
                result[f"{side}_{name}"] = float(values.get(key, math.nan))
        return result

    def to_dict(self) -> dict[str, Any]:
        """Return the history as plain values for strict JSON; `from_dict` gives it back exactly."""
        rows = [row.to_dict() for row in self.rows]
        return {"category": self.category, "validated": self.validated, "custom": self.custom, "rows": rows}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ScoringHistory:
        """Return the history that `to_dict` wrote."""
        return cls(**{**values, "rows": [HistoryRow.from_dict(row) for row in values["rows"]]})


def speed(samples: int, seconds: float) -> float:
    """Return samples per second of pure training (no scoring, no setting up); a millisecond is added as H2O does."""
    return samples / (0.001 + max(seconds, 0.0))


def timestamp(time: float) -> str:
    """Local time as 2026-01-31 18:05:09 of seconds since 1970."""
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """How long: `1.469 sec`, `2 min 3.004 sec`, `1:02:03.004`."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest / 1000:06.3f}"
    return f"{minutes} min {rest / 1000:.3f} sec" if minutes else f"{rest / 1000:.3f} sec"


def training_speed(samples_per_second: float) -> str:
    """`1482 obs/sec`; with decimals below ten."""
    return f"{samples_per_second:.0f} obs/sec" if samples_per_second >= 10 else f"{samples_per_second:g} obs/sec"


def _written(values: Mapping[str, float]) -> dict[str, float | str]:
    return {name: float(value) if math.isfinite(value) else str(float(value)) for name, value in values.items()}


def _read(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
