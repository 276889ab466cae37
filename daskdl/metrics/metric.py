"""What a metric is: one entry that says how it is computed, which way is better, and where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

CLASSES = ("Binomial", "Multinomial")
SUPERVISED = (*CLASSES, "Regression")
ALL = (*SUPERVISED, "AutoEncoder")
LAST = 1000  # the `place` of a metric that H2O does not have: after H2O's own, by name


class Mean(NamedTuple):
    """The weighted mean over all rows of one value per row.

    `rows(seen, options)` gives these (rows,) float64. It sees `actual` and `predicted` (rows,) of numbers; codes
    `actual` (rows,), probabilities `predicted` and `held` (rows,), that of the actual class, of classes; the errors
    `actual` (rows,) of reconstructions. `then` is applied to the mean.
    """

    rows: Callable[[Any, Any], np.ndarray]
    then: Callable[[float], float] = float


class Finished(NamedTuple):
    """A number of the merged state of all rows, kept with the measurement: `of(whole)`, `whole` as its category has it.

    Numbers of entries with a lower `place` stand in `whole.scalars`.
    """

    of: Callable[[Any], float]


class Derived(NamedTuple):
    """A number that follows from a finished measurement whenever it is asked for; None where there is none."""

    of: Callable[[Any], float | None]


Formula = Mean | Finished | Derived
SAME = "\0"  # stands for the metric's own name


@dataclass(frozen=True)
class Metric:
    """One scalar of a measurement.

    `formulas` say how it is computed in each category of model that has it. All else has a default: with an entry of
    name, meaning and formulas a metric stops trainings, sorts grids, has a column in the scoring history, a line in
    reports and methods of that name on measurements, models and grids. A name that is None leaves one of these out.
    """

    name: str  # among the values of a measurement, and where nothing else is said
    meaning: str
    formulas: Mapping[str, Formula]
    larger_is_better: bool = False
    bounded: bool = True  # never below zero
    place: int = LAST  # in lists and reports
    stopping: str | None = SAME  # name as stopping_metric
    sorting: str | None = SAME  # name as a grid's sort_by
    column: str = SAME  # name in the scoring history ...
    history: Mapping[str, int] | None = None  # ... of these categories, and its place there; None: of all, at the end
    label: str | None = SAME  # its words in a printed report
    raw: str | None = SAME  # its key in the record that H2O's REST would answer
    accessors: tuple[str, ...] = (SAME,)  # methods of measurements, models and grids
    summary: tuple[str, ...] = (SAME,)  # rows of the cross-validation summary
    default_of: tuple[str, ...] = ()  # categories in which AUTO means this metric ...
    judges_columns_of: tuple[str, ...] = ()  # ... and in which AUTO of permutation_importance() does
    key: str = SAME  # the name among the values that holds the number, where another metric shares it
    aliases: frozenset[str] = field(init=False)  # every name in lower case

    def __post_init__(self) -> None:
        for name in ("stopping", "sorting", "column", "label", "raw", "key"):
            if getattr(self, name) == SAME:
                object.__setattr__(self, name, self.name)
        for name in ("accessors", "summary"):
            object.__setattr__(self, name, tuple(self.name if one == SAME else one for one in getattr(self, name)))
        names = (self.name, self.stopping, self.sorting, self.column, *self.summary, *self.accessors)
        object.__setattr__(self, "aliases", frozenset(name.lower() for name in names if name is not None))

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of model that have this metric."""
        return tuple(category for category in ALL if category in self.formulas)

    @property
    def zero_is_best(self) -> bool:
        """Whether 0 cannot be improved on (the stopping rule ends there)."""
        return self.bounded and not self.larger_is_better

    def of(self, metrics: Any) -> float | None:
        """Give the number of a measurement; None where it has none, as one saved before this metric was there."""
        formula = self.formulas.get(metrics.category)
        if isinstance(formula, Derived):
            return formula.of(metrics)
        return metrics.scalars.get(self.name)

    def place_in_history(self, category: str) -> int | None:
        """Give the place of its column in the scoring history of a category, None where it has none."""
        if category not in self.formulas:
            return None
        return LAST if self.history is None else self.history.get(category)
