"""Predict rows of a table with an exported network. Needs Python and NumPy, nothing else.

In a shell, for a CSV file with a header (columns by name in any order, others are ignored)::

    python FILE.py < rows.csv > predictions.csv
    python FILE.py --strict < rows.csv > predictions.csv    # refuse unknown levels and what is no number
    python FILE.py --anomaly < rows.csv > errors.csv        # autoencoders: the error of each row

In Python, for a dict of lists or arrays, or a table of pandas::

    import FILE
    FILE.predict({"age": [31.0, None], "town": ["rome", "oslo"]})    # a dict: column -> array

A cell is a number, a text, or missing (None, NaN, an empty text). A missing number counts as the mean of training, a
missing or unknown level as the model's unit for missing levels. Sums are made in double precision.
"""

import base64
import csv
import io
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

NO_NUMBER = frozenset({"", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL"})
TRUTHS = {"False": 0.0, "True": 1.0}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?[iI]nf(inity)?", re.ASCII)
TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?", re.ASCII)
ROWS = 4096  # rows that are worked on at a time
KEPT = 1_000_000  # cells whose meaning is remembered
SHOWN = 3  # cells that a sentence names


class BadInput(ValueError):
    """Rows that cannot be scored: what must be what, what came, and what to do."""


class Meanings(dict):
    """What the cells of one column mean, remembered: a number (NaN: missing), or the code of a level.

    `odd` counts the cells that are no number, or no level of the model.
    """

    def __init__(self, field: Mapping[str, Any]) -> None:
        super().__init__()
        self.name, self.time, self.odd = field["name"], field.get("time", False), dict[str, int]()
        levels = field.get("levels")
        self.categorical, self.missing = levels is not None, math.nan if levels is None else len(levels)
        self.levels = {text: code for code, text in enumerate(levels or ())} | field.get("texts", {})
        self.numbers = dict(field.get("numbers", ()))

    def __missing__(self, cell: Any) -> float:
        if len(self) > KEPT:
            self.clear()
        meaning = self._level(cell) if self.categorical else self._number(cell)
        if meaning is None:  # not remembered, so that each is counted
            self.odd[str(cell)] = self.odd.get(str(cell), 0) + 1
            return self.missing
        self[cell] = meaning
        return meaning

    def of(self, cells: Any) -> np.ndarray:
        """Return what cells (rows,) mean: float64, or codes int64."""
        if not isinstance(cells, list):
            array = np.asarray(cells)
            if not self.categorical and array.dtype.kind in "fiub":
                return array.astype(np.float64)
            if not self.categorical and array.dtype.kind == "M":
                return np.where(np.isnat(array), math.nan, array.astype("M8[ms]").astype(np.float64))
            cells = array.tolist()
        return np.array([self[cell] for cell in cells], np.int64 if self.categorical else np.float64)

    def said(self) -> str:
        """Return a sentence about the odd cells, empty where there are none."""
        if not self.odd:
            return ""
        some = ", ".join(map(repr, list(self.odd)[:SHOWN])) + (", ..." if len(self.odd) > SHOWN else "")
        kind = "levels that the model does not know" if self.categorical else "cells that are no numbers"
        return f"column {self.name!r} has {kind}, {sum(self.odd.values())} cells in all: {some}"

    def _number(self, cell: Any) -> float | None:
        if not isinstance(cell, str):
            return math.nan if is_missing(cell) else float(cell)
        text = cell.strip()
        if NUMBER.fullmatch(text):
            return float(text)
        if self.time and TIME.fullmatch(text):
            return float(np.datetime64(text.replace(" ", "T"), "ms").astype(np.int64))
        return math.nan if text in NO_NUMBER else TRUTHS.get(cell)

    def _level(self, cell: Any) -> float | None:
        if is_missing(cell):
            return self.missing
        if not isinstance(cell, str):
            return self.numbers.get(float(cell))
        code = self.levels.get(cell)
        return self.numbers.get(float(cell)) if code is None and NUMBER.fullmatch(cell.strip()) else code


def is_missing(cell: Any) -> bool:
    """Tell whether a cell is missing: None, NaN, pandas' NA and NaT, an empty text."""
    return cell is None or cell == "" if isinstance(cell, str | None) else str(cell) in ("nan", "<NA>", "NaT")


class Scorer:
    """A network: `facts` says how rows are read and what comes out, `weights` are its numbers, zipped in base64.

    `formulas` are the functions of the layers, from first to last, and the one that makes predictions of the last
    layer's units.
    """

    def __init__(self, facts: Mapping[str, Any], weights: str, formulas: Sequence[Callable[[Any], Any]]) -> None:
        self.facts, self.formulas, self.offset, self.domain = facts, formulas, facts["offset"], facts["domain"]
        flat = matrices_of(np.frombuffer(zlib.decompress(base64.b64decode(weights)), "<f4").astype(np.float64))
        first = facts["layers"][0]
        # one row more than there are units: that of columns without an active unit
        self.table = flat(facts["level_units"] + 1, first["units"] * first["pieces"])
        self.layers, below = [], len(facts["numbers"])
        for layer in facts["layers"]:
            sums = layer["units"] * layer["pieces"]
            self.layers.append((flat(sums, below).T, flat(1, sums), layer["pieces"], layer["kept"]))
            below = layer["units"]

    def predict(self, table: Any, strict: bool = False) -> dict[str, np.ndarray]:
        """Return the columns of predictions (rows,) of a table: a mapping of columns, or a DataFrame.

        With `strict`, unknown levels and cells that are no numbers raise BadInput, as infinite numbers always do.
        """
        return self.session(strict).predict(table)

    def anomaly(self, table: Any, strict: bool = False) -> np.ndarray:
        """Return the mean squared error (rows,) of the reconstruction, in scaled units; autoencoders only."""
        return self.session(strict).anomaly(table)["Reconstruction.MSE"]

    def session(self, strict: bool = False) -> "Session":
        """Return what reads rows and remembers what their cells mean."""
        return Session(self, strict)

    def units(self, numbers: np.ndarray, active: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Return the last layer's units (rows, units) for inputs (rows, numbers) and rows of the table (rows, k)."""
        values = numbers
        for number, (weights, bias, pieces, kept) in enumerate(self.layers):
            sums = values @ weights + bias
            if number == 0:
                for k in range(active.shape[1]):
                    sums += self.table[active[:, k]]
            if number == len(self.layers) - 1:
                sums += offset[:, None]
            if pieces > 1:
                sums = sums.reshape(len(sums), pieces, -1).max(axis=1)
            values = self.formulas[number](sums) * kept
        return values

    def columns(self, found: np.ndarray) -> dict[str, np.ndarray]:
        """Return predictions (rows, units) as named columns, with the label first where there are classes."""
        names = self.facts["columns"]
        if self.domain is None:
            return dict(zip(names, found.T, strict=True))
        if self.facts["category"] == "Binomial":
            labels = (found[:, 1] >= self.facts["threshold"]).astype(np.int64)
        else:
            order = np.array(self.facts["order"])
            labels = order[found[:, order].argmax(axis=1)]
        return dict(zip(names, [np.array(self.domain, object)[labels], *found.T], strict=True))


def matrices_of(flat: np.ndarray) -> Callable[[int, int], np.ndarray]:
    """Return a function that gives one matrix after the other of a flat array."""
    at = 0

    def block(rows: int, columns: int) -> np.ndarray:
        nonlocal at
        at += rows * columns
        return flat[at - rows * columns : at].reshape(rows, columns)

    return block


class Session:
    """A scorer at work on tables with the same columns."""

    def __init__(self, scorer: Scorer, strict: bool) -> None:
        self.scorer, self.strict, self.facts = scorer, strict, scorer.facts
        self.meanings = [Meanings(field) for field in self.facts["fields"]]
        self.offsets = Meanings({"name": self.facts["offset"]})

    @property
    def odd(self) -> list[str]:
        """What is to be said of cells that were taken as missing, a sentence per column."""
        return [said for one in (*self.meanings, self.offsets) if (said := one.said())]

    def predict(self, table: Any) -> dict[str, np.ndarray]:
        """Return the columns of predictions of a table."""
        parts = []
        for inputs in self._inputs(table):
            with np.errstate(all="ignore"):
                found = self.scorer.formulas[-1](self.scorer.units(*inputs))
            if not np.isfinite(found).all():
                raise BadInput("A prediction is not a number. Look for huge numbers, and missing ones in the offset.")
            parts.append(self.scorer.columns(found))
        return {name: np.concatenate([part[name] for part in parts]) for name in self.facts["columns"]}

    def anomaly(self, table: Any) -> dict[str, np.ndarray]:
        """Return the column of reconstruction errors of a table."""
        if self.facts["category"] != "AutoEncoder":
            raise BadInput(f"The model must be an autoencoder to find anomalies; it is {self.facts['category']}.")
        parts = []
        for inputs in self._inputs(table):
            numbers, active, _ = inputs
            wanted = np.zeros((len(numbers), self.facts["level_units"] + 1))
            for k in range(active.shape[1]):
                np.add.at(wanted, (np.arange(len(numbers)), active[:, k]), 1.0)
            error = self.scorer.units(*inputs) - np.hstack([wanted[:, :-1], numbers])
            parts.append((error**2).mean(axis=1))
        return {"Reconstruction.MSE": np.concatenate(parts)}

    def _inputs(self, table: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        names = [one.name for one in self.meanings]
        here = [name for name in names if name in table]
        if not here:
            raise BadInput(f"The rows have none of the model's columns ({', '.join(names)}).")
        if self.facts["offset"] is not None and self.facts["offset"] not in table:
            raise BadInput(f"The rows must have the offset column {self.facts['offset']!r}. Add it; 0 is neutral.")
        rows = len(table[here[0]])
        for start in range(0, max(rows, 1), ROWS):
            yield self._window(table, start, min(rows, start + ROWS))

    def _window(self, table: Any, start: int, end: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        def column(one: Meanings) -> np.ndarray:
            if one.name not in table:
                return np.full(end - start, one.missing, np.int64 if one.categorical else np.float64)
            return one.of(table[one.name][start:end])

        cells = [column(one) for one in self.meanings]
        offset = np.zeros(end - start)
        if self.facts["offset"] is not None:
            offset = column(self.offsets) * self.facts["offset_scale"]
        if self.strict and self.odd:
            raise BadInput(f"With strict, no cell may be odd: {'; '.join(self.odd)}.")
        numbers = np.zeros((end - start, len(self.facts["numbers"])), np.float32)
        for place, one in enumerate(self.facts["numbers"]):
            numbers[:, place] = self._scaled(one, cells[one["field"]])
        active = np.full((end - start, len(self.facts["levels"])), -1, np.int64)
        for place, (field, rows) in enumerate(self.facts["levels"]):
            active[:, place] = np.array(rows)[cells[field]]
        return numbers.astype(np.float64), active, offset

    def _scaled(self, one: Mapping[str, Any], cells: np.ndarray) -> np.ndarray:
        if "values" in one:
            return np.array(one["values"])[cells]
        with np.errstate(over="ignore"):
            found = ((np.where(np.isnan(cells), one["fill"], cells) - one["sub"]) * one["mul"]).astype(np.float32)
        if not np.isfinite(found).all():
            name = self.facts["fields"][one["field"]]["name"]
            raise BadInput(f"Column {name!r} must hold finite numbers; one is infinite, or too large. Replace it.")
        return found


def main(scorer: Scorer, arguments: Sequence[str]) -> int:
    """Score the rows of standard input, a CSV file with a header; return the exit code."""
    known = {"--strict", "--anomaly"}
    if set(arguments) - known:
        sys.stderr.write(f"Usage: python {sys.argv[0]} [--strict] [--anomaly] < rows.csv > predictions.csv\n")
        return 0 if set(arguments) <= known | {"-h", "--help"} else 2
    csv.field_size_limit(2**31 - 1)
    source = io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", errors="replace", newline="")
    target = io.TextIOWrapper(sys.stdout.buffer, "utf-8", errors="replace", newline="")
    session = scorer.session("--strict" in arguments)
    try:
        write_predictions(session, "--anomaly" in arguments, csv.reader(source, skipinitialspace=True), target)
    except (BadInput, csv.Error) as error:
        target.flush()
        sys.stderr.write(f"Error: {error}\n")
        return 2
    target.flush()
    for sentence in session.odd:
        sys.stderr.write(f"Warning: {sentence}. They count as missing.\n")
    return 0


def write_predictions(session: Session, anomaly: bool, source: Any, target: Any) -> None:
    """Write the predictions of rows that a CSV reader yields."""
    header = next((row for row in source if row), None)
    if header is None:
        raise BadInput("The input must be a CSV file with a header; it is empty.")
    wanted = {one.name for one in session.meanings} | {session.offsets.name}
    twice = sorted({name for name in header if name in wanted and header.count(name) > 1})
    if twice:
        raise BadInput(f"Each column may occur once; the header has {twice[0]!r} {header.count(twice[0])} times.")
    absent = [one.name for one in session.meanings if one.name not in header]
    if absent and len(absent) < len(session.meanings):
        sys.stderr.write(f"Warning: the rows have no column {', '.join(map(repr, absent))}: it counts as missing.\n")
    writer = csv.writer(target, lineterminator="\n")
    place = {name: position for position, name in enumerate(header) if name in wanted}
    for number, rows in enumerate(blocks(source, len(header))):
        table = {name: [row[position] for row in rows] for name, position in place.items()}
        found = session.anomaly(table) if anomaly else session.predict(table)
        if number == 0:
            writer.writerow(found)
        writer.writerows(zip(*(column.tolist() for column in found.values()), strict=True))


def blocks(source: Any, width: int) -> Iterator[list[list[str]]]:
    """Yield rows of `width` cells, some thousands at a time, at least one block; short ones end in missing cells."""
    rows: list[list[str]] = []
    first = True
    for row in source:
        if len(row) != width:
            if not row:
                continue
            if len(row) > width:
                raise BadInput(f"Line {source.line_num} must have {width} cells, as the header has; got {len(row)}.")
            row += [""] * (width - len(row))
        rows.append(row)
        if len(rows) == ROWS:
            yield rows
            rows, first = [], False
    if rows or first:
        yield rows


# The model, as daskdl 0.1.0 wrote it.
_FACTS = {
    'name': 'Golden',
    'category': 'Binomial',
    'response': 'y',
    'fields': [{'name': 'kind', 'levels': ['a', 'b,c', 'd"']}, {'name': 'size'}],
    'offset': None,
    'offset_scale': 1.0,
    'levels': [[0, [0, 1, 2, 3]]],
    'numbers': [{'field': 1, 'sub': 2.4317105263157894, 'mul': 0.5959547077048858, 'fill': 2.4317105263157894}],
    'columns': ['predict', 'no', 'yes'],
    'domain': ['no', 'yes'],
    'threshold': 0.3572288681313486,
    'order': [0, 1],
    'level_units': 4,
    'layers': [{'units': 5, 'pieces': 1, 'kept': 1.0}, {'units': 3, 'pieces': 1, 'kept': 1.0}, {'units': 2, 'pieces': 1, 'kept': 1.0}],
}


def _formula_0(v0: Any) -> Any:
    v1 = np.maximum(v0, 0.0)
    return v1


def _formula_1(v0: Any) -> Any:
    return v0


def _formula_2(v0: Any) -> Any:
    v1 = v0.max(axis=1, keepdims=True)
    v2 = v0 - v1
    v3 = np.exp(v2)
    v4 = v3.sum(axis=1, keepdims=True)
    v5 = v3 / v4
    return v5


_WEIGHTS = """
eJzzj/lmd/z9Z7s/Fpf3LWY23L/i/9x9ywv32N2Ul7LfueblvqUadvbdnz/aGaRx2nAsFdgv2vVl30Udif35s4r3MRAJzv822bPNwnJfpsa7ff
qtavsdFirvd+14Zaex+IvdI1MV+4dmt+weSFjYf+7bZ/e36Iqd8ra4fTX+R2xD7Z7sU5C6sXfh4wY7LaOVdgWli/eV9tTZRIvH2c8uZrXPbf+6
74wjs/3q6Dj7fUW59qfmdtof7ei3388Su//mAWt7TrOPdvdbHtltvm6/X1Gkz0669Y2NbOubPQA8E2Rp
"""
_SCORER = Scorer(_FACTS, _WEIGHTS, [_formula_0, _formula_0, _formula_1, _formula_2])
predict, anomaly = _SCORER.predict, _SCORER.anomaly


if __name__ == "__main__":
    sys.exit(main(_SCORER, sys.argv[1:]))
