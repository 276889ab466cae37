"""Files that are read in one piece, in this process: Excel and SVMLight. (D)"""

from collections.abc import Sequence
from typing import Any

from frames.exceptions import H2OValueError
from frames.parse.declare import declare
from frames.parse.excel import read_excel
from frames.parse.guess import Setup, Wishes
from frames.parse.source import Source
from frames.parse.svmlight import read_svmlight
from frames.table.casts import to_enum
from frames.table.make import table_from_columns, table_from_sparse
from frames.table.table import Table

Declarations = tuple[Any, Any, Any, Any]
"""col_names, col_types, na_strings and skipped_columns of `import_file`."""


def table_from_whole(form: str, sources: Sequence[Source], wishes: Wishes, declarations: Declarations) -> Table:
    """Return the frame of some Excel ("excel") or SVMLight files; cells of sheets are those of Python objects.

    Raises H2OValueError for types and missing texts that a matrix of numbers cannot have, and what the readers raise.
    """
    if form == "svmlight":
        return _frame_of_matrix(sources, declarations)
    sheet = read_excel(sources, wishes)
    setup = declare(sheet.setup, *declarations)
    return table_from_columns(
        [setup.names[i] for i in setup.kept],
        [setup.forced.get(i) for i in setup.kept],
        [sheet.columns[i] for i in setup.kept],
        missing=[setup.missing[i] for i in setup.kept],
        option="col_types",
    )


def _frame_of_matrix(sources: Sequence[Source], declarations: Declarations) -> Table:
    plain, matrix = read_svmlight(sources)
    setup = declare(plain, *declarations)
    _check(setup)
    table = table_from_sparse(matrix[:, list(setup.kept)], [setup.names[i] for i in setup.kept])
    places = list(table.resolved)
    for at, i in enumerate(setup.kept):
        if setup.forced.get(i) == "enum":
            places[at : at + 1] = to_enum([setup.names[i]], [places[at]], table.rows)
    return table.with_places(places)


def _check(setup: Setup) -> None:
    if any(setup.missing):
        raise H2OValueError("na_strings must be left out for SVMLight files: what they do not name is 0.")
    odd = {i: type_ for i, type_ in setup.forced.items() if type_ not in ("int", "real", "enum")}
    if odd:
        i, type_ = next(iter(odd.items()))
        raise H2OValueError(
            f"Columns of an SVMLight file must be numbers or enum; '{setup.names[i]}' was declared {type_}."
        )
