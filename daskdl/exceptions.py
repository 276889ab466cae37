"""The errors of daskdl under the names that h2o-py's users import from `h2o.exceptions`."""

from frames.exceptions import (
    CodecCannotHold,
    FrameError,
    H2OError,
    H2OJobError,
    H2OResponseError,
    H2OTypeError,
    H2OValueError,
)

# h2o-py's names for what has one name here, so that an `except` finds it.
H2OSoftError = H2OError
H2OServerError = H2OJobCancelled = H2OJobError
H2OConnectionError = H2OStartupError = H2OResponseError


class H2ODeprecationWarning(DeprecationWarning):
    """Known because scripts filter it; daskdl never gives it."""


class H2ODependencyWarning(Warning):
    """Known because scripts filter it; daskdl never gives it."""


__all__ = [
    "CodecCannotHold",
    "FrameError",
    "H2OConnectionError",
    "H2ODependencyWarning",
    "H2ODeprecationWarning",
    "H2OError",
    "H2OJobCancelled",
    "H2OJobError",
    "H2OResponseError",
    "H2OServerError",
    "H2OSoftError",
    "H2OStartupError",
    "H2OTypeError",
    "H2OValueError",
]
