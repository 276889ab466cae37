"""How a frame that may differ from the training frame is read by an encoder. Source: training section 1.6.

Unseen levels become the missing unit, absent columns are all missing, numbers stand for levels through their text. What
the user should know comes back as warnings; what cannot work is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daskdl.encoding import Encoder
from frames.errors import H2OJobError
from frames.schema import Schema

SHOWN = 20  # unseen levels that a warning names


@dataclass(frozen=True)
class Source:
    """Where one predictor comes from.

    kind    "number" (as stored), "codes" (level codes through `codes`), "text" (numbers that stand for level names) or
            "absent" (every row missing)
    codes   (frame levels + 1,) int32: training level of each level of the frame; the last entry is for missing rows.
            The number of training levels stands for missing and unseen.
    """

    kind: str
    codes: np.ndarray | None = None


@dataclass(frozen=True)
class Adaptation:
    """The sources of all predictors, of the response, and the warnings that the user should see."""

    sources: dict[str, Source]
    response: Source
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


def adapt(encoder: Encoder, schema: Schema, *, need_response: bool = False) -> Adaptation:
    """Return how to read a frame with this schema.

    Raises H2OJobError where the frame has no predictor in common with training, holds categories where training had
    numbers, or lacks the offset column (or the response, if `need_response`).
    """
    sources: dict[str, Source] = {}
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
    response = _response(encoder, schema)
    if need_response and encoder.response is not None and (unknown := _unknown_classes(encoder, schema)):
        warnings.append(unknown)
    if need_response and response.kind == "absent" and encoder.response is not None:
        raise H2OJobError(f"Test/Validation dataset is missing response column '{encoder.response.name}'.")
    return Adaptation(sources, response, tuple(warnings))


def _source(name: str, domain: tuple[str, ...] | None, schema: Schema) -> tuple[Source, str | None]:
    if name not in schema:
        sentence = f"Test/Validation dataset is missing column '{name}': substituting in a column of NaN"
        return Source("absent"), sentence
    here = schema[name]
    if domain is None:
        if here.type == "enum":
            raise H2OJobError(
                f"Test/Validation dataset has categorical column '{name}' which is real-valued in the training data"
            )
        if here.is_text:
            sentence = f"Test/Validation dataset column '{name}' is {here.type}, not a number: substituting NaN"
            return Source("absent"), sentence
        return Source("number"), None
    if here.is_text:
        sentence = f"Test/Validation dataset column '{name}' is {here.type}, not categorical: substituting NaN"
        return Source("absent"), sentence
    if here.domain is None:
        return Source("text"), None
    codes = level_map(here.domain, domain, len(domain))
    fresh = [label for label, code in zip(here.domain, codes, strict=False) if code == len(domain)]
    return Source("codes", codes), _not_trained_on(name, fresh) if fresh else None


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


def _response(encoder: Encoder, schema: Schema) -> Source:
    answer = encoder.response
    if answer is None or answer.name not in schema:
        return Source("absent")
    here = schema[answer.name]
    if answer.domain is None:
        return Source("number" if here.is_number else "absent")
    if here.domain is None:
        return Source("text" if here.is_number else "absent")
    codes = level_map(here.domain, answer.domain, len(answer.domain))
    codes[-1] = -1
    return Source("codes", codes)
