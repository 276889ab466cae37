"""Partial dependence over frames: the mean prediction as columns take one value after another."""

from __future__ import annotations

import datetime
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from daskdl.encoding.adaptation import Adaptation
from daskdl.encoding.decoded import as_numbers
from daskdl.explanation.dependence import Moments, Setting, curves, moments
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model.apply import design_of, held, needed_columns, reading
from daskdl.model.model import Model
from daskdl.scoring.partitions import Scorer
from frames.chunks.column import Column
from frames.cluster.sending import gather, resident, submit, tasks_named
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

MISSING = ".missing(NA)"  # how a table of levels shows a missing value
SHOWN = ["mean_response", "stddev_response", "std_error_mean_response"]


class Output(NamedTuple):
    """One number of a prediction that is looked at: a class, or the response."""

    name: str  # "predict", or the class that was asked for
    number: int


@dataclass(frozen=True)
class Grid:
    """The columns that are varied together, and the values that each of them takes (None: missing)."""

    columns: tuple[str, ...]
    types: tuple[str, ...]  # of the frame's columns
    values: tuple[tuple[Any, ...], ...]

    @property
    def points(self) -> list[tuple[Any, ...]]:
        """All combinations, the last column's values changing first."""
        return list(itertools.product(*self.values))

    def settings(self, model: Model) -> list[Setting]:
        """Return what each combination makes of a row."""
        each = zip(self.columns, self.values, strict=True)
        kinds = [[Setting.of(model.encoder, name, value) for value in values] for name, values in each]
        return [functools.reduce(Setting.joined, one) for one in itertools.product(*kinds)]


@dataclass(frozen=True)
class Dependence:
    """Partial dependence of one output on the columns of a grid; `shown` (points, 3): mean, deviation, error."""

    model_id: str
    grid: Grid
    output: Output
    shown: np.ndarray
    row: int | None = None

    def table(self) -> H2OTwoDimTable:
        """Return it as h2o-py's table: the values of the columns, then what was found."""
        texts = [any(isinstance(value, str) for value in values) for values in self.grid.values]
        rows = [
            [*(_cell(v, text) for v, text in zip(point, texts, strict=True)), *map(float, found)]
            for point, found in zip(self.grid.points, self.shown, strict=True)
        ]
        kinds = ["string" if text else "double" for text in texts]
        title = "PartialDependence" if len(texts) == 1 else "2D-PartialDependence"
        return H2OTwoDimTable(title, self._sentence(), [*self.grid.columns, *SHOWN], [*kinds, *["double"] * 3], rows)

    def _sentence(self) -> str:
        columns = " and ".join(f"'{name}'" for name in self.grid.columns)
        of = "" if self.output.name == "predict" else f", of class {self.output.name}"
        row = "" if self.row is None else f", for row {self.row}"
        return f"Partial Dependence Plot of model {self.model_id} on column {columns}{of}{row}"


def outputs_of(model: Model, targets: Sequence[str] | str | None) -> list[Output]:
    """Return what is looked at: classes by name, the second of two, or the response.

    Raises H2OValueError for an autoencoder, for names that are no classes, and where more than two classes need one.
    """
    if model.category == "AutoEncoder":
        raise H2OValueError(
            f"Partial dependence requires a model with a response; {model.key} is an autoencoder and has none."
        )
    if model.category == "Regression":
        if targets is not None:
            raise H2OValueError(f"targets name classes; {model.key} is a Regression model. Leave them out.")
        return [Output("predict", 0)]
    levels = list(model.domain or ())
    if targets is None:
        if model.category == "Multinomial":
            raise H2OValueError(f"targets must be given for more than two classes, some of {', '.join(levels[:20])}.")
        return [Output("predict", 1)]
    wanted = [targets] if isinstance(targets, str) else list(targets)
    strange = [name for name in wanted if name not in levels]
    if strange or not wanted:
        named = ", ".join(map(str, strange)) or "none"
        raise H2OValueError(f"targets must be classes ({', '.join(levels[:20])}); got {named}.")
    return [Output(name, levels.index(name)) for name in wanted]


def row_of(frame: H2OFrame, row_index: Any) -> int:
    """Return the number of a row of the frame; raises H2OValueError where it has none."""
    whole = hasattr(row_index, "__index__") and not isinstance(row_index, bool)
    if not whole or not 0 <= row_index < frame.nrow:
        raise H2OValueError(f"row_index must be a row of the frame, 0 to {frame.nrow - 1}; got {row_index!r}.")
    return int(row_index)


def grid_of(
    model: Model,
    frame: H2OFrame,
    columns: Sequence[str],
    *,
    nbins: int = 20,
    include_missing: bool = False,
    given: Mapping[str, Sequence[Any]] | None = None,
) -> Grid:
    """Return the values that columns take: those given, every level of a factor, `nbins` numbers between the extremes.

    Whole numbers in a narrower range are taken one by one. Raises H2OValueError for a column without a value.
    """
    chosen = []
    for name in columns:
        found = (given or {}).get(name)
        values = _between(model, frame, name, nbins) if found is None else _checked(model, frame, name, found)
        chosen.append((*values, *([None] if include_missing else [])))
    return Grid(tuple(columns), tuple(frame.schema[name].type for name in columns), tuple(chosen))


