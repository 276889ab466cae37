"""Which bytes of a file make a block of whole rows."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from frames.exceptions import FrameError
from frames.parse.guess import Setup, without_comments
from frames.parse.source import Source

RANGE_BYTES = 16 * 2**20
"""Bytes of a range. Smaller ones make the reader several times slower on wide files: it has costs per column."""

LEAST_BYTES = 4 * 2**20
"""Bytes of a range where workers have little memory."""

SHARE = 1 / 4
"""Of what a task may use: a range is held as text, as numbers and as what they are packed to."""

_AHEAD = 64 * 1024
_LEAST = 64 * 1024


class ByteRange(NamedTuple):
    """Bytes of a file that one task reads: the rows that begin at `start` or later and before `stop`.

    With `exact` both ends are known to be ends of rows. `first` marks the start of the data.
    """

    source: Source
    start: int
    stop: int
    first: bool
    exact: bool = False


def data_start(head: bytes, setup: Setup, skip_first: bool) -> int:
    """Return where the rows of a file begin, after byte order mark, comments and, with `skip_first`, the first row."""
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    text = head[start:].decode("latin-1")  # one character per byte: offsets stay true
    rest = without_comments(text, setup.markers or "#")
    start += len(text) - len(rest)
    return start + _first_record_end(rest.encode("latin-1"), setup) if skip_first else start


def _first_record_end(data: bytes, setup: Setup) -> int:
    position = data.find(setup.newline)
    spans = quoted_spans(data, setup)
    while position >= 0 and _inside(position, spans):
        position = data.find(setup.newline, position + 1)
    return len(data) if position < 0 else position + 1


def plan(source: Source, start: int, count: int) -> list[ByteRange]:
    """Return `count` ranges (fewer for a small file) that together cover a file from `start` on."""
    assert source.size is not None
    total = source.size - start
    count = max(1, min(count, total // _LEAST))
    cuts = [start + total * i // count for i in range(count + 1)]
    return [ByteRange(source, a, b, a == start) for a, b in pairwise(cuts)]


def count_ranges(total_bytes: int, threads: int, workers: int, size: int | None = None) -> int:
    """Return into how many ranges to cut so many bytes: of `size` (16 MiB) at most, equally many per thread, one per
    worker."""
    count = -(-total_bytes // (size or RANGE_BYTES))
    if count > 1:
        return -(-count // threads) * threads
    return max(count, workers)


def read_rows(range_: ByteRange, setup: Setup) -> bytes:
    """Return the whole rows of a range."""
    source, start, stop = range_.source, range_.start, range_.stop
    if range_.exact:
        return source.read(start, stop)
    assert source.size is not None
    begin = start if range_.first else start - 1
    data = source.read(begin, stop)
    offset = 0
    if not range_.first:
        found = data.find(setup.newline)
        if found < 0 or begin + found >= stop - 1:
            return b""  # no row begins here
        offset = found + 1
    ahead = _AHEAD
    parts = [data]
    end = stop
    while parts[-1][-1:] != setup.newline and end < source.size:
        more = source.read(end, min(end + ahead, source.size))
        found = more.find(setup.newline)
        if found >= 0:
            more = more[: found + 1]
        parts.append(more)
        end += len(more)
        ahead *= 2
    return b"".join([memoryview(data)[offset:], *parts[1:]])


def quotes_are_even(data: bytes, setup: Setup) -> bool:
    """Return whether each line has an even number of quotes, so that no quoted field goes over a line's end."""
    if setup.escape is not None:
        return setup.quote.encode() not in data
    if setup.quote.encode() not in data:
        return True
    letters = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(letters == ord(setup.quote))
    ends = np.flatnonzero(letters == setup.newline[0])
    before = np.searchsorted(quotes, ends)
    return not (before % 2).any() and len(quotes) % 2 == 0


@cache
def _quoted_field(sep: str, quote: str, escape: str | None) -> re.Pattern[bytes]:
    q = re.escape(quote)
    e = re.escape(escape) if escape else ""
    plain = f"[^{q}{e}]*"
    special = f"(?:{q}{q}" + (f"|{e}." if escape else "") + ")"
    # A field is quoted only where a quote is its first letter; a quote further on is a letter as any other.
    text = f"(?:\\A|(?<=[{re.escape(sep)}\\r\\n])) *{q}{plain}(?:{special}{plain})*({q}|\\Z)"
    return re.compile(text.encode(), re.DOTALL)


def quoted_spans(data: bytes, setup: Setup) -> list[tuple[int, int]]:
    """Return where quoted fields begin and end; one that is still open at the end of the data ends behind it."""
    if setup.quote.encode() not in data:
        return []
    found = _quoted_field(setup.sep, setup.quote, setup.escape).finditer(data)
    return [(m.start(), m.end() if m.group(1) else len(data) + 1) for m in found]


def _inside(position: int, spans: list[tuple[int, int]]) -> bool:
    i = bisect_right(spans, (position, 2**63)) - 1
    return i >= 0 and position < spans[i][1]


def last_row_end(data: bytes, setup: Setup) -> int:
    """Return the offset behind the last whole row of a piece of data that begins with a row; 0 where there is none."""
    position = data.rfind(setup.newline)
    if position < 0 or quotes_are_even(data[: position + 1], setup):
        return position + 1
    spans = quoted_spans(data, setup)
    while position >= 0 and _inside(position, spans):
        i = bisect_right(spans, (position, 2**63)) - 1
        position = data.rfind(setup.newline, 0, spans[i][0])
    return position + 1


def row_blocks(source: Source, start: int, setup: Setup, size: int | None = None) -> Iterator[bytes]:
    """Yield the rows of a file from `start` on in blocks of `size` bytes (16 MiB) or so; no quoted field is cut.

    A file without rows gives one empty block.
    """
    size = size or RANGE_BYTES
    rest, blocks = b"", 0
    skip = start
    for piece in source.blocks(size):
        if skip:
            skipped = min(skip, len(piece))
            piece, skip = piece[skipped:], skip - skipped
        data = rest + piece
        end = last_row_end(data, setup)
        if end:
            yield data[:end]
            blocks += 1
        rest = data[end:]
        if len(rest) > 64 * size:
            raise FrameError(
                f"A row must end within {64 * size} bytes; {source.url} has a longer one. "
                "A quoted field without its closing quote is the usual cause."
            )
    if rest or not blocks:
        yield rest


def exact_ranges(source: Source, start: int, setup: Setup, size: int | None = None) -> list[ByteRange]:
    """Return ranges whose ends are ends of rows, found by reading the file once: for quoted fields with line ends."""
    ranges = []
    position = start
    for block in row_blocks(source, start, setup, size):
        ranges.append(ByteRange(source, position, position + len(block), position == start, exact=True))
        position += len(block)
    return ranges
