"""What is wrong with a form before anything starts: the estimator's own checks, each sentence beside its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daskdl.estimators.request import TrainRequest, request_of
from daskdl.parameters import Facts, Parameters, check, declarations, survey
from daskdl.training.restart import restart_of
from daskdl.training.validation import like_training
from daskdl.web import kept
from daskdl.web.applies import Situation, idle
from daskdl.web.form import Choices, Texts, entered
from frames.exceptions import H2OError
from frames.frame import H2OFrame

REFUSED = re.compile(r"ERRR on field: _(\w+): (.*)")
ARGUMENT = re.compile(r"Argument `(\w+)`")
NOWHERE = ""  # the key of what belongs to no field


@dataclass
class Checked:
    """A form that was read: values by name, sentences by field, what does nothing, and the request where all is well.

    `notes` are what training would warn of.
    """

    values: dict[str, Any]
    errors: dict[str, str]
    off: set[str]
    request: TrainRequest | None = None
    notes: list[str] = field(default_factory=list)


def choices_of(texts: Texts) -> Choices:
    """Return the names that a form offers, with the columns of the frame that it trains on."""
    frame = kept.frames().get((texts.get("training_frame") or [""])[-1])
    types = {} if frame is None else dict(frame.types)
    return Choices(sorted(kept.frames()), sorted(kept.models()), types)


def checked(texts: Texts, new_names: bool = True) -> Checked:
    """Read a form and say all that is wrong with it; nothing is started and nothing changed."""
    values, errors = entered(texts)
    found = Checked(values, errors, set())
    parameters = Parameters(**values)
    frame = kept.frames().get(str(values.get("training_frame", "")))
    facts = None if frame is None else _facts(parameters, frame, values)
    found.off = idle(Situation(parameters, facts))
    for name in found.off & set(values):  # a field that does nothing is not shown, and was not meant
        del values[name]
    found.errors = {name: said for name, said in errors.items() if name not in found.off}
    if "training_frame" not in values:
        found.errors["training_frame"] = "training_frame must be one of the frames; none is chosen."
    if not values.get("autoencoder") and "response_column" not in values and frame is not None:
        found.errors["response_column"] = "response_column must name the column to predict; none is chosen."
    if new_names and kept.is_taken(values.get("model_id")):
        found.errors["model_id"] = f"model_id must be a new name; '{values['model_id']}' is taken."
    if not found.errors:
        _ask_the_estimator(found, Parameters(**values))
    return found


def _facts(parameters: Parameters, frame: H2OFrame, values: Mapping[str, Any]) -> Facts | None:
    """Look at the data as far as the form goes; None where it does not go far enough."""
    response = values.get("response_column")
    if not parameters.autoencoder and response not in frame.names:
        return None
    return survey(parameters, frame, None, response)


def _ask_the_estimator(found: Checked, parameters: Parameters) -> None:
    try:
        request = request_of(parameters)
        given = request.parameters
        validation, said = like_training(
            given, request.frame, request.x, request.y, validation=request.validation, key="model"
        )
        if given.checkpoint is None:
            facts = survey(given, request.frame, request.x, request.y, validation)
        else:
            restart = restart_of(
                given, request.frame, request.x, request.y, validation=validation, workers=1, key="model"
            )
            given, facts = restart.parameters, restart.facts
        errors, notes = check(given, facts)
        for name, sentence in errors:
            _add(found.errors, name, sentence)
        found.notes = [*said, *notes]
        found.request = None if errors else request
    except H2OError as error:
        for name, sentence in fields_of(str(error)):
            _add(found.errors, name, sentence)


def fields_of(sentence: str) -> list[tuple[str, str]]:
    """Return the fields that an error's sentence speaks of, and what it says of each.

    >>> fields_of("Illegal argument(s) for ... Details: ERRR on field: _l1: l1 must be at least 0.")
    [('l1', 'l1 must be at least 0.')]
    >>> fields_of("Something else.")
    [('', 'Something else.')]
    """
    found = REFUSED.findall(sentence)
    if found:
        return found
    argument = ARGUMENT.match(sentence)
    first = argument[1] if argument else sentence.partition(" ")[0]
    return [(first if first in declarations() else NOWHERE, sentence)]


def _add(errors: dict[str, str], name: str, sentence: str) -> None:
    errors[name] = f"{errors[name]} {sentence}" if name in errors else sentence
