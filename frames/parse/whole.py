"""Files that are read in one piece, in this process: Excel and SVMLight. (D)"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from frames.exceptions import H2OValueError
from frames.parse.declare import declare
from frames.parse.excel import read_excel
from frames.parse.guess import Setup, Wishes
from frames.parse.source import Source
from frames.parse.svmlight import read_svmlight
from frames.table.make import frame_from_columns, frame_from_sparse

if TYPE_CHECKING:
    from frames.frame import H2OFrame

Declarations = tuple[Any, Any, Any, Any]
"""col_names, col_types, na_strings and skipped_columns of `import_file`."""


def frame_from_whole(form: str, sources: Sequence[Source], wishes: Wishes, declarations: Declarations) -> "H2OFrame":
    """Return the frame of some Excel ("excel") or SVMLight files; cells of sheets are those of Python objects.

    Raises H2OValueError for types and missing texts that a matrix of numbers cannot have, and what the readers raise.
    """
    if form == "svmlight":
        return _frame_of_matrix(sources, declarations)
    sheet = read_excel(sources, wishes)
    setup = declare(sheet.setup, *declarations)
    return frame_from_columns(
        [setup.names[i] for i in setup.kept],
        [setup.forced.get(i) for i in setup.kept],
        [sheet.columns[i] for i in setup.kept],
        missing=[setup.missing[i] for i in setup.kept],
        option="col_types",
    )


def _frame_of_matrix(sources: Sequence[Source], declarations: Declarations) -> "H2OFrame":
    plain, matrix = read_svmlight(sources)
    setup = declare(plain, *declarations)
    _check(setup)
    frame = frame_from_sparse(matrix[:, list(setup.kept)], [setup.names[i] for i in setup.kept])
    for i in setup.kept:
        if setup.forced.get(i) == "enum":
            frame[setup.names[i]] = frame[setup.names[i]].asfactor()
    return frame


def _check(setup: Setup) -> None:
    if any(setup.missing):
        raise H2OValueError("na_strings must be left out for SVMLight files: what they do not name is 0.")
    odd = {i: type_ for i, type_ in setup.forced.items() if type_ not in ("int", "real", "enum")}
    if odd:
        i, type_ = next(iter(odd.items()))
        raise H2OValueError(
            f"Columns of an SVMLight file must be numbers or enum; '{setup.names[i]}' was declared {type_}."
        )
