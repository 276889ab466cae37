"""The errors of daskdl under the names that h2o-py's users import from `h2o.exceptions`."""

from frames.errors import (
    CodecCannotHold,
    FrameError,
    H2OError,
    H2OJobError,
    H2OResponseError,
    H2OTypeError,
    H2OValueError,
)

__all__ = [
    "CodecCannotHold",
    "FrameError",
    "H2OError",
    "H2OJobError",
    "H2OResponseError",
    "H2OTypeError",
    "H2OValueError",
]
