"""How a frame that may differ from the training frame is read by an encoder. Source: docs/training.md 1.6.

Unseen levels become the missing unit, absent columns are all missing. What the user should know comes back as warnings;
what cannot work is refused. Columns of another kind than in training were made anew before (`matching`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daskdl.encoding.encoder import Encoder
from frames.chunks.schema import Schema
from frames.exceptions import H2OJobError

SHOWN = 20  # unseen levels that a warning names


@dataclass(frozen=True)
class PredictorSource:
    """Where one predictor comes from.

    kind    "number" (as stored), "codes" (level codes through `codes`) or "absent" (every row missing)
    codes   (frame levels + 1,) int32: training level of each level of the frame; the last entry is for missing rows.
            The number of training levels stands for missing and unseen.
    """

    kind: str
    codes: np.ndarray | None = None


@dataclass(frozen=True)
class Adaptation:
    """The sources of all predictors, of the response, and the warnings that the user should see."""

    sources: dict[str, PredictorSource]
    response: PredictorSource
    warnings: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """Predictors that the frame really has."""
        return [name for name, source in self.sources.items() if source.kind != "absent"]


def level_map(frame_domain: Sequence[str], training_domain: Sequence[str], unseen: int) -> np.ndarray:
    """Return the training code of each frame level (`unseen` where training had none) and, last, of a missing row.

    >>> level_map(("b", "c"), ("a", "b"), 2)
    array([1, 2, 2], dtype=int32)
    """
    place = {label: code for code, label in enumerate(training_domain)}
    return np.array([*(place.get(label, unseen) for label in frame_domain), unseen], np.int32)


def kinds(encoder: Encoder, need_response: bool = False) -> list[tuple[str, tuple[str, ...] | None]]:
    """Return what a model reads of a frame: names, and the levels of what is categorical (None: numbers)."""
    found: list[tuple[str, tuple[str, ...] | None]] = [(column.name, column.domain) for column in encoder.columns]
    if encoder.offset is not None:
        found.append((encoder.offset, None))
    if need_response and encoder.response is not None:
        found.append((encoder.response.name, encoder.response.domain))
    if need_response and encoder.weights is not None:
        found.append((encoder.weights, None))
    return found


def adapt(encoder: Encoder, schema: Schema, *, need_response: bool = False) -> Adaptation:
    """Return how to read a frame with this schema; response and weights only if `need_response`.

    Raises H2OJobError where the frame has no predictor in common with training, a column of another kind, or lacks the
    offset column (or the response, if `need_response`).
    """
    sources: dict[str, PredictorSource] = {}
    warnings: list[str] = []
    for column in encoder.columns:
        source, warning = _source(column.name, column.domain, schema)
        sources[column.name] = source
        if warning:
            warnings.append(warning)
    if encoder.columns and all(source.kind == "absent" for source in sources.values()):
        raise H2OJobError("Test/Validation dataset has no columns in common with the training set")
    if encoder.offset is not None and encoder.offset not in schema:
        raise H2OJobError(
            f"Test/Validation dataset is missing offset column '{encoder.offset}'. Add it to the frame; 0 is neutral."
        )
    if not need_response:
        return Adaptation(sources, PredictorSource("absent"), tuple(warnings))
    if encoder.weights is not None and encoder.weights not in schema:
        warnings.append(
            f"Test/Validation dataset is missing weights column '{encoder.weights}': each row is measured with weight 1"
        )
    response = _response(encoder, schema)
    if encoder.response is not None and (unknown := _unknown_classes(encoder, schema)):
        warnings.append(unknown)
    if response.kind == "absent" and encoder.response is not None:
        raise H2OJobError(f"Test/Validation dataset is missing response column '{encoder.response.name}'.")
    return Adaptation(sources, response, tuple(warnings))


def _source(name: str, domain: tuple[str, ...] | None, schema: Schema) -> tuple[PredictorSource, str | None]:
    if name not in schema:
        sentence = f"Test/Validation dataset is missing column '{name}': substituting in a column of NaN"
        return PredictorSource("absent"), sentence
    here = schema[name]
    if domain is None:
        _check(name, here.is_number, "categorical" if here.domain is not None else here.type, "real-valued")
        return PredictorSource("number"), None
    _check(name, here.domain is not None, "non-categorical", "categorical")
    assert here.domain is not None  # checked just now
    codes = level_map(here.domain, domain, len(domain))
    fresh = [label for label, code in zip(here.domain, codes, strict=False) if code == len(domain)]
    return PredictorSource("codes", codes), _not_trained_on(name, fresh) if fresh else None


def _check(name: str, right: bool, here: str, there: str) -> None:
    if not right:
        raise H2OJobError(
            f"Test/Validation dataset has {here} column '{name}' which is {there} in the training data. Convert it."
        )


def _not_trained_on(name: str, fresh: Sequence[str]) -> str:
    more = ", ..." if len(fresh) > SHOWN else ""
    return f"Test/Validation dataset column '{name}' has levels not trained on: [{', '.join(fresh[:SHOWN])}{more}]"


def _unknown_classes(encoder: Encoder, schema: Schema) -> str | None:
    """Return a sentence about classes of the frame's response that training did not know; None where there are none."""
    answer = encoder.response
    if answer is None or answer.domain is None or answer.name not in schema:
        return None
    known = set(answer.domain)
    fresh = [label for label in schema[answer.name].domain or () if label not in known]
    return f"{_not_trained_on(answer.name, fresh)}; rows of these classes count as errors" if fresh else None


def _response(encoder: Encoder, schema: Schema) -> PredictorSource:
    answer = encoder.response
    if answer is None or answer.name not in schema:
        return PredictorSource("absent")
    here = schema[answer.name]
    if answer.domain is None:
        _check(answer.name, here.is_number, "categorical" if here.domain is not None else here.type, "real-valued")
        return PredictorSource("number")
    _check(answer.name, here.domain is not None, "non-categorical", "categorical")
    assert here.domain is not None  # checked just now
    codes = level_map(here.domain, answer.domain, len(answer.domain))
    codes[-1] = -1
    return PredictorSource("codes", codes)
