"""What can go wrong with a table, under names h2o-py's users catch. Messages say: what must be what; got; remedy."""

import logging
import sys
import warnings
from collections.abc import Iterator


class H2OError(Exception):
    """Root of all errors of this project that a user may want to catch."""


class H2OTypeError(H2OError, TypeError):
    """An argument has the wrong type."""


class H2OValueError(H2OError, ValueError):
    """An argument has the right type and an impossible value."""


class H2OResponseError(H2OError, OSError):
    """A request was refused before any work started (h2o-py: an EnvironmentError)."""


class H2OJobError(H2OError, OSError):
    """A job failed while it ran (h2o-py: an EnvironmentError)."""


class CodecCannotHold(H2OValueError):
    """A codec was asked to hold values that it cannot give back exactly."""


class FrameError(H2OValueError):
    """A table cannot be read, built or combined as asked."""


class FileMissing(FrameError, H2OResponseError):
    """A file to read does not exist (h2o-py's server refuses the request)."""


class FileChanged(FrameError):
    """A file is another one than when a frame began to be made from it."""


class FileExists(FrameError, H2OResponseError):
    """A file to write exists already, and nobody allowed to replace it."""


def _unknown_to_us(record: logging.LogRecord) -> bool:
    """Tell whether a record of a worker's log is not about an error of ours.

    Those reach the user as exceptions whose sentence says all; a worker's traceback beside it would only hide it.
    """
    if not str(record.msg).startswith("Compute Failed") or not isinstance(record.args, tuple):
        return True
    ours = tuple(f"{kind.__name__}(" for kind in _kinds(H2OError))
    return not any(isinstance(one, str) and one.startswith(ours) for one in record.args)


def _kinds(root: type) -> Iterator[type]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


# Every task of ours imports this module, so workers in other processes get the filter, too.
logging.getLogger("distributed.worker").addFilter(_unknown_to_us)


def tell(sentence: str) -> None:
    """Warn the user (UserWarning), at the line of the user's code that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("frames", "daskdl"):
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, UserWarning, stacklevel=level)
