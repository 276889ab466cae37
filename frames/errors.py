"""What can go wrong with a table, under names h2o-py's users catch. Messages say: what must be what; got; remedy."""


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


class FileExists(FrameError, H2OResponseError):
    """A file to write exists already, and nobody allowed to replace it."""
