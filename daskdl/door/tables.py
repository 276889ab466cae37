"""Functions of the h2o module that do what a frame does too: interaction, download_csv; and time zones."""

from typing import Any

from frames.frame import H2OFrame
from frames.functions import export_file
from frames.text import zones


def interaction(
    data: H2OFrame,
    factors: Any,
    pairwise: bool,
    max_factors: int,
    min_occurrence: int,
    destination_frame: str | None = None,
) -> H2OFrame:
    """Return enum columns crossed, as `data.interaction(...)` does."""
    return data.interaction(factors, pairwise, max_factors, min_occurrence, destination_frame)


def download_csv(data: H2OFrame, filename: str) -> str:
    """Write a frame to a CSV file, whatever its name ends with, replacing an older one; return where."""
    export_file(data, filename, force=True, format="csv", compression="none")
    return filename


def list_timezones() -> H2OFrame:
    """Return the names of all known time zones, one column `Timezones`."""
    return H2OFrame([[name] for name in zones.names()], column_names=["Timezones"], column_types=["string"])


def get_timezone() -> str:
    """Return the time zone of times that say none, as `h2o.cluster().timezone` does."""
    return zones.current()


def set_timezone(value: str) -> None:
    """Set the time zone of times that say none, as ``h2o.cluster().timezone = value`` does."""
    zones.use(value)
