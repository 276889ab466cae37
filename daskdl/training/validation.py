"""The validation frame as training needs it: with the kinds of columns that the training frame has.

Both may have come through different doors: a column of numbers here can be text or categories there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daskdl.encoding.adaptation import kinds
from daskdl.model.matching import matched
from daskdl.model.model import Model
from daskdl.parameters import FieldError, Parameters
from daskdl.parameters.facts import refuse
from frames.frame import H2OFrame


def like_training(
    parameters: Parameters,
    frame: H2OFrame,
    x: Sequence[str] | None,
    y: str | None,
    validation: H2OFrame | None,
    key: str,
) -> tuple[H2OFrame | None, tuple[str, ...]]:
    """Return the validation frame with the kinds of columns that training has, and what is to be said of it.

    Raises H2OResponseError where a column cannot be one of that kind.
    """
    if validation is None:
        return None, ()
    start: Any = parameters.checkpoint
    if isinstance(start, Model):
        wanted = kinds(start.encoder, need_response=True)
    else:
        names = {*(frame.names if x is None else x), y, parameters.weights_column, parameters.offset_column}
        wanted = [(column.name, column.domain) for column in frame.schema.columns if column.name in names]
        wanted = [(name, levels) for name, levels in wanted if not frame.schema[name].is_text]
    found = matched(validation, wanted)
    refuse(key, [FieldError("validation_frame", problem) for problem in found.problems])
    return found.frame, found.warnings
