"""What a CSV file looks like: separator, header, names, and which columns are numbers."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from frames.column import Type
from frames.dictionary import NO_NUMBER, NO_VALUE, as_numbers
from frames.errors import FrameError, H2OTypeError, H2OValueError

SEPARATORS = (",", "\t", ";", "|", "\x01", " ")
_ROWS = 2000
_LINES = 100
_DIGITS = re.compile(r"\d")


@dataclass(frozen=True)
class Setup:
    """How to read the rows of some CSV files.

    `texts` are the columns (by position in the file) that are read as text; all others are numbers. `forced` holds the
    types that the user asked for. `kept` are the columns that are read at all. `missing` holds per column
    the texts that mean missing besides the usual ones.
    """

    sep: str
    header: bool
    names: tuple[str, ...]
    texts: frozenset[int]
    forced: dict[int, Type]
    kept: tuple[int, ...]
    missing: tuple[frozenset[str], ...]
    newline: bytes = b"\n"
    quote: str = '"'
    escape: str | None = None
    markers: str | None = None
    exact_floats: bool = False

    def with_texts(self, more: Sequence[int]) -> "Setup":
        """Return the setup that reads some more columns as text."""
        return replace(self, texts=self.texts | frozenset(more))

    @property
    def width(self) -> int:
        """Columns in the file."""
        return len(self.names)

    @property
    def wanted(self) -> list[Type | None]:
        """The types that the user asked for (or None) of the columns that are read as text."""
        return [self.forced.get(i) for i in self.kept if i in self.texts]


def records(
    text: str, sep: str, quote: str = '"', escape: str | None = None, limit: int | None = None
) -> list[list[str]]:
    """Return the fields of the first rows of a text; blank lines are left out, runs of spaces separate once."""
    rows = []
    if sep == " ":
        text = re.sub(r"(?m)^ +| +$", "", re.sub(r"[ \t]+", " ", text))
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=sep, quotechar=quote, escapechar=escape, skipinitialspace=True
    )
    try:
        for row in reader:
            if row:
                rows.append([field.strip() for field in row])
            if limit is not None and len(rows) >= limit:
                break
    except csv.Error as error:
        raise FrameError(f"Rows must be readable as fields separated by {sep!r}; got: {error}.") from error
    return rows


def decode(data: bytes, where: str) -> str:
    """Return the sample of a file as text: UTF-8, or Latin-1 where it is not; raises FrameError for binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FrameError(f"Text must be UTF-8; {where} is UTF-16. Convert it first.")
    if b"\0" in data:
        raise FrameError(f"Files must be text (CSV) or Parquet; {where} is binary: byte {data.index(0)} is 0.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4:  # the sample ends inside a character
            return data[: error.start].decode("utf-8")
        return data.decode("latin-1")


def whole_lines(text: str, newline: str, complete: bool) -> str:
    """Return a sample without its last line, which may be cut (`complete`: the sample is the whole file)."""
    if complete or newline not in text:
        return text
    return text[: text.rindex(newline) + 1]


def newline_of(text: str) -> str:
    """Return what ends lines: "\\n" (also for "\\r\\n") or, on files of old Macs, "\\r"."""
    return "\r" if "\n" not in text and "\r" in text else "\n"


def without_comments(text: str, markers: str = "#") -> str:
    """Return a text without the lines at its top that start with a marker, or are blank."""
    while text:
        line = re.match(r"[^\r\n]*(\r\n|\r|\n)?", text)
        assert line is not None
        if line.group().strip() and line.group()[0] not in markers:
            break
        text = text[line.end() :]
    return text


def without_marked_lines(data: bytes, markers: str | None) -> bytes:
    """Return rows without the lines that start with one of the markers; None: without a change."""
    if not markers:
        return data
    return re.sub(rb"(?m)^[" + re.escape(markers.encode()) + rb"][^\r\n]*(\r\n|\r|\n|\Z)", b"", data)


def guess_separator(text: str, quote: str = '"', escape: str | None = None) -> str:
    """Return the separator of a sample: of , tab ; | ^A and space the one by which most lines have equally many fields.

    >>> guess_separator("a;b\\n1,5;2\\n")
    ';'
    """
    best, best_score = ",", (0.0, 0)
    for sep in SEPARATORS:
        if sep not in text:
            continue
        try:
            widths = Counter(len(row) for row in records(text, sep, quote, escape, _LINES))
        except FrameError:
            continue
        width, lines = widths.most_common(1)[0]
        if width == 1 and len(widths) > 1:
            width, lines = next((w, n) for w, n in widths.most_common() if w > 1)
        score = (round(lines / widths.total(), 2), 1) if width > 1 else (0.0, 0)
        if score > best_score:
            best, best_score = sep, score
    return best


def guess_header(rows: list[list[str]]) -> bool:
    """Return whether the first row names the columns.

    It does when it has no number, its fields differ, and below it there is a column of numbers, or there are columns of
    categories, of which values occur again but none of the first row.

    >>> guess_header([["age", "name"], ["7", "x"]]), guess_header([["5.1", "setosa"], ["4.9", "setosa"]])
    (True, False)
    """
    first = [field for field in rows[0] if field]
    if len(rows) < 2 or not first or len(set(first)) < len(first) or any(_is_number(field) for field in first):
        return False
    if any(field in NO_VALUE | NO_NUMBER for field in first):
        return False
    below = [_column(rows[1:], i) for i in range(len(rows[0]))]
    if any(column and all(map(_is_number, column)) for column in below):
        return True
    repeated = any(len(set(column)) < len(column) for column in below)
    return repeated and not any(rows[0][i] in column for i, column in enumerate(below) if rows[0][i])


def _is_number(field: str) -> bool:
    return field not in NO_NUMBER and field not in NO_VALUE and as_numbers([field]) is not None


def _column(rows: list[list[str]], position: int) -> list[str]:
    fields = [row[position] for row in rows if position < len(row)]
    return [field for field in fields if field not in NO_VALUE and field not in NO_NUMBER]


def default_names(names: Sequence[str], width: int) -> list[str]:
    """Return names for `width` columns: those given, C1, C2, ... where they are empty or too few, and each once."""
    full = [names[i] if i < len(names) and names[i] else f"C{i + 1}" for i in range(width)]
    seen: Counter[str] = Counter()
    taken = set(full)
    for i, name in enumerate(full):
        seen[name] += 1
        if seen[name] > 1:
            number = seen[name] - 1
            while f"{name}{number}" in taken:
                number += 1
            full[i] = f"{name}{number}"
            taken.add(full[i])
    return full


@dataclass(frozen=True)
class Wishes:
    """What the user said about the files; None or 0 means: guess."""

    header: int = 0
    sep: str | None = None
    quote: str = '"'
    escape: str | None = None
    markers: str | None = None

    def __post_init__(self) -> None:
        if self.header not in (-1, 0, 1) or isinstance(self.header, bool):
            raise H2OValueError(f"header must be 1 (yes), 0 (guess) or -1 (no); got {self.header!r}.")
        if self.sep is not None and (not isinstance(self.sep, str) or len(self.sep) != 1):
            raise H2OValueError(f"sep must be one character; got {self.sep!r}.")
        if self.quote not in ('"', "'"):
            raise H2OValueError(f"quotechar must be a double or a single quote; got {self.quote!r}.")
        if self.escape is not None and (not isinstance(self.escape, str) or len(self.escape) != 1):
            raise H2OValueError(f"escapechar must be one character; got {self.escape!r}.")
        if self.markers is not None and not isinstance(self.markers, str):
            raise H2OTypeError(f"custom_non_data_line_markers must be a string; got {self.markers!r}.")


def guess(data: bytes, complete: bool, wishes: Wishes, where: str) -> Setup:
    """Return the setup of a file from its first bytes.

    `complete` says that these are all bytes of the file. Raises FrameError for an empty or binary file.
    """
    text = decode(without_marked_lines(data, wishes.markers), where)
    newline = newline_of(text)
    text = without_comments(whole_lines(text, newline, complete), wishes.markers or "#")
    if not text.strip():
        raise FrameError(f"A file must hold at least one row; {where} is empty.")
    sep = wishes.sep or guess_separator(text, wishes.quote, wishes.escape)
    rows = records(text, sep, wishes.quote, wishes.escape, _ROWS)
    header = wishes.header == 1 or (wishes.header == 0 and guess_header(rows))
    width = len(rows[0])
    body = rows[1:] if header else rows
    if header and body:
        width = max(width, Counter(len(row) for row in body).most_common(1)[0][0])
    names = default_names(rows[0] if header else [], width)
    columns = [_column(body, i) for i in range(width)]
    # Each distinct text once: pixels and codes repeat themselves, and columns may be hundreds.
    texts = frozenset(i for i, column in enumerate(columns) if as_numbers(list(dict.fromkeys(column))) is None)
    return Setup(
        sep=sep,
        header=header,
        names=tuple(names),
        texts=texts,
        forced={},
        kept=tuple(range(width)),
        missing=(frozenset(),) * width,
        newline=newline.encode(),
        quote=wishes.quote,
        escape=wishes.escape,
        markers=wishes.markers,
        exact_floats=_needs_exact_floats(columns, texts),
    )


def _needs_exact_floats(columns: list[list[str]], texts: frozenset[int]) -> bool:
    """Whether some number has more digits than the fast reader rounds correctly."""
    return any(
        "e" in field or "E" in field or len(_DIGITS.findall(field)) > 15
        for i, column in enumerate(columns)
        if i not in texts
        for field in column
        if len(field) > 15 or "e" in field or "E" in field
    )


def must_have_columns(data: bytes, complete: bool, setup: Setup, where: str) -> None:
    """Refuse a further file whose first row has another number of fields than the first file has columns."""
    text = without_comments(whole_lines(decode(data, where), setup.newline.decode(), complete), setup.markers or "#")
    rows = records(text, setup.sep, setup.quote, setup.escape, 1)
    if rows and len(rows[0]) != setup.width:
        raise FrameError(f"All files must have {setup.width} columns as the first has; {where} has {len(rows[0])}.")
