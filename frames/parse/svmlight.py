"""SVMLight files: a target and the features that are not zero, `1 3:0.5 7:2`, as a sparse matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from frames.exceptions import FrameError
from frames.parse.guess import Setup
from frames.parse.source import Source

if TYPE_CHECKING:  # it is loaded when such a file is read: it takes as long as a small model, for every script
    from scipy.sparse import csr_matrix

_BLOCK = 2**24
_NUMBER = rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_STRICT = re.compile(rb"[ \t]*" + _NUMBER + rb"(?:[ \t]+\d+:" + _NUMBER + rb")*[ \t]*(?:#.*)?")
_BESIDE = re.compile(rb"#[^\n]*|\bqid:\d+")


def is_svmlight(head: bytes) -> bool:
    """Return whether a file begins with rows as SVMLight writes them, two features in one of them at least.

    >>> is_svmlight(b"1 1:0.5 3:2\\n-1 2:1\\n"), is_svmlight(b"1 12:30\\n2 12:45\\n"), is_svmlight(b"a,b\\n")
    (True, False, False)
    """
    lines = [line for line in head.splitlines()[:8] if line.strip()]
    return max((line.count(b":") for line in lines), default=0) > 1 and all(map(_STRICT.fullmatch, lines))


def read_svmlight(sources: Sequence[Source]) -> tuple[Setup, csr_matrix]:
    """Return the setup and rows of some files: column 0 is the target, column i feature i; what is not named is 0.

    Comments (`#`) and query numbers (`qid:`) are left out. Raises FrameError for a line that is no such row.
    """
    import scipy.sparse as sp

    blocks = [_block(data, before, source.url) for source in sources for data, before in _lines(source)]
    width = max((block.shape[1] for block in blocks), default=0)
    if not sum(block.shape[0] for block in blocks):
        raise FrameError(f"A file must hold at least one row; {sources[0].url} is empty.")
    for block in blocks:
        block.resize(block.shape[0], width)
    names = tuple(f"C{i + 1}" for i in range(width))
    setup = Setup(
        sep=" ",
        header=None,
        names=names,
        texts=frozenset(),
        forced={},
        kept=tuple(range(width)),
        missing=(frozenset(),) * width,
    )
    return setup, sp.vstack(blocks, format="csr")


def _lines(source: Source) -> Iterator[tuple[bytes, int]]:
    """Whole lines of a file in blocks, each with the number of lines before it."""
    rest, before = b"", 0
    for piece in source.blocks(_BLOCK):
        data = rest + piece
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end], before
            before += data.count(b"\n", 0, end)
        rest = data[end:]
    if rest.strip():
        yield rest, before


def _block(data: bytes, before: int, where: str) -> csr_matrix:
    """Return the rows of some lines. All numbers are read at once: targets and pairs differ by where they stand."""
    import scipy.sparse as sp

    lines = [line for line in _BESIDE.sub(b"", data).splitlines() if line.strip()]
    if not all(map(_STRICT.fullmatch, lines)):
        raise FrameError(_wrong_line(data, before, where))
    pairs = np.array([line.count(b":") for line in lines], np.int64)
    numbers = np.array(b" ".join(lines).replace(b":", b" ").split(), dtype=object).astype(np.float64)
    is_target = np.zeros(len(numbers), bool)
    is_target[np.cumsum(2 * pairs + 1) - (2 * pairs + 1)] = True
    indices, values = numbers[~is_target][0::2], numbers[~is_target][1::2]
    row = np.repeat(np.arange(len(lines)), pairs)
    if (indices < 1).any() or ((row[1:] == row[:-1]) & (indices[1:] <= indices[:-1])).any():
        raise FrameError(_wrong_line(data, before, where))
    rows = np.concatenate([np.arange(len(lines)), row])
    columns = np.concatenate([np.zeros(len(lines)), indices]).astype(np.int64)
    shape = (len(lines), int(columns.max(initial=0)) + 1)
    return sp.csr_matrix((np.concatenate([numbers[is_target], values]), (rows, columns)), shape=shape)


def _wrong_line(data: bytes, before: int, where: str) -> str:
    """Return the sentence about the first line that is no row: pairs must be numbers, features ascend from 1."""
    for number, line in enumerate(data.splitlines(), before + 1):
        row = _BESIDE.sub(b"", line)
        found = [int(one) for one in re.findall(rb"\s(\d+):", row)]
        ascending = all(a < b for a, b in zip([0, *found], found, strict=False))
        if row.strip() and not (_STRICT.fullmatch(row) and ascending):
            shown = line.decode("utf-8", "replace")[:80]
            return (
                "A row of an SVMLight file must be a target and pairs feature:value, features from 1 on and ascending; "
                f"got {shown!r} in line {number} of {where}."
            )
    return f"Rows of {where} behind line {before} must be a target and pairs feature:value."
