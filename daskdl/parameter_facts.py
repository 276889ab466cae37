"""What the parameters need to know about the data, read from a frame's schema and summaries before any work starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from frames.errors import H2OResponseError

if TYPE_CHECKING:
    from daskdl.parameters import Parameters


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
    problems += _validation_problems(response, validation)
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
            problems.append(FieldError(role, f"{role} '{name}' must be numeric; it is {columns[name].type}."))
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
    return []


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


def _validation_problems(response: str | None, validation: Any) -> list[FieldError]:
    if validation is None:
        return []
    if not validation.nrow:
        return [FieldError("validation_frame", "The validation frame must have > 0 rows.")]
    if response is not None and response not in validation.names:
        return [FieldError("validation_frame", f"The validation frame must have the response column '{response}'.")]
    return []


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
