"""A large block of text that holds only numbers -> a chunk, without a general reader in between."""

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from frames.chunks.chunk import Chunk
from frames.chunks.summary import Summary
from frames.parse.guess import Setup

if TYPE_CHECKING:
    from frames.parse.fast_path import Bytes

LEAST = 4 * 2**20
"""Smaller blocks are left to pandas: it needs a moment for them, and loading the compiled reader takes longer."""

_WHOLE = 2.0**53


def pack_numbers(data: bytes, setup: Setup) -> Chunk | None:
    """Return the columns of a block as a chunk, as pandas would have read them bit by bit; None where the setup, or
    something in the text, asks for more than plain numbers.

    Integers from 0 to 255 without missing values, such as pixels, stay bytes in rows from the text to the chunk.
    """
    if not suits(len(data), setup):
        return None
    found = _reader().read(data, setup.width, setup.sep)
    if found is None or any(values.dtype.kind == "f" and may_be_rounded(values) for values in found.others.values()):
        return None
    return Chunk.pack_bytes(found.rows, found.bytes.block, _summaries(found.bytes, found.rows), found.others)


def may_be_rounded(values: np.ndarray) -> bool:
    """Whether a column of float64 is nothing but integers, some of them so long that other ones round to them."""
    with np.errstate(all="ignore"):
        large = np.fmax.reduce(np.abs(values), initial=0.0)
        # 2**63 is what the last integers of 64 bits round to.
        return bool(_WHOLE <= large <= 2.0**63 and ((np.rint(values) == values) | np.isnan(values)).all())


def load() -> None:
    """Load the compiled reader now: several threads that want it at once hinder each other."""
    _reader()


def _reader() -> ModuleType:
    from frames.parse import fast_path  # loads compiled code, which frames without large files of text never need

    return fast_path


def suits(size: int, setup: Setup) -> bool:
    """Whether a block is large, every column is read as a number, and no letter of numbers means another thing."""
    if size < LEAST:
        return False
    sep = setup.sep
    if setup.texts or len(setup.kept) < setup.width or any(setup.missing) or setup.escape is not None:
        return False
    return setup.newline == b"\n" and sep.isascii() and not sep.isalnum() and sep not in " +-.\"'\r\n"


def _summaries(found: "Bytes", rows: int) -> dict[int, Summary]:
    """Return the summaries of columns of bytes by position; the spread is exact but for one division."""
    table = (found.columns, found.low, found.high, found.zeros, found.total, found.squares)
    return {
        column: Summary(
            rows=rows,
            missing=0,
            zeros=zeros,
            mean=total / rows,
            m2=(rows * squares - total * total) / rows,
            minimum=float(low),
            maximum=float(high),
            all_integer=True,
        )
        for column, low, high, zeros, total, squares in zip(*(one.tolist() for one in table), strict=True)
    }
