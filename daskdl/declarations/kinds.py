"""The words in which a parameter is declared: its type, the values it allows, whether a restart may change it.

`parameters.py` uses these as the metadata of `Annotated[...]`; everything else (checks, docs, JSON, signature, command
line, web form) is read back from there.
"""

import math
import numbers
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from frames.exceptions import H2OTypeError, H2OValueError


class OnRestart(Enum):
    """What a new value does when training continues from a checkpoint."""

    FREE = "may change and takes effect"
    FIXED = "must equal the checkpoint's value"
    CHECKED = "is compared by a rule of its own"
    KEPT = "keeps the checkpoint's value"
    NEW = "belongs to the new run"


@dataclass(frozen=True)
class Range:
    """An interval of numbers that can word itself; `ends` closes ('[') or opens ('(') each side.

    A list satisfies a Range when each of its members does.

    >>> str(Range(0, 1, "[)"))
    'in [0, 1)'
    """

    low: float = -math.inf
    high: float = math.inf
    ends: str = "[]"
    message: str | None = None

    def allows(self, value: float) -> bool:
        """Tell whether one number (NaN never) lies inside."""
        above = value >= self.low if self.ends[0] == "[" else value > self.low
        below = value <= self.high if self.ends[1] == "]" else value < self.high
        return above and below

    def __str__(self) -> str:
        if math.isinf(self.high):
            finite = " and finite" if self.ends[1] == ")" else ""
            if math.isinf(self.low):
                return "finite"
            return f"{'at least' if self.ends[0] == '[' else 'greater than'} {self.low:g}{finite}"
        return f"in {self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"


def simplified(text: str) -> str:
    """Return a name as names are compared: lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


class OneOf:
    """A choice between names; case and punctuation do not matter, the declared spelling is the canonical one.

    `elsewhere` maps a refused name to the sentence that explains it.

    >>> OneOf("Tanh", "TanhWithDropout").canonical("tanh_with_dropout")
    'TanhWithDropout'
    """

    def __init__(self, *names: str, elsewhere: dict[str, str] | None = None):
        self.names = names
        self.elsewhere = elsewhere or {}
        self._canonical = {simplified(name): name for name in names}

    def canonical(self, text: str) -> str | None:
        """Return the declared spelling of a name, or None if it is not one of the choices."""
        return self._canonical.get(simplified(text))

    def __str__(self) -> str:
        return "one of " + ", ".join(self.names)

    def __repr__(self) -> str:
        return f"OneOf{self.names}"


@runtime_checkable
class FrameOrKey(Protocol):
    """A frame, or the id (str) of one."""

    frame_id: Any


class ModelOrKey(Protocol):
    """A trained model (it has a key) or an estimator (it has a model_id), or the id (str) of one."""

    key: Any


IntOrAuto: TypeAlias = int | Literal["auto"]  # a number, or the word by which the program chooses one


class _Mismatch(Exception):
    """A value is not of the kind; the caller words the error."""


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ == "bool":  # the second: numpy's bool
        return bool(value)
    raise _Mismatch


def _integer(value: Any) -> int:
    if isinstance(value, bool) or type(value).__name__ == "bool":
        raise _Mismatch
    try:
        return operator.index(value)
    except TypeError:
        raise _Mismatch from None


def _integer_or_auto(value: Any) -> int | str:
    if isinstance(value, str) and simplified(value) == "auto":
        return "auto"
    return _integer(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _Mismatch
    return float(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Mismatch
    return value


def _frame(value: Any) -> Any:
    if isinstance(value, (str, FrameOrKey)):
        return value
    raise _Mismatch


def _model(value: Any) -> Any:
    if isinstance(value, str) or hasattr(value, "model_id") or hasattr(value, "resolved"):
        return value
    raise _Mismatch


def _frame_or_none(value: Any) -> Any:
    return None if value is None else _frame(value)


def _list_of(convert: Callable[[Any], Any]) -> Callable[[Any], tuple]:
    def converted(value: Any) -> tuple:
        if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__") or hasattr(value, "frame_id"):
            raise _Mismatch
        return tuple(convert(member) for member in value)

    return converted


@dataclass(frozen=True)
class Kind:
    """A type of parameter: its word in errors and documents, and the conversion that accepts or refuses a value."""

    word: str
    convert: Callable[[Any], Any]
    is_list: bool = False


KINDS: dict[Any, Kind] = {
    bool: Kind("bool", _boolean),
    int: Kind("integer", _integer),
    IntOrAuto: Kind("integer or auto", _integer_or_auto),
    float: Kind("numeric", _number),
    str: Kind("string", _string),
    FrameOrKey: Kind("H2OFrame", _frame),
    ModelOrKey: Kind("H2OEstimator", _model),
    tuple[int, ...]: Kind("list(integer)", _list_of(_integer), is_list=True),
    tuple[float, ...]: Kind("list(numeric)", _list_of(_number), is_list=True),
    tuple[str, ...]: Kind("list(string)", _list_of(_string), is_list=True),
    tuple[FrameOrKey, ...]: Kind("list(H2OFrame)", _list_of(_frame_or_none), is_list=True),
}
_WORDS = {"str": "string", "int": "integer", "NoneType": "None"}


@dataclass(frozen=True)
class Declaration:
    """One parameter as declared: all that the program and its documents know about it."""

    name: str
    kind: Kind
    constraint: Range | OneOf | None
    sentence: str
    restart: OnRestart
    default: Any

    @property
    def type_word(self) -> str:
        """Name of the type as errors show it, e.g. ``list(integer)`` or ``Enum["Tanh", "Rectifier"]``."""
        if isinstance(self.constraint, OneOf):
            return "Enum[" + ", ".join(f'"{name}"' for name in self.constraint.names) + "]"
        return self.kind.word

    @property
    def values(self) -> list[str]:
        """Allowed names of a choice; empty for anything else."""
        return list(self.constraint.names) if isinstance(self.constraint, OneOf) else []

    def convert(self, value: Any) -> Any:
        """Return the value in its stored form; None means the default.

        Raises H2OTypeError for a wrong type or an unknown name, H2OValueError for a name that is refused on purpose.
        """
        if value is None and self.name != "autoencoder":
            return self.default
        try:
            converted = self.kind.convert(value)
            if isinstance(self.constraint, OneOf):
                converted = self._choice(converted)
        except _Mismatch:
            optional = "" if self.name == "autoencoder" else "?"
            got = type(value).__name__
            raise H2OTypeError(
                f"Argument `{self.name}` should be a {optional}{self.type_word}, got {_WORDS.get(got, got)} {value}"
            ) from None
        return converted

    def _choice(self, text: str) -> str:
        constraint = self.constraint
        assert isinstance(constraint, OneOf)
        canonical = constraint.canonical(text)
        if canonical is None:
            if simplified(text) in constraint.elsewhere:
                raise H2OValueError(constraint.elsewhere[simplified(text)])
            raise _Mismatch
        return canonical

    def complaint(self, value: Any) -> str | None:
        """Return the sentence that says why a (converted) value is out of range, or None if it is not."""
        if not isinstance(self.constraint, Range) or value is None or isinstance(value, str):
            return None
        members = value if self.kind.is_list else (value,)
        for member in members:
            if not self.constraint.allows(member):
                return self.constraint.message or f"{self.name} must be {self.constraint}; got {member:g}."
        return None
