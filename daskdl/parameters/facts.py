"""What the parameters need to know about the data, read from a frame's schema and summaries before any work starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from daskdl.parameters.declared import Parameters
from frames.exceptions import H2OResponseError

LARGEST = 1e150  # numbers beyond have squares, and so a standard deviation, that float64 cannot hold
NUMBERS = ("int", "real", "time")
SMALLEST_WEIGHT = 1e-30  # smaller ones would be 0 in float32
LARGEST_INPUT = 3.4e38  # inputs that are not scaled must fit into float32


class FieldError(NamedTuple):
    """One complaint about one parameter."""

    field: str
    message: str


@dataclass(frozen=True)
class Facts:
    """The data as the parameters see them; `problems` and `notes` were found while looking.

    `classes` counts the levels of an enum response; 1 stands for a numeric response, 0 for none (autoencoder).
    `predictors` are in the frame's order, without the dropped, ignored and special columns.
    """

    rows: int
    response: str | None = None
    classes: int = 1
    response_type: str = "real"
    response_low: float = -math.inf
    response_high: float = math.inf
    levels: tuple[str, ...] = ()
    predictors: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    weights_binary: bool = True
    has_validation: bool = False
    workers: int = 1
    problems: tuple[FieldError, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())


def refuse(model_id: str | None, errors: Sequence[FieldError]) -> None:
    """Raise H2OResponseError with all complaints, one a line; do nothing if there are none."""
    if errors:
        lines = "\n".join(f"ERRR on field: _{error.field}: {error.message}" for error in errors)
        raise H2OResponseError(
            f"Illegal argument(s) for DeepLearning model: {model_id or 'unnamed'}.  Details: {lines}"
        )


def survey(
    parameters: "Parameters",
    frame: Any,
    x: Sequence[str] | None,
    y: str | None,
    validation: Any = None,
    workers: int = 1,
) -> Facts:
    """Look at the training frame (and whether the validation frame fits it) and return the facts.

    `frame` offers `names`, `schema`, `nrow` and `summaries(names)`; no row is read, the summaries were made when the
    frame was packed. `x=None` takes every column that has no other role. Mistakes are collected in `problems`, not
    raised, so that `resolve` reports all of them at once. The frame is not changed.
    """
    problems: list[FieldError] = []
    notes: list[str] = []
    columns = {column.name: column for column in frame.schema.columns}
    response = None if parameters.autoencoder else y
    if not frame.nrow:
        problems.append(FieldError("training_frame", "The training frame must have rows; it has none."))
    if response is not None and response not in columns:
        problems.append(FieldError("response_column", f"Response column '{response}' not found in the training frame."))
        response = None
    elif response is None and not parameters.autoencoder:
        problems.append(FieldError("response_column", "Response column parameter not set."))
    roles = _roles(parameters, columns, response, problems)
    ignored = set(parameters.ignored_columns or ())
    wanted = [name for name in columns if name not in ignored | roles and (x is None or name in set(x))]
    asked = [name for name in [*wanted, *roles] if name in columns]
    summaries = frame.summaries(asked) if frame.nrow else {}
    dropped = [name for name in wanted if frame.nrow and _useless(columns[name], summaries[name], parameters)]
    if dropped:
        notes.append(f"Dropping bad and constant columns: [{', '.join(dropped)}]")
    predictors = tuple(name for name in wanted if name not in set(dropped))
    if not predictors:
        problems.append(FieldError("training_frame", "There are no usable columns to generate model."))
    if summaries:
        problems += _role_problems(parameters, columns, summaries)
        given = [parameters.weights_column, parameters.offset_column, response, *predictors]
        problems += _size_problems([name for name in given if name in summaries], columns, summaries, parameters)
    problems += _validation_problems(response, columns.get(response or ""), predictors, validation)
    problems += _validation_roles(parameters, validation)
    facts = _response_facts(columns.get(response or ""), summaries.get(response or ""), notes, problems)
    weights = summaries.get(parameters.weights_column or "")
    return Facts(
        rows=frame.nrow,
        response=response,
        predictors=predictors,
        dropped=tuple(dropped),
        weights_binary=weights is None or bool(weights.all_integer and weights.minimum >= 0 and weights.maximum <= 1),
        has_validation=validation is not None,
        workers=workers,
        problems=tuple(problems),
        notes=tuple(notes),
        **facts,
    )


def _roles(parameters: "Parameters", columns: dict, response: str | None, problems: list[FieldError]) -> set[str]:
    """Return the columns that are no predictors; two roles for one column are a problem."""
    roles = {} if response is None else {response: "response_column"}
    for role in ("weights_column", "offset_column", "fold_column"):
        name = getattr(parameters, role)
        if name is None:
            continue
        if name not in columns:
            problems.append(FieldError(role, f"Column '{name}' not found in the training frame."))
        elif name in roles:
            problems.append(FieldError(role, f"{role} must differ from {roles[name]}; both are '{name}'."))
        roles.setdefault(name, role)
    return set(roles)


def _useless(column: Any, summary: Any, parameters: "Parameters") -> bool:
    """Text cannot be an input at all; a constant one can, but teaches nothing."""
    if column.type in ("string", "uuid") or summary.missing >= summary.rows:
        return column.type in ("string", "uuid") or parameters.ignore_const_cols
    return parameters.ignore_const_cols and bool(summary.is_constant)


def _role_problems(parameters: "Parameters", columns: dict, summaries: dict) -> list[FieldError]:
    """Check the weights, offset and fold columns against what is stored in them."""
    problems = []
    for role in ("weights_column", "offset_column"):
        name = getattr(parameters, role)
        if name not in summaries:
            continue
        if columns[name].type not in ("int", "real"):
            type_ = columns[name].type
            problems.append(
                FieldError(role, f"{role} '{name}' must be numeric; it is {type_}. Convert it: asnumeric().")
            )
        elif summaries[name].missing:
            problems.append(FieldError(role, f"{role} '{name}' cannot have missing values."))
        elif role == "weights_column":
            problems += _weights_problems(name, summaries[name])
    name = parameters.fold_column
    if name is not None and name in summaries:
        problems += _fold_problems(name, columns[name].type, summaries[name])
    return problems


def _weights_problems(name: str, summary: Any) -> list[FieldError]:
    if summary.minimum < 0:
        return [FieldError("weights_column", f"Weights must be >= 0; '{name}' holds {summary.minimum:g}.")]
    if summary.maximum == 0:
        return [FieldError("weights_column", f"The weights of '{name}' are all 0; there is nothing to learn from.")]
    if summary.maximum < SMALLEST_WEIGHT:
        message = f"The largest weight must be at least {SMALLEST_WEIGHT:g}; that of '{name}' is {summary.maximum:g}."
        return [FieldError("weights_column", f"{message} Rescale the column.")]
    return []


def _size_problems(names: Sequence[str], columns: dict, summaries: dict, parameters: "Parameters") -> list[FieldError]:
    """Refuse infinities, and numbers whose spread (or, unscaled, whose float32 form) would be infinite."""
    problems = []
    for name in dict.fromkeys(names):
        if columns[name].type not in NUMBERS:
            continue
        scaled = parameters.standardize and name != parameters.weights_column
        limit = LARGEST if scaled else LARGEST_INPUT
        ends = (summaries[name].minimum, summaries[name].maximum)
        wrong = next((value for value in ends if abs(value) > limit), None)
        if wrong is None:
            continue
        what = "finite numbers" if math.isinf(wrong) else f"numbers of at most {limit:g} in size"
        remedy = "Replace it, or leave out its row or the column." if math.isinf(wrong) else "Rescale the column."
        problems.append(FieldError("training_frame", f"Column '{name}' must hold {what}; it holds {wrong:g}. {remedy}"))
    return problems


def _fold_problems(name: str, type_: str, summary: Any) -> list[FieldError]:
    if type_ not in ("int", "enum"):
        return [FieldError("fold_column", f"Fold column '{name}' must be int or enum; it is {type_}.")]
    if summary.missing:
        return [FieldError("fold_column", f"Fold column '{name}' cannot contain NAs.")]
    if type_ == "int" and summary.minimum < 0:
        return [FieldError("fold_column", f"Fold column '{name}' must count from 0 or 1; got {summary.minimum:g}.")]
    if summary.is_constant:
        return [FieldError("fold_column", f"Fold column '{name}' is constant; cross-validation needs two folds.")]
    return []


def _validation_problems(
    response: str | None, trained: Any, predictors: Sequence[str], validation: Any
) -> list[FieldError]:
    if validation is None:
        return []
    if not validation.nrow:
        return [FieldError("validation_frame", "The validation frame must have > 0 rows.")]
    if response is not None and response not in validation.names:
        return [FieldError("validation_frame", f"The validation frame must have the response column '{response}'.")]
    numbers = [c.name for c in validation.schema.columns if c.name in predictors and c.type in NUMBERS]
    for name, summary in validation.summaries(numbers).items():
        if math.isinf(summary.minimum) or math.isinf(summary.maximum):
            return [FieldError("validation_frame", f"Its column '{name}' must hold finite numbers; one is infinite.")]
    return [] if response is None else _validation_answers(response, trained, validation)


def _validation_roles(parameters: "Parameters", validation: Any) -> list[FieldError]:
    """Check the weights and the offset that validation rows are scored with, as those of training."""
    if validation is None or not validation.nrow:
        return []
    columns = {column.name: column for column in validation.schema.columns}
    roles = [parameters.weights_column, parameters.offset_column]
    summaries = validation.summaries([name for name in roles if name in columns])
    found = _role_problems(parameters.replace(fold_column=None), columns, summaries)
    found += _size_problems(list(summaries), columns, summaries, parameters)
    return [FieldError("validation_frame", f"In the validation frame: {problem.message}") for problem in found]


def _validation_answers(response: str, trained: Any, validation: Any) -> list[FieldError]:
    """Judge the validation frame's response: there, of the right kind, with at least one class that training knows."""
    column, summary = validation.schema[response], validation.summaries([response])[response]
    wrong = None
    if summary.missing >= summary.rows:
        wrong = "has no value in any row. Give rows with a known response, or no validation frame."
    elif column.type in ("string", "uuid"):
        wrong = f"is {column.type}; it must be {trained.type} as in the training frame. Convert it."
    elif trained.domain is None and column.type == "enum":
        wrong = f"is categorical; it must be numeric as in the training frame ({trained.type})."
    elif trained.domain is not None and column.domain is not None and not set(column.domain) & set(trained.domain):
        wrong = f"must have classes of the training frame ({_some(trained.domain)}); got {_some(column.domain)}."
    elif trained.domain is None and (math.isinf(summary.minimum) or math.isinf(summary.maximum)):
        wrong = "must hold finite numbers; it holds an infinite one."
    return [] if wrong is None else [FieldError("validation_frame", f"Its response '{response}' {wrong}")]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _response_facts(column: Any, summary: Any, notes: list[str], problems: list[FieldError]) -> dict[str, Any]:
    if column is None:
        return {"classes": 0}
    if summary is not None and summary.missing >= summary.rows:
        problems.append(FieldError("response_column", f"The response '{column.name}' has no value in any row."))
        return {"response_type": column.type}
    if column.type == "enum":
        if len(column.domain) < 2 or (summary is not None and summary.is_constant):
            problems.append(
                FieldError("response_column", f"Response cannot be constant; '{column.name}' has one level.")
            )
        return {"classes": len(column.domain), "levels": tuple(column.domain), "response_type": "enum"}
    if column.type not in ("int", "real", "time"):
        problems.append(
            FieldError("response_column", f"Response '{column.name}' must be numeric or enum; it is {column.type}.")
        )
        return {"response_type": column.type}
    if summary is None:
        return {"response_type": column.type}
    if summary.is_constant:
        problems.append(FieldError("response_column", f"Response cannot be constant; '{column.name}' is."))
    if column.type == "int" and summary.minimum == 0 and summary.maximum == 1:
        notes.append(
            "We have detected that your response column has only 2 unique values (0/1). Regression will be done; "
            "for a classifier, make the column categorical first with asfactor()."
        )
    return {
        "response_type": column.type,
        "response_low": float(summary.minimum),
        "response_high": float(summary.maximum),
    }
