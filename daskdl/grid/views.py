"""A grid looked at: its models in order, tables, hyper-parameters, failures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from daskdl.estimators.deeplearning import H2ODeepLearningEstimator, estimator_of
from daskdl.grid.results import Failure, Results
from daskdl.grid.space import Space
from daskdl.metrics.shown import Shown, display
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.parameters import plain
from frames.cluster import registry
from frames.exceptions import H2OTypeError, H2OValueError

NOTHING = "Gridsearch returns no model due to bad parameter values or other reasons: nothing was built."
CALL = re.compile(r"(\w+)(?:\((.*)\))?")
FLAG = re.compile(r"(train|valid|xval)\s*=\s*True")


class GridViews(Shown):
    """The read-only side of H2OGridSearch: a container of estimators, the best by the chosen order first."""

    model: Any
    hyper_params: dict[str, Any]
    _id: str | None
    _results: Results | None
    _space: Space
    _order: tuple[str | None, bool | None]
    _estimators: dict[str, H2ODeepLearningEstimator]

    def _copy(self, sort_by: str | None, decreasing: bool | None) -> Any:
        raise NotImplementedError

    def _trained(self) -> Results:
        if self._results is None:
            raise H2OValueError("No models available: call train() first.")
        return self._results

    # ---- a container -------------------------------------------------------------------------------------------
    @property
    def models(self) -> list[H2ODeepLearningEstimator]:
        """The estimators of all models, in the order of the grid; empty before training."""
        if self._results is None:
            return []
        made = self._estimators
        return [
            made.get(model.key) or made.setdefault(model.key, estimator_of(model))
            for model in self._results.ranked(*self._order)
        ]

    @property
    def model_ids(self) -> list[str]:
        """The ids of all models, in the order of the grid."""
        return [] if self._results is None else [model.key for model in self._results.ranked(*self._order)]

    def __len__(self) -> int:
        return 0 if self._results is None else len(self._results.models)

    def __bool__(self) -> bool:
        return True  # a grid without models is still a grid

    def __iter__(self) -> Iterator[H2ODeepLearningEstimator]:
        return iter(self.models)

    def __getitem__(self, item: int | slice) -> Any:
        return self.models[item]

    @property
    def grid_id(self) -> str | None:
        """Name of the grid; assigning renames it (its models keep their names)."""
        return self._id

    @grid_id.setter
    def grid_id(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise H2OTypeError(f"A grid_id must be a string that is not empty; got {name!r}.")
        if self._id is not None and registry.get(self._id) is not None:
            registry.remove(self._id)
            registry.register(name, self)
        self._id = name
        if self._results is not None:
            self._results.grid_id = name

    @property
    def key(self) -> str | None:
        """The same as grid_id."""
        return self._id

    @property
    def hyper_names(self) -> list[str]:
        """Names of the hyper-parameters, in alphabetical order."""
        return list(self._space.values)

    # ---- failures ----------------------------------------------------------------------------------------------
    @property
    def failed_params(self) -> list[dict[str, Any]] | None:
        """Hyper-parameters of each combination that gave no model; None if there is none."""
        return [dict(one.values) for one in self._failures()] or None

    @property
    def failed_raw_params(self) -> list[list[str]] | None:
        """The same as texts, in the order of hyper_names."""
        return [[str(one.values[name]) for name in self.hyper_names] for one in self._failures()] or None

    @property
    def failure_details(self) -> list[str] | None:
        """Why each of them failed."""
        return [one.details for one in self._failures()] or None

    @property
    def failure_stack_traces(self) -> list[str] | None:
        """Where each of them failed."""
        return [one.trace for one in self._failures()] or None

    def _failures(self) -> list[Any]:
        return [] if self._results is None else self._results.failures

    # ---- order -------------------------------------------------------------------------------------------------
    def get_grid(self, sort_by: str | None = None, decreasing: bool | None = None) -> Any:
        """Return a grid of the same models, from the best by `sort_by`, or as `decreasing` says.

        Metrics are those of cross-validation, else of validation, else of training. Raises H2OResponseError for a
        metric that these models do not have.
        """
        results = self._trained()
        results.ranked(sort_by, decreasing)  # raises before a copy is made
        return self._copy(sort_by, decreasing)

    def sorted_metric_table(self, use_pandas: bool = True) -> Any:
        """Return hyper-parameters, model id and metric of all models, in the order of the grid: pandas, or a table."""
        return self._table().as_data_frame() if use_pandas else self._table()

    def _table(self) -> H2OTwoDimTable:
        return self._trained().table(*self._order)

    def sort_by(self, metric: str, increasing: bool = True) -> H2OTwoDimTable:
        """Return a table of the models ordered by one of their metric methods (older form of get_grid).

        `metric` may name the data: "auc(valid=True)".
        """
        found = CALL.fullmatch(metric.strip())
        inside = (found.group(2) or "").strip() if found else ""
        source = FLAG.fullmatch(inside)
        if found is None or (inside and source is None) or not hasattr(H2ODeepLearningEstimator, found.group(1)):
            raise H2OValueError(f'metric must name a metric, such as "mse" or "auc(valid=True)"; got {metric!r}.')
        flags = {} if source is None else {source.group(1): True}
        asked = zip(self.model_ids, self.models, strict=True)
        values = {key: _number(getattr(model, found.group(1))(**flags)) for key, model in asked}
        ordered = sorted(values, key=lambda key: values[key], reverse=not increasing)
        names = f"Hyperparameters: [{', '.join(self.hyper_params)}]"
        rows = [[key, str(self.get_hyperparams(key, display=False)), values[key]] for key in ordered]
        title = f"Grid Search Results for {type(self.model).__name__}"
        return H2OTwoDimTable(title, "", ["Model Id", names, found.group(1)], ["string", "string", "double"], rows)

    def get_hyperparams(self, id: str | int, display: bool = True) -> list[Any]:
        """Return the hyper-parameters of a model (id or position), in the order of hyper_params."""
        values = self.get_hyperparams_dict(id, display=False)
        if display:
            print(f"Hyperparameters: [{', '.join(values)}]")
        return list(values.values())

    def get_hyperparams_dict(self, id: str | int, display: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters of a model (id or position) by name."""
        ranked = self._trained().ranked(*self._order)
        by_key = {model.key: model for model in ranked}
        if isinstance(id, str) and id not in by_key:
            raise H2OValueError(f"A model of this grid must be one of {', '.join(by_key)}; got '{id}'.")
        model = by_key[id] if isinstance(id, str) else ranked[id]
        values = {name: plain(getattr(model.resolved.actual, name)) for name in self.hyper_params}
        if display:
            print(f"Hyperparameters: [{', '.join(values)}]")
        return values

    # ---- printed -----------------------------------------------------------------------------------------------
    def show(self, verbosity: str | None = None, fmt: str | None = None) -> None:
        """Print the combinations before training, failures and the table of models after it."""
        said = failures_of(self._failures())
        if said:
            print(said)
        display(self.to_str(verbosity, fmt), fmt)

    def summary(self, header: bool = True) -> None:
        """Print one line per model: what its status table says of the last layer, and its size."""
        rows, columns = [], ["Model Id"]
        for model in self.models:
            table = model.summary()
            columns = ["Model Id", *table.col_header[1:]]
            rows.append([model.model_id, *table.cell_values[-1][1:]])
        if header:
            print("\nGrid Summary:\n")
        print(H2OTwoDimTable("", "", columns, None, rows).to_str(rows=None))

    def _text(self, verbosity: str | None) -> str:
        return (self._table() if len(self) else self._untrained()).to_str(rows=None)

    def _page(self, verbosity: str | None) -> str:
        return (self._table() if len(self) else self._untrained()).to_html()

    def __repr__(self) -> str:
        return str(self)

    def _untrained(self) -> H2OTwoDimTable:
        """Return the combinations to be tried, as far as a table shows them."""
        columns = ["Model", f"Hyperparameters: [{', '.join(self.hyper_names)}]"]
        shown = itertools.islice(range(self._space.size), 1000)
        rows = [[number + 1, str(list(self._space.at(number).values()))] for number in shown]
        return H2OTwoDimTable(f"Grid Search of Model {type(self.model).__name__}", "", columns, None, rows)


def failures_of(failures: Sequence[Failure]) -> str:
    """Return what H2O prints of failed combinations; nothing if there are none."""
    if not failures:
        return ""
    parts = ["Errors/Warnings building gridsearch model"]
    for one in failures:
        parts += [f"Hyper-parameter: {name}, {value}" for name, value in one.values.items()]
        parts.append(f"failure_details: {one.details}\n")
    return "\n".join(parts)


def _number(value: Any) -> float:
    """Take the value of a metric that belongs to a threshold and comes as pairs [threshold, value]."""
    if isinstance(value, list):
        return float(value[0][1])
    return float("nan") if value is None else float(value)