def dependence(
    model: Model,
    frame: H2OFrame,
    grids: Sequence[Grid],
    outputs: Sequence[Output],
    *,
    weights: str | None = None,
    row: int | None = None,
) -> list[Dependence]:
    """Return the partial dependence of each output on each grid, over the rows of a frame or over one row of it."""
    rows = frame if row is None else frame[[row], :]
    settings = [setting for grid in grids for setting in grid.settings(model)]
    numbers = tuple(one.number for one in outputs)
    parts = _asked(model, rows, _moments, (settings, numbers, weights), weights)
    shown = functools.reduce(Moments.merge, parts).shown()
    found, start = [], 0
    for grid in grids:
        end = start + len(grid.points)
        found += [Dependence(model.key, grid, one, shown[start:end, k], row) for k, one in enumerate(outputs)]
        start = end
    return found


def individual(model: Model, frame: H2OFrame, grid: Grid, output: Output) -> np.ndarray:
    """Return the predictions (rows, points) of each row of a small frame at each point of a grid."""
    parts = _asked(model, frame, _curves, (grid.settings(model), (output.number,)))
    return np.concatenate(parts)[:, :, 0]


@tasks_named("daskdl-partial-dependence")
def _asked(model: Model, frame: H2OFrame, task: Any, question: tuple, weights: str | None = None) -> list[Any]:
    """Return what a task finds in every partition of a frame."""
    scorer = model.scorer()
    frame, plan = reading(model, frame)
    extra = [] if weights is None else [weights]
    names = list(dict.fromkeys([*needed_columns(model.encoder, plan, frame.names), *extra])) or frame.names[:1]
    placed = frame.placement(names)
    shared, asked = held(scorer, placed.client), resident(question, placed.client)
    how, where = resident(plan, placed.client), resident(placed.where, placed.client)
    futures = [submit(task, shared, how, list(parts), where, asked) for parts in placed.parts]
    return gather(futures, f"Partial dependence of {model.key}")


def _moments(scorer: Scorer, plan: Adaptation, chunks: list, where: dict, question: tuple) -> Moments:
    settings, outputs, column = question
    design = design_of(scorer, plan, chunks, where)
    weights = np.ones(design.rows)
    if column is not None:
        group, position = where[column]
        weights = np.nan_to_num(as_numbers(chunks[group].values(position)), nan=0.0)
    return moments(scorer, design, settings, outputs, weights)


def _curves(scorer: Scorer, plan: Adaptation, chunks: list, where: dict, question: tuple) -> np.ndarray:
    return curves(scorer, design_of(scorer, plan, chunks, where), *question)


# ---- values of a column ------------------------------------------------------------------------------------------
def _levels(model: Model, column: Column) -> Sequence[str] | None:
    """Return the levels that a column may take; None where the model reads it as a number.

    Raises H2OValueError where the frame has no number for it.
    """
    known = model.encoder.domains.get(column.name)
    if known is not None:
        return known if column.domain is None else column.domain
    if not column.is_number:
        raise H2OValueError(
            f"Column '{column.name}' must hold numbers, as it did in training; it is {column.type}. "
            f'Convert it: frame["{column.name}"] = frame["{column.name}"].asnumeric().'
        )
    return None


def _between(model: Model, frame: H2OFrame, name: str, nbins: int) -> list[Any]:
    levels = _levels(model, frame.schema[name])
    if levels is not None:
        return list(levels)
    summary = frame.summaries([name])[name]
    low, high = summary.minimum, summary.maximum
    if not math.isfinite(low):
        raise H2OValueError(f"A column of partial_plot() must hold a number; {name} is missing in every row.")
    if summary.all_integer and high - low < nbins:
        return [float(v) for v in np.arange(low, high + 1)]
    return [float(v) for v in np.linspace(low, high, nbins)]


def _checked(model: Model, frame: H2OFrame, name: str, values: Any) -> list[Any]:
    """Return values that the user gave for a column; times may be given as such."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise H2OTypeError(f"user_splits must map columns to lists of values; got {values!r} for '{name}'.")
    levels = _levels(model, frame.schema[name])
    if levels is not None:
        found = [str(value) for value in values]
        strange = [value for value in found if value not in levels]
        if strange:
            raise H2OValueError(
                f"user_splits of '{name}' must be levels of it ({', '.join(levels[:20])}); got {strange[0]}. "
                "include_na=True adds a missing value."
            )
        return found
    is_time = frame.schema[name].type == "time"
    try:
        return [float(_milliseconds(value) if is_time else value) for value in values]
    except (TypeError, ValueError) as error:
        raise H2OValueError(f"user_splits of '{name}' must be numbers; got {list(values)[:5]}.") from error


def _milliseconds(value: Any) -> Any:
    if isinstance(value, str | datetime.date | np.datetime64):
        moment = pd.Timestamp(value)
        return (moment if moment.tzinfo else moment.tz_localize("UTC")).timestamp() * 1000
    return value


def _cell(value: Any, textual: bool) -> Any:
    if value is None:
        return MISSING if textual else math.nan
    return str(value) if textual else float(value)
