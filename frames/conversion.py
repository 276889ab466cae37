"""Types of columns changed: asfactor, asnumeric, ascharacter, as_date, relevel; and what the types are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from distributed import Future

from frames.body import FrameBody
from frames.dictionary import TRUTHS
from frames.errors import H2OTypeError, H2OValueError
from frames.placement import Place, summaries_at
from frames.rows import recode
from frames.tasks import Step, absent, batches, carry_out, concatenate, derive, gather, reduce_each, submit

if TYPE_CHECKING:
    from frames.frame import H2OFrame


def number_text(value: float) -> str:
    """Return a number as a level: whole numbers that int64 holds without a point, others as `double_text` has them.

    >>> number_text(3.0), number_text(2**53 + 1), number_text(0.1), number_text(1e22)
    ('3', '9007199254740993', '0.1', '1.0E22')
    """
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 2.0**63 else double_text(value)


def double_text(value: float) -> str:
    """Return a number as Java, and so H2O, writes a double: the fewest digits that tell it from its neighbours.

    Integers that no double holds keep all their digits.

    >>> double_text(4.0), double_text(0.0001), double_text(1e7), double_text(2**53 + 1)
    ('4.0', '1.0E-4', '1.0E7', '9007199254740993')
    """
    number = float(value)
    if number != value:
        return "NaN" if value != value else str(value)
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return f"{'-' * sign}{text[0]}.{text[1:] or '0'}E{int(exponent) + len(text) - 1}"


def distinct(values: np.ndarray) -> np.ndarray:
    """A task: the sorted distinct present values of a piece of a column."""
    if values.dtype == object:
        return np.array(sorted({v for v in values if v is not None}), dtype=object)
    if values.dtype == np.int32:
        return np.unique(values[values >= 0])
    found = np.unique(values)
    return found[~absent(found)]


def distinct_values(places: Sequence[Place], rows: Sequence[int]) -> list[Future]:
    """Per column a future of its sorted distinct present values, merged over the partitions on a worker."""
    merged = [submit(_merged, *parts) for parts in reduce_each(places, rows, distinct)]
    sizes = [len(batch) for batch in batches(places, rows)]
    return [submit(_item, own, i) for own, size in zip(merged, sizes, strict=True) for i in range(size)]


def _merged(*parts: list[np.ndarray]) -> list[np.ndarray]:
    return [_union(pieces) for pieces in zip(*parts, strict=True)]


def _union(pieces: Sequence[np.ndarray]) -> np.ndarray:
    pieces = [p for p in pieces if len(p)] or pieces[:1]
    if pieces[0].dtype == object:
        return np.array(sorted(set().union(*(p.tolist() for p in pieces))), dtype=object)
    return np.unique(concatenate(pieces))


def _item(values: list, i: int) -> np.ndarray:
    return values[i]


def _code(values: np.ndarray, found: np.ndarray) -> list[np.ndarray]:
    if values.dtype == object:
        index = {value: i for i, value in enumerate(found)}
        return [np.fromiter((index.get(v, -1) for v in values), np.int32, len(values))]
    if len(found) == 0:
        return [np.full(len(values), -1, np.int32)]
    gaps = absent(values)
    at = np.searchsorted(found, np.where(gaps, found[0], values))
    return [np.where(gaps, -1, at).astype(np.int32)]


def to_enum(names: Sequence[str], places: Sequence[Place], rows: Sequence[int]) -> list[Place]:
    """Columns as enum: numbers in numeric order, text lexicographically; an enum stays as it is."""
    for name, place in zip(names, places, strict=True):
        _check_factor(name, place)
    made: list[Step | Place] = list(places)
    todo = [i for i, place in enumerate(places) if place.type != "enum"]
    futures = distinct_values([places[i] for i in todo], rows)
    for i, future, found in zip(todo, futures, gather(futures), strict=True):
        domain = tuple(v if isinstance(v, str) else number_text(v) for v in found)
        # The workers look codes up in the array that is there already: a long domain is not sent with every task.
        made[i] = Step((places[i],), _code, "enum", domain, (future,))
    return carry_out(made, rows)


def _check_factor(name: str, place: Place) -> None:
    """Refuse what cannot be a factor, in H2O's words."""
    if place.type == "real":
        summary = summaries_at([place])[0]
        if not (summary.all_integer and summary.present):
            raise H2OValueError(f"Only 'int' or 'string' are allowed for asfactor(), got {name}:real")
    elif place.type not in ("int", "string", "enum"):
        raise H2OValueError(f"Only 'int' or 'string' are allowed for asfactor(), got {name}:{place.type}")


