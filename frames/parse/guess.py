"""What a CSV file looks like: separator, header, names, and which columns are numbers."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, zip_longest

from frames.chunks.column import Type
from frames.columns.dictionary import NO_NUMBER, NO_VALUE, number_in
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.parse.header import Quoting, guess_header
from frames.table.names import default_names
from frames.text.dates import follow

SEPARATORS = ("\t", ",", ";", "|", "\x01")
_ROWS = 2000
_FIELDS = 400_000
_LEAST_ROWS = 20
_MISSING = NO_VALUE | NO_NUMBER
_LINES = 100
_DIGITS = re.compile(r"\d")

# Python's own limit, 128 KiB, is less than some texts have; it is one for the process.
csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))


@dataclass(frozen=True)
class Setup:
    """How to read the rows of some CSV files.

    `header` is the first row where it names the columns, as it stands in the file, else None. `texts` are the columns
    (by position in the file) that are read as text; all others are numbers. `forced` holds the types that the user
    asked for. `kept` are the columns that are read at all. `missing` holds per column the texts that mean missing
    besides the usual ones. `doubles` are columns that hold doubles, so that no integer of theirs was rounded or will
    be. `levels` are those that the file says columns of categories to have, in their order.
    """

    sep: str
    header: tuple[str, ...] | None
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
    doubles: frozenset[int] = frozenset()
    levels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

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
    return [[field.strip() for field in row] for row in _cut(text, sep, quote, escape, limit)]


def _cut(text: str, sep: str, quote: str, escape: str | None, limit: int | None) -> Iterator[list[str]]:
    """Yield the fields of the first rows of a text, with the blanks around them."""
    if sep == " ":
        text = _spaced(text, quote)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=sep, quotechar=quote, escapechar=escape, skipinitialspace=True
    )
    try:
        yield from islice(filter(None, reader), limit)
    except csv.Error as error:
        raise FrameError(f"Rows must be readable as fields separated by {sep!r}; got: {error}.") from error


def _spaced(text: str, quote: str) -> str:
    """Return a text whose fields are apart by spaces: tabs count as such, and none stands at the ends of lines."""
    q = re.escape(quote)
    quoted = rf"(?<![^ \t\r\n])({q}(?:[^{q}]|{q}{q})*{q})"
    ends = r"(?<![^\r\n])[ \t]+|[ \t]+(?![^\r\n])"
    return re.sub(rf"{quoted}|{ends}|(\t)", lambda found: found[1] or (" " if found[2] else ""), text)


def decode(data: bytes, where: str) -> str:
    """Return the sample of a file as text (see `mended`); raises FrameError for binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FrameError(f"Text must be UTF-8; {where} is UTF-16. Convert it first.")
    if b"\0" in data:
        raise FrameError(f"Files must be text (CSV) or Parquet; {where} is binary: byte {data.index(0)} is 0.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4:  # the sample ends inside a character
            return data[: error.start].decode("utf-8", "surrogatepass")
        return mended(data).decode("utf-8", "surrogatepass")


def mended(data: bytes) -> bytes:
    """Return text as UTF-8, also with surrogates, as exports write them; other bytes are letters of Windows-1252.

    Letter by letter, for all blocks of a file must read a text alike, whatever else they hold.

    >>> mended("größe, ".encode() + "größe".encode("cp1252")).decode()
    'größe, größe'
    """
    return data.decode("utf-8", "letters of windows-1252").encode("utf-8", "surrogatepass")


def _letter(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    start, data = error.start, error.object
    try:
        return data[start : start + 3].decode("utf-8", "surrogatepass"), start + 3
    except UnicodeDecodeError:  # no UTF-8: one byte is one letter
        letter = data[start : start + 1]
        return letter.decode("latin-1" if letter in b"\x81\x8d\x8f\x90\x9d" else "cp1252"), start + 1


codecs.register_error("letters of windows-1252", _letter)


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
    """Return the separator of a sample: of tab , ; | ^A the one by which most lines have equally many fields.

    Blanks separate only where none of these does it for half of the lines, and blanks do: texts have blanks in them,
    and so have times. A file of one column has the separator ",".

    >>> guess_separator("a;b\\n1,5;2\\n"), guess_separator("new york,1\\nrome\\nlos angeles,3\\n")
    (';', ',')
    """
    shares = {sep: _share(text, sep, quote, escape) for sep in SEPARATORS if sep in text}
    best = max(shares, key=lambda sep: shares[sep], default=",")
    if shares.get(best, 0.0) > 0.5 or " " not in text:
        return best if shares.get(best, 0.0) else ","
    return " " if _blanks_separate(text, quote, escape, shares.get(best, 0.0)) else best if shares.get(best) else ","


def _blanks_separate(text: str, quote: str, escape: str | None, other: float) -> bool:
    """Whether blanks cut at least half of the lines into equally many fields, and more of them than `other`.

    No line may have more fields; and where no field is a number, so that blanks may as well be those of texts, none
    below the first fewer. A column of times has blanks within these.
    """
    lines = [line.strip() for line in _lines(text)[1 : _LINES + 1]]
    share = _share(text, " ", quote, escape)
    if share < 0.5 or share <= other or (lines and all(follow(lines))):
        return False
    rows = records(text, " ", quote, escape, _LINES)
    below = {len(row) for row in rows[1:]}
    if not any(number_in(field) is not None for row in rows for field in row):
        return len(below) < 2 and not below & {*range(len(rows[0]))}
    most = Counter(len(row) for row in rows).most_common(1)[0][0]
    return max(below, default=0) <= max(len(rows[0]), most)


def _share(text: str, sep: str, quote: str, escape: str | None) -> float:
    """Return the share of lines with as many fields as most of those that the separator cuts; 0 where it cuts none."""
    try:
        widths = Counter(map(len, _cut(text, sep, quote, escape, _LINES)))
    except FrameError:  # a separator that cannot cut these lines is not theirs
        return 0.0
    return max((round(lines / widths.total(), 2) for width, lines in widths.items() if width > 1), default=0.0)


def _columns(rows: Sequence[list[str]], width: int) -> list[list[str]]:
    """Return the present fields of each column; of wide tables only those of some rows."""
    rows = rows[: max(_LEAST_ROWS, _FIELDS // width)]
    by_column = [*islice(zip_longest(*rows, fillvalue=""), width)]
    by_column += [()] * (width - len(by_column))
    return [[field for field in fields if field not in _MISSING] for fields in by_column]


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
        if self.sep is not None and (not self.sep.isascii() or self.sep in "\r\n\0" or self.sep == self.quote):
            raise H2OValueError(
                f"sep must be an ASCII character, and no line end, quote or zero byte; got {self.sep!r}. Replace the "
                "separator in the file."
            )
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
    header = wishes.header == 1 or (wishes.header == 0 and guess_header(rows, _quoting(text, sep, wishes)))
    body = rows[1:] if header else rows
    width = _width(rows, sep == "\t" and all(line.endswith("\t") for line in _lines(text)))
    first = _names(text, rows[0], sep, wishes) if header else []
    names = default_names(first, width)
    columns = _columns(body, width)
    # Each distinct text once: pixels and codes repeat themselves, and columns may be hundreds.
    texts = frozenset(i for i, column in enumerate(columns) if any(number_in(text) is None for text in set(column)))
    return Setup(
        sep=sep,
        header=tuple(first) if header else None,
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


def _names(text: str, fields: Sequence[str], sep: str, wishes: "Wishes") -> list[str]:
    """Return the fields of the first row as names: those in quotes keep the blanks around them."""
    quote = re.escape(wishes.quote)
    if wishes.quote not in text or wishes.escape is not None:
        return list(fields)
    between, other = (r"[ \t]+", r" \t") if sep == " " else (re.escape(sep), re.escape(sep))
    field = re.compile(rf" *(?:{quote}((?:[^{quote}]|{quote}{quote})*){quote}|[^{other}\r\n]*)(?:{between}|[\r\n]|\Z)")
    names, position = [], 0
    for stripped in fields:
        found = field.match(text, position)
        exact = None if found is None else found[1]
        if found is None or (exact is not None and _undoubled(exact, wishes.quote).strip() != stripped):
            return list(fields)
        names.append(stripped if exact is None else _undoubled(exact, wishes.quote))
        position = found.end()
    return names


def _undoubled(text: str, quote: str) -> str:
    return text.replace(2 * quote, quote)


def _width(rows: list[list[str]], ends_in_tabs: bool) -> int:
    """How many columns there are: fields of the first row, or of most others where these are more.

    A first row that is shorter (a count of rows, a line about the source) ends in missing cells as any short row does.
    A tab at the end of every line separates nothing.
    """
    width = max(len(rows[0]), Counter(len(row) for row in rows[1:] or rows).most_common(1)[0][0])
    return width - (ends_in_tabs and width > 1 and not any(any(row[width - 1 :]) for row in rows))


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r\n") for line in io.StringIO(text, newline="") if line.strip(" \r\n")]


def _quoting(text: str, sep: str, wishes: "Wishes") -> list[Quoting]:
    """How the first and the last fields of the first rows are quoted."""
    quote = wishes.quote
    if quote not in text:
        return []
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=sep, quotechar=quote, escapechar=wishes.escape, skipinitialspace=True)
    found, begin = [], 0
    for row in islice(reader, _LINES):
        if row:
            first = lines[begin].lstrip(" ").startswith(quote)
            last = lines[reader.line_num - 1].rstrip().endswith(quote)
            needs = [any(letter in field for letter in (sep, quote, "\r", "\n")) for field in (row[0], row[-1])]
            found.append(Quoting(None if needs[0] else first, None if needs[1] else last))
        begin = reader.line_num
    return found


def _needs_exact_floats(columns: list[list[str]], texts: frozenset[int]) -> bool:
    """Whether some number has more digits than the fast reader rounds correctly."""
    return any(
        "e" in field or "E" in field or len(_DIGITS.findall(field)) > 15
        for i, column in enumerate(columns)
        if i not in texts
        for field in column
        if len(field) > 15 or "e" in field or "E" in field
    )


def sample(data: bytes, complete: bool, setup: Setup, where: str, limit: int) -> list[list[str]]:
    """Return the first rows of a further file, read as the first one is."""
    text = whole_lines(decode(without_marked_lines(data, setup.markers), where), setup.newline.decode(), complete)
    return records(without_comments(text, setup.markers or "#"), setup.sep, setup.quote, setup.escape, limit)
