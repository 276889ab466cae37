"""A grid search that a page begins: what was entered for it, what is wrong with that, and the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from daskdl.declarations.reading import value_of
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.grid import H2OGridSearch
from daskdl.grid.space import NOT_SEARCHED, STRATEGIES, Criteria, Space
from daskdl.parameters import declarations, plain
from daskdl.web import kept
from daskdl.web.applies import SILENT
from daskdl.web.form import COLUMNS, Texts
from daskdl.web.jobs import Cancelled, Job
from daskdl.web.script import History
from daskdl.web.site import link
from daskdl.web.training import grid_step
from frames.exceptions import H2OError, H2OTypeError, H2OValueError

ROWS = 4  # hyper-parameters that the form has room for at first
NUMBERS = {"max_models": int, "max_runtime_secs": float, "seed": int}
FIELDS = ("hyper_name", "hyper_values", "grid_id", "strategy", "parallelism", *(f"search_{name}" for name in NUMBERS))


class Asked(NamedTuple):
    """What the form says of the search: values to try, the other arguments of H2OGridSearch, sentences by field."""

    hyper: dict[str, list[Any]]
    search: dict[str, Any]
    errors: dict[str, str]


def gridable() -> list[str]:
    """Return the parameters that a grid may search."""
    barred = {*NOT_SEARCHED, *SILENT, *COLUMNS, "ignored_columns", "export_checkpoints_dir", "autoencoder"}
    words = ("H2OFrame", "H2OEstimator", "list(H2OFrame)")
    return [name for name, one in declarations().items() if name not in barred and one.kind.word not in words]


def asked(texts: Texts) -> Asked:
    """Read what is entered for the search; hyper-parameters' values are separated by semicolons."""
    found = Asked({}, {}, {})
    for name, text in zip(texts.get("hyper_name", ()), texts.get("hyper_values", ()), strict=False):
        if name:
            _read_values(found, name, text)
    if not found.hyper and not found.errors:
        found.errors["hyper"] = "A grid must search at least one parameter; none is chosen."
    criteria = _criteria(texts, found.errors)
    if criteria:
        found.search["search_criteria"] = criteria
    at_once = (texts.get("parallelism") or [""])[-1].strip() or "1"
    if at_once.isdecimal():
        found.search.update({} if at_once == "1" else {"parallelism": int(at_once)})
    else:
        found.errors["parallelism"] = f"parallelism must be a whole number, 0 lets the data decide; got {at_once}."
    key = (texts.get("grid_id") or [""])[-1]
    if kept.is_taken(key or None):
        found.errors["grid_id"] = f"grid_id must be a new name; '{key}' is taken."
    return found


def _read_values(found: Asked, name: str, text: str) -> None:
    if name not in gridable():
        found.errors["hyper"] = f"A parameter that is searched must be one of those offered; got '{name}'."
        return
    if name in found.hyper:
        found.errors["hyper"] = f"{name} must be searched once; it is chosen twice."
        return
    declared = declarations()[name]
    values = []
    for part in (one.strip() for one in text.split(";") if one.strip()):
        try:
            value = declared.convert(value_of(declared, part))
        except (H2OTypeError, H2OValueError) as error:
            found.errors["hyper"] = str(error)
            return
        complaint = declared.complaint(value)
        if complaint is not None:
            found.errors["hyper"] = complaint
            return
        values.append(plain(value))
    if not values:
        found.errors["hyper"] = f"{name} must be given values, separated by semicolons; got nothing."
    found.hyper[name] = values


def _criteria(texts: Texts, errors: dict[str, str]) -> dict[str, Any]:
    """Return the search criteria that were given; an empty field says nothing."""
    criteria: dict[str, Any] = {}
    strategy = (texts.get("strategy") or [STRATEGIES[0]])[-1]
    if strategy != STRATEGIES[0]:
        criteria["strategy"] = strategy
    for name, number in NUMBERS.items():
        text = (texts.get(f"search_{name}") or [""])[-1].strip()
        try:
            if text:
                criteria[name] = number(text)
        except ValueError:  # told beside the field
            errors[f"search_{name}"] = f"{name} of the search must be a number; got {text}."
    try:
        Criteria.of(criteria)
    except H2OError as error:
        errors["strategy"] = str(error)
    return criteria


def carry_out(history: History, job: Job, values: Mapping[str, Any], key: str, wish: Asked) -> str:
    """Search, and return the address of the grid's page. Cancelled, it keeps the models that are finished."""
    kind = H2OAutoEncoderEstimator if values.get("autoencoder") else H2ODeepLearningEstimator
    shared = {
        n: v for n, v in values.items() if n not in ("model_id", "autoencoder", "training_frame", "validation_frame")
    }
    roles = {name: values[name] for name in ("training_frame", "validation_frame") if values.get(name) is not None}
    response = shared.pop("response_column", None)
    grid = H2OGridSearch(kind(**shared), wish.hyper, grid_id=key, **wish.search)
    most = wish.search.get("search_criteria", {}).get("max_models") or Space.of(wish.hyper).size
    job.measure = lambda: (len(grid) + len(grid.failed_params or ())) / most
    job.stop = job.on_cancel = grid.cancel
    try:
        grid.train(y=response, **roles)
    except H2OValueError:
        if job.cancelling:
            raise Cancelled from None
        raise
    job.told += grid.failure_details or []
    history.add(grid_step(values, key, wish.hyper, wish.search))
    if job.cancelling:
        raise Cancelled
    return link("/grid", key=key)


def on_axes(models: Sequence[Any], names: Sequence[str], values: Sequence[float]) -> list[list[Any]]:
    """Return what the models have on the axes of a parallel plot, an axis each: hyper-parameters, then the metric."""
    return [*([plain(getattr(model.resolved.actual, name)) for model in models] for name in names), list(values)]


def places(
    models: Sequence[Any], names: Sequence[str], values: Sequence[float]
) -> list[tuple[str, list[float], float]]:
    """Return where each model lies on the axes of a parallel plot: its hyper-parameters, then its metric, in 0..1.

    The last number is its rank, 0 for the first. What is no number has its place by its text.
    """
    scaled = [_scaled(column) for column in on_axes(models, names, values)]
    last = max(1, len(models) - 1)
    return [(model.key, [column[at] for column in scaled], at / last) for at, model in enumerate(models)]


def _scaled(column: Sequence[Any]) -> list[float]:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) and one == one for one in column)
    if not numbers:
        order = sorted({str(one) for one in column}, key=lambda text: (len(text), text))
        column = [order.index(str(one)) for one in column]
    low, high = min(column, default=0), max(column, default=0)
    return [0.5 if high == low else (float(one) - low) / (high - low) for one in column]
