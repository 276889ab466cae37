"""Strings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import TEXT, Codec
from frames.exceptions import CodecCannotHold

_ABSENT = 2**32 - 1


def _must_be_text(column: np.ndarray) -> None:
    if column.dtype != object:
        raise CodecCannotHold(f"A column of strings must be an object array; got dtype {column.dtype}.")
    for row, value in enumerate(column):
        if value is not None and type(value) is not str:
            raise CodecCannotHold(f"Every value must be a string or None; got {value!r} in row {row}.")


def _write(texts: Sequence[str | None]) -> np.ndarray:
    """Lengths in characters (uint32, all ones for missing), then the characters of all in UTF-8."""
    lengths = np.fromiter((_ABSENT if t is None else len(t) for t in texts), dtype="<u4", count=len(texts))
    # Surrogates may sit in strings that came from broken files; they must survive too.
    body = "".join([t for t in texts if t]).encode("utf-8", "surrogatepass")
    return np.concatenate([lengths.view(np.uint8), np.frombuffer(body, np.uint8)])


def _read(stored: np.ndarray, count: int) -> list[str | None]:
    lengths = np.frombuffer(stored[: 4 * count].tobytes(), "<u4")
    absent = lengths == _ABSENT
    body = stored[4 * count :].tobytes().decode("utf-8", "surrogatepass")
    ends = np.cumsum(np.where(absent, 0, lengths), dtype=np.int64).tolist()
    texts: list[str | None] = []
    start = 0
    for end in ends:
        texts.append(body[start:end])
        start = end
    for row in np.flatnonzero(absent).tolist():
        texts[row] = None
    return texts


def _column(texts: list[str | None]) -> np.ndarray:
    column = np.empty(len(texts), object)
    column[:] = texts
    return column


@dataclass(frozen=True)
class Text(Codec):
    """Holds strings one after the other; None is missing.

    >>> Text().decode(Text().encode(np.array(["ab", None], object)), 2)
    array(['ab', None], dtype=object)
    """

    layout: ClassVar[str] = "payload"
    kind: ClassVar[str] = TEXT
    least: ClassVar[float] = 8.0

    @classmethod
    def offers(cls, column):
        yield 8.0, cls.shared()

    def encode(self, column: np.ndarray) -> np.ndarray:
        _must_be_text(column)
        return _write(column.tolist())

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return _column(_read(codes, rows))

    @property
    def terms(self) -> None:
        return None


@dataclass(frozen=True)
class Dictionary(Codec):
    """Holds strings that repeat: each distinct string once, and per row its number in `store` ("u1", "u2" or "i4").

    Missing is one of the distinct values. The payload starts with the count of distinct strings (uint32).

    >>> codec = Dictionary("u1")
    >>> codec.decode(codec.encode(np.array(["a", "b", "a"], object)), 3)
    array(['a', 'b', 'a'], dtype=object)
    """

    layout: ClassVar[str] = "payload"
    kind: ClassVar[str] = TEXT
    least: ClassVar[float] = 1.0
    store: str

    @classmethod
    def offers(cls, column):
        for store in ("u1", "u2", "i4") if column.distinct <= len(column.values) // 2 else ():
            if column.distinct <= np.iinfo(store).max + 1:
                yield float(np.dtype(store).itemsize), cls.shared(store)

    def encode(self, column: np.ndarray) -> np.ndarray:
        _must_be_text(column)
        distinct: dict[str | None, int] = {}
        numbers = [distinct.setdefault(value, len(distinct)) for value in column.tolist()]
        if len(distinct) > np.iinfo(self.store).max + 1:
            raise CodecCannotHold(f"At most {np.iinfo(self.store).max + 1} strings may differ; got {len(distinct)}.")
        head = np.array([len(distinct)], "<u4").view(np.uint8)
        return np.concatenate([head, np.array(numbers, self.store).view(np.uint8), _write(list(distinct))])

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        count = int(np.frombuffer(codes[:4].tobytes(), "<u4")[0])
        end = 4 + rows * np.dtype(self.store).itemsize
        numbers = np.frombuffer(codes[4:end].tobytes(), self.store)
        return _column(_read(codes[end:], count)).take(numbers)

    @property
    def terms(self) -> None:
        return None
