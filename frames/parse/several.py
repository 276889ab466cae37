"""Several CSV files that are to be one frame: their common setup, and where the rows of each begin."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from frames.exceptions import FrameError
from frames.parse.guess import Setup, Wishes, guess, sample
from frames.parse.header import guess_header
from frames.parse.ranges import data_start
from frames.parse.source import Head, Source
from frames.table.names import tell_of_repeated_names

_ROWS = 200
_SHOWN = 12


class FirstRow(NamedTuple):
    """A file, and the offset of its first row of data."""

    source: Source
    offset: int


def plan_files(
    sources: Sequence[Source], wishes: Wishes, named: bool = False, spoken: Collection[str] = ()
) -> tuple[Setup, list[FirstRow]]:
    """Return the setup of some files, guessed from the first one, and where the rows of each begin.

    Every file may begin with the header of the first one, or with data. `named` tells that the user names the columns:
    then headers may differ. Texts that all files begin with are a header, too, and so is a first row that has all names
    by which the user speaks of columns (`spoken`).

    Raises FrameError where a file has another header or another number of columns, with both files named.
    """
    looked = [(source, source.sample()) for source in sources]
    # A compressed file of nothing has bytes all the same; it says nothing, like an empty one.
    filled = [(source, head) for source, head in looked if head.data.strip()] or looked[:1]
    sources, heads = [source for source, _ in filled], [head for _, head in filled]
    setup = _guess(heads[0], wishes, sources[0])
    tops = [sample(*head, setup, source.url, _ROWS) for source, head in zip(sources, heads, strict=True)]
    if wishes.header == 0 and (spoken or len(sources) > 1):
        header = _all_told(tops, setup.header is not None) or (bool(spoken) and set(spoken) <= {*tops[0][0]})
        if header != (setup.header is not None):
            setup = _guess(heads[0], replace(wishes, header=1 if header else -1), sources[0])
    tell_of_repeated_names(setup.header or (), setup.names, sources[0].url)
    body = tops[0][1:] if setup.header is not None else tops[0]
    starts = [FirstRow(sources[0], data_start(heads[0].data, setup, setup.header is not None))]
    for source, head, rows in zip(sources[1:], heads[1:], tops[1:], strict=True):
        has_header = _has_header(rows, body, setup, wishes.header, named)
        if has_header is None:
            raise FrameError(_they_differ(setup, sources[0], rows[0], source))
        if rows and not has_header and any(rows[0][setup.width :]):
            raise FrameError(
                f"All files must have {setup.width} columns as the first has; {source.url} has {len(rows[0])}. The "
                f"first is {sources[0].url}. Import them apart."
            )
        starts.append(FirstRow(source, data_start(head.data, setup, has_header)))
    return setup, starts


def _guess(head: Head, wishes: Wishes, source: Source) -> Setup:
    return guess(*head, wishes, source.url)


def _all_told(tops: Sequence[list[list[str]]], header: bool) -> bool:
    """Whether the first file has a header, given that it seems so from this file alone, and what the others begin with.

    Files that all begin with the same texts, which stand nowhere else in them, have a header. A first file of one row
    is told by the rows of the others.
    """
    firsts = [rows[0] for rows in tops if rows]
    alike = len(firsts) > 1 and all(first == firsts[0] for first in firsts)
    if alike and guess_header(firsts[:1]) and not any(firsts[0] in rows[1:] for rows in tops):
        return True
    others = [row for rows in tops[1:] for row in rows]
    return guess_header([*tops[0], *others]) if len(tops[0]) == 1 and others and not alike else header


def _has_header(rows: list[list[str]], body: list[list[str]], setup: Setup, header: int, named: bool) -> bool | None:
    """Whether a further file begins with a header, judged beside its rows and those of the first file; None: with
    another header than the first file."""
    if not rows or header == -1:
        return False
    own = None if setup.header is None else [name.strip() for name in setup.header]
    if own is not None and (rows[0] == own or (named and header == 1)):
        return True
    if header == 1 or (own is not None and set(rows[0]) == set(own)) or guess_header([*rows, *body]):
        return True if named and own is not None else None
    return False


def _they_differ(setup: Setup, first: Source, row: Sequence[str], other: Source) -> str:
    own = f"that of {first.url} is {_shown(setup.header)}" if setup.header is not None else f"{first.url} has none"
    remedy = (
        "Bring the columns into one order"
        if setup.header is not None and sorted(setup.header) == sorted(row)
        else "Import the files apart and bind their rows"
    )
    return (
        f"All files must have the same header; {own}, that of {other.url} is {_shown(row)}. {remedy}; or give "
        "header=-1 where the first rows are data."
    )


def _shown(row: Sequence[str] | None) -> str:
    row = row or ()
    return ", ".join(row[:_SHOWN]) + (f", ... ({len(row)} names)" if len(row) > _SHOWN else "")