def _parse(values: np.ndarray) -> list[np.ndarray]:
    return [text_to_numbers(values)]


def text_to_numbers(texts: Iterable[str | None]) -> np.ndarray:
    """Texts as float64; what is no number is missing."""
    numbers = pd.to_numeric(pd.Series(list(texts), dtype=object), errors="coerce")
    return np.asarray(numbers, dtype=np.float64)


def _look_up(codes: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    gap: Any = np.nan if table.dtype.kind == "f" else None
    return [np.append(table, gap)[codes]]


def _same(values: np.ndarray) -> list[np.ndarray]:
    return [values]


def to_numeric(place: Place) -> Place | Step:
    """One column as numbers: levels and texts are read; where no level is a number the codes are taken."""
    if place.type == "enum":
        table = text_to_numbers(place.domain or ())
        if len(table) and np.isnan(table).all():
            table = np.arange(len(table), dtype=np.float64)
        return Step((place,), _look_up, None, None, (table,))
    if place.type == "string":
        return Step((place,), _parse, None)
    if place.type == "time":
        return Step((place,), _same, "int")
    if place.type == "uuid":
        raise H2OValueError("asnumeric() must be asked of numbers, enum, time or string columns; got uuid.")
    return place


def _number_texts(values: np.ndarray) -> list[np.ndarray]:
    return [
        np.array(
            [None if gap else number_text(v) for v, gap in zip(values.tolist(), absent(values), strict=True)],
            dtype=object,
        )
    ]


def to_text(place: Place) -> Place | Step:
    """One column as strings: levels as they read, whole numbers without a point."""
    if place.type == "enum":
        table = np.array([*place.domain] if place.domain else [], dtype=object)
        return Step((place,), _look_up, "string", None, (table,))
    if place.type in ("string", "uuid"):
        return place if place.type == "string" else Step((place,), _same, "string")
    return Step((place,), _number_texts, "string")


def to_domain(place: Place, rows: Sequence[int], domain: tuple[str, ...]) -> Place:
    """An enum column under another domain; levels that are not in it become missing."""
    if place.domain == domain:
        return place
    index = {level: i for i, level in enumerate(domain)}
    mapping = np.array([index.get(level, -1) for level in place.domain or ()], np.int32)
    return derive([place], rows, recode, ["enum"], [domain], (mapping,))[0]


def is_truth(place: Place) -> bool:
    """Whether a column is what bool becomes: an enum of False and True."""
    return place.type == "enum" and bool(place.domain) and set(place.domain or ()) <= set(TRUTHS)


def to_truth(place: Place) -> Place | Step:
    """An enum of False and True as 0 and 1, for masks and logic; any other column as it is."""
    if not is_truth(place):
        return place
    table = np.array([float(TRUTHS.index(level)) for level in place.domain or ()])
    return Step((place,), _look_up, "int", None, (table,))


def _parse_dates(values: np.ndarray, format: str) -> list[np.ndarray]:
    stamps = pd.to_datetime(pd.Series(list(values), dtype=object), format=format, errors="coerce")
    epoch = stamps.to_numpy().astype("M8[ms]")
    return [np.where(np.isnat(epoch), np.nan, epoch.astype("int64").astype(np.float64))]


# Java's date letters (h2o-py's documented form) -> strptime
_JAVA_DATES = (
    ("yyyy", "%Y"), ("YYYY", "%Y"), ("yy", "%y"), ("MMM", "%b"), ("MM", "%m"), ("dd", "%d"),
    ("HH", "%H"), ("hh", "%I"), ("mm", "%M"), ("SSS", "%f"), ("ss", "%S"),
)  # fmt: skip


def date_format(format: str) -> str:
    """A strptime format as it is, or a Java one ("yyyy-MM-dd") translated."""
    if "%" in format:
        return format
    for java, python in _JAVA_DATES:
        format = format.replace(java, python)
    return format


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
        """Text or enum columns as time, read with a strptime or Java format; what does not fit is missing."""
        rows, made = self._body.rows, []
        for name, place in zip(self._body.names, self._resolved(), strict=True):
            if place.type not in ("enum", "string"):
                raise H2OValueError(f"as_date() must be asked of string or enum columns; got {name}:{place.type}.")
            made.append(place)
        texts = carry_out([to_text(place) for place in made], rows)
        steps = [Step((text,), _parse_dates, "time", None, (date_format(format),)) for text in texts]
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

    def levels(self) -> list[list[str]]:
        """The domain of every column, empty where it is not enum."""
        return [list(place.domain or ()) for place in self._body.places]

    def nlevels(self) -> list[int]:
        """Number of levels of every column, 0 where it is not enum."""
        return [len(levels) for levels in self.levels()]

    def categories(self) -> list[str]:
        """The domain of a one-column enum frame. Raises H2OValueError for other columns."""
        place = self._only("categories()")
        if place.type != "enum":
            raise H2OValueError(
                f"categories() must be asked of an enum column; got {place.type}. Use asfactor() first."
            )
        return list(place.domain or ())

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

    def relevel(self, y: str) -> H2OFrame:
        """A one-column enum frame whose first level is `y`, the others in their order."""
        place = self._only("relevel()")
        if place.type != "enum" or y not in (place.domain or ()):
            raise H2OValueError(
                f"relevel() must be given a level of an enum column {list(place.domain or ())}; got {y!r}."
            )
        return self.set_levels_order([y, *(level for level in place.domain or () if level != y)])

    def relevel_by_frequency(self, weights_column: str | None = None, top_n: int = -1) -> H2OFrame:
        """A one-column enum frame with the most frequent levels first (all, or only the `top_n` first)."""
        if weights_column is not None:
            raise H2OValueError(
                "relevel_by_frequency() orders by row counts; weights_column is not supported. Sum the weights with "
                "group_by() and pass the order to set_levels_order()."
            )
        place = self._only("relevel_by_frequency()")
        if place.type != "enum":
            raise H2OValueError(f"relevel_by_frequency() must be asked of an enum column; got {place.type}.")
        counts: Any = summaries_at([place])[0].counts
        domain = list(place.domain or ())
        order = sorted(range(len(domain)), key=lambda i: -int(counts[i]))
        front = order if top_n < 0 else order[:top_n]
        return self.set_levels_order([domain[i] for i in [*front, *(i for i in range(len(domain)) if i not in front)]])

    def set_levels_order(self, levels: Sequence[str]) -> H2OFrame:
        """A one-column enum frame with the same levels in another order."""
        place = self._only("set_levels_order()")
        if sorted(levels) != sorted(place.domain or ()):
            raise H2OValueError(
                f"The order must name every level once: {list(place.domain or ())}; got {list(levels)}."
            )
        return self._replace([to_domain(place, self._body.rows, tuple(levels))])

    def set_levels(self, levels: Sequence[str]) -> H2OFrame:
        """A one-column enum frame whose levels read otherwise: one new name per level."""
        place = self._only("set_levels()")
        if place.type != "enum" or len(levels) != len(place.domain or ()) or len(set(levels)) != len(levels):
            raise H2OValueError(
                f"set_levels() needs a distinct name for each level of {list(place.domain or ())}; got {list(levels)}."
            )
        return self._replace([place._replace(domain=tuple(map(str, levels)))])

    def set_level(self, level: str) -> H2OFrame:
        """A one-column enum frame in which every row has this one level of the domain."""
        place = self._only("set_level()")
        if place.type != "enum" or level not in (place.domain or ()):
            raise H2OValueError(
                f"set_level() must be given a level of an enum column {list(place.domain or ())}; got {level!r}."
            )
        code = (place.domain or ()).index(level)
        return self._replace(derive([place], self._body.rows, _constant_code, ["enum"], [place.domain], (code,)))

    def append_levels(self, *levels: str) -> H2OFrame:
        """A one-column enum frame with more levels at the end of its domain."""
        place = self._only("append_levels()")
        if place.type != "enum" or not all(isinstance(level, str) for level in levels):
            raise H2OTypeError("append_levels() must be given strings, on an enum column.")
        return self._replace([place._replace(domain=tuple(dict.fromkeys([*(place.domain or ()), *levels])))])


def _constant_code(codes: np.ndarray, code: int) -> list[np.ndarray]:
    return [np.full(len(codes), code, np.int32)]
