"""Tables as a person sees them: aligned text that fits the terminal, and HTML that keeps its cells in one piece.

Where the output is no screen (a file, a pipe, a captured test) text is never folded or cut: somebody may read it on.
"""

from __future__ import annotations

import html
import shutil
import sys
from collections.abc import Iterator, Sequence

LONGEST_CELL = 60  # characters of a text cell on screen; what is longer ends in dots
NOTEBOOK_ROOM = 120  # characters of a printed line before the common notebooks wrap it
GAP = "  "
DOTS = "..."
CONTROLS = {code: repr(chr(code))[1:-1] for code in (*range(32), 0x7F, 0x85, 0x2028, 0x2029)}
"""Characters that would break a line or move the cursor, and how they are shown."""

Rows = Sequence[Sequence[str]]


def in_notebook() -> bool:
    """Tell whether what is printed goes to the cell of a notebook."""
    return type(sys.stdout).__module__.startswith("ipykernel")


def room() -> int | None:
    """Return how many characters fit on a line of the screen; None where the output is no screen.

    Example: ``COLUMNS=80 python script.py`` gives 80, ``python script.py > log`` gives None.
    """
    if in_notebook():
        return NOTEBOOK_ROOM
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


def show_html(page: str) -> None:
    """Show HTML: a notebook draws it, elsewhere it is printed as it is."""
    if not in_notebook():
        print(page)
        return
    from IPython.display import HTML, display

    display(HTML(page))


def text_table(header: Sequence[str], rows: Rows, left: bool = False, most: int | None = None) -> str:
    """Return columns under a ruled header, right aligned unless `left`.

    Columns that do not fit in `most` characters (None: all do) follow below in blocks that repeat the first column
    that says something.
    """
    widths = _widths(header, rows)
    blocks = []
    for picked in _blocks(widths, most, _label(rows)):
        rule = ["-" * widths[i] for i in picked]
        lines = [[header[i] for i in picked], rule, *([row[i] for i in picked] for row in rows)]
        blocks.append("\n".join(_line(line, [widths[i] for i in picked], left) for line in lines))
    return "\n\n".join(blocks)


def shortened(header: Sequence[str], rows: Rows, most: int | None) -> tuple[list[str], list[list[str]]]:
    """Return the table with long texts cut, and its middle columns replaced by dots where it is wider than `most`.

    Line ends and tabs are written as in Python: a row stays a line.
    """
    header, cut = [name.translate(CONTROLS) for name in header], [[_cell(cell) for cell in row] for row in rows]
    widths = _widths(header, cut)
    if most is None or _total(widths) <= most:
        return header, cut
    kept = len(widths) - 1
    while kept > 2 and _total([*_ends(widths, kept), len(DOTS)]) > most:
        kept -= 1
    return _dotted(header, kept), [_dotted(row, kept) for row in cut]


def html_table(header: Sequence[str], rows: Rows, texts: Sequence[int] = (), title: str = "") -> str:
    """Return the table as HTML, every cell escaped; columns at the positions `texts` are left aligned.

    It scrolls sideways where the page is too narrow.
    """
    aligned = ["left" if position in texts else "right" for position in range(len(header))]
    sides = [f' style="text-align: {side}; white-space: nowrap"' for side in aligned]
    head = "".join(f"<th{side}>{html.escape(str(c))}</th>" for c, side in zip(header, sides, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{side}>{html.escape(str(c))}</td>" for c, side in zip(row, sides, strict=True)) + "</tr>"
        for row in rows
    )
    above = f'<div style="margin-top: 1em"><b>{html.escape(title)}</b></div>' if title else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'{above}<div style="overflow-x: auto">{table}</div>'


def _widths(header: Sequence[str], rows: Rows) -> list[int]:
    return [max(len(cell) for cell in cells) for cells in zip(header, *rows, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _label(rows: Rows) -> int:
    """Return the first column that is not blank."""
    return next((i for i in range(len(rows[0]) if rows else 0) if any(row[i].strip() for row in rows)), 0)


def _blocks(widths: Sequence[int], most: int | None, label: int) -> Iterator[list[int]]:
    """Yield the positions of each block's columns; at least one new column per block, however wide."""
    block: list[int] = []
    for position in range(len(widths)):
        if most is not None and len(block) > 1 and _total([widths[i] for i in [*block, position]]) > most:
            yield block
            block = [label]
        block.append(position)
    yield block


def _line(cells: Sequence[str], widths: Sequence[int], left: bool) -> str:
    if left:
        return GAP.join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()
    return GAP.join(c.rjust(w) for c, w in zip(cells, widths, strict=True))


def _cell(text: str) -> str:
    text = text.translate(CONTROLS)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - len(DOTS)] + DOTS


def _ends(items: Sequence, kept: int) -> list:
    return [*items[: (kept + 1) // 2], *items[len(items) - kept // 2 :]]


def _dotted(cells: Sequence[str], kept: int) -> list[str]:
    ends = _ends(cells, kept)
    return [*ends[: (kept + 1) // 2], DOTS, *ends[(kept + 1) // 2 :]]
