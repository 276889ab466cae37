"""Types of columns changed: asfactor, asnumeric, ascharacter, as_date, relevel; and what the types are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frames.cluster.tasks import (
    Step,
    carry_out,
)
from frames.exceptions import H2OValueError
from frames.table.body import FrameBody
from frames.table.casts import _look_up, _parse_dates, to_enum, to_numeric, to_text
from frames.text import zones
from frames.text.date_formats import milliseconds, strptime_format

if TYPE_CHECKING:
    from frames.frame import H2OFrame


class Conversion(FrameBody):
    """Methods that change or tell the types of columns."""

    def asfactor(self) -> H2OFrame:
        """All columns as enum: integers in numeric order of levels, text lexicographically.

        Raises H2OValueError for real, time and uuid columns. Example: ``fr["y"] = fr["y"].asfactor()``.
        """
        body = self._body
        return self._replace(to_enum(body.names, self._resolved(), body.rows))

    def asnumeric(self) -> H2OFrame:
        """All columns as numbers: levels and texts that read as numbers become these, others missing.

        An enum without any numeric level becomes its codes. Example: ``fr["x"].asnumeric()``.
        """
        return self._replace(carry_out([to_numeric(p) for p in self._resolved()], self._body.rows))

    def ascharacter(self) -> H2OFrame:
        """All columns as strings. Example: ``fr["y"].ascharacter()``."""
        return self._replace(carry_out([to_text(p) for p in self._resolved()], self._body.rows))

    def as_date(self, format: str) -> H2OFrame:
        """Text or enum columns as time, read with a strptime format ("%d.%m.%y") or a Java one ("dd.MM.yy").

        What does not fit is missing. Years of two digits are 1969 to 2068; a format without a year means 1970, and one
        without a zone (%z) the time zone of the cluster, UTC by default. Raises H2OValueError for other columns, and
        for what is no format.
        """
        rows, places, format, zone = self._body.rows, self._resolved(), strptime_format(format), zones.current()
        for name, place in zip(self._body.names, places, strict=True):
            if place.type not in ("enum", "string"):
                raise H2OValueError(f"as_date() must be asked of string or enum columns; got {name}:{place.type}.")
        steps = [
            Step((place,), _parse_dates, "time", None, (format, zone))
            if place.type == "string"
            else Step((place,), _look_up, "time", None, (milliseconds(place.domain or (), format, zone),))
            for place in places
        ]
        return self._replace(carry_out(steps, rows))

    # ---- what the types are ------------------------------------------------------------------------------------
    def _are(self, *types: str) -> list[bool]:
        return [place.type in types for place in self._resolved()]

    def isfactor(self) -> list[bool]:
        """Per column: is it enum?"""
        return self._are("enum")

    def isnumeric(self) -> list[bool]:
        """Per column: is it int, real or time?"""
        return self._are("int", "real", "time")

    def isstring(self) -> list[bool]:
        """Per column: is it string?"""
        return self._are("string")

    def ischaracter(self) -> list[bool]:
        """Per column: is it string?"""
        return self.isstring()

    def columns_by_type(self, coltype: str = "numeric") -> list[float]:
        """Positions of the columns of a type: numeric, categorical, string, time, uuid or bad (wholly missing)."""
        kinds = {
            "numeric": ("int", "real"),
            "categorical": ("enum",),
            "string": ("string",),
            "time": ("time",),
            "uuid": ("uuid",),
        }
        if coltype == "bad":
            return [float(i) for i, s in enumerate(self._summaries()) if s.present == 0]
        if coltype not in kinds:
            raise H2OValueError(f"coltype must be one of {[*kinds, 'bad']}; got {coltype!r}.")
        return [float(i) for i, yes in enumerate(self._are(*kinds[coltype])) if yes]
