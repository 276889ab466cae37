"""Tables of SQL databases, read through pandas and SQLAlchemy in this process, a piece of rows at a time. (D)"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pandas as pd

from frames.cluster import registry
from frames.cluster.sending import send
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.table.assemble import table_from_tables
from frames.table.table import Named

ROWS = 100_000
"""Rows of one piece: what this process holds at a time."""

_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "sqlite": "sqlite",
}


def import_sql_table(
    connection_url: str,
    table: str,
    username: str | None = None,
    password: str | None = None,
    columns: Sequence[str] | None = None,
    optimize: bool = True,
    fetch_mode: str | None = None,
    num_chunks_hint: int | None = None,
) -> Named:
    """Read a table of a database into a frame.

    connection_url      an address of SQLAlchemy ("postgresql+psycopg://host/db", "sqlite:///file.db") or of JDBC
                        ("jdbc:postgresql://host/db"), which is translated
    table               its name, with or without its schema ("public.orders")
    username, password  if the address has none
    columns             the columns to read; default all
    optimize, fetch_mode, num_chunks_hint   accepted for H2O's sake; rows come through one connection of this process,
                        100,000 at a time

    Raises H2OValueError for a missing driver, with the package to install, FrameError for what the database refuses.

    Example: ``orders = import_sql_table("sqlite:///shop.db", "orders")``.
    """
    if not isinstance(table, str) or not table:
        raise H2OTypeError(f"table must be the name of a table; got {table!r}.")
    if columns is not None and (
        isinstance(columns, str) or not columns or not all(isinstance(c, str) for c in columns)
    ):
        raise H2OTypeError(f"columns must be a list of names; got {columns!r}.")
    sqlalchemy, engine = _engine(connection_url, username, password)
    schema, _, name = table.rpartition(".")
    try:
        told = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=engine, schema=schema or None)
    except sqlalchemy.exc.NoSuchTableError as error:
        raise FrameError(f"table must be one of the database; there is no '{table}'.") from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise _refused(error) from error
    unknown = [column for column in columns or () if column not in told.columns]
    if unknown:
        raise H2OValueError(
            f"columns must be of table {table}; got '{unknown[0]}'. It has {list(told.columns.keys())}."
        )
    chosen = [told.columns[column] for column in columns] if columns else [told]
    return Named(registry.file_key(name), _read(sqlalchemy, engine, sqlalchemy.select(*chosen)))


def import_sql_select(
    connection_url: str,
    select_query: str,
    username: str | None = None,
    password: str | None = None,
    optimize: bool = True,
    use_temp_table: bool | None = None,
    temp_table_name: str | None = None,
    fetch_mode: str | None = None,
    num_chunks_hint: int | None = None,
) -> Named:
    """Read what a SELECT gives into a frame; the other arguments are those of `import_sql_table`.

    `use_temp_table` and `temp_table_name` are accepted for H2O's sake; nothing is written to the database. Raises
    H2OValueError for a statement that is no SELECT.

    Example: ``import_sql_select("sqlite:///shop.db", "SELECT id, total FROM orders WHERE total > 10")``.
    """
    if not isinstance(select_query, str) or not re.match(r"\s*(select|with)\b", select_query, re.IGNORECASE):
        raise H2OValueError(f"select_query must be a SELECT statement; got {select_query!r}.")
    sqlalchemy, engine = _engine(connection_url, username, password)
    return Named(registry.file_key("sql_select"), _read(sqlalchemy, engine, sqlalchemy.text(select_query)))


def _engine(address: Any, username: str | None, password: str | None) -> tuple[Any, Any]:
    if not isinstance(address, str) or ("://" not in address and not address.startswith("jdbc:")):
        raise H2OValueError(f"connection_url must be an address such as postgresql+psycopg://host/db; got {address!r}.")
    try:
        import sqlalchemy
        import sqlalchemy.exc
    except ImportError as error:
        raise H2OValueError("Reading databases needs SQLAlchemy: pip install 'daskdl[sql]'.") from error
    text = address
    if text.startswith("jdbc:"):
        kind, _, rest = text.removeprefix("jdbc:").partition(":")
        text = f"{_DRIVERS.get(kind, kind)}:{rest if rest.startswith('//') else '///' + rest}"
    try:
        url = sqlalchemy.make_url(text)
        given = {"username": username, "password": password}
        return sqlalchemy, sqlalchemy.create_engine(url.set(**cast(Any, {k: v for k, v in given.items() if v})))
    except sqlalchemy.exc.ArgumentError as error:
        raise H2OValueError(f"connection_url must be an address such as sqlite:///file.db; got {address!r}.") from error
    except ImportError as error:
        raise H2OValueError(f"The driver of the database must be installed: pip install {error.name}.") from error


def _read(sqlalchemy: Any, engine: Any, statement: Any) -> Any:
    """All rows of a statement as one table; types and levels are decided over all pieces."""
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            pieces = list(_pieces(connection, statement))
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise _refused(error) from error
    finally:
        engine.dispose()
    return table_from_tables(send(pieces), pieces[0], None, None)


def _pieces(connection: Any, statement: Any) -> Iterator[pd.DataFrame]:
    found = connection.execute(statement)
    names = list(found.keys())
    first = True
    while rows := found.fetchmany(ROWS):
        yield pd.DataFrame.from_records([tuple(row) for row in rows], columns=names)
        first = False
    if first:
        yield pd.DataFrame(columns=names)


def _refused(error: Exception) -> FrameError:
    told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return FrameError(f"The database must answer the query; it said: {told}.")
